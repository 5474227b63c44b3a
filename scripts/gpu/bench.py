"""What a step is given and what it hands back: gates, goals and figures. Knows no step, no file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

State = Literal["passed", "missed", "failed"]


class CannotRunError(Exception):
    """What a step needs is not on this machine; the message says what."""


@dataclass(frozen=True)
class Bench:
    """Where a step runs. `rehearse`: on the processor, with shapes as small as can be; no figure counts.

    `scratch` is the step's own folder, gone afterwards; `carried` holds what was brought along (build/gpu).
    """

    scratch: Path
    carried: Path
    rehearse: bool = False

    @property
    def shape(self) -> str:
        """The shape of the large model (scripts.gpu.shapes)."""
        return "nano" if self.rehearse else "8b"

    @property
    def smaller(self) -> str:
        """The shape where 8 billion weights would only cost time."""
        return "nano" if self.rehearse else "1b"

    def size(self, card: int, rehearsal: int) -> int:
        """A number on the card, or in a rehearsal."""
        return rehearsal if self.rehearse else card


@dataclass
class Gate:
    """Something that must hold, or the step has failed."""

    name: str
    passed: bool
    detail: str


@dataclass
class Goal:
    """Something to reach: `target` is a comparison such as `>= 3`. Missing it is a finding, not a fault."""

    name: str
    value: float
    target: str
    met: bool


@dataclass
class Found:
    """What a step found, in the order in which it is shown."""

    gates: list[Gate] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def gate(self, name: str, passed: bool, detail: str) -> None:
        """Add a gate."""
        self.gates.append(Gate(name, bool(passed), detail))

    def goal(self, name: str, value: float, target: str) -> None:
        """Add a goal."""
        sign, bound = target.split()
        met = value >= float(bound) if sign == ">=" else value <= float(bound)
        self.goals.append(Goal(name, round(value, 4), target, bool(met)))

    @property
    def state(self) -> State:
        """Failed where a gate did not hold, missed where a goal was not reached."""
        if not all(gate.passed for gate in self.gates):
            return "failed"
        return "passed" if all(goal.met for goal in self.goals) else "missed"

    def builtins(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)
