"""The catalogue: incident types, guided questions, services, areas; one versioned document."""

from ccserver.catalogue.checks import check
from ccserver.catalogue.current import CurrentCatalogue
from ccserver.catalogue.decide import (
    Answers,
    AskedQuestion,
    Guidance,
    Proposal,
    Why,
    guided,
    proposed_services,
)
from ccserver.catalogue.default import default_catalogue
from ccserver.catalogue.document import CATALOGUE, Catalogue
from ccserver.catalogue.prepared import Prepared
from ccserver.catalogue.store import CatalogueStore

__all__ = [
    "CATALOGUE",
    "Answers",
    "AskedQuestion",
    "Catalogue",
    "CatalogueStore",
    "CurrentCatalogue",
    "Guidance",
    "Prepared",
    "Proposal",
    "Why",
    "check",
    "default_catalogue",
    "guided",
    "proposed_services",
]
