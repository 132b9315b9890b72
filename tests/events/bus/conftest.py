"""A bus that is balanced when a test ends."""

from collections.abc import AsyncIterator

import pytest

from tests.support.doubles import assert_balanced
from trading.events import (
    InMemoryEventBus,
)


@pytest.fixture
async def bus() -> AsyncIterator[InMemoryEventBus]:
    bus = InMemoryEventBus()
    yield bus
    assert_balanced(bus)
    await bus.aclose(timeout_s=5)
