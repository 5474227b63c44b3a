"""The ship check: does the exported file behave like the model that was trained? SHIP, WARN or BLOCK.

check.py       files in, verdicts out                    asked.py      what to compare on
reading.py     what the file does, by llama.cpp          scores.py     its scores, kept on disk
ids.py         token ids, BOS, the vocabulary            form.py       stop tokens, chat template, sizes
positions.py   token by token against Transformers       suite.py      the eval suite, paired
faults.py      which known fault explains a difference   tensors.py    the file's tensors, by gguf-py
"""
