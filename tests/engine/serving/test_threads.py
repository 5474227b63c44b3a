"""The model's thread: works with steps go on side by side, and one that fails does not end the others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

from engine.serving.threads import ModelThread

Tell = Callable[[str], None]


async def items(
    thread: ModelThread, work: Callable[[Tell, threading.Event], Iterator[None] | None]
) -> list[str]:
    """What a work hands over."""
    return [item async for item in thread.run(work)]


def test_works_with_steps_go_on_side_by_side() -> None:
    begun, turns = threading.Event(), []

    def first(tell: Tell, unwanted: threading.Event) -> Iterator[None]:
        while not begun.is_set():  # only the second work ends this
            yield
        tell("first")

    def second(tell: Tell, unwanted: threading.Event) -> Iterator[None]:
        begun.set()
        yield
        tell("second")

    async def both() -> tuple[list[str], list[str]]:
        thread = ModelThread(lambda: turns.append("between"))
        told = asyncio.gather(items(thread, first), items(thread, second))
        one, two = await asyncio.wait_for(told, 30)
        assert await thread.close(10)
        return one, two

    assert asyncio.run(both()) == (["first"], ["second"])
    assert turns


def test_a_work_that_fails_does_not_end_the_others() -> None:
    def failing(tell: Tell, unwanted: threading.Event) -> Iterator[None]:
        yield
        raise ValueError("no")

    def fine(tell: Tell, unwanted: threading.Event) -> Iterator[None]:
        yield
        yield
        tell("fine")

    async def both() -> None:
        thread = ModelThread()
        failed, told = await asyncio.gather(
            items(thread, failing), items(thread, fine), return_exceptions=True
        )
        assert isinstance(failed, ValueError)
        assert told == ["fine"]
        assert await thread.close(10)

    asyncio.run(both())


def test_closing_ends_what_goes_on() -> None:
    ended = threading.Event()

    def endless(tell: Tell, unwanted: threading.Event) -> Iterator[None]:
        tell("begun")
        while not unwanted.is_set():
            yield
        ended.set()

    async def closed() -> None:
        thread = ModelThread()
        stream = thread.run(endless)
        assert await anext(stream) == "begun"
        assert await thread.close(10)
        await stream.aclose()

    asyncio.run(closed())
    assert ended.is_set()
