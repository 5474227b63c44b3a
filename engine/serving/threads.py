"""One thread for the model, many requests on the event loop: items are handed over as they come.

A work that has steps shares the thread with the others: each is taken on by one, then what is between them.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")

Work = Callable[[Callable[[T], None], threading.Event], Iterator[None] | None]
"""Called with a function that takes each item, and an event that says when nobody wants more.

What it gives back are its steps; None: it is done.
"""


class _End:
    """The last item of a work's queue."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class ModelThread:
    """Runs works. `pending` counts those that wait or run; use it on the event loop.

    `between` is called, in the thread, whenever every work under way was taken on by a step.
    """

    def __init__(self, between: Callable[[], None] = lambda: None) -> None:
        self.pending = 0
        self._between = between
        self._inbox: queue.SimpleQueue[_Stream[Any] | None] = queue.SimpleQueue()
        self._wanted: set[threading.Event] = set()
        # A daemon: a conversion of minutes must not keep a server from ending.
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)
        self._thread.start()

    async def run(self, work: Work[T]) -> AsyncGenerator[T, None]:
        """The items of `work` as they come; its error is raised here. Closing the iterator ends the work.

        Close it for certain (contextlib.aclosing): the work goes on until then.
        """
        stream = _Stream(work, asyncio.get_running_loop())
        self.pending += 1
        self._wanted.add(stream.unwanted)
        self._inbox.put(stream)
        try:
            while True:
                item = await stream.items.get()
                if isinstance(item, _End):
                    if item.error is not None:
                        raise item.error
                    return
                yield item
        finally:
            stream.unwanted.set()
            stream.ended.add_done_callback(lambda _: self._forget(stream.unwanted))

    async def call(self, function: Callable[[], None]) -> None:
        """Run `function` in its turn."""
        async for _ in self.run(lambda tell, unwanted: function()):
            pass

    async def close(self, seconds: float) -> bool:
        """End everything; False when the thread was still at work after `seconds`."""
        for unwanted in self._wanted:
            unwanted.set()
        self._inbox.put(None)
        await asyncio.to_thread(self._thread.join, seconds)
        return not self._thread.is_alive()

    def _forget(self, unwanted: threading.Event) -> None:
        self.pending -= 1
        self._wanted.discard(unwanted)

    def _work(self) -> None:
        active: list[_Stream[Any]] = []
        open_ = True
        while open_ or active:
            try:
                stream = self._inbox.get(block=open_ and not active)
            except queue.Empty:
                pass
            else:
                open_ = open_ and stream is not None
                if stream is not None and stream.begin():
                    active.append(stream)
            active = [stream for stream in active if stream.go_on()]
            if active:
                self._between()


class _Stream(Generic[T]):
    """One work: what it hands over, and whether it has ended."""

    def __init__(self, work: Work[T], loop: asyncio.AbstractEventLoop) -> None:
        self.items: asyncio.Queue[T | _End] = asyncio.Queue()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.unwanted = threading.Event()
        self._work = work
        self._steps: Iterator[None] | None = None
        self._loop = loop

    def begin(self) -> bool:
        """In the model's thread: begin, unless nobody wants it any more; whether there is more to do."""
        try:
            if not self.unwanted.is_set():
                self._steps = self._work(self._tell, self.unwanted)
        except BaseException as raised:
            self._end(raised)
            return False
        if self._steps is None:
            self._end(None)
        return self._steps is not None

    def go_on(self) -> bool:
        """In the model's thread: take a step; whether there is more to do."""
        assert self._steps is not None
        try:
            next(self._steps)
        except StopIteration:
            self._end(None)
        except BaseException as raised:
            self._end(raised)
        else:
            return True
        return False

    def _end(self, error: BaseException | None) -> None:
        self._tell(_End(error))
        self._loop.call_soon_threadsafe(self.ended.set_result, None)

    def _tell(self, item: T | _End) -> None:
        self._loop.call_soon_threadsafe(self.items.put_nowait, item)
