"""A card as an EIDO.

Works on the card's JSON as the API gives it, and on nothing else. What EIDO has no component for
goes into one additional-data component as JSON, so that a system like this one gets it back.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, TypedDict

from ccserver.exchange import niem, places
from ccserver.exchange.card_json import (
    is_over,
    mapping,
    mappings,
    saved_fields,
    says,
    time,
    time_or_none,
)
from ccserver.exchange.document import (
    EIDO,
    VERSION,
    AdditionalData,
    Agency,
    Call,
    Callback,
    Dispatch,
    Disposition,
    EmergencyResource,
    Incident,
    Link,
    Location,
    Merge,
    Note,
    Person,
    Reference,
    UpdatedNumber,
    Vehicle,
)
from ccserver.exchange.html import to_html
from ccserver.exchange.registries import (
    CALL_TYPE,
    DISPOSITION_UNSAID,
    INCIDENT_TYPE_UNKNOWN,
    PERSON_ROLES,
    RESOURCE_TYPE_UNSAID,
    SERVICE_ROLES,
    SERVICE_STATUSES,
    UNIT_STATUSES,
    VEHICLE_INVOLVED,
    AgencyRole,
    CallState,
    IncidentStatus,
    LocationType,
    PrimaryUnitStatus,
    SecondaryUnitStatus,
)
from ccserver.exchange.telephone import to_uri
from ccserver.exchange.values import Issuer, JSONObject, Names, ServiceName, TypeName

REST_PURPOSE = "urn:ccserver:card:1"
"""``urlPurpose`` of what EIDO has no component for."""

RECORDING_PURPOSE = "urn:ccserver:recording"

SUMMARY, FACTS, NOTES, ADDRESS = "summary", "facts", "notes", "address"
"""Parts of an incident, after the # of their identifiers."""

CURRENT = "#current"
"""Ends the identifier of a caller's location that is told once more as the incident's."""

NATIVE_FIELDS = frozenset({"type", "priority", "summary", "callback_numbers", "disposition"})
"""Fields of a card that EIDO has members for, wholly. Of others it has some members."""

NATIVE_MEMBERS: Mapping[str, frozenset[str]] = {
    "address": frozenset({"text", "code", "floor", "flat", "entrance"}),
    "person": frozenset({"role", "number", *niem.PERSON}),
    "vehicle": frozenset(niem.VEHICLE),
}

LOCATION_TYPES: Mapping[str, LocationType] = {
    "caller": LocationType.CALLER,
    "initial": LocationType.INITIAL_INCIDENT,
    "unit": LocationType.UNIT_LOCATION,
}


class _Prologue(TypedDict):
    id: str
    last_update_time_stamp: datetime
    updated_by_agency_reference: Reference


def export(card: JSONObject, issuer: Issuer, names: Names) -> EIDO:
    """The EIDO of a whole card."""
    return _Export(card, issuer, names).document()


class _Export:
    """One export: the card, and what every component says of where it comes from."""

    def __init__(self, card: JSONObject, issuer: Issuer, names: Names) -> None:
        self.card = card
        self.issuer = issuer
        self.names = names
        self.fields = saved_fields(card)
        self.uid = issuer.incident_uid(str(card["incident_id"]))
        self.opened_at = time(card["opened_at"])
        self.involvements = mappings(card.get("services"))

    def document(self) -> EIDO:
        """All components; the incident refers to those that are its own."""
        locations, persons = list(self._locations()), list(self._persons())
        vehicles, notes = list(self._vehicles()), list(self._notes())
        return EIDO(
            **self._prologue(self.uid, self._changed_at()),
            eido_version=VERSION,
            issuing_element_identification=self.issuer.element,
            agency_component=self._agencies(),
            incident_component=self._incident(locations, persons, vehicles, notes),
            call_component=[self._call(contact) for contact in mappings(self.card["contacts"])],
            callback_component=list(self._callbacks()),
            location_component=locations,
            person_component=persons,
            vehicle_component=vehicles,
            notes_component=notes,
            dispatch_component=[self._dispatch(one) for one in self.involvements],
            emergency_resource_component=list(self._resources()),
            additional_data_component=[*self._rest(), *self._recordings()],
            merge_component=list(self._merges()),
            link_component=list(self._links()),
        )

    def _prologue(self, identifier: str, at: datetime | None = None) -> _Prologue:
        return {
            "id": identifier,
            "last_update_time_stamp": at or self.opened_at,
            "updated_by_agency_reference": Reference(ref=self.issuer.agency),
        }

    def _value(self, field: str) -> object:
        return self.fields.get(field, {}).get("value")

    def _part(self, name: str) -> str:
        """The identifier of something of which an incident has one."""
        return f"{self.uid}#{name}"

    def _changed_at(self) -> datetime:
        """The latest time that anything on the card bears."""
        times = [self.opened_at, time_or_none(mapping(self.card.get("notes")).get("saved_at"))]
        times += [time_or_none(field.get("saved_at")) for field in self.fields.values()]
        times += [time_or_none(one.get("at")) for one in mappings(self.card.get("timeline"))]
        times += [time_or_none(one.get("received_at")) for one in self._card_locations()]
        return max(at for at in times if at is not None)

    def _saved_at(self, field: str) -> datetime | None:
        return time_or_none(self.fields.get(field, {}).get("saved_at"))

    # the incident itself

    def _incident(
        self,
        locations: Sequence[Location],
        persons: Sequence[Person],
        vehicles: Sequence[Vehicle],
        notes: Sequence[Note],
    ) -> Incident:
        code = self._value("type")
        name = self.names.types.get(str(code), TypeName("")) if code else TypeName("")
        priority = self._value("priority")
        own = {LocationType.CURRENT_INCIDENT, LocationType.INITIAL_INCIDENT}
        return Incident(
            **self._prologue(self._part("incident"), self._changed_at()),
            incident_type_common_registry_text=name.common or INCIDENT_TYPE_UNKNOWN,
            incident_type_internal_code=str(code) if code else None,
            incident_type_internal_text=name.title or None,
            incident_status_common_registry_text=self._statuses(),
            internal_incident_id=str(self.card["number"]),
            incident_common_priority_number=priority if isinstance(priority, int) else None,
            location_reference=[
                Reference(ref=one.id)
                for one in locations
                if one.location_type_description_registry_text in own
            ],
            person_reference=[Reference(ref=person.id) for person in persons],
            vehicle_reference=[Reference(ref=vehicle.id) for vehicle in vehicles],
            notes_reference=[Reference(ref=note.id) for note in notes],
            disposition_component=list(self._dispositions()),
        )

    def _statuses(self) -> list[str]:
        found = {IncidentStatus.CLOSED if is_over(self.card) else IncidentStatus.ACTIVE}
        for one in self.involvements:
            status = SERVICE_STATUSES.get(str(one.get("state")))
            if status is not None:
                found.add(status)
        return [status.value for status in IncidentStatus if status in found]

    def _dispositions(self) -> Iterator[Disposition]:
        code = self._value("disposition")
        if code:
            yield Disposition(
                **self._prologue(self._part("disposition"), self._saved_at("disposition")),
                disposition_common_registry_code=self.names.dispositions.get(
                    str(code), DISPOSITION_UNSAID
                ),
                disposition_category_text=str(code),
            )

    def _notes(self) -> Iterator[Note]:
        summary = str(self._value("summary") or "")
        yield from self._note(SUMMARY, summary, self._saved_at("summary"))
        yield from self._note(FACTS, self._facts(), None)
        told = {NOTES: mapping(self.card.get("notes"))}
        # What was typed on cards that this one has absorbed stands on them, and belongs to it.
        for absorbed in mappings(self.card.get("merged")):
            told[f"{NOTES}-{absorbed['incident_id']}"] = mapping(absorbed.get("notes"))
        for name, notes in told.items():
            text, saved_at = str(notes.get("text") or ""), time_or_none(notes.get("saved_at"))
            yield from self._note(name, text, saved_at)

    def _note(self, name: str, text: str, at: datetime | None) -> Iterator[Note]:
        if text:
            prologue = self._prologue(self._part(name), at)
            yield Note(**prologue, notes_action_comments=to_html(text))

    def _facts(self) -> str:
        """What EIDO has no members for, for people: hazards must not depend on our own format."""
        address = mapping(self._value("address"))
        casualties = mapping(self._value("casualties"))
        hazards = self._value("hazards")
        lines = [f"{name}: {count}" for name, count in casualties.items() if count]
        if isinstance(hazards, list | tuple):
            lines += [f"hazard: {code}" for code in hazards]
        lines += [
            f"{name}: {address[name]}" for name in ("door_code", "access") if address.get(name)
        ]
        return "\n".join(lines)

    def _rest(self) -> Iterator[AdditionalData]:
        """What EIDO has no component for, for systems like this one."""
        told: dict[str, object] = {}
        for name, field in self.fields.items():
            value = field["value"]
            members = NATIVE_MEMBERS.get(name.partition(":")[0])
            if members is not None:
                value = {k: v for k, v in mapping(value).items() if k not in members and says(v)}
            if says(value) and name not in NATIVE_FIELDS:
                told[name] = value
        states = {_urn(one["involvement_id"]): one["state"] for one in self.involvements}
        if told or states:
            value = {"fields": told, "involvements": states}
            yield AdditionalData(
                **self._prologue(self._part("rest"), self._changed_at()),
                additional_data_by_value=json.dumps(value, ensure_ascii=False, sort_keys=True),
                url_purpose=REST_PURPOSE,
            )

    def _merges(self) -> Iterator[Merge]:
        into = mapping(self.card.get("merged_into"))
        heads = [("REPLACED", one) for one in mappings(self.card.get("merged"))]
        heads += [("REPLACING", into)] if into else []
        for code, head in heads:
            uid = self.issuer.incident_uid(str(head["incident_id"]))
            yield Merge(
                **self._prologue(self._part(f"merge-{uid}"), time_or_none(head.get("at"))),
                incident_tracking_identifier=uid,
                incident_merge_direction_code="REPLACED" if code == "REPLACED" else "REPLACING",
            )

    def _links(self) -> Iterator[Link]:
        parent = mapping(self.card.get("parent"))
        if parent:
            yield self._link(parent, "PARENT")
        for child in mappings(self.card.get("children")):
            yield self._link(child, "CHILD")

    def _link(self, head: JSONObject, direction: Literal["PARENT", "CHILD"]) -> Link:
        uid = self.issuer.incident_uid(str(head["incident_id"]))
        return Link(
            **self._prologue(self._part(f"link-{uid}")),
            incident_tracking_identifier=uid,
            link_direction_code=direction,
        )

    # who called, and how to reach them

    def _call(self, contact: JSONObject) -> Call:
        contact_id = str(contact["contact_id"])
        uid = self.issuer.call_uid(contact_id)
        answered_at = time_or_none(contact.get("answered_at"))
        state = CallState.ANSWERED if answered_at else CallState.BEGIN
        recordings = mappings(contact.get("recordings")) if self.issuer.public_url else []
        return Call(
            **self._prologue(uid, time(contact["arrived_at"])),
            direction="outgoing" if contact.get("direction") == "outbound" else "incoming",
            call_start_timestamp=time(contact["arrived_at"]),
            call_state_registry_text=CallState.END if contact.get("ended_at") else state,
            standard_primary_call_type=CALL_TYPE,
            queue_identifier=str(contact["queue"]) if contact.get("queue") else None,
            answer_date=answered_at,
            additional_data_reference=[
                Reference(ref=_urn(one["recording_id"])) for one in recordings
            ],
            call_back_reference=(
                Reference(ref=f"{uid}#callback") if contact.get("caller_number") else None
            ),
            location_reference=[
                Reference(ref=_urn(one["location_id"]))
                for one in self._card_locations()
                if one.get("contact_id") == contact_id and one.get("kind") in LOCATION_TYPES
            ],
        )

    def _callbacks(self) -> Iterator[Callback]:
        for contact in mappings(self.card["contacts"]):
            if contact.get("caller_number"):
                uid = self.issuer.call_uid(str(contact["contact_id"]))
                yield self._callback(f"{uid}#callback", contact["caller_number"])
        for name, person in self._entities("person"):
            if person.get("number"):
                yield self._callback(f"{_urn(name)}#callback", person["number"])
        numbers = self._value("callback_numbers")
        for index, one in enumerate(mappings(numbers)):
            identifier = self._part(f"callback-{index}")
            yield self._callback(identifier, one["number"], str(one.get("note") or ""))

    def _callback(self, identifier: str, number: object, note: str = "") -> Callback:
        uri = to_uri(str(number), self.issuer.agency)
        updated = UpdatedNumber(
            **self._prologue(f"{identifier}-note"),
            updated_cbn_identifier_uri=uri,
            updated_cbn_caller_description=note,
        )
        return Callback(
            **self._prologue(identifier),
            call_back_information_uri=[uri],
            updated_cbn=updated if note else None,
        )

    def _recordings(self) -> Iterator[AdditionalData]:
        if not self.issuer.public_url:
            return
        for contact in mappings(self.card["contacts"]):
            for one in mappings(contact.get("recordings")):
                address = f"{self.issuer.public_url}/api/recordings/{one['recording_id']}/audio"
                yield AdditionalData(
                    **self._prologue(_urn(one["recording_id"]), time(one["started_at"])),
                    additional_data_by_reference_url=address,
                    url_purpose=RECORDING_PURPOSE,
                )

    # where

    def _card_locations(self) -> list[JSONObject]:
        return [one for one in mappings(self.card.get("locations")) if places.is_place(one)]

    def _locations(self) -> Iterator[Location]:
        address = mapping(self._value("address"))
        current_id = mapping(self.card.get("location")).get("current")
        current = None
        for one in self._card_locations():
            if one["location_id"] == current_id:
                current = one
            kind = LOCATION_TYPES.get(str(one.get("kind")))
            if kind is not None:
                yield self._location(_urn(one["location_id"]), kind, one, {})
        if current is not None:
            # A caller's fix that counts for the incident is told as both.
            suffix = CURRENT if current.get("kind") in LOCATION_TYPES else ""
            identifier = _urn(current["location_id"]) + suffix
            yield self._location(identifier, LocationType.CURRENT_INCIDENT, current, address)
        elif any(address.get(name) for name in NATIVE_MEMBERS["address"]):
            yield Location(
                **self._prologue(self._part(ADDRESS), self._saved_at("address")),
                location_type_description_registry_text=LocationType.CURRENT_INCIDENT,
                location_by_value=places.address_xml(address),
                **_described(address),
            )

    def _location(
        self, identifier: str, kind: LocationType, one: JSONObject, address: JSONObject
    ) -> Location:
        return Location(
            **self._prologue(identifier, time(one["received_at"])),
            location_type_description_registry_text=kind,
            location_by_value=places.location_xml(one, address),
            **_described(address),
        )

    # persons and vehicles

    def _entities(self, kind: str) -> Iterator[tuple[str, JSONObject]]:
        for name, field in self.fields.items():
            field_kind, _, identifier = name.partition(":")
            if field_kind == kind and identifier:
                yield identifier, mapping(field["value"])

    def _persons(self) -> Iterator[Person]:
        for identifier, person in self._entities("person"):
            urn = _urn(identifier)
            role = PERSON_ROLES.get(str(person.get("role")), PERSON_ROLES["witness"])
            yield Person(
                **self._prologue(urn, self._saved_at(f"person:{identifier}")),
                person_incident_role_registry_text=[role],
                nc_person_component=niem.write(person, niem.PERSON),
                call_back_reference=(
                    Reference(ref=f"{urn}#callback") if person.get("number") else None
                ),
            )

    def _vehicles(self) -> Iterator[Vehicle]:
        for identifier, vehicle in self._entities("vehicle"):
            name = f"vehicle:{identifier}"
            yield Vehicle(
                **self._prologue(_urn(identifier), self._saved_at(name)),
                vehicle_relationship_type=[VEHICLE_INVOLVED],
                vehicle_relationship_time_stamp=self._saved_at(name) or self.opened_at,
                nc_vehicle_component=niem.write(vehicle, niem.VEHICLE),
            )

    # services and their units

    def _agency_id(self, service: object) -> str:
        return f"{service}.{self.issuer.agency}"

    def _agencies(self) -> list[Agency]:
        """We ourselves, and each service with the furthest of its roles."""
        roles: dict[str, AgencyRole] = {}
        for one in self.involvements:
            role = SERVICE_ROLES.get(str(one.get("state")), AgencyRole.INFORMATIONAL)
            service = str(one["service"])
            if _ROLE_ORDER.index(role) >= _ROLE_ORDER.index(roles.get(service, _ROLE_ORDER[0])):
                roles[service] = role
        us = Agency(
            **self._prologue(self.issuer.agency),
            agency_role_description_registry_text=[AgencyRole.CALL_RECEIVING],
            agency_type=["psap"],
            incident_owning_agency_indicator=True,
        )
        return [us] + [
            Agency(
                **self._prologue(self._agency_id(service)),
                agency_role_description_registry_text=[role],
                agency_type=[self._agency_type(service)],
            )
            for service, role in roles.items()
        ]

    def _agency_type(self, service: str) -> str:
        return self.names.services.get(service, ServiceName("")).agency_type or service

    def _dispatch(self, one: JSONObject) -> Dispatch:
        return Dispatch(
            **self._prologue(_urn(one["involvement_id"]), time(one["sent_at"])),
            agency_reference=Reference(ref=self._agency_id(one["service"])),
            emergency_resource_reference=[
                Reference(ref=self._unit_id(one, unit)) for unit in mappings(one.get("units"))
            ],
        )

    def _unit_id(self, one: JSONObject, unit: JSONObject) -> str:
        return f"{unit['unit_id']}@{self._agency_id(one['service'])}"

    def _resources(self) -> Iterator[EmergencyResource]:
        seen: set[str] = set()
        for one in self.involvements:
            for unit in mappings(one.get("units")):
                identifier = self._unit_id(one, unit)
                if identifier in seen:
                    continue
                seen.add(identifier)
                status = UNIT_STATUSES.get(str(unit.get("state")), SecondaryUnitStatus.ASSIGNED)
                is_free = status is SecondaryUnitStatus.CLEARED
                yield EmergencyResource(
                    **self._prologue(identifier, time(one["sent_at"])),
                    emergency_resource_type_common_registry_text=RESOURCE_TYPE_UNSAID,
                    resource_attribute_registry_text=[],
                    primary_unit_status_registry_text=(
                        PrimaryUnitStatus.AVAILABLE if is_free else PrimaryUnitStatus.NOT_AVAILABLE
                    ),
                    secondary_unit_status_registry_text=[status],
                    agent_reference=[],
                    emergency_resource_name=str(unit.get("call_sign") or "") or None,
                    active_on_incident_id=None if is_free else self.uid,
                )


_ROLE_ORDER = (AgencyRole.INFORMATIONAL, AgencyRole.ASSISTING, AgencyRole.DISPATCHED)


class _Described(TypedDict):
    location_description_text: str | None
    local_identifier: list[str]


def _described(address: JSONObject) -> _Described:
    """What an address says beside its elements."""
    text, code = address.get("text"), address.get("code")
    return {
        "location_description_text": str(text) if text else None,
        "local_identifier": [places.CODE_PREFIX + str(code)] if code else [],
    }


def _urn(identifier: object) -> str:
    return f"urn:uuid:{identifier}"
