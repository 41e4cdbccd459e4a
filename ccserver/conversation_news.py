"""What happens within conversations: hold, mute, who joins and leaves, transfers, supervisors."""

from ccserver.acd.events import (
    ContactHandedOver,
    ContactTransferred,
    ParticipantInvited,
    ParticipantLeft,
)
from ccserver.card import TimelineTag
from ccserver.chronicle import Data
from ccserver.live import LiveContact, Monitored
from ccserver.runtime import Runtime
from ccserver.telephony.call import Segment
from ccserver.telephony.party import PartyState, PartyView
from ccserver.types import AgentId, ContactId
from ccserver.web.ports import Clock

MONITOR_OFF = "off"
MONITOR_BARGE = "barge"
SEGMENT_BEGINS = {
    Segment.CONSULT: TimelineTag.CONSULT_STARTED,
    Segment.CONFERENCE: TimelineTag.CONFERENCE,
    Segment.TRANSFER: TimelineTag.TRANSFERRED,
}
SEGMENT_ENDS = {Segment.CONSULT: TimelineTag.CONSULT_ENDED}
"""What the timeline says of a span; the others have entries of their own."""


class ConversationNews:
    """The part of `ccserver.telephony.observer.CallObserver` that tells of those who talk."""

    def __init__(self, runtime: Runtime, clock: Clock) -> None:
        self._runtime = runtime
        self._live = runtime.live
        self._chronicle = runtime.chronicle
        self._clock = clock

    def wait(self, contact: LiveContact) -> None:
        """The caller is in line again; who knows what waiting callers hear says what follows."""
        raise NotImplementedError

    def hold_changed(self, contact_id: ContactId, *, held: bool) -> None:
        """Music on, music off."""
        contact = self._live.get(contact_id)
        if contact is None or contact.on_hold is held:
            return
        contact.on_hold = held
        contact.held_since = self._clock.now() if held else None
        tag, key = (TimelineTag.HELD, "held") if held else (TimelineTag.RESUMED, "resumed")
        self._chronicle.tell(contact, tag, key, agent_of(contact))

    def mute_changed(self, contact_id: ContactId, agent_id: AgentId, *, muted: bool) -> None:
        """Nobody hears this call taker, or everybody again."""
        contact = self._live.get(contact_id)
        if contact is None or (agent_id in contact.muted_agents) is muted:
            return
        others = contact.muted_agents - {agent_id}
        contact.muted_agents = others | {agent_id} if muted else others
        tag, key = (TimelineTag.MUTED, "muted") if muted else (TimelineTag.UNMUTED, "unmuted")
        self._chronicle.tell(contact, tag, key, agent_id)

    def party_changed(self, contact_id: ContactId) -> None:
        """Somebody joined, left, rings or is held."""
        contact = self._live.get(contact_id)
        if contact is None:
            return
        self.take_parties(contact)
        there = {party.party_id: party for party in contact.parties if joined(party)}
        for party_id, party in there.items():
            # The call taker who has the caller is told of by "connected" and "handed over".
            if party_id not in contact.told_parties and not is_owner(party, agent_of(contact)):
                contact.told_parties[party_id] = party
                self._tell_party(contact_id, party, TimelineTag.PARTY_JOINED)
        for party_id in [known for known in contact.told_parties if known not in there]:
            self._tell_party(contact_id, contact.told_parties.pop(party_id), TimelineTag.PARTY_LEFT)
        self._live.changed(contact)
        self.end_monitors(contact_id)

    def take_parties(self, contact: LiveContact) -> None:
        """Who is in the conversation, as telephony knows it."""
        calls, contact_id = self._runtime.calls, contact.contact_id
        contact.parties = calls.parties(contact_id)
        agents = {party.agent_id for party in contact.parties if party.agent_id is not None}
        contact.muted_agents = frozenset(one for one in agents if calls.muted(contact_id, one))

    def _tell_party(self, contact_id: ContactId, party: PartyView, tag: TimelineTag) -> None:
        key = f"{tag.value}-{party.party_id}"
        self._chronicle.write_now(contact_id, tag, key, party.agent_id, **_described(party))

    def segment_changed(self, contact_id: ContactId, segment: Segment) -> None:
        """A new span of the contact begins, and the one before it ends."""
        contact = self._live.get(contact_id)
        if contact is None:
            return
        before, contact.segment = contact.segment, segment
        if before is None:
            return  # a caller's first span is the line; any other began before this process
        tags = [SEGMENT_ENDS.get(before) if before else None, SEGMENT_BEGINS.get(segment)]
        if before is Segment.TRANSFER and segment is not Segment.HANDED_OVER:
            tags.insert(0, TimelineTag.TRANSFER_FAILED)
        owner = agent_of(contact)
        others = [party for party in contact.parties if not is_owner(party, owner)]
        other = _described(others[-1]) if others else {}
        for tag in tags:
            if tag is not None:
                self._chronicle.tell(contact, tag, tag.value, owner, **other)

    def participant_wanted(
        self, contact_id: ContactId, agent_id: AgentId, to_agent: AgentId
    ) -> None:
        """A call taker asked a colleague into the conversation."""
        self._runtime.post(ParticipantInvited(contact_id, to_agent))

    def participant_left(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """The colleague went; the conversation goes on."""
        self._runtime.post(ParticipantLeft(contact_id, agent_id))

    def transferred(
        self,
        contact_id: ContactId,
        by_agent: AgentId,
        queue: str | None,
        to_agent: AgentId | None,
    ) -> None:
        """The caller waits again, for another queue or another call taker."""
        contact = self._live.get(contact_id)
        if contact is None:
            return
        contact.on_hold = False
        self._chronicle.write_now(
            contact_id,
            TimelineTag.TRANSFERRED,
            "transferred",
            by_agent,
            queue=queue,
            to_agent=to_agent,
        )
        self._runtime.post(ContactTransferred(contact_id, by_agent, queue=queue, agent_id=to_agent))
        self._runtime.calls.note(contact_id, "QUEUE", contact.queue)
        self.wait(contact)

    def handed_over(
        self, contact_id: ContactId, from_agent: AgentId | None, to_agent: AgentId | None
    ) -> None:
        """Somebody else is with the caller: a call taker, or (``None``) outside parties alone."""
        contact = self._live.get(contact_id)
        if contact is None:
            return
        self._chronicle.write_now(
            contact_id, TimelineTag.HANDED_OVER, "handed-over", from_agent, to_agent=to_agent
        )
        self._runtime.post(ContactHandedOver(contact_id, from_agent, to_agent))

    def monitored(self, contact_id: ContactId, supervisor: AgentId, mode: str) -> None:
        """A supervisor listens, whispers or talks, or (``off``) does not any more."""
        over = mode == MONITOR_OFF
        if over and self._live.monitored(supervisor) is None:
            return  # told already
        self._live.monitor_changed(supervisor, None if over else Monitored(contact_id, mode))
        tag = TimelineTag.MONITOR_ENDED if over else TimelineTag.MONITOR_STARTED
        self._chronicle.write_now(contact_id, tag, tag.value, supervisor, mode=mode)

    def end_monitors(self, contact_id: ContactId) -> None:
        """Of supervisors who came in and have left, or who have the caller themselves now."""
        contact = self._live.get(contact_id)
        there = {party.agent_id for party in contact.parties} if contact is not None else set()
        owner = agent_of(contact) if contact is not None else None
        for supervisor, monitored in self._live.monitors_of(contact_id):
            came_in = monitored.mode == MONITOR_BARGE
            if contact is None or (came_in and (supervisor == owner or supervisor not in there)):
                self.monitored(contact_id, supervisor, MONITOR_OFF)


def agent_of(contact: LiveContact) -> AgentId | None:
    """Who has the contact, or is offered it."""
    return contact.view.agent_id if contact.view is not None else None


def is_owner(party: PartyView, owner: AgentId | None) -> bool:
    """Of whom other entries tell; parties from outside are nobody's seat, like no owner."""
    return owner is not None and party.agent_id == owner


def joined(party: PartyView) -> bool:
    """Whether the party hears the others, and is not only rung."""
    return party.state is not PartyState.RINGING


def _described(party: PartyView) -> dict[str, Data]:
    return {
        "kind": party.kind.value,
        "number": party.number,
        "party": party.name,
        "to_agent": party.agent_id,
    }
