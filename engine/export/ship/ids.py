"""Token ids: what the file makes of texts, against the model's tokenizer.json, and why it differs.

Compares ids and vocabularies; knows nothing of answers.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import msgspec
from tokenizers import Tokenizer

from engine.export.ship.asked import Judged, Material
from engine.export.vocabulary import beyond_llama_cpp, read_raw
from engine.inference.llama import Model
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import encode, encode_prompt, leading_ids

OTHER_VOCABULARY = 0.01
"""Share of tokens spelled otherwise from which on it is another tokenizer: the converter respells a few."""


class Difference(msgspec.Struct):
    """A text that the file tokenises differently. `index` is that of the first id that differs."""

    text: str
    wanted: list[int]
    got: list[int]

    @property
    def index(self) -> int:
        """Where both part."""
        pairs = zip(self.wanted, self.got, strict=False)
        return next((at for at, (left, right) in enumerate(pairs) if left != right), len(self.got))

    @property
    def shown(self) -> str:
        """The first token that differs, with the text around it."""
        at = self.index
        wanted, got = self.wanted[at : at + 4], self.got[at : at + 4]
        return f"{self.text[:60]!r} has {got} instead of {wanted} from token {at} on"


class Ids(msgspec.Struct):
    """Texts and prompts that become other ids, of `compared` in all.

    `begins` are the numbers of BOS in front of a finished text: as the file says, as the tokenizer.json does.
    `respelled` is the first token that both spell differently, where so many do that it is another tokenizer.
    `typed` are special tokens that a user's text becomes though the runtime reads it as plain text. `cause`
    is what the tokenizer does and llama.cpp does not, where that is known.
    """

    compared: int = 0
    texts: list[Difference] = []
    prompts: list[Difference] = []
    begins: tuple[int, int] = (0, 0)
    respelled: str = ""
    typed: list[str] = []
    cause: str = ""

    @property
    def equal_share(self) -> float:
        """The share of texts and prompts that have the right ids."""
        return 1 - (len(self.texts) + len(self.prompts)) / self.compared if self.compared else 0.0


def compare_ids(
    model: Model, tokenizer: Tokenizer, base: ModelDirectory, material: Material
) -> tuple[Ids, list[list[int]]]:
    """Every text as written and every prompt with its BOS: by the file, and by the model's tokenizer.json.

    Gives the right ids of the prompts, too.
    """
    bos = base.special_token("bos_token")
    ids = Ids(len(material.texts) + len(material.questions))
    for text in material.texts:
        wanted, got = encode(tokenizer, text), model.tokenise(text)
        if wanted != got:
            ids.texts.append(Difference(text, wanted, got))
    prompts = []
    for question in material.questions:
        wanted, got = encode_prompt(tokenizer, question.prompt, bos), model.encode_prompt(question.prompt)
        prompts.append(wanted)
        if wanted != got:
            ids.prompts.append(Difference(question.prompt, wanted, got))
    first = tokenizer.token_to_id(bos) if bos else None
    ids.begins = (int(model.adds_bos), 0 if first is None else leading_ids(tokenizer).count(first))
    if ids.texts or ids.prompts:
        ids.respelled = respelled(model, tokenizer)
        ids.cause = beyond_llama_cpp(read_raw(base.tokenizer_file))
    control = {tokenizer.token_to_id(text) for text in material.specials}
    ids.typed = [text for text in material.specials if control & {*model.tokenise(text, parse_special=False)}]
    return ids, prompts


def respelled(model: Model, tokenizer: Tokenizer) -> str:
    """The first token whose text differs, if more than OTHER_VOCABULARY of them do; else nothing."""
    known = range(min(model.vocabulary_size, tokenizer.get_vocab_size()))
    other = [token for token in known if model.token_text(token) != tokenizer.id_to_token(token)]
    if len(other) <= OTHER_VOCABULARY * len(known):
        return ""
    first = other[0]
    return f"token {first} is {model.token_text(first)!r}, not {tokenizer.id_to_token(first)!r}"


def judge_ids(ids: Ids, writes_bos: bool) -> list[Judged]:
    """BLOCK when any id differs, each cause in its own words. `writes_bos`: the chat template does.

    Texts that are not in Unicode's composed form only WARN: see the reason.
    """
    judged: list[Judged] = list(judge_begin(ids, writes_bos))
    if ids.respelled:
        judged.append(("BLOCK", f"The file has another tokenizer than the model: {ids.respelled}."))
    why = f" ({ids.cause})" if ids.cause else ""
    if ids.prompts:
        shown, count = ids.prompts[0].shown, len(ids.prompts)
        judged.append(("BLOCK", f"{count} prompts become other tokens than in training: {shown}{why}."))
    composed = [one for one in ids.texts if unicodedata.is_normalized("NFC", one.text)]
    if composed:
        shown, count = composed[0].shown, len(composed)
        judged.append(("BLOCK", f"{count} texts become other tokens than by tokenizer.json: {shown}{why}."))
    if len(composed) < len(ids.texts):
        judged.append(
            (
                "WARN",
                "Letters written as letter and combining mark become other tokens than in training: "
                "the model's tokenizer composes them first, llama.cpp does not.",
            )
        )
    if ids.typed:
        judged.append(
            (
                "WARN",
                f"A user who types {', '.join(ids.typed[:3])} writes a special token, "
                "even where the runtime reads the text as plain.",
            )
        )
    return judged


def judge_begin(ids: Ids, writes_bos: bool) -> Sequence[Judged]:
    """BLOCK where the file says something else of BOS than the tokenizer.json."""
    got, wanted = ids.begins
    if got == wanted:
        return []
    if got < wanted:
        return [("BLOCK", "BOS is missing: the file does not put it before a text, the tokenizer.json does.")]
    what = "twice: the chat template writes it, and" if writes_bos else "where training had none:"
    return [("BLOCK", f"A prompt begins with BOS {what} the file says that its reader is to add it.")]
