"""The check `tool_call`: the calls that an answer makes, parsed, are the expected ones by BFCL's rules."""

from __future__ import annotations

import msgspec

from engine.evals.checks.bfcl import wrong_call, wrong_calls
from engine.evals.checks.bfcl_values import Language
from engine.evals.checks.calls import Call, calls_in, parsed_calls
from engine.evals.checks.contract import Bench, CheckError, Judge, Kind, Reply, Verdict, passed
from store.records.evals import ExpectedCall


class ToolCallOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`ordered`: in this order. `extra`: further calls may be made besides (in a trajectory, for example).

    `language` is that of the functions; see engine.evals.checks.bfcl_values.
    """

    ordered: bool = False
    extra: bool = False
    language: Language = "python"


def tool_call(options: ToolCallOptions, bench: Bench) -> Judge:
    """The expected calls are made; a case that expects none ([]) passes where no call is made."""

    def judge(reply: Reply) -> Verdict:
        right = reply.case.expected_tool_calls
        if right is None:
            raise CheckError(f"case {reply.case.id} has no `expected_tool_calls`")
        try:
            if reply.tool_calls is None:
                found = calls_in(reply.text, source=options.language != "python")
            else:
                found = parsed_calls(reply.tool_calls)
        except ValueError as error:
            return Verdict(0.0, f"not parsed: {error}")
        if options.extra:
            found = _fitting(found, right, reply, options.language)
        if options.ordered and len(found) == len(right):
            pairs = zip(found, right, strict=True)
            whys = (wrong_call(call, one, reply.case.tools, options.language) for call, one in pairs)
            why = next(filter(None, whys), "")
        else:
            why = wrong_calls(found, right, reply.case.tools, options.language)
        return passed(not why, why)

    return judge


def _fitting(found: list[Call], right: list[ExpectedCall], reply: Reply, language: Language) -> list[Call]:
    """Of the calls those that an expected one can be matched with, each of these once."""
    left = list(right)
    kept = []
    for call in found:
        fits = (at for at, one in enumerate(left) if not wrong_call(call, one, reply.case.tools, language))
        match = next(fits, None)
        if match is not None:
            del left[match]
            kept.append(call)
    return kept


KINDS = (
    Kind(
        "tool_call",
        "makes the expected tool calls, by BFCL's rules",
        ToolCallOptions,
        tool_call,
        expects="expected_tool_calls",
    ),
)
