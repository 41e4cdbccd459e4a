"""Proves the settings' bounds and their likeness to the configuration, and the bounded memory."""

from dataclasses import fields

import msgspec
import pytest

from ccserver.acd.memory import Recent
from ccserver.acd.settings import DistributorSettings
from ccserver.config import ACDSettings


def test_the_settings_are_those_of_the_configuration_with_the_same_defaults() -> None:
    assert DistributorSettings(**msgspec.structs.asdict(ACDSettings())) == DistributorSettings()


@pytest.mark.parametrize("name", [field.name for field in fields(DistributorSettings)])
@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_a_time_that_would_not_pass_is_refused(name: str, seconds: float) -> None:
    with pytest.raises(ValueError, match=name):
        DistributorSettings(**{name: seconds})


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first() -> None:
    recent: Recent[str, int] = Recent(2)
    for number, key in enumerate(("a", "b", "a", "x")):
        recent.remember(key, number)
    assert len(recent) == 2
    assert "a" not in recent
    assert "b" in recent
    assert recent["x"] == 3


def test_times_may_be_short() -> None:
    assert DistributorSettings(wrap_up_s=0.001).wrap_up_s == 0.001
