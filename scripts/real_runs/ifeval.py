"""The forms of check that the forgetting pack is made of, on IFEval's instructions: do they judge as meant?

For each instruction of a kind that the pack has, our checks are made from its arguments. They and a plain
reading of the same instruction in Python judge the same answers: one made to follow each instruction of the
file, one made to break it, and all of these crosswise. Kinds that the pack lacks are counted and left out.
Whether a model follows is not asked here.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.evals.checks import Bench, Reply, compile_checks
from scripts.real_runs.commands import Commands
from store.records.evals import Case, Check

FILE = Path("forgetting/ifeval/first50.jsonl")
Values = dict[str, Any]
Checks = list[Values]
WORD = "meadow"


def regex(value: str, **more: Any) -> Values:
    """A check of the kind that the pack uses most."""
    return {"kind": "regex", "value": value, **more}


def bounded(unit: str, relation: str, count: int) -> Checks:
    """`less than` leaves the number itself out."""
    limits = {"min": count} if relation == "at least" else {"max": count - 1}
    return [{"kind": "length", "unit": unit, **limits}]


def often(word: str, relation: str, count: int) -> Checks:
    """A word at least so often, or less often than that."""
    pattern = "(?s)" + ".*".join([rf"\b{re.escape(word)}\b"] * count)
    return [regex(pattern, ignore_case=True, absent=relation != "at least")]


def paragraphs(count: int) -> Checks:
    """Parted by a line of three asterisks."""
    part = r"(?:(?!\*\*\*).)*\w(?:(?!\*\*\*).)*"
    return [regex(rf"(?s)\A{part}(?:\*\*\*{part}){{{count - 1}}}\Z")]


def words(names: list[str], absent: bool) -> Checks:
    """Each of some words, or none of them."""
    return [regex(rf"\b{re.escape(name)}\b", ignore_case=True, absent=absent) for name in names]


OURS: dict[str, Callable[[Values], Checks]] = {
    "punctuation:no_comma": lambda v: [regex(",", absent=True)],
    "change_case:english_lowercase": lambda v: [regex(r"\p{Lu}", absent=True)],
    "change_case:english_capital": lambda v: [regex(r"\p{Ll}", absent=True)],
    "keywords:existence": lambda v: words(v["keywords"], absent=False),
    "keywords:forbidden_words": lambda v: words(v["forbidden_words"], absent=True),
    "keywords:frequency": lambda v: often(v["keyword"], v["relation"], v["frequency"]),
    "length_constraints:number_words": lambda v: bounded("words", v["relation"], v["num_words"]),
    "length_constraints:number_sentences": lambda v: bounded("sentences", v["relation"], v["num_sentences"]),
    "length_constraints:number_paragraphs": lambda v: paragraphs(v["num_paragraphs"]),
    "startend:end_checker": lambda v: [regex(re.escape(v["end_phrase"]) + r"\W*\Z", ignore_case=True)],
    "startend:quotation": lambda v: [regex(r'(?s)\A\s*".+"\s*\Z')],
    "detectable_format:title": lambda v: [regex(r"<<[^<>\n]+>>")],
    "detectable_format:number_bullet_lists": lambda v: [
        regex(r"(?sm)" + ".*".join([r"^[ \t]*[*-] "] * v["num_bullets"])),
        regex(r"(?sm)" + ".*".join([r"^[ \t]*[*-] "] * (v["num_bullets"] + 1)), absent=True),
    ],
    "detectable_format:number_highlighted_sections": lambda v: [
        regex("(?s)" + ".*".join([r"\*[^\s*][^*\n]*\*"] * v["num_highlights"]))
    ],
    "detectable_format:json_format": lambda v: [{"kind": "json_schema", "schema": True}],
    "detectable_content:postscript": lambda v: [
        regex(r"(?mi)^\W*" + r"\s?".join(map(re.escape, re.findall(r"\w\.?", v["postscript_marker"]))))
    ],
    "detectable_content:number_placeholders": lambda v: [
        regex("(?s)" + ".*".join([r"\[[^\[\]\n]+\]"] * v["num_placeholders"]))
    ],
    "combination:repeat_prompt": lambda v: [regex(r"(?i)\A\s*" + re.escape(v["prompt_to_repeat"].strip()))],
    "combination:two_responses": lambda v: [regex(r"(?s)\A(?:(?!\*{6}).)*\w.*\*{6}.*\w(?:(?!\*{6}).)*\Z")],
}


def count_words(text: str) -> int:
    """Words as they are written: parted by white space."""
    return len(text.split())


def plain_json(text: str) -> bool:
    """Whether it is JSON and nothing else."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def related(count: int, relation: str, wanted: int) -> bool:
    """`at least` or `less than`."""
    return count >= wanted if relation == "at least" else count < wanted


def has(text: str, word: str) -> int:
    """How often a word stands in a text: letters of it, and none around."""
    return sum(part == word.casefold() for part in re.split(r"\W+", text.casefold()))


PLAIN: dict[str, Callable[[str, Values], bool]] = {
    "punctuation:no_comma": lambda t, v: "," not in t,
    "change_case:english_lowercase": lambda t, v: not any(one.isupper() for one in t),
    "change_case:english_capital": lambda t, v: not any(one.islower() for one in t),
    "keywords:existence": lambda t, v: all(has(t, one) for one in v["keywords"]),
    "keywords:forbidden_words": lambda t, v: not any(has(t, one) for one in v["forbidden_words"]),
    "keywords:frequency": lambda t, v: related(has(t, v["keyword"]), v["relation"], v["frequency"]),
    "length_constraints:number_words": lambda t, v: related(count_words(t), v["relation"], v["num_words"]),
    "length_constraints:number_sentences": lambda t, v: related(
        len([one for one in re.split(r"(?<=[.!?])\s+", t.strip()) if one]), v["relation"], v["num_sentences"]
    ),
    "length_constraints:number_paragraphs": lambda t, v: (
        len(parts := t.split("***")) == v["num_paragraphs"] and all(one.strip() for one in parts)
    ),
    "startend:end_checker": lambda t, v: t.strip().strip('"').casefold().endswith(v["end_phrase"].casefold()),
    "startend:quotation": lambda t, v: len(s := t.strip()) > 2 and s[0] == '"' == s[-1],
    "detectable_format:title": lambda t, v: any(
        one.strip("<> ") and ">>" in one for one in re.findall(r"<<[^\n]*", t)
    ),
    "detectable_format:number_bullet_lists": lambda t, v: (
        sum(line.lstrip().startswith(("* ", "- ")) for line in t.splitlines()) == v["num_bullets"]
    ),
    "detectable_format:number_highlighted_sections": lambda t, v: (
        len([one for one in re.findall(r"\*([^\n*]+)\*", t) if one.strip()]) >= v["num_highlights"]
    ),
    "detectable_format:json_format": lambda t, v: plain_json(t),
    "detectable_content:postscript": lambda t, v: (
        v["postscript_marker"].casefold().replace(" ", "") in t.casefold().replace(" ", "")
    ),
    "detectable_content:number_placeholders": lambda t, v: (
        len(re.findall(r"\[[^\[\]]+\]", t)) >= v["num_placeholders"]
    ),
    "combination:repeat_prompt": lambda t, v: (
        t.strip().casefold().startswith(v["prompt_to_repeat"].strip().casefold())
    ),
    "combination:two_responses": lambda t, v: (
        len(parts := [one for one in t.split("******") if one.strip()]) == 2 and parts[0] != parts[1]
    ),
}


def plenty(count: int) -> str:
    """So many words."""
    return " ".join([WORD] * count)


FOLLOWED: dict[str, Callable[[Values], str]] = {
    "punctuation:no_comma": lambda v: "A quiet day with no wind at all.",
    "change_case:english_lowercase": lambda v: "a quiet day, and nothing else.",
    "change_case:english_capital": lambda v: "A QUIET DAY, AND NOTHING ELSE.",
    "keywords:existence": lambda v: f"I say {', then '.join(v['keywords'])}.",
    "keywords:forbidden_words": lambda v: "I say nothing of it.",
    "keywords:frequency": lambda v: " ".join([v["keyword"]] * v["frequency"]) + ".",
    "length_constraints:number_words": lambda v: (
        plenty(v["num_words"]) if v["relation"] == "at least" else plenty(v["num_words"] - 1)
    ),
    "length_constraints:number_sentences": lambda v: " ".join(["It rains."] * (v["num_sentences"] - 1)),
    "length_constraints:number_paragraphs": lambda v: "\n***\n".join(["A part."] * v["num_paragraphs"]),
    "startend:end_checker": lambda v: f"Here you are. {v['end_phrase']}",
    "startend:quotation": lambda v: '"All of it stands in quotation marks."',
    "detectable_format:title": lambda v: "<<A Day>>\nIt rained.",
    "detectable_format:number_bullet_lists": lambda v: "\n".join(
        f"* point {one}" for one in range(v["num_bullets"])
    ),
    "detectable_format:number_highlighted_sections": lambda v: " ".join(
        f"some *part {one}* here" for one in range(v["num_highlights"])
    ),
    "detectable_format:json_format": lambda v: '{"day": "Monday", "rain": [1, 2]}',
    "detectable_content:postscript": lambda v: (
        f"Dear you,\nall is well.\n{v['postscript_marker']} Come soon."
    ),
    "detectable_content:number_placeholders": lambda v: " ".join(
        f"[field {one}]" for one in range(v["num_placeholders"])
    ),
    "combination:repeat_prompt": lambda v: f"{v['prompt_to_repeat']}\nHere it is.",
    "combination:two_responses": lambda v: "One way.\n******\nAnother way.",
}
BROKEN: dict[str, Callable[[Values], str]] = {
    "punctuation:no_comma": lambda v: "A quiet day, without wind.",
    "change_case:english_lowercase": lambda v: "a quiet Day.",
    "change_case:english_capital": lambda v: "A QUIET DaY.",
    "keywords:existence": lambda v: " ".join(f"{one}like" for one in v["keywords"]),
    "keywords:forbidden_words": lambda v: f"Well: {v['forbidden_words'][0].upper()}!",
    "keywords:frequency": lambda v: " ".join([v["keyword"]] * (v["frequency"] - 1)) + f" {v['keyword']}x",
    "length_constraints:number_words": lambda v: (
        plenty(v["num_words"] - 1) if v["relation"] == "at least" else plenty(v["num_words"])
    ),
    "length_constraints:number_sentences": lambda v: " ".join(["It rains!"] * v["num_sentences"]),
    "length_constraints:number_paragraphs": lambda v: "\n***\n".join(["A part."] * (v["num_paragraphs"] + 1)),
    "startend:end_checker": lambda v: f"{v['end_phrase']} And more.",
    "startend:quotation": lambda v: '"Only this" is quoted.',
    "detectable_format:title": lambda v: "<A Day> It rained.",
    "detectable_format:number_bullet_lists": lambda v: "\n".join(["* point"] * (v["num_bullets"] + 1)),
    "detectable_format:number_highlighted_sections": lambda v: "some *part* here",
    "detectable_format:json_format": lambda v: 'Here: {"day": "Monday"}',
    "detectable_content:postscript": lambda v: "Dear you, all is well.",
    "detectable_content:number_placeholders": lambda v: "[one] field",
    "combination:repeat_prompt": lambda v: f"You said: {v['prompt_to_repeat']}",
    "combination:two_responses": lambda v: "One way only.\n******\n",
}


def instructions(file: Path) -> list[tuple[str, Values]]:
    """Every instruction of the file with its arguments."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [pair for row in rows for pair in zip(row["instruction_id_list"], row["kwargs"], strict=True)]


def passes(checks: Checks, text: str) -> bool:
    """Whether our checks let an answer pass."""
    made = [
        Check(one["kind"], options={key: value for key, value in one.items() if key != "kind"})
        for one in checks
    ]
    compiled = compile_checks(made, Bench())
    return all(one.judged(Reply(text, Case("c", "ask"))).passed for one in compiled)


def compare(asked: list[tuple[str, Values]]) -> tuple[Counter[str], list[str]]:
    """Judgements by kind, and where ours and the plain reading differ."""
    known = [(kind, values) for kind, values in asked if kind in OURS]
    answers = [made[kind](values) for kind, values in known for made in (FOLLOWED, BROKEN)]
    counts: Counter[str] = Counter()
    unlike = []
    for kind, values in known:
        checks = OURS[kind](values)
        for answer in dict.fromkeys(answers):
            counts[kind] += 1
            if passes(checks, answer) != PLAIN[kind](answer, values):
                unlike.append(f"{kind} {values}: {answer[:60]!r}")
        wrong = [
            made[kind](values)
            for made, right in ((FOLLOWED, True), (BROKEN, False))
            if passes(checks, made[kind](values)) != right
        ]
        unlike += [f"{kind} {values}, planted: {answer[:60]!r}" for answer in wrong]
    return counts, unlike


def run(temper: Commands, data: Path) -> dict[str, Any]:
    """The gate: no judgement differs."""
    asked = instructions(data / FILE)
    counts, unlike = compare(asked)
    return {
        "passed": not unlike,
        "instructions": len(asked),
        "of kinds that the pack has": sum(kind in OURS for kind, _ in asked),
        "kinds": len(counts),
        "judgements": counts.total(),
        "unlike": "; ".join(unlike[:20]) or "none",
        "kinds left out": ", ".join(sorted({kind for kind, _ in asked if kind not in OURS})),
    }
