"""How things look: the command line and the terminal UI, two skins over one core.

Screens and commands hold no logic. This layer never imports torch, transformers, llama_cpp or chromadb.
"""
