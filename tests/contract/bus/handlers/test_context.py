"""Context, second half: a handler runs in its subscription's own copy of the context."""

import asyncio
from contextvars import ContextVar
from typing import Any

from tests.support.doubles import Bus, full_queue, number_of, tick, ticks, turns
from trading.events import BaseEvent

account: ContextVar[str] = ContextVar("account", default="nobody")


async def test_a_handler_sees_the_context_in_which_it_was_subscribed(bus: Bus) -> None:
    """Turned red by: running handlers in the context of the first publisher."""
    seen: list[str] = []

    async def handler(_event: BaseEvent) -> None:
        seen.append(account.get())
        await asyncio.sleep(0)
        seen.append(account.get())

    account.set("alice")
    await bus.subscribe("tick", handler)
    account.set("bob")
    await bus.publish(tick(1))
    await bus.join()
    assert seen == ["alice", "alice"]


async def test_a_plain_function_runs_in_the_context_of_its_subscription_too(bus: Bus) -> None:
    """Turned red by: entering the context only around coroutines."""
    seen: list[str] = []
    account.set("alice")
    await bus.subscribe("tick", lambda _event: seen.append(account.get()))
    account.set("bob")
    await bus.publish(tick(1))
    await bus.join()
    assert seen == ["alice"]


async def test_each_subscription_has_its_own_copy(bus: Bus) -> None:
    """Turned red by: one context for the whole bus."""
    seen: dict[str, list[str]] = {"first": [], "second": []}

    def noting(name: str) -> Any:
        async def handler(_event: BaseEvent) -> None:
            seen[name].append(account.get())
            account.set(name)
            await turns(2)
            seen[name].append(account.get())

        return handler

    for name in seen:
        await bus.subscribe("tick", noting(name))
    await bus.publish(tick(1))
    await bus.join()
    assert seen == {"first": ["nobody", "first"], "second": ["nobody", "second"]}
    assert account.get() == "nobody"


async def test_what_a_handler_sets_is_there_at_its_next_event(bus: Bus) -> None:
    """Turned red by: a fresh copy for every event."""
    seen: list[str] = []

    async def handler(event: BaseEvent) -> None:
        seen.append(account.get())
        account.set(f"after {number_of(event)}")

    await bus.subscribe("tick", handler)
    await bus.publish_batch(ticks([0, 1, 2]))
    await bus.join()
    assert seen == ["nobody", "after 0", "after 1"]


async def test_the_tasks_of_a_handler_inherit_its_context(bus: Bus) -> None:
    """Turned red by: leaving the context before the handler's own code runs."""
    seen: list[str] = []

    async def child() -> None:
        seen.append(account.get())

    async def handler(_event: BaseEvent) -> None:
        account.set("mine")
        await asyncio.sleep(0)
        await asyncio.create_task(child())
        asyncio.get_running_loop().call_soon(lambda: seen.append(account.get()))
        await turns(2)

    await bus.subscribe("tick", handler)
    await bus.publish(tick(1))
    await bus.join()
    assert seen == ["mine", "mine"]


async def test_on_gap_runs_in_the_same_context(bus: Bus) -> None:
    """Turned red by: entering the context only around handlers."""
    seen: list[str] = []
    account.set("alice")
    gate, _ = await full_queue(bus, overflow="drop_oldest", on_gap=lambda _gap: seen.append(account.get()))
    account.set("bob")
    await bus.publish(tick(2))
    await turns()
    gate.open()
    await bus.join()
    assert seen == ["alice"]


async def test_the_publishers_context_is_left_alone(bus: Bus) -> None:
    """Turned red by: not leaving the context after a handler that raised."""

    async def handler(_event: BaseEvent) -> None:
        account.set("changed")
        raise ValueError("broken")

    await bus.subscribe("tick", handler)
    account.set("alice")
    await bus.publish(tick(1))
    await bus.join()
    assert account.get() == "alice"
