"""The live part: what is sent to services, what they answer, and who is told when nobody does.

The database is the truth: a step that it has not taken was not told, and whoever told it learns
so and tries again. What it took goes out to the panels in one step of the event loop, so services
that are sent together learn of it in the same moment.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

import structlog

from ccserver.db import DatabaseUnavailable
from ccserver.metrics import Metrics
from ccserver.services.states import ServiceState, UnitState
from ccserver.services.store import Listed, ServiceStore
from ccserver.services.values import (
    Book,
    Change,
    Involvement,
    InvolvementId,
    ReasonNeeded,
    Reported,
    Unit,
    UnitFacts,
    UnknownService,
)
from ccserver.services.views import JSONObject, as_json, line_json, unit_json
from ccserver.types import IncidentId, ServiceCode, UnitId

log = structlog.get_logger(__name__)

RETRY_S = 1.0
"""Until the database is asked again for what is overdue: alarms must not wait longer than it."""
IDLE_S = 30.0
"""Without anything that could fall due; another process may have sent something meanwhile."""

TOUCHED_MAX = 1_000
"""Changed cards that wait to be told of: a minute of a whole centre that types."""
STANDING_MAX = 1_000
"""Alarms that a panel is shown when it connects; the oldest make room."""

REFUSED_ALARM = "service_refused"
OVERDUE_ALARM = "service_overdue"
UNSEEN_ALARM = "service_unseen"
"""The second time: for the supervisor, too."""

Publish = Callable[[JSONObject, ServiceCode], None]


class ServiceDesk:
    """One per process.

    ``publish`` sends a message to the desks of a service and to the centre; ``changed`` tells the
    panels to fetch a card again; ``now`` is the aware time.
    """

    def __init__(
        self,
        store: ServiceStore,
        book: Book,
        *,
        publish: Publish,
        changed: Callable[[IncidentId], None],
        now: Callable[[], datetime],
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._book = book
        self._publish = publish
        self._changed = changed
        self._now = now
        self._metrics = metrics
        self._woken = asyncio.Event()
        self._touched: OrderedDict[IncidentId, None] = OrderedDict()
        self._card_woken = asyncio.Event()
        self._standing: dict[InvolvementId, JSONObject] = {}

    # -- lists ------------------------------------------------------------------------------------

    async def of_incident(self, incident_id: IncidentId) -> list[JSONObject]:
        """All that were ever sent to the incident; raises `UnknownIncident`."""
        return [as_json(one) for one in await self._store.of_incident(incident_id)]

    async def service_of(self, involvement_id: InvolvementId) -> ServiceCode | None:
        """Whose involvement it is, ``None`` if there is none."""
        return await self._store.service_of(involvement_id)

    async def unfinished(self, service: ServiceCode) -> list[JSONObject]:
        """What the service has still to do with: unread first, then the newest."""
        return [line_json(one) for one in await self._store.unfinished(service)]

    async def everything(
        self, service: ServiceCode, *, limit: int, before: str | None
    ) -> tuple[list[JSONObject], str | None]:
        """Whatever was sent to the service, newest first; and the ``before`` of the next page."""
        found = await self._store.everything(service, limit=limit, before=before)
        cursor = found[-1].involvement.cursor if len(found) == limit else None
        return [line_json(one) for one in found], cursor

    # -- acts -------------------------------------------------------------------------------------

    async def involve(
        self,
        incident_id: IncidentId,
        services: Sequence[ServiceCode],
        *,
        by: str,
        note: str = "",
        key: str | None = None,
    ) -> list[JSONObject]:
        """Send the incident to all of the services, or to none; durable when it returns.

        Raises `UnknownService` and what `ServiceStore.involve` does.
        """
        terms = {service: self._book.terms(service) for service in services}
        unknown = [service for service, found in terms.items() if found is None]
        if unknown:
            raise UnknownService(unknown)
        timeouts = {service: found.seen_timeout_s for service, found in terms.items() if found}
        changes = await self._store.involve(
            incident_id, timeouts, by=by, note=note, key=key, at=self._now()
        )
        self._tell(changes)
        self._woken.set()
        sent = [one.involvement.service for one in changes if ServiceState.SENT in one.news]
        log.info("services_involved", incident_id=incident_id, services=sent)
        return [as_json(change.involvement) for change in changes]

    async def report(self, involvement_id: InvolvementId, told: Reported) -> JSONObject:
        """Take a step of the service; durable when it returns.

        Raises `ReasonNeeded` and what `ServiceStore.report` does.
        """
        if told.state == ServiceState.REFUSED:
            _check_reason(told, self._book.refusal_reasons())
        change = await self._store.report(involvement_id, told, self._now())
        self._taken(change, told)
        return as_json(change.involvement)

    async def report_unit(
        self, involvement_id: InvolvementId, unit_id: UnitId, told: Reported
    ) -> JSONObject:
        """Take a step of a unit; as `report`."""
        if told.state == UnitState.DELAYED:
            _check_reason(told, self._book.delay_reasons())
        change = await self._store.report_unit(involvement_id, unit_id, told, self._now())
        self._taken(change, told)
        return as_json(change.involvement)

    async def units(self, service: ServiceCode) -> list[JSONObject]:
        """The units of the service by call sign, those out of service too."""
        return [unit_json(unit) for unit in await self._store.units(service)]

    async def add_unit(
        self, service: ServiceCode, facts: UnitFacts, *, unit_id: UnitId
    ) -> JSONObject:
        """As `ServiceStore.add_unit`."""
        return self._told_of(await self._store.add_unit(service, facts, unit_id=unit_id))

    async def change_unit(
        self, service: ServiceCode, unit_id: UnitId, facts: UnitFacts
    ) -> JSONObject:
        """As `ServiceStore.change_unit`."""
        return self._told_of(await self._store.change_unit(service, unit_id, facts))

    async def retire_unit(self, service: ServiceCode, unit_id: UnitId) -> JSONObject:
        """As `ServiceStore.retire_unit`."""
        return self._told_of(await self._store.retire_unit(service, unit_id))

    def _told_of(self, unit: Unit) -> JSONObject:
        told = unit_json(unit)
        self._publish({"type": "unit", "unit": told}, unit.service)
        return told

    def card_changed(self, incident_id: IncidentId) -> None:
        """The card was changed, or its services came from another: the desks will be told."""
        self._touched[incident_id] = None
        if len(self._touched) > TOUCHED_MAX:
            log.warning("card_not_told_to_desks", incident_id=self._touched.popitem(last=False)[0])
        self._card_woken.set()

    async def tell_card(self, incident_id: IncidentId) -> None:
        """Tell the desks of all services that have the card how it is now."""
        listed = await self._store.listed_of_incident(incident_id)
        for one in listed:
            self._publish({"type": "involvement", **line_json(one)}, one.involvement.service)

    def _taken(self, change: Change, told: Reported) -> None:
        involvement = change.involvement
        log.info(
            "involvement_step",
            involvement_id=involvement.involvement_id,
            state=told.state,
            source=told.source.value,
            repeated=change.repeated,
        )
        if change.repeated:
            return
        self._tell([change])
        if told.state == ServiceState.REFUSED:
            self._raise(change, REFUSED_ALARM, reason=told.reason)

    def _tell(self, changes: Sequence[Change]) -> None:
        """Everything in one step of the loop: messages to all services, then to the card."""
        told = [change for change in changes if not change.repeated]
        for change in told:
            line = line_json(Listed(change.involvement, change.incident))
            self._publish({"type": "involvement", **line}, change.involvement.service)
            for unit in change.units:
                self._told_of(unit)
            self._settle(change.involvement)
            self._measure(change)
        for incident_id in dict.fromkeys(one.incident.incident_id for one in told):
            self._changed(incident_id)

    def _measure(self, change: Change) -> None:
        involvement = change.involvement
        waited_s = (self._now() - involvement.sent_at).total_seconds()
        if change.first:
            handled = involvement.sent_at - change.incident.opened_at
            self._metrics.service_sent_seconds.observe(handled.total_seconds())
        if ServiceState.SEEN in change.news:
            self._metrics.service_seen_seconds.observe(waited_s)
        if change.moved:
            self._metrics.service_dispatched_seconds.observe(waited_s)

    # -- alarms -----------------------------------------------------------------------------------

    def standing(self) -> list[JSONObject]:
        """The alarms whose reason lasts, for a panel that connects."""
        return list(self._standing.values())

    def _raise(self, change: Change, code: str, **more: object) -> None:
        involvement = change.involvement
        data = {
            "active": True,
            "involvement_id": involvement.involvement_id,
            "incident_id": involvement.incident_id,
            "card_number": change.incident.number,
            "service": involvement.service,
            "sent_by": involvement.sent_by,
            **more,
        }
        log.warning("service_alarm", code=code, involvement_id=involvement.involvement_id)
        self._metrics.alarms.labels(code).inc()
        self._clear(involvement)
        self._standing[involvement.involvement_id] = {"code": code, "data": data}
        while len(self._standing) > STANDING_MAX:
            del self._standing[next(iter(self._standing))]
        self._publish({"type": "alarm", "code": code, "data": data}, involvement.service)

    def _settle(self, involvement: Involvement) -> None:
        """Clear the alarm whose reason is gone; a refusal's is, when others are sent instead."""
        for other in list(self._standing.values()):
            data = other["data"]
            assert isinstance(data, dict)
            same = data["involvement_id"] == involvement.involvement_id
            if other["code"] == REFUSED_ALARM:
                sent_instead = (
                    data["incident_id"] == involvement.incident_id
                    and involvement.state is ServiceState.SENT
                )
                gone = sent_instead or (same and involvement.state is not ServiceState.REFUSED)
            else:
                gone = same and not involvement.overdue
            if gone:
                self._clear_by_id(data["involvement_id"], ServiceCode(str(data["service"])))

    def _clear(self, involvement: Involvement) -> None:
        self._clear_by_id(involvement.involvement_id, involvement.service)

    def _clear_by_id(self, involvement_id: InvolvementId, service: ServiceCode) -> None:
        alarm = self._standing.pop(involvement_id, None)
        if alarm is None:
            return
        data = alarm["data"]
        assert isinstance(data, dict)
        cleared = {**data, "active": False}
        self._publish({"type": "alarm", "code": alarm["code"], "data": cleared}, service)

    # -- what nobody has seen ---------------------------------------------------------------------

    async def run(self) -> None:
        """Raise alarms when they are due, and tell of changed cards; never ends by itself."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch(), name="services_watch")
            tasks.create_task(self._follow_cards(), name="services_cards")

    async def _follow_cards(self) -> None:
        while True:
            await self._card_woken.wait()
            self._card_woken.clear()
            while self._touched:
                incident_id, _ = self._touched.popitem(last=False)
                try:
                    await self.tell_card(incident_id)
                except DatabaseUnavailable:
                    # The desks ask for everything anew when they are back in step.
                    log.warning("card_not_told_to_desks", incident_id=incident_id)
                except Exception:
                    log.exception("card_not_told_to_desks", incident_id=incident_id)

    async def _watch(self) -> None:
        recalled = False
        while True:
            try:
                if not recalled:
                    await self.recall()
                    recalled = True
                wait_s = await self.look()
            except DatabaseUnavailable as error:
                log.warning("overdue_not_known", reason=str(error))
                wait_s = RETRY_S
            except Exception:
                # A row that cannot be read must not end the process that carries calls.
                log.exception("overdue_failed")
                wait_s = RETRY_S
            await self._sleep(wait_s)

    async def recall(self) -> None:
        """The alarms that a process before this one had raised, and whose reason lasts."""
        for one in await self._store.overdue(limit=STANDING_MAX):
            if one.incident is not None and one.involvement.overdue:
                self._raise(Change(one.involvement, one.incident), _code(one.involvement))

    async def look(self) -> float:
        """Raise what is due now; returns in how many seconds the next one is."""
        changes = await self._store.fall_due(self._now())
        self._tell(changes)
        for change in changes:
            self._raise(change, _code(change.involvement))
        due = await self._store.next_due()
        if due is None:
            return IDLE_S
        return min(IDLE_S, max(0.0, (due - self._now()).total_seconds()))

    async def _sleep(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._woken.wait()
        except TimeoutError:
            return
        self._woken.clear()


def _check_reason(told: Reported, reasons: Collection[str]) -> None:
    if told.reason not in reasons:
        raise ReasonNeeded(reasons)


def _code(involvement: Involvement) -> str:
    return OVERDUE_ALARM if involvement.alarms == 1 else UNSEEN_ALARM
