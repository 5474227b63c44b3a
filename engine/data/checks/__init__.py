"""Checks: what is wrong with a dataset version, before a GPU second is spent on it.

contract.py  what a check is given and what it gives     run.py       all checks over a version, the report
scanning.py  checks of single rows, in parallel          registry.py  which checks there are
settling.py  from notes on rows to findings              asking.py    settings, filled up from the workspace
One file per check or family of checks beside these. None knows how a report is stored or shown.
"""
