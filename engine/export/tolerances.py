"""How far a GGUF type may be from the trained model before an export is questioned: data, with reasons.

What each limit was measured on stands in docs/decisions/0001-one-tokenizer-and-its-gguf.md.
"""

from __future__ import annotations

import msgspec


class Tolerance(msgspec.Struct, frozen=True):
    """Limits for one number type.

    `tie`: two tokens whose logits in the reference are closer than this are decided by rounding, so either is
    right. `warn_below`, `block_below`: share of answer tokens that the reference would have chosen too.
    """

    tie: float
    warn_below: float
    block_below: float
    reason: str


_EXACT = "unrounded weights must answer as the trained model does, wherever rounding does not decide"
_FINE = "rounding to 6 or 8 bits changes one token in a hundred of even a tiny model"
_MIDDLE = "rounding to 4 or 5 bits with scales per block changes one token in twenty of a tiny model"
_COARSE = "rounding this coarse changes one token in eight of a tiny model"

# f32 and f16: llama.cpp keeps keys and values in f16, which moves a logit by up to .03, a gap by twice that.
# bf16 has 8 bits of precision instead of 11, which moves a logit by up to .15.
# Quantised types have limits on the share of tokens instead of a wide tie.
TOLERANCES = {
    "f32": Tolerance(0.05, 1.0, 1.0, _EXACT),
    "f16": Tolerance(0.05, 1.0, 1.0, _EXACT),
    "bf16": Tolerance(0.35, 1.0, 1.0, _EXACT),
    "q8_0": Tolerance(1e-3, 0.95, 0.8, _FINE),
    "q6_k": Tolerance(1e-3, 0.95, 0.8, _FINE),
    "q5_k_m": Tolerance(1e-3, 0.9, 0.7, _MIDDLE),
    "q4_k_m": Tolerance(1e-3, 0.9, 0.7, _MIDDLE),
    "q4_0": Tolerance(1e-3, 0.8, 0.6, _COARSE),
    "q3_k_m": Tolerance(1e-3, 0.8, 0.6, _COARSE),
}
# Nothing measured says that these may be further off than the coarsest of the others.
_IQ = ("iq4_nl", "iq4_xs", "iq3_m", "iq3_s", "iq3_xs", "iq3_xxs", "iq2_m", "iq2_s", "iq2_xs", "iq2_xxs")
TOLERANCES |= dict.fromkeys(_IQ, TOLERANCES["q3_k_m"])


def tolerance_of(kind: str, merged_in: str) -> Tolerance:
    """The limits for a file of type `kind` whose weights were merged in the number type `merged_in`.

    A merge rounds every changed weight to the base's own type: an f32 file of a bf16 base is no finer than
    bf16.
    """
    if merged_in == "bfloat16" and kind in ("f32", "f16"):
        return TOLERANCES["bf16"]
    return TOLERANCES[kind]
