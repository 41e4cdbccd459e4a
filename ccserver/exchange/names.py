"""The catalogue's words for other systems, from its JSON."""

import re

from ccserver.exchange.card_json import mapping, mappings
from ccserver.exchange.values import JSONObject, Names, ServiceName, TypeName

AGENCY_TYPES = {
    "fire": "fire",
    "ambulance": "ems",
    "police": "police",
    "municipal_police": "police.municipal",
    "gas": "gas",
}
"""Of a service's kind to IANA's urn:emergency:service:responder."""

_COMMON = re.compile("[A-Z0-9]{2,12}")
"""A code of EIDO-IncidentType-Common; a name like "Fire" is none, and no system would know it."""


def names_of(catalogue: JSONObject, language: str = "lv") -> Names:
    """What the catalogue says to others, in one of its languages."""
    return Names(
        types={
            str(one["code"]): TypeName(_title(one, language), _common(one))
            for one in mappings(catalogue.get("types"))
        },
        services={
            str(one["code"]): ServiceName(
                _title(one, language), AGENCY_TYPES.get(str(one.get("kind")), "")
            )
            for one in mappings(catalogue.get("services"))
        },
    )


def _common(one: JSONObject) -> str:
    code = str(one.get("eido") or "")
    return code if _COMMON.fullmatch(code) else ""


def _title(one: JSONObject, language: str) -> str:
    titles = mapping(one.get("titles"))
    return str(titles.get(language) or titles.get("en") or one["code"])
