"""How much of the card training uses, and how that compares with stock libraries."""
