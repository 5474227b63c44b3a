"""Finding passages in the user's documents, and giving them to a model with numbers it can cite.

Ingest:

sources.py   which files and which embedder     readers/      files as documents, a module per format
document.py  what a reader makes of a file      blocks.py     the structure of a document
chunking/    documents as passages              reading.py    all files, what is unchanged taken over
embedding.py vectors, what is new of them       contextual.py a line of context per passage (context_model.py)
indexing.py  the next generation                rollback.py   an older one again, old ones removed
prefixes.py  what an embedder wants to be told  fitness.py    whether documents suit the embedder

Search:

search.py    a knowledge base, opened           search_process.py   the same in a process of its own
dense.py     ranking by meaning (cosine)        lexical.py, words.py   ranking by words (BM25)
prompt.py    passages into the prompt, citations out of the answer

What else is here takes part in a search and says so itself.
"""
