"""How an error gets from a handler or a thread to the screen: as a message, which becomes a dialog."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from app.tui.messages import Failed

if TYPE_CHECKING:
    from textual.widget import Widget

Method = TypeVar("Method", bound=Callable[..., Any])


def shown(method: Method) -> Method:
    """Decorates a method of a widget, screen or app, also one run in a thread: its errors become a dialog.

    Without it Textual would close the app, or let the widget die in silence.
    """

    @wraps(method)
    def plain(self: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return method(self, *arguments, **named)
        except Exception as error:
            self.app.post_message(Failed(error))
            return None

    @wraps(method)
    async def awaited(self: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return await method(self, *arguments, **named)
        except Exception as error:
            self.app.post_message(Failed(error))
            return None

    return cast(Method, awaited if inspect.iscoroutinefunction(method) else plain)


@contextmanager
def giving_up(widget: Widget, failed: Callable[[], None]) -> Iterator[None]:
    """In a thread: where what is done here raises, `failed` is called in the screen's thread as well."""
    try:
        yield
    except Exception:
        if widget.is_attached:
            widget.app.call_from_thread(failed)
        raise
