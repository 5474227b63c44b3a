"""What the training form says beside its fields: the manual of one, all problems, what the run would see."""

from __future__ import annotations

from textual.content import Content

from app.tui.recipe_form import PRESET, RecipeForm
from app.tui.texts import visible
from app.tui.words import cut, size
from store.records.outlook import Outlook


def head(form: RecipeForm, warmth: str, width: int) -> Content:
    """What the form stands on, and whether a worker is warm already."""
    preset = form.text(PRESET)
    under = form.file or (f"on the preset {preset}" if preset != "none" else "without a preset")
    left = Content.assemble(
        ("Train", "bold"), (f"   {cut(under, max(8, width - 12 - len(warmth)))}", "$quiet")
    )
    gap = " " * max(1, width - left.cell_length - len(warmth))
    return Content.assemble(left, gap, (warmth, "$faint"))


def manual(form: RecipeForm, key: str) -> Content:
    """A field's name, what it may be, its docstring, and what the preset says where it differs."""
    field = form.fields[key]
    parts = [
        Content.assemble((key, "bold $primary"), (f"   {field.expects}", "$quiet")),
        Content(field.about),
    ]
    if form.differs(key) and key != PRESET:
        standard = form.standard(key) or "nothing"
        whose = "The preset" if form.outlook.preset else "The default"
        parts.append(
            Content.assemble((f"{whose} says {standard}. ", "$warning"), ("⌫ takes it back.", "$quiet"))
        )
    if form.ignored(key):
        parts.append(Content.styled("Without meaning beside what else is chosen.", "$warning"))
    return Content("\n").join(parts)


def problems(form: RecipeForm) -> Content:
    """Everything that stands against the run, field by field."""
    listed = form.outlook.problems
    if not listed:
        if not form.outlook.number:
            return Content.styled("Looking …", "$quiet")
        return Content.assemble(("✓ ", "$success"), ("Nothing stands against it.", "$quiet"))
    count = f"{len(listed)} problem{'s' * (len(listed) > 1)}"
    lines = [Content.assemble((f"✗ {count}", "bold $error"), ("   p goes to the next one", "$quiet"))]
    for one in listed:
        named = (f"{one.key}  ", "bold") if one.key else ("", "")
        lines.append(Content.assemble(("  ", ""), named, (visible(one.text), "$error")))
    return Content("\n").join(lines)


def run_facts(outlook: Outlook) -> Content:
    """Rows, steps and disk in a few lines."""
    plan = outlook.plan
    if plan is None:
        return Content("")
    recipe = plan.recipe
    rows = recipe.batch_size * recipe.gradient_accumulation
    passes = f"{recipe.gradient_accumulation} x {recipe.batch_size}" if rows > 1 else "1"
    facts = [("steps", f"{recipe.max_steps:,} of {rows} rows ({passes})")]
    if outlook.rows is not None:
        seen = outlook.rows
        share = 100 * seen.trained_tokens / max(1, seen.total_tokens)
        facts.insert(0, ("rows", f"{seen.rows:,}, {seen.total_tokens:,} tokens, {share:.0f} % trained"))
        if seen.truncated or seen.untrained:
            facts.append(("", f"{seen.truncated:,} cut, {seen.untrained:,} left out"))
    else:
        why = "being counted" if outlook.counting else "not imported yet"
        facts.insert(0, ("rows", f"{why}; each taken for {plan.demand.longest:,} tokens"))
    facts.append(("data check", outlook.verdict or "not made yet: the run makes it"))
    if outlook.disk is not None:
        short = "" if outlook.disk.fits else ", which is not there"
        facts.append(("disk", size(outlook.disk.total_bytes) + short))
    return Content("\n").join(Content.assemble((name.ljust(12), "$quiet"), value) for name, value in facts)
