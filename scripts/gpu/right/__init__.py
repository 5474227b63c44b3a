"""Does the card compute what the processor computes."""
