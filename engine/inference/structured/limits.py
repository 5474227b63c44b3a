"""How much time and memory a grammar may take: what needs more is refused, or ends the answer.

Within these, a grammar is compiled in seconds and a step takes milliseconds.
"""

from __future__ import annotations

from llguidance import LLParserLimits

LIMITS = LLParserLimits(
    max_items_in_row=10_000,  # some five for each optional key of an object
    initial_lexer_fuel=2_000_000,
    step_lexer_fuel=400_000,
    step_max_items=50_000,
    max_lexer_states=50_000,
    max_grammar_size=250_000,
    precompute_large_lexemes=False,
    verbose_errors=False,
)
