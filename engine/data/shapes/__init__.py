"""Shapes: how the objects of a source say who asked what and who answered. A record becomes examples.

A file per family. Shapes are told apart by their keys. What cannot be trained on faithfully (images, broken
tool calls) is refused with a reason, never bent into something else.
"""

from __future__ import annotations

from engine.data.problems import RowProblem
from engine.data.shapes.choosing import choose_shape, examples_of, is_row, shape_of
from engine.data.shapes.contract import Shape
from engine.data.shapes.families import SHAPES

__all__ = ["SHAPES", "RowProblem", "Shape", "choose_shape", "examples_of", "is_row", "shape_of"]
