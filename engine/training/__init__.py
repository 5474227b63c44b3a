"""Training: from a recipe and examples to an adapter.

recipe.py   reading and checking recipes       rows.py      examples as token ids and labels
session.py  a run from top to bottom           callbacks.py steps as events, stop, checkpoints
base.py     the base model of a method         adapter.py   which layers carry the adapter
objectives/ a stock TRL trainer for each       settings.py  what their settings share
devices.py  what each device gets by default
"""
