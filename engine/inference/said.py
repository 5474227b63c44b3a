"""What an answer says before its calls, as it is written: text that may be shown at once.

What could be the beginning of a call is held back, and the space before one; so is a thought, which is shown
only where no call follows it. Does not read calls (engine.inference.structured.call_reader does).
"""

from __future__ import annotations

from engine.inference.structured.call_form import THOUGHT_BEGIN, CallForm
from engine.inference.text import overlap


class Said:
    """`feed` gives what is certain to be said; the whole is a beginning of what the answer says in the end.

    `must`: the answer is calls, so nothing is.
    """

    def __init__(self, form: CallForm, must: bool) -> None:
        self._form = form
        self._silent = must or form.thought == "open"
        self._text = ""
        self._searched = 0
        self.shown = 0

    def feed(self, text: str) -> str:
        """What can be shown once `text` has come."""
        self._text += text
        end = 0 if self._silent else self._certain()
        while end > self.shown and self._text[end - 1].isspace():
            end -= 1
        new, self.shown = self._text[self.shown : end], max(self.shown, end)
        return new

    def _certain(self) -> int:
        """How much of the text is no call and no thought."""
        form, text = self._form, self._text
        begins = [THOUGHT_BEGIN] if form.thought else []
        begins += [] if form.marker else [form.begin]
        if any(text.startswith(begin) or begin.startswith(text) for begin in begins):
            return 0
        if not form.marker:
            return len(text)
        at = text.find(form.marker, max(0, self._searched - len(form.marker)))
        self._searched = len(text)
        if at >= 0:
            self._silent = True
            return at
        return len(text) - overlap(text, form.marker)
