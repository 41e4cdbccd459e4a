"""The door to each card: who is inside passes, everybody else says why, and that is written down.

`CardGate.card` is for reading the card itself: a reason is asked for each time, and written to the
audit before anything is shown. `CardGate.admit` stands before everything else of a card (its
fields, notes, attachments): whoever has been let in by the same session a short while ago passes.
"""

from collections import OrderedDict
from collections.abc import Collection
from typing import Protocol
from urllib.parse import unquote_to_bytes

import structlog
from aiohttp import web

from ccserver.audit import AuditEntry, AuditTag
from ccserver.types import IncidentId
from ccserver.web.access import Principal, signed_in
from ccserver.web.errors import APIError, bad_request, check_text, not_found
from ccserver.web.ports import CardsPort, Clock, JSONObject
from ccserver.web.reading import CardFacts, Standing, standing
from ccserver.web.visibility import MEDICAL_SERVICES, viewer_of, visible_card, visible_field

REASON_HEADER = "X-Reason"
"""Percent-encoded UTF-8 (RFC 3986 §2.1), because a header holds ASCII alone."""

REASON_CHARS_MAX = 200
"""A sentence."""

INSIDE_S = 60.0
"""So long somebody inside passes without the card being read anew: notes are saved every second."""

REASON_S = 1_800.0
"""So long a reason holds for the rest of the card, as a listen does for a recording's ranges."""

GRANTS_MAX = 4_096
"""Remembered, far more than cards that are worked on; whoever falls out is looked at anew."""

log = structlog.get_logger()


class ReadsPort(Protocol):
    """Where reads are written down; `ccserver.audit.AuditStore` fits."""

    async def record(self, entry: AuditEntry) -> None:
        """Durable when it returns."""


class CardGate:
    """Lets people into cards."""

    def __init__(
        self,
        cards: CardsPort,
        audit: ReadsPort,
        clock: Clock,
        medical_services: Collection[str] = MEDICAL_SERVICES,
    ) -> None:
        self._cards = cards
        self._audit = audit
        self._clock = clock
        self._medical_services = frozenset(medical_services)
        self._grants: OrderedDict[tuple[str, IncidentId], float] = OrderedDict()

    async def card(self, request: web.Request, incident_id: IncidentId) -> JSONObject:
        """The card as this reader may see it; raises `APIError` 403 or 404."""
        principal = signed_in(request)
        card = await self._let_in(principal, incident_id, reason_of(request))
        return visible_card(card, viewer_of(principal.account, self._medical_services))

    def field(self, request: web.Request, name: str, field: JSONObject) -> JSONObject:
        """One field of a card, or one save of it, as this reader may see it."""
        viewer = viewer_of(signed_in(request).account, self._medical_services)
        return visible_field(name, field, viewer)

    async def admit(self, request: web.Request, incident_id: IncidentId) -> None:
        """Pass whoever may use what belongs to the card; raises `APIError` 403 or 404."""
        principal = signed_in(request)
        until = self._grants.get((principal.session, incident_id))
        if until is None or self._clock.monotonic() >= until:
            await self._let_in(principal, incident_id, reason_of(request))

    async def _let_in(
        self, principal: Principal, incident_id: IncidentId, reason: str | None
    ) -> JSONObject:
        card = await self._cards.card(incident_id)
        how = Standing.STRANGER
        if card is not None:
            how = standing(principal.account, CardFacts.of(card), self._clock.now())
        if card is None or how is Standing.STRANGER:
            raise not_found("There is no such card.")
        if how is Standing.OUTSIDE and reason is None:
            log.info("card_reason_asked", incident_id=incident_id)
            raise APIError(
                403,
                "reason_needed",
                "You do not work on this card. Please say why you read it; it is written down.",
            )
        if reason is not None:
            number = card.get("number")
            await self._audit.record(
                AuditEntry(
                    AuditTag.CARD_READ,
                    self._clock.now(),
                    principal.account.login,
                    agent_id=principal.account.agent_id,
                    comment=reason,
                    data={"incident_id": incident_id, "number": str(number) if number else None},
                )
            )
        self._remember(principal, incident_id, INSIDE_S if how is Standing.INSIDE else REASON_S)
        return card

    def _remember(self, principal: Principal, incident_id: IncidentId, for_s: float) -> None:
        key = (principal.session, incident_id)
        self._grants[key] = self._clock.monotonic() + for_s
        self._grants.move_to_end(key)
        while len(self._grants) > GRANTS_MAX:
            self._grants.popitem(last=False)


GATE = web.AppKey("gate", CardGate)
"""The application's, for handlers of what belongs to a card and does not have it in the path."""


def reason_of(request: web.Request) -> str | None:
    """Why somebody reads a card, if the request says so; raises `APIError` 400."""
    raw = request.headers.get(REASON_HEADER)
    if raw is None:
        return None
    try:
        reason = unquote_to_bytes(raw).decode().strip()
    except UnicodeError:
        raise bad_request(f"The header {REASON_HEADER} is percent-encoded UTF-8.") from None
    if not 1 <= len(reason) <= REASON_CHARS_MAX:
        raise bad_request(f"A reason has 1 to {REASON_CHARS_MAX} characters.")
    return check_text(reason, REASON_HEADER)
