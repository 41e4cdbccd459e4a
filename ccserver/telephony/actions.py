"""What we ask of Asterisk for a call, one method per wish, each with the client's deadline.

Every id is chosen here, so that a repeated command is refused instead of done twice.
"""

from collections.abc import Mapping
from typing import Protocol

from ccserver.telephony.ari import JSONValue, Params, Path
from ccserver.telephony.errors import ARIAuthFailed, ARIMalformed, ARIRefused
from ccserver.types import ContactId, LegId

JSONObject = dict[str, JSONValue]
NOT_FOUND = 404
CONFLICT = 409
PARTY = "party"
"""The dialplan's context that records a leg of its own and then gives it to us."""


class ARIRequests(Protocol):
    """The part of `ccserver.telephony.ari.ARIClient` that is needed here."""

    async def request(
        self,
        method: str,
        path: Path,
        *,
        params: Params | None = None,
        json: JSONValue = None,
        deadline_s: float | None = None,
    ) -> JSONValue:
        """Send one command; raises the errors of `ccserver.telephony.errors`."""


class Actions:
    """Asterisk's channels and bridges, in our words."""

    def __init__(self, ari: ARIRequests, *, application: str) -> None:
        self._ari = ari
        self._application = application

    async def watch_all_channels(self) -> None:
        """Also receive the end of channels that are not in our application."""
        await self._ari.request(
            "POST",
            ("applications", self._application, "subscription"),
            params={"eventSource": "channel:"},
        )

    async def channels(self) -> list[JSONObject]:
        """All channels that exist, with the variables named in ``ari.conf``."""
        return await self._list("/channels")

    async def legs(self) -> frozenset[LegId]:
        """The ids of all channels that exist."""
        return frozenset(LegId(str(channel.get("id", ""))) for channel in await self.channels())

    async def bridges(self) -> list[JSONObject]:
        """All bridges that exist."""
        return await self._list("/bridges")

    async def endpoints(self) -> list[JSONObject]:
        """All SIP endpoints with their registration state."""
        return await self._list("/endpoints/PJSIP")

    async def packets(self, leg_id: LegId) -> tuple[int, int] | None:
        """How many packets of sound a leg was sent, and how many came from it, since it exists.

        ``None`` where nobody knows: it is gone, or its sound is not RTP (which ARI answers by 403).
        """
        try:
            found = await self._ari.request("GET", ("channels", leg_id, "rtp_statistics"))
        except (ARIRefused, ARIAuthFailed):
            return None
        counts = found if isinstance(found, dict) else {}
        sent, received = counts.get("txcount"), counts.get("rxcount")
        if not isinstance(sent, int) or not isinstance(received, int):
            return None
        return sent, received

    async def claim(self, leg_id: LegId) -> bool:
        """Take a broadcast caller; false if it is no longer to be had."""
        try:
            await self._ari.request(
                "POST",
                "/events/claim",
                params={"channelId": leg_id, "application": self._application},
            )
        except ARIRefused as refused:
            if refused.status in (NOT_FOUND, CONFLICT):
                return False
            raise
        return True

    async def ring(
        self,
        leg_id: LegId,
        *,
        endpoint: str,
        caller_id: str,
        timeout_s: int,
        variables: Mapping[str, str],
        recorded: bool = False,
    ) -> None:
        """Call a phone; its answer arrives as ``StasisStart`` of ``leg_id``.

        ``recorded``: by the dialplan, from the answer on, in a file of its own.
        """
        after_answer = {"app": self._application}
        if recorded:
            after_answer = {"context": PARTY, "extension": "s", "priority": "1"}
            variables = {**variables, "APPLICATION": self._application}
        await self._ari.request(
            "POST",
            ("channels", leg_id),
            params={
                "endpoint": f"PJSIP/{endpoint}",
                **after_answer,
                "callerId": caller_id,
                "timeout": str(timeout_s),
            },
            json={"variables": dict(variables)},
        )

    async def dial(
        self,
        leg_id: LegId,
        *,
        endpoint: str,
        context: str,
        caller_id: str,
        timeout_s: int,
        variables: Mapping[str, str],
    ) -> None:
        """Call a citizen, whose answer goes into the dialplan: recorded first, then offered."""
        await self._ari.request(
            "POST",
            ("channels", leg_id),
            params={
                "endpoint": f"PJSIP/{endpoint}",
                "context": context,
                "extension": "s",
                "priority": "1",
                "callerId": caller_id,
                "timeout": str(timeout_s),
            },
            json={"variables": dict(variables)},
        )

    async def ring_back(self, leg_id: LegId) -> None:
        """Let an answered leg hear that somebody's phone rings."""
        await self._ari.request("POST", ("channels", leg_id, "ring"))

    async def stop_ring_back(self, leg_id: LegId) -> None:
        """No ringing any more."""
        await self._forgiving("DELETE", ("channels", leg_id, "ring"), {})

    async def mute(self, leg_id: LegId) -> None:
        """Nobody hears this leg."""
        await self._ari.request("POST", ("channels", leg_id, "mute"), params={"direction": "in"})

    async def unmute(self, leg_id: LegId) -> None:
        """It is heard again."""
        await self._ari.request("DELETE", ("channels", leg_id, "mute"), params={"direction": "in"})

    async def snoop(self, leg_id: LegId, snoop_id: LegId) -> None:
        """A channel that hears what this leg says and hears, and speaks to this leg alone."""
        await self._ari.request(
            "POST",
            ("channels", leg_id, "snoop", snoop_id),
            params={"spy": "both", "whisper": "out", "app": self._application},
        )

    async def hang_up(self, leg_id: LegId, *, reason: str = "normal") -> None:
        """End a leg; one that is already gone is as good."""
        await self._forgiving("DELETE", ("channels", leg_id), {"reason": reason})

    async def set_variable(
        self, leg_id: LegId, name: str, value: str, *, deadline_s: float | None = None
    ) -> None:
        """Set a channel variable or dialplan function."""
        await self._ari.request(
            "POST",
            ("channels", leg_id, "variable"),
            params={"variable": name, "value": value},
            deadline_s=deadline_s,
        )

    async def set_variables(self, leg_id: LegId, variables: Mapping[str, str]) -> None:
        """Set several in one command: all of them, or none where the leg is refused."""
        await self._ari.request(
            "POST", ("channels", leg_id, "variables"), json={"variables": dict(variables)}
        )

    async def set_lease(
        self, leg_id: LegId, seconds: int, *, deadline_s: float | None = None
    ) -> None:
        """Renew the dead-man lease; 0 clears it."""
        await self.set_variable(leg_id, "TIMEOUT(absolute)", str(seconds), deadline_s=deadline_s)

    async def start_music(self, leg_id: LegId, music_class: str) -> None:
        """Play a music class to this channel alone."""
        await self._ari.request(
            "POST", ("channels", leg_id, "moh"), params={"mohClass": music_class}
        )

    async def stop_music(self, leg_id: LegId) -> None:
        """Stop the music on this channel."""
        await self._forgiving("DELETE", ("channels", leg_id, "moh"), {})

    async def make_bridge(self, bridge_id: str, contact_id: ContactId) -> None:
        """Create the conversation's bridge; one that is already there is as good."""
        await self._forgiving(
            "POST", ("bridges", bridge_id), {"type": "mixing", "name": contact_id}
        )

    async def join(self, bridge_id: str, *leg_ids: LegId) -> None:
        """Put legs into a bridge."""
        await self._ari.request(
            "POST", ("bridges", bridge_id, "addChannel"), params={"channel": ",".join(leg_ids)}
        )

    async def leave(self, bridge_id: str, leg_id: LegId) -> None:
        """Take a leg out of a bridge; one that is not in it is as good."""
        await self._forgiving(
            "POST", ("bridges", bridge_id, "removeChannel"), {"channel": leg_id}, also=(400, 422)
        )

    async def destroy_bridge(self, bridge_id: str) -> None:
        """Remove a bridge. Asterisk never collects one by itself."""
        await self._forgiving("DELETE", ("bridges", bridge_id), {})

    async def _list(self, path: str) -> list[JSONObject]:
        answer = await self._ari.request("GET", path)
        if not isinstance(answer, list):
            raise ARIMalformed(f"{path}: expected a list")
        return [item for item in answer if isinstance(item, dict)]

    async def _forgiving(
        self, method: str, path: Path, params: Mapping[str, str], also: tuple[int, ...] = ()
    ) -> None:
        try:
            await self._ari.request(method, path, params=params)
        except ARIRefused as refused:
            if refused.status not in (NOT_FOUND, CONFLICT, *also):
                raise
