"""Two independent implementations of UPER agree with ours on random messages, in both directions.

3 000 messages each by default; ``CCSERVER_MSD_MESSAGES=100000 bin/test tests/ecall`` takes as many,
and ``CCSERVER_MSD_SEED`` other ones.
"""

import os
from collections import Counter
from random import Random

import pytest

from ccserver.ecall import concepts, msd
from tests.ecall.oracles import Asn1tools, Oracle, Pycrate, same, values_of
from tests.ecall.samples import EXPECTED, READABLE
from tests.ecall.strategies import random_msd

MESSAGES = int(os.environ.get("CCSERVER_MSD_MESSAGES", "3000"))
SEED = int(os.environ.get("CCSERVER_MSD_SEED", "15722"))
PATIENCE_S = 60 + MESSAGES / 100
"""An oracle takes about a thousand a second on a machine with nothing else to do."""

TOLD_OTHERWISE = frozenset(
    {"oid_invalid", "recent_location_orphan", "vehicle_type_unknown", "vin_invalid"}
)
"""What an oracle may read, and our value says in another way."""

ORACLES = ("asn1tools", "pycrate")


@pytest.fixture(scope="module")
def oracles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Oracle]:
    return {"asn1tools": Asn1tools(), "pycrate": Pycrate(tmp_path_factory.mktemp("pycrate"))}


@pytest.mark.timeout(PATIENCE_S)
@pytest.mark.parametrize("name", ORACLES)
def test_random_messages_in_both_directions(name: str, oracles: dict[str, Oracle]) -> None:
    oracle, dice = oracles[name], Random(SEED)  # noqa: S311
    seen: Counter[str] = Counter()
    for number in range(MESSAGES):
        wanted = random_msd(dice)
        theirs = oracle.encode(wanted.version, values_of(wanted))
        ours = msd.encode(wanted)
        assert ours == theirs, f"message {number} of seed {SEED}: {wanted}"
        explicit = msd.encode(wanted, explicit_defaults=True)
        for octets in (ours, explicit):
            assert msd.decode(octets).msd == wanted, f"message {number} of seed {SEED}"
        version, told = oracle.decode(explicit if number % 2 else ours)
        assert version == wanted.version
        assert same(told, wanted), f"message {number} of seed {SEED}: {told}"
        seen.update((f"version {version}", f"{len(wanted.recent_locations)} recent"))
        seen["more"] += wanted.additional is not None
        seen["occupants"] += wanted.number_of_occupants is not None
        seen["explicit"] += explicit != ours
    # The messages were of every kind, so that the agreement means something.
    assert min(seen[kind] for kind in ("version 1", "version 2", "version 3")) > MESSAGES / 5
    assert min(seen[kind] for kind in ("0 recent", "1 recent", "more")) > MESSAGES / 10


@pytest.mark.parametrize("name", ORACLES)
def test_the_public_messages(name: str, oracles: dict[str, Oracle]) -> None:
    for sample in EXPECTED:
        version, told = oracles[name].decode(READABLE[sample])
        decoded = msd.decode(READABLE[sample]).msd
        assert version == decoded.version
        assert same(told, decoded)


@pytest.mark.parametrize("name", ORACLES)
def test_a_message_that_is_cut_they_refuse_and_we_salvage(
    name: str, oracles: dict[str, Oracle]
) -> None:
    octets = READABLE["telux-v2-43b"]
    with pytest.raises(Exception):  # noqa: B017, PT011 - each has an exception of its own
        oracles[name].decode(octets)
    assert msd.decode(octets).msd.position is not None


def test_what_a_car_tells_by_euro_ncap(oracles: dict[str, Oracle]) -> None:
    oracle = oracles["asn1tools"]
    assert isinstance(oracle, Asn1tools)
    dice = Random(SEED)  # noqa: S311
    for _ in range(min(MESSAGES, 2_000)):
        impact = dice.choice(concepts.LOCATIONS_OF_IMPACT)
        limit = dice.randint(100, 255)
        speeds = dice.randint(-255, 255), dice.randint(-255, 255)
        rollover = dice.choice((None, False, True))
        octets = concepts.euro_ncap_octets(impact, speeds, range_limit=limit, rollover=rollover)
        told = concepts.CONCEPTS["8.1"](octets)
        delta_v = {"rangeLimit": limit, "deltaVX": speeds[0], "deltaVY": speeds[1]}
        wanted: dict[str, object] = {"locationOfImpact": impact, "deltaV": delta_v}
        if rollover is not None:
            wanted["rolloverDetected"] = rollover
        assert told == wanted
        assert oracle.incident_information(octets) == wanted


@pytest.mark.timeout(PATIENCE_S)
@pytest.mark.parametrize("name", ORACLES)
def test_damaged_messages_that_an_oracle_reads_we_read_alike(
    name: str, oracles: dict[str, Oracle]
) -> None:
    """Up to three wrong bits behind the length: whoever reads the message reads the same."""
    oracle, dice = oracles[name], Random(SEED)  # noqa: S311
    read = 0
    for _ in range(MESSAGES):
        octets = bytearray(msd.encode(random_msd(dice, more_octets_max=20)))
        for _ in range(dice.randint(1, 3)):
            bit = dice.randrange(16, len(octets) * 8)
            octets[bit // 8] ^= 0x80 >> bit % 8
        try:
            _, told = oracle.decode(bytes(octets))
        except Exception:  # noqa: S112 - what it refuses it cannot tell
            continue
        decoded = msd.decode(bytes(octets))
        if TOLD_OTHERWISE.intersection(oddity.code for oddity in decoded.oddities):
            continue
        read += 1
        assert same(told, decoded.msd), octets.hex()
    assert read > MESSAGES / 5
