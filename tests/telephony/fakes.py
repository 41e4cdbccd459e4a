"""A fake Asterisk for call control, in virtual time: channels, bridges, leases, hang-up handlers.

It answers ARI's commands and emits ARI's events as Asterisk 22 with our dialplan does
(`tests/telephony/test_fake_contract.py` holds it to the real one), loses, delays and repeats what a
test wants lost, and checks after each of its steps that no caller is unguarded.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ccserver.telephony.ari import JSONValue, Params, Path
from ccserver.telephony.errors import ARIRefused, ARITimeout, ARIUnavailable, TelephonyError
from tests.telephony.verbs import verb_of

Event = dict[str, Any]

BROADCAST_S = 0.5
QUEUE_S = 30.0
NORMAL, CONGESTION, NO_ANSWER = 16, 34, 19
CAUSES = {"normal": NORMAL, "congestion": CONGESTION, "no_answer": NO_ANSWER}
REQUEST_TIMEOUT_S = 2.0
SHOWN_VARIABLES = (
    "CONTACT_ID",
    "ARRIVED_AT",
    "CALLER_NUMBER",
    "CALLER_HIDDEN",
    "CALLED_NUMBER",
    "DIRECTION",
    "QUEUE",
    "LANGUAGE",
    "CANNOT_SPEAK",
    "LEGS",
    "CONVERSATION",
    "AGENT_ID",
    "OFFER_ID",
    "PARTY_KIND",
    "PARTY_NUMBER",
    "PARTY_NAME",
    "CONNECTED",
    "HELD",
    "MUTED",
    "RECORDING",
    "SERVICE",
    "TRUNK",
    "SIP_CALL_ID",
    "CALL_DATA",
    "MSD_ACK",
)
GROUP = "GROUP(conversation)"
LEG_PREFIXES = ("leg-", "party-", "monitor-")


@dataclass(slots=True)
class Channel:
    """One leg, as Asterisk has it."""

    id: str
    name: str
    state: str = "Up"
    app: str = ""
    context: str = "contact"
    in_app: bool = False
    variables: dict[str, str] = field(default_factory=dict)
    music: str | None = None
    lease_at: float | None = None
    leave_at: float | None = None
    """When the dialplan goes on by itself: the broadcast or the queue has timed out."""
    bridge: str | None = None
    muted: bool = False
    snoops_on: str | None = None
    dying: bool = False

    def as_json(self) -> Event:
        shown = {name: self.variables.get(name, "") for name in SHOWN_VARIABLES}
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "dialplan": {
                "context": self.context,
                "exten": "claim",
                "priority": 2,
                "app_name": self.app,
                "app_data": "",
            },
            "channelvars": shown,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one command: when it is carried out, and what the client gets to know."""

    before_s: float = 0.001
    after_s: float = 0.0
    done: bool = True
    error: TelephonyError | None = None


LOST_BEFORE = Outcome(before_s=REQUEST_TIMEOUT_S, done=False, error=ARITimeout("lost"))
LOST_AFTER = Outcome(after_s=REQUEST_TIMEOUT_S, error=ARITimeout("answer lost"))
BROKEN = Outcome(done=False, error=ARIUnavailable("broken"))


EPOCH_S = 1_767_225_600.0  # 2026-01-01: where virtual time begins


class FakeAsterisk:
    """``deliver`` gets the events; ``faults`` decides about each command that has no plan."""

    def __init__(self, *, lease_s: float = 6.0) -> None:
        self.deliver: Callable[[Event], None] = lambda event: None
        self.faults: Callable[[str], Outcome] = lambda verb: Outcome()
        self.event_delay: Callable[[str], float] = lambda channel_id: 0.0005
        self.event_repeats: Callable[[Event], int] = lambda event: 1
        self.lease_s = lease_s
        self.channels: dict[str, Channel] = {}
        self.bridges: dict[str, list[str]] = {}
        self.unnoticed_joins: Counter[str] = Counter()
        """How many of the next joins the mixing thread of a bridge will not notice."""
        self.mixing: set[str] = set()
        """Bridges that send sound to those in them."""
        self.soundless: set[str] = set()
        """Legs from which no sound comes."""
        self.connected = True
        self.commands: list[str] = []
        self.unguarded: list[str] = []
        self.unguarded_max_s = 0.0
        self._alone_since: dict[str, float] = {}
        self.phones_rung: Counter[str] = Counter()
        self._plans: dict[str, list[Outcome]] = {}
        self._gates: dict[str, asyncio.Event] = {}
        self._last_event_at: dict[str, float] = {}
        self._number = 0

    # -- what a test arranges -------------------------------------------------------------------

    def plan(self, verb: str, *outcomes: Outcome) -> None:
        """The next commands of this kind end like this."""
        self._plans.setdefault(verb, []).extend(outcomes)

    def hold_back(self, verb: str) -> asyncio.Event:
        """Commands of this kind are carried out only after the returned event is set."""
        return self._gates.setdefault(verb, asyncio.Event())

    def call(
        self,
        contact_id: str,
        variables: Mapping[str, str] | None = None,
        *,
        arrived_at: float | None = None,
    ) -> Channel:
        """A citizen dials 112; the caller is on offer to the controllers."""
        self._number += 1
        if arrived_at is None:
            arrived_at = EPOCH_S + asyncio.get_running_loop().time()
        caller = Channel(
            f"caller-{contact_id}",
            f"PJSIP/trunk-{self._number:08x}",
            variables={
                "CONTACT_ID": contact_id,
                "ARRIVED_AT": f"{arrived_at + self._number / 1000:.3f}",
                "CALLER_NUMBER": f"2{self._number:07d}",
                "CALLER_HIDDEN": "0",
                "CALLED_NUMBER": "112",
                **(variables or {}),
            },
            music="emergency",
        )
        self.channels[caller.id] = caller
        self._to_claim(caller)
        return caller

    def answer(self, leg_id: str) -> None:
        """A phone that we rang is picked up: a citizen's goes into the dialplan."""
        leg = self.channels.get(leg_id)
        if leg is None or leg.state != "Ringing":
            return
        leg.state = "Up"
        if leg.id.startswith("call-"):
            self._to_claim(leg)
            leg.music = None
        else:
            if leg.context == "party":
                leg.variables["RECORDING"] = f"{leg.variables['CONTACT_ID']}.{leg.id}"
            leg.in_app, leg.app = True, "Stasis"
            self._emit("StasisStart", leg)
        self.check()

    def hang_up(self, channel_id: str, cause: int = NORMAL) -> None:
        """A leg ends, whoever wanted it: events, hang-up handler, nothing left."""
        channel = self.channels.get(channel_id)
        if channel is None or channel.dying:
            return
        channel.dying = True
        self._emit("ChannelHangupRequest", channel, cause=cause)
        self._leave_application(channel)
        self._handler(channel, cause)
        self._stop_parachute(channel)
        del self.channels[channel.id]
        for snoop in [c for c in self.channels.values() if c.snoops_on == channel.id]:
            self.hang_up(snoop.id)
        self._emit("ChannelDestroyed", channel, cause=cause)
        self.check()

    def ring_parachute(self, caller: Channel, endpoint: str) -> Channel:
        """The parachute queue rings a phone for this caller."""
        self._number += 1
        phone = Channel(
            f"queue-{self._number}",
            f"PJSIP/{endpoint}-{self._number:08x}",
            state="Ringing",
            app="AppQueue",
            variables={"CONTACT_ID": caller.variables["CONTACT_ID"], "PARACHUTE": "1"},
        )
        self.channels[phone.id] = phone
        return phone

    def answer_parachute(self, caller: Channel, phone: Channel) -> None:
        """That phone takes the caller."""
        phone.state, phone.variables["CONNECTED"] = "Up", "1"
        caller.leave_at = caller.music = None

    async def redirect_to_claim(self, channel_name: str) -> None:
        """AMI's Redirect, as the composition root sends it."""
        self.commands.append("redirect")
        for channel in list(self.channels.values()):
            if channel.name == channel_name:
                self._leave_application(channel)
                self._to_claim(channel)

    def callers(self) -> list[Channel]:
        """Every citizen's leg."""
        return [c for c in self.channels.values() if c.variables.get("ARRIVED_AT")]

    def legs(self) -> list[Channel]:
        """Every leg beside a caller's that a controller originated."""
        return [c for c in self.channels.values() if c.id.startswith(LEG_PREFIXES)]

    def guard(self, caller: Channel) -> Channel | None:
        """The leg in the caller's bridge whose end would not be overlooked."""
        conversation = caller.variables.get("SHARED(CONVERSATION)")
        for other in map(self.channels.get, self.bridges.get(caller.bridge or "", [])):
            if other is not None and conversation and other.variables.get(GROUP) == conversation:
                return other
        return None

    def _false_guards(self, caller: Channel) -> list[Channel]:
        """Legs that the others' handlers would count on, and that are not with the caller."""
        conversation = caller.variables.get("SHARED(CONVERSATION)")
        return [
            leg
            for leg in self.legs()
            if conversation
            and leg.variables.get(GROUP) == conversation
            and leg.bridge != caller.bridge
        ]

    def check(self) -> None:
        """In the application: a lease, or a guarded call taker's leg.

        One exception is known and bounded: a command "no lease" that Asterisk carries out late,
        when the call taker's leg is gone and the caller is claimed anew. The next renewal ends it.
        """
        alone = {}
        for caller in self.callers():
            open_ = caller.in_app and caller.lease_at is None
            if open_ and (self.guard(caller) is None or self._false_guards(caller)):
                since = alone[caller.id] = self._alone_since.get(caller.id, _now())
                if _now() - since >= self.unguarded_max_s:
                    self.unguarded.append(f"{caller.id} since {since:.4f} {self.commands[-3:]}")
        self._alone_since = alone

    # -- commands -------------------------------------------------------------------------------

    async def request(
        self,
        method: str,
        path: Path,
        *,
        params: Params | None = None,
        json: JSONValue = None,
        deadline_s: float | None = None,
    ) -> JSONValue:
        """Implements `ccserver.telephony.actions.ARIRequests`."""
        parts = tuple(path.strip("/").split("/")) if isinstance(path, str) else path
        values = {key: str(value) for key, value in (params or {}).items()}
        if parts[-1] == "variables" and isinstance(json, dict):
            given = json["variables"]
            assert isinstance(given, dict)
            values = {key: str(value) for key, value in given.items()}
        verb = verb_of(method, parts, values)
        if not self.connected:
            raise ARIUnavailable("not connected to ARI")
        plans = self._plans.get(verb)
        outcome = plans.pop(0) if plans else self.faults(verb)
        carried_out = asyncio.ensure_future(self._carry_out(verb, parts, values, json, outcome))
        carried_out.add_done_callback(lambda task: task.cancelled() or task.exception())
        limit_s = REQUEST_TIMEOUT_S if deadline_s is None else deadline_s
        try:
            # Asterisk does not know that the client has given up.
            answer = await asyncio.wait_for(asyncio.shield(carried_out), limit_s)
        except TimeoutError:
            raise ARITimeout("no answer") from None
        if outcome.error is not None:
            raise outcome.error
        return answer

    async def _carry_out(
        self,
        verb: str,
        parts: tuple[str, ...],
        values: Mapping[str, str],
        json: JSONValue,
        outcome: Outcome,
    ) -> JSONValue:
        if outcome.before_s:
            await asyncio.sleep(outcome.before_s)
        gate = self._gates.get(verb)
        if gate is not None:
            await gate.wait()
        answer: JSONValue = None
        refused: ARIRefused | None = None
        if outcome.done:
            self.commands.append(verb)
            try:
                answer = self._do(verb, parts, values, json)
            except ARIRefused as error:
                refused = error
            self.check()
        if outcome.after_s:
            await asyncio.sleep(outcome.after_s)
        if refused is not None and outcome.error is None:
            raise refused
        return answer

    def _do(  # noqa: C901, PLR0912 - one line per command of Asterisk
        self, verb: str, parts: tuple[str, ...], values: Mapping[str, str], json: JSONValue
    ) -> JSONValue:
        match verb.partition(":")[0], parts:
            case "channels", _:
                return [channel.as_json() for channel in self.channels.values()]
            case "packets", (_, channel_id, _):
                return self._packets(self._channel(channel_id))
            case "bridges", _:
                return [{"id": name, "channels": list(c)} for name, c in self.bridges.items()]
            case "subscribe", _:
                return None
            case "claim", _:
                self._claim(values["channelId"])
            case "originate" | "dial", (_, leg_id):
                self._originate(leg_id, values, json)
            case "mute" | "unmute", (_, channel_id, _):
                self._ours(channel_id).muted = verb == "mute"
            case "ring_back" | "no_ring_back", (_, channel_id, _):
                self._ours(channel_id)
            case "snoop", (_, channel_id, _, snoop_id):
                self._snoop(channel_id, snoop_id)
            case "hang_up", (_, channel_id):
                self.hang_up(self._channel(channel_id).id, CAUSES[values["reason"]])
            case "variable", (_, channel_id, "variable"):
                self._set(self._ours(channel_id), values["variable"], values["value"])
            case "variable", (_, channel_id, _):
                leg = self._ours(channel_id)
                for name, value in values.items():
                    self._set(leg, name, value)
            case "music", (_, channel_id, _):
                self._ours(channel_id).music = values["mohClass"]
            case "no_music", (_, channel_id, _):
                self._ours(channel_id).music = None
            case "bridge", (_, bridge_id):
                if bridge_id in self.bridges:
                    raise ARIRefused(409, "Bridge with id already exists")
                self.bridges[bridge_id] = []
            case "no_bridge", (_, bridge_id):
                self._bridge(bridge_id)
                for channel in self.channels.values():
                    channel.bridge = None if channel.bridge == bridge_id else channel.bridge
                del self.bridges[bridge_id]
                self.mixing.discard(bridge_id)
            case "join", (_, bridge_id, _):
                self._join(bridge_id, values["channel"].split(","))
            case "leave", (_, bridge_id, _):
                self._leave(bridge_id, values["channel"])
            case _:
                raise ARIRefused(404, "Resource not found")
        return None

    def _channel(self, channel_id: str) -> Channel:
        channel = self.channels.get(channel_id)
        if channel is None or channel.dying:
            raise ARIRefused(404, "Channel not found")
        return channel

    def _ours(self, channel_id: str) -> Channel:
        channel = self._channel(channel_id)
        if not channel.in_app:
            raise ARIRefused(409, "Channel not in Stasis application")
        return channel

    def _bridge(self, bridge_id: str) -> list[str]:
        if bridge_id not in self.bridges:
            raise ARIRefused(404, "Bridge not found")
        return self.bridges[bridge_id]

    def _claim(self, channel_id: str) -> None:
        channel = self._channel(channel_id)
        if channel.app != "StasisBroadcast" or channel.in_app:
            raise ARIRefused(404, "Channel is not available for claiming")
        channel.in_app, channel.leave_at = True, None
        self._emit("StasisStart", channel)

    def _originate(self, leg_id: str, values: Mapping[str, str], json: JSONValue) -> None:
        if leg_id in self.channels:
            raise ARIRefused(409, "Channel with given unique ID already exists")
        assert isinstance(json, dict)
        given = json["variables"]
        assert isinstance(given, dict)
        self.phones_rung[values["endpoint"]] += 1
        self.channels[leg_id] = Channel(
            leg_id,
            f"{values['endpoint']}-{len(self.phones_rung):08x}",
            state="Ringing",
            app="AppDial2",
            context=values.get("context", ""),
            variables={key: str(value) for key, value in given.items()},
        )

    def _snoop(self, channel_id: str, snoop_id: str) -> None:
        self._channel(channel_id)
        if snoop_id in self.channels:
            raise ARIRefused(409, "Channel with given unique ID already exists")
        snoop = Channel(snoop_id, f"Snoop/{channel_id}", app="Stasis", in_app=True)
        snoop.snoops_on = channel_id
        self.channels[snoop_id] = snoop
        self._emit("StasisStart", snoop)

    def _set(self, channel: Channel, name: str, value: str) -> None:
        if name == "TIMEOUT(absolute)":
            seconds = float(value)
            channel.lease_at = _now() + seconds if seconds else None
            if channel.lease_at is not None:
                _at(channel.lease_at, self._lease_over, channel)
        else:
            channel.variables[name] = value

    def _join(self, bridge_id: str, channel_ids: list[str]) -> None:
        members = self._bridge(bridge_id)
        for channel_id in channel_ids:
            if channel_id not in self.channels or self.channels[channel_id].dying:
                raise ARIRefused(400, "Channel not found")
            if not self.channels[channel_id].in_app:
                raise ARIRefused(422, "Channel not in Stasis application")
        for channel_id in channel_ids:
            if channel_id not in members:
                members.append(channel_id)
            self.channels[channel_id].bridge = bridge_id
            if self.unnoticed_joins[bridge_id]:
                self.unnoticed_joins[bridge_id] -= 1
            else:
                self.mixing.add(bridge_id)

    def _packets(self, channel: Channel) -> JSONValue:
        """50 a second in both directions, from when time began; none from a bridge that sleeps."""
        count = int(_now() * 50)
        silent = channel.bridge is not None and channel.bridge not in self.mixing
        received = 0 if channel.id in self.soundless else count
        return {"txcount": 0 if silent else count, "rxcount": received}

    def _leave(self, bridge_id: str, channel_id: str) -> None:
        members = self._bridge(bridge_id)
        if channel_id not in self.channels:
            raise ARIRefused(400, "Channel not found")
        if channel_id not in members:
            raise ARIRefused(422, "Channel not in this bridge")
        members.remove(channel_id)
        self.channels[channel_id].bridge = None

    # -- the dialplan ---------------------------------------------------------------------------

    def _stop_parachute(self, caller: Channel) -> None:
        """Queue() lets go of the phones that it rang for this caller."""
        for phone in list(self.channels.values()):
            of_caller = phone.variables.get("CONTACT_ID") == caller.variables.get("CONTACT_ID")
            if phone.id.startswith("queue-") and of_caller and caller.variables.get("ARRIVED_AT"):
                self.hang_up(phone.id)

    def _to_claim(self, caller: Channel) -> None:
        self._stop_parachute(caller)
        caller.app, caller.leave_at = "StasisBroadcast", _now() + BROADCAST_S
        self._forget_conversation(caller)
        caller.music = "emergency"
        self._set(caller, "TIMEOUT(absolute)", str(self.lease_s))
        _at(caller.leave_at, self._go_on, caller)
        self._emit("CallBroadcast", caller)

    def _forget_conversation(self, caller: Channel) -> None:
        for name in (
            *("SHARED(CONVERSATION)", "CONVERSATION"),
            *("SHARED(HELD)", "HELD", "LEGS"),
        ):
            caller.variables[name] = ""

    def _to_parachute(self, caller: Channel) -> None:
        caller.app, caller.music = "Queue", "emergency"
        self._forget_conversation(caller)
        caller.lease_at, caller.leave_at = None, _now() + QUEUE_S
        _at(caller.leave_at, self._go_on, caller)

    def _go_on(self, caller: Channel) -> None:
        if caller.id not in self.channels or caller.leave_at is None or caller.leave_at > _now():
            return
        if caller.app == "Queue":
            self._to_claim(caller)
        else:
            self._to_parachute(caller)
        self.check()

    def _lease_over(self, caller: Channel) -> None:
        at = caller.lease_at
        if caller.id not in self.channels or at is None or at > _now():
            return
        self._leave_application(caller)
        self._to_parachute(caller)
        self.check()

    def _leave_application(self, channel: Channel) -> None:
        if channel.bridge is not None:
            self.bridges[channel.bridge].remove(channel.id)
            channel.bridge = None
        if channel.in_app:
            channel.in_app = False
            self._emit("StasisEnd", channel)

    def _handler(self, channel: Channel, cause: int) -> None:
        if channel.id.startswith(LEG_PREFIXES):
            self._keeper_gone(channel, cause)
        elif channel.variables.get("ARRIVED_AT"):
            for name in channel.variables.get("LEGS", "").split("&"):
                leg = self.channels.get(name)
                if leg is not None and not leg.dying:
                    self._leave_application(leg)
                    leg.variables["RELEASED"] = "1"
                    self.hang_up(leg.id)

    def _keeper_gone(self, leg: Channel, cause: int) -> None:
        """Leave the group, then count who is left in it."""
        conversation = leg.variables.get(GROUP, "")
        leg.variables[GROUP] = ""
        wanted = leg.variables.get("CALLER_CHANNEL")
        caller = next((c for c in self.channels.values() if wanted in (c.name, c.id)), None)
        if not conversation or leg.variables.get("RELEASED") == "1":
            return
        if caller is None or caller.dying:
            return
        if caller.variables.get("SHARED(CONVERSATION)") != conversation:
            return
        if any(c.variables.get(GROUP) == conversation for c in self.channels.values()):
            return
        held = caller.variables.get("SHARED(HELD)") == "1"
        self._leave_application(caller)
        if held or cause != NORMAL:
            self._to_claim(caller)
        else:
            self.hang_up(caller.id)

    # -- events ---------------------------------------------------------------------------------

    def _emit(self, kind: str, channel: Channel, **more: object) -> None:
        """In order for one channel, in any order between two."""
        if not self.connected:
            return
        event = {"type": kind, "channel": channel.as_json(), **more}
        at = max(
            _now() + self.event_delay(channel.id), self._last_event_at.get(channel.id, 0) + 1e-9
        )
        self._last_event_at[channel.id] = at
        for _ in range(self.event_repeats(event)):
            _at(at, self.deliver_now, event)

    def deliver_now(self, event: Event) -> None:
        """Unless the connection is gone, and the event with it."""
        if self.connected:
            self.deliver(event)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _at(when: float, what: Callable[..., None], *arguments: object) -> None:
    asyncio.get_running_loop().call_at(when, what, *arguments)
