"""A variant made ready to answer: on this machine, or by an API that stands in for its model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.records.workspace import ResolvedVariant

if TYPE_CHECKING:
    from engine.inference.chat import Composition
    from engine.inference.passages import Searcher
    from engine.inference.remote import RemoteComposition


def open_composition(
    variant: ResolvedVariant, searcher: Searcher | None = None, *, one_by_one: bool = False
) -> Composition | RemoteComposition:
    """Whatever answers for `variant`. Raises what either raises. Close it.

    `one_by_one`: never several answers at once, where the time that each takes is what is measured.
    """
    if variant.remote is not None:
        from engine.inference import remote

        return remote.RemoteComposition(variant, searcher, parallel=1 if one_by_one else remote.PARALLEL)
    from engine.inference.chat import Composition
    from engine.inference.scheduler import PARALLEL

    return Composition(variant, searcher, parallel=1 if one_by_one else PARALLEL)
