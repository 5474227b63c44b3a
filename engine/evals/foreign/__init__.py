"""Suites of other tools, taken over: promptfoo, OpenAI Evals, Inspect.

What has no counterpart here is named, with the cases it is missing in, and never dropped in silence.

imported   what was taken over and what was not      reading    which tool's file this is
files      files that a file names                   templates  {{ variables }} filled in
messages   conversations as OpenAI's API has them    samples    OpenAI Evals and Inspect: a row is a case
registry   OpenAI Evals' registry of evals           promptfoo  a configuration, its tests and assertions
"""

from engine.evals.foreign.imported import Imported
from engine.evals.foreign.reading import read_foreign

__all__ = ["Imported", "read_foreign"]
