"""What a car's Minimum Set of Data says (EN 15722), as values.

Numbers are as sent; what they mean in degrees and times is told by properties.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from ccserver.location.oddities import Oddity

POSITION_UNKNOWN = 2_147_483_647
DIRECTION_UNKNOWN = 255
OCCUPANTS_UNKNOWN = 255


class VehicleType(StrEnum):
    """EN 15722 §6.4; the values are the standard's own names."""

    M1 = "passengerVehicleClassM1"
    M2 = "busesAndCoachesClassM2"
    M3 = "busesAndCoachesClassM3"
    N1 = "lightCommercialVehiclesClassN1"
    N2 = "heavyDutyVehiclesClassN2"
    N3 = "heavyDutyVehiclesClassN3"
    L1E = "motorcyclesClassL1e"
    L2E = "motorcyclesClassL2e"
    L3E = "motorcyclesClassL3e"
    L4E = "motorcyclesClassL4e"
    L5E = "motorcyclesClassL5e"
    L6E = "motorcyclesClassL6e"
    L7E = "motorcyclesClassL7e"
    O = "trailersClassO"  # noqa: E741 - the standard's letter
    R = "agriVehiclesClassR"
    S = "agriVehiclesClassS"
    T = "agriVehiclesClassT"
    G = "offRoadVehiclesClassG"
    SA = "specialPurposeMotorCaravanClassSA"
    SB = "specialPurposeArmouredVehicleClassSB"
    SC = "specialPurposeAmbulanceClassSC"
    SD = "specialPurposeHearseClassSD"
    OTHER = "otherVehicleClass"


class Energy(StrEnum):
    """What a vehicle stores to move (``VehiclePropulsionStorageType``), by the standard's names."""

    GASOLINE = "gasolineTankPresent"
    DIESEL = "dieselTankPresent"
    CNG = "compressedNaturalGas"
    LPG = "liquidPropaneGas"
    ELECTRIC = "electricEnergyStorage"
    HYDROGEN = "hydrogenStorage"
    OTHER = "otherStorage"


@dataclass(frozen=True, slots=True)
class AdditionalData:
    """``optionalAdditionalData``: ``oid`` relative to 1.0.14817.106.2.1.2 as ``8.1``, and octets.

    ``decoded``: what a known concept says, by its own names, as JSON; ``None`` for all others and
    for what could not be read. ``cut``: the message ended before the data did.
    """

    oid: str
    data: bytes
    decoded: dict[str, object] | None = None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class MSD:
    """One Minimum Set of Data."""

    version: int
    """1, 2 or 3."""
    message_identifier: int
    """1 for the first of an eCall, one more for each that follows."""
    automatic_activation: bool
    test_call: bool
    position_can_be_trusted: bool
    """False: the car itself is less than 95 % sure to be within 150 m."""
    vehicle_type: VehicleType | None
    """``None``: one that a later version of the standard has added."""
    vin: str
    """17 characters; ``?`` where what was sent is no character of a VIN."""
    propulsion: frozenset[Energy]
    """Empty: nobody knows."""
    timestamp: int
    """Seconds since 1970 in UTC of the incident's first message; 0: the car's clock failed."""
    position_latitude: int
    """Milliarcseconds, WGS84; `POSITION_UNKNOWN`: no position."""
    position_longitude: int
    vehicle_direction: int
    """In steps of 2° clockwise from north; 255: unknown; 180 to 254 mean nothing."""
    recent_locations: tuple[tuple[int, int], ...] = ()
    """N1 and N2: latitude and longitude deltas in 100 milliarcseconds; N1 from the position, N2
    from N1."""
    number_of_occupants: int | None = None
    """``None``: not told; 255: the car does not know."""
    additional: AdditionalData | None = None

    @property
    def position(self) -> tuple[float, float] | None:
        """Latitude and longitude in degrees; ``None`` where there is none on Earth."""
        latitude = self.position_latitude / 3_600_000
        longitude = self.position_longitude / 3_600_000
        if POSITION_UNKNOWN in (self.position_latitude, self.position_longitude):
            return None
        if latitude == longitude == 0 or abs(latitude) > 90 or abs(longitude) > 180:
            return None
        return latitude, longitude

    @property
    def direction_deg(self) -> int | None:
        """Degrees clockwise from north; ``None`` where it is unknown or no direction."""
        return self.vehicle_direction * 2 if self.vehicle_direction < 180 else None

    @property
    def occupants(self) -> int | None:
        """How many people; ``None``: unknown."""
        told = self.number_of_occupants
        return None if told in (None, OCCUPANTS_UNKNOWN) else told

    @property
    def observed_at(self) -> datetime | None:
        """When the incident's first message was made; ``None``: the car's clock failed."""
        return datetime.fromtimestamp(self.timestamp, UTC) if self.timestamp else None


class MSDInvalid(ValueError):
    """These octets hold no Minimum Set of Data; the text says where reading ended, for people."""


@dataclass(frozen=True, slots=True)
class DecodedMSD:
    """An MSD as read, and what was odd about it."""

    msd: MSD
    oddities: tuple[Oddity, ...] = field(default=())
    """Codes: ``docs/reference/ecall.md``."""


class MSDUnwritable(ValueError):
    """These values make no Minimum Set of Data; the text says which, for people."""
