"""Files in, verdicts out: reads each file, asks the reference, judges by the type's limits.

    token ids    texts and prompts give the ids of the model's tokenizer.json, BOS included
    form         stop tokens end a generation; template and vocabulary are the model's own
    answers      token by token what base + adapter in Transformers would have said
    suite        the score on the eval suite is the trained model's

Knows nothing of datasets and run folders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from engine.export.adapter_file import AdapterFile
from engine.export.convert import embedding_rows
from engine.export.reference import Reference
from engine.export.ship.asked import Judged, Level, Material
from engine.export.ship.faults import explain
from engine.export.ship.form import judge_form
from engine.export.ship.ids import judge_ids
from engine.export.ship.positions import Measured, measure
from engine.export.ship.reading import Findings, read_file
from engine.export.ship.suite import judge_suite, mark
from engine.export.tolerances import MERGE_GAP, Tolerance, tolerance_of
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import load_tokenizer
from store.errors import TemperError, UsageError
from store.records.exports import ShipCheck, Verdict
from store.records.recipe import Recipe

ORDER: tuple[Verdict, ...] = ("SHIP", "WARN", "BLOCK")
NO_SUITE = "No eval suite was at hand, so nothing says that the file does its task as well as the model does."


def ship_check(
    files: Sequence[tuple[Path, str]],
    base: ModelDirectory,
    adapter: Path | None,
    material: Material,
    advance: Callable[[int], None] = lambda done: None,
    trained_with: Recipe | None = None,
    over: Path | None = None,
) -> list[ShipCheck]:
    """A verdict per (file, GGUF type). `advance` counts answers: see `Material.steps`.

    `trained_with` is the recipe of a run on a 4-bit base, whose gap to the merge is shown then. `over` is the
    base's GGUF in its own number type where the files are adapters, which are put on it. Files are
    read first and the references are loaded afterwards, so that two models are never in memory at once.
    Raises UsageError when there is nothing to compare on.
    """
    if not material.texts or not material.questions:
        raise UsageError(
            "Nothing to check the export on", "There is no text or no prompt.", "Give it some rows."
        )
    tokenizer = load_tokenizer(base.tokenizer_file)
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        advance(done)

    rows = rows_of(base, adapter)
    found: list[Findings] = []
    try:
        for file, kind in files:
            found.append(read_file(file, kind, tokenizer, base, rows, material, count, over))
        checks = against_reference(found, base, adapter, material, count)
        if trained_with is not None and adapter is not None:
            against_four_bits(found, checks, base, adapter, trained_with)
    finally:
        for findings in found:
            findings.scores.close()
    for check in checks:
        settle(check)
    return [check.record for check in checks]


class Check:
    """A verdict in the making: the record, and what was judged so far; of one weight, causes come first."""

    def __init__(self, tolerance: Tolerance) -> None:
        self.record = ShipCheck("SHIP")
        self.tolerance = tolerance
        self.judged: list[Judged] = []


def rows_of(base: ModelDirectory, adapter: Path | None) -> int:
    """How many tokens the file must have: the adapter's where it was trained on a resized vocabulary."""
    rows = embedding_rows(base)
    if adapter is None:
        return rows
    with AdapterFile(adapter) as file:
        resized = [spec.rows for name, spec in file.replaced.items() if "embed_tokens" in name]
    return max(resized, default=rows)


def against_reference(
    found: Sequence[Findings],
    base: ModelDirectory,
    adapter: Path | None,
    material: Material,
    count: Callable[[], None],
) -> list[Check]:
    """All that is judged by the unquantised base + adapter."""
    merged_in = base.dtype if adapter else "float32"
    reference = Reference(base, adapter)
    try:
        return [
            judge(findings, reference, base, material, tolerance_of(findings.kind, merged_in), count)
            for findings in found
        ]
    finally:
        reference.close()


def judge(
    findings: Findings,
    reference: Reference,
    base: ModelDirectory,
    material: Material,
    tolerance: Tolerance,
    count: Callable[[], None],
) -> Check:
    """The findings, compared with the reference and judged by the type's tolerance."""
    check = Check(tolerance)
    record = check.record
    measured = measure(findings, reference, count)
    record.texts, record.token_ids_equal = findings.ids.compared, findings.ids.equal_share
    record.stops = not findings.form.unstopped
    record.reference = reference.name
    fill(record, measured, tolerance.tie)
    writes_bos = bool(findings.bos) and material.questions[0].prompt.startswith(findings.bos)
    check.judged += [*judge_ids(findings.ids, writes_bos), *judge_form(findings.form)]
    if measured.compared:
        answers = judge_answers(record, measured, tolerance, findings.spell)
        check.judged += [*explain(findings, reference, measured, base, bool(answers)), *answers]
    if material.exam and findings.exam:
        marks = mark(findings, reference, material.exam, count)
        record.suite, record.suite_cases = material.exam.name, marks.cases
        record.suite_score, record.suite_reference = marks.shares
        record.suite_low, record.suite_high = marks.interval
        record.flipped = marks.flipped
        check.judged += judge_suite(material.exam.name, marks, tolerance.suite_drop)
    elif not material.exam:
        check.judged.append(("WARN", NO_SUITE))
    check.judged += [("WARN", note) for note in material.notes]
    return check


def fill(record: ShipCheck, measured: Measured, tie: float) -> None:
    """The figures of the answers."""
    record.prompts = sum(one.text.own for one in measured.compared)
    record.greedy_agreement = measured.prefix_agreement(tie)
    record.top1_agreement = measured.agreement(tie)
    record.tokens = len(measured.gaps)
    record.ties = sum(0 < gap < tie for gap in measured.gaps)
    record.positions = len(measured.divergences)
    if measured.compared:
        record.kl_mean, record.kl_p99 = measured.mean_divergence, measured.high_divergence


def judge_answers(
    record: ShipCheck, measured: Measured, tolerance: Tolerance, spell: Callable[[int], str]
) -> list[Judged]:
    """WARN or BLOCK by the share of tokens chosen alike and by the divergence.

    A low share blocks a quantised file only where the divergence is high too: where a model's first choices
    are nearly tied, rounding turns many of them and nothing else (docs/decisions/0016-ship-check.md).
    """
    judged: list[Judged] = []
    if record.top1_agreement < tolerance.warn_below:
        low = record.top1_agreement < tolerance.block_below
        diverging = tolerance.exact or measured.mean_divergence > tolerance.kl_mean[0]
        level: Level = "BLOCK" if low and diverging else "WARN"
        first = measured.first_difference(tolerance.tie, spell)
        said = f"Only {record.top1_agreement:.1%} of {record.tokens} answer tokens are the trained model's"
        judged.append((level, f"{said}, first {first}; {tolerance.reason}."))
    for name, value, (warn, block) in (
        ("a token's", measured.mean_divergence, tolerance.kl_mean),
        ("the 99th percentile of a token's", measured.high_divergence, tolerance.kl_p99),
    ):
        if value > warn:
            limit = block if value > block else warn
            said = f"{name} divergence from the trained model is {value:.2g} nats, over {limit:.2g}"
            judged.append(("BLOCK" if value > block else "WARN", said[0].upper() + said[1:] + "."))
    return judged


def against_four_bits(
    found: Sequence[Findings],
    checks: Sequence[Check],
    base: ModelDirectory,
    adapter: Path,
    trained_with: Recipe,
) -> None:
    """The merge gap: the file against the adapter on the 4-bit base on which it was trained. Never blocks."""
    try:
        reference = Reference(base, adapter, trained_with)
    except (TemperError, ImportError, RuntimeError) as error:  # no memory for it, or no bitsandbytes here
        for check in checks:
            check.judged.append(("WARN", f"The gap to the 4-bit base was not measured: {error}"))
        return
    try:
        for findings, check in zip(found, checks, strict=True):
            measured = measure(findings, reference)
            if not measured.compared:
                continue
            record = check.record
            record.trained_reference = reference.name
            record.trained_top1 = measured.agreement(check.tolerance.tie)
            record.trained_kl = measured.mean_divergence
            limit = check.tolerance.kl_mean[0] + MERGE_GAP
            if record.trained_kl > limit:
                said = f"The merge left the model as it was trained on 4 bits by {record.trained_kl:.2g} nats"
                check.judged.append(
                    ("WARN", f"{said} per token, over {limit:.2g}: compare the suite's scores.")
                )
    finally:
        reference.close()


def settle(check: Check) -> None:
    """The hardest level that was asked for, and the reasons by their weight."""
    check.record.verdict = max((level for level, _ in check.judged), key=ORDER.index, default="SHIP")
    by_weight = sorted(check.judged, key=lambda entry: -ORDER.index(entry[0]))
    check.record.reasons = [reason for _, reason in by_weight]


def worst(checks: Sequence[ShipCheck]) -> ShipCheck:
    """The check that decides an export of several files: the hardest verdict, then the least agreement."""
    return max(checks, key=lambda check: (ORDER.index(check.verdict), -check.top1_agreement))
