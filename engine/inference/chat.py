"""A variant as something that answers: prompt, retrieval, generation and citations put together.

What is evaluated, asked and served all comes through here, and its prompt is the one that training rendered.
Does not know HTTP, jobs, or where the variant's names came from.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from engine.inference.answering import Answering
from engine.inference.answers import Answer, Ask, Prompt, refused
from engine.inference.choosing import Chooser, Choosing
from engine.inference.generate import AdapterSet, Request, never
from engine.inference.llama import CONTEXT_CAP, Model, context_size
from engine.inference.passages import Searcher, passages_for
from engine.inference.scheduler import PARALLEL, Scheduler
from engine.inference.structured.call_form import CallForm, explained
from engine.inference.structured.call_reading import call_form
from engine.inference.structured.structure import Structure, structure_of
from engine.inference.structured.tools import ToolSet, form_for
from engine.inference.structured.vocabulary import Vocabulary
from engine.models.chat import last_user, plain_shots, render_chat, render_plain, with_shots, with_system
from engine.models.turns import Tool
from engine.retrieval.prompt import with_context
from store.errors import TemperError, UsageError
from store.records.data import Message
from store.records.knowledge import Hit
from store.records.serving import ChatDelta
from store.records.workspace import ResolvedVariant, Sampling

ANSWER_SHARE = 4
"""Passages must leave a quarter of the context for the answer, or `max_tokens` where that is less."""
WINDOW = 4
"""Conversations prepared ahead, for each that is computed at once."""


class Composition:
    """A loaded variant that answers several conversations at once. `close` frees it and its searcher.

    `begin` and `step` are for whoever has other things to do in between, such as a server; the others
    compute until they have what was asked for. For one thread. Raises MissingError, UsageError or TemperError
    when the GGUF cannot be loaded or nothing says how a conversation is written for it.
    """

    def __init__(
        self,
        variant: ResolvedVariant,
        searcher: Searcher | None = None,
        *,
        context_cap: int = CONTEXT_CAP,
        parallel: int = PARALLEL,
    ) -> None:
        self.variant = variant
        self.searcher = searcher
        self.parallel = parallel
        self._structure = structure_of(variant.output) if variant.output else None  # refused before loading
        self.model = Model(Path(variant.gguf))
        try:
            self._chat_template = "" if variant.template else checked_template(self.model, variant)
            size = context_size(self.model, cap=context_cap)
            self.scheduler = Scheduler(self.model, size, parallel=parallel)
            self.scheduler.load(self.adapters)
            self._chooser = Chooser(self.model, size, self.adapters)
        except BaseException:
            self.model.close()
            raise

    def answer(
        self,
        messages: Sequence[Message],
        retrieval: bool = True,
        sampling: Sampling | None = None,
    ) -> Answer:
        """The next assistant message. Raises UsageError for a conversation that the model cannot take."""
        answering = self.begin(Ask(messages, retrieval, sampling))
        for _ in self._computed(answering):
            pass
        return answering.answer()

    def answer_many(
        self, conversations: Iterable[Ask | Sequence[Message]], retrieval: bool = True
    ) -> Iterator[tuple[int, Answer]]:
        """Every conversation's answer with its place among them, as they get finished: in any order.

        An `Ask` has settings of its own. A conversation that the model cannot take has an answer with
        `error`, and the others go on. Conversations are taken a window at a time, the longest prompts first,
        so that few wait for one in the end. Closing the iterator ends what is not finished. Raises
        TemperError where llama.cpp gives up.
        """
        coming = iter(enumerate(conversations))
        under_way: dict[int, Answering] = {}
        try:
            while True:
                if self.scheduler.waiting < self.parallel:
                    window = list(itertools.islice(coming, WINDOW * self.parallel))
                    before, left = list(under_way.values()), time.perf_counter()
                    for index, answer in self._begin_window(window, retrieval, under_way):
                        yield index, answer
                    pause(before, left)
                if not under_way:
                    return
                self.step()
                for index, answering in list(under_way.items()):
                    if (done := finished(answering)) is not None:
                        del under_way[index]
                        left = time.perf_counter()
                        yield index, done
                        pause(under_way.values(), left)
        finally:
            for answering in under_way.values():
                answering.cancel()

    def stream(
        self,
        messages: Sequence[Message],
        retrieval: bool = True,
        sampling: Sampling | None = None,
        *,
        searcher: Searcher | None = None,
        system: str | None = None,
        stops: Sequence[str] = (),
        stopped: Callable[[], bool] = never,
    ) -> Iterator[ChatDelta]:
        """Pieces of the next assistant message as they come; the last has everything else.

        `searcher` and `system` stand in for the variant's own; `stops` end the answer; `stopped` is asked
        between tokens. Raises UsageError for a conversation that the model cannot take.
        """
        yield from self.respond(Ask(messages, retrieval, sampling, system, stops), searcher, stopped)

    def respond(
        self, ask: Ask, searcher: Searcher | None = None, stopped: Callable[[], bool] = never
    ) -> Iterator[ChatDelta]:
        """`stream` for whoever wants more than a conversation: an output shape, tools, adapters."""
        yield from self._computed(self.begin(ask, searcher, stopped))

    def begin(
        self, ask: Ask, searcher: Searcher | None = None, stopped: Callable[[], bool] = never
    ) -> Answering:
        """Find the passages for a conversation and have it answered by the steps that follow.

        `searcher` stands in for the variant's own. Raises UsageError when the model cannot take it.
        """
        return self._submit(*self._prepare(ask, searcher, stopped))

    def step(self) -> None:
        """Compute a step of all answers under way. Raises TemperError where llama.cpp gives up."""
        self.scheduler.step()

    def _computed(self, answering: Answering) -> Iterator[ChatDelta]:
        """The deltas of one answer, computed as they are asked for."""
        try:
            while not answering.done:
                self.step()
                yield from answering.deltas()
        finally:
            answering.cancel()

    def _begin_window(
        self,
        window: list[tuple[int, Ask | Sequence[Message]]],
        retrieval: bool,
        under_way: dict[int, Answering],
    ) -> Iterator[tuple[int, Answer]]:
        """Begin the answers of a window, the longest first; those that cannot be, and those that are chosen
        and not written, are given back.
        """
        ready = []
        choosing = []
        for index, conversation in window:
            ask = conversation if isinstance(conversation, Ask) else Ask(conversation, retrieval)
            try:
                if ask.choices:
                    asked = self._choosing(ask)
                    choosing.append((index, asked, self._chooser.check(asked)))
                else:
                    ready.append((index, self._prepare(ask)))
            except UsageError as error:
                yield index, refused(error)
        chosen = self._chooser.answers([one for _, one, _ in choosing], [one for _, _, one in choosing])
        yield from zip((index for index, _, _ in choosing), chosen, strict=True)
        for index, prepared in sorted(ready, key=lambda one: -len(one[1][0].ids)):
            try:
                under_way[index] = self._submit(*prepared)
            except UsageError as error:
                yield index, refused(error)

    def _prepare(
        self, ask: Ask, searcher: Searcher | None = None, stopped: Callable[[], bool] = never
    ) -> tuple[Request, Prompt, float, Structure | None]:
        sampling = ask.sampling or self.variant.sampling
        hits, retrieval_ms = passages_for(ask, searcher or self.searcher, self.variant.top_k)
        tools = ask.tools if ask.tool_choice != "none" else ()
        prompt = self.prompt(
            ask.messages, hits, system=ask.system, max_tokens=sampling.max_tokens, tools=tools
        )
        tail = self._template_tail()
        structure = self._structure_for(ask)
        constraint = ask.constraint
        if structure is not None and constraint is None:
            constraint = structure.grammar(Vocabulary.of(self.model), self._spaced).start()
        request = Request(
            prompt.ids,
            sampling,
            stops=[*ask.stops, tail] if tail.strip() else ask.stops,
            trailing=tail,
            constraint=constraint,
            adapters=ask.adapters or self.adapters,
            bias=ask.bias,
            logprobs=ask.logprobs,
            stopped=stopped,
        )
        return request, prompt, retrieval_ms, structure

    def _choosing(self, ask: Ask) -> Choosing:
        """The prompt of an answer that is chosen, with room for the longest choice."""
        hits, retrieval_ms = passages_for(ask, self.searcher, self.variant.top_k)
        room = max(len(self.model.tokenise(one)) for one in ask.choices) + 1
        prompt = self.prompt(ask.messages, hits, system=ask.system, max_tokens=room)
        return Choosing(prompt, ask.choices, ask.per_byte, retrieval_ms)

    def _submit(
        self, request: Request, prompt: Prompt, retrieval_ms: float, structure: Structure | None
    ) -> Answering:
        return Answering(self.scheduler.submit(request), prompt, retrieval_ms, self._spaced, structure)

    @property
    def adapters(self) -> AdapterSet:
        """What the variant puts onto its model."""
        return tuple((one.path, one.scale) for one in self.variant.adapters)

    @property
    def _spaced(self) -> bool:
        """SentencePiece writes a word's space before it: a chat answer's first word brings one too many."""
        return not self.variant.template and self.model.writes_spaces_first

    def prompt(
        self,
        messages: Sequence[Message],
        hits: Sequence[Hit] = (),
        *,
        system: str | None = None,
        max_tokens: int = 0,
        tools: Sequence[Tool] = (),
    ) -> Prompt:
        """The conversation as token ids, with as many of `hits` as fit: the worst are left out first."""
        kept = list(hits)
        room = self.scheduler.size - min(max_tokens, self.scheduler.size // ANSWER_SHARE)
        while True:
            text = self.prompt_text(with_context(messages, kept), system, tools)
            ids = self.model.encode_prompt(text)
            if len(ids) <= room or not kept:
                break
            kept.pop()
        notices = []
        if len(kept) < len(hits):
            notices.append(
                f"{len(hits) - len(kept)} of {len(hits)} passages were left out: "
                f"the model reads {self.scheduler.size:,} tokens."
            )
        return Prompt(ids, kept, notices, text)

    def read(self, ask: Ask, hits: Sequence[Hit]) -> str:
        """What the model reads of a conversation and its passages, word for word."""
        return self.prompt_text(with_context(ask.messages, hits), ask.system, ask.tools)

    def prompt_text(
        self, messages: Sequence[Message], system: str | None = None, tools: Sequence[Tool] = ()
    ) -> str:
        """The conversation as the model was made (or trained) to read it, ready for its answer."""
        if self.variant.template:
            shown = plain_shots(self.variant.template, self.variant.shots)
            return shown + render_plain(self.variant.template, last_user(messages))
        form = self._form(tools) if tools else None
        return render_chat(
            self._chat_template,
            with_shots(self._told(messages, system, tools, form), self.variant.shots),
            add_generation_prompt=True,
            bos_token=self.model.bos_text,
            eos_token=self.model.eos_text,
            tools=tools if form is not None and form.told else (),
        )

    def _form(self, tools: Sequence[Tool]) -> CallForm:
        """How calls of `tools` are written: as the template teaches, where that can be followed."""
        stops = tuple(sorted(self.model.token_text(token) for token in self.model.stop_ids))
        return form_for(tools, call_form(self._chat_template, stops))

    def _told(
        self, messages: Sequence[Message], system: str | None, tools: Sequence[Tool], form: CallForm | None
    ) -> list[Message]:
        """The conversation with its system message, and in it the tools where the template tells of none."""
        found = with_system(messages, self.variant.system if system is None else system)
        if form is None or form.told:
            return found
        own = found.pop(0).content if found and found[0].role == "system" else ""
        return [Message("system", "\n\n".join(filter(None, [own, explained(tools, form)]))), *found]

    def _structure_for(self, ask: Ask) -> Structure | None:
        """What the answer must be: calls of tools, or as asked, or as the variant says."""
        if not ask.tools or ask.tool_choice == "none":
            return ask.structure or self._structure
        if self.variant.template:
            raise UsageError(
                "This variant cannot call tools",
                f"{self.variant.name!r} has a plain template, which has no place for them.",
                "Ask a model with a chat template, or leave `tools` out.",
            )
        form = self._form(ask.tools)
        return ToolSet(ask.tools, ask.tool_choice, form, ask.parallel_tool_calls).structure

    def close(self) -> None:
        """Free the model and close the searcher."""
        self.scheduler.close()
        self._chooser.close()
        self.model.close()
        if self.searcher is not None:
            self.searcher.close()

    def _template_tail(self) -> str:
        """What a plain template writes behind the answer: a model trained with it writes that too."""
        return self.variant.template.partition("{completion}")[2]


def finished(answering: Answering) -> Answer | None:
    """The answer once it is done; its own failure is one with `error`."""
    try:
        answering.deltas()
    except TemperError as error:
        return refused(error)
    return answering.answer() if answering.done else None


def pause(answers: Iterable[Answering], since: float) -> None:
    """What was done since then by the performance counter, in seconds, is no time of these answers."""
    away = time.perf_counter() - since
    for answering in answers:
        answering.generation.pause(away)


def checked_template(model: Model, variant: ResolvedVariant) -> str:
    """The GGUF's chat template. Raises UsageError when it has none."""
    if model.chat_template:
        return model.chat_template
    raise UsageError(
        "Nothing says how a conversation is written for this model",
        f"{model.path.name} has no chat template and {variant.name!r} no plain one.",
        'Give the variant one in temper.toml, for example: template = "{prompt}\\n{completion}"\n'
        "or train an adapter with a recipe that has a `template`.",
    )
