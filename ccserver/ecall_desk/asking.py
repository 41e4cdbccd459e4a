"""Asks a car for a new MSD, through the SIP edge, and knows what became of it (RFC 8147 §9.2)."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from ccserver.calldata.spool import Via
from ccserver.calldata.vehicle import Request, RequestState
from ccserver.card import TimelineTag
from ccserver.chronicle import Chronicle
from ccserver.config import CallDataSettings
from ccserver.ecall import control
from ccserver.ecall_desk.known import Known
from ccserver.ecall_desk.story import Read
from ccserver.metrics import Metrics
from ccserver.sipedge.client import (
    DialogNotConfirmed,
    EdgeControl,
    EdgeRefused,
    EdgeUnreachable,
    NoSuchDialog,
)
from ccserver.types import AgentId
from ccserver.web.emergency_data import CannotAsk
from ccserver.web.ports import Clock

log = structlog.get_logger(__name__)

PACKAGE: Final = "EmergencyCallData.eCall.MSD"
EDGE_TIMEOUT_S: Final = 2.0
"""The edge is on this machine, and never waits for the car."""

TRIES: Final = 20
TRY_PAUSE_S: Final = 0.5
"""When an MSD that cannot be read is noticed, its call may not be confirmed yet."""

OPEN: Final = frozenset({RequestState.ASKED, RequestState.NO_ANSWER, RequestState.FAILED})
"""What a new MSD is an answer to, however late it comes; an edge that did not answer us in time may
have asked the car all the same."""

UNREADABLE: Final = "unreadable"


class Asker:
    """The requests of all live contacts. ``changed`` shows a contact's car anew."""

    def __init__(
        self,
        edge: EdgeControl | None,
        chronicle: Chronicle,
        *,
        settings: CallDataSettings,
        metrics: Metrics,
        clock: Clock,
        changed: Callable[[Known], None],
    ) -> None:
        self._edge = edge
        self._chronicle = chronicle
        self._timeout_s = settings.msd_timeout_s
        self._by_itself = settings.ask_again
        self._metrics = metrics
        self._clock = clock
        self._changed = changed
        self._due: dict[str, tuple[float, Known]] = {}

    def can_ask(self, known: Known) -> bool:
        """Whether there is a dialog by which the car can be asked."""
        return self._edge is not None and known.call_id is not None

    async def ask(
        self, known: Known, *, agent_id: AgentId | None = None, by_itself: bool = False
    ) -> Request:
        """Ask for a new MSD. Raises `CannotAsk` and `EdgeUnreachable`."""
        edge, call_id = self._edge, known.call_id
        asked = known.request is not None and known.request.state is RequestState.ASKED
        if edge is None or call_id is None or asked:
            raise CannotAsk
        request = Request(RequestState.ASKED, self._clock.now())
        self._become(known, request)
        try:
            await self._send(edge, call_id, tries=TRIES if by_itself else 1)
        except (EdgeUnreachable, EdgeRefused) as error:
            log.warning("msd_request_failed", contact_id=known.contact_id, reason=str(error))
            self._failed(known, agent_id, "edge_unreachable")
            raise EdgeUnreachable(str(error)) from None
        except (NoSuchDialog, DialogNotConfirmed) as error:
            reason = "no_dialog" if isinstance(error, NoSuchDialog) else "not_confirmed"
            self._failed(known, agent_id, reason)
            raise CannotAsk from None
        except asyncio.CancelledError:
            known.request = None
            raise
        self._chronicle.write_now(
            known.contact_id, TimelineTag.MSD_REQUESTED, "msd-asked", agent_id, by_itself=by_itself
        )
        # It may have been answered before the edge has told us that it was sent.
        if known.request is request and not known.over:
            self._due[known.contact_id] = (self._clock.monotonic() + self._timeout_s, known)
        log.info("msd_asked", contact_id=known.contact_id, by_itself=by_itself)
        return request

    async def ask_by_itself(self, known: Known) -> None:
        """Ask because what came cannot be read; once for each contact."""
        try:
            await self.ask(known, by_itself=True)
        except (CannotAsk, EdgeUnreachable) as error:
            log.warning("msd_not_asked", contact_id=known.contact_id, reason=type(error).__name__)

    def wants_another(self, known: Known, read: Read) -> bool:
        """Whether the car believes that we have its data, and we cannot read them."""
        if not self._by_itself or known.asked_by_itself or not self.can_ask(known):
            return False
        wrong = read.kept.ack == "received" and read.unreadable > 0 and not read.msds
        known.asked_by_itself = wrong
        return wrong

    def heard(self, known: Known, read: Read) -> None:
        """A message of the car: perhaps the answer."""
        request = known.request
        if request is None or read.kept.via is Via.INVITE:
            return
        # A refusal may be a late one of an earlier request; data are an answer all the same.
        if request.state not in OPEN and not (request.state is RequestState.REFUSED and read.msds):
            return
        if read.msds:
            self._become(known, Request(RequestState.RECEIVED, request.at))
        elif read.unreadable:
            self._become(known, Request(RequestState.RECEIVED, request.at, UNREADABLE))
        elif read.refusal is not None:
            self._become(known, Request(RequestState.REFUSED, request.at, read.refusal))

    def expire(self) -> None:
        """Give up on cars that have not answered in time."""
        now = self._clock.monotonic()
        for contact_id, (due, known) in list(self._due.items()):
            if now < due:
                continue
            del self._due[contact_id]
            if known.request is not None and known.request.state is RequestState.ASKED:
                self._become(known, Request(RequestState.NO_ANSWER, known.request.at))
                self._tell_failed(known, None, "no_answer")

    def forget(self, known: Known) -> None:
        """The contact is over."""
        known.over = True
        self._due.pop(known.contact_id, None)

    async def _send(self, edge: EdgeControl, call_id: str, *, tries: int) -> None:
        for left in reversed(range(tries)):
            try:
                async with asyncio.timeout(EDGE_TIMEOUT_S):
                    await edge.send_info(
                        call_id,
                        package=PACKAGE,
                        content_type=control.CONTENT_TYPE,
                        body=control.request_xml(),
                    )
            except TimeoutError:
                raise EdgeUnreachable("no answer in time") from None
            except DialogNotConfirmed:
                if not left:
                    raise
                await asyncio.sleep(TRY_PAUSE_S)
            else:
                return

    def _failed(self, known: Known, agent_id: AgentId | None, reason: str) -> None:
        at = self._clock.now() if known.request is None else known.request.at
        self._become(known, Request(RequestState.FAILED, at, reason))
        self._tell_failed(known, agent_id, reason)

    def _tell_failed(self, known: Known, agent_id: AgentId | None, reason: str) -> None:
        tag, key = TimelineTag.MSD_REQUEST_FAILED, "msd-request-failed"
        self._chronicle.write_now(known.contact_id, tag, key, agent_id, reason=reason)

    def _become(self, known: Known, request: Request) -> None:
        known.request = request
        if request.state is not RequestState.ASKED:
            self._due.pop(known.contact_id, None)
        self._metrics.msd_requests.labels(request.state.value).inc()
        self._changed(known)
