"""Reading a card's JSON, whatever a part of it may lack."""

from collections.abc import Mapping
from datetime import datetime

from ccserver.exchange.values import JSONObject

SERVICE_DONE = frozenset({"refused", "cleared", "closed", "withdrawn"})
"""States of an involvement in which nobody of the service is at the scene or coming."""


def mapping(value: object) -> JSONObject:
    """The object; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> list[JSONObject]:
    """The objects of a list; none for anything else."""
    if not isinstance(value, list | tuple):
        return []
    return [one for one in value if isinstance(one, Mapping)]


def time(value: object) -> datetime:
    """A time of the API; raises `ValueError` for anything else."""
    return datetime.fromisoformat(str(value))


def time_or_none(value: object) -> datetime | None:
    """A time of the API, where there is one."""
    return time(value) if isinstance(value, str) else None


def saved_fields(card: JSONObject) -> dict[str, JSONObject]:
    """The fields that say something, each with its value, its time and its author."""
    fields = mapping(card.get("fields"))
    found = {name: mapping(field) for name, field in fields.items()}
    return {name: field for name, field in found.items() if says(field.get("value"))}


def is_over(card: JSONObject) -> bool:
    """Whether the incident itself is over, as far as anybody has said so.

    A card is closed as soon as nobody talks any more; the house may burn on. It is over when the
    card has a disposition, when every service that was involved is done, or when it has become a
    part of another.
    """
    if mapping(card.get("merged_into")):
        return True
    involved = mappings(card.get("services"))
    if card["status"] != "closed" or any(one.get("state") not in SERVICE_DONE for one in involved):
        return False
    return bool(involved) or says(saved_fields(card).get("disposition", {}).get("value"))


def says(value: object) -> bool:
    """Whether a value tells anything; nought does."""
    if isinstance(value, Mapping):
        return any(says(member) for member in value.values())
    return value is not None and value not in ("", [])
