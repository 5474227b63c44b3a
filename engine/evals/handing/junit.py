"""Results as JUnit XML: a test suite per variant, a test case per result. CI shows them as its own tests.

What could not be judged is an `error`, a wrong answer a `failure`: tests failed and the tool broke differ.
Long texts are cut: libxml2, which many readers stand on, refuses nodes over ten million characters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from store.records.evals import CaseResult

MOST_LETTERS, MESSAGE = 20_000, 500
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_text(results: Sequence[CaseResult]) -> str:
    """The XML."""
    root = ElementTree.Element("testsuites", _totals(results))
    by_variant: dict[str, list[CaseResult]] = {}
    for result in results:
        by_variant.setdefault(result.variant, []).append(result)
    for variant, own in by_variant.items():
        name = _text(f"{own[0].suite}: {variant}")
        totals = {"name": name, **_totals(own), "skipped": "0"}
        suite = ElementTree.SubElement(root, "testsuite", totals)
        for result in own:
            _case(suite, result)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _totals(results: Sequence[CaseResult]) -> dict[str, str]:
    return {
        "tests": str(len(results)),
        "failures": str(sum(one.judged and not one.passed for one in results)),
        "errors": str(sum(not one.judged for one in results)),
        "time": f"{sum(one.latency_ms for one in results) / 1000:.3f}",
    }


def _case(suite: ElementTree.Element, result: CaseResult) -> None:
    name = result.case if not result.epoch else f"{result.case} (epoch {result.epoch})"
    case = ElementTree.SubElement(
        suite,
        "testcase",
        name=_text(name),
        classname=_text(f"{result.suite}.{result.variant}"),
        time=f"{result.latency_ms / 1000:.3f}",
    )
    if not result.judged:
        whys = [f"{check.kind}: {check.error}" for check in result.checks if check.error]
        error = ElementTree.SubElement(case, "error", type="not judged", message=_message("; ".join(whys)))
        error.text = _text(_told(result))
    elif not result.passed:
        whys = [f"{check.kind}: {check.detail}" for check in result.checks if not check.passed]
        message = _message(result.error or "; ".join(whys))
        kind = "no answer" if result.error else "wrong answer"
        failure = ElementTree.SubElement(case, "failure", type=kind, message=message)
        failure.text = _text(_told(result))


def _told(result: CaseResult) -> str:
    parts = [("input", result.input), ("output", result.output), ("expected", result.expected)]
    return "\n".join(f"{name}: {_cut(text, MOST_LETTERS)}" for name, text in parts if text is not None)


def _message(text: str) -> str:
    return _text(_cut(text, MESSAGE))


def _cut(text: str, most: int) -> str:
    more = len(text) - most
    return text if more <= 0 else f"{text[:most]} … {more:,} more characters"


def _text(text: str) -> str:
    """Without the characters that XML has no way to write."""
    return _NOT_XML.sub("\ufffd", text)
