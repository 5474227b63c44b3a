"""All shapes by name, the most particular first: the first that fits a record is its shape."""

from __future__ import annotations

from engine.data.shapes import chat, exports, pairs, preference, rated, texts, tickets
from engine.data.shapes.contract import Shape

SHAPES: dict[str, Shape] = {
    shape.name: shape
    for family in (preference, exports, rated, chat, pairs, tickets, texts)
    for shape in family.SHAPES
}
