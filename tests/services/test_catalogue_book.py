"""Proves what the services ask of the catalogue: terms by code, and the reasons there are."""

from ccserver.catalogue import CatalogueStore, CurrentCatalogue, Prepared
from ccserver.catalogue.document import Catalogue, Coded, Service
from ccserver.db import Database
from ccserver.services import Terms
from ccserver.services_on_cards import CatalogueBook
from ccserver.types import ServiceCode
from tests.services.conftest import AMBULANCE, FIRE


def test_terms_and_reasons_are_those_of_the_version_in_force(database: Database) -> None:
    current = CurrentCatalogue(CatalogueStore(database), lambda _: None)
    book = CatalogueBook(current)
    assert book.terms(FIRE) is not None, "the catalogue that ships with ccserver has it"
    assert "no_units" in book.refusal_reasons()
    current.prepared = Prepared.of(
        Catalogue(
            services=(
                Service(code=FIRE, kind="fire", seen_timeout_s=12.0),
                Service(code=AMBULANCE, kind="ambulance", active=False),
            ),
            refusal_reasons=(Coded(code="full"),),
            delay_reasons=(Coded(code="snow"),),
        )
    )
    assert book.terms(FIRE) == Terms(12.0)
    assert book.terms(AMBULANCE) is None
    assert book.terms(ServiceCode("navy")) is None
    assert list(book.refusal_reasons()) == ["full"]
    assert list(book.delay_reasons()) == ["snow"]
