"""What a hang is explained by."""

import asyncio

from tests.support.standing import tasks_standing


async def _wait_for_ever() -> None:
    await asyncio.Event().wait()


async def _wait_in_there() -> None:
    await _wait_for_ever()


async def test_tasks_are_told_of_with_every_call_they_are_in() -> None:
    """Turned red by: telling of the outermost call alone."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_wait_in_there(), name=name) for name in ("first", "second")]
        await asyncio.sleep(0)
        told = tasks_standing()
        for task in tasks:
            task.cancel()
    calls = told[told.index("first, second:") :]
    assert calls.index("_wait_in_there (") < calls.index("_wait_for_ever (") < calls.index("Event.wait (")


def test_without_a_loop_there_is_nothing_to_tell() -> None:
    """Turned red by: asking for the tasks of a loop that is none."""
    assert tasks_standing() == "no loop runs"
