"""The forgetting pack: a suite that ships (forgetting.yaml), asked before and after training. Pure.

judging.py   both sides become a verdict and a remedy
"""

from pathlib import Path

PACK = Path(__file__).with_name("forgetting.yaml")
"""The suite: checkable instructions, JSON, arithmetic, refusals, questions, other languages."""
