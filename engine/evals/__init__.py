"""Evals: does a variant do its job, is another one better, and what is to be done? Pure: records in and out.

suite/         files become cases and checks      checks/        one answer against one check
cases.py       cases of a suite                   run.py         all cases through one answerer
trajectory.py  turns and tool calls of a case     judging.py     the model that judges
stored.py      results on disk, and reused        scores.py      results become scores
baselines.py   what guessing would score          stats/         intervals, exact tests, corrections
comparison/    two variants, gates, verdicts      triage/        failures by category
forgetting/    the pack that ships                advisor/       prompt, retrieval, tuning, or none yet
"""
