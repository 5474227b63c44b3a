"""The memory peak of a training run from its recipe and the model's shape: nothing is loaded.

The peak stands at the end of a forward pass: all that lives through the run (weights, adapter, gradients,
optimiser) plus all activations plus the larger of what the loss and what the backward pass need for a moment.
Formulas are derived from what autograd keeps in Transformers' blocks and PEFT's layers (see `layer_bytes`).
They do not know the allocator's own losses; a measured step takes the estimate's place once there is one.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.training.shape import Matrix, ModelShape
from engine.training.targets import adapted, first_reached, trained_whole, trains_head
from store.records.plan import Demand, Machine, MemoryEstimate, MemoryPart, PartName
from store.records.recipe import Recipe

FLOAT = 4
HALF = 2
NF4_BITS = 4 + 32 / 64
"""4 bits and a 32-bit scale per 64 weights."""
NF4_DOUBLE_BITS = 4 + 8 / 64 + 32 / (64 * 256)
"""4 bits, an 8-bit scale per 64 weights, a 32-bit scale per 256 scales: 4.127 (Dettmers et al., "QLoRA",
2023, section 3)."""
LOSS_TILE = 64 << 20
"""Logits that the loss holds at a time, in float32 (engine.training.loss_head)."""
TRL_TILE_TOKENS, TRL_TILE_COLUMNS, TRL_TILE_COPIES = 4096, 32768, 8
"""TRL's own head: its buffer is that wide whatever the vocabulary (trl.kernels.chunked_logprob, 1.16)."""
STATE_BYTES = {
    "adamw": 8.0,
    "paged_adamw": 8.0,
    "adamw_8bit": 2 + 2 * FLOAT / 256,  # Dettmers et al., "8-bit Optimizers", 2022: a scale per 256 states
    "paged_adamw_8bit": 2 + 2 * FLOAT / 256,
    "lion": 4.0,
    "lion_8bit": 1 + FLOAT / 256,
    "paged_lion_8bit": 1 + FLOAT / 256,
    "sgd": 0.0,
}
"""Bytes of optimiser state per trained weight."""
SMALLEST_8BIT = 4096
"""bitsandbytes keeps the state of smaller tensors in 32 bits."""
CUDA_CONTEXT = 600 << 20
"""What a process takes on a card before its first tensor, with the matrix library's workspace: the order of
size on recent drivers, not measured on yours."""
OFFLOAD_STASH = 5
"""Layers' inputs on their way to the host at a time (TRL's OffloadActivations, max_fwd_stash_size)."""


def estimate(shape: ModelShape, recipe: Recipe, demand: Demand, machine: Machine) -> MemoryEstimate:
    """The peak of `recipe`, in which nothing is `auto`, for its largest forward pass `demand`."""
    count = trained_count(shape, recipe)
    static = [
        MemoryPart("weights", weight_bytes(shape, recipe), weight_note(recipe)),
        MemoryPart("adapter", FLOAT * adapter_count(shape, recipe), f"{count:,} trained weights in float32"),
        MemoryPart("gradients", FLOAT * count, "float32"),
        MemoryPart("optimiser", optimiser_bytes(shape, recipe), recipe.optimiser),
    ]
    parts = [*static, *passing_parts(shape, recipe, demand, machine)]
    if machine.cuda:
        parts.append(MemoryPart("CUDA context", CUDA_CONTEXT))
    parts = [part for part in parts if part.bytes]
    total = sum(part.bytes for part in parts)
    return MemoryEstimate(parts, total, machine.free_bytes, total <= machine.free_bytes)


def compute_bytes(recipe: Recipe) -> int:
    """Bytes of a number in the forward pass."""
    return FLOAT if recipe.precision == "float32" else HALF


def weight_bytes(shape: ModelShape, recipe: Recipe) -> int:
    """The base's weights on the device.

    qlora: the blocks' matrices in NF4, embeddings, head and norms as computed with. lora: all as computed
    with. full: what is trained in float32, the rest as computed with. A preference objective that trains the
    whole model keeps a copy of it as its reference.
    """
    size = compute_bytes(recipe)
    if recipe.method == "qlora":
        bits = NF4_DOUBLE_BITS if recipe.double_quantisation is True else NF4_BITS
        inside = shape.matrix_parameters
        return int(inside * bits / 8) + size * (shape.parameters - inside)
    if recipe.method == "lora":
        return size * shape.parameters
    trained = trained_whole(shape, recipe)
    copies = size * shape.parameters if recipe.objective in ("dpo", "kto") else 0
    return FLOAT * trained + size * (shape.parameters - trained) + copies


def weight_note(recipe: Recipe) -> str:
    """What the weights are held in."""
    if recipe.method == "qlora":
        return "NF4, " + ("doubly quantised" if recipe.double_quantisation is True else "float32 scales")
    return "float32" if recipe.method == "full" else recipe.precision


def adapter_count(shape: ModelShape, recipe: Recipe) -> int:
    """Weights of the adapter: rank times both widths of every matrix (Hu et al., "LoRA", 2021); DoRA adds a
    magnitude per output (Liu et al., 2024)."""
    if recipe.method == "full":
        return 0
    extra = 1 if recipe.lora.dora else 0
    return sum(
        recipe.lora.rank * (one.inputs + one.outputs) + extra * one.outputs for one in adapted(shape, recipe)
    )


def trained_count(shape: ModelShape, recipe: Recipe) -> int:
    """Weights that are trained."""
    return trained_whole(shape, recipe) if recipe.method == "full" else adapter_count(shape, recipe)


def optimiser_bytes(shape: ModelShape, recipe: Recipe) -> int:
    """State of the optimiser, all of it on the device: paged states leave only when memory is short."""
    per_weight = STATE_BYTES.get(recipe.optimiser)
    if per_weight is None:  # adafactor: a number per row and column, Shazeer and Stern, 2018, section 4
        return FLOAT * sum(one.inputs + one.outputs + 2 * recipe.lora.rank for one in shape.matrices)
    if recipe.method == "full":
        return int(per_weight * trained_whole(shape, recipe))
    whole = {"adamw_8bit": 8.0, "paged_adamw_8bit": 8.0, "lion_8bit": 4.0, "paged_lion_8bit": 4.0}
    total = 0.0
    for one in adapted(shape, recipe):
        for size in (recipe.lora.rank * one.inputs, recipe.lora.rank * one.outputs):
            small = size < SMALLEST_8BIT
            total += size * (whole.get(recipe.optimiser, per_weight) if small else per_weight)
    return int(total)


def passing_parts(shape: ModelShape, recipe: Recipe, demand: Demand, machine: Machine) -> list[MemoryPart]:
    """What comes and goes with every forward pass: activations, the loss, working space.

    The peak stands either where the forward pass ends (all that is kept, and the loss or the first layer's
    working space) or where a recomputed layer is whole again: those behind it are gone by then.
    """
    layers = layer_sizes(shape, recipe, demand)
    again = recomputed_layers(shape, recipe)  # the first ones: see recompute.py
    stored = min(again, OFFLOAD_STASH) if recipe.offload == "activations" else again
    inputs = stored * demand.tokens * shape.hidden * compute_bytes(recipe)
    loss, work = loss_bytes(shape, recipe, demand, machine.cuda), working_bytes(shape, recipe, demand)
    last = FLOAT * demand.tokens * shape.hidden + loss_held(shape, recipe, demand)
    end = inputs + sum(layers[again:]) + last + max(loss, work)
    middle = inputs + max(layers[:again], default=0) + work
    at_loss = end >= middle and loss >= work
    passing: tuple[PartName, int, str] = (
        ("loss", loss, f"{demand.trained:,} positions, a tile of logits at a time")
        if at_loss
        else ("working space", work, "gradients of one layer, one matrix out of its 4 bits")
    )
    return [
        MemoryPart(
            "activations",
            max(end, middle) - passing[1] + weight_copies(shape, recipe),
            f"{demand.tokens:,} tokens, {again} of {shape.layers} layers computed again",
        ),
        MemoryPart(*passing),
    ]


def layer_sizes(shape: ModelShape, recipe: Recipe, demand: Demand) -> list[int]:
    """What each block keeps; nothing those that the backward pass does not reach."""
    carrying = {one.name for one in adapted(shape, recipe)}
    blocks: list[list[Matrix]] = [[] for _ in range(shape.layers)]
    for one in shape.matrices:
        blocks[one.layer].append(one)
    known: dict[tuple[tuple[int, int, bool], ...], int] = {}  # most blocks are alike
    sizes = []
    for block in blocks:
        key = tuple((one.inputs, one.outputs, one.name in carrying) for one in block)
        if key not in known:
            known[key] = layer_bytes(shape, recipe, demand, block, carrying)
        sizes.append(known[key])
    first = first_reached(shape, recipe)
    return [0] * first + sizes[first:]


def layer_bytes(
    shape: ModelShape, recipe: Recipe, demand: Demand, mine: list[Matrix], carrying: set[str]
) -> int:
    """What autograd keeps of one block, with matrices `mine`, between its forward and backward pass.

    Per token, in numbers of the computing type unless said otherwise: the input of each norm in float32 (the
    norm computes in it); queries, keys, values, the attention's output and, in float32, a normaliser per head
    (no scores: Dao et al., "FlashAttention-2", 2023); the MLP's gate, activated gate and other half; the
    input of every layer that is trained or carries an adapter, once per group that shares it; and rank
    numbers per adapter. Derived for Llama's block; blocks with other norms or widths are counted from the
    tensors that they have.
    """
    size = compute_bytes(recipe)
    whole = recipe.method == "full"
    wide = next((one.inputs for one in mine if one.place == "attention_out"), shape.hidden)
    numbers = sum(one.outputs for one in mine if one.place == "attention_in") + wide
    if size == FLOAT:
        numbers += wide  # the CPU's attention gives its answer in another order: a copy for the layer behind
    numbers += shape.intermediate * (3 if shape.gated else 1)
    if any(one.place == "mlp_out" and (whole or one.name in carrying) for one in mine):
        numbers += shape.intermediate
    numbers += sum(shared_inputs(mine, carrying, recipe))
    per_token = numbers * size + FLOAT * (sum(shape.norms) + shape.heads)
    if whole:
        per_token += size * sum(shape.norms)  # the normalised input, for the norm's own weight
    per_token += adapter_bytes(mine, carrying, recipe)
    scores = 0
    if shape.softcap:
        scores = demand.rows * shape.heads * demand.longest**2 * (FLOAT + 2 * size)
    return per_token * demand.tokens + scores


def shared_inputs(mine: Iterable[Matrix], carrying: set[str], recipe: Recipe) -> Iterable[int]:
    """Widths of the stored inputs of a block's adapted layers that are not counted otherwise.

    Layers with the same input share it, except where PEFT casts a 16-bit input to the adapter's float32 for
    each layer anew: then each keeps its own, and so does every layer with dropout.
    """
    own = (recipe.method == "lora" and recipe.precision != "float32") or recipe.lora.dropout > 0
    seen: set[str] = set()
    for one in mine:
        if recipe.method != "full" and one.name not in carrying:
            continue
        inward = one.place in ("attention_in", "mlp_in")
        if (own and recipe.method != "full") or (inward and one.place not in seen):
            seen.add(one.place)
            yield one.inputs


def adapter_bytes(mine: Iterable[Matrix], carrying: set[str], recipe: Recipe) -> int:
    """Bytes per token that a block's adapters keep: low-rank middle, dropout's mask, DoRA's output."""
    size = compute_bytes(recipe)
    total = 0
    for one in mine:
        if one.name in carrying:
            total += recipe.lora.rank * size
            total += one.inputs if recipe.lora.dropout else 0  # a byte each
            total += 2 * one.outputs * size if recipe.lora.dora else 0
    return total


def weight_copies(shape: ModelShape, recipe: Recipe) -> int:
    """The 16-bit copies of float32 weights that autocast makes in the forward pass and autograd keeps."""
    return 0 if recipe.precision == "float32" else HALF * trained_count(shape, recipe)


def recomputed_layers(shape: ModelShape, recipe: Recipe) -> int:
    """How many layers compute their activations again."""
    asked = recipe.recompute_layers
    return shape.layers if isinstance(asked, str) else min(asked, shape.layers)


def loss_held(shape: ModelShape, recipe: Recipe, demand: Demand) -> int:
    """Hidden states of the positions that carry loss, and their gradient, kept until the backward pass."""
    return 2 * demand.trained * shape.hidden * compute_bytes(recipe)


def loss_bytes(shape: ModelShape, recipe: Recipe, demand: Demand, cuda: bool) -> int:
    """What the loss takes for a moment.

    Temper's head (loss_head.py): a tile of logits, its slope and, where computed in 16 bits, the slope in
    those. TRL's, where the head is trained or scaled: a tile of fixed width, gradients of hidden states and
    head in float32; without Triton every position is scored, and the tile is worked on in eight copies.
    """
    size = compute_bytes(recipe)
    if not (trains_head(shape, recipe) or shape.scaled_head):
        tile = min(LOSS_TILE, FLOAT * demand.trained * shape.vocabulary)
        return 2 * tile + (tile // 2 if size == HALF else 0)
    scored = demand.trained if cuda else demand.tokens
    at_a_time = min(scored, TRL_TILE_TOKENS)
    columns = min(shape.vocabulary, TRL_TILE_COLUMNS)
    copies = (
        columns * shape.hidden * (size + FLOAT) if cuda else TRL_TILE_COPIES * at_a_time * columns * FLOAT
    )
    gradients = FLOAT * shape.hidden * (scored + (shape.vocabulary if trains_head(shape, recipe) else 0))
    return at_a_time * TRL_TILE_COLUMNS * size + copies + gradients


def working_bytes(shape: ModelShape, recipe: Recipe, demand: Demand) -> int:
    """What the backward pass of a layer takes: gradients of the MLP's halves and of the residual, and the
    largest matrix taken out of its 4 bits."""
    size = compute_bytes(recipe)
    halves = 2 if shape.gated else 1
    gradients = demand.tokens * (halves * shape.intermediate + 2 * shape.hidden) * size
    largest = max((one.inputs * one.outputs for one in shape.matrices), default=0)
    unpacked = largest * size if recipe.method == "qlora" else 0
    if recipe.lora.dora and recipe.method != "full":
        unpacked += 2 * largest * FLOAT  # its norm is taken over base and adapter, multiplied out
    return gradients + unpacked
