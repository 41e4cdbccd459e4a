"""What we ask of Asterisk for a caller who waits: music, speech over it, speech heard.

Speech is never played on the caller's own channel. Asterisk runs a channel's commands one after
the other, and a playback is one of them: while it lasts, the lease of that caller cannot be renewed
and the caller cannot be put into a bridge (measured on Asterisk 22: a lease renewal is not
answered, a join takes until the end of the speech). So each speech gets a *voice*, a channel of its
own that whispers to the caller (ARI's snoop). It mixes over the music, holds nothing up, goes on
without harm where it overlaps the first moment of a conversation, and ends with the caller.
"""

from collections.abc import Mapping, Sequence

from ccserver.telephony.actions import CONFLICT, NOT_FOUND, ARIRequests
from ccserver.telephony.ari import Path
from ccserver.telephony.errors import ARIRefused
from ccserver.types import LegId

COMMAND_TIMEOUT_S = 2.0
"""Each takes about 1 ms; what is not answered by then is not worth waiting for."""

SPEECH_SILENCE_MS = 500
"""Speech ends after this long a pause: longer than the gaps between words and the closure of a
consonant, short enough that a click is told from a word at once."""

SPEECH_LEVEL = 256
"""Mean absolute 16-bit sample of a 20 ms frame from which it counts as sound: -40 dBFS for noise.
Measured: noise at -45 dBFS and below is silence, speech at -42 dBFS, which is a whisper, is not."""


class WaitingActions:
    """Implements the Protocols of `ccserver.telephony.waiting` and `ccserver.telephony.speech`."""

    def __init__(self, ari: ARIRequests, *, application: str) -> None:
        self._ari = ari
        self._application = application

    async def open_voice(self, leg_id: LegId, voice_id: str) -> None:
        """A channel that only this caller hears; refused if the id exists or the caller is gone."""
        await self._request(
            "POST",
            ("channels", leg_id, "snoop", voice_id),
            {"spy": "none", "whisper": "out", "app": self._application},
        )

    async def play(self, voice_id: str, playback_id: str, media: Sequence[str]) -> None:
        """Say these, one after the other; one ``PlaybackFinished`` follows. Media hold no comma."""
        await self._request(
            "POST", ("channels", voice_id, "play", playback_id), {"media": ",".join(media)}
        )

    async def close_voice(self, voice_id: str) -> None:
        """End a voice in the middle of a word; one that is gone is as good."""
        await self._forgiving("DELETE", ("channels", voice_id), {"reason": "normal"})

    async def start_music(self, leg_id: LegId, music_class: str) -> None:
        """Play a music class to this channel; an unknown one is Asterisk's class ``default``."""
        await self._request("POST", ("channels", leg_id, "moh"), {"mohClass": music_class})

    async def stop_music(self, leg_id: LegId) -> None:
        """Stop it; a channel that is elsewhere or gone is as good."""
        await self._forgiving("DELETE", ("channels", leg_id, "moh"), {})

    async def listen(self, leg_id: LegId) -> None:
        """From now on tell by events when this caller begins and ceases to make sound."""
        await self._request(
            "POST",
            ("channels", leg_id, "variable"),
            {"variable": "TALK_DETECT(set)", "value": f"{SPEECH_SILENCE_MS},{SPEECH_LEVEL}"},
        )

    async def stop_listening(self, leg_id: LegId) -> None:
        """No more of these events; a channel that is elsewhere or gone is as good."""
        await self._forgiving(
            "POST",
            ("channels", leg_id, "variable"),
            {"variable": "TALK_DETECT(remove)", "value": ""},
        )

    async def _request(self, method: str, path: Path, params: Mapping[str, str]) -> None:
        await self._ari.request(method, path, params=params, deadline_s=COMMAND_TIMEOUT_S)

    async def _forgiving(self, method: str, path: Path, params: Mapping[str, str]) -> None:
        try:
            await self._request(method, path, params)
        except ARIRefused as refused:
            if refused.status not in (NOT_FOUND, CONFLICT):
                raise
