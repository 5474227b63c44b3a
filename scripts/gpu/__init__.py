"""The check of a machine with a GPU: its tests and a short training run, on whatever versions are there."""
