"""From an adapter to a file that ships: merge, convert, quantise, check.

merge.py      adapter into the unquantised base    vocabulary.py         tokenizer.json as GGUF keeps it
convert.py    a model directory becomes a GGUF     pre_tokenizers.py     llama.cpp's names for splitting text
converter.py  the process that does it             converter_process.py  its main
quantise.py   GGUF types                           trial.py              of several vocabularies the right one
onepass/      all three at once                    ship/                 does it behave like the model?
"""
