"""llama.cpp as a library: started once, its log handed to Python's, its last complaints kept for errors.

Knows nothing of models.
"""

from __future__ import annotations

import ctypes
import logging
from collections import deque
from functools import lru_cache

import llama_cpp

log = logging.getLogger("temper.llama")
log.addHandler(logging.NullHandler())  # without a handler anywhere, Python would print warnings on stderr

_CONTINUED = 5  # ggml.h: goes on with the previous line
_LEVELS = {2: logging.DEBUG, 3: logging.WARNING, 4: logging.ERROR}  # its info is a page per model


class Log:
    """Joins llama.cpp's pieces to lines, hands them to Python's logging, keeps the last complaints."""

    def __init__(self) -> None:
        self.complaints: deque[str] = deque(maxlen=20)
        self._line = ""
        self._level = logging.DEBUG

    def hear(self, level: int, text: bytes | None, data: int | None) -> None:
        """One piece of the log; llama.h promises neither whole lines nor a level of their own."""
        if level != _CONTINUED:
            self._level = _LEVELS.get(level, logging.DEBUG)
        if self._level == logging.DEBUG and not log.isEnabledFor(logging.DEBUG):
            return
        self._line += (text or b"").decode("utf-8", errors="replace")
        *lines, self._line = self._line.split("\n")
        for line in lines:
            if line.strip():
                if self._level >= logging.WARNING:
                    self.complaints.append(line.strip())
                log.log(self._level, "%s", line.rstrip())


heard = Log()
_callback = llama_cpp.llama_log_callback(heard.hear)  # kept for ever: C holds a pointer to it


@lru_cache(maxsize=1)
def quiet_backend() -> None:
    """Start llama.cpp with its log going to Python's logger `temper.llama`. Calling it again does nothing."""
    llama_cpp.llama_log_set(_callback, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
