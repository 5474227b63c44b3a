"""Writes the file tree into README.md: a line per file, from the first sentence of each file's own docstring.

    .venv/bin/python -m scripts.readme_tree     after a file came, went or changed what it says of itself

tests/contracts/test_tree.py fails while README.md says something else. Folders of data are one line.
The packages are seen at once; their files are folded away, a fold per layer, because they are hundreds.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- tree: made by scripts/readme_tree.py -->\n", "<!-- end of tree -->"
SHOWN = ("app", "engine", "store", "scripts")
LAST = ("tests/", "docs/", "pyproject.toml", "constraints.txt", "CHANGELOG.md")
COLUMN = 34

# folders that are no packages, and files at the top
WORDS = {
    "scripts/": "What people and CI run.",
    "scripts/lib/": "The main of `scripts/setup`, before any package is there.",
    "tests/": "Mirror the packages; contracts/ holds the rules of the house, gpu/ what needs a card.",
    "docs/": "decisions/ (a page each, with the numbers behind it), benchmarks.md, pictures/.",
    "pyproject.toml": "What is needed, and the settings of every tool.",
    "constraints.txt": "The versions that Temper is tested with.",
    "CHANGELOG.md": "What changed, for users.",
}
# folders of data, of which the files are not listed
DATA = {
    "engine/builtin/": "The embedded tiny base model.",
    "engine/templates/": "What `temper init` copies: blank, contracts, research, support.",
    "engine/training/general/": "Short rows of several kinds, on which a run's forgetting is measured.",
    "engine/training/presets/": "Shipped recipes, by size of the base and method.",
    "engine/training/sweeps/": "Shipped sweeps: method or configuration, would more data help.",
    "scripts/tiny_base/topics/": "Sentences that the tiny base learns its letters from, a file per topic.",
}
LONG, LONGEST, TITLE = 90, 120, 32


def tree(root: Path) -> str:
    """The whole tree as Markdown: the packages in one block, then a fold for the files of each layer."""
    packages: list[str] = []
    folds: list[str] = []
    for name in SHOWN:
        add_folder(packages, root, root / name, 0, files=False, deepest=1)
        files: list[str] = []
        add_folder(files, root, root / name, 0)
        folds.append(
            f"<details><summary>All files of <code>{name}/</code></summary>\n\n{block(files)}\n</details>\n"
        )
    packages += [line(0, name, WORDS[name]) for name in LAST]
    return "\n".join([block(packages), *folds])


def block(lines: list[str]) -> str:
    """Lines as they are, in a Markdown block of text."""
    return "\n".join(["```text", *lines, "```"]) + "\n"


def add_folder(
    lines: list[str], root: Path, folder: Path, depth: int, *, files: bool = True, deepest: int = 99
) -> None:
    """A folder's line, then its files' where they are wanted, then those of its folders down to `deepest`."""
    place = folder.relative_to(root).as_posix() + "/"
    if place in DATA:
        lines.append(line(depth, folder.name + "/", DATA[place]))
        return
    lines.append(line(depth, folder.name + "/", WORDS.get(place) or says(folder / "__init__.py")))
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__")))
    for file in entries:
        if files and file.is_file() and (words := says(file)):
            lines.append(line(depth + 1, file.name, words))
    for inner in entries:
        if (
            inner.is_dir()
            and depth < deepest
            and (place + inner.name + "/" in DATA or any(inner.rglob("*.py")))
        ):
            add_folder(lines, root, inner, depth + 1, files=files, deepest=deepest)


def line(depth: int, name: str, words: str) -> str:
    """An entry, indented, its words in one column."""
    return f"{'  ' * depth}{name}".ljust(COLUMN - 1) + (f" {words}" if words else "")


def says(file: Path) -> str:
    """The first sentence a file says of itself, shortened; empty for style sheets."""
    if file.suffix == ".py":
        text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    elif not file.suffix:
        text = " ".join(part.strip("# ") for part in comments(file))
    else:
        return ""
    sentence = re.split(r"\.(?=\s|$)", " ".join(text.split("\n\n")[0].split()))[0]
    return shorter(sentence).rstrip(":.") + "." if sentence else ""


def shorter(sentence: str) -> str:
    """A long sentence ends at its colon, or, where no more than a title stands there, at a later comma."""
    if len(sentence) <= LONG:
        return sentence
    head = re.split(r"[:;](?=\s|$)", sentence)[0]
    if len(head) >= TITLE:
        return head
    stops = [
        stop.start()
        for stop in re.finditer(r"[,;:](?=\s)|$", sentence)
        if len(head) < stop.start() <= LONGEST
    ]
    return sentence[: stops[-1]] if stops else head


def comments(file: Path) -> list[str]:
    """The comment under a script's first line."""
    found = []
    for text in file.read_text(encoding="utf-8").splitlines()[1:]:
        if not text.startswith("#"):
            break
        found.append(text)
    return found


def main() -> int:
    """Put the tree between its marks in README.md."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(before + BEGIN + tree(ROOT) + END + after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
