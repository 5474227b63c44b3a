"""What an embedding model expects before a question and before a passage, as its authors say.

Known by the model's name in the GGUF file; temper.toml overrides it. Models that are not here get nothing.
"""

from __future__ import annotations

import re

import msgspec


class Prefixes(msgspec.Struct, frozen=True):
    """Put before a text when it is embedded."""

    query: str = ""
    document: str = ""


_BGE = "Represent this sentence for searching relevant passages: "
_KNOWN = [
    (r"e5.*instruct", Prefixes("Instruct: Given a question, retrieve passages that answer it\nQuery: ")),
    (r"\be5\b|\be5-|-e5", Prefixes("query: ", "passage: ")),
    (r"nomic-embed", Prefixes("search_query: ", "search_document: ")),
    (r"bge-m3", Prefixes()),
    (r"bge-.*-en", Prefixes(_BGE)),
    (r"arctic-embed", Prefixes(_BGE)),
    (r"mxbai-embed", Prefixes(_BGE)),
    (r"embedding-?gemma", Prefixes("task: search result | query: ", "title: none | text: ")),
    (r"qwen3-embedding", Prefixes("Instruct: Given a question, retrieve passages that answer it\nQuery:")),
]


def known_prefixes(*names: str) -> Prefixes:
    """The prefixes of the model that goes by one of these names; none for one that is not known."""
    for name in names:
        plain = re.sub(r"[\s_]+", "-", name.lower())
        for pattern, prefixes in _KNOWN:
            if re.search(pattern, plain):
                return prefixes
    return Prefixes()
