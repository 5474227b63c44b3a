"""Measurements of the goals G1 to G13: a module per goal, the arms of each in files of their own.

A goal's module `gNN.py` has `measure(pairs) -> list[Result]`, the goal's own result first; `scripts/bench`
runs it.
"""
