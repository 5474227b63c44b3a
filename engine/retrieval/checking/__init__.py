"""Is what should be found, found? Questions with known sources, asked of a knowledge base and measured.

question_files.py  questions from YAML, JSONL, CSV      expecting.py   what they expect, in this generation
generating.py      questions written by a model         measures.py    recall, MRR, nDCG, tokens
asking.py          every question through every stage   axes.py        other settings, as they are typed
beside.py          a knowledge base built otherwise     comparing.py   paired differences, and a pick
warning.py         documents that are odd               gating.py      least figures, and the baseline
checking.py        all of it
"""
