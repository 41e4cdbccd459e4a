"""One call as a telephone sees it: an INVITE, perhaps a dialog, its sound, and its end."""

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sim.sip import sdp
from sim.sip.dialog import Dialog, tag_of
from sim.sip.message import Header, Request, Response, SIPInvalid, respond, split_list
from sim.sip.multipart import Part, divided, joined
from sim.sip.rtp import Media
from sim.sip.transaction import ClientTransaction, NoAnswer, ServerTransaction
from sim.sip.voices import Voices
from sim.sip.waits import within

if TYPE_CHECKING:
    from sim.sip.ua import UA

ANSWER_S: Final = 30.0
REQUEST_S: Final = 30.0
RECEIVED_MAX: Final = 1000
"""Requests kept of one call."""


@dataclass(frozen=True, slots=True)
class Reply:
    """How a request is answered."""

    code: int = 200
    headers: tuple[Header, ...] = ()
    body: bytes = b""


Answering = Callable[[Request], Reply | Awaitable[Reply | None] | None]
"""``None``: never answer."""


class CallFailed(Exception):
    """The call was refused or did not get through; ``code`` is the answer's, 0 for none."""

    def __init__(self, why: str, code: int = 0) -> None:
        super().__init__(why)
        self.code = code


class Call:
    """One call, made by us (`UA.call`) or by the peer (`UA.on_call`)."""

    def __init__(self, ua: "UA", invite: Request, *, ours: bool, voices: Voices | None) -> None:
        self.ua = ua
        self.invite = invite
        self.ours = ours
        self.voices = voices
        """Who speaks; ``None``: no sound is sent. To be set before the call is answered."""
        self.dialog: Dialog | None = None
        self.response: Response | None = None
        """The final answer to the INVITE."""
        self.media: Media | None = None
        self.received: list[Request] = []
        """What the peer sent inside of the dialog, in order, but not its ACKs."""
        self.on_info: Answering = lambda _: Reply()
        self.ended = asyncio.Event()
        self.end: Request | None = None
        """The BYE or CANCEL with which the peer ended it; ``None`` if it was we."""
        self.vanished = False
        self.client: ClientTransaction | None = None
        self.server: ServerTransaction | None = None
        self._sdp_version = 1
        self._failure = "the call has ended"
        self._settled = asyncio.Event()
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    # -- what it is -------------------------------------------------------------------------------

    @property
    def call_id(self) -> str:
        """Call-ID."""
        return self.invite.call_id

    @property
    def is_up(self) -> bool:
        """It was answered and has not ended."""
        return self.dialog is not None and not self.ended.is_set() and self._code == 200

    @property
    def _code(self) -> int:
        return self.response.code if self.response is not None else 0

    @property
    def answer_parts(self) -> tuple[Part, ...]:
        """The parts of the final answer's body; raises `SIPInvalid`."""
        assert self.response is not None
        return divided(self.response.content_type, self.response.body)

    # -- what a caller does -----------------------------------------------------------------------

    async def final(self, timeout_s: float = ANSWER_S) -> Response:
        """Wait for the final answer, whatever it is; raises `CallFailed` without any."""
        try:
            async with within(timeout_s, lambda: f"the call is not answered: {self.account()}"):
                await self._settled.wait()
        except TimeoutError as error:
            raise CallFailed(str(error)) from error
        if self.response is None:
            raise CallFailed(self._failure)
        return self.response

    async def answered(self, timeout_s: float = ANSWER_S) -> Response:
        """Wait until the call is answered; raises `CallFailed`."""
        response = await self.final(timeout_s)
        if response.code >= 300:
            raise CallFailed(f"the call was refused: {response.code}", response.code)
        return response

    async def follow(self) -> None:
        """Acknowledge the answer and start the sound; run by the agent for a call of ours."""
        assert self.client is not None
        try:
            response = await asyncio.shield(self.client.final)
        except NoAnswer as error:
            self._failure = str(error)
            self.finish()
            return
        if response.code >= 300:
            self.client.last_ack = bytes(self.ua.refusal_ack(self.invite, response))
            with contextlib.suppress(OSError):
                self.client.flow.send(self.client.last_ack)
            self.response = response
            self.finish()
            return
        try:
            self.dialog = Dialog.as_caller(self.invite, response)
            self.ua.enter(self)
            body = self._late_answer(response)
            await self.acknowledge(self.client, self.invite, response, body)
        except (OSError, SIPInvalid) as error:
            self._failure = f"the answer cannot be acknowledged: {error}"
            self.finish()
            return
        self.response = response
        with contextlib.suppress(SIPInvalid):
            self._hear(divided(response.content_type, response.body))
        self._settled.set()

    async def acknowledge(
        self, client: ClientTransaction, invite: Request, response: Response, body: bytes = b""
    ) -> None:
        """Send the ACK of a 2xx, by the dialog's own way (RFC 3261 §13.2.2.4)."""
        assert self.dialog is not None
        lines = (("Content-Type", "application/sdp"),) if body else ()
        ack = self.dialog.request("ACK", sequence=invite.sequence[0], headers=lines, body=body)
        flow, sent = await self.ua.dressed(ack, self.dialog.next_hop)
        client.last_ack = bytes(sent)
        client.flow = flow
        with contextlib.suppress(OSError):
            flow.send(client.last_ack)

    def _late_answer(self, response: Response) -> bytes:
        """Our answer to the offer in a 2xx, where the INVITE had none; it goes into the ACK."""
        assert self.media is not None
        # Looked for in the octets: a body that is broken on purpose has its offer somewhere.
        if b"v=0" in self.invite.body:
            return b""
        with contextlib.suppress(SIPInvalid):
            offered = _streams(divided(response.content_type, response.body))
            return sdp.answer(self.ua.host, self.media.port, offered) if offered else b""
        return b""

    async def cancel(self) -> None:
        """Give up a call that is not answered yet; raises `CallFailed` if nobody is there."""
        assert self.client is not None
        if not self.client.final.done():
            await self.ua.cancel(self.client)

    # -- what both sides do -----------------------------------------------------------------------

    async def send(
        self,
        method: str,
        *,
        headers: Iterable[Header] = (),
        body: bytes = b"",
        sequence: int | None = None,
        timeout_s: float = REQUEST_S,
    ) -> Response:
        """Send a request inside of the dialog; raises `CallFailed` without an answer."""
        if self.dialog is None:
            raise CallFailed("there is no dialog")
        extra = (("Contact", self.ua.contact), *headers)
        request = self.dialog.request(method, headers=extra, body=body, sequence=sequence)
        return await self.ua.exchange(request, self.dialog.next_hop, timeout_s)

    async def info(
        self,
        package: str,
        parts: Sequence[Part],
        *,
        headers: Iterable[Header] = (),
        timeout_s: float = REQUEST_S,
    ) -> Response:
        """Send an INFO of a package (RFC 6086); raises `CallFailed`."""
        content_type, body = joined(parts) if parts else ("", b"")
        lines: list[Header] = [("Info-Package", package)] if package else []
        if content_type:
            lines.append(("Content-Type", content_type))
            lines.append(("Content-Disposition", "Info-Package"))
        return await self.send("INFO", headers=[*lines, *headers], body=body, timeout_s=timeout_s)

    async def reinvite(self, direction: str = "sendrecv", timeout_s: float = REQUEST_S) -> Response:
        """Offer the stream anew; raises `CallFailed`."""
        if self.dialog is None or self.media is None:
            raise CallFailed("there is no dialog with sound")
        self._sdp_version += 1
        body = sdp.offer(
            self.ua.host, self.media.port, version=self._sdp_version, direction=direction
        )
        headers = (("Contact", self.ua.contact), ("Content-Type", "application/sdp"))
        request = self.dialog.request("INVITE", headers=headers, body=body)
        client, response = await self.ua.exchanged(request, self.dialog.next_hop, timeout_s)
        if response.code >= 300:
            with contextlib.suppress(OSError):
                client.flow.send(bytes(self.ua.refusal_ack(client.request, response)))
            return response
        self.dialog.refresh(response)
        await self.acknowledge(client, client.request, response)
        self._hear(divided(response.content_type, response.body))
        return response

    async def bye(
        self, *, headers: Iterable[Header] = (), timeout_s: float = REQUEST_S
    ) -> Response | None:
        """Hang up; ``None`` where nobody answered that, or it had ended."""
        if self.dialog is None or self.ended.is_set():
            return None
        self.finish()
        try:
            return await self.send("BYE", headers=headers, timeout_s=timeout_s)
        except CallFailed:
            return None

    def vanish(self) -> None:
        """Be gone, as a car in a tunnel: no sound, no goodbye, no answer to anything."""
        self.vanished = True
        self.finish()

    async def wait_ended(self, timeout_s: float = ANSWER_S) -> None:
        """Wait for the end; raises ``TimeoutError``."""
        async with within(timeout_s, lambda: f"the call does not end: {self.account()}"):
            await self.ended.wait()

    def account(self) -> str:
        """What is known of the call, for whoever waited in vain."""
        told = ["ended" if self.ended.is_set() else "up" if self.is_up else "not up"]
        if self.client is not None:
            told.append(self.client.account())
        elif self.response is not None:
            told.append(f"we answered {self.response.code}")
        came = ", ".join(request.method for request in self.received)
        told.append(f"the peer sent {came or 'nothing'} in it")
        return "; ".join(told)

    async def wait_request(
        self, method: str, *, count: int = 1, timeout_s: float = REQUEST_S
    ) -> Request:
        """Wait for the peer's n-th request of a method, give it; raises ``TimeoutError``."""

        def missing() -> str:
            return f"{method} number {count} does not come: {self.account()}"

        async with within(timeout_s, missing), self._news:
            while True:
                found = [request for request in self.received if request.method == method]
                if len(found) >= count:
                    return found[count - 1]
                await self._news.wait()

    # -- what a callee does -----------------------------------------------------------------------

    def ring(self) -> None:
        """180."""
        self._answer(180)

    async def answer(self, *, parts: Sequence[Part] = (), headers: Iterable[Header] = ()) -> None:
        """Take the call; raises `SIPInvalid` where its offer cannot be read."""
        offered = _streams(divided(self.invite.content_type, self.invite.body))
        if self.media is None:
            self.media = await Media.open(self.ua.host)
        if offered:
            body = sdp.answer(self.ua.host, self.media.port, offered)
        else:
            body = sdp.offer(self.ua.host, self.media.port)
        content_type, octets = joined([Part("application/sdp", body), *parts])
        extra = [*headers, ("Content-Type", content_type), *_timer_headers(self.invite)]
        self._answer(200, extra, octets)
        self._hear_streams(offered)

    def reject(self, code: int = 486, *, headers: Iterable[Header] = ()) -> None:
        """Do not take the call."""
        self._answer(code, headers)
        self.finish()

    def _answer(self, code: int, headers: Iterable[Header] = (), body: bytes = b"") -> None:
        assert self.server is not None
        assert self.dialog is not None
        tag = tag_of(self.dialog.local)
        lines = (("Contact", self.ua.contact), *self.ua.abilities, *headers)
        response = respond(self.invite, code, tag=tag, headers=lines, body=body)
        if code >= 200:
            self.response = response
        self.server.answer(response)

    # -- what comes -------------------------------------------------------------------------------

    def take(self, request: Request, server: ServerTransaction) -> None:
        """A request inside of the dialog."""
        assert self.dialog is not None
        if not self.dialog.in_order(request):
            server.answer(respond(request, 500))
            return
        if len(self.received) < RECEIVED_MAX:
            self.received.append(request)
        self._spawn(self._tell())
        if request.method == "BYE":
            self.end = request
            self.finish()
            server.answer(respond(request, 200))
        elif request.method in ("INVITE", "UPDATE"):
            self._renegotiate(request, server)
        elif request.method == "INFO":
            self._spawn(self._reply(request, server, self.on_info))
        else:
            self._spawn(self._reply(request, server, self.ua.on_request))

    def take_ack(self, request: Request) -> None:
        """The ACK of our 2xx; it may hold the answer to our offer."""
        with contextlib.suppress(SIPInvalid):
            self._hear(divided(request.content_type, request.body))

    def take_cancel(self, cancel: Request) -> None:
        """The caller gives up before we answered."""
        if self.response is None:
            self.end = cancel
            self._answer(487)
            self.finish()

    def _renegotiate(self, request: Request, server: ServerTransaction) -> None:
        assert self.dialog is not None
        self.dialog.refresh(request)
        headers: list[Header] = [("Contact", self.ua.contact), *self.ua.abilities]
        headers += _timer_headers(request)
        try:
            offered = _streams(divided(request.content_type, request.body))
        except SIPInvalid:
            server.answer(respond(request, 488))
            return
        body = b""
        if self.media is not None and (offered or request.method == "INVITE"):
            self._sdp_version += 1
            host, port, version = self.ua.host, self.media.port, self._sdp_version
            body = (
                sdp.answer(host, port, offered, version=version)
                if offered
                else sdp.offer(host, port, version=version)
            )
            headers.append(("Content-Type", "application/sdp"))
        server.answer(respond(request, 200, headers=headers, body=body))
        self._hear_streams(offered)

    async def _reply(
        self, request: Request, server: ServerTransaction, answering: Answering
    ) -> None:
        reply = answering(request)
        if inspect.isawaitable(reply):
            reply = await reply
        if reply is not None and not self.vanished:
            server.answer(respond(request, reply.code, headers=reply.headers, body=reply.body))

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    def _hear(self, parts: tuple[Part, ...]) -> None:
        self._hear_streams(_streams(parts))

    def _hear_streams(self, streams: tuple[sdp.Stream, ...]) -> None:
        stream = sdp.audio_of(streams)
        if stream is None or self.media is None or self.ended.is_set():
            return
        wanted = stream.direction in ("sendrecv", "recvonly")
        self.media.talk(stream.host, stream.port, self.voices if wanted else None)

    def finish(self) -> None:
        """It is over: no more sound. Calling it again does nothing."""
        self.ended.set()
        self._settled.set()
        if self.media is not None:
            self.media.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="sip-call")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _streams(parts: tuple[Part, ...]) -> tuple[sdp.Stream, ...]:
    for part in parts:
        if part.content_type.partition(";")[0].strip().lower() == "application/sdp":
            return sdp.parse(part.body)
    return ()


def _timer_headers(request: Request) -> list[Header]:
    """Take a session timer as the peer wants it (RFC 4028 §9): it refreshes, and we answer."""
    wanted = request.get("Session-Expires")
    if wanted is None or "timer" not in [
        option for line in request.all("Supported") for option in split_list(line)
    ]:
        return []
    seconds = wanted.partition(";")[0]
    return [("Session-Expires", f"{seconds};refresher=uac"), ("Require", "timer")]
