"""A variant made ready to answer: on this machine, or by an API that stands in for its model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.records.workspace import ResolvedVariant

if TYPE_CHECKING:
    from engine.inference.chat import Composition, Searcher
    from engine.inference.remote import RemoteComposition


def open_composition(
    variant: ResolvedVariant, searcher: Searcher | None = None
) -> Composition | RemoteComposition:
    """Whatever answers for `variant`. Raises what either raises. Close it."""
    if variant.remote is not None:
        from engine.inference.remote import RemoteComposition

        return RemoteComposition(variant, searcher)
    from engine.inference.chat import Composition

    return Composition(variant, searcher)
