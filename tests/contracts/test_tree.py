"""The shape of the repository: what may lie where, and that the README tells it as it is."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.main import COMMANDS
from scripts import readme_tree
from tests.contracts.interpreter import ROOT

TOP = {"app", "engine", "store", "tests", "scripts", "docs", "pyproject.toml", "README.md", "CHANGELOG.md"}
TOP |= {"constraints.txt", "LICENSE"}
LONGEST_FILE = 400
# one letter of each in brackets, so that this file does not name what it looks for
ELSEWHERE = re.compile(r"(?<![\w./~])/(?:[w]ork|[r]oot|[t]mp)/\w")
REGISTRIES = re.compile(r"[p]ypi\.org|[p]ythonhosted|[n]pmjs\.|[d]eb\.debian\.org")
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def tracked() -> list[Path]:
    """The files that belong to the repository."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [file for file in files if file.is_file()]


def texts(files: list[Path]) -> Iterator[tuple[str, str]]:
    """Name and content of every text file."""
    for file in files:
        try:
            yield file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_the_top_level_is_the_designs(tracked: list[Path]) -> None:
    names = {file.relative_to(ROOT).parts[0] for file in tracked}
    assert {name for name in names if not name.startswith(".")} == TOP


def test_every_package_says_what_it_is(tracked: list[Path]) -> None:
    folders = {file.parent for file in tracked if file.suffix == ".py"}
    folders = {
        folder for folder in folders if folder.relative_to(ROOT).parts[0] in {"app", "engine", "store"}
    }
    silent = []
    for folder in folders:
        package = folder / "__init__.py"
        if not package.is_file() or not ast.get_docstring(ast.parse(package.read_text(encoding="utf-8"))):
            silent.append(folder.relative_to(ROOT).as_posix())
    assert silent == []


def test_no_file_is_too_long_to_be_one_idea(tracked: list[Path]) -> None:
    sources = [file for file in tracked if file.suffix == ".py"]
    assert [name for name, text in texts(sources) if len(text.splitlines()) > LONGEST_FILE] == []


def test_no_file_names_a_place_on_somebodys_machine(tracked: list[Path]) -> None:
    assert [(name, found[0]) for name, text in texts(tracked) if (found := ELSEWHERE.search(text))] == []


def test_no_file_names_a_package_registry(tracked: list[Path]) -> None:
    assert [(name, found[0]) for name, text in texts(tracked) if (found := REGISTRIES.search(text))] == []


def test_the_readme_names_every_folder_at_the_top(tracked: list[Path]) -> None:
    folders = {file.relative_to(ROOT).parts[0] for file in tracked if len(file.relative_to(ROOT).parts) > 1}
    assert [name for name in folders if not name.startswith(".") and f"{name}/" not in README] == []


def test_the_readmes_tree_is_the_tree() -> None:
    """To mend it: .venv/bin/python -m scripts.readme_tree."""
    assert README.partition(readme_tree.BEGIN)[2].partition(readme_tree.END)[0] == readme_tree.tree(ROOT)


def test_the_readme_lists_every_command_and_no_other() -> None:
    listed = re.findall(r"^\| `temper(?: (\w+))?[^`]*` \|", README, re.MULTILINE)
    assert set(listed) - {""} == set(COMMANDS)


def test_the_readmes_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)
    assert pictures
    assert [picture for picture in pictures if not (ROOT / picture).is_file()] == []
