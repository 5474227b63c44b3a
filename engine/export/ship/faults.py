"""Which known fault explains that a file answers otherwise: asked of the reference and read off the tensors.

An adapter that was left out, or that has another strength, is found by its answers: the reference is asked
as such a file would answer, and the fault is named where that comes much closer. What the converter can do
wrong with a matrix is found in the file. Names faults; the limits stand elsewhere.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import llama_cpp
import torch

from engine.export.reference import Reference
from engine.export.ship.asked import Judged
from engine.export.ship.positions import Measured, measure
from engine.export.ship.reading import Findings
from engine.export.ship.tensors import Tensors, compare_rows, interleaved, read_tensors
from engine.models.directory import ModelDirectory

TEXTS = 8
"""Texts on which an explanation is tried: a fault shows everywhere."""
CLOSER = 0.5
"""Share of the divergence that an explanation may leave: an adapter too weak to matter explains nothing."""
NOISE = 1e-6
"""Divergence in nats below which there is nothing to explain."""
HEAD = "output.weight"
HEAD_ROWS = 512  # compared; a whole head in float32 can be larger than the model

ABSENT = "The adapter is not applied: the file answers like the base without it."
STRENGTHS = {
    2.0: "The adapter's scale is off by 2: the file answers as if the adapter were twice as strong.",
    0.5: "The adapter's scale is off by 2: the file answers as if the adapter were half as strong.",
}


def explain(
    findings: Findings, reference: Reference, measured: Measured, base: ModelDirectory, doubtful: bool
) -> list[Judged]:
    """BLOCK with the fault's name, where one is found.

    That the adapter is missing is asked of every file: a coarse type's limits would let a small one pass.
    The rest is looked for where the answers are `doubtful`; an adapter by itself has none of those tensors.
    """
    if reference.adapted and (fault := of_the_adapter(findings, reference, measured, doubtful)):
        return [("BLOCK", fault)]
    if not doubtful or findings.adapter:
        return []
    return [("BLOCK", fault) for fault in of_the_tensors(findings, reference, base)]


def of_the_adapter(findings: Findings, reference: Reference, measured: Measured, doubtful: bool) -> str:
    """The fault that leaves least of the divergence, if it leaves little; else nothing."""
    actual = Measured(measured.compared[:TEXTS]).mean_divergence
    if actual < NOISE:
        return ""
    others: dict[str, AbstractContextManager[None]] = {ABSENT: reference.without_adapter()}
    if doubtful:
        others |= {said: reference.scaled(factor) for factor, said in STRENGTHS.items()}
    left = {}
    for said, fault in others.items():
        with fault:
            left[said] = measure(findings, reference, most=TEXTS).mean_divergence
    best = min(left, key=lambda said: left[said])
    return best if left[best] < CLOSER * actual else ""


def of_the_tensors(findings: Findings, reference: Reference, base: ModelDirectory) -> list[str]:
    """What is wrong with the head, the queries and the keys in the file."""
    layers = int(base.config.get("num_hidden_layers") or base.config.get("n_layer") or 0)
    some = sorted({0, layers // 2, layers - 1}) if layers else []
    joined = "c_attn" if "n_layer" in base.config else "qkv_proj"
    asked = {
        f"blk.{layer}.attn_{ours}.weight": (layer, theirs)
        for layer in some
        for ours, theirs in (("q", "q_proj"), ("k", "k_proj"), ("qkv", joined))
    }
    tensors = read_tensors(findings.file, dict.fromkeys(asked, 1 << 30) | {HEAD: HEAD_ROWS})
    if tensors is None:
        return []
    faults = [of_the_head(tensors, reference)]
    for name, (layer, theirs) in asked.items():
        wanted = reference.projection(layer, theirs)
        if wanted is None or name not in tensors.read:
            continue
        if compare_rows(tensors.read[name], in_order(wanted, findings.rotation, theirs, base)) == "permuted":
            faults.append(f"Heads are permuted: the rows of {name} stand in another order than the model's.")
            break
    return [fault for fault in faults if fault]


def of_the_head(tensors: Tensors, reference: Reference) -> str:
    """What is wrong with the output head; nothing where the model has none of its own."""
    if reference.tied:
        return ""
    if HEAD not in tensors.names:
        return "The output head (lm_head) was dropped: the file answers with the embedding in its place."
    if compare_rows(tensors.read[HEAD], reference.head()[:HEAD_ROWS]) != "same":
        return "The output head (lm_head) in the file is not the trained model's."
    return ""


def in_order(wanted: torch.Tensor, rotation: int, name: str, base: ModelDirectory) -> torch.Tensor:
    """Rows in the order in which the file should have them, by the kind of its rotary embedding."""
    if rotation != llama_cpp.LLAMA_ROPE_TYPE_NORM or name in ("qkv_proj", "c_attn"):
        return wanted
    queries = int(base.config.get("num_attention_heads") or 1)
    keys = int(base.config.get("num_key_value_heads") or queries)
    return interleaved(wanted, queries if name == "q_proj" else keys)
