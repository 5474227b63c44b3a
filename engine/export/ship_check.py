"""Does the exported file behave like the model that was trained? Paths and texts in, a verdict out.

    token ids    texts and prompts give the ids of the model's tokenizer.json, BOS included
    stop         every token that ends an answer ends a generation
    template     the chat template in the file is the model's own
    answers      greedy answers of the file are what base + adapter in Transformers would have said

The file is read by llama.cpp, as it will be when it is used. Knows nothing of datasets and run folders.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from tokenizers import Tokenizer

from engine.data.rendering import stop_ids
from engine.export.convert import embedding_rows
from engine.export.reference import Opinion, Reference
from engine.export.tolerances import Tolerance, tolerance_of
from engine.inference.llama import Context, Model
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import encode, encode_prompt, load_tokenizer
from store.errors import UsageError
from store.records.exports import ShipCheck, Verdict

ANSWER_TOKENS = 64
ORDER: tuple[Verdict, ...] = ("SHIP", "WARN", "BLOCK")


class Material(msgspec.Struct):
    """What to compare on. `prompts` are rendered and ready to be answered; `answer_ends` are the tokens that
    training rows end with. `notes` say what was not at hand: each makes the verdict WARN at best.
    """

    texts: list[str]
    prompts: list[str]
    answer_ends: list[int] = []
    notes: list[str] = []


class Difference(msgspec.Struct):
    """A text that the file tokenises differently. `index` is that of the first id that differs."""

    text: str
    wanted: list[int]
    got: list[int]

    @property
    def index(self) -> int:
        """Where both part."""
        pairs = zip(self.wanted, self.got, strict=False)
        return next((at for at, (left, right) in enumerate(pairs) if left != right), len(self.got))


class Findings(msgspec.Struct):
    """What a file did, before anybody judges it.

    `answers` holds ids, the stop token included, per prompt: none where the file is `of_another_size`. `rows`
    are the numbers of tokens of the file and of the model.
    """

    file: Path
    kind: str
    tokenizer: Tokenizer
    differing_texts: list[Difference] = []
    differing_prompts: list[Difference] = []
    unstopped: list[str] = []
    template_differs: bool = False
    prompts: list[list[int]] = []
    answers: list[list[int]] = []
    rows: tuple[int, int] = (0, 0)

    @property
    def of_another_size(self) -> bool:
        """Whether the file has another number of tokens than the model."""
        return self.rows[0] != self.rows[1]

    def answered(self) -> Iterator[tuple[list[int], list[int]]]:
        """Every prompt that has an answer, with it."""
        return zip(self.prompts, self.answers, strict=False)

    def spell(self, token: int) -> str:
        """A token as the vocabulary writes it."""
        return self.tokenizer.id_to_token(token) or f"token {token}"


def ship_check(
    files: Sequence[tuple[Path, str]],
    base: ModelDirectory,
    adapter: Path | None,
    material: Material,
    advance: Callable[[int], None] = lambda done: None,
) -> list[ShipCheck]:
    """A verdict per (file, GGUF type). `advance` counts prompts: each is answered once per file, judged once.

    Files are read first and the reference is loaded afterwards, so that both are never in memory at once.
    Raises UsageError when there is nothing to compare on.
    """
    if not material.texts or not material.prompts:
        raise UsageError(
            "Nothing to check the export on", "There is no text or no prompt.", "Give it some rows."
        )
    tokenizer = load_tokenizer(base.tokenizer_file)
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        advance(done)

    found = [read_file(Findings(file, kind, tokenizer), base, material, count) for file, kind in files]
    merged_in = base.dtype if adapter else "float32"
    reference = Reference(base, adapter)
    try:
        return [
            judge(findings, reference, material, tolerance_of(findings.kind, merged_in), count)
            for findings in found
        ]
    finally:
        reference.close()


def read_file(
    findings: Findings, base: ModelDirectory, material: Material, count: Callable[[], None]
) -> Findings:
    """Fill in everything that is asked of the file itself."""
    model = Model(findings.file)
    try:
        compare_ids(findings, model, base, material)
        ends = sorted(stop_ids(base, findings.tokenizer) | set(material.answer_ends))
        findings.unstopped = [findings.spell(end) for end in ends if end not in model.stop_ids]
        findings.template_differs = model.chat_template != base.chat_template
        findings.rows = (model.vocabulary_size, embedding_rows(base))
        if findings.of_another_size:  # ids of one would be out of the other's range
            return findings
        longest = max(len(ids) for ids in findings.prompts)
        context = Context(model, longest + ANSWER_TOKENS + 1)
        for ids in findings.prompts:
            findings.answers.append(greedy(context, ids, ANSWER_TOKENS))
            count()
        context.close()
    finally:
        model.close()
    return findings


def compare_ids(findings: Findings, model: Model, base: ModelDirectory, material: Material) -> None:
    """Every text as written and every prompt with its BOS: by the file, and by the model's tokenizer.json."""
    bos = base.special_token("bos_token")
    for text in material.texts:
        wanted, got = encode(findings.tokenizer, text), model.tokenise(text)
        if wanted != got:
            findings.differing_texts.append(Difference(text, wanted, got))
    for prompt in material.prompts:
        wanted, got = encode_prompt(findings.tokenizer, prompt, bos), model.encode_prompt(prompt)
        findings.prompts.append(wanted)
        if wanted != got:
            findings.differing_prompts.append(Difference(prompt, wanted, got))


def greedy(context: Context, prompt: Sequence[int], most: int) -> list[int]:
    """The most likely continuation, at most `most` ids; where a stop token ends it, that is the last one."""
    context.read(prompt)
    ids: list[int] = []
    while True:
        ids.append(int(context.logits.argmax()))
        if len(ids) == most or ids[-1] in context.model.stop_ids:
            return ids
        context.append(ids[-1])


def judge(
    findings: Findings,
    reference: Reference,
    material: Material,
    tolerance: Tolerance,
    count: Callable[[], None],
) -> ShipCheck:
    """The findings, compared with the reference and judged by the type's tolerance."""
    opinions = []
    for prompt, answer in findings.answered():
        opinions.append(reference.judge(prompt, answer))
        count()
    shares = [agreeing(opinion.gaps, tolerance.tie) / len(opinion.gaps) for opinion in opinions]
    gaps = all_gaps(opinions)
    texts = len(material.texts) + len(material.prompts)
    check = ShipCheck(
        "SHIP",
        texts=texts,
        token_ids_equal=1 - len([*findings.differing_texts, *findings.differing_prompts]) / texts,
        prompts=len(opinions),
        greedy_agreement=sum(shares) / len(shares) if shares else 0.0,
        top1_agreement=share_within(gaps, tolerance.tie),
        tokens=len(gaps),
        ties=sum(0 < gap < tolerance.tie for gap in gaps),
        stops=not findings.unstopped,
        reference=reference.name,
    )
    judged = [
        *judge_ids(findings),
        *judge_form(findings),
        *judge_answers(check, findings, opinions, reference, tolerance),
        *(("WARN", note) for note in material.notes),
    ]
    check.verdict = max((level for level, _ in judged), key=ORDER.index, default="SHIP")
    check.reasons = [reason for _, reason in sorted(judged, key=lambda entry: -ORDER.index(entry[0]))]
    return check


Judged = tuple[Verdict, str]


def judge_ids(findings: Findings) -> list[Judged]:
    """BLOCK when any id differs. Texts that are not in Unicode's composed form only WARN: see the reason."""
    judged: list[Judged] = []
    if findings.differing_prompts:
        first = findings.differing_prompts[0]
        count = len(findings.differing_prompts)
        judged.append(("BLOCK", f"{count} prompts become other tokens than in training: {shown(first)}."))
    composed = [one for one in findings.differing_texts if unicodedata.is_normalized("NFC", one.text)]
    if composed:
        judged.append(
            (
                "BLOCK",
                f"{len(composed)} texts become other tokens than by tokenizer.json: {shown(composed[0])}.",
            )
        )
    if len(composed) < len(findings.differing_texts):
        judged.append(
            (
                "WARN",
                "Letters written as letter and combining mark become other tokens than in training: "
                "the model's tokenizer composes them first, llama.cpp does not.",
            )
        )
    return judged


def shown(difference: Difference) -> str:
    """The first token that differs, with the text around it."""
    at = difference.index
    wanted, got = difference.wanted[at : at + 4], difference.got[at : at + 4]
    return f"{difference.text[:60]!r} has {got} instead of {wanted} from token {at} on"


def judge_form(findings: Findings) -> list[Judged]:
    """BLOCK for another vocabulary, a stop token that does not stop, another chat template."""
    judged: list[Judged] = []
    if findings.of_another_size:
        judged.append(("BLOCK", f"The file has {findings.rows[0]} tokens, the model {findings.rows[1]}."))
    if findings.unstopped:
        judged.append(("BLOCK", f"{', '.join(findings.unstopped)} does not end a generation in this file."))
    if findings.template_differs:
        judged.append(("BLOCK", "The chat template in the file is not the model's own."))
    return judged


def judge_answers(
    check: ShipCheck,
    findings: Findings,
    opinions: Sequence[Opinion],
    reference: Reference,
    tolerance: Tolerance,
) -> list[Judged]:
    """WARN or BLOCK by how many tokens of the file's answers the reference would have chosen too.

    BLOCK also where the answers are questionable and the bare base explains them better than base + adapter.
    """
    if findings.of_another_size or check.top1_agreement >= tolerance.warn_below:
        return []
    level: Verdict = "BLOCK" if check.top1_agreement < tolerance.block_below else "WARN"
    judged: list[Judged] = [
        (
            level,
            f"Only {check.top1_agreement:.1%} of {check.tokens} answer tokens are the trained model's, "
            f"first {first_difference(findings, opinions, tolerance.tie)}; {tolerance.reason}.",
        )
    ]
    bare = [reference.judge_without_adapter(prompt, answer) for prompt, answer in findings.answered()]
    if share_within(all_gaps(bare), tolerance.tie) > check.top1_agreement:
        judged.insert(0, ("BLOCK", "The file answers like the base without the adapter."))
    return judged


def all_gaps(opinions: Sequence[Opinion]) -> list[float]:
    """The gaps of every answer in a row."""
    return [gap for opinion in opinions for gap in opinion.gaps]


def share_within(gaps: Sequence[float], tie: float) -> float:
    """The share of gaps that are none, or ties."""
    return sum(gap < tie for gap in gaps) / len(gaps) if gaps else 0.0


def agreeing(gaps: Sequence[float], tie: float) -> int:
    """How many tokens come before the first that the reference would not have chosen."""
    return next((index for index, gap in enumerate(gaps) if gap >= tie), len(gaps))


def first_difference(findings: Findings, opinions: Sequence[Opinion], tie: float) -> str:
    """Where the first answer that differs does so, in words."""
    for number, (answer, opinion) in enumerate(zip(findings.answers, opinions, strict=True), start=1):
        at = agreeing(opinion.gaps, tie)
        if at < len(answer):
            got, wanted = findings.spell(answer[at]), findings.spell(opinion.preferred[at])
            return f"at token {at + 1} of answer {number}: {got!r} instead of {wanted!r}"
    return "nowhere"


def worst(checks: Sequence[ShipCheck]) -> ShipCheck:
    """The check that decides an export of several files: the hardest verdict, then the least agreement."""
    return max(checks, key=lambda check: (ORDER.index(check.verdict), -check.top1_agreement))
