"""What the server holds: the device's lease, one loaded variant, its knowledge bases, the traces.

Loads, and answers several at once by steps, in whichever one thread calls it. Knows nothing of HTTP.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from engine.jobs.queue import ask_to_release, device_name, keep_to
from engine.models.directory import ModelDirectory
from engine.models.variants import Parts, describe, knowledge_of, resolve
from engine.serving.replies import Reply, trace_of
from engine.serving.requests import BadRequest, ChatRequest
from store import clock
from store.errors import BusyError, TemperError
from store.leases import DeviceLease, Holder
from store.records.serving import ChatDelta
from store.records.workspace import ResolvedVariant
from store.traces import TraceWriter
from store.workspace import Workspace

if TYPE_CHECKING:
    from engine.inference.chat import Composition
    from engine.inference.passages import Searcher
    from engine.inference.remote import RemoteComposition
    from engine.inference.scheduler import Scheduler

log = logging.getLogger("temper.server")

OTHER_SERVER_SECONDS = 3.0  # how long another workspace's idle server may take to let go of the device


class Host:
    """One loaded variant at a time, loaded when asked for and again when its files or settings changed.

    `state` is a line for people, safe to read from any thread. `on_loaded` hears what is loaded now.
    """

    def __init__(
        self, root: Path, default: str | None, on_loaded: Callable[[ResolvedVariant | None], None]
    ) -> None:
        self.root = root
        self.state = "nothing loaded"
        self.variant: ResolvedVariant | None = None
        self._default = default
        self._on_loaded = on_loaded
        self._workspace = Workspace(root)
        self._lease = DeviceLease(device_name())
        keep_to([self._lease.device])
        self._composition: Composition | RemoteComposition | None = None
        self._stamp = b""
        self._searchers: dict[str, Searcher] = {}
        self._answering = 0  # answers under way
        self._changing = False  # whether somebody waits for their end, to load another variant
        self._traces = TraceWriter(self._workspace.paths.traces)

    def load(self, reference: str, say: Callable[[str], None] = lambda words: None) -> ResolvedVariant:
        """Have `reference` (empty: the server's own) ready. `say` hears each step when there are any.

        Raises BusyError when a job has the device, and whatever is wrong with the variant.
        """
        self._workspace = Workspace(self.root)  # its settings may have changed
        parts = describe(self._workspace, reference or self._default)
        stamp = stamp_of(parts)
        if self.variant is not None and stamp == self._stamp:
            return self.variant
        self._unload()

        def tell(words: str) -> None:
            self.state = f"loading {parts.name}: {words}"
            log.info("%s", self.state)
            say(words)

        tell("starting")
        try:
            if parts.remote is None:
                self._take_device()
            else:  # it answers elsewhere
                self._lease.release()
            return self._load(parts, stamp, tell)
        except BaseException:
            self.release()
            self.state = f"{parts.name} could not be loaded"
            raise

    def ready(
        self, reference: str, say: Callable[[str], None] = lambda words: None
    ) -> Generator[None, None, ResolvedVariant]:
        """Steps that end when `reference` is loaded. Another variant waits until no answer is under way.

        Raises as `load` does.
        """
        while self._changing:  # whoever comes later must not keep it waiting
            yield
        parts = describe(Workspace(self.root), reference or self._default)
        if self._answering and stamp_of(parts) != self._stamp:
            self._changing = True
            try:
                while self._answering:
                    yield
            finally:
                self._changing = False
        return self.load(reference, say)

    def step(self) -> None:
        """Compute a step of all answers under way."""
        computed: Scheduler | None = getattr(self._composition, "scheduler", None)  # a remote model has none
        if computed is not None and computed.busy:
            try:
                computed.step()
            except TemperError as failure:  # every answer under way has it too, and tells it
                log.error("%s: %s", failure.title, failure.happened)

    def answer(
        self,
        request: ChatRequest,
        reply: Reply,
        tell: Callable[[ChatDelta], None],
        stopped: Callable[[], bool],
    ) -> Iterator[None]:
        """Steps that answer `request`: every delta goes to `tell`, the whole into the traces, errors too.

        `step` computes between them. Sets `reply.model` to the variant's name once that is known. Raises as
        `load` does, and UsageError for a conversation that the model cannot take.
        """
        time_asked, deltas, error = clock.stamp(), list[ChatDelta](), ""
        try:
            variant = yield from self.ready(request.model)
            reply.model = variant.name
            self.state = f"answering with {variant.name}"
            for delta in self._stream(request, variant, stopped):
                if delta is None:
                    yield
                    continue
                deltas.append(delta)
                if delta.finish_reason is None:
                    tell(delta)
        except TemperError as failure:
            error = f"{failure.title}: {failure.happened}"
            raise
        except Exception as failure:
            error = f"{type(failure).__name__}: {failure}"
            raise
        finally:
            if self.variant is not None and not self._answering:
                self.state = f"ready: {self.variant.name}"
            self._record(reply, time_asked, request, deltas, error)
        tell(deltas[-1])  # whoever has read the end of an answer finds its trace

    def release(self) -> None:
        """Give back memory and device; the next question loads again."""
        self._unload()
        self._lease.release()
        self.state = "device given back"

    def close(self) -> None:
        """Release everything."""
        self.release()
        self._traces.close()

    def _load(self, parts: Parts, stamp: bytes, tell: Callable[[str], None]) -> ResolvedVariant:
        from engine.inference.opening import open_composition

        reference = parts.name
        variant = resolve(self._workspace, reference, tell)
        tell("reading the model")
        self._composition = open_composition(variant)
        self.variant, self._stamp = variant, stamp
        self.state = f"ready: {variant.name}"
        self._on_loaded(variant)
        return variant

    def _unload(self) -> None:
        for searcher in self._searchers.values():
            searcher.close()
        self._searchers.clear()
        if self._composition is not None:
            self._composition.close()
        if self.variant is not None:
            self._on_loaded(None)
        self._composition = self.variant = None

    def _take_device(self) -> None:
        if self._lease.held:
            return
        paths = self._workspace.paths
        what = f"the chat of {self._workspace.name}"
        deadline = time.monotonic() + OTHER_SERVER_SECONDS
        while not self._lease.acquire(os.getpid(), what, str(self.root), str(paths.server)):
            holder = self._lease.holder()
            idle = holder is not None and bool(holder.server) and ask_to_release(Path(holder.server))
            if (holder is not None and not idle) or time.monotonic() > deadline:
                raise busy(self._lease.device, holder)
            time.sleep(0.02)

    def _stream(
        self, request: ChatRequest, variant: ResolvedVariant, stopped: Callable[[], bool]
    ) -> Iterator[ChatDelta | None]:
        """The deltas of an answer as they come; None where a step is needed first."""
        from engine.inference.answers import Ask
        from engine.inference.chat import Composition
        from engine.inference.structured.structure import structure_of

        assert self._composition is not None  # load() made it
        extras = request.extras
        knowledge = extras.kb or knowledge_of(self._workspace, variant.name, variant.knowledge)
        searcher = self._searcher(knowledge) if extras.retrieval and knowledge else None
        ask = Ask(
            request.messages,
            extras.retrieval,
            request.sampling(variant.sampling),
            extras.prompt,
            request.stop,
            structure=structure_of(request.output) if request.output else None,
            tools=request.tools,
            tool_choice=request.tool_choice,
            parallel_tool_calls=request.parallel_tool_calls,
            bias=request.bias,
            logprobs=request.logprobs,
        )
        self._answering += 1
        try:
            if not isinstance(self._composition, Composition):
                refuse_unforwarded(request)
                yield from self._composition.respond(ask, searcher, stopped)
                return
            answering = self._composition.begin(ask, searcher, stopped)
            while not answering.done:
                yield None
                yield from answering.deltas()
        finally:
            self._answering -= 1

    def _searcher(self, knowledge: str) -> Searcher:
        from engine.retrieval.search import open_searcher

        if knowledge not in self._searchers:
            self._searchers[knowledge] = open_searcher(self._workspace, knowledge)
        return self._searchers[knowledge]

    def _record(
        self, reply: Reply, asked: str, request: ChatRequest, deltas: list[ChatDelta], error: str
    ) -> None:
        try:
            self._traces.append(trace_of(reply, asked, request.messages, deltas, error))
        except TemperError as failure:  # an answer is worth more than its trace
            log.error("the trace was not written: %s", failure)


def busy(device: str, holder: Holder | None) -> BusyError:
    """Somebody else has the device: who, since when."""
    what = "processor" if device == "cpu" else "GPU"
    if holder is None:
        return BusyError(f"The {what} is in use", "It is changing hands just now.", "Ask again in a moment.")
    seconds = (clock.now() - clock.parse(holder.since)).total_seconds()
    duration = f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
    where = f" in {holder.workspace}" if holder.workspace else ""
    remedy = "Ask again when it is done."
    if not holder.server:
        remedy += f" Watch it: temper runs attach {holder.what}. Stop it: temper runs stop {holder.what}"
    return BusyError(
        f"The {what} is in use",
        f"{holder.what}{where} (process {holder.pid}) has it since {holder.since}, for {duration}.",
        remedy,
    )


def refuse_unforwarded(request: ChatRequest) -> None:
    """Raise BadRequest for what a model behind an API is not asked for."""
    for name, asked in (("logprobs", request.logprobs is not None), ("logit_bias", request.bias)):
        if asked:
            raise BadRequest(name, f"This variant's model is behind an API, which is not asked for {name}.")


def stamp_of(parts: Parts) -> bytes:
    """What would be loaded, with size and time of its files: another stamp means to load again."""
    files = [parts.model] if parts.remote is None else []
    if files and parts.model.is_dir():
        base = ModelDirectory(parts.model)
        files = [*base.shards, *sorted(parts.model.glob("*.json")), *parts.model.glob("*.jinja")]
    if parts.adapter is not None:
        files += sorted(path for path in parts.adapter.iterdir() if path.is_file())
    files += [Path(one.path) for one in parts.adapters]
    stats = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.exists()]
    return msgspec.json.encode([parts, stats], enc_hook=str)
