"""A search in a process of its own: `python -P -m engine.retrieval.search_process WORKSPACE KB < QUESTION`

The command line must not load llama.cpp, and a search needs it only for a moment. `search_apart` is the light
side, for commands; `main` the heavy one.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import msgspec

from store.errors import ExitCode, TemperError
from store.records.events import Failure
from store.records.knowledge import SearchOptions, SearchResult


class Question(msgspec.Struct):
    """What the process is asked, on its stdin."""

    query: str
    top_k: int
    options: SearchOptions = SearchOptions()


class Answer(msgspec.Struct):
    """What the process prints: one of both."""

    result: SearchResult | None = None
    error: Failure | None = None


def search_apart(
    root: Path, kb: str, query: str, top_k: int, options: SearchOptions | None = None
) -> SearchResult:
    """Search knowledge base `kb` of workspace `root` in another process. Raises what the search raises."""
    # -P keeps the user's folder off sys.path: a file called numpy.py there must not be imported.
    command = [sys.executable, "-P", "-m", "engine.retrieval.search_process", str(root), kb]
    readable = query.encode("utf-8", errors="replace").decode("utf-8")
    question = msgspec.json.encode(Question(readable, top_k, options or SearchOptions()))
    done = subprocess.run(command, input=question, capture_output=True)
    try:
        answer = msgspec.json.decode(done.stdout, type=Answer)
    except msgspec.MsgspecError:
        raise TemperError(
            "The search ended without an answer",
            done.stderr.decode("utf-8", errors="replace").strip()[-2000:] or f"exit code {done.returncode}",
            "Try again; please report it if it happens again.",
        ) from None
    if answer.result is None:
        failure = answer.error or Failure("The search failed", "no reason was given", "Try again.")
        error = TemperError(failure.title, failure.happened, failure.remedy)
        error.exit_code = ExitCode(failure.exit_code)
        raise error
    return answer.result


def main(root: str, kb: str) -> Answer:
    """Search for what stands on stdin."""
    from engine.jobs.context import failure_of
    from engine.retrieval.search import open_searcher
    from store.workspace import Workspace

    try:
        searcher = open_searcher(Workspace(Path(root)), kb)
        try:
            asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
            return Answer(searcher.search(asked.query, asked.top_k, asked.options))
        finally:
            searcher.close()
    except Exception as error:
        shown = failure_of(error)
        return Answer(error=Failure(shown.title, shown.happened, shown.remedy, int(shown.exit_code)))


if __name__ == "__main__":
    from engine import offline

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    offline.guard()
    sys.stdout.buffer.write(msgspec.json.encode(main(*sys.argv[1:])))
