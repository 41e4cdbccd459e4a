"""What of a card each reader sees: one table of what is kept from whom, and why.

A card is shown whole to the centre, which writes it and answers for it. Everybody else sees what
the own task needs (GDPR art. 5(1)(c), data minimisation). One thing is never kept from a service:
the number that called (Electronic Communications Law art. 102(8)), also where it is hidden.

Whatever the table does not name is shown. The timeline is the other way round, because every part
of the product adds entries to it: services see the kinds of entries that `TOLD_TO_SERVICES` names.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from ccserver.accounts import Account, Role
from ccserver.types import ServiceCode
from ccserver.web.ports import JSONObject

Card = dict[str, object]

MEDICAL_SERVICES = frozenset({ServiceCode("nmpd")})
"""Those who treat people; the setting ``web.medical_services``."""

TOLD_TO_SERVICES = frozenset(
    {
        *("contact_arrived", "redialled", "connected", "abandoned", "cut_off", "ended"),
        *("language_chosen", "cannot_speak", "silence_noted", "speech_heard"),
        *("outbound_dialled", "outbound_answered", "outbound_failed"),
        *("notes_saved", "field_saved", "field_undone"),
        *("location_added", "location_pinned", "attachment_added", "attachment_removed"),
        *("text_received", "text_sent", "text_rode_along", "text_failed"),
        *("merged", "merge_undone", "split", "split_undone"),
        *("linked", "unlinked", "link_undone", "eido_received"),
        *("emergency_data", "msd_received", "msd_unreadable", "location_unreachable"),
    }
)
"""What happened to the incident and its callers; not how the centre shared out the work."""
TOLD_OF_SERVICES = ("service_", "unit_")
"""Beginnings of what services report; they see of one another how far each is."""

FIELD_TAGS = frozenset({"field_saved", "field_undone"})


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whose eyes: exactly one of centre, service, quality; and whether it treats people."""

    centre: bool = False
    service: str | None = None
    quality: bool = False
    medical: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """``hide`` changes a copy of the card for those who are not shown ``what``."""

    what: str
    shown_to: Callable[[Viewer], bool]
    hide: Callable[[Card, Viewer], None]
    why: str


def viewer_of(account: Account, medical_services: Collection[str] = MEDICAL_SERVICES) -> Viewer:
    """How the person or key looks at cards."""
    if account.role is Role.QUALITY_OFFICER:
        return Viewer(quality=True, medical=True)
    if account.service is not None or account.role is Role.SERVICE_DISPATCHER:
        return Viewer(service=account.service, medical=account.service in medical_services)
    return Viewer(centre=True, medical=True)


def visible_card(card: JSONObject, viewer: Viewer) -> JSONObject:
    """The card as the viewer may see it; the given one is not changed."""
    if viewer.centre:
        return card
    shown = cast("Card", _copy(card))
    for rule in RULES:
        if not rule.shown_to(viewer):
            rule.hide(shown, viewer)
    return shown


def visible_field(name: str, field: JSONObject, viewer: Viewer) -> JSONObject:
    """One field with its ``value``, now or in its history, as the viewer may see it."""
    ((_, shown),) = _fields(visible_card({"fields": {name: field}}, viewer))
    return shown


def visible_conversation(conversation: JSONObject, viewer: Viewer) -> JSONObject:
    """What was written with a citizen: the words are shown as notes are, employees are not."""
    if _centre_or_quality(viewer):
        return conversation
    shown = cast("Card", _copy(conversation))
    _blank(shown, "agent_id", "agent_name", "via")
    for message in _objects(shown, "messages"):
        _blank(message, "author", "author_name")
    return shown


# -- how each part is hidden -------------------------------------------------------------------


def _hide_recordings(card: Card, _: Viewer) -> None:
    for contact in _objects(card, "contacts"):
        contact["recordings"] = []
    if "recording_count" in card:
        card["recording_count"] = 0


def _hide_employees(card: Card, _viewer: Viewer) -> None:
    for part in (card, *_objects(card, "contacts"), *_objects(card, "timeline")):
        _blank(part, "agent_id", "agent_name")
    for whole in (card, *_objects(card, "merged")):
        lists = ("timeline", "locations", "attachments")
        parts = [one for name in lists for one in _objects(whole, name)]
        for part in (whole, *parts, *_parts(whole, "notes")):
            _blank(part, "author")
    for _name, field in _fields(card):
        _blank(field, "author")
    for involvement in _objects(card, "services"):
        _blank(involvement, "sent_by")
    if "presence" in card:
        card["presence"] = []


def _hide_work_of_the_centre(card: Card, _: Viewer) -> None:
    if "timeline" in card:
        card["timeline"] = [
            entry for entry in _objects(card, "timeline") if _is_told(str(entry.get("tag")))
        ]


def _is_told(tag: str) -> bool:
    return tag in TOLD_TO_SERVICES or tag.startswith(TOLD_OF_SERVICES)


def _hide_words_of_other_services(card: Card, viewer: Viewer) -> None:
    for involvement in _objects(card, "services"):
        if involvement.get("service") == viewer.service:
            continue
        _blank(involvement, "note")
        for steps in (involvement, *_objects(involvement, "units")):
            for step in _objects(steps, "steps"):
                _blank(step, "note", "reason", "author", "key")
    for entry in _objects(card, "timeline"):
        told = str(entry.get("tag")).startswith(TOLD_OF_SERVICES)
        for data in _parts(entry, "data") if told else ():
            if data.get("service") != viewer.service:
                _blank(data, "note", "reason")


def _hide_condition(card: Card, _: Viewer) -> None:
    for name, field in _fields(card):
        value = field.get("value")
        if name.startswith("person:") and isinstance(value, dict):
            _blank(value, "condition")


def _hide_door_code(card: Card, _: Viewer) -> None:
    for name, field in _fields(card):
        value = field.get("value")
        if name == "address" and isinstance(value, dict):
            _blank(value, "door_code")


def _hide_former_values(card: Card, _: Viewer) -> None:
    for entry in _objects(card, "timeline"):
        data = entry.get("data")
        if entry.get("tag") in FIELD_TAGS and isinstance(data, dict):
            entry["data"] = {name: data[name] for name in ("field", "version") if name in data}


def _centre(viewer: Viewer) -> bool:
    return viewer.centre


def _centre_or_quality(viewer: Viewer) -> bool:
    return viewer.centre or viewer.quality


RULES: Sequence[Rule] = (
    Rule(
        "recordings, and that there are any",
        _centre_or_quality,
        _hide_recordings,
        "A voice is heard to check how a call was handled; a service acts by what the card says.",
    ),
    Rule(
        "who in the centre handled, wrote, or has the card open",
        _centre_or_quality,
        _hide_employees,
        "A service deals with the centre, not with one of its employees.",
    ),
    Rule(
        "offers, queues, consultations, monitoring, call-backs in the timeline",
        _centre_or_quality,
        _hide_work_of_the_centre,
        "How the centre shares out its work says nothing of the incident.",
    ),
    Rule(
        "notes, reasons and names in what other services report",
        _centre_or_quality,
        _hide_words_of_other_services,
        "Words between a service and the centre; how far each service is all must know.",
    ),
    Rule(
        "a person's condition",
        lambda viewer: viewer.medical,
        _hide_condition,
        "Data concerning health (GDPR art. 9) are for those who treat and those who take the call.",
    ),
    Rule(
        "the code of a door",
        lambda viewer: not viewer.quality,
        _hide_door_code,
        "Opens somebody's home. Who goes there needs it, who reads about it later does not.",
    ),
    Rule(
        "values of fields in the timeline",
        _centre,
        _hide_former_values,
        "They would show by the way what the rules above keep back.",
    ),
)


# -- walking through JSON ------------------------------------------------------------------------


def _copy(value: object) -> object:
    match value:
        case Mapping():
            return {name: _copy(part) for name, part in value.items()}
        case list() | tuple():
            return [_copy(part) for part in value]
        case _:
            return value


def _objects(part: JSONObject, name: str) -> list[Card]:
    found = part.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _parts(card: JSONObject, *names: str) -> list[Card]:
    return [part for name in names if isinstance(part := card.get(name), dict)]


def _fields(card: JSONObject) -> list[tuple[str, Card]]:
    """Name and field, of the card and of those that were merged into it."""
    return [
        (str(name), field)
        for whole in (card, *_objects(card, "merged"))
        for fields in _parts(whole, "fields")
        for name, field in fields.items()
        if isinstance(field, dict)
    ]


def _blank(part: Card, *names: str) -> None:
    for name in names:
        if name in part:
            part[name] = None
