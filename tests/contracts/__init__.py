"""Contracts between the layers, measured in fresh interpreters."""
