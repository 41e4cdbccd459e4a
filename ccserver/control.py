"""What people ask for in the panel, turned into events and calls."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

import structlog

from ccserver.accounts import Account, AccountStore, Right, rights_of
from ccserver.acd.commands import AgentState, AgentView, ContactState
from ccserver.acd.events import (
    AgentPresence,
    AgentPresenceChanged,
    ContactPicked,
    WrapUpEnded,
    WrapUpExtended,
)
from ccserver.audit import AuditEntry, AuditTag
from ccserver.card import TimelineTag
from ccserver.current_plan import CurrentPlan
from ccserver.db import DatabaseUnavailable
from ccserver.outbound import Outbound
from ccserver.runtime import Runtime
from ccserver.telephony.errors import TelephonyError
from ccserver.telephony.party import AgentTarget, NumberTarget, PartyKind, QueueTarget, Target
from ccserver.telephony.transfer import CallRefused
from ccserver.telephony.wishes import Wishes
from ccserver.texting.control import TextControl
from ccserver.types import AgentId, ContactId, IncidentId, LegId, PhoneNumber
from ccserver.web.ports import (
    AgentChoice,
    Clock,
    ContactAction,
    ControlRefused,
    DirectoryChoice,
    JSONObject,
    MonitorMode,
    NumberChoice,
    QueueChoice,
    ReachAction,
    TargetChoice,
)

log = structlog.get_logger(__name__)

T = TypeVar("T")

WRAP_UP_EXTENSION_S = 30.0
KIND_OF_ENTRY = {
    "service": PartyKind.SERVICE,
    "interpreter": PartyKind.INTERPRETER,
    "other": PartyKind.OUTSIDE,
}

MESSAGES = {
    "not_your_contact": "This contact is not at your seat.",
    "already_answered": "The contact has been answered already.",
    "not_talking": "There is no conversation.",
    "not_held": "The caller is not on hold.",
    "no_wrap_up": "There is no wrap-up to end.",
    "wrap_up_at_limit": "The wrap-up cannot be made any longer.",
    "no_seat": "This seat does not exist, or has no phone.",
    "not_waiting": "This contact does not wait any more.",
    "not_allowed": "You may not do this.",
    "not_free": "You have another contact or offer in hand.",
    "agent_not_free": "This call taker is not free.",
    "agent_not_available": "This call taker cannot be rung now.",
    "no_such_queue": "There is no such queue.",
    "no_such_entry": "There is no such entry in the directory.",
    "no_such_party": "Nobody of that kind is in this conversation.",
    "no_number": "This is no telephone number.",
    "not_allowed_number": "The routing does not allow calls to this number.",
    "no_trunk": "No line for outgoing calls is set up.",
    "bad_number": "This number cannot be called.",
    "bad_target": "The caller cannot be given to this target.",
    "bad_mode": "There is no such way of taking part.",
    "busy_with_other": "Somebody else is being rung or consulted already.",
    "no_consultation": "Nobody is being consulted.",
    "not_answered": "The other side has not answered yet.",
    "nobody_would_keep": "Nobody would be left who can help the caller.",
    "too_many_parties": "There are too many parties in this conversation.",
    "changed_meanwhile": "The conversation changed meanwhile; please look and try again.",
    "already_in": "You are in this conversation already.",
    "monitors_another": "You are listening to another conversation; end that first.",
    "not_monitored": "You are not listening to this conversation.",
    "has_the_caller": "You are the one who talks with this caller.",
    "not_for_texts": "This cannot be done to a conversation by text.",
    "telephony_unavailable": "The telephone exchange does not answer; try again or use the phone.",
}
"""Every refusal with its sentence; those of calls are `ccserver.telephony.wishes.REFUSAL_CODES`."""


def refused(code: str) -> ControlRefused:
    """The refusal with its sentence."""
    return ControlRefused(code, MESSAGES[code])


class Control:
    """Implements `ccserver.web.ports.ControlPort`."""

    def __init__(
        self,
        runtime: Runtime,
        wishes: Wishes,
        plan: CurrentPlan,
        *,
        outbound: Outbound,
        accounts: AccountStore,
        clock: Clock,
        answer_phone: Callable[[LegId], Awaitable[None]],
        readiness: Callable[[], Mapping[str, bool]],
        alarms: Callable[[], Sequence[object]],
        callbacks: Callable[[], object],
        presence_unwritten: Callable[[AgentId, AuditEntry], None],
        numbers_of_card: Callable[[IncidentId], Awaitable[Collection[str]]],
        texts: TextControl | None = None,
    ) -> None:
        self._runtime = runtime
        self._wishes = wishes
        self._plan = plan
        self._outbound = outbound
        self._accounts = accounts
        self._clock = clock
        self._answer_phone = answer_phone
        self._readiness = readiness
        self._alarms = alarms
        self._callbacks = callbacks
        self._presence_unwritten = presence_unwritten
        self._numbers_of_card = numbers_of_card
        self._texts = texts
        self._actions: Mapping[ContactAction, Callable[[AgentId, ContactId], Awaitable[None]]] = {
            ContactAction.ANSWER: self._answer,
            ContactAction.REJECT: self._reject,
            ContactAction.PICK: self._pick,
            **{
                action: self._wish_of(wish)
                for action, wish in (
                    (ContactAction.HANG_UP, wishes.hang_up),
                    (ContactAction.HOLD, wishes.hold),
                    (ContactAction.RESUME, wishes.resume),
                    (ContactAction.MUTE, wishes.mute),
                    (ContactAction.UNMUTE, wishes.unmute),
                    (ContactAction.MERGE, wishes.merge),
                    (ContactAction.SWAP, wishes.swap),
                    (ContactAction.COMPLETE, wishes.complete),
                    (ContactAction.CANCEL, wishes.cancel),
                    (ContactAction.TAKE_OVER, wishes.take_over),
                )
            },
        }
        self._text_actions: Mapping[ContactAction, Callable[[AgentId, ContactId], Awaitable[None]]]
        self._text_actions = {
            ContactAction.ANSWER: self._accept_text,
            ContactAction.REJECT: self._reject_text,
            ContactAction.PICK: self._pick,
        }

    # -- what is ----------------------------------------------------------------------------------

    def snapshot(self) -> JSONObject:
        """All live contacts, seats and call-backs; alarms as codes, or with what they are about."""
        return {
            **self._runtime.live.snapshot(),
            "alarms": [*self._alarms(), *self._runtime.live.alarms()],
            "callbacks": self._callbacks(),
            "routing": {"version": self._plan.version},
        }

    def readiness(self) -> Mapping[str, bool]:
        """Each part by name."""
        return self._readiness()

    def seats(self) -> Sequence[tuple[AgentId, str]]:
        """Every seat with the name of the person."""
        live = self._runtime.live
        return [(seat.agent_id, live.name_of(seat.agent_id) or "") for seat in live.agents()]

    def rights(self, account: Account) -> Mapping[str, bool]:
        """What the person may do: the role's rights, and what hangs on the seat."""
        has = rights_of(account.role)
        supervises = Right.SUPERVISE in has
        seated = account.agent_id is not None
        return {
            **{right.value: right in has for right in Right},
            "monitor": supervises and seated,
            "pick": account.agent_id is not None
            and (supervises or self._plan.may_pick(account.agent_id)),
        }

    # -- the seat ---------------------------------------------------------------------------------

    async def set_presence(self, agent_id: AgentId, presence: AgentPresence) -> None:
        """Takes effect at once; returns when it would also survive a restart."""
        self._seat(agent_id)
        self._runtime.post(AgentPresenceChanged(agent_id, presence))
        await self._accounts.save_presence(
            agent_id, presence.kind, presence.reason, self._clock.now()
        )

    async def force_presence(
        self, agent_id: AgentId, presence: AgentPresence, *, author: str, comment: str
    ) -> None:
        """As `set_presence`; who did it to whom is written with it, or as soon as it can be."""
        before = self._seat(agent_id).presence
        self._runtime.post(AgentPresenceChanged(agent_id, presence))
        forced = AuditEntry(
            AuditTag.PRESENCE_FORCED,
            self._clock.now(),
            author,
            agent_id=agent_id,
            comment=comment,
            data={"kind": presence.kind, "reason": presence.reason, "before": before.kind},
        )
        try:
            await self._accounts.save_presence(
                agent_id, presence.kind, presence.reason, forced.at, forced=forced
            )
        except DatabaseUnavailable:
            self._presence_unwritten(agent_id, forced)
            raise

    async def end_wrap_up(self, agent_id: AgentId) -> None:
        """The call taker is done before the deadline."""
        if self._seat(agent_id).state is not AgentState.WRAP_UP:
            raise refused("no_wrap_up")
        self._runtime.post(WrapUpEnded(agent_id))

    async def extend_wrap_up(self, agent_id: AgentId) -> None:
        """The call taker needs longer."""
        seat = self._seat(agent_id)
        if seat.state is not AgentState.WRAP_UP:
            raise refused("no_wrap_up")
        self._runtime.post(WrapUpExtended(agent_id, WRAP_UP_EXTENSION_S))
        if self._seat(agent_id).wrap_up_deadline == seat.wrap_up_deadline:
            raise refused("wrap_up_at_limit")

    def _seat(self, agent_id: AgentId) -> AgentView:
        seat = self._runtime.live.seat(agent_id)
        if seat is None:
            raise refused("no_seat")
        return seat

    # -- a contact --------------------------------------------------------------------------------

    async def act(self, agent_id: AgentId, contact_id: ContactId, action: ContactAction) -> None:
        """Do what the panel's button says."""
        if self._text(contact_id) is None:
            await self._actions[action](agent_id, contact_id)
        elif action in self._text_actions:
            await self._text_actions[action](agent_id, contact_id)
        else:
            raise refused("not_for_texts")

    def _text(self, contact_id: ContactId) -> TextControl | None:
        """What acts on the contact if it is one by text."""
        texts = self._texts
        return texts if texts is not None and texts.is_text(contact_id) else None

    def _refuse_text(self, contact_id: ContactId) -> None:
        if self._text(contact_id) is not None:
            raise refused("not_for_texts")

    async def _accept_text(self, agent_id: AgentId, contact_id: ContactId) -> None:
        if (texts := self._text(contact_id)) is not None:
            texts.accept(contact_id, agent_id)

    async def _reject_text(self, agent_id: AgentId, contact_id: ContactId) -> None:
        if (texts := self._text(contact_id)) is not None:
            texts.reject(contact_id, agent_id)

    async def _answer(self, agent_id: AgentId, contact_id: ContactId) -> None:
        """Make the desk phone answer."""

        async def answer() -> None:
            await self._answer_phone(self._wishes.ringing_leg(contact_id, agent_id))

        await self._wish(answer())

    async def _reject(self, agent_id: AgentId, contact_id: ContactId) -> None:
        """Stop ringing here; the contact goes to the next call taker."""
        try:
            self._wishes.reject(contact_id, agent_id)
        except CallRefused as refusal:
            raise refused(refusal.code) from refusal

    async def _pick(self, agent_id: AgentId, contact_id: ContactId) -> None:
        """Offer a waiting contact to this seat, out of turn."""
        self._seat(agent_id)
        contact = self._runtime.live.get(contact_id)
        if not self._plan.may_pick(agent_id):
            raise refused("not_allowed")
        if (
            contact is None
            or contact.view is None
            or contact.view.state is not ContactState.WAITING
        ):
            raise refused("not_waiting")
        self._runtime.post(ContactPicked(contact_id, agent_id))
        if not any(offer.agent_id == agent_id for offer in contact.view.offers):
            raise refused("not_free")
        self._runtime.chronicle.write_now(contact_id, TimelineTag.PICKED, "picked", agent_id)

    async def reach(
        self, agent_id: AgentId, contact_id: ContactId, action: ReachAction, target: TargetChoice
    ) -> None:
        """Consult, transfer to, or invite somebody."""
        texts = self._text(contact_id)
        if texts is not None and action is not ReachAction.TRANSFER:
            raise refused("not_for_texts")
        chosen = self._target(target)
        if texts is not None:
            self._transfer_text(texts, agent_id, contact_id, chosen)
            return
        wish = {
            ReachAction.CONSULT: self._wishes.consult,
            ReachAction.TRANSFER: self._wishes.transfer,
            ReachAction.INVITE: self._wishes.invite,
        }[action]
        await self._wish(wish(contact_id, agent_id, chosen))

    @staticmethod
    def _transfer_text(
        texts: TextControl, agent_id: AgentId, contact_id: ContactId, target: Target
    ) -> None:
        match target:
            case AgentTarget(to_agent):
                texts.transfer(contact_id, agent_id, to_agent=to_agent)
            case QueueTarget(queue):
                texts.transfer(contact_id, agent_id, queue=queue)
            case _:
                raise refused("bad_target")

    def _target(self, choice: TargetChoice) -> Target:
        match choice:
            case AgentChoice(agent_id):
                seat = self._runtime.live.seat(agent_id)
                if seat is None or seat.state is not AgentState.IDLE:
                    raise refused("agent_not_free")
                return AgentTarget(agent_id)
            case QueueChoice(queue):
                if self._plan.queue(queue) is None:
                    raise refused("no_such_queue")
                return QueueTarget(queue)
            case DirectoryChoice(name):
                entry = self._plan.directory_entry(name)
                if entry is None:
                    raise refused("no_such_entry")
                return NumberTarget(entry.number, KIND_OF_ENTRY[entry.kind], entry.name)
            case NumberChoice(typed):
                number = PhoneNumber.parse(typed)
                if number is None:
                    raise refused("no_number")
                if not self._plan.may_dial(number.value):
                    raise refused("not_allowed_number")
                return NumberTarget(number.value, PartyKind.OUTSIDE, number.value)

    async def drop_party(self, agent_id: AgentId, contact_id: ContactId, party_id: str) -> None:
        """Part from one of those who talk."""
        self._refuse_text(contact_id)
        await self._wish(self._wishes.drop(contact_id, agent_id, party_id))

    async def monitor(self, agent_id: AgentId, contact_id: ContactId, mode: MonitorMode) -> None:
        """A supervisor takes part; leaves a trace on the card."""
        self._refuse_text(contact_id)
        await self._wish(self._wishes.monitor(contact_id, agent_id, mode.value))

    async def place_call(
        self, agent_id: AgentId, incident_id: IncidentId, number: str
    ) -> ContactId:
        """Ring the seat, then the citizen."""
        parsed = PhoneNumber.parse(number)
        if parsed is None:
            raise refused("no_number")
        if not self._plan.may_dial(parsed.value) and not await self._is_of_card(
            incident_id, parsed
        ):
            raise refused("not_allowed_number")
        calls_back = not self._plan.is_listed(parsed)
        return self._outbound.place(agent_id, parsed.value, incident_id, calls_back=calls_back)

    async def _is_of_card(self, incident_id: IncidentId, number: PhoneNumber) -> bool:
        """Whether a citizen of the card has this number: who called us must be reachable."""
        try:
            known = await self._numbers_of_card(incident_id)
        except DatabaseUnavailable:
            return True  # a call too many costs less than a citizen who is not called
        return number in [PhoneNumber.parse(one) for one in known]

    # -- helpers ----------------------------------------------------------------------------------

    def _wish_of(
        self, wish: Callable[[ContactId, AgentId], Awaitable[None]]
    ) -> Callable[[AgentId, ContactId], Awaitable[None]]:
        async def act(agent_id: AgentId, contact_id: ContactId) -> None:
            await self._wish(wish(contact_id, agent_id))

        return act

    async def _wish(self, work: Awaitable[T]) -> T:
        # Shielded: a browser that goes away must not leave a call half changed.
        try:
            return await asyncio.shield(asyncio.ensure_future(work))
        except CallRefused as refusal:
            raise refused(refusal.code) from refusal
        except TelephonyError as error:
            log.warning("wish_failed", reason=type(error).__name__)
            raise refused("telephony_unavailable") from error
