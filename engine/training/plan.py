"""Fits a run to the memory of its device: micro-batch, layers to recompute, double quantisation, offloading.

Every choice is a field of the recipe that a person can write instead; what is written is never changed. The
effective batch stays what it is, so each optimiser step has the same rows. Pure: machine and demand come in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, Literal

import msgspec

from engine.training.estimate import estimate
from engine.training.levers import defaults
from engine.training.shape import ModelShape
from store.records.plan import Alternative, Demand, Machine, MemoryEstimate, TrainingPlan
from store.records.recipe import Recipe

Demands = Callable[[Recipe], Demand]
"""The largest forward pass of a recipe: its `batch_size`, `packing` and `max_length` decide."""

HEADROOM = 0.92
"""The share of free memory that is planned for: the rest is the allocator's, and the estimate's error."""
UNPACKING_TOKENS = 230
"""Taking a matrix out of its 4 bits takes as long as multiplying it with this many tokens: 22% of the
multiplying at 1,024 tokens, 5.6% at 4,096 (derived from the
speed of bitsandbytes' unpacking; not yet measured here)."""
OFFLOADING_COST = 0.05
DOUBLE_COST = 0.01
"""What these take of a step's time, assumed: they order ways that fit, and promise nothing."""
SHORTEST = 256
LEAST_RANK = 8


def plan(shape: ModelShape, recipe: Recipe, machine: Machine, demands: Demands) -> TrainingPlan:
    """The recipe with nothing left to `auto`: the fastest way that fits, or the leanest where none does."""
    chosen, decisions = (on_card if machine.cuda else on_processor)(shape, recipe, machine, demands)
    demand = demands(chosen)
    found = within(estimate(shape, chosen, demand, machine))
    others = [] if found.fits else alternatives(shape, chosen, machine, demands)
    return TrainingPlan(chosen, machine, demand, found, decisions, others)


def within(found: MemoryEstimate) -> MemoryEstimate:
    """The estimate, fitting only where some of the free memory is left over."""
    fits = found.total_bytes <= HEADROOM * found.free_bytes
    return msgspec.structs.replace(found, fits=fits)


def on_processor(
    shape: ModelShape, recipe: Recipe, machine: Machine, demands: Demands
) -> tuple[Recipe, list[str]]:
    """The recipe as it is written: host memory is rarely short, and smaller passes would be no faster."""
    return settled(shape, defaults(recipe, False)), ["as written: nothing is divided on the processor"]


def on_card(
    shape: ModelShape, recipe: Recipe, machine: Machine, demands: Demands
) -> tuple[Recipe, list[str]]:
    """The way that costs least time among those that fit; the one that takes least memory where none does."""
    best: tuple[float, int, Recipe] | None = None
    leanest: tuple[int, Recipe] | None = None
    for candidate in candidates(shape, recipe, machine):
        demand = demands(candidate)
        total = estimate(shape, candidate, demand, machine).total_bytes
        if leanest is None or total < leanest[0]:
            leanest = total, candidate
        # of two that cost the same, the larger pass: fewer of them
        rank = cost(shape, candidate, demand), -demand.tokens
        if total <= HEADROOM * machine.free_bytes and (best is None or rank < best[:2]):
            best = *rank, candidate
    assert leanest is not None, "there is at least the recipe as it is written"
    chosen = best[2] if best else leanest[1]
    return chosen, in_words(shape, recipe, chosen, fits=best is not None)


def candidates(shape: ModelShape, recipe: Recipe, machine: Machine) -> Iterator[Recipe]:
    """Every combination of what the recipe leaves to the planner."""
    base = defaults(recipe, True, machine.bfloat16)
    step_rows = recipe.batch_size * recipe.gradient_accumulation
    fixed = recipe.micro_batch == "as_written" or recipe.objective == "kto"  # its pairs are made of a pass
    micro = [recipe.batch_size] if fixed else [n for n in range(1, step_rows + 1) if step_rows % n == 0]
    layers = recompute_steps(shape.layers) if recipe.recompute_layers == "auto" else [base.recompute_layers]
    doubles = (
        [False, True]
        if recipe.double_quantisation == "auto" and recipe.method == "qlora"
        else [base.double_quantisation]
    )
    offloads: list[Literal["auto", "none", "activations"]] = (
        ["none", "activations"] if recipe.offload == "auto" else [base.offload]
    )
    if recipe.objective == "orpo":
        offloads = ["none"]  # its trainer cannot
    for offload, double, rows, count in product(offloads, doubles, micro, layers):
        if offload == "activations" and count != shape.layers and recipe.offload == "auto":
            continue  # sending every activation over the bus costs more than computing it again
        yield settled(
            shape,
            msgspec.structs.replace(
                base,
                batch_size=rows,
                gradient_accumulation=step_rows // rows,
                recompute_layers=count,
                double_quantisation=double,
                offload=offload,
            ),
        )


def recompute_steps(layers: int) -> list[int | str]:
    """Numbers of layers to try: each, or about 16 of them where there are many."""
    stride = max(1, layers // 16)
    return [*range(0, layers, stride), layers]


def settled(shape: ModelShape, recipe: Recipe) -> Recipe:
    """The recipe with `all` layers as their number, and no more of them than there are."""
    asked = recipe.recompute_layers
    count = shape.layers if isinstance(asked, str) else min(asked, shape.layers)
    return msgspec.structs.replace(recipe, recompute_layers=count)


def cost(shape: ModelShape, recipe: Recipe, demand: Demand) -> float:
    """Relative time per token, in units of multiplying with every weight once.

    4 for forward and backward pass of an adapter, 2 more where all activations are computed again; unpacking
    4-bit weights is spread over the tokens of a pass.
    """
    count = recipe.recompute_layers
    again = 2 * (count / max(1, shape.layers) if isinstance(count, int) else 1.0)
    slower = 1.0
    if recipe.method == "qlora":
        slower += UNPACKING_TOKENS / demand.tokens
        slower += DOUBLE_COST if recipe.double_quantisation is True else 0.0
    slower += OFFLOADING_COST if recipe.offload == "activations" else 0.0
    return (4 + again) * slower


def in_words(shape: ModelShape, asked: Recipe, chosen: Recipe, fits: bool) -> list[str]:
    """What was chosen for the device, a line each."""
    said = []
    if (chosen.batch_size, chosen.gradient_accumulation) != (asked.batch_size, asked.gradient_accumulation):
        said.append(
            f"{chosen.gradient_accumulation} passes of {chosen.batch_size} rows a step instead of "
            f"{asked.gradient_accumulation} of {asked.batch_size}: the same rows in every step"
        )
    if asked.recompute_layers == "auto":
        said.append(f"activations of {chosen.recompute_layers} of {shape.layers} layers computed again")
    if asked.double_quantisation == "auto" and chosen.method == "qlora":
        said.append("scales quantised too" if chosen.double_quantisation else "scales in float32")
    if asked.offload == "auto" and chosen.offload == "activations":
        said.append("activations wait on the host")
    if not fits:
        said.append("this is the leanest way to run it, and it does not fit")
    return said


def alternatives(shape: ModelShape, recipe: Recipe, machine: Machine, demands: Demands) -> list[Alternative]:
    """What would fit instead, each alone where that is enough; else one after another until it does."""
    single = [one for one in steps_down(shape, recipe, machine, demands) if one.fits]
    return single or together(shape, recipe, machine, demands)


def steps_down(
    shape: ModelShape, recipe: Recipe, machine: Machine, demands: Demands
) -> Iterator[Alternative]:
    """Each way to take less memory, on its own, as far as it goes."""
    for changes, words in lesser(shape, recipe):
        yield tried(shape, recipe, changes, words, machine, demands)
    for length in halves(recipe.max_length, SHORTEST):
        found = tried(shape, recipe, {"max_length": length}, f"rows cut to {length} tokens", machine, demands)
        if found.fits or length // 2 < SHORTEST:
            yield found
            break


def lesser(shape: ModelShape, recipe: Recipe) -> list[tuple[dict[str, Any], str]]:
    """Changes that take less memory, the least harmful first, and what each costs."""
    step_rows = recipe.batch_size * recipe.gradient_accumulation
    found: list[tuple[dict[str, Any], str]] = []
    if recipe.batch_size > 1 and recipe.objective != "kto":
        found.append(
            ({"batch_size": 1, "gradient_accumulation": step_rows}, "one row a pass: slower, the same result")
        )
    if recipe.recompute_layers != shape.layers:
        found.append(({"recompute_layers": "all"}, "all activations computed twice: a third slower"))
    if recipe.optimiser in ("adamw", "paged_adamw"):
        found.append(({"optimiser": "paged_adamw_8bit"}, "the optimiser's state in 8 bits"))
    adapter = "an adapter instead of all weights, " if recipe.method == "full" else ""
    if recipe.method == "full":
        found.append(({"method": "lora"}, f"{adapter}the base in 16 bits"))
    if recipe.method != "qlora":
        found.append(({"method": "qlora"}, f"{adapter}the base in 4 bits while training"))
    if recipe.method == "qlora" and recipe.double_quantisation is not True:
        found.append(({"double_quantisation": True}, "scales quantised too"))
    if recipe.method != "full" and recipe.lora.rank > LEAST_RANK:
        found.append(({"lora.rank": LEAST_RANK}, f"rank {LEAST_RANK}: less capacity"))
    return found


def together(shape: ModelShape, recipe: Recipe, machine: Machine, demands: Demands) -> list[Alternative]:
    """Changes gathered one by one until the run fits: one alternative, fitting or not."""
    gathered: dict[str, Any] = {}
    words: list[str] = []
    found = None
    shorter = [
        ({"max_length": length}, f"rows cut to {length} tokens")
        for length in halves(recipe.max_length, SHORTEST)
    ]
    for changes, said in [*lesser(shape, recipe), *shorter]:
        gathered |= changes
        words = [one for one in words if not (said.startswith("rows cut") and one.startswith("rows cut"))]
        words.append(said)
        found = tried(shape, recipe, dict(gathered), "; ".join(words), machine, demands)
        if found.fits:
            break
    return [found] if found else []


def tried(
    shape: ModelShape,
    recipe: Recipe,
    changes: dict[str, Any],
    words: str,
    machine: Machine,
    demands: Demands,
) -> Alternative:
    """What the run takes with some fields changed, by the same estimate."""
    changed = settled(shape, with_changes(recipe, changes))
    if changed.method == "qlora" and not isinstance(changed.double_quantisation, bool):
        changed = msgspec.structs.replace(changed, double_quantisation=True)
    found = within(estimate(shape, changed, demands(changed), machine))
    return Alternative(changes, words, found.total_bytes, found.fits)


def with_changes(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    """The recipe with fields replaced; `lora.rank` names a field of the table."""
    own = {key: value for key, value in changes.items() if "." not in key}
    inner = {key.partition(".")[2]: value for key, value in changes.items() if key.startswith("lora.")}
    lora = msgspec.structs.replace(recipe.lora, **inner) if inner else recipe.lora
    return msgspec.structs.replace(recipe, lora=lora, **own)


def halves(length: int, least: int) -> Iterator[int]:
    """Half of a length, half of that, and so on, not below `least`."""
    while (length := length // 2) >= least:
        yield length
