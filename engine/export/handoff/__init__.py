"""What other programs need to run an export: the file they read beside the weights, and the exact command.

tools.py    which programs, and who makes what     modelfile.py   Ollama's Modelfile
go_template.py  a chat template as Ollama's        script.py      plain Transformers
"""
