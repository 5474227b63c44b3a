"""Evals: does a variant do its job? Pure: cases and an answerer in, results out.

suite.py    a YAML file becomes cases and checks, or a list of all that is wrong with it
cases.py    cases of a suite, inline or taken from a dataset
checks.py   one answer against one check         run.py         all cases through one answerer
stats.py    standard error, intervals, tests     baselines.py   what guessing would score
"""
