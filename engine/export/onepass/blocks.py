"""Blocks of rows of many tensors for several threads: merging and quantising share all cores.

A tensor's blocks come in order and are read and merged by one thread at a time; what a thread does with a
block is its own. At most as many tensors are open as there are threads. Knows nothing of GGUF.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

import torch

from engine.export.merge_plan import MergedModel

POLL_SECONDS = 0.1

Take = Callable[[str, int, torch.Tensor], None]
"""What is done with a block: name of the tensor, first row, rows."""


class _Open:
    """A tensor that is being read."""

    def __init__(self, name: str, blocks: Iterator[torch.Tensor]) -> None:
        self.name = name
        self.lock = threading.Lock()
        self._blocks = blocks
        self._row = 0

    def next(self) -> tuple[int, torch.Tensor] | None:
        """First row and rows of the next block; None behind the last."""
        rows = next(self._blocks, None)
        if rows is None:
            return None
        start, self._row = self._row, self._row + len(rows)
        return start, rows


class Blocks:
    """The blocks of `names`, in that order as far as threads allow; any thread may ask for the next."""

    def __init__(self, model: MergedModel, names: Sequence[str]) -> None:
        self._model = model
        self._waiting = list(reversed(names))
        self._open: list[_Open] = []
        self._lock = threading.Lock()
        self.stopped = False

    def next(self) -> tuple[str, int, torch.Tensor] | None:
        """Name, first row and rows of a block; None when there are no more, or it was stopped."""
        while not self.stopped:
            tensor = self._hold()
            if tensor is None:
                return None
            try:
                found = tensor.next()
            finally:
                tensor.lock.release()
            if found is not None:
                return (tensor.name, *found)
            with self._lock:
                if tensor in self._open:
                    self._open.remove(tensor)
        return None

    def _hold(self) -> _Open | None:
        """A tensor that no other thread reads, locked: an open one, else a new one, else one to wait for."""
        with self._lock:
            for tensor in self._open:
                if tensor.lock.acquire(blocking=False):
                    return tensor
            if self._waiting:
                name = self._waiting.pop()
                tensor = _Open(name, self._model.blocks(name))
                tensor.lock.acquire()
                self._open.append(tensor)
                return tensor
            if not self._open:
                return None
            tensor = self._open[0]
        tensor.lock.acquire()
        return tensor


def work_through(
    model: MergedModel,
    names: Sequence[str],
    take: Take,
    threads: int,
    tick: Callable[[], None],
) -> None:
    """Give every block of `names` to `take`, on so many threads. `tick` is called a few times per second.

    What any of them raises stops all.
    """
    blocks = Blocks(model, names)

    def work() -> None:
        torch.set_num_threads(1)  # a block is a millisecond's work
        while (found := blocks.next()) is not None:
            take(*found)

    with ThreadPoolExecutor(threads) as pool:
        running = {pool.submit(work) for _ in range(threads)}
        try:
            while running:
                done, running = wait(running, timeout=POLL_SECONDS, return_when=FIRST_EXCEPTION)
                for one in done:
                    one.result()
                tick()
        finally:
            blocks.stopped = True
