"""The three versions of EN 15722's ASN.1, written for the independent oracles from what it says."""

VIN_CHARACTERS = '"A".."H" | "J".."N" | "P" | "R".."Z" | "0".."9"'

_VEHICLE_TYPES = """
    passengerVehicleClassM1 (1), busesAndCoachesClassM2 (2), busesAndCoachesClassM3 (3),
    lightCommercialVehiclesClassN1 (4), heavyDutyVehiclesClassN2 (5), heavyDutyVehiclesClassN3 (6),
    motorcyclesClassL1e (7), motorcyclesClassL2e (8), motorcyclesClassL3e (9),
    motorcyclesClassL4e (10), motorcyclesClassL5e (11), motorcyclesClassL6e (12),
    motorcyclesClassL7e (13)"""
_VEHICLE_TYPES_V3 = """,
    trailersClassO (14), agriVehiclesClassR (15), agriVehiclesClassS (16), agriVehiclesClassT (17),
    offRoadVehiclesClassG (18), specialPurposeMotorCaravanClassSA (19),
    specialPurposeArmouredVehicleClassSB (20), specialPurposeAmbulanceClassSC (21),
    specialPurposeHearseClassSD (22), otherVehicleClass (23)"""

_MODULE = """
MSDASN1V{version} DEFINITIONS AUTOMATIC TAGS ::= BEGIN

ECallMessage ::= SEQUENCE {{
  msdVersion INTEGER (0..255),
  msd {message}
}}

MSDMessage ::= SEQUENCE {{
  msdStructure MSDStructure,
  optionalAdditionalData AdditionalData OPTIONAL,
  ...
}}

MSDStructure ::= SEQUENCE {{
  messageIdentifier INTEGER (0..255),
  control ControlType,
  vehicleIdentificationNumber VIN,
  vehiclePropulsionStorageType VehiclePropulsionStorageType,
  timestamp INTEGER (0..4294967295),
  vehicleLocation VehicleLocation,
  vehicleDirection INTEGER (0..255),
  recentVehicleLocationN1 VehicleLocationDelta{recent},
  recentVehicleLocationN2 VehicleLocationDelta{recent},
  numberOfOccupants INTEGER (0..255) OPTIONAL,
  ...
}}

ControlType ::= SEQUENCE {{
  automaticActivation BOOLEAN,
  testCall BOOLEAN,
  positionCanBeTrusted BOOLEAN,
  vehicleType VehicleType
}}

VehicleType ::= ENUMERATED {{ {types}, ... }}

VIN ::= SEQUENCE {{
  isowmi PrintableString (SIZE (3)) (FROM ({characters})),
  isovds PrintableString (SIZE (6)) (FROM ({characters})),
  isovisModelyear PrintableString (SIZE (1)) (FROM ({characters})),
  isovisSeqPlant PrintableString (SIZE (7)) (FROM ({characters}))
}}

VehiclePropulsionStorageType ::= SEQUENCE {{
  gasolineTankPresent BOOLEAN DEFAULT FALSE,
  dieselTankPresent BOOLEAN DEFAULT FALSE,
  compressedNaturalGas BOOLEAN DEFAULT FALSE,
  liquidPropaneGas BOOLEAN DEFAULT FALSE,
  electricEnergyStorage BOOLEAN DEFAULT FALSE,
  hydrogenStorage BOOLEAN DEFAULT FALSE,{other}
  ...
}}

VehicleLocation ::= SEQUENCE {{
  positionLatitude INTEGER (-2147483648..2147483647),
  positionLongitude INTEGER (-2147483648..2147483647)
}}

VehicleLocationDelta ::= SEQUENCE {{
  latitudeDelta INTEGER (-512..511),
  longitudeDelta INTEGER (-512..511)
}}

AdditionalData ::= SEQUENCE {{
  oid {oid},
  data OCTET STRING
}}

INCINFO ::= SEQUENCE {{
  locationOfImpact ENUMERATED {{
    unknown (0), none (1), front (2), rear (3), driverSide (4), nonDriverSide (5), other (6), ...
  }},
  rolloverDetected BOOLEAN OPTIONAL,
  deltaV SEQUENCE {{
    rangeLimit INTEGER (100..255),
    deltaVX INTEGER (-255..255),
    deltaVY INTEGER (-255..255),
    ...
  }},
  ...
}}

END
"""


def module(version: int, *, relative_oid: bool, containing: bool) -> str:
    """The module of one version, with an identifier and an inner message as the oracle can."""
    inner = "OCTET STRING (CONTAINING MSDMessage)" if containing else "OCTET STRING"
    return _MODULE.format(
        version=version,
        message="MSDMessage" if version == 1 else inner,
        recent="" if version >= 3 else " OPTIONAL",
        types=_VEHICLE_TYPES + (_VEHICLE_TYPES_V3 if version >= 3 else ""),
        other="" if version == 1 else "\n  otherStorage BOOLEAN DEFAULT FALSE,",
        characters=VIN_CHARACTERS,
        oid="RELATIVE-OID" if relative_oid else "OCTET STRING",
    )
