"""Failure taxonomy: what went wrong, in which category, how often, and what to do about it. Pure.

guessing.py     a failed result gets a first guess with its evidence
witnesses.py    whose answers count as whose in a run of advice
columns.py      what the columns of such a file are
periods.py      when complaints came, in days and in the periods of a trend
complaints.py   rows of a file of complaints become failures; guessed from their words
clustering.py   failures that are one problem become one group
board.py        the top list with decisions, counts and trend; the rule "named, and half behavioural"
actions.py      what each category calls for, and the command that does it
"""
