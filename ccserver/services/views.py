"""Involvements and units in JSON, as the API's reference describes them."""

from datetime import UTC, datetime

from ccserver.services.states import EIDO_UNIT, UnitPosition, UnitState, allowed
from ccserver.services.store import Listed
from ccserver.services.values import AssignedUnit, Incident, Involvement, Step, Unit, UnitStep

JSONObject = dict[str, object]


def as_json(involvement: Involvement) -> JSONObject:
    """The involvement with everything that was told of it."""
    return {
        "involvement_id": involvement.involvement_id,
        "incident_id": involvement.incident_id,
        "service": involvement.service,
        "state": involvement.state.value,
        "sent_at": iso(involvement.sent_at),
        "sent_by": involvement.sent_by,
        "note": involvement.note,
        "seen_at": iso(involvement.seen_at),
        "due_at": iso(involvement.due_at),
        "overdue": involvement.overdue,
        "alarms": involvement.alarms,
        "revision": involvement.revision,
        "allowed": [state.value for state in allowed(involvement.state)],
        "steps": [_step(step) for step in involvement.steps],
        "units": [_assigned(unit) for unit in involvement.units],
    }


def line_json(listed: Listed) -> JSONObject:
    """One line of a desk's list: the involvement, and its incident at a glance."""
    incident = listed.incident
    return {
        "involvement": as_json(listed.involvement),
        "incident": None if incident is None else incident_json(incident),
    }


def incident_json(incident: Incident) -> JSONObject:
    """The incident at a glance."""
    return {
        "incident_id": incident.incident_id,
        "number": incident.number,
        "opened_at": iso(incident.opened_at),
        "type": incident.type_code,
        "priority": incident.priority,
        "address": incident.address,
        "lat": incident.latitude,
        "lon": incident.longitude,
        # Shown to the services even if hidden: Electronic Communications Law art. 102(8).
        "caller_number": incident.caller_number,
    }


def unit_json(unit: Unit) -> JSONObject:
    """A unit with the incidents that bind it."""
    return {
        "unit_id": unit.unit_id,
        "service": unit.service,
        "call_sign": unit.call_sign,
        "kind": unit.kind,
        "capacity": unit.capacity,
        "active": unit.active,
        "involved_in": [
            {
                "involvement_id": one.involvement_id,
                "incident_id": one.incident_id,
                **_position(one.position),
            }
            for one in unit.involved_in
        ],
    }


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds, as everywhere in the API."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _assigned(unit: AssignedUnit) -> JSONObject:
    return {
        "unit_id": unit.unit_id,
        "call_sign": unit.call_sign,
        "kind": unit.kind,
        **_position(unit.position),
        "steps": [_told(step) | {"state": step.state.value} for step in unit.steps],
    }


def _position(position: UnitPosition) -> JSONObject:
    # A unit that is late is told as such to whoever reads EIDO, wherever it stands.
    primary, secondary = EIDO_UNIT[UnitState.DELAYED if position.delayed else position.state]
    return {
        "state": position.state.value,
        "since": iso(position.since),
        "delayed": position.delayed,
        "eido": {"primary": primary, "secondary": secondary},
    }


def _step(step: Step) -> JSONObject:
    return _told(step) | {"state": step.state, "out_of_order": step.out_of_order}


def _told(step: Step | UnitStep) -> JSONObject:
    return {
        "at": iso(step.at),
        "happened_at": iso(step.happened_at),
        "key": step.key,
        "author": step.author,
        "source": step.source.value,
        "reason": step.reason,
        "note": step.note,
    }
