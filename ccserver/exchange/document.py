"""The EIDO: NENA's Emergency Incident Data Object (NENA-STA-021.1b) as JSON.

One struct for each data component that ccserver writes or reads, with the members of the standard
in its spelling. Members that the structs do not know are kept beside them by their JSON Pointer
(RFC 6901) and written again: what another system says is not lost on its way through this one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

import msgspec

MEDIA_TYPE = "application/emergency.eido+json"

VERSION = "1.0"

BYTES_MAX = 256 * 1024
"""Of a document that is read, as for every body of the API. The standard lets one note alone have
16 MB, for pictures, which are refused here."""

COMPONENTS_MAX = 500
"""Of one kind: a catastrophe with as many callers is told in several documents."""

TEXT_CHARS_MAX = 70_000
"""Of one member: a card's notes in full, with some mark-up."""

UNKNOWN_MAX = 1_000
"""Members that are kept without being understood."""


Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Text = Annotated[str, msgspec.Meta(max_length=TEXT_CHARS_MAX)]
Texts = Annotated[list[Text], msgspec.Meta(max_length=COMPONENTS_MAX)]
Time = Annotated[datetime, msgspec.Meta(tz=True)]

_SPELLINGS = {"id": "$id", "ref": "$ref"}


def _spelling(name: str) -> str:
    first, *rest = name.split("_")
    return _SPELLINGS.get(name) or first + "".join(word.capitalize() for word in rest)


class EIDOInvalid(ValueError):
    """This is no EIDO. ``path`` says where, like ``$.callComponent[0].direction``."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename=_spelling):
    """What all parts share: the standard's spelling, and nothing that says nothing."""


class Reference(Part, frozen=True, kw_only=True):
    """Points at the component of this ``$id``, here or elsewhere."""

    ref: Identifier


References = Annotated[list[Reference], msgspec.Meta(max_length=COMPONENTS_MAX)]


class Component(Part, frozen=True, kw_only=True):
    """The prologue of every data component."""

    id: Identifier
    last_update_time_stamp: Time
    updated_by_agency_reference: Reference
    updated_by_agent_reference: Reference | None = None


class Agency(Component, frozen=True, kw_only=True):
    """An organisation and its part in the incident."""

    agency_role_description_registry_text: Texts
    agency_type: Texts
    agency_jcard: Text | None = None
    incident_owning_agency_indicator: bool | None = None
    notes_reference: References = []


class Agent(Component, frozen=True, kw_only=True):
    """A person who works on the incident, or a program."""

    agent_role_registry_text: Texts
    agency_reference: Reference
    agent_jcard: Text | None = None


class Merge(Component, frozen=True, kw_only=True):
    """Another incident that this one has replaced, or by which it was replaced."""

    incident_tracking_identifier: Identifier
    incident_merge_direction_code: Literal["REPLACING", "REPLACED", "SPLIT"]


class Link(Component, frozen=True, kw_only=True):
    """Another incident that has to do with this one."""

    incident_tracking_identifier: Identifier
    link_direction_code: Literal["PARENT", "CHILD", "RELATED", "UNLINK"]
    transaction_reason_text: Text | None = None


class Note(Component, frozen=True, kw_only=True):
    """Text, as an HTML fragment."""

    notes_action_comments: Text
    agent_reference: Reference | None = None


class AdditionalData(Component, frozen=True, kw_only=True):
    """RFC 7852 blocks of a call, recordings, and what has no component of its own."""

    additional_data_by_reference_url: Text | None = None
    additional_data_by_value: Text | None = None
    url_purpose: Text | None = None

    def __post_init__(self) -> None:
        _exactly_one(
            "additionalDataByValue",
            "additionalDataByReferenceUrl",
            self.additional_data_by_value,
            self.additional_data_by_reference_url,
        )


class Location(Component, frozen=True, kw_only=True):
    """A place, by a PIDF-LO in it or by where one can be fetched."""

    location_type_description_registry_text: Text
    location_by_value: Text | None = None
    location_by_reference_url: Text | None = None
    location_description_text: Text | None = None
    local_identifier: Texts = []

    def __post_init__(self) -> None:
        _exactly_one(
            "locationByValue",
            "locationByReferenceUrl",
            self.location_by_value,
            self.location_by_reference_url,
        )


class Person(Component, frozen=True, kw_only=True):
    """Somebody who is involved; ``nc_person_component`` is NIEM's ncPersonType."""

    person_incident_role_registry_text: Texts
    nc_person_component: dict[str, object] = {}
    call_identifier: Texts = []
    call_back_reference: Reference | None = None


class Vehicle(Component, frozen=True, kw_only=True):
    """A vehicle that is involved; ``nc_vehicle_component`` is NIEM's ncVehicleType."""

    vehicle_relationship_type: Texts
    vehicle_relationship_time_stamp: Time
    nc_vehicle_component: dict[str, object] = {}


class Disposition(Component, frozen=True, kw_only=True):
    """What became of the incident."""

    disposition_common_registry_code: Text
    disposition_category_text: Text | None = None
    disposition_description_text: Text | None = None


class Incident(Component, frozen=True, kw_only=True):
    """What happened."""

    incident_type_common_registry_text: Text
    incident_type_internal_code: Text | None = None
    incident_type_internal_text: Text | None = None
    incident_status_common_registry_text: Texts = []
    internal_incident_id: Text | None = None
    incident_common_priority_number: Annotated[int, msgspec.Meta(ge=0, le=10)] | None = None
    location_reference: References = []
    person_reference: References = []
    vehicle_reference: References = []
    notes_reference: References = []
    disposition_component: Annotated[
        list[Disposition], msgspec.Meta(max_length=COMPONENTS_MAX)
    ] = []


class Call(Component, frozen=True, kw_only=True):
    """One request for help."""

    direction: Literal["incoming", "outgoing", "internal"]
    call_start_timestamp: Time
    call_state_registry_text: Text
    standard_primary_call_type: Text
    queue_identifier: Text | None = None
    answer_date: Time | None = None
    agent_reference: References = []
    additional_data_reference: References = []
    call_back_reference: Reference | None = None
    location_reference: References = []
    person_reference: References = []


class UpdatedNumber(Component, frozen=True, kw_only=True):
    """A further number of somebody."""

    updated_cbn_identifier_uri: Text
    updated_cbn_caller_description: Text | None = None


class Callback(Component, frozen=True, kw_only=True):
    """How somebody can be called."""

    call_back_information_uri: Texts = []
    device_contact_header: Text | None = None
    updated_cbn: UpdatedNumber | None = None


class Dispatch(Component, frozen=True, kw_only=True):
    """That an agency sent its units."""

    agency_reference: Reference | None = None
    agent_reference: Reference | None = None
    emergency_resource_reference: References = []
    notes_reference: References = []


class EmergencyResource(Component, frozen=True, kw_only=True):
    """A unit and its state."""

    emergency_resource_type_common_registry_text: Text
    resource_attribute_registry_text: Texts
    primary_unit_status_registry_text: Text
    secondary_unit_status_registry_text: Texts
    agent_reference: References
    emergency_resource_name: Text | None = None
    active_on_incident_id: Text | None = None


class EIDO(Component, frozen=True, kw_only=True):
    """The whole object; ``id`` is the incident's tracking identifier."""

    eido_version: Annotated[str, msgspec.Meta(pattern=r"^1\.[0-9]{1,3}$")]
    issuing_element_identification: Identifier
    agency_component: Annotated[list[Agency], msgspec.Meta(max_length=COMPONENTS_MAX)]
    agent_component: Annotated[list[Agent], msgspec.Meta(max_length=COMPONENTS_MAX)] = []
    incident_component: Incident | None = None
    call_component: Annotated[list[Call], msgspec.Meta(max_length=COMPONENTS_MAX)] = []
    callback_component: Annotated[list[Callback], msgspec.Meta(max_length=COMPONENTS_MAX)] = []
    location_component: Annotated[list[Location], msgspec.Meta(max_length=COMPONENTS_MAX)] = []
    person_component: Annotated[list[Person], msgspec.Meta(max_length=COMPONENTS_MAX)] = []
    vehicle_component: Annotated[list[Vehicle], msgspec.Meta(max_length=COMPONENTS_MAX)] = []
    notes_component: Annotated[list[Note], msgspec.Meta(max_length=COMPONENTS_MAX)] = []
    dispatch_component: Annotated[list[Dispatch], msgspec.Meta(max_length=COMPONENTS_MAX)] = []
    emergency_resource_component: Annotated[
        list[EmergencyResource], msgspec.Meta(max_length=COMPONENTS_MAX)
    ] = []
    additional_data_component: Annotated[
        list[AdditionalData], msgspec.Meta(max_length=COMPONENTS_MAX)
    ] = []
    merge_component: Annotated[list[Merge], msgspec.Meta(max_length=COMPONENTS_MAX)] = []
    link_component: Annotated[list[Link], msgspec.Meta(max_length=COMPONENTS_MAX)] = []


@dataclass(frozen=True, slots=True)
class Document:
    """An EIDO as it came: what is understood, and what is not, by its JSON Pointer."""

    eido: EIDO
    unknown: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def parse(cls, data: bytes) -> "Document":
        """Read a document; raises `EIDOInvalid`, and nothing else, whatever ``data`` is."""
        if len(data) > BYTES_MAX:
            raise EIDOInvalid("$", f"more than {BYTES_MAX} bytes")
        try:
            raw = msgspec.json.decode(data)
            eido = msgspec.convert(raw, EIDO)
        except msgspec.ValidationError as error:
            raise _explained(error) from None
        except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
            raise EIDOInvalid("$", "not JSON in UTF-8") from None
        unknown: dict[str, object] = {}
        for pointer, value in _unknown(eido, raw, ""):
            if len(unknown) == UNKNOWN_MAX:
                raise EIDOInvalid("$", f"more than {UNKNOWN_MAX} members that are not understood")
            unknown[pointer] = value
        return cls(eido, unknown)

    def as_json(self) -> dict[str, object]:
        """The document as it came, but for the spelling of times."""
        document: dict[str, object] = msgspec.to_builtins(self.eido)
        for pointer, value in self.unknown.items():
            *way, last = [_unescaped(part) for part in pointer.split("/")[1:]]
            place: object = document
            for part in way:
                place = place[int(part)] if isinstance(place, list) else _member(place, part)
            if isinstance(place, dict):
                place[last] = value
        return document


def schema() -> dict[str, object]:
    """The JSON Schema of what is written, and of what is read."""
    # NIEM's components are carried as they are, whatever they hold.
    return msgspec.json.schema(EIDO, schema_hook=lambda _: {"title": "anything"})


def _exactly_one(first: str, second: str, one: object, other: object) -> None:
    if (one is None) == (other is None):
        raise ValueError(f"exactly one of {first} and {second} must be there")


def _explained(error: msgspec.ValidationError) -> EIDOInvalid:
    reason, _, path = str(error).partition(" - at `")
    return EIDOInvalid(path.removesuffix("`") or "$", reason)


def _unknown(part: object, raw: object, pointer: str) -> Iterator[tuple[str, object]]:
    """Members of ``raw`` that the struct made of it does not have."""
    if isinstance(part, Part) and isinstance(raw, dict):
        names = {f.encode_name: f.name for f in msgspec.structs.fields(part)}
        for key, value in raw.items():
            below = f"{pointer}/{_escaped(key)}"
            if key in names:
                yield from _unknown(getattr(part, names[key]), value, below)
            else:
                yield below, value
    elif isinstance(part, list) and isinstance(raw, list):
        for index, (item, raw_item) in enumerate(zip(part, raw, strict=True)):
            yield from _unknown(item, raw_item, f"{pointer}/{index}")


def _member(place: object, name: str) -> object:
    return place[name] if isinstance(place, dict) else None


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _unescaped(name: str) -> str:
    return name.replace("~1", "/").replace("~0", "~")
