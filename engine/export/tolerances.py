"""How far a GGUF type may be from the trained model before an export is questioned: data, with reasons.

What each limit was measured on stands in docs/decisions/0001-one-tokenizer-and-its-gguf.md and
docs/decisions/0016-ship-check.md.
"""

from __future__ import annotations

from math import inf

import msgspec

MERGE_GAP = 0.1
"""Nats per token between the file and the adapter on its 4-bit base, beyond what the type may cost.

Rounding the base to NF4 costs .091 on the narrowest real model at hand, .055 and .051 on random ones, .0034
on the embedded base: more than a tenth of perplexity (e^.1 = 1.105) is not the rounding alone."""


class Tolerance(msgspec.Struct, frozen=True):
    """Limits for one number type.

    `tie`: two tokens whose logits in the reference are closer than this are decided by rounding, so either is
    right. `warn_below`, `block_below`: share of answer tokens that the reference would have chosen too.
    `kl_mean`, `kl_p99`: divergence from the reference in nats per token, mean and 99th percentile, above
    which to (warn, block). `suite_drop`: how much lower the suite's score may surely be before it blocks.
    """

    tie: float
    warn_below: float
    block_below: float
    reason: str
    kl_mean: tuple[float, float] = (inf, inf)
    kl_p99: tuple[float, float] = (inf, inf)
    suite_drop: float = 0.0

    @property
    def exact(self) -> bool:
        """Whether nothing but ties may differ."""
        return self.block_below >= 1.0


_EXACT = "unrounded weights must answer as the trained model does, wherever rounding does not decide"
_FINE = "rounding to 6 or 8 bits changes one token in a hundred of even a tiny model"
_MIDDLE = "rounding to 4 or 5 bits with scales per block changes one token in twenty of a tiny model"
_COARSE = "rounding this coarse changes one token in eight of a tiny model"

# f32 and f16: llama.cpp keeps keys and values in f16, which moves a logit by up to .03, a gap by twice that.
# bf16 has 8 bits of precision instead of 11, which moves a logit by up to .15.
# Quantised types have limits on the share of tokens instead of a wide tie.
# Divergence: WARN from some ten times the most that an untouched file gave in a float type, three to four
# times in a quantised one; BLOCK from three to ten times that.
# On random models whose rows 256 divides, q6_k diverges by .0036, a third of q5_k_m's .0097 and eight times
# q8_0's .0004: its limits lie between theirs.
# A suite may surely drop by a point in a hundred where rounding turns one token in a hundred, by three where
# it turns one in twenty, by five where it turns one in eight: chosen, not measured.
TOLERANCES = {
    "f32": Tolerance(0.05, 1.0, 1.0, _EXACT, (1e-4, 1e-3), (1e-3, 1e-2)),
    "f16": Tolerance(0.05, 1.0, 1.0, _EXACT, (1e-4, 1e-3), (1e-3, 1e-2)),
    "bf16": Tolerance(0.35, 1.0, 1.0, _EXACT, (1e-3, 1e-2), (0.01, 0.1)),
    "q8_0": Tolerance(1e-3, 0.95, 0.8, _FINE, (0.03, 0.1), (0.5, 2.0), 0.01),
    "q6_k": Tolerance(1e-3, 0.95, 0.8, _FINE, (0.03, 0.1), (0.5, 2.0), 0.01),
    "q5_k_m": Tolerance(1e-3, 0.9, 0.7, _MIDDLE, (0.05, 0.2), (0.5, 2.0), 0.03),
    "q4_k_m": Tolerance(1e-3, 0.9, 0.7, _MIDDLE, (0.06, 0.2), (0.5, 2.0), 0.03),
    "q4_0": Tolerance(1e-3, 0.8, 0.6, _COARSE, (0.25, 0.7), (2.0, 5.0), 0.05),
    "q3_k_m": Tolerance(1e-3, 0.8, 0.6, _COARSE, (0.25, 0.7), (2.0, 5.0), 0.05),
}
# Four bits by importance: .047, .30 on the narrowest real model, .037 on random ones, where q4_0 gives .070,
# .51 and .049. Limits are what a user can be asked to bear, not what a type does: those of three and two bits
# do not grow with their divergence, which is that of q3_k_m (iq3_m) to five times it (iq2_xxs).
_FOUR = Tolerance(1e-3, 0.8, 0.6, _COARSE, (0.15, 0.5), (1.2, 4.0), 0.05)
_FEWER = ("iq3_m", "iq3_s", "iq3_xs", "iq3_xxs", "iq2_m", "iq2_s", "iq2_xs", "iq2_xxs")
TOLERANCES |= dict.fromkeys(("iq4_nl", "iq4_xs"), _FOUR) | dict.fromkeys(_FEWER, TOLERANCES["q3_k_m"])


def tolerance_of(kind: str, merged_in: str) -> Tolerance:
    """The limits for a file of type `kind` whose weights were merged in the number type `merged_in`.

    A merge rounds every changed weight to the base's own type: an f32 file of a bf16 base is no finer than
    bf16.
    """
    if merged_in == "bfloat16" and kind in ("f32", "f16"):
        return TOLERANCES["bf16"]
    return TOLERANCES[kind]
