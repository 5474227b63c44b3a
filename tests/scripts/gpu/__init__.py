"""The proof on a GPU: its steps, its records, what it carries, and a rehearsal on the processor."""
