"""From a structure's grammar text and a vocabulary to something that constrains answers.

Bounded in time and memory by llguidance's own limits, tightened here. Does not know where a grammar's text
came from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from llguidance import LLMatcher

from engine.inference.structured.constraint import MatcherConstraint
from engine.inference.structured.limits import LIMITS
from engine.inference.structured.vocabulary import Vocabulary
from store.errors import UsageError

WHITE_SPACE = r"(\x20|\x0D?\x0A[\x20\x09]{0,40})"
"""Between the parts of JSON: a space, or a line's end and an indentation. A model cannot pad its answer."""
OPTIONS = {"whitespace_pattern": WHITE_SPACE, "lenient": False, "coerce_one_of": False}
HEADER = '%llguidance {"no_forcing": true}'
"""Every spelling in tokens is allowed, not the tokenizer's own only: so the mask says what `allows` says."""


class CompiledGrammar:
    """The rule `answer` of `rules` (llguidance's Lark) over one vocabulary.

    `spaced`: a space may stand first (SentencePiece). `spelled`: control tokens that the answer shows. Raises
    UsageError when llguidance refuses it, for its size too.
    """

    def __init__(
        self, rules: str, vocabulary: Vocabulary, spaced: bool = False, spelled: frozenset[int] = frozenset()
    ) -> None:
        self._vocabulary = vocabulary
        words = vocabulary.control_tokens.items()
        self._spelled = {token: word.encode() for word, token in words if token in spelled}
        start = 'start: " "? answer' if spaced else "start: answer"
        text = f"{HEADER}\n{start}\n{rules}"
        self._first = LLMatcher(vocabulary.tokenizer, text, log_level=0, limits=LIMITS)
        if self._first.is_error():
            raise refusal(self._first.get_error())

    def start(self) -> MatcherConstraint:
        """The state of a new answer."""
        vocabulary = self._vocabulary
        return MatcherConstraint(self._first.deep_copy(), vocabulary.ends, vocabulary.size, self._spelled)


def json_rule(schema: Mapping[str, Any] | bool, name: str = "answer") -> str:
    """The rule of a schema that engine.inference.structured.lowering has put into llguidance's words."""
    if isinstance(schema, bool):
        schema = {} if schema else {"not": {}}
    return f"{name}: %json {json.dumps({**schema, 'x-guidance': OPTIONS})}"


def regex_rule(pattern: str) -> str:
    """The rule of a text that `pattern` describes from its first character to its last."""
    within = re.sub(r"(\\.)|/", lambda match: match[1] or r"\/", pattern, flags=re.DOTALL)
    return f"answer: TEXT\nTEXT: /{within}/"


def choice_rule(choices: Sequence[str]) -> str:
    """The rule of one of `choices`, exactly: a word of the lexer, which takes many where a parser cannot."""
    return "answer: CHOICE\nCHOICE: " + " | ".join(map(lark_text, choices))


def lark_text(text: str) -> str:
    """`text` as a literal of llguidance's grammars (JSON's escapes)."""
    return json.dumps(text, ensure_ascii=False)


def refusal(reason: str) -> UsageError:
    """Why llguidance took no grammar, without its page of context."""
    lines = [line.strip() for line in reason.splitlines() if line.strip()] or ["no reason was given"]
    line = next((one.removeprefix("error: ") for one in lines if one.startswith("error: ")), lines[0])
    line = re.sub(r"^at \d+\(\d+\): |failed to compile JSON schema: ", "", line)
    return UsageError(
        "The structure cannot be enforced",
        f"{line[:500]}.",
        "Simplify it: nothing is generated under a structure that is not enforced.",
    )
