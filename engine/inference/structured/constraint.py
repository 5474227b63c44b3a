"""Which tokens may follow: the state of one answer under a grammar, asked about a token or for a mask.

Sample first: a scheduler picks a token as if there were no grammar, asks `allows`, and only when it is
refused takes `mask` and picks among what is left. Greedy text is the same as with the mask first. Knows
nothing of schemas or models.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher

from store.errors import TemperError

Mask = npt.NDArray[np.bool_]


class Constraint(Protocol):
    """What an answer may still become. One object per answer; it only ever goes forward."""

    def allows(self, token: int) -> bool:
        """Whether `token` may come next; a token that ends answers may where the answer is complete."""

    def mask(self) -> Mask:
        """The tokens that may come next, True for each [vocabulary]; those that end answers included."""

    def advance(self, token: int) -> None:
        """Take `token`, which was allowed and ends nothing."""

    def spelling(self, token: int) -> bytes:
        """What a control token that is a word of the structure is shown as; nothing for others."""

    def is_accepting(self) -> bool:
        """Whether the answer so far is complete (it may still be able to go on)."""

    def is_finished(self) -> bool:
        """Whether the answer is complete and nothing may follow: no need to compute another token."""


class Grammar(Protocol):
    """A compiled structure, for one model's vocabulary."""

    def start(self) -> Constraint:
        """The state of a new answer."""


class MatcherConstraint:
    """A constraint driven by llguidance. `ends` are the tokens that end answers, `size` the vocabulary's.

    Every method raises TemperError when the parser gives up in the middle of an answer (it has a budget for
    each step): such an answer ends there and never counts as complete.
    """

    def __init__(
        self,
        matcher: LLMatcher,
        ends: frozenset[int],
        size: int,
        spelled: Mapping[int, bytes] = MappingProxyType({}),
    ) -> None:
        self._matcher = matcher
        self._spelled = spelled
        self._ends = ends
        self._end_ids = sorted(ends)
        self._size = size

    def allows(self, token: int) -> bool:
        """Whether `token` may come next."""
        if token in self._ends:
            return self.is_accepting()
        if self._matcher.is_stopped() or self._matcher.validate_tokens([token]) != 1:
            self._check()
            return False
        return True

    def mask(self) -> Mask:
        """The tokens that may come next [vocabulary]."""
        if self._matcher.is_stopped():
            self._check()
            allowed = np.zeros(self._size, dtype=np.bool_)
        else:
            packed = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
            self._check()
            allowed = np.unpackbits(packed, count=self._size, bitorder="little").view(np.bool_)
        allowed[self._end_ids] = self.is_accepting()
        return allowed

    def advance(self, token: int) -> None:
        """Take an allowed token."""
        self._matcher.consume_token(token)
        self._check()

    def spelling(self, token: int) -> bytes:
        """What a control token is shown as."""
        return self._spelled.get(token, b"")

    def is_accepting(self) -> bool:
        """Whether the answer so far is complete."""
        accepting = self._matcher.is_accepting()
        self._check()
        return accepting

    def is_finished(self) -> bool:
        """Whether nothing may follow."""
        return self._matcher.is_stopped() and self.is_accepting()

    def _check(self) -> None:
        if self._matcher.is_error():
            raise TemperError(
                "The answer's structure became too complex to follow",
                self._matcher.get_error().partition("\n")[0] or "The parser gave up.",
                "Simplify the schema: fewer alternatives that begin alike, shorter patterns, smaller bounds.",
            )
