"""The command line of the catalogue."""

from ccserver.catalogue.document import CATALOGUE
from ccserver.catalogue.store import CatalogueStore
from ccserver.documents.commands import DocumentCommands

COMMANDS = DocumentCommands(
    CATALOGUE, CatalogueStore, help="incident types, questions, services, areas"
)
