"""An address as people are shown it, and what can go wrong with the index of addresses."""

from dataclasses import dataclass
from enum import StrEnum


class AddressKind(StrEnum):
    """What an address names."""

    BUILDING = "building"
    """A building, or land meant for one: a number on a street, or a house with a name."""
    FLAT = "flat"
    STREET = "street"
    PLACE = "place"
    """A town, village, parish or municipality."""


@dataclass(frozen=True, slots=True)
class Address:
    """One entry of the State Address Register.

    ``x`` and ``y`` are LKS-92 / Latvia TM (EPSG:3059) as the register has them: ``x`` is the
    northing, ``y`` the easting, in metres. ``lat`` and ``lon`` are WGS84 degrees. A street has the
    middle of its buildings, a place its own or that.
    """

    code: str
    """The register's nine digits, which never change."""
    text: str
    """The whole address as the register writes it."""
    postcode: str | None
    lat: float | None
    lon: float | None
    x: float | None
    y: float | None
    kind: AddressKind
    old: bool
    """The address exists no more."""
    former_text: str | None
    """The former name by which it was found."""
    distance_m: float | None
    """From the point that was asked about."""


@dataclass(frozen=True, slots=True)
class Nearby:
    """What is around a point: addresses, nearest first, and where that is as a whole."""

    addresses: tuple[Address, ...]
    place: Address | None
    """Town, village or parish of the nearest building, where that building is far away."""


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What an index holds, and where it comes from."""

    built_at: str
    source: str
    synthetic: bool
    """Made up by the sample generator: fit for trials, not for emergencies."""
    places: int
    streets: int
    buildings: int
    flats: int
    former_names: int
    with_coordinates: int
    """Of the existing buildings."""


class AddressesUnavailable(Exception):
    """There is no usable index: none was set up or imported, or its file is damaged."""


class SearchTimedOut(Exception):
    """The search took longer than it may."""


class SearchesTooMany(Exception):
    """More searches wait than may."""


class ImportRefused(Exception):
    """The register's files cannot be used; the text is one sentence for the admin."""
