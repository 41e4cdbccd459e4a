"""Two independent decoders and encoders of UPER, on our schema: asn1tools and pycrate."""

import importlib.util
from pathlib import Path
from typing import Any, Protocol

import asn1tools
from pycrate_asn1c.asnproc import PycrateGenerator, compile_text, generate_modules

from ccserver.ecall import additional, json_form
from ccserver.ecall.msd import ENERGIES, ENERGIES_V1
from ccserver.ecall.values import MSD
from tests.ecall.schema import module

DELTAS = ("recentVehicleLocationN1", "recentVehicleLocationN2")


class Oracle(Protocol):
    """Octets from the values of ``MSDMessage`` by the standard's names, and back."""

    def encode(self, version: int, values: dict[str, Any]) -> bytes:
        """The whole message."""

    def decode(self, octets: bytes) -> tuple[int, dict[str, Any]]:
        """The version, and the values."""


class Asn1tools:
    """It knows no RELATIVE-OID, which is laid as an OCTET STRING is, and no contents of one."""

    def __init__(self) -> None:
        self._compiled = {
            version: asn1tools.compile_string(
                module(version, relative_oid=False, containing=False), "uper"
            )
            for version in (1, 2, 3)
        }

    def encode(self, version: int, values: dict[str, Any]) -> bytes:
        compiled = self._compiled[version]
        values = _with_oid(values, additional.oid_octets)
        inner = values if version == 1 else compiled.encode("MSDMessage", values)
        octets: bytes = compiled.encode("ECallMessage", {"msdVersion": version, "msd": inner})
        return octets

    def decode(self, octets: bytes) -> tuple[int, dict[str, Any]]:
        compiled = self._compiled[octets[0]]
        message = compiled.decode("ECallMessage", octets)
        values = message["msd"]
        if octets[0] != 1:
            values = compiled.decode("MSDMessage", values)
        return octets[0], _with_oid(values, additional.oid_text)

    def incident_information(self, octets: bytes) -> dict[str, Any]:
        """What Euro NCAP's additional data say."""
        told: dict[str, Any] = self._compiled[2].decode("INCINFO", octets)
        return told


class Pycrate:
    """It needs a module that it writes itself, for which there has to be a folder."""

    def __init__(self, folder: Path) -> None:
        versions = (1, 2, 3)
        compile_text("".join(module(n, relative_oid=True, containing=True) for n in versions))
        path = folder / "msd_of_all_versions.py"
        generate_modules(PycrateGenerator, str(path))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        made = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(made)
        self._messages = {n: getattr(made, f"MSDASN1V{n}").ECallMessage for n in versions}

    def encode(self, version: int, values: dict[str, Any]) -> bytes:
        message = self._messages[version]
        values = _with_oid(values, lambda oid: tuple(int(arc) for arc in oid.split(".")))
        inner: object = values if version == 1 else ("MSDMessage", values)
        message.set_val({"msdVersion": version, "msd": inner})
        octets: bytes = message.to_uper()
        return octets

    def decode(self, octets: bytes) -> tuple[int, dict[str, Any]]:
        message = self._messages[octets[0]]
        message.from_uper(octets)
        values = message.get_val()["msd"]
        if octets[0] != 1:
            _, values = values
        return octets[0], _with_oid(values, lambda arcs: ".".join(str(arc) for arc in arcs))


def _with_oid(values: dict[str, Any], change: Any) -> dict[str, Any]:
    more = values.get("optionalAdditionalData")
    if more is None:
        return values
    return values | {"optionalAdditionalData": more | {"oid": change(more["oid"])}}


def values_of(msd: MSD) -> dict[str, Any]:
    """``MSDMessage`` as the standard nests it; energies that are the default are left out."""
    assert msd.vehicle_type is not None
    structure: dict[str, Any] = {
        "messageIdentifier": msd.message_identifier,
        "control": {
            "automaticActivation": msd.automatic_activation,
            "testCall": msd.test_call,
            "positionCanBeTrusted": msd.position_can_be_trusted,
            "vehicleType": msd.vehicle_type.value,
        },
        "vehicleIdentificationNumber": {
            name: msd.vin[begin:end] for name, begin, end in json_form.VIN_PARTS
        },
        "vehiclePropulsionStorageType": {energy.value: True for energy in msd.propulsion},
        "timestamp": msd.timestamp,
        "vehicleLocation": {
            "positionLatitude": msd.position_latitude,
            "positionLongitude": msd.position_longitude,
        },
        "vehicleDirection": msd.vehicle_direction,
    }
    for name, (latitude, longitude) in zip(DELTAS, msd.recent_locations, strict=False):
        structure[name] = {"latitudeDelta": latitude, "longitudeDelta": longitude}
    if msd.number_of_occupants is not None:
        structure["numberOfOccupants"] = msd.number_of_occupants
    values: dict[str, Any] = {"msdStructure": structure}
    if msd.additional is not None:
        values["optionalAdditionalData"] = {"oid": msd.additional.oid, "data": msd.additional.data}
    return values


def same(told: dict[str, Any], msd: MSD) -> bool:
    """Whether an oracle's values are those of ``msd``.

    It may tell defaults or leave them out, and pycrate also tells what a later version has added.
    """
    wanted = values_of(msd)
    energies = ENERGIES_V1 if msd.version == 1 else ENERGIES
    told = _known(told)
    told["msdStructure"] = _known(told["msdStructure"])
    propulsion = told["msdStructure"]["vehiclePropulsionStorageType"]
    told["msdStructure"]["vehiclePropulsionStorageType"] = {
        energy.value: True for energy in energies if propulsion.get(energy.value)
    }
    return told == wanted


def _known(sequence: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in sequence.items() if not name.startswith("_ext_")}
