"""Structured answers that fail closed: schemas, regular expressions, choices and tool calls as constraints.

A structure is compiled before generation (or refused by name), masks tokens while an answer is written, and
is checked once more when it is complete.
"""
