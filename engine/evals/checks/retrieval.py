"""What was found, not what was said of it: the check `retrieval_recall`."""

from __future__ import annotations

import re

import msgspec

from engine.evals.checks.contract import Bench, CheckError, Judge, Kind, Reply, Verdict
from store.records.knowledge import Hit

_SPAN = re.compile(r"(.+):(\d+)-(\d+)", re.DOTALL)


class RecallOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`k`: only the first so many passages count."""

    k: int | None = None


class Source(msgspec.Struct, frozen=True):
    """A document, or a part of it in characters."""

    doc: str
    start: int = 0
    end: int | None = None

    def is_in(self, hit: Hit) -> bool:
        """Whether a passage is of this document and, where a part is meant, overlaps with it."""
        same = hit.doc == self.doc or hit.doc.endswith(f"/{self.doc}")
        return same and (self.end is None or (hit.start < self.end and self.start < hit.end))


def source_of(text: str) -> Source:
    """`doc` or `doc:START-END`."""
    found = _SPAN.fullmatch(text)
    return Source(found[1], int(found[2]), int(found[3])) if found else Source(text)


def retrieval_recall(options: RecallOptions, bench: Bench) -> Judge:
    """The share of the case's expected sources among the passages that the model was given."""
    if options.k is not None and options.k < 1:
        raise ValueError(f"retrieval_recall: `k` is {options.k}; it must be 1 or more")

    def judge(reply: Reply) -> Verdict:
        sources = reply.case.expected_sources
        if not sources:
            raise CheckError(f"case {reply.case.id} has no `expected_sources`")
        hits = reply.hits[: options.k]
        missing = [one for one in sources if not any(source_of(one).is_in(hit) for hit in hits)]
        why = f"not among the {len(hits)} passages: {', '.join(missing)}" if missing else ""
        return Verdict(1 - len(missing) / len(sources), why)

    return judge


KINDS = (
    Kind(
        "retrieval_recall",
        "the expected sources were found",
        RecallOptions,
        retrieval_recall,
        expects="expected_sources",
        whole=True,
    ),
)
