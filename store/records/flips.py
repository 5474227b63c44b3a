"""Cases of an eval suite that one model passes and another does not."""

from __future__ import annotations

import msgspec


class FlippedCase(msgspec.Struct):
    """A case whose verdict turned: `passed` says that the file passes it and the trained model does not.

    `answer` is the file's, `reference` the trained model's, both as the checks read them.
    """

    case: str
    passed: bool
    answer: str
    reference: str
