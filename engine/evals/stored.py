"""Results on disk: written as they come, read again to go on, to judge anew, or to spare an answer.

A run's `results.jsonl` holds a line per case, variant and epoch, flushed, so that a kill keeps them. What is
asked twice of the same file is answered once: answers are looked up by what decides them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import FileIO
from pathlib import Path

import msgspec

from store import atomic, runs
from store.records.evals import CaseResult

Key = tuple[str, str, int]
"""What decides an answer: variant hash, case hash, seed."""

_decoder = msgspec.json.Decoder(CaseResult)


class Results:
    """A run's results.jsonl, open for appending. Nothing is held back: what was appended outlives a kill."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._encoder = msgspec.json.Encoder()
        self._file: FileIO | None = None
        self._size = 0

    def __enter__(self) -> Results:
        runs.end_torn_line(self._path)
        self._file = self._path.open("ab", buffering=0)
        self._size = self._path.stat().st_size
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            atomic.sync_file(self._path)

    def append(self, result: CaseResult) -> None:
        """Write one line, or none of it. Raises TemperError when the disk is full."""
        assert self._file is not None
        data = self._encoder.encode(result) + b"\n"
        try:
            written = 0
            while written < len(data):  # a disk that is nearly full takes a part
                written += self._file.write(data[written:])
        except OSError as error:
            self._file.truncate(self._size)
            raise atomic.disk_error(error, self._path) from error
        self._size += len(data)


def read(path: Path) -> Iterator[CaseResult]:
    """The results of a file that can be read, in order; none where there is no file."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                yield _decoder.decode(line)
            except msgspec.MsgspecError:  # a torn line, or one of a newer Temper
                continue


def rewrite(path: Path, results: Iterable[CaseResult]) -> None:
    """Keep only these results."""
    encoder = msgspec.json.Encoder()
    atomic.write_bytes(path, b"".join(encoder.encode(result) + b"\n" for result in results))


def key_of(result: CaseResult) -> Key:
    """What decided this answer."""
    return result.variant_hash, result.case_hash, result.seed


def answers_of(files: Iterable[Path], variant_hash: str) -> dict[Key, CaseResult]:
    """Answers of a variant in earlier results, by what decided them; of several the first file's."""
    mark = variant_hash.encode()
    found: dict[Key, CaseResult] = {}
    for path in files:
        if not variant_hash or not path.is_file():
            continue
        with path.open("rb") as file:
            for line in file:
                if mark not in line:  # decoding is what costs
                    continue
                try:
                    result = _decoder.decode(line)
                except msgspec.MsgspecError:
                    continue
                if result.variant_hash == variant_hash and not result.error:
                    found.setdefault(key_of(result), result)
    return found


def with_answer_of(blank: CaseResult, stored: CaseResult) -> CaseResult:
    """`blank` with the answer that `stored` holds, to be judged by checks of now."""
    return msgspec.structs.replace(
        blank,
        output=stored.output,
        error=stored.error,
        latency_ms=stored.latency_ms,
        prompt_tokens=stored.prompt_tokens,
        completion_tokens=stored.completion_tokens,
        steps=stored.steps,
        tool_calls=stored.tool_calls,
        finish_reason=stored.finish_reason,
        hits=stored.hits,
        citations=stored.citations,
        timings=stored.timings,
        prompt=stored.prompt,
        choices=stored.choices,
        cached=True,
    )
