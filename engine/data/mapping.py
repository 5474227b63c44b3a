"""Import options before anything is read: what they may name, and what contradicts what."""

from __future__ import annotations

from engine.data.shapes.columns import METADATA, is_content_map, is_ticket_map, nearest
from engine.data.shapes.families import SHAPES
from engine.data.shapes.roles import CHOICES
from engine.data.shapes.tickets import PARTS as TICKET_PARTS
from store.errors import UsageError
from store.records.data import ImportOptions

CONTENT = ("input", "answer", "system", "chosen", "rejected", "label", "text", "ticket", "role", "content")
PARTS = (*CONTENT, *METADATA)
# Which parts make a row together; `system` may stand with a question, METADATA with all.
_FORMS = ({"input", "answer"}, {"input", "answer", "label"}, {"input", "chosen", "rejected"}, {"text"})


def check_options(options: ImportOptions) -> None:
    """Raise UsageError for options that contradict each other or name something unknown."""
    if options.shape and options.shape not in SHAPES:
        raise UsageError(
            f"No shape is called {options.shape!r}",
            f"Known: {', '.join(SHAPES)}.{nearest(options.shape, SHAPES)}",
            "Choose one of them, or leave --shape out.",
        )
    _check_map(options)
    for name, role in options.roles.items():
        if role not in CHOICES:
            raise UsageError(
                f"No role is called {role!r}",
                f"--role {name}={role}; known: {', '.join(CHOICES)}.{nearest(role, CHOICES)}",
                "For example: --role customer=user --role note=ignore",
            )
    if options.answer_json and options.answer_template:
        raise UsageError("The answer has two forms", "--answer-json and --answer-template.", "Leave one out.")
    if options.answer_template and "{answer}" not in options.answer_template:
        raise UsageError(
            "The answer template has no place for the answer",
            f"{options.answer_template!r} lacks {{answer}}.",
            "For example: --answer-template 'Intent: {answer}'",
        )
    if not 0.0 <= options.heldout < 1.0:
        raise UsageError(
            "The held-out share is out of range", f"Got {options.heldout}.", "Give a share from 0 to below 1."
        )


def _check_map(options: ImportOptions) -> None:
    unknown = [part for part in options.map if part not in PARTS]
    if unknown:
        raise UsageError(
            f"--map knows no part {unknown[0]!r}",
            f"Known: {', '.join(PARTS)}.{nearest(unknown[0], PARTS)}",
            "For example: --map input=text --map answer=category",
        )
    if not is_content_map(options):
        return
    content = {part for part in options.map if part not in METADATA}
    if options.shape and not (options.shape == "tickets" and is_ticket_map(options)):
        raise UsageError(
            "--shape and --map exclude each other", "Both say where the answer is.", "Leave one out."
        )
    # `time` also orders the messages of a ticket, so it counts with either sort of part.
    if is_ticket_map(options):
        fits = content <= set(TICKET_PARTS)
    else:
        fits = any(content - {"system"} == form for form in _FORMS) and content != {"text", "system"}
    if not fits:
        raise UsageError(
            "--map needs parts that make a row",
            f"Got {', '.join(options.map)}. These do: input and answer (and label); input, chosen and"
            " rejected; text; ticket, role and content.",
            "For example: --map input=text --map answer=category",
        )
