"""The check `citation_support`: does what is cited say what the answer says?

How support is measured is another module's (engine.retrieval.support); here it becomes a score.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from engine.evals.checks.contract import Bench, Judge, Kind, Reply, Verdict


class CitationOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`meaning`: compare by the embedder too, not by words alone."""

    meaning: bool = True


def citation_support(options: CitationOptions, bench: Bench) -> Judge:
    """The share of the answer's claiming sentences that a passage they cite supports.

    An answer that says that the documents do not hold it claims nothing and is right in that; one that claims
    something and was given no passage is supported by nothing.
    """

    def judge(reply: Reply) -> Verdict:
        from engine.retrieval.support import abstains, check_support

        passages = [hit.text for hit in reply.hits]
        found = check_support(reply.text, passages, _embed(options, bench), _cited(reply))
        if not found:
            return Verdict(1.0, "abstains" if abstains(reply.text) else "claims nothing")
        wrong = [one for one in found if not one.supported]
        share = 1 - len(wrong) / len(found)
        if not wrong:
            return Verdict(share)
        first = wrong[0]
        sentence = reply.text[first.start : first.end]
        return Verdict(share, f"{len(wrong)} of {len(found)} unsupported: {sentence[:80]!r}: {first.why}")

    return judge


def _embed(options: CitationOptions, bench: Bench) -> Any:
    """The bench's embedder as arrays; None where meaning is not asked."""
    if not options.meaning or bench.embed is None:
        return None
    embed = bench.embed

    def arrays(texts: Sequence[str]) -> Any:
        import numpy as np

        return np.asarray(embed(texts), dtype=np.float32)

    return arrays


def _cited(reply: Reply) -> list[int]:
    """The numbers of the passages that the whole answer was attributed to."""
    return [citation.n for citation in reply.citations]


KINDS = (
    Kind(
        "citation_support",
        "what is cited says what the answer says",
        CitationOptions,
        citation_support,
        threshold=1.0,
        whole=True,
    ),
)
