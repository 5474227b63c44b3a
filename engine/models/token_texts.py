"""What each token of a text says, such that the parts joined are the text.

A character that several tokens share stands whole on the last of them, the others get nothing. Knows nothing
of prompts and masks.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

from tokenizers import Tokenizer

SPACE = "\u2581"  # what SentencePiece writes for a space


def byte_alphabet() -> dict[str, int]:
    """Byte-level BPE's letters to the bytes they stand for (Radford et al. 2019, GPT-2's encoder).

    Printable bytes of Latin-1 are themselves, the other 68 are the characters from U+0100 on, in order.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in printable]
    letters = {chr(byte): byte for byte in printable}
    return letters | {chr(256 + at): byte for at, byte in enumerate(rest)}


class TokenTexts:
    """Token texts of one tokenizer. Cheap to make; what tokens say is looked up as they are met."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._added = {
            token: str(added.content).encode()
            for token, added in tokenizer.get_added_tokens_decoder().items()
        }
        self._letters = byte_alphabet()
        self._byte_level = "ByteLevel" in str(tokenizer.decoder)[:400]
        self._bytes: dict[int, bytes] = {}
        self._whole: dict[int, str | None] = {}  # None for a token that cuts a character

    def says(self, ids: Sequence[int], text: str) -> bool:
        """Whether the ids spell `text` as the tokenizer normalises it, spaces that it adds left out."""
        return self._parts(ids, text) is not None

    def split(self, ids: Sequence[int], text: str) -> list[str]:
        """The part of `text` that each id stands for; joined they are the text as the tokenizer reads it."""
        parts = self._parts(ids, text)
        if parts is None:
            return self._by_offsets(ids, text)
        if self._byte_level:
            return _joined(list(map(self._whole.__getitem__, ids)), parts)
        return _joined([_text(part) for part in parts], parts)

    def spelled(self, ids: Sequence[int]) -> str:
        """What the ids say by themselves; bytes that are no whole character are left out."""
        return b"".join(self._pieces(ids)).decode(errors="ignore")

    def _pieces(self, ids: Sequence[int]) -> list[bytes]:
        known = self._bytes
        for token in set(ids).difference(known):
            self._look_up(token)
        return list(map(known.__getitem__, ids))

    def _parts(self, ids: Sequence[int], text: str) -> list[bytes] | None:
        """The bytes of `text` that each id stands for; None if the ids say another thing."""
        pieces, wanted = self._pieces(ids), text.encode()
        spelled = b"".join(pieces)
        if spelled == wanted:
            return pieces
        if not self._byte_level:
            return _walked(pieces, wanted)
        normalizer = self._tokenizer.normalizer
        normal = normalizer.normalize_str(text).encode() if normalizer else b""
        return pieces if normalizer and spelled == normal else None

    def _by_offsets(self, ids: Sequence[int], text: str) -> list[str]:
        """For tokenizers that change texts or know no bytes: as the library says where tokens end."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        if encoding.ids[: len(ids)] != list(ids):
            return [text, *[""] * (len(ids) - 1)]
        parts, cursor = [], 0
        for _, end in encoding.offsets[: len(ids)]:
            parts.append(text[cursor:end])
            cursor = max(cursor, end)
        parts[-1] += text[cursor:]
        return parts

    def _look_up(self, token: int) -> bytes:
        found = self._added.get(token)
        if found is None:
            found = self._bytes_of(self._tokenizer.id_to_token(token) or "")
        self._bytes[token] = found
        self._whole[token] = _text(found)
        return found

    def _bytes_of(self, piece: str) -> bytes:
        if self._byte_level:
            letters = self._letters
            try:
                return bytes([letters[letter] for letter in piece])
            except KeyError:  # a letter that stands for itself
                parts = (bytes([letters[one]]) if one in letters else one.encode() for one in piece)
                return b"".join(parts)
        if len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">"):
            return bytes([int(piece[3:5], 16)])
        return piece.replace(SPACE, " ").encode()


def _walked(pieces: list[bytes], text: bytes) -> list[bytes] | None:
    """`pieces` along `text`: without the spaces that SentencePiece adds, with the white space that it drops.

    Dropped white space stands on the token before it, at the beginning on the first. None where they part.
    """
    parts: list[bytes] = []
    cursor, dropped = 0, b""
    for piece in pieces:
        if not text.startswith(piece, cursor):
            if piece[:1] == b" " and text.startswith(piece[1:], cursor):
                piece = piece[1:]
            else:
                begin = cursor
                while text[cursor : cursor + 1].isspace():
                    cursor += 1
                dropped = text[begin:cursor]
                if not text.startswith(piece, cursor):
                    return None
        cursor += len(piece)
        if dropped and parts:
            parts[-1] += dropped
            dropped = b""
        parts.append(dropped + piece)
        dropped = b""
    rest = text[cursor:]
    if rest.strip() or not parts:
        return None
    parts[-1] += rest
    return parts


def _text(piece: bytes) -> str | None:
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return None


def _joined(texts: list[str | None], pieces: list[bytes]) -> list[str]:
    """`texts` with the None filled in: a character cut in several stands on the piece that ends it."""
    whole = cast("list[str]", texts)
    decoded: dict[bytes, tuple[str, bytes]] = {}  # the same few characters come again and again
    left, at = b"", -1
    with suppress(ValueError):  # there is no other
        while True:
            at = texts.index(None, at + 1)
            left += pieces[at]
            if left not in decoded:
                # what an incremental decoder does, at a quarter of its price
                text, used = codecs.utf_8_decode(left, "strict", False)
                decoded[left] = text, left[used:]
            whole[at], left = decoded[left]
    return whole
