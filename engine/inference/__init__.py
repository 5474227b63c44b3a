"""Running models: llama.cpp through its low-level API, generation, and a variant's whole answer.

Nothing here knows of HTTP, jobs or screens. Import it only in workers and servers: it loads llama.cpp.
"""
