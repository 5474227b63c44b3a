"""Base and adapter to a quantised GGUF in one pass: nothing is written but the file and a few megabytes."""
