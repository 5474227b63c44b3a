"""llama.cpp on the card: exports and answers."""
