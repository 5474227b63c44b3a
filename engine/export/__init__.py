"""From an adapter to a file that ships: merge, convert, quantise, check.

merge.py      adapter into the unquantised base      vocabulary.py         tokenizer.json as GGUF keeps it
convert.py    a model directory becomes a GGUF       pre_tokenizers.py     llama.cpp's names for splitting text
converter.py  the process that llama.cpp's runs in   trial.py              several ways to write a tokenizer tried
quantise.py   GGUF types                             converter_process.py  the process's main
onepass/      merge, convert and quantise at once    ship/                 does the file behave like the model?
"""
