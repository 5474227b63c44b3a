"""Finding passages in the user's documents, and giving them to a model with numbers it can cite.

readers.py   files as documents       chunking.py   documents as passages with exact spans
ingest.py    the next generation      lexical.py    words (BM25)        dense.py   meaning (cosine)
search.py    both, fused              prompt.py     passages into the prompt, citations out of the answer
"""
