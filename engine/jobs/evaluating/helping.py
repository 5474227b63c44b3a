"""What checks need besides an answer: the embedder and the judge, loaded when a check first asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from engine.evals.checks import CheckError, CompiledCheck
from engine.evals.judging import LocalJudge, agreement, read_labelled
from engine.evals.suite import LoadedSuite
from engine.retrieval.sources import BUILTIN_EMBEDDER, embedder_path
from store.errors import TemperError, UsageError
from store.records.data import Message
from store.records.evals import Agreement
from store.records.workspace import ResolvedVariant, Sampling
from store.workspace import Workspace

if TYPE_CHECKING:
    from engine.inference.chat import Composition
    from engine.inference.remote import RemoteComposition

JUDGES = ("judge", "judge_pairwise")
EMBEDDING = ("similarity", "citation_support")


class Help:
    """Puts the helpers on the suite's bench. Close it behind the last check.

    `judge` is who judges, empty where no check asks a model.
    """

    def __init__(
        self, workspace: Workspace, loaded: LoadedSuite, say: Callable[[str], None] = lambda text: None
    ) -> None:
        self._workspace = workspace
        self._loaded = loaded
        self._say = say
        self._judge: Composition | RemoteComposition | None = None
        self.judge = ""
        loaded.bench.embed = self._first_embed
        if loaded.suite.judge is not None:
            loaded.bench.judge = LocalJudge(loaded.suite.judge.model, self._judged)

    def __enter__(self) -> Help:
        return self

    def __exit__(self, *_: object) -> None:
        self._loaded.bench.close()

    def resolve_judge(self, checks: Sequence[CompiledCheck]) -> None:
        """See before the first case that the judge and the embedder are there, where checks ask them.

        Raises UsageError or MissingError if not.
        """
        if self._loaded.suite.judge is not None and any(check.kind.name in JUDGES for check in checks):
            self._resolved()
            self.judge = self._loaded.suite.judge.model
        if any(check.kind.name in EMBEDDING for check in checks):
            embedder_path(self._workspace, BUILTIN_EMBEDDER)

    def judges_itself(self, variant: str) -> bool:
        """Whether the judge has the weights of the variant, whatever prompt stands before either."""
        from engine.models.variants import describe

        if variant == self.judge:
            return True
        try:
            one, other = describe(self._workspace, variant), describe(self._workspace, self.judge)
        except TemperError:  # judged again, a variant may be gone
            return False
        if one.remote is not None and other.remote is not None:
            return (one.remote.url, one.remote.model) == (other.remote.url, other.remote.model)
        return (one.model, one.adapter, one.remote) == (other.model, other.adapter, other.remote)

    def agreements(self, checks: Sequence[CompiledCheck]) -> list[Agreement]:
        """How far the judge agrees with people, for each check that asks it, where the suite has labels."""
        settings = self._loaded.suite.judge
        if settings is None or not settings.labelled:
            return []
        try:
            path = self._loaded.bench.find(settings.labelled)
        except ValueError as error:
            raise UsageError(
                "The judged answers are not there", str(error), "Mend `labelled` of the suite's judge."
            ) from error
        labelled = read_labelled(path)
        return [agreement(check, labelled) for check in checks if check.kind.name in JUDGES]

    def _first_embed(self, texts: Sequence[str]) -> list[list[float]]:
        from engine.inference.embedder import Embedder

        embedder = Embedder(embedder_path(self._workspace, BUILTIN_EMBEDDER))
        self._loaded.bench.closing.append(embedder.close)

        def embed(texts: Sequence[str]) -> list[list[float]]:
            vectors: list[list[float]] = embedder.embed(list(texts)).tolist()
            return vectors

        self._loaded.bench.embed = embed
        return embed(texts)

    def _resolved(self) -> ResolvedVariant:
        from engine.models.variants import resolve

        assert self._loaded.suite.judge is not None
        return resolve(self._workspace, self._loaded.suite.judge.model, self._say)

    def _judged(self, messages: Sequence[Message], schema: dict[str, Any]) -> tuple[str, str]:
        """Ask the judge: its model alone, without the variant's own prompt, rows and passages."""
        from engine.inference.opening import open_composition

        assert self._loaded.suite.judge is not None
        if self._judge is None:
            variant = self._resolved()
            variant.system, variant.knowledge, variant.shots = "", None, []
            self._judge = open_composition(variant)
            self._loaded.bench.closing.append(self._judge.close)
        most = self._loaded.suite.judge.max_tokens
        from engine.inference.answers import Ask
        from engine.inference.structured.structure import schema_structure

        # Under a grammar: a judge can then write nothing but a verdict, and one that loops is cut by its cap.
        structure = schema_structure(schema)
        ask = Ask(messages, retrieval=False, sampling=Sampling(max_tokens=most), structure=structure)
        try:
            [(_, answer)] = self._judge.answer_many([ask])
        except TemperError as error:
            said = f"{error.title}: {error.happened}"
            raise CheckError(f"the judge {self._loaded.suite.judge.model} is lost: {said}") from error
        if answer.error:
            raise CheckError(f"the judge {self._loaded.suite.judge.model} could not be asked: {answer.error}")
        return answer.text, answer.finish_reason
