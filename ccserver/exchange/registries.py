"""Values of EIDO's registries (NENA-STA-021.1b §3) and how ours map onto them.

Registries grow: a value that is not listed here is kept and shown as it came, and refused nowhere.
"""

from collections.abc import Mapping
from enum import StrEnum


class IncidentStatus(StrEnum):
    """EIDO-IncidentStatus-Common; several may hold at once."""

    ACTIVE = "Active"
    CANCELLED = "Cancelled"
    CLOSED = "Closed"
    FIRE_UNDER_CONTROL = "FireUnderControl"
    NEW_LOCATION = "NewLocation"
    REOPENED = "ReOpened"
    RESOURCES_ASSIGNED = "ResourcesAssigned"
    RESOURCES_ENROUTE = "ResourcesEnroute"
    RESOURCES_ONSCENE = "ResourcesOnscene"
    STRUCTURE_CLEARED = "StructureCleared"


class LocationType(StrEnum):
    """EIDO-LocationType."""

    ROUTING_LOCATION = "RoutingLocation"
    CALLER = "Caller"
    CURRENT_INCIDENT = "CurrentIncident"
    INITIAL_INCIDENT = "InitialIncident"
    INVESTIGATION = "Investigation"
    OTHER = "Other"
    STAGING = "Staging"
    TOWER_LOCATION = "TowerLocation"
    UNIT_LOCATION = "UnitLocation"


class PrimaryUnitStatus(StrEnum):
    """EIDO-PrimaryUnitStatus-Common."""

    AVAILABLE = "Available"
    CONDITIONALLY_AVAILABLE = "ConditionallyAvailable"
    NOT_AVAILABLE = "NotAvailable"


class SecondaryUnitStatus(StrEnum):
    """EIDO-SecondaryUnitStatus-Common, those that a unit of ours can have."""

    ACKNOWLEDGED_TRANSMISSION = "AcknowledgedTransmission"
    ASSIGNED = "Assigned"
    DISPATCHED = "Dispatched"
    EN_ROUTE = "EnRoute"
    ARRIVED = "Arrived"
    ON_SCENE = "OnScene"
    PATIENT_CONTACT = "PatientContact"
    DELAYED = "Delayed"
    CLEARED = "Cleared"
    ASSIGNMENT_CANCELLED = "AssignmentCancelled"
    HOSPITAL = "Hospital"
    IN_SERVICE = "InService"
    OUT_OF_SERVICE = "OutofService"


class AgencyRole(StrEnum):
    """EIDO-AgencyRole."""

    ASSISTING = "Assisting"
    CALL_RECEIVING = "CallReceiving"
    DISPATCHED = "Dispatched"
    DISPATCHING = "Dispatching"
    INFORMATIONAL = "Informational"
    TRANSFERRED_TO = "TransferredTo"


class PersonRole(StrEnum):
    """EIDO-PersonRole, those that a card tells apart."""

    CALLER = "Caller"
    PATIENT = "Patient"
    REPORTING_PARTY = "ReportingParty"
    VICTIM = "Victim"
    WITNESS = "Witness"
    SUSPECT = "Suspect"


class CallState(StrEnum):
    """CallStates of NENA-STA-010, those that a contact can be in."""

    BEGIN = "callBegin"
    ANSWERED = "callAnswered"
    END = "callEnd"


INCIDENT_TYPE_UNKNOWN = "TROUBLE"
"""EIDO-IncidentType-Common: "Unknown Type Trouble", for a card that has no type yet."""

CALL_TYPE = "emergency"
"""standardPrimaryCallType of every contact; tests and exercises have other ones."""

VEHICLE_INVOLVED = "InvolvedVehicle"
"""EIDO-VehicleRelationshipType, "used when no other relationship is known"."""

DISPOSITION_UNSAID = "13"
"""EIDO-CommonDispositionCode: "Information/Administrative", where the catalogue names none."""

RESOURCE_TYPE_UNSAID = "CommandLevel4"
"""EIDO-EmergencyResourceType-Common: "Initial Responding Resources that arrive on scene"."""

PERSON_ROLES: Mapping[str, PersonRole] = {
    "caller": PersonRole.CALLER,
    "patient": PersonRole.PATIENT,
    "reporting_party": PersonRole.REPORTING_PARTY,
    "victim": PersonRole.VICTIM,
    "witness": PersonRole.WITNESS,
    "suspect": PersonRole.SUSPECT,
}
"""Of the field ``person:…``."""

PERSON_ROLES_HERE: Mapping[str, str] = {
    **{theirs.value: ours for ours, theirs in PERSON_ROLES.items()},
    "PersonOfInterest": "suspect",
}
"""Everybody else who is involved is a witness: the least that can be said."""

LOCATION_KINDS: Mapping[str, str] = {
    LocationType.CALLER: "caller",
    LocationType.ROUTING_LOCATION: "caller",
    LocationType.TOWER_LOCATION: "caller",
    LocationType.CURRENT_INCIDENT: "incident",
    LocationType.INITIAL_INCIDENT: "initial",
    LocationType.UNIT_LOCATION: "unit",
}
"""Kinds of locations on a card. The others have none: they stay in what was not understood."""

SERVICE_ROLES: Mapping[str, AgencyRole] = {
    "sent": AgencyRole.INFORMATIONAL,
    "received": AgencyRole.INFORMATIONAL,
    "seen": AgencyRole.INFORMATIONAL,
    "refused": AgencyRole.INFORMATIONAL,
    "withdrawn": AgencyRole.INFORMATIONAL,
    "accepted": AgencyRole.ASSISTING,
    "dispatched": AgencyRole.DISPATCHED,
    "en_route": AgencyRole.DISPATCHED,
    "on_scene": AgencyRole.DISPATCHED,
    "cleared": AgencyRole.DISPATCHED,
    "closed": AgencyRole.DISPATCHED,
}
"""Of an involvement's state."""

SERVICE_STATUSES: Mapping[str, IncidentStatus] = {
    "dispatched": IncidentStatus.RESOURCES_ASSIGNED,
    "en_route": IncidentStatus.RESOURCES_ENROUTE,
    "on_scene": IncidentStatus.RESOURCES_ONSCENE,
}
"""What an involvement's state says of the incident."""

UNIT_STATUSES: Mapping[str, SecondaryUnitStatus] = {
    "assigned": SecondaryUnitStatus.ASSIGNED,
    "dispatched": SecondaryUnitStatus.DISPATCHED,
    "en_route": SecondaryUnitStatus.EN_ROUTE,
    "delayed": SecondaryUnitStatus.DELAYED,
    "on_scene": SecondaryUnitStatus.ON_SCENE,
    "patient_contact": SecondaryUnitStatus.PATIENT_CONTACT,
    "hospital": SecondaryUnitStatus.HOSPITAL,
    "cleared": SecondaryUnitStatus.CLEARED,
}
"""Of a unit's state within an involvement."""
