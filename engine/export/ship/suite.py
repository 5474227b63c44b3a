"""The suite: the file's score against the trained model's on the same cases, and how sure the difference is.

Judges answers by the suite's own checks. Retrieval and citations are left out on both sides: it is the file
that is compared, not the variant.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec
from tokenizers import Tokenizer

from engine.evals.stats import score_interval
from engine.export.reference import Reference
from engine.export.ship.asked import Exam, Judged
from engine.export.ship.reading import Findings
from store.records.flips import FlippedCase


class Marks(msgspec.Struct):
    """How many cases both passed, only the file, only the trained model, and neither; which ones flipped."""

    both: int = 0
    file: int = 0
    reference: int = 0
    neither: int = 0
    flipped: list[FlippedCase] = []

    @property
    def cases(self) -> int:
        """How many there are."""
        return self.both + self.file + self.reference + self.neither

    @property
    def shares(self) -> tuple[float, float]:
        """The scores of file and trained model."""
        cases = max(1, self.cases)
        return (self.both + self.file) / cases, (self.both + self.reference) / cases

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of the file's score less the trained model's."""
        return score_interval(self.file, self.reference, self.cases)


def mark(findings: Findings, reference: Reference, exam: Exam, count: Callable[[], None]) -> Marks:
    """Both answer every case, greedily; the suite's checks judge either answer."""
    marks = Marks()
    for (case, checks), prompt, own in zip(exam.cases, findings.exam_prompts, findings.exam, strict=True):
        theirs = reference_answer(reference, prompt, own, exam.most, findings.stops)
        texts = [text_of(findings.tokenizer, ids, exam.tail) for ids in (own, theirs)]
        passed = [all(check.result(text, case).passed for check in checks) for text in texts]
        if passed[0] != passed[1]:
            marks.flipped.append(FlippedCase(case.id, passed[0], *texts))
        match passed:
            case [True, True]:
                marks.both += 1
            case [True, False]:
                marks.file += 1
            case [False, True]:
                marks.reference += 1
            case _:
                marks.neither += 1
        count()
    return marks


def reference_answer(
    reference: Reference, prompt: Sequence[int], own: Sequence[int], most: int, stops: Collection[int]
) -> list[int]:
    """What the reference answers greedily, at most `most` ids.

    One pass over the file's answer shows how far both agree; only from there on it has to generate.
    """
    preferred: list[int] = reference.logits(prompt, own).argmax(dim=-1).tolist()
    pairs = zip(preferred, own, strict=True)
    at = next((index for index, (left, right) in enumerate(pairs) if left != right), len(own))
    if at == len(own):
        return list(own)
    begun = [*own[:at], preferred[at]]
    if preferred[at] in stops or len(begun) == most:
        return begun
    return begun + reference.generate([*prompt, *begun], most - len(begun), stops)


def text_of(tokenizer: Tokenizer, ids: Sequence[int], tail: str) -> str:
    """An answer as its checks read it: no special tokens, nothing from a plain template's tail on, no white
    space around it (SentencePiece would write one in front).
    """
    text: str = tokenizer.decode(list(ids), skip_special_tokens=True)
    return (text.partition(tail)[0] if tail.strip() else text).strip()


def judge_suite(name: str, marks: Marks, drop: float) -> list[Judged]:
    """BLOCK where the file is surely worse by more than `drop`, WARN where it is surely worse."""
    low, high = marks.interval
    if high >= 0:
        return []
    file, reference = marks.shares
    said = (
        f"On {name} the file scores {file:.1%}, the trained model {reference:.1%} "
        f"({marks.cases} cases, difference {low:+.1%} to {high:+.1%})."
    )
    return [("BLOCK" if high < -drop else "WARN", said)]
