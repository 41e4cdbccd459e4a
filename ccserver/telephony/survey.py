"""Reads Asterisk's channels and bridges and says which contacts they are. Pure.

After a restart, and after every reconnect, this is the only source: a channel's variables hold
the contact id, the arrival and the call taker, so the queue can be rebuilt from Asterisk alone.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ccserver.telephony.actions import PARTY
from ccserver.telephony.call import BRIDGE_PREFIX, OUTBOUND_PREFIX, CallFacts, bridge_id_of
from ccserver.telephony.monitor import MONITOR_BRIDGE_PREFIX
from ccserver.telephony.party import (
    MONITOR_LEG_PREFIX,
    OFFER_LEG_PREFIX,
    PARTY_LEG_PREFIX,
    SNOOP_PREFIX,
    Leg,
    PartyKind,
    offer_of_leg,
)
from ccserver.types import AgentId, ContactId, LegId

LEG_PREFIXES = (OFFER_LEG_PREFIX, PARTY_LEG_PREFIX, MONITOR_LEG_PREFIX)
OUR_PREFIXES = (*LEG_PREFIXES, SNOOP_PREFIX)


class Where(StrEnum):
    """What a caller is doing in Asterisk."""

    OURS = "ours"  # in our application (or about to be offered to it)
    PARACHUTE_WAITING = "parachute_waiting"  # in Queue(), no phone rings
    PARACHUTE_RINGING = "parachute_ringing"  # in Queue(), at least one phone rings
    PARACHUTE_TALKING = "parachute_talking"  # in Queue(), a call taker answered
    ELSEWHERE = "elsewhere"  # on its way between two applications, or ending


@dataclass(frozen=True, slots=True)
class FoundLeg:
    """A leg that we once originated for a contact, beside the caller's."""

    leg_id: LegId
    kind: PartyKind
    agent_id: AgentId | None
    number: str | None
    name: str
    up: bool
    conversation: str  # whose keeper it is; empty: nobody's
    in_bridge: bool
    held: bool
    muted: bool
    contact_id: str

    def leg(self) -> Leg:
        """As this process keeps it, once it has been adopted."""
        return Leg(
            self.leg_id,
            self.kind,
            agent_id=self.agent_id,
            offer_id=offer_of_leg(self.leg_id),
            number=self.number,
            name=self.name,
            created=True,
            answered=True,
            joined=True,
            held=self.held,
            muted=self.muted,
        )


@dataclass(frozen=True, slots=True)
class FoundCaller:
    """A caller's channel, where it is, and who is in conversation with it."""

    facts: CallFacts
    leg_id: LegId
    channel: str
    where: Where
    up: bool
    in_bridge: bool
    held: bool
    conversation: str
    keepers: tuple[FoundLeg, ...]
    """Those in the dialplan's group and in the bridge, whoever is responsible first."""
    others: tuple[FoundLeg, ...]
    """In the bridge or on hold, and nobody's keeper: consulted, or an interpreter."""
    parachute_agent_channel: str | None


@dataclass(frozen=True, slots=True)
class Survey:
    """All that was found; ``callers`` in order of arrival."""

    callers: tuple[FoundCaller, ...]
    legs: Mapping[LegId, ContactId]
    """All legs of ours and the contacts they were rung for."""
    stray_bridges: tuple[str, ...]
    bridges: frozenset[str]
    legs_up: Mapping[LegId, bool]
    """All legs of ours that exist, and whether they have been answered and can be joined."""


def survey(channels: Iterable[Mapping[str, Any]], bridges: Iterable[Mapping[str, Any]]) -> Survey:
    """Sort channels and bridges out; see the module's docstring."""
    channels, bridges = list(channels), list(bridges)
    members = {bridge["id"]: frozenset(bridge.get("channels", ())) for bridge in bridges}
    legs: dict[str, list[FoundLeg]] = {}
    for channel in channels:
        leg = _leg(channel, members)
        if leg is not None:
            legs.setdefault(leg.contact_id, []).append(leg)
    callers = [
        _caller(channel, facts, channels, legs.get(facts.contact_id, []), members)
        for channel in channels
        if (facts := _caller_facts(channel)) is not None
    ]
    callers.sort(key=lambda caller: (caller.facts.arrived_at, caller.leg_id))
    wanted = {bridge_id_of(caller.facts.contact_id) for caller in callers}
    ours = [name for name in members if name.startswith((BRIDGE_PREFIX, MONITOR_BRIDGE_PREFIX))]
    return Survey(
        callers=tuple(callers),
        legs={
            LegId(channel["id"]): ContactId(_variables(channel).get("CONTACT_ID", ""))
            for channel in channels
            if channel["id"].startswith(OUR_PREFIXES)
        },
        stray_bridges=tuple(bridge_id for bridge_id in ours if bridge_id not in wanted),
        bridges=frozenset(ours),
        legs_up={
            LegId(channel["id"]): channel.get("state") == "Up" and not _on_the_way(channel)
            for channel in channels
            if channel["id"].startswith((*OUR_PREFIXES, OUTBOUND_PREFIX))
        },
    )


def _caller(
    channel: Mapping[str, Any],
    facts: CallFacts,
    channels: list[Mapping[str, Any]],
    legs: list[FoundLeg],
    members: Mapping[str, Collection[str]],
) -> FoundCaller:
    variables = _variables(channel)
    rung = [other for other in channels if _rung_for(other, facts, channel)]
    conversation = variables.get("CONVERSATION", "")
    order = {name: number for number, name in enumerate(variables.get("LEGS", "").split("&"))}
    keepers = [
        leg
        for leg in legs
        if leg.up and leg.in_bridge and conversation and leg.conversation == conversation
    ]
    keepers.sort(key=lambda leg: (leg.agent_id is None, order.get(leg.leg_id, len(order))))
    others = [leg for leg in legs if leg.up and leg not in keepers and (leg.in_bridge or leg.held)]
    return FoundCaller(
        facts=facts,
        leg_id=LegId(channel["id"]),
        channel=channel.get("name", ""),
        where=_where(channel, rung),
        up=channel.get("state") == "Up",
        in_bridge=channel["id"] in members.get(bridge_id_of(facts.contact_id), ()),
        held=variables.get("HELD") == "1",
        conversation=conversation,
        keepers=tuple(keepers),
        others=tuple(others) if keepers else (),
        parachute_agent_channel=next(
            (other.get("name", "") for other in rung if other.get("state") == "Up"), None
        ),
    )


def _on_the_way(channel: Mapping[str, Any]) -> bool:
    """Whether a leg that is recorded has been answered and not reached our application yet."""
    dialplan = channel.get("dialplan") or {}
    return dialplan.get("context") == PARTY and dialplan.get("app_name") != "Stasis"


def _variables(channel: Mapping[str, Any]) -> Mapping[str, str]:
    return channel.get("channelvars") or {}


def _caller_facts(channel: Mapping[str, Any]) -> CallFacts | None:
    if channel["id"].startswith(OUR_PREFIXES):
        return None
    return CallFacts.from_channel_variables(_variables(channel))


def _leg(channel: Mapping[str, Any], members: Mapping[str, Collection[str]]) -> FoundLeg | None:
    if not channel["id"].startswith(LEG_PREFIXES):
        return None
    variables = _variables(channel)
    contact_id = variables.get("CONTACT_ID", "")
    try:
        kind = PartyKind(variables.get("PARTY_KIND") or PartyKind.AGENT)
    except ValueError:
        kind = PartyKind.OUTSIDE
    agent_id = variables.get("AGENT_ID", "")
    return FoundLeg(
        leg_id=LegId(channel["id"]),
        kind=kind,
        agent_id=AgentId(agent_id) if agent_id else None,
        number=variables.get("PARTY_NUMBER") or None,
        name=variables.get("PARTY_NAME", ""),
        up=channel.get("state") == "Up",
        conversation=variables.get("CONNECTED", ""),
        in_bridge=channel["id"] in members.get(f"{BRIDGE_PREFIX}{contact_id}", ()),
        held=variables.get("HELD") == "1",
        muted=variables.get("MUTED") == "1",
        contact_id=contact_id,
    )


def _rung_for(
    other: Mapping[str, Any], facts: CallFacts, caller_channel: Mapping[str, Any]
) -> bool:
    """Whether ``other`` is a phone that the parachute queue rings, or rang, for the caller."""
    return (
        other is not caller_channel
        and not other["id"].startswith(OUR_PREFIXES)
        and _variables(other).get("CONTACT_ID") == facts.contact_id
        and not _variables(other).get("ARRIVED_AT")
    )


def _where(channel: Mapping[str, Any], others: list[Mapping[str, Any]]) -> Where:
    application = (channel.get("dialplan") or {}).get("app_name", "")
    if application in ("StasisBroadcast", "Stasis"):
        return Where.OURS
    if application == "Queue":
        if any(other.get("state") == "Up" for other in others):
            return Where.PARACHUTE_TALKING
        if others:
            return Where.PARACHUTE_RINGING
        return Where.PARACHUTE_WAITING
    return Where.ELSEWHERE
