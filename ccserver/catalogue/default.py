"""The catalogue of a centre where nothing was saved yet; see ``default.yaml`` beside this file."""

from functools import cache
from pathlib import Path

from ccserver.catalogue.document import CATALOGUE, Catalogue

FILE = Path(__file__).with_name("default.yaml")


@cache
def default_catalogue() -> Catalogue:
    """Read once; a test holds it free of problems."""
    return CATALOGUE.from_yaml(FILE.read_bytes())
