"""Plain typed structs that every layer shares. They import msgspec and the standard library, nothing else."""
