"""Suites: files of `evals/` become typed cases and checks, or a list of all that is wrong with them.

finding    which file is meant          reading    YAML and JSONL to plain values
problems   all that is wrong            writing    a suite, or one more case, into its file
loading    a suite that was found right, and its checks ready to use
"""

from engine.evals.suite.finding import SHIPPED, SUFFIXES, find_suite, named
from engine.evals.suite.loading import LoadedSuite, load_suite

__all__ = ["SHIPPED", "SUFFIXES", "LoadedSuite", "find_suite", "load_suite", "named"]
