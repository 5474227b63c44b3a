"""A run played from a list of events, for tests of screens and for demonstrations without a model.

Params: `events` (a list of event dicts), `seconds_between`. Behaves like any worker: stops on request.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec

from engine.jobs.context import JobContext
from store.records.events import AnyEvent, Finished


class ScriptedParams(msgspec.Struct):
    """What to play and how fast."""

    events: list[dict[str, Any]] = []
    seconds_between: float = 0.0
    hold: bool = False


def run(context: JobContext) -> dict[str, Any]:
    """Play the events; with `hold`, go on living afterwards until the run is stopped."""
    params = context.params(ScriptedParams)
    for raw in params.events:
        context.check_stop()
        event = msgspec.convert(raw, AnyEvent)
        if isinstance(event, Finished):
            return event.result
        context.emit(event)
        time.sleep(params.seconds_between)
    while params.hold:
        context.check_stop()
        time.sleep(0.02)
    return {}
