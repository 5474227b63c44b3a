"""The steps of the proof, in the order in which they run, and what each depends on.

A step is a module `scripts/gpu/STAGE/NAME.py` with `MINUTES` (expected on an H200, loading included) and
`run(bench) -> Found`; the first line of its docstring is its title. Imports no step: they bring torch.
"""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

STAGES: dict[str, tuple[str, ...]] = {
    "right": ("gpu_tests", "methods", "packed", "resume", "ship"),
    "safe": ("ladder", "estimate", "lease", "killed"),
    "fast": (
        "speed", "against_trl", "levers", "profile", "context_trl", "context_logits", "context", "dpo",
        "against_unsloth",
    ),
    "out": ("build", "greedy", "many", "streaming", "grammar", "adapter_gguf", "large_export", "first_token"),
}  # fmt: skip

# What a result depends on: when any of it changes, the step runs again.
TRAINING = ("engine/training", "engine/data/rendering.py", "engine/models")
USES: dict[str, tuple[str, ...]] = {
    "right": (*TRAINING, "engine/export", "tests/gpu"),
    "safe": (*TRAINING, "engine/jobs/queue.py", "store/leases.py"),
    "fast": TRAINING,
    "out": ("engine/inference", "engine/export"),
}
COMMON = ("bench.py", "rows.py", "shapes.py", "training.py")


@dataclass(frozen=True)
class Step:
    """One step of a stage."""

    stage: str
    name: str

    @property
    def id(self) -> str:
        """As the command line names it."""
        return f"{self.stage}.{self.name}"

    @property
    def module(self) -> str:
        """As Python imports it."""
        return f"scripts.gpu.{self.stage}.{self.name}"

    @property
    def file(self) -> Path:
        """Its source."""
        return HERE / self.stage / f"{self.name}.py"

    @cached_property
    def _tree(self) -> ast.Module:
        return ast.parse(self.file.read_text(encoding="utf-8"))

    @property
    def title(self) -> str:
        """The first line of its docstring."""
        return (ast.get_docstring(self._tree) or self.id).splitlines()[0].rstrip(".")

    @property
    def minutes(self) -> float:
        """How long it is expected to take on an H200."""
        for node in self._tree.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "MINUTES":
                return float(ast.literal_eval(node.value))
        raise ValueError(f"{self.file} has no MINUTES")

    def code(self) -> str:
        """A hash of everything that its result depends on in this repository."""
        digest = hashlib.sha256()
        used = [ROOT / name for name in USES[self.stage]]
        stage = sorted((HERE / self.stage).glob("_*.py"))
        for path in [self.file, *stage, *(HERE / name for name in COMMON), *used]:
            for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
                digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
        return digest.hexdigest()[:16]


def all_steps() -> list[Step]:
    """Every step, in order."""
    return [Step(stage, name) for stage, names in STAGES.items() for name in names]


def chosen(stages: list[str], names: list[str]) -> list[Step]:
    """The steps of some stages and some steps by name (`packed` or `right.packed`); all without either.

    Raises ValueError for a name that no step has.
    """
    known = all_steps()
    unknown = [name for name in names if not any(name in (step.id, step.name) for step in known)]
    if unknown:
        raise ValueError(f"no such step: {', '.join(unknown)} (--list shows them)")
    if not stages and not names:
        return known
    return [step for step in known if step.stage in stages or step.id in names or step.name in names]
