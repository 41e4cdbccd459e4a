"""Where a fault of ours was, for the log, without the words of the exception.

An exception of a text's way tells what it stumbled over, and that may be what a citizen wrote.
"""

import traceback
from typing import Final

FRAMES_LOGGED: Final = 5
"""Where it was is nearly always in the last of them."""


def where(error: BaseException) -> list[str]:
    """The last frames of ``error``, each with its line of code."""
    return [line.strip() for line in traceback.format_tb(error.__traceback__)[-FRAMES_LOGGED:]]
