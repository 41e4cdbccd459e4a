"""The catalogue's words reach others in one language, with codes that others know."""

from ccserver.exchange.names import names_of
from ccserver.exchange.values import ServiceName, TypeName

CATALOGUE = {
    "types": [
        {"code": "fire", "titles": {"lv": "Ugunsgrēks", "en": "Fire"}, "eido": "FUNK"},
        {"code": "theft", "titles": {"en": "Theft"}, "eido": "Theft"},
        {"code": "other", "titles": {}},
    ],
    "services": [
        {"code": "nmpd", "titles": {"lv": "NMPD"}, "kind": "ambulance"},
        {"code": "club", "titles": {"lv": "Klubs"}, "kind": "other"},
    ],
}


def test_words_and_codes() -> None:
    names = names_of(CATALOGUE)
    assert names.types == {
        "fire": TypeName("Ugunsgrēks", "FUNK"),
        # A name is no code of the registry.
        "theft": TypeName("Theft", ""),
        "other": TypeName("other", ""),
    }
    assert names.services == {
        "nmpd": ServiceName("NMPD", "ems"),
        "club": ServiceName("Klubs", ""),
    }


def test_an_empty_catalogue_has_no_words() -> None:
    assert names_of({}).types == {}
