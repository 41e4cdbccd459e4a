"""What every route takes and gives, by subject."""

from ccserver.web.describe import Operations
from ccserver.web.shapes import (
    addresses,
    aml,
    callbacks,
    cards,
    catalogue,
    contacts,
    conversations,
    emergency_data,
    events,
    exchange,
    messaging,
    people,
    places,
    relations,
    routing,
    server,
    services,
)

OPERATIONS: Operations = {
    **server.OPERATIONS,
    **people.OPERATIONS,
    **contacts.OPERATIONS,
    **conversations.OPERATIONS,
    **cards.OPERATIONS,
    **places.OPERATIONS,
    **relations.OPERATIONS,
    **callbacks.OPERATIONS,
    **services.OPERATIONS,
    **exchange.OPERATIONS,
    **routing.OPERATIONS,
    **catalogue.OPERATIONS,
    **messaging.OPERATIONS,
    **addresses.OPERATIONS,
    **aml.OPERATIONS,
    **emergency_data.OPERATIONS,
    **events.OPERATIONS,
}
"""All of them. A test holds them against the routes of the server."""
