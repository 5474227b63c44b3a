"""Failure taxonomy: what went wrong, in which category, how often, and what to do about it. Pure.

guessing.py     the failures of a run, each with a first guess and its evidence
rules/          the rules that guess, in one order
seen.py         what a rule may look at: checks by their kind, other variants' answers
texts.py        texts as they are compared, named and shown
witnesses.py    whose answers count as whose in a run of advice
columns.py      what the columns of such a file are
periods.py      when complaints came, in days and in the periods of a trend
complaints.py   rows of a file of complaints become failures; guessed from their words
wording.py      the words by which people complain, by category
clustering.py   failures that are one problem become one group
board.py        the top list with decisions, counts and trend; the rule "named, and half behavioural"
actions.py      what each category calls for, and the command that does it
"""
