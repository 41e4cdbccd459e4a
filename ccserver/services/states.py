"""The life of one service's involvement in an incident, and of one unit's part in it. Pure.

Reports of it come late, repeated and in any order, from the desk, from the service's own system
and from the centre. So nothing is decided from "the latest write": the state is a function of the
**set** of steps (`derive`), and the same set gives the same state in whatever order it was told.

Three kinds of step are told apart:

* *News of the message*: ``sent``, ``received`` (a program has it), ``seen`` (a person read it).
  They are true whenever they are told.
* *Decisions*: ``accepted`` or ``refused`` by the service, ``withdrawn`` by the centre, ``closed``
  and ``reopened`` by the service. A decision can be too late, then it is refused and whoever
  decided learns what stands.
* *Facts about the world*: ``dispatched``, ``en_route``, ``on_scene``, ``cleared``. A crew that
  stands at the scene stands there, also if nobody told that it left. Facts are always taken;
  those told before what precedes them are marked as out of order (`out_of_order`).

The state, from what outweighs to what is outweighed:

=========================  ===================================================================
in the set                 state
=========================  ===================================================================
``closed``                 closed
``withdrawn``              withdrawn
any fact                   the furthest fact: a unit on its way outweighs a refusal
a decision                 the latest of accepted and refused
else                       the furthest of sent, received, seen
=========================  ===================================================================

``reopened`` begins anew as accepted: of facts and of ``closed``, only those from its moment on
count; what the centre has withdrawn stays withdrawn. The
moment of a step is the reporter's own time where given, because a desk that was cut off tells
later what it did earlier; but never later than the server had it, and never before the message
was sent.

What may still be decided in which state stands in `DECISIONS`. A missing entry is refused with
what would be allowed, and changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ServiceState(StrEnum):
    """Where an involvement stands; each is also the step that leads there."""

    SENT = "sent"
    RECEIVED = "received"
    SEEN = "seen"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    DISPATCHED = "dispatched"
    EN_ROUTE = "en_route"
    ON_SCENE = "on_scene"
    CLEARED = "cleared"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    REOPENED = "reopened"
    """Only a step: its state is ``accepted``."""


class UnitState(StrEnum):
    """Where a unit stands within one involvement; each is also the step that leads there."""

    ASSIGNED = "assigned"
    DISPATCHED = "dispatched"
    EN_ROUTE = "en_route"
    DELAYED = "delayed"
    """Only a step: where the unit stands does not change by it."""
    ON_SCENE = "on_scene"
    PATIENT_CONTACT = "patient_contact"
    HOSPITAL = "hospital"
    CLEARED = "cleared"


S, U = ServiceState, UnitState

NEWS = (S.SENT, S.RECEIVED, S.SEEN)
FACTS = (S.DISPATCHED, S.EN_ROUTE, S.ON_SCENE, S.CLEARED)
DECIDED = (S.ACCEPTED, S.REFUSED)
STATES = frozenset(ServiceState)
OVER = frozenset({S.REFUSED, S.CLEARED, S.CLOSED, S.WITHDRAWN})
"""Nobody of the service is there or coming: the centre may involve it anew."""

PRECEDED_BY: Mapping[ServiceState, ServiceState] = {
    S.ACCEPTED: S.SENT,
    S.DISPATCHED: S.ACCEPTED,
    S.EN_ROUTE: S.DISPATCHED,
    S.ON_SCENE: S.EN_ROUTE,
    # Not by on_scene: crews are turned back on their way, too.
    S.CLEARED: S.DISPATCHED,
}

DECISIONS: Mapping[ServiceState, frozenset[ServiceState]] = {
    S.SENT: frozenset({S.ACCEPTED, S.REFUSED, S.WITHDRAWN}),
    S.RECEIVED: frozenset({S.ACCEPTED, S.REFUSED, S.WITHDRAWN}),
    S.SEEN: frozenset({S.ACCEPTED, S.REFUSED, S.WITHDRAWN}),
    S.ACCEPTED: frozenset({S.ACCEPTED, S.REFUSED, S.WITHDRAWN, S.CLOSED}),
    # Help that turns out to be possible after all is never turned away.
    S.REFUSED: frozenset({S.ACCEPTED, S.REFUSED, S.WITHDRAWN, S.CLOSED}),
    # Who is on the way says "cleared", not "refused". Late acceptances are told by two sources.
    S.DISPATCHED: frozenset({S.ACCEPTED, S.WITHDRAWN}),
    S.EN_ROUTE: frozenset({S.ACCEPTED, S.WITHDRAWN}),
    S.ON_SCENE: frozenset({S.ACCEPTED, S.WITHDRAWN}),
    S.CLEARED: frozenset({S.ACCEPTED, S.CLOSED, S.REOPENED, S.WITHDRAWN}),
    S.CLOSED: frozenset({S.CLOSED, S.REOPENED}),
    # The units that the withdrawal turns back still clear, and the desk closes its part.
    S.WITHDRAWN: frozenset({S.WITHDRAWN, S.CLOSED}),
}

UNIT_CHAIN = (
    U.ASSIGNED,
    U.DISPATCHED,
    U.EN_ROUTE,
    U.ON_SCENE,
    U.PATIENT_CONTACT,
    U.HOSPITAL,
    U.CLEARED,
)

SERVICE_OF_UNIT: Mapping[UnitState, ServiceState] = {
    U.DISPATCHED: S.DISPATCHED,
    U.EN_ROUTE: S.EN_ROUTE,
    U.ON_SCENE: S.ON_SCENE,
    U.PATIENT_CONTACT: S.ON_SCENE,
}
"""What a unit's state says of its service: the first unit on its way has the service on its way.
``cleared`` is said by the last one (`service_steps_of_units`)."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the derivation reads of one step; ``state`` may be of a service or of a unit.

    ``at`` is the server's time, ``happened_at`` the reporter's own.
    """

    state: str
    at: datetime
    key: str
    happened_at: datetime | None = None

    @property
    def moment(self) -> datetime:
        """When it happened, as far as it can be believed."""
        return self.at if self.happened_at is None else min(self.happened_at, self.at)


class StepRefused(Exception):
    """The state does not allow this decision; nothing was changed. ``allowed`` is what it does."""

    def __init__(self, state: ServiceState, allowed: Sequence[ServiceState]) -> None:
        super().__init__(f"not allowed in the state {state.value}")
        self.state = state
        self.allowed = allowed


def in_order(reports: Iterable[Report]) -> list[Report]:
    """The steps by their moments; the key makes the order total."""
    return sorted(reports, key=lambda report: (report.moment, report.at, report.key))


def derive(reports: Iterable[Report]) -> ServiceState:
    """The state that follows from the steps, given in any order; notes among them say nothing."""
    told: set[ServiceState] = {S.SENT}
    decision: ServiceState | None = None
    for report in in_order(reports):
        if report.state not in STATES:
            continue
        state = ServiceState(report.state)
        if state is S.REOPENED:
            told -= {*FACTS, S.CLOSED}
            decision = S.ACCEPTED
        elif state in DECIDED:
            decision = state
        told.add(state)
    for end in (S.CLOSED, S.WITHDRAWN):
        if end in told:
            return end
    for fact in reversed(FACTS):
        if fact in told:
            return fact
    if decision is not None:
        return decision
    return next(news for news in reversed(NEWS) if news in told)


def admit(state: ServiceState, step: ServiceState) -> None:
    """Whether a new step is taken in this state; raises `StepRefused`.

    ``sent`` is nobody's to report: it is the involvement itself.
    """
    if step in FACTS or step in (S.RECEIVED, S.SEEN):
        return
    if step not in DECISIONS[state]:
        raise StepRefused(state, allowed(state))


def allowed(state: ServiceState) -> list[ServiceState]:
    """What is taken in this state, in the order of the chain."""
    return [
        step for step in ServiceState if step in DECISIONS[state] or step in (*FACTS, *NEWS[1:])
    ]


def out_of_order(reports: Iterable[Report]) -> frozenset[str]:
    """The keys of those steps that were told before what precedes them."""
    told: set[str] = {S.SENT}
    early: set[str] = set()
    for report in sorted(reports, key=lambda report: (report.at, report.key)):
        if report.state == S.REOPENED:
            told.add(S.ACCEPTED)
        elif report.state in STATES:
            before = PRECEDED_BY.get(ServiceState(report.state))
            if before is not None and before not in told:
                early.add(report.key)
        told.add(report.state)
    return frozenset(early)


def awaits_a_reader(reports: Iterable[Report]) -> bool:
    """Whether nothing told yet shows that a person of the service knows of it."""
    unread = {S.SENT, S.RECEIVED}
    return all(report.state in unread or report.state not in STATES for report in reports)


# -- units ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UnitPosition:
    """Where a unit stands: ``since`` the step that led there, ``delayed`` if it said so since."""

    state: UnitState
    since: datetime
    delayed: bool = False

    @property
    def active(self) -> bool:
        """Whether the unit is bound by the incident."""
        return self.state is not UnitState.CLEARED


def derive_unit(reports: Iterable[Report]) -> UnitPosition | None:
    """Where a unit stands by its steps in one involvement, given in any order.

    An assignment after it was cleared begins anew; ``None`` without any step.
    """
    reached: dict[UnitState, datetime] = {}
    delayed_at: datetime | None = None
    for report in in_order(reports):
        state = UnitState(report.state)
        if state is U.ASSIGNED and U.CLEARED in reached:
            reached.clear()
            delayed_at = None
        if state is U.DELAYED:
            delayed_at = report.moment
        else:
            reached.setdefault(state, report.moment)
    if not reached:
        # Told of a delay and of nothing else: it was assigned, and that news is still to come.
        return None if delayed_at is None else UnitPosition(U.ASSIGNED, delayed_at, delayed=True)
    furthest = max(reached, key=UNIT_CHAIN.index)
    since = reached[furthest]
    delayed = delayed_at is not None and delayed_at >= since and furthest is not U.CLEARED
    return UnitPosition(furthest, since, delayed)


def service_steps_of_units(
    told: Iterable[Report], step: UnitState, others: Iterable[UnitPosition]
) -> list[ServiceState]:
    """What a unit's step says of its service that the service has not said itself.

    ``others`` are the positions of all units of the involvement, this one included, after the
    step. A service that assigns a unit has accepted, and has opened again what was cleared.
    """
    reports = list(told)
    state = derive(reports)
    steps: list[ServiceState] = []
    if step is not UnitState.CLEARED and state in (S.CLEARED, S.CLOSED):
        if step is UnitState.ASSIGNED:
            steps.append(S.REOPENED)
    elif step in (U.ASSIGNED, U.DISPATCHED) and state in (*NEWS, S.REFUSED):
        steps.append(S.ACCEPTED)
    says = SERVICE_OF_UNIT.get(step)
    reached = FACTS.index(state) if state in FACTS else -1
    if says is not None and state not in (S.CLOSED, S.WITHDRAWN) and FACTS.index(says) > reached:
        steps.append(says)
    if step is U.CLEARED and not any(unit.active for unit in others):
        moved = state in FACTS and state is not S.CLEARED
        if moved:
            steps.append(S.CLEARED)
    return steps


# -- EIDO (NENA STA-021.1) ------------------------------------------------------------------------

EIDO_UNIT: Mapping[UnitState, tuple[str, str]] = {
    U.ASSIGNED: ("NotAvailable", "Assigned"),
    U.DISPATCHED: ("NotAvailable", "Dispatched"),
    U.EN_ROUTE: ("NotAvailable", "EnRoute"),
    U.DELAYED: ("NotAvailable", "Delayed"),
    U.ON_SCENE: ("NotAvailable", "OnScene"),
    U.PATIENT_CONTACT: ("NotAvailable", "PatientContact"),
    U.HOSPITAL: ("ConditionallyAvailable", "Hospital"),
    U.CLEARED: ("Available", "Cleared"),
}
"""``PrimaryUnitStatus`` and ``SecondaryUnitStatus``. A crew at the hospital may leave for the next
incident on its dispatcher's word, hence conditionally."""

EIDO_INCIDENT: Mapping[ServiceState, str] = {
    S.ACCEPTED: "Active",
    S.DISPATCHED: "ResourcesAssigned",
    S.EN_ROUTE: "ResourcesEnroute",
    S.ON_SCENE: "ResourcesOnscene",
    S.CLOSED: "Closed",
    S.WITHDRAWN: "Cancelled",
    S.REOPENED: "ReOpened",
}
"""``IncidentStatus`` that an involvement adds to its incident's; the others add none."""
