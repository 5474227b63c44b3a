"""From an adapter to a file that ships: merge, convert, quantise, check.

merge.py        adapter into the unquantised base     vocabulary.py  tokenizer.json as GGUF keeps it
convert.py      llama.cpp's converter as a subprocess  quantise.py    GGUF types
ship/           does the file behave like the model?   converter_process.py  the subprocess's main
"""
