"""Results as JUnit XML: a test suite per variant, a test case per result. CI shows them as its own tests.

What could not be judged is an `error`, a wrong answer a `failure`: tests failed and the tool broke differ.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from store.records.evals import CaseResult

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_text(results: Sequence[CaseResult]) -> str:
    """The XML."""
    root = ElementTree.Element("testsuites")
    by_variant: dict[str, list[CaseResult]] = {}
    for result in results:
        by_variant.setdefault(result.variant, []).append(result)
    for variant, own in by_variant.items():
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=_text(f"{own[0].suite}: {variant}"),
            tests=str(len(own)),
            failures=str(sum(one.judged and not one.passed for one in own)),
            errors=str(sum(not one.judged for one in own)),
            time=f"{sum(one.latency_ms for one in own) / 1000:.3f}",
        )
        for result in own:
            _case(suite, result)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


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
        ElementTree.SubElement(case, "error", message=_text("; ".join(whys)))
    elif not result.passed:
        whys = [f"{check.kind}: {check.detail}" for check in result.checks if not check.passed]
        failure = ElementTree.SubElement(case, "failure", message=_text(result.error or "; ".join(whys)))
        failure.text = _text(f"input: {result.input}\noutput: {result.output}\nexpected: {result.expected}")


def _text(text: str) -> str:
    """Without the characters that XML has no way to write."""
    return _NOT_XML.sub("\ufffd", text)
