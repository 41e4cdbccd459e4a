"""How texts are handled where nothing was saved yet; see ``default.yaml`` beside this file."""

from functools import cache
from pathlib import Path

from ccserver.messaging.document import MESSAGING, Messaging

FILE = Path(__file__).with_name("default.yaml")


@cache
def default_messaging() -> Messaging:
    """Read once; a test holds it free of problems."""
    return MESSAGING.from_yaml(FILE.read_bytes())
