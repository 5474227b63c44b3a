"""Go's text/template, as much of it as a translated chat template uses, read from its documentation."""

from __future__ import annotations

import json
import re
from typing import Any

from store.records.data import Message

Nodes = list[tuple[str, Any]]


def run(template: str, messages: list[Message], prompt: str = "") -> str:
    """What Ollama would make of `.Messages`, or of `.Prompt` where a template has that only."""
    tokens = re.split(r"(\{\{.*?\}\}(?!\"))", template, flags=re.DOTALL)
    nodes, rest = parse([token for token in tokens if token])
    assert not rest, "an {{ end }} too many"
    written: list[str] = []
    execute(nodes, {"Messages": messages, "Prompt": prompt}, None, {}, written)
    return "".join(written)


def parse(tokens: list[str], inside: bool = False) -> tuple[Nodes, list[str]]:
    nodes: Nodes = []
    while tokens:
        token, *tokens = tokens
        if not token.startswith("{{"):
            nodes.append(("text", token))
            continue
        words = token[2:-2].strip()
        if words == "end" or words.startswith("else"):
            assert inside, f"{words} outside of a block"
            return nodes, [token, *tokens]
        if words.startswith("range "):
            body, tokens = parse(tokens, True)
            nodes.append(("range", (words[6:], body)))
            tokens = tokens[1:]
        elif words.startswith("if "):
            branches = []
            while True:
                body, tokens = parse(tokens, True)
                branches.append((words, body))
                words = tokens[0][2:-2].strip()
                tokens = tokens[1:]
                if words == "end":
                    break
            nodes.append(("if", branches))
        else:
            nodes.append(("do", words))
    return nodes, tokens


def execute(nodes: Nodes, root: dict[str, Any], dot: Any, names: dict[str, str], written: list[str]) -> None:
    for kind, content in nodes:
        if kind == "text":
            written.append(content)
        elif kind == "range":
            for item in root[content[0].removeprefix(".")]:
                execute(content[1], root, item, names, written)
        elif kind == "if":
            for words, body in content:
                role = re.fullmatch(r'(?:else )?if eq \.Role "(\w+)"', words)
                assert role, words
                if dot.role == role[1]:
                    execute(body, root, dot, names, written)
                    break
        elif assigned := re.fullmatch(r'(\$\w+) :?= (".*")', content, re.DOTALL):
            names[assigned[1]] = json.loads(assigned[2])
        elif content == ".Content":
            written.append(dot.content)
        elif content == ".Prompt":
            written.append(root["Prompt"])
        elif content.startswith("$"):
            written.append(names[content])
        else:
            written.append(json.loads(content))
