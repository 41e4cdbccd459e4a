"""Random messages: every field over its whole range, the edges more often."""

from random import Random

from hypothesis import strategies as st

from ccserver.ecall import additional
from ccserver.ecall.msd import (
    ENERGIES,
    ENERGIES_V1,
    VEHICLE_TYPES,
    VEHICLE_TYPES_V2,
    VIN_CHARACTERS,
)
from ccserver.ecall.values import MSD, AdditionalData
from ccserver.location.oddities import Oddities

OIDS = ("8.1", "1.4.1", "1.4.2", "1.2.125", "0", "128.16384.1", "1")
"""The known ones, and arcs of one, two and three octets."""

MORE_OCTETS_MAX = 300
"""Beyond what a message may have, so that lengths of both forms occur."""


def random_msd(dice: Random, *, more_octets_max: int = MORE_OCTETS_MAX) -> MSD:
    """A message that every version's rules can write."""

    def number(least: int, most: int) -> int:
        near = (least, most, min(max(0, least), most), least + 1, most - 1)
        return dice.choice(near) if dice.random() < 0.3 else dice.randint(least, most)

    def flag() -> bool:
        return dice.random() < 0.5

    version = dice.choice((1, 2, 3))
    count = 2 if version == 3 else dice.randint(0, 2)
    more = None
    if dice.random() < 0.4:
        octets = dice.randbytes(dice.choice((0, 1, 5, dice.randint(0, more_octets_max))))
        more = additional.of(dice.choice(OIDS), octets, Oddities())
    return MSD(
        version=version,
        message_identifier=number(0, 255),
        automatic_activation=flag(),
        test_call=flag(),
        position_can_be_trusted=flag(),
        vehicle_type=dice.choice(VEHICLE_TYPES if version == 3 else VEHICLE_TYPES_V2),
        vin="".join(dice.choices(VIN_CHARACTERS, k=17)),
        propulsion=frozenset(e for e in (ENERGIES_V1 if version == 1 else ENERGIES) if flag()),
        timestamp=number(0, 2**32 - 1),
        position_latitude=number(-(2**31), 2**31 - 1),
        position_longitude=number(-(2**31), 2**31 - 1),
        vehicle_direction=number(0, 255),
        recent_locations=tuple((number(-512, 511), number(-512, 511)) for _ in range(count)),
        number_of_occupants=number(0, 255) if flag() else None,
        additional=more,
    )


def _unreadable_oid(octets: bytes) -> str:
    return additional.oid_text(octets)


_OIDS = st.one_of(
    st.sampled_from(OIDS),
    st.lists(st.integers(0, 2**56 - 1), min_size=1, max_size=6).map(
        lambda arcs: ".".join(str(arc) for arc in arcs)
    ),
    st.binary(max_size=20).map(_unreadable_oid),
)


@st.composite
def messages(draw: st.DrawFn) -> MSD:
    """What can be written at all: also values that mean nothing, and what nobody knows."""
    version = draw(st.sampled_from((1, 2, 3)))
    count = 2 if version == 3 else draw(st.integers(0, 2))
    delta = st.tuples(st.integers(-512, 511), st.integers(-512, 511))
    more: AdditionalData | None = None
    if draw(st.booleans()):
        more = additional.of(draw(_OIDS), draw(st.binary(max_size=200)), Oddities())
    coordinate = st.integers(-(2**31), 2**31 - 1)
    energies = ENERGIES_V1 if version == 1 else ENERGIES
    types = VEHICLE_TYPES if version == 3 else VEHICLE_TYPES_V2
    return MSD(
        version=version,
        message_identifier=draw(st.integers(0, 255)),
        automatic_activation=draw(st.booleans()),
        test_call=draw(st.booleans()),
        position_can_be_trusted=draw(st.booleans()),
        vehicle_type=draw(st.none() | st.sampled_from(types)),
        vin=draw(st.text(VIN_CHARACTERS + "?", min_size=17, max_size=17)),
        propulsion=draw(st.frozensets(st.sampled_from(energies))),
        timestamp=draw(st.integers(0, 2**32 - 1)),
        position_latitude=draw(coordinate),
        position_longitude=draw(coordinate),
        vehicle_direction=draw(st.integers(0, 255)),
        recent_locations=tuple(draw(st.lists(delta, min_size=count, max_size=count))),
        number_of_occupants=draw(st.none() | st.integers(0, 255)),
        additional=more,
    )
