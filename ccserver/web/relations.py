"""Which cards belong together: merging, splitting, linking, and what is shown beside a card."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Protocol

import msgspec
from aiohttp import web

from ccserver.card import (
    CardMerged,
    Joined,
    LastContact,
    LinkRefused,
    NotOnCard,
    Related,
    SameCard,
    UnknownIncident,
    as_json,
    head_json,
)
from ccserver.types import ContactId, IncidentId
from ccserver.web.access import EDIT_CARDS, Route, signed_in
from ccserver.web.cards import incident_of
from ccserver.web.errors import APIError, check_text, json_response, not_found, read_body
from ccserver.web.gate import GATE
from ccserver.web.ports import Clock

ID_LENGTH_MAX = 64
CONTACTS_MAX = 1_000
"""Of one split; nobody chooses more by hand."""

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_LENGTH_MAX)]


class RelationsPort(Protocol):
    """What `ccserver.card.CardStore` does with several cards; durable when it returns."""

    async def merge(
        self, source_id: IncidentId, target_id: IncidentId, *, author: str, at: datetime
    ) -> Joined:
        """Make one card a part of another."""

    async def split(
        self,
        incident_id: IncidentId,
        contact_ids: Collection[ContactId],
        *,
        author: str,
        at: datetime,
    ) -> Joined:
        """Give contacts a card of their own."""

    async def set_parent(
        self, incident_id: IncidentId, parent_id: IncidentId | None, *, author: str, at: datetime
    ) -> Joined:
        """Link a card to the larger incident that it belongs to."""

    async def related(self, incident_id: IncidentId) -> Related | None:
        """What is shown beside a card."""


class Merging(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/cards/{incident_id}/merge``."""

    into: Id


class Splitting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /api/cards/{incident_id}/split``."""

    contact_ids: Annotated[list[Id], msgspec.Meta(min_length=1, max_length=CONTACTS_MAX)]


class Linking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``PUT /api/cards/{incident_id}/parent``."""

    parent_id: Id | None


class RelationsAPI:
    """Handlers of merging, splitting, linking, and of what is shown beside a card."""

    def __init__(self, cards: RelationsPort, clock: Clock) -> None:
        self._cards = cards
        self._clock = clock

    def routes(self) -> tuple[Route, ...]:
        """Every address with its access."""
        card = "/api/cards/{incident_id}"
        return (
            Route("POST", f"{card}/merge", self.merge, EDIT_CARDS),
            Route("POST", f"{card}/split", self.split, EDIT_CARDS),
            Route("PUT", f"{card}/parent", self.link, EDIT_CARDS),
            Route("GET", f"{card}/related", self.related, EDIT_CARDS),
        )

    async def merge(self, request: web.Request) -> web.Response:
        """``POST …/merge``: the card becomes a part of another; the answer says which it is now."""
        incident_id = incident_of(request)
        into = IncidentId(check_text((await read_body(request, Merging)).into, "into"))
        await request.app[GATE].admit(request, into)
        login = signed_in(request).account.login
        try:
            joined = await self._cards.merge(incident_id, into, author=login, at=self._clock.now())
        except Exception as error:
            raise told(error) from None
        return json_response(head_json(joined.head))

    async def split(self, request: web.Request) -> web.Response:
        """``POST …/split``: contacts get a card of their own; the answer says which."""
        incident_id = incident_of(request)
        body = await read_body(request, Splitting)
        contacts = [ContactId(check_text(each, "contact_ids")) for each in body.contact_ids]
        login = signed_in(request).account.login
        try:
            joined = await self._cards.split(
                incident_id, contacts, author=login, at=self._clock.now()
            )
        except Exception as error:
            raise told(error) from None
        return json_response(head_json(joined.head))

    async def link(self, request: web.Request) -> web.Response:
        """``PUT …/parent``: the larger incident that the card belongs to, or none."""
        incident_id = incident_of(request)
        body = await read_body(request, Linking)
        parent = None
        if body.parent_id is not None:
            parent = IncidentId(check_text(body.parent_id, "parent_id"))
            await request.app[GATE].admit(request, parent)
        login = signed_in(request).account.login
        try:
            await self._cards.set_parent(incident_id, parent, author=login, at=self._clock.now())
        except Exception as error:
            raise told(error) from None
        return json_response({"parent_id": parent})

    async def related(self, request: web.Request) -> web.Response:
        """``GET …/related``: perhaps the same incident, earlier ones of the caller and place."""
        incident_id = incident_of(request)
        found = await self._cards.related(incident_id)
        if found is None:
            raise not_found("There is no such card.")
        return json_response(related_json(found))


def related_json(related: Related) -> dict[str, object]:
    """Return what is shown beside a card in the API's shape."""
    return {
        "proposals": [
            {
                "card": as_json(proposal.card),
                "distance_m": proposal.like.distance_m,
                "minutes": proposal.like.minutes,
                "same_type": proposal.like.same_type,
                "same_number": proposal.like.same_number,
            }
            for proposal in related.proposals
        ],
        "same_number": [as_json(card) for card in related.same_number],
        "same_place": [as_json(card) for card in related.same_place],
    }


REFUSALS: Mapping[type[Exception], tuple[int, str, str]] = {
    UnknownIncident: (404, "not_found", "There is no such card."),
    SameCard: (409, "same_card", "A card cannot be merged into itself."),
    NotOnCard: (409, "not_on_card", "Not all of these contacts are on this card any more."),
    LastContact: (409, "last_contact", "A card keeps at least one contact."),
}
"""What there is nothing more to say of."""

LINK_REFUSALS = {
    "loop": "A card cannot belong to itself, or to one that belongs to it.",
    "too_deep": "A card that belongs to another cannot have cards that belong to it.",
}


def told(error: Exception) -> Exception:
    """What the client is told; an error that is none of these goes on as it is."""
    refusal = REFUSALS.get(type(error))
    if refusal is not None:
        return APIError(*refusal)
    match error:
        case CardMerged(into=into):
            return APIError(
                409,
                "already_merged",
                f"One of the cards is a part of card {into.number} by now.",
                extra={"into": head_json(into)},
            )
        case LinkRefused(code=code):
            return APIError(409, code, LINK_REFUSALS[code])
        case _:
            return error
