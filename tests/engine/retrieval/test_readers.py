"""Files as documents, and why others are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.retrieval.readers import BY_SUFFIX, Unreadable, find_files, read_document
from store.errors import MissingError


def write(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_files_are_named_by_their_place_in_the_workspace(tmp_path: Path) -> None:
    inside, outside = tmp_path / "workspace", tmp_path / "elsewhere"
    write(inside, "knowledge/b/two.md", "two")
    write(inside, "knowledge/one.md", "one")
    write(inside, "knowledge/.git/config", "x")
    write(inside, "knowledge/.hidden.md", "x")
    write(outside, "three.md", "three")
    found = find_files([inside / "knowledge", outside / "three.md"], inside)
    assert sorted(found) == sorted(
        ["knowledge/b/two.md", "knowledge/one.md", (outside / "three.md").as_posix()]
    )


def test_a_link_in_a_circle_does_not_trap(tmp_path: Path) -> None:
    write(tmp_path, "docs/one.md", "one")
    (tmp_path / "docs" / "again").symlink_to(tmp_path / "docs", target_is_directory=True)
    assert list(find_files([tmp_path / "docs"], tmp_path)) == ["docs/one.md"]


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="nowhere"):
        find_files([tmp_path / "nowhere"], tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("photo.png", b"\x89PNG", r"\.png is not a kind"),
        ("LICENSE", "text", "without suffix"),
        ("program.md", b"\x7fELF\0\0", "binary"),
        ("latin.txt", "gr\xfc\xdfe".encode("latin-1"), "not UTF-8: byte 2"),
        ("empty.md", " \n\n", "empty"),
    ],
)
def test_a_file_that_is_no_document_says_why(
    tmp_path: Path, name: str, content: bytes | str, reason: str
) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_document(name, write(tmp_path, name, content))


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.md"
    with path.open("wb") as file:
        file.truncate(BY_SUFFIX[".md"].largest + 1)
    with pytest.raises(Unreadable, match="larger than 20 MB"):
        read_document("huge.md", path)


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_forbidden_file_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, "secret.md", "text")
    path.chmod(0)
    with pytest.raises(Unreadable, match="Permission denied"):
        read_document("secret.md", path)


def test_a_broken_link_says_so(tmp_path: Path) -> None:
    (tmp_path / "gone.md").symlink_to(tmp_path / "nowhere.md")
    with pytest.raises(Unreadable, match="cannot be read"):
        read_document("gone.md", tmp_path / "gone.md")


def test_front_matter_is_not_text_but_gives_the_title(tmp_path: Path) -> None:
    text = "---\r\ntags: [a]\r\ntitle: 'How to pay'\r\n---\r\nPay here.\r\n"
    document = read_document("pay.md", write(tmp_path, "pay.md", text))
    assert (document.title, document.text[document.body :]) == ("How to pay", "Pay here.\r\n")
    assert document.text == text


def test_a_rule_at_the_top_is_not_front_matter(tmp_path: Path) -> None:
    document = read_document("rule.md", write(tmp_path, "rule.md", "---\nno end of it\n"))
    assert document.body == 0


def test_marks_of_an_encoding_are_understood(tmp_path: Path) -> None:
    wide = read_document("wide.txt", write(tmp_path, "wide.txt", "größer".encode("utf-16")))
    marked = read_document("marked.txt", write(tmp_path, "marked.txt", "größer".encode("utf-8-sig")))
    assert wide.text == marked.text == "größer"


def test_an_ignore_file_means_what_git_means(tmp_path: Path) -> None:
    write(tmp_path, "docs/.temperignore", "drafts/\n*.log.md\n!keep.log.md\n")
    for name in ("a.md", "b.log.md", "keep.log.md", "drafts/c.md", "in/d.log.md", "node_modules/e.md"):
        write(tmp_path, f"docs/{name}", "x")
    write(tmp_path, "docs/in/.temperignore", "!d.log.md\n")
    assert list(find_files([tmp_path / "docs"], tmp_path / "docs")) == ["a.md", "in/d.log.md", "keep.log.md"]


def test_a_name_that_is_not_utf8_is_shown_as_far_as_it_can_be(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/gr\xfc\xdfe.md"))).write_text("text")
    ((name, path),) = find_files([tmp_path], tmp_path).items()
    assert (name, read_document(name, path).text) == ("gr\ufffd\ufffde.md", "text")
