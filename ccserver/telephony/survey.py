"""Reads Asterisk's channels and bridges and says which contacts they are. Pure.

After a restart, and after every reconnect, this is the only source: a channel's variables hold
the contact id, the arrival and the call taker, so the queue can be rebuilt from Asterisk alone.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ccserver.telephony.call import (
    BRIDGE_PREFIX,
    CallFacts,
    bridge_id_of,
    offer_of_leg,
)
from ccserver.types import AgentId, LegId, OfferId


class Where(StrEnum):
    """What a caller is doing in Asterisk."""

    OURS = "ours"  # in our application (or about to be offered to it)
    PARACHUTE_WAITING = "parachute_waiting"  # in Queue(), no phone rings
    PARACHUTE_RINGING = "parachute_ringing"  # in Queue(), at least one phone rings
    PARACHUTE_TALKING = "parachute_talking"  # in Queue(), a call taker answered
    ELSEWHERE = "elsewhere"  # on its way between two applications, or ending


@dataclass(frozen=True, slots=True)
class FoundLeg:
    """A call taker's leg that we once originated."""

    leg_id: LegId
    offer_id: OfferId
    agent_id: AgentId
    up: bool
    connected: bool
    held: bool
    contact_id: str


@dataclass(frozen=True, slots=True)
class FoundCaller:
    """A caller's channel, where it is, and the call taker in conversation with it."""

    facts: CallFacts
    leg_id: LegId
    channel: str
    where: Where
    in_bridge: bool
    agent_leg: FoundLeg | None
    parachute_agent_channel: str | None


@dataclass(frozen=True, slots=True)
class Survey:
    """All that was found; ``callers`` in order of arrival."""

    callers: tuple[FoundCaller, ...]
    stray_legs: tuple[LegId, ...]
    stray_bridges: tuple[str, ...]
    bridges: frozenset[str]
    legs_up: Mapping[LegId, bool]
    """All legs of offers that exist, and whether they have been answered."""


def survey(channels: Iterable[Mapping[str, Any]], bridges: Iterable[Mapping[str, Any]]) -> Survey:
    """Sort channels and bridges out; see the module's docstring."""
    channels, bridges = list(channels), list(bridges)
    legs = [leg for channel in channels if (leg := _agent_leg(channel)) is not None]
    bridged = {channel for bridge in bridges for channel in bridge.get("channels", ())}
    connected: dict[str, list[FoundLeg]] = {}
    for leg in legs:
        if leg.up and leg.connected:
            connected.setdefault(leg.contact_id, []).append(leg)
    callers = []
    for channel in channels:
        facts = _caller_facts(channel)
        if facts is None:
            continue
        others = [other for other in channels if _rung_for(other, facts, channel)]
        callers.append(
            FoundCaller(
                facts=facts,
                leg_id=LegId(channel["id"]),
                channel=channel.get("name", ""),
                where=_where(channel, others),
                in_bridge=channel["id"] in bridged,
                agent_leg=_agent_leg_of(channel, connected.get(facts.contact_id, ()), bridged),
                parachute_agent_channel=next(
                    (other.get("name", "") for other in others if other.get("state") == "Up"), None
                ),
            )
        )
    callers.sort(key=lambda caller: (caller.facts.arrived_at, caller.leg_id))
    kept = {caller.agent_leg.leg_id for caller in callers if caller.agent_leg}
    wanted = {bridge_id_of(caller.facts.contact_id) for caller in callers}
    ours = [bridge["id"] for bridge in bridges if bridge["id"].startswith(BRIDGE_PREFIX)]
    return Survey(
        callers=tuple(callers),
        stray_legs=tuple(leg.leg_id for leg in legs if leg.leg_id not in kept),
        stray_bridges=tuple(bridge_id for bridge_id in ours if bridge_id not in wanted),
        bridges=frozenset(ours),
        legs_up={leg.leg_id: leg.up for leg in legs},
    )


def _variables(channel: Mapping[str, Any]) -> Mapping[str, str]:
    return channel.get("channelvars") or {}


def _caller_facts(channel: Mapping[str, Any]) -> CallFacts | None:
    if offer_of_leg(channel["id"]) is not None:
        return None
    return CallFacts.from_channel_variables(_variables(channel))


def _agent_leg(channel: Mapping[str, Any]) -> FoundLeg | None:
    offer_id = offer_of_leg(channel["id"])
    if offer_id is None:
        return None
    variables = _variables(channel)
    return FoundLeg(
        leg_id=LegId(channel["id"]),
        offer_id=offer_id,
        agent_id=AgentId(variables.get("AGENT_ID", "")),
        up=channel.get("state") == "Up",
        connected=variables.get("CONNECTED") == "1",
        held=variables.get("HELD") == "1",
        contact_id=variables.get("CONTACT_ID", ""),
    )


def _agent_leg_of(
    channel: Mapping[str, Any], legs: Iterable[FoundLeg], bridged: Collection[str]
) -> FoundLeg | None:
    """Should two legs claim a caller: the last one joined, else one that is in a bridge."""
    joined = _variables(channel).get("AGENT_CHANNEL")
    return max(
        legs,
        key=lambda leg: (leg.leg_id == joined, leg.leg_id in bridged, leg.leg_id),
        default=None,
    )


def _rung_for(
    other: Mapping[str, Any], facts: CallFacts, caller_channel: Mapping[str, Any]
) -> bool:
    """Whether ``other`` is a phone that the parachute queue rings, or rang, for the caller."""
    return (
        other is not caller_channel
        and offer_of_leg(other["id"]) is None
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
