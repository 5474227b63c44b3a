"""A variant as something that answers: prompt, retrieval, generation and citations put together.

What is evaluated, asked and served all comes through here, and its prompt is the one that training rendered.
Does not know HTTP, jobs, or where the variant's names came from.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from engine.inference.answers import Answer, Ask, Prompt, refused
from engine.inference.generate import Generation
from engine.inference.llama import CONTEXT_CAP, Context, Model, context_size
from engine.models.chat import last_user, render_chat, render_plain, with_system
from engine.retrieval.prompt import cite, with_context
from store.errors import UsageError
from store.records.data import Message
from store.records.knowledge import Hit, SearchResult
from store.records.serving import ChatDelta
from store.records.traces import Timings
from store.records.workspace import ResolvedVariant, Sampling

ANSWER_SHARE = 4
"""Passages must leave a quarter of the context for the answer, or `max_tokens` where that is less."""


class Searcher(Protocol):
    """Whatever finds passages: engine.retrieval.search has the real one."""

    def search(self, query: str, top_k: int) -> SearchResult:
        """The best `top_k` passages."""

    def close(self) -> None:
        """Let go of what is open."""


class Composition:
    """A loaded variant. `close` frees it and closes the searcher. One answer at a time.

    Raises MissingError, UsageError or TemperError when the GGUF cannot be loaded or nothing says how a
    conversation is written for it.
    """

    def __init__(
        self, variant: ResolvedVariant, searcher: Searcher | None = None, *, context_cap: int = CONTEXT_CAP
    ) -> None:
        self.variant = variant
        self.searcher = searcher
        self.model = Model(Path(variant.gguf))
        try:
            self._chat_template = "" if variant.template else checked_template(self.model, variant)
            self.context = Context(self.model, context_size(self.model, cap=context_cap))
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
        for delta in self.stream(messages, retrieval, sampling):
            last = delta
        return Answer(
            last.answer,
            last.finish_reason or "stopped",
            last.prompt_tokens,
            last.completion_tokens,
            last.citations,
            last.hits,
            last.notices,
            last.timings or Timings(),
        )

    def answer_many(
        self, conversations: Iterable[Ask | Sequence[Message]], retrieval: bool = True
    ) -> Iterator[tuple[int, Answer]]:
        """Every conversation's answer with its place among them, as they get finished: in any order.

        An `Ask` has settings of its own. A conversation that the model cannot take has an answer with
        `error`, and the others go on. Closing the iterator ends what is not finished.
        """
        for index, conversation in enumerate(conversations):
            ask = conversation if isinstance(conversation, Ask) else Ask(conversation, retrieval)
            try:
                yield index, self.answer(ask.messages, ask.retrieval, ask.sampling)
            except UsageError as error:
                yield index, refused(error)

    def stream(
        self,
        messages: Sequence[Message],
        retrieval: bool = True,
        sampling: Sampling | None = None,
        *,
        searcher: Searcher | None = None,
        system: str | None = None,
        stops: Sequence[str] = (),
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[ChatDelta]:
        """Pieces of the next assistant message as they come; the last has everything else.

        `searcher` and `system` stand in for the variant's own; `stops` end the answer; `stopped` is asked
        between tokens. Raises UsageError for a conversation that the model cannot take.
        """
        begin = time.perf_counter()
        sampling = sampling or self.variant.sampling
        searcher = (searcher or self.searcher) if retrieval else None
        hits = searcher.search(last_user(messages), self.variant.top_k).hits if searcher else []
        retrieval_ms = _since(begin)
        prompt = self.prompt(messages, hits, system=system, max_tokens=sampling.max_tokens)
        tail = self._template_tail()
        generation = Generation(
            self.context,
            prompt.ids,
            sampling,
            stops=[*stops, tail] if tail.strip() else stops,
            trailing=tail,
            stopped=stopped,
        )
        pieces: list[str] = []
        for text in generation:
            shown = text if pieces or self.variant.template else self._without_lead(text)
            pieces.append(shown)
            yield ChatDelta(shown)
        answer, citations = cite("".join(pieces), prompt.hits)
        yield ChatDelta(
            finish_reason=generation.finish_reason,
            answer=answer,
            citations=citations,
            hits=prompt.hits,
            notices=prompt.notices,
            timings=Timings(retrieval_ms, round(generation.first_token_ms, 3), _since(begin)),
            prompt_tokens=generation.prompt_tokens,
            completion_tokens=generation.completion_tokens,
        )

    def prompt(
        self,
        messages: Sequence[Message],
        hits: Sequence[Hit] = (),
        *,
        system: str | None = None,
        max_tokens: int = 0,
    ) -> Prompt:
        """The conversation as token ids, with as many of `hits` as fit: the worst are left out first."""
        kept = list(hits)
        room = self.context.size - min(max_tokens, self.context.size // ANSWER_SHARE)
        while True:
            ids = self.model.encode_prompt(self.prompt_text(with_context(messages, kept), system))
            if len(ids) <= room or not kept:
                break
            kept.pop()
        notices = []
        if len(kept) < len(hits):
            notices.append(
                f"{len(hits) - len(kept)} of {len(hits)} passages were left out: "
                f"the model reads {self.context.size:,} tokens."
            )
        return Prompt(ids, kept, notices)

    def prompt_text(self, messages: Sequence[Message], system: str | None = None) -> str:
        """The conversation as the model was made (or trained) to read it, ready for its answer."""
        if self.variant.template:
            return render_plain(self.variant.template, last_user(messages))
        return render_chat(
            self._chat_template,
            with_system(messages, self.variant.system if system is None else system),
            add_generation_prompt=True,
            bos_token=self.model.bos_text,
            eos_token=self.model.eos_text,
        )

    def close(self) -> None:
        """Free the model and close the searcher."""
        self.context.close()
        self.model.close()
        if self.searcher is not None:
            self.searcher.close()

    def _template_tail(self) -> str:
        """What a plain template writes behind the answer: a model trained with it writes that too."""
        return self.variant.template.partition("{completion}")[2]

    def _without_lead(self, text: str) -> str:
        """SentencePiece writes a word's space before it: a chat answer's first word brings one too many."""
        return text.removeprefix(" ") if self.model.writes_spaces_first else text


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


def _since(begin: float) -> float:
    return round((time.perf_counter() - begin) * 1000, 3)
