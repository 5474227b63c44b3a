"""Training: from a recipe and examples to an adapter.

recipe.py   reading and checking recipes       rows.py      examples as token ids and labels
sft.py      the recipe of a run, top to bottom  callbacks.py steps as events, stop, checkpoints
devices.py  what each device gets by default
"""
