"""The check `similarity`: cosine of embeddings between an answer and the expected one."""

from __future__ import annotations

import msgspec

from engine.evals.checks.contract import Bench, CheckError, Judge, Kind, Reply, Verdict, wanted


class SimilarityOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`value` stands in for the expected answer."""

    value: str | None = None


def similarity(options: SimilarityOptions, bench: Bench) -> Judge:
    """The best cosine of the answer's embedding with that of a right answer; under 0 counts as 0."""

    def judge(reply: Reply) -> Verdict:
        if bench.embed is None:
            raise CheckError("there is no embedder here")
        right = wanted(options.value, reply)
        if not reply.text.strip():
            return Verdict(0.0, "an empty answer")
        answer, *others = bench.embed([reply.text, *right])
        best = max(sum(a * b for a, b in zip(answer, other, strict=True)) for other in others)
        return Verdict(min(1.0, max(0.0, best)), f"cosine {best:.3f}")

    return judge


KINDS = (
    Kind(
        "similarity",
        "means about the same, by embeddings",
        SimilarityOptions,
        similarity,
        threshold=0.8,
        expects="expected",
    ),
)
