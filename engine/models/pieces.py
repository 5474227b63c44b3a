"""Prompts and answers become ids such that a prompt comes out as it does when it is served.

Nothing here knows of turns or masks. A text is encoded once: whatever must be encoded again is encoded from
the last added token on, since an added token ends what stands before it for every tokenizer of the library
(the text is split at added tokens before anything else happens to it).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

from tokenizers import Tokenizer

from engine.models.tokenizer import encode, leading_ids


class Prompt:
    """An encoded text: `text`, its `ids` as served, and `leading`, how many ids stand before the text."""

    def __init__(self, text: str, ids: list[int], leading: int, added: AddedTokens) -> None:
        self.text, self.ids, self.leading = text, ids, leading
        self._added = added

    @cached_property
    def anchors(self) -> tuple[list[int], list[int]]:
        """Where added tokens start, in characters and in ids; none where the two cannot be matched."""
        return self._added.places(self.text, self.ids, self.leading)

    def anchor_before(self, end: int) -> tuple[int, int]:
        """The last added token of the first `end` characters: its first character, and its place in ids."""
        characters, places = self.anchors
        found = bisect_right(characters, end - 1) - 1
        return (characters[found], places[found]) if found >= 0 else (0, self.leading)

    def spelled_at(self, start: int) -> int:
        """The character behind the added token that starts at `start`."""
        return start + self._added.length_at(self.text, start)


class AddedTokens:
    """Finds the tokenizer's added tokens in texts."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        decoder = tokenizer.get_added_tokens_decoder()
        self._ids = {token: str(added.content) for token, added in decoder.items()}
        spelled = sorted(filter(None, self._ids.values()), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, spelled))) if spelled else None

    def places(self, text: str, ids: list[int], leading: int) -> tuple[list[int], list[int]]:
        """First characters and places in `ids` of the added tokens; both empty where they do not agree."""
        if self._pattern is None:
            return [], []
        found = list(self._pattern.finditer(text))
        known = self._ids
        places = [at for at, token in enumerate(ids) if token in known]
        del places[: sum(at < leading for at in places[:leading])]
        if [match.group() for match in found] != [known[ids[at]] for at in places]:
            return [], []
        return [match.start() for match in found], places

    def length_at(self, text: str, start: int) -> int:
        """How long the added token is that `text` has at `start`; 0 where there is none."""
        match = self._pattern.match(text, start) if self._pattern else None
        return len(match.group()) if match else 0


class PieceEncoder:
    """Encodes for one tokenizer. `spaced`: it writes a space before every text (engine.export.vocabulary)."""

    def __init__(self, tokenizer: Tokenizer, bos_token: str, spaced: bool) -> None:
        self.tokenizer = tokenizer
        self._bos = bos_token
        self._spaced = spaced
        self._leading = leading_ids(tokenizer)
        self._added = AddedTokens(tokenizer)

    def prompt(self, text: str) -> Prompt:
        """`text` as it is served: the tokenizer's BOS in front, unless the template has written it."""
        leading = [] if self._bos and text.startswith(self._bos) else self._leading
        return Prompt(text, leading + encode(self.tokenizer, text), len(leading), self._added)

    def answer(self, prompt: Prompt, text: str) -> list[int]:
        """Ids of `text` behind the prompt: those of the whole where the prompt's stay as they are."""
        start, place = prompt.anchor_before(len(prompt.text))
        head = prompt.ids[place:]
        whole = encode(self.tokenizer, prompt.text[start:] + text)
        if whole[: len(head)] == head:
            return whole[len(head) :]
        return self._alone(text)

    def inside(self, whole: Prompt, prompt: str, text: str) -> tuple[int, int] | None:
        """The range of `text` in the ids of `whole`, if it follows `prompt` there as an answer would.

        `text` ends with an added token. None unless it is proven that the ids of `whole` before the range are
        those of `prompt` when it is served.
        """
        if not (whole.text.startswith(prompt) and whole.text.startswith(text, len(prompt))):
            return None
        start, place = whole.anchor_before(len(prompt))
        head = encode(self.tokenizer, prompt[start:])
        begin = place + len(head)
        if whole.ids[place:begin] != head:
            return None
        end = len(prompt) + len(text)
        last, stop = whole.anchor_before(end)
        if stop < begin or whole.spelled_at(last) != end:
            return None
        return begin, stop + 1

    def _alone(self, text: str) -> list[int]:
        if not self._spaced:
            return encode(self.tokenizer, text)
        # A SentencePiece-like tokenizer puts a space before every text, also before the middle of one: so
        # the piece is encoded behind a token that ends a word for certain, and that token is taken off again.
        anchor = encode(self.tokenizer, "\n")
        joined = encode(self.tokenizer, "\n" + text)
        return joined[len(anchor) :] if joined[: len(anchor)] == anchor else encode(self.tokenizer, text)
