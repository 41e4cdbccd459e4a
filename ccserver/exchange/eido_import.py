"""An EIDO as an incident of ours.

A pure reading: what the document says, in the words of a card. What has no place on a card, and
what is not understood, is kept by its JSON Pointer in ``data``. Nothing is guessed: a type that we
do not know stays the sender's, for people to read.
"""

import json
import re
import uuid
from collections.abc import Iterator, Mapping

import msgspec

from ccserver.exchange import niem, places
from ccserver.exchange.card_json import mapping, says
from ccserver.exchange.document import EIDO, Callback, Component, Document, Location, Reference
from ccserver.exchange.eido_export import (
    ADDRESS,
    CURRENT,
    FACTS,
    REST_PURPOSE,
    SUMMARY,
)
from ccserver.exchange.html import to_text
from ccserver.exchange.registries import (
    INCIDENT_TYPE_UNKNOWN,
    LOCATION_KINDS,
    PERSON_ROLES_HERE,
    UNIT_STATUSES,
    CallState,
    IncidentStatus,
    LocationType,
)
from ccserver.exchange.telephone import from_uri
from ccserver.exchange.values import (
    ImportedContact,
    ImportedIncident,
    ImportedLocation,
    ImportedService,
    JSONObject,
    Names,
)
from ccserver.location import LocationKind

SUMMARY_CHARS_MAX = 200
"""Of the field ``summary``; a longer text goes to the notes."""

_CODE = re.compile(r"[a-z0-9_.-]{1,64}")
_URN = "urn:uuid:"


def imported(document: Document, names: Names) -> ImportedIncident:
    """The incident that the document tells."""
    return _Import(document, names).incident()


class _Import:
    """One import: the document, and what was found in it so far."""

    def __init__(self, document: Document, names: Names) -> None:
        self.eido: EIDO = document.eido
        self.names = names
        self.agency = self.eido.updated_by_agency_reference.ref
        self.data: dict[str, object] = dict(document.unknown)
        self.oddities: list[str] = []
        self.rest = self._rest()
        self.callbacks = {one.id: one for one in self.eido.callback_component}

    def incident(self) -> ImportedIncident:
        """Everything; fields first, because notes and places add to them."""
        fields = dict(self._fields())
        locations = list(self._locations(fields))
        for name, value in mapping(self.rest.get("fields")).items():
            _add(fields, name, value)
        incident = self.eido.incident_component
        statuses = incident.incident_status_common_registry_text if incident else []
        over = {IncidentStatus.CLOSED.value, IncidentStatus.CANCELLED.value}
        return ImportedIncident(
            sender=self.eido.issuing_element_identification,
            incident_uid=self.eido.id,
            updated_at=self.eido.last_update_time_stamp,
            closed=bool(over & set(statuses)),
            fields=fields,
            locations=tuple(locations),
            contacts=tuple(self._contacts()),
            notes=self._notes(),
            services=tuple(self._services()),
            merged=self._merged("REPLACED"),
            merged_into=next(iter(self._merged("REPLACING")), None),
            parent=next(iter(self._linked("PARENT")), None),
            children=self._linked("CHILD"),
            oddities=tuple(self.oddities),
            data=self.data,
        )

    def _part(self, component: Component) -> str:
        """Which part of the incident it is, in documents of systems like this one."""
        beginning = f"{self.eido.id}#"
        return component.id.removeprefix(beginning) if component.id.startswith(beginning) else ""

    def _rest(self) -> JSONObject:
        """What a system like this one could say in no component; other data is kept."""
        found: JSONObject = {}
        for index, one in enumerate(self.eido.additional_data_component):
            if one.url_purpose == REST_PURPOSE and one.additional_data_by_value is not None:
                found = _json_object(one.additional_data_by_value)
            else:
                self._keep(f"/additionalDataComponent/{index}", one)
        return found

    def _keep(self, pointer: str, component: Component) -> None:
        self.data.setdefault(pointer, msgspec.to_builtins(component))

    # fields

    def _fields(self) -> Iterator[tuple[str, object]]:
        incident = self.eido.incident_component
        if incident is not None:
            code = self._type()
            if code is not None:
                yield "type", code
            if incident.incident_common_priority_number is not None:
                yield "priority", incident.incident_common_priority_number
            for disposition in incident.disposition_component[:1]:
                category = disposition.disposition_category_text or ""
                if _CODE.fullmatch(category):
                    yield "disposition", category
        summary = self._summary()
        if summary:
            yield "summary", summary
        numbers = list(self._callback_numbers())
        if numbers:
            yield "callback_numbers", numbers
        yield from self._persons()
        yield from self._vehicles()

    def _type(self) -> str | None:
        """Our code: the sender's where that is ours too, or the common one's if it is clear."""
        incident = self.eido.incident_component
        if incident is None:
            return None
        code = incident.incident_type_internal_code or ""
        if _CODE.fullmatch(code) and (not self.names.types or code in self.names.types):
            return code
        common = incident.incident_type_common_registry_text
        ours = [name for name, one in self.names.types.items() if one.common == common]
        if len(ours) == 1 and common != INCIDENT_TYPE_UNKNOWN:
            return ours[0]
        told = [common, code, incident.incident_type_internal_text or ""]
        self.data["/incidentComponent/type"] = [text for text in told if text]
        return None

    def _summary(self) -> str:
        for note in self.eido.notes_component:
            if self._part(note) == SUMMARY:
                return to_text(note.notes_action_comments)[:SUMMARY_CHARS_MAX]
        return ""

    def _notes(self) -> str:
        """Every note of the sender, in their order; what is said elsewhere already is left out."""
        said = {SUMMARY, FACTS} if self.rest else {SUMMARY}
        texts = [
            to_text(note.notes_action_comments)
            for note in self.eido.notes_component
            if self._part(note) not in said
        ]
        return "\n\n".join(text for text in texts if text)

    def _number(self, reference: Reference | None) -> str | None:
        callback = None if reference is None else self.callbacks.get(reference.ref)
        return None if callback is None else _first_number(callback)

    def _callback_numbers(self) -> Iterator[JSONObject]:
        """Numbers that belong to no call and no person."""
        taken = {call.call_back_reference for call in self.eido.call_component}
        taken |= {person.call_back_reference for person in self.eido.person_component}
        used = {reference.ref for reference in taken if reference is not None}
        for callback in self.eido.callback_component:
            number = _first_number(callback)
            if callback.id not in used and number is not None:
                note = callback.updated_cbn and callback.updated_cbn.updated_cbn_caller_description
                yield {"number": number, "note": note or ""}

    def _persons(self) -> Iterator[tuple[str, object]]:
        for person in self.eido.person_component:
            roles = [
                PERSON_ROLES_HERE[role]
                for role in person.person_incident_role_registry_text
                if role in PERSON_ROLES_HERE
            ]
            value: dict[str, object] = {"role": roles[0] if roles else "witness"}
            told = niem.read(person.nc_person_component, niem.PERSON)
            age = told.pop("age", "")
            if re.fullmatch("[0-9]{1,3}", age) and int(age) <= 150:
                value["age"] = int(age)
            elif age:
                told["description"] = "\n".join(filter(None, (told.get("description"), age)))
            value |= told
            number = self._number(person.call_back_reference)
            if number is not None:
                value["number"] = number
            # The standard wants a person for each call: a caller of whom nothing is known is none.
            if len(value) > 1 or roles != ["caller"]:
                yield f"person:{_uuid(person.id)}", value

    def _vehicles(self) -> Iterator[tuple[str, object]]:
        for vehicle in self.eido.vehicle_component:
            told = niem.read(vehicle.nc_vehicle_component, niem.VEHICLE)
            yield f"vehicle:{_uuid(vehicle.id)}", told

    # contacts and places

    def _contacts(self) -> Iterator[ImportedContact]:
        for call in self.eido.call_component:
            yield ImportedContact(
                call_id=call.id,
                direction="outbound" if call.direction == "outgoing" else "inbound",
                arrived_at=call.call_start_timestamp,
                answered_at=call.answer_date,
                ended=call.call_state_registry_text == CallState.END,
                caller_number=self._number(call.call_back_reference),
                queue=call.queue_identifier or "",
            )

    def _locations(self, fields: dict[str, object]) -> Iterator[ImportedLocation]:
        calls = {
            reference.ref: call.id
            for call in self.eido.call_component
            for reference in call.location_reference
        }
        for index, one in enumerate(self.eido.location_component):
            kind_name = one.location_type_description_registry_text
            kind = LOCATION_KINDS.get(kind_name)
            told, civic, oddities = self._told(one)
            self.oddities += oddities
            if kind_name == LocationType.CURRENT_INCIDENT:
                self._address(fields, one, civic)
            if kind is None or one.location_by_value is None or oddities:
                self._keep(f"/locationComponent/{index}", one)
            if kind is None or one.id.endswith(CURRENT) or self._part(one) == ADDRESS:
                continue
            for number, location in enumerate(told):
                key = one.id if number == 0 else f"{one.id}-{number}"
                yield ImportedLocation(key, LocationKind(kind), location, calls.get(one.id))

    def _told(self, one: Location) -> places.Told:
        if one.location_by_value is None:
            # Fetching what a stranger names is another step, and not one of reading.
            return places.Told([], {}, ["location_by_reference"])
        return places.read_xml(one.location_by_value, one.last_update_time_stamp)

    def _address(self, fields: dict[str, object], one: Location, civic: Mapping[str, str]) -> None:
        codes = [
            text.removeprefix(places.CODE_PREFIX)
            for text in one.local_identifier
            if text.startswith(places.CODE_PREFIX)
        ]
        text = one.location_description_text or ""
        address = places.address_of(civic, text, codes[0] if codes else "")
        if address:
            fields.setdefault("address", address)

    # services, other incidents

    def _services(self) -> Iterator[ImportedService]:
        states = mapping(self.rest.get("involvements"))
        units = {unit.id: unit for unit in self.eido.emergency_resource_component}
        for dispatch in self.eido.dispatch_component:
            if dispatch.agency_reference is None:
                continue
            sent = [
                unit
                for reference in dispatch.emergency_resource_reference
                if (unit := units.get(reference.ref)) is not None
            ]
            state = states.get(dispatch.id)
            yield ImportedService(
                service=dispatch.agency_reference.ref.removesuffix(f".{self.agency}"),
                state=state if isinstance(state, str) else "dispatched" if sent else "sent",
                sent_at=dispatch.last_update_time_stamp,
                key=dispatch.id,
                units=[
                    {
                        "unit_id": unit.id.partition("@")[0],
                        "call_sign": unit.emergency_resource_name or "",
                        "state": _unit_state(unit.secondary_unit_status_registry_text),
                    }
                    for unit in sent
                ],
            )

    def _merged(self, code: str) -> tuple[str, ...]:
        return tuple(
            one.incident_tracking_identifier
            for one in self.eido.merge_component
            if one.incident_merge_direction_code == code
        )

    def _linked(self, code: str) -> tuple[str, ...]:
        return tuple(
            one.incident_tracking_identifier
            for one in self.eido.link_component
            if one.link_direction_code == code
        )


def _add(fields: dict[str, object], name: str, value: object) -> None:
    """Members of an object come beside those that are there; else only where nothing is."""
    there = fields.get(name)
    if isinstance(there, Mapping) and isinstance(value, Mapping):
        fields[name] = {**value, **there}
    elif there is None and says(value):
        fields[name] = value


def _first_number(callback: Callback) -> str | None:
    numbers = (from_uri(uri) for uri in callback.call_back_information_uri)
    return next((number for number in numbers if number is not None), None)


def _unit_state(statuses: list[str]) -> str:
    return next(
        (ours for ours, theirs in UNIT_STATUSES.items() if theirs.value in statuses), "assigned"
    )


def _uuid(identifier: str) -> str:
    """The UUID in an identifier, or the one that always stands for it (RFC 9562 §5.5)."""
    try:
        return str(uuid.UUID(identifier.removeprefix(_URN)))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, identifier))


def _json_object(text: str) -> JSONObject:
    try:
        return mapping(json.loads(text))
    except (ValueError, RecursionError):
        return {}
