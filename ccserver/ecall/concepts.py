"""What known kinds of additional data say, by the names of their own rules.

Each reader raises `EndOfBits`, or `ValueError` with a value that the rules do not have.

Sources: Euro NCAP TB 040 (``INCINFO``), checked against one published message; the ERA-GLONASS data
of GOST 33464 as its users publish them, checked against two encoders' sources, not against the
standard's own text.
"""

from collections.abc import Callable, Mapping
from typing import Final

from ccserver.ecall.bits import BitReader, BitWriter

EURO_NCAP: Final = "8.1"
ERA_GLONASS_1: Final = "1.4.1"
ERA_GLONASS_2: Final = "1.4.2"

LOCATIONS_OF_IMPACT: Final = (
    "unknown",
    "none",
    "front",
    "rear",
    "driverSide",
    "nonDriverSide",
    "other",
)
RANGE_LIMIT_MIN: Final = 100
RANGE_LIMIT_MAX: Final = 255
DELTA_V_MAX: Final = 255

DIAGNOSTIC_RESULTS: Final = (
    "micConnectionFailure",
    "micFailure",
    "rightSpeakerFailure",
    "leftSpeakerFailure",
    "speakersFailure",
    "ignitionLineFailure",
    "uimFailure",
    "statusIndicatorFailure",
    "batteryFailure",
    "batteryVoltageLow",
    "crashSensorFailure",
    "firmwareImageCorruption",
    "commModuleInterfaceFailure",
    "gnssReceiverFailure",
    "raimProblem",
    "gnssAntennaFailure",
    "commModuleFailure",
    "eventsMemoryOverflow",
    "crashProfileMemoryOverflow",
    "otherCriticalFailures",
    "otherNotCriticalFailures",
)
CRASH_INFOS: Final = (
    "crashFront",
    "crashLeft",
    "crashRight",
    "crashRear",
    "crashRollover",
    "crashSide",
    "crashFrontOrSide",
    "crashAnotherType",
)
COORDINATE_SYSTEMS: Final = ("wgs84", "pz90")


def _euro_ncap(data: bytes) -> dict[str, object]:
    """Where the car was hit, and how its speed changed, in km/h."""
    reader = BitReader(data)
    extended, has_rollover, impact_extended = reader.take(1), reader.take(1), reader.take(1)
    if impact_extended:
        reader.small_number()
        impact = None
    else:
        index = reader.take(3)
        if index >= len(LOCATIONS_OF_IMPACT):
            raise ValueError(f"locationOfImpact {index}")
        impact = LOCATIONS_OF_IMPACT[index]
    told: dict[str, object] = {"locationOfImpact": impact}
    if has_rollover:
        told["rolloverDetected"] = bool(reader.take(1))
    delta_extended = reader.take(1)
    limit = reader.take(8) + RANGE_LIMIT_MIN
    if limit > RANGE_LIMIT_MAX:
        raise ValueError(f"rangeLimit {limit}")
    speeds = [reader.take(9) - DELTA_V_MAX for _ in range(2)]
    if max(speeds) > DELTA_V_MAX:
        raise ValueError(f"deltaV {speeds[0]}, {speeds[1]}")
    told["deltaV"] = {"rangeLimit": limit, "deltaVX": speeds[0], "deltaVY": speeds[1]}
    if delta_extended:
        reader.skip_additions()
    if extended:
        reader.skip_additions()
    return told


def euro_ncap_octets(
    impact: str, delta_v: tuple[int, int], *, range_limit: int = 125, rollover: bool | None = None
) -> bytes:
    """What a simulated car tells by Euro NCAP TB 040; speeds in km/h."""
    writer = BitWriter()
    writer.put(0, 1)
    writer.put(rollover is not None, 1)
    writer.put(LOCATIONS_OF_IMPACT.index(impact), 4)
    if rollover is not None:
        writer.put(rollover, 1)
    writer.put(0, 1)
    writer.put(range_limit - RANGE_LIMIT_MIN, 8)
    for speed in delta_v:
        writer.put(speed + DELTA_V_MAX, 9)
    return writer.done()


def _era_glonass_1(data: bytes) -> dict[str, object]:
    """``ERAAdditionalData`` beside version 1: how hard the crash was, and what is broken."""
    return _era_glonass(BitReader(data), has_system=False)


def _era_glonass_2(data: bytes) -> dict[str, object]:
    """The same beside version 2; the position may be in PZ-90, within a few metres of WGS84."""
    return _era_glonass(BitReader(data), has_system=True)


def _era_glonass(reader: BitReader, *, has_system: bool) -> dict[str, object]:
    extended, severity, results, infos = (reader.take(1) for _ in range(4))
    system = reader.take(1) if has_system else 0
    told: dict[str, object] = {}
    if severity:
        told["crashSeverityASI15"] = reader.take(11)
    if results:
        told["diagnosticResult"] = _flags(reader, DIAGNOSTIC_RESULTS)
    if infos:
        told["crashInfo"] = _flags(reader, CRASH_INFOS)
    if has_system:
        told["coordinateSystemType"] = COORDINATE_SYSTEMS[reader.take(1) if system else 0]
    if extended:
        reader.skip_additions()
    return told


def _flags(reader: BitReader, names: tuple[str, ...]) -> dict[str, bool]:
    """Optional flags: first which there are, then these."""
    there = reader.take(len(names))
    last = len(names) - 1
    return {
        name: bool(reader.take(1))
        for place, name in enumerate(names)
        if there >> (last - place) & 1
    }


CONCEPTS: Final[Mapping[str, Callable[[bytes], dict[str, object]]]] = {
    EURO_NCAP: _euro_ncap,
    ERA_GLONASS_1: _era_glonass_1,
    ERA_GLONASS_2: _era_glonass_2,
}
"""What is decoded, by its identifier."""
