"""The proof on a machine with a GPU: stages of steps, each a process of its own, each leaving a JSON behind.

right/  does the card compute what the processor computes        safe/  what happens when memory is short
fast/   how much of the card is used, against stock libraries    out/   llama.cpp with CUDA: exports, answers

plan.py names the steps, record.py keeps what they found, one.py runs one, bench.py is what a step is given.
wheels.py and llama_source.py gather here what that machine lacks. How to run it: docs/gpu.md.
"""
