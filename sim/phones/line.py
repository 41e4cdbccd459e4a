"""One phone and one call of it, on pjsua2.

Everything here runs in the one thread that polls the library. A callback never raises into C++:
``guarded`` turns an exception into a ``fault`` event. No pjsua2 object is deleted inside a
callback; the engine drops finished calls afterwards.
"""

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pjsua2 as pj

from sim.phones.ear import Ear
from sim.phones.protocol import Add, Behaviour, CallStep, Dial, Write, parse_headers

if TYPE_CHECKING:
    from sim.phones.engine import Engine

REGISTER_RETRY_S = 2  # a registrar that comes back is found again soon
AUDIBLE_LEVEL = 3  # of 100, a mu-law step of the frame's mean: about -50 dBFS
ANSWER_AFTER_NOW = re.compile(r"answer-after\s*=\s*0\b", re.IGNORECASE)


def guarded(callback: Callable[..., None]) -> Callable[..., None]:
    """Keep an exception of ours out of the library that calls us."""

    @functools.wraps(callback)
    def call(self: Any, *arguments: Any) -> None:
        try:
            callback(self, *arguments)
        except Exception as error:
            self.engine.fault(callback.__qualname__, error)

    return call


def readable(text: str) -> str:
    """Replace bytes of a peer that are no UTF-8, which JSON could not carry."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class Phone(pj.Account):  # type: ignore[misc]
    """A phone: an account, a voice, a behaviour."""

    def __init__(self, engine: "Engine", settings: Add, uri: str, voice: Path) -> None:
        super().__init__()
        self.engine = engine
        self.name = settings.name
        self.behaviour = settings.behaviour
        self.uri = uri
        self.incoming_count = 0
        self._addressees: dict[str, Any] = {}
        # pjmedia's own tone generator is no pure tone: at 3 kHz its aliases are other parties.
        self.voice = pj.AudioMediaPlayer()
        self.voice.createPlayer(str(voice))
        self.create(self._config(settings), False)

    def _config(self, settings: Add) -> Any:
        config = pj.AccountConfig()
        display = f'"{settings.display}" ' if settings.display else ""
        config.idUri = f"{display}<{self.uri}>"
        if settings.registrar:
            config.regConfig.registrarUri = settings.registrar
            config.regConfig.timeoutSec = settings.expires_s
            config.regConfig.retryIntervalSec = REGISTER_RETRY_S
            config.regConfig.firstRetryIntervalSec = REGISTER_RETRY_S
            config.regConfig.unregWaitMsec = 500
        if settings.username is not None and settings.password is not None:
            credentials = pj.AuthCredInfo("digest", "*", settings.username, 0, settings.password)
            config.sipConfig.authCreds.append(credentials)
        config.sipConfig.transportId = self.engine.transport
        config.natConfig.contactRewriteUse = 0
        config.natConfig.viaRewriteUse = 0
        config.natConfig.sdpNatRewriteUse = 0
        config.natConfig.udpKaIntervalSec = 0
        config.callConfig.timerUse = pj.PJSUA_SIP_TIMER_INACTIVE
        config.mediaConfig.transportConfig.boundAddress = self.engine.address
        config.mediaConfig.transportConfig.port = 0  # any free pair of ports
        return config

    def talking(self) -> bool:
        """Tell whether a call of this phone is ringing or connected."""
        return any(call.phone is self and not call.over for call in self.engine.calls.values())

    def write(self, wanted: Write) -> None:
        """Send a text; raises ``pj.Error`` where the library refuses."""
        addressee = self._addressees.get(wanted.uri)
        if addressee is None:
            # The library sends texts to "buddies" only.
            config = pj.BuddyConfig()
            config.uri = wanted.uri
            addressee = pj.Buddy()
            addressee.create(self, config)
            self._addressees[wanted.uri] = addressee
        parameters = pj.SendInstantMessageParam()
        parameters.content = wanted.text
        parameters.contentType = "text/plain;charset=UTF-8"
        for name, value in wanted.headers.items():
            header = pj.SipHeader()
            header.hName, header.hValue = name, value
            parameters.txOption.headers.append(header)
        addressee.sendInstantMessage(parameters)

    def forget_addressees(self) -> None:
        """Let go of them before the library goes."""
        self._addressees.clear()

    @guarded
    def onInstantMessage(self, prm: Any) -> None:  # noqa: N802
        """Report a text; the library has answered it."""
        self.engine.emit(
            "text",
            phone=self.name,
            from_uri=readable(prm.fromUri),
            content_type=readable(prm.contentType),
            text=readable(prm.msgBody),
        )

    @guarded
    def onInstantMessageStatus(self, prm: Any) -> None:  # noqa: N802
        """Report the answer to a text of ours."""
        self.engine.emit(
            "text_answered", phone=self.name, code=prm.code, text=readable(prm.msgBody)
        )

    @guarded
    def onRegState(self, prm: Any) -> None:  # noqa: N802
        """Report the registrar's answer."""
        if prm.code // 100 != 2:
            self.engine.emit(
                "registration_failed", phone=self.name, code=prm.code, reason=readable(prm.reason)
            )
        elif prm.expiration:
            self.engine.emit("registered", phone=self.name, expires_s=prm.expiration)
        else:
            self.engine.emit("unregistered", phone=self.name)

    @guarded
    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802
        """Let the phone ring, and behave."""
        self.incoming_count += 1
        busy = self.behaviour.busy_when_talking and self.talking()
        call = PhoneCall(self, f"{self.name}<{self.incoming_count}", prm.callId)
        self.engine.calls[call.name] = call
        info = call.getInfo()
        headers = parse_headers(readable(prm.rdata.wholeMsg))
        call.emit(
            "incoming",
            from_uri=readable(info.remoteUri),
            to_uri=readable(info.localUri),
            sip_call_id=readable(info.callIdString),
            headers=headers,
        )
        call.receive(headers, busy=busy)


class PhoneCall(pj.Call):  # type: ignore[misc]
    """One call of a phone, either direction."""

    def __init__(self, phone: Phone, name: str, pjsua_id: int | None = None) -> None:
        if pjsua_id is None:
            super().__init__(phone)
        else:
            super().__init__(phone, pjsua_id)
        self.engine = phone.engine
        self.phone = phone
        self.behaviour: Behaviour = phone.behaviour
        self.name = name
        self.incoming = pjsua_id is not None
        self.connected = False
        self.over = False
        self.ear: Ear | None = None
        self._ended_by_us = False
        self._answered_by_us = False
        self._audible: set[str] = set()
        self._hold: str | None = None
        self._step = (self.behaviour.hang_up_at, self.behaviour.hang_up_after_s)
        self._audio: Any = None
        self._recorder: Any = None

    def emit(self, kind: str, *, t: float | None = None, **data: object) -> None:
        """Report an event of this call."""
        self.engine.emit(kind, t=t, phone=self.phone.name, call=self.name, **data)

    def dial(self, wanted: Dial) -> None:
        """Send the INVITE; raises ``pj.Error`` where the library refuses."""
        at, after_s = self._step
        self._step = (
            wanted.hang_up_at or at,
            after_s if wanted.hang_up_after_s is None else wanted.hang_up_after_s,
        )
        parameters = self._parameters()
        for name, value in wanted.headers.items():
            header = pj.SipHeader()
            header.hName, header.hValue = name, value
            parameters.txOption.headers.append(header)
        if wanted.from_uri:
            parameters.txOption.localUri = wanted.from_uri
        self.emit("calling", uri=wanted.uri)
        self.makeCall(wanted.uri, parameters)
        self.reach("sent")

    def receive(self, headers: dict[str, list[str]], *, busy: bool) -> None:
        """Behave as a called phone."""
        mode, behaviour = self.behaviour.on_call, self.behaviour
        if busy:
            self.end(486)
            return
        if mode == "mute":
            return
        self._respond(180)
        wanted_now = behaviour.honour_answer_after and any(
            ANSWER_AFTER_NOW.search(value)
            for name in ("call-info", "alert-info")
            for value in headers.get(name, [])
        )
        if wanted_now:
            self.engine.after(0.0, self.take)
        elif mode == "answer":
            self.engine.after(behaviour.after_s, self.take)
        elif mode == "reject":
            self.engine.after(behaviour.after_s, lambda: self.end(behaviour.reject_code))

    def take(self) -> None:
        """Answer with 200 if the call still rings; otherwise do nothing."""
        if self.incoming and not self.over and not self._answered_by_us:
            self._answered_by_us = True
            self.emit("answering")
            self._respond(200)

    def end(self, code: int | None = None) -> None:
        """Hang up, or refuse a ringing call by ``code``; a call that is over stays so."""
        if self.over or self._ended_by_us:
            return
        self._ended_by_us = True
        parameters = pj.CallOpParam()
        if code is not None and self.incoming and not self.connected:
            parameters.statusCode = code
        self.hangup(parameters)

    def hold(self, active: bool) -> None:
        """Hold or take back by a re-INVITE; raises ``pj.Error`` where there is no such call."""
        parameters = self._parameters()
        if active:
            self.setHold(parameters)
        else:
            parameters.opt.flag = pj.PJSUA_CALL_UNHOLD
            self.reinvite(parameters)

    def reach(self, step: CallStep) -> None:
        """Note a step of the call; hang up if this is the step to do so."""
        at, after_s = self._step
        if step != at:
            return
        self._step = ("never", 0.0)
        if after_s > 0 or step != "sent":
            self.engine.after(after_s, self.end)
        else:
            self.end()

    def look(self, now: float) -> None:
        """Look for the first sound and for the recording's growth; called every few ms."""
        if self.ear is None:
            return
        self.ear.watch(now)
        kind = "first_audio" if self.connected else "early_audio"
        if kind not in self._audible and self._audible_now():
            self._audible.add(kind)
            self.emit(kind, t=now)
            if kind == "early_audio":
                self.reach("early_audio")

    def _audible_now(self) -> bool:
        if self._ended_by_us or self.over:
            return False
        try:
            # "Tx" is what the call transmits to the media bridge: what we hear.
            return bool(self._audio.getTxLevel() > AUDIBLE_LEVEL)
        except pj.Error:  # the library has just taken the media away; the state change follows
            return False

    def release(self) -> None:
        """Stop recording; the file is complete some milliseconds later."""
        self._audio = None
        self._recorder = None

    def _parameters(self) -> Any:
        parameters = pj.CallOpParam(True)
        parameters.opt.audioCount = 1
        parameters.opt.videoCount = 0
        parameters.opt.textCount = 0
        return parameters

    def _respond(self, code: int) -> None:
        parameters = self._parameters()
        parameters.statusCode = code
        self.answer(parameters)

    @guarded
    def onCallState(self, prm: Any) -> None:  # noqa: N802
        """Report progress, connection and end."""
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_EARLY and not self.incoming:
            self.emit("ringing", code=info.lastStatusCode, reason=readable(info.lastReason))
            self.reach("ringing")
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self._confirmed(info)
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self._disconnected(info)

    def _confirmed(self, info: Any) -> None:
        self.connected = True
        self.emit("connected", sip_call_id=readable(info.callIdString))
        self.reach("connected")
        if self.behaviour.talk_s is not None:
            self.engine.after(self.behaviour.talk_s, self.end)

    def _disconnected(self, info: Any) -> None:
        self.over = True
        self.emit(
            "disconnected",
            code=info.lastStatusCode,
            reason=readable(info.lastReason),
            by="local" if self._ended_by_us else "remote",
            was_connected=self.connected,
        )
        self.engine.finished(self)

    @guarded
    def onCallTsxState(self, prm: Any) -> None:  # noqa: N802
        """Notice 100 Trying, and the NOTIFY by which a panel answers a desk phone."""
        event = prm.e.body.tsxState
        if event.type != pj.PJSIP_EVENT_RX_MSG:
            return
        message = event.src.rdata.wholeMsg
        if not self.incoming and message.startswith("SIP/2.0 100 "):
            self.emit("trying")
            self.reach("trying")
        elif message.startswith("NOTIFY "):
            event_names = parse_headers(readable(message)).get("event", [])
            if "talk" in (name.partition(";")[0].strip().lower() for name in event_names):
                self.emit("talk")
                if self.behaviour.honour_talk:
                    # After this callback, in which the library still answers the NOTIFY.
                    self.engine.after(0.0, self.take)

    @guarded
    def onCallMediaState(self, prm: Any) -> None:  # noqa: N802
        """Join voice, call and recording whenever the media were negotiated anew."""
        info = self.getInfo()
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO:
                self._media(index, media.status)
                return

    def _media(self, index: int, status: int) -> None:
        holds = {pj.PJSUA_CALL_MEDIA_LOCAL_HOLD: "local", pj.PJSUA_CALL_MEDIA_REMOTE_HOLD: "remote"}
        held = holds.get(status)
        if held is None and status != pj.PJSUA_CALL_MEDIA_ACTIVE:
            return
        if held != "local":
            self._join(index)
        if held and held != self._hold:
            self.emit("held", by=held)
        elif self._hold and not held:
            self.emit("resumed")
        self._hold = held

    def _join(self, index: int) -> None:
        self._audio = self.getAudioMedia(index)
        first = self._recorder is None
        if first:
            path = self.engine.recording_path(self.name)
            self._recorder = pj.AudioMediaRecorder()
            self._recorder.createRecorder(str(path))
            self.ear = Ear(
                path, self.engine.rate, frame_ms=self.engine.frame_ms, now=self.engine.now()
            )
            # Without a source the recorder would stand still; silence keeps its clock running.
            self.engine.silence.startTransmit(self._recorder)
        self._audio.startTransmit(self._recorder)
        self.phone.voice.startTransmit(self._audio)
        if first and self.ear is not None:
            stream = self.getStreamInfo(index)
            self.emit(
                "media_active",
                codec=stream.codecName,
                remote=stream.remoteRtpAddress,
                recording=str(self.ear.path),
                recording_t=self.ear.started_t,
            )

    @guarded
    def onDtmfDigit(self, prm: Any) -> None:  # noqa: N802
        """Report a digit of the peer."""
        self.emit("dtmf", digit=prm.digit)
