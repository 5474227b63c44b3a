"""The settings of a workspace: `temper.toml` as typed structs. This file is its manual.

Loading, checking and writing the file is done in store.settings and store.workspace.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from store.records.data import Message
from store.records.output import OutputFormat

PositiveInt = Annotated[int, msgspec.Meta(ge=1)]
Chunker = Literal["structure", "recursive", "sentences", "semantic"]


class WorkspaceSection(msgspec.Struct, forbid_unknown_fields=True):
    """`[workspace]`."""

    name: str = ""
    """Shown in titles; the folder's name when left out."""
    network: bool = False
    """Whether models behind a URL on other machines may be asked; those on this machine always may."""
    python_checks: bool = False
    """Whether suites may run Python functions of the workspace as checks."""


class Model(msgspec.Struct, forbid_unknown_fields=True):
    """`[models.NAME]`: a base model on this machine by its `path`, or one that is served by its `url`."""

    path: str = ""
    """A Hugging Face directory, a GGUF file (relative paths start at the workspace), or `builtin:tiny`."""
    url: str = ""
    """The base of an OpenAI-compatible API, up to `/v1`; off this machine only with `network = true`."""
    model: str = ""
    """What that API calls the model."""
    key: str = ""
    """The environment variable that holds its key; the key itself is written nowhere."""


class Dataset(msgspec.Struct, forbid_unknown_fields=True):
    """`[datasets.NAME]`: where a dataset comes from, so that it can be imported when first needed."""

    source: str
    """A file or folder of the workspace."""
    heldout: Annotated[float, msgspec.Meta(ge=0.0, lt=1.0)] = 0.0
    """Share of rows set aside as the split `heldout`; never trained on."""
    seed: int = 0
    """Fixes which rows are set aside."""
    stratify: bool | None = None
    """Set the same share of every answer aside; when left out, where answers repeat."""
    shape: str = ""
    """How the file writes its rows (chat, alpaca, ...); found out when left out."""
    map: dict[str, str] = {}
    """Columns by part: `input` and `answer`, or others; besides `annotator`, `version`, `time`, `group`."""
    answer_json: str = ""
    """A key: the answer becomes the JSON object {"key": answer}."""
    answer_template: str = ""
    """A text with {answer} that becomes the answer."""
    encoding: str = ""
    """The file's encoding; UTF-8, or what the file itself says, when left out."""
    format: str = ""
    """jsonl, json, csv, tsv, parquet, arrow, text or markdown; found out when left out."""
    roles: dict[str, str] = {}
    """What the source's own role names mean, for example {agent = "assistant"}."""
    split_by: Literal["", "random", "stratified", "group", "cluster", "time"] = ""
    """How held-out rows are chosen; when left out, by whether answers repeat."""


class Search(msgspec.Struct, forbid_unknown_fields=True):
    """`[knowledge.NAME.search]`: what is done for every question besides finding passages."""

    query: Literal["as_asked", "rewrite", "hyde"] = "as_asked"
    """Search for the question alone, also for `query_model`'s rewriting, or an answer it imagines (HyDE)."""
    query_model: str = ""
    """The model of the workspace that rewrites or imagines."""
    reranker: str = ""
    """A GGUF cross-encoder that reads question and passage together and orders the best ones anew."""
    diversity: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """How much a passage like one already chosen is put back (1 less MMR's lambda); 0: not at all."""
    parents: bool = False
    """Give the whole section around a passage, up to `parent_characters`."""
    parent_characters: Annotated[int, msgspec.Meta(ge=200, le=100_000)] = 3000
    budget_tokens: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Most tokens of all passages of an answer, counted by the embedder; 0: as many as asked for."""
    stale_days: Annotated[int, msgspec.Meta(ge=0)] = 0
    """A source dated longer ago than this is called stale where it is cited; 0: never."""


class RetrievalGate(msgspec.Struct, forbid_unknown_fields=True):
    """`[knowledge.NAME.gate]`: what `temper kb check --gate` holds a knowledge base to."""

    min_recall: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    """The least recall among the first k places, over all questions."""
    min_mrr: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    """The least mean reciprocal rank."""
    max_fall: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    """How far either may fall below the blessed baseline (`temper kb check --bless`); 0.0: not at all."""
    certain: bool = False
    """Hold the low end of the 95% interval to the least figures, not the figure itself."""


class Knowledge(msgspec.Struct, forbid_unknown_fields=True):
    """`[knowledge.NAME]`: documents to search."""

    sources: list[str]
    """Files and folders, relative to the workspace."""
    embedder: str = "builtin:minilm"
    """A GGUF embedding model, or `builtin:minilm` (made by set-up)."""
    chunk_tokens: Annotated[int, msgspec.Meta(ge=16, le=8192)] = 200
    """Most tokens of a chunk, counted by the embedder."""
    chunker: Chunker = "structure"
    """How documents are cut: along their structure, recursively, in windows of sentences, or by meaning."""
    overlap_tokens: Annotated[int, msgspec.Meta(ge=0, le=4096)] = 0
    """Most tokens that neighbouring chunks share; for the chunkers `recursive` and `sentences`."""
    context_model: str = ""
    """A model that writes a line of context for each chunk, which is searched with it; none when left out."""
    query_prefix: str | None = None
    """Put before a question when it is embedded ("query: "); what is known of the embedder when left out."""
    document_prefix: str | None = None
    """Put before a chunk when it is embedded ("passage: "); what is known of the embedder when left out."""
    chroma: str = ""
    """A Chroma server that holds the vectors ("http://127.0.0.1:8000"); a folder here when left out."""
    keep: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 2
    """Generations that stay on the disk, to roll back to; one that somebody reads stays as well."""
    search: Search = msgspec.field(default_factory=Search)
    """What is done for every question besides finding passages."""
    gate: RetrievalGate | None = None
    """What a check holds it to."""


class Sampling(msgspec.Struct, forbid_unknown_fields=True):
    """How an answer is drawn. The defaults are greedy, so that results can be compared."""

    temperature: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    top_p: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    top_k: Annotated[int, msgspec.Meta(ge=0)] = 0
    min_p: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0
    """Tokens less likely than this share of the likeliest are left out; 0: none."""
    repetition_penalty: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    """Above 1, what stands in the prompt or the answer becomes less likely (divides positive scores)."""
    frequency_penalty: float = 0.0
    """Taken from a token's score for each time that the answer has it."""
    presence_penalty: float = 0.0
    """Taken from a token's score once the answer has it."""
    max_tokens: PositiveInt = 256
    seed: int = 0


class Output(msgspec.Struct, forbid_unknown_fields=True):
    """`[variants.NAME.output]`: the shape of every answer, enforced as it is written; one of these keys."""

    schema: str | None = None
    """A JSON Schema file."""
    choices: list[str] | None = None
    """The only answers there are."""
    pattern: str | None = None
    """A regular expression for the whole answer."""
    json: bool | None = None
    """Any JSON object."""


class FewShot(msgspec.Struct, forbid_unknown_fields=True):
    """`[variants.NAME.few_shot]`: rows of a dataset shown before the question, never held-out ones."""

    dataset: str
    """`name[@version]`; rows of its train split."""
    rows: Annotated[int, msgspec.Meta(ge=1, le=64)] = 3
    """How many."""
    seed: int = 0
    """Fixes which rows, and their order."""


class GgufAdapter(msgspec.Struct, forbid_unknown_fields=True):
    """A LoRA adapter as a GGUF file, put onto the model when it answers."""

    path: str
    """The file, from the workspace's folder: what `temper export RUN --adapter-only` makes."""
    scale: float = 1.0
    """How much of it: 1 as trained, 0 nothing."""


class Variant(msgspec.Struct, forbid_unknown_fields=True):
    """`[variants.NAME]`: model + adapter + prompt + retrieval + output + sampling; asked and evaluated."""

    inherits: str | None = None
    """Another variant whose keys hold where this one is silent."""
    model: str | None = None
    """A model of the workspace, or a path."""
    adapter: str | None = None
    """A training run (id, unique prefix or `last`) or a kept adapter."""
    adapters: list[GgufAdapter] | None = None
    """Adapter files put onto the model when it answers, added up; `adapter` is merged into it before."""
    prompt: str | None = None
    """A prompt file: the system message."""
    template: str | None = None
    """A plain template with {prompt} and {completion}, for models without a chat template."""
    knowledge: str | None = None
    """A knowledge base searched for every question."""
    top_k: Annotated[int, msgspec.Meta(ge=1, le=50)] | None = None
    """Passages given to the model, 4 when left out."""
    quant: str | None = None
    """GGUF type that is run: q8_0 when left out, q4_k_m for models of 3B and more."""
    few_shot: FewShot | None = None
    """Rows of a dataset that are shown before the question."""
    output: Output | None = None
    """The shape that every answer must have."""
    sampling: Sampling | None = None


class Defaults(msgspec.Struct, forbid_unknown_fields=True):
    """`[defaults]`: used where a command is not told otherwise."""

    variant: str | None = None
    knowledge: str | None = None
    judge: str | None = None
    """The variant or model that judges answers, where a suite asks for a judge and names none."""


class Gate(msgspec.Struct, forbid_unknown_fields=True):
    """`[gates.SUITE]`: what a comparison must satisfy."""

    min_diff: float = 0.0
    """The smallest allowed difference of the shares of passed cases, candidate less baseline."""
    slices: dict[str, float] = {}
    """The same for the cases of a slice: a tag, or `name=value`."""
    protected: list[str] = msgspec.field(default_factory=lambda: ["critical"])
    """Slices in which no case may break that the baseline passes, and each must have been judged."""
    certain: bool = False
    """Hold the low end of the 95% interval to `min_diff`, not the difference itself."""


class Prices(msgspec.Struct, forbid_unknown_fields=True):
    """`[prices]`: what things cost you; `temper advise` turns tokens, watts and hours into money with it."""

    currency: str = ""
    """Shown beside amounts."""
    hour: float | None = None
    """An hour of this machine, where it is rented; else it is worked out from the next two."""
    watts: float | None = None
    """What the machine draws while it answers or trains."""
    kilowatt_hour: float | None = None
    """The price of electricity."""
    hosted_input: float | None = None
    """A million tokens read by the larger or hosted model that would do it instead."""
    hosted_output: float | None = None
    """A million tokens that it writes."""


class WorkspaceConfig(msgspec.Struct, forbid_unknown_fields=True):
    """All of temper.toml."""

    workspace: WorkspaceSection = msgspec.field(default_factory=WorkspaceSection)
    models: dict[str, Model] = {}
    datasets: dict[str, Dataset] = {}
    knowledge: dict[str, Knowledge] = {}
    variants: dict[str, Variant] = {}
    defaults: Defaults = msgspec.field(default_factory=Defaults)
    gates: dict[str, Gate] = {}
    prices: Prices = msgspec.field(default_factory=Prices)


class RemoteModel(msgspec.Struct, forbid_unknown_fields=True):
    """A model behind an OpenAI-compatible API: where, its name there, and the variable with the key."""

    url: str
    model: str
    key: str = ""


class ResolvedVariant(msgspec.Struct, forbid_unknown_fields=True):
    """A variant with inheritance applied and every name turned into a path: all an engine needs to run it.

    `gguf` is the file that runs, empty where `remote` answers. `system` is the prompt file's text. `template`
    is the plain recipe template for bases without a chat template. `adapters` are put on when it answers,
    each with its scale. `knowledge` is a knowledge base's name, `generation` the one that was published then.
    `shots` are turns shown before the conversation. `sha256` covers all of that: equal hashes are asked and
    evaluated alike.
    """

    name: str
    gguf: str
    system: str = ""
    template: str = ""
    knowledge: str | None = None
    top_k: int = 4
    sampling: Sampling = msgspec.field(default_factory=Sampling)
    source: Literal["variant", "run", "model"] = "variant"
    run_id: str | None = None
    sha256: str = ""
    shots: list[Message] = []
    output: OutputFormat | None = None
    remote: RemoteModel | None = None
    generation: str = ""
    adapters: list[GgufAdapter] = []
