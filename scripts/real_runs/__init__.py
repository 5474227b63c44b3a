"""Runs on real data through the ordinary commands: what they print is what docs/benchmarks.md quotes.

banking77.py     support messages to strict JSON on the embedded base
importers.py     every importer on every file that can be imported; speed and memory of a large one
pii.py           personal data in labelled sentences: precision and recall by type
stories260k.py   a real pretrained model through training, merge and export
tokenizers.py    ids of the stock converter's GGUF and of Temper's, on real tokenizers
commands.py      calling `temper` and keeping its words
"""
