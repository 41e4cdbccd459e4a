"""The references name every metric that there is, and every setting."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ccserver.config import Config
from ccserver.metrics import Metrics

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
METRIC = re.compile(r"`(ccserver_[a-z_]+)")


def settings(kind: object) -> Iterator[str]:
    """The names of all settings in a struct and those within it."""
    match msgspec.inspect.type_info(kind):
        case msgspec.inspect.StructType(fields=fields):
            for field in fields:
                yield field.encode_name
                yield from _within(field.type)


def _within(found: object) -> Iterator[str]:
    match found:
        case msgspec.inspect.StructType(cls=kind):
            yield from settings(kind)
        case (
            msgspec.inspect.VarTupleType(item_type=item) | msgspec.inspect.ListType(item_type=item)
        ):
            yield from _within(item)
        case msgspec.inspect.UnionType(types=types):
            for one in types:
                yield from _within(one)


def test_the_metrics_are_those_that_are_described() -> None:
    described = METRIC.findall((REFERENCE / "metrics.md").read_text("utf-8"))
    counted = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in Metrics().registry.collect()
        if family.name.startswith("ccserver_")
    }
    assert counted == set(described)


def test_every_setting_is_described() -> None:
    text = (REFERENCE / "configuration.md").read_text("utf-8")
    named = set(re.findall(r"[a-z0-9_]+", " ".join(re.findall(r"`([^`\n]+)`", text))))
    assert sorted(set(settings(Config)) - named) == []
