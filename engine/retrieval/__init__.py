"""Finding passages in the user's documents, and giving them to a model with numbers it can cite.

sources.py   which files and which embedder     readers.py    files as documents
blocks.py    the structure of a document        chunking.py   documents as passages with exact spans
indexing.py  the next generation                words.py      stems and identifiers
lexical.py   ranking by words (BM25)            dense.py      ranking by meaning (cosine)
fusion.py    two rankings as one                search.py     a knowledge base, opened and searched
prompt.py    passages into the prompt, citations out of the answer
search_process.py   a search in a process of its own, for those who must stay light
"""
