"""AMI: registrations, events of the parachute queue, reloads; never calls.

A client of our own on `asyncio.streams` and `ccserver.telephony.ami_protocol`. An action is
written once: when the connection ends before its answer, the caller gets `AMIUnavailable` and
decides. ``Originate`` is refused outright: calls are made over ARI, where their ids are ours.
"""

import asyncio
import contextlib
import hashlib
import itertools
import re
import uuid
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ccserver.config import AMISettings
from ccserver.telephony.ami_protocol import (
    AMIMessage,
    AMIParser,
    AMIProtocolError,
    FieldValue,
    encode_action,
)
from ccserver.telephony.errors import (
    AMIAuthFailed,
    AMIListTooLong,
    AMIRefused,
    AMITimeout,
    AMIUnavailable,
    LinkLost,
)
from ccserver.telephony.link import Backoff, Link

EVENT_CLASSES = ("system", "agent")
"""``system``: contacts, registrations, reloads. ``agent``: queues. See ``manager.conf``."""

LIST_EVENTS_MAX = 10_000
"""More members, contacts or channels than one Asterisk can serve."""

ACTIONS_PENDING_MAX = 1_000
"""Asterisk answers one action after another; more waiting than this would only time out."""

ABANDONED_MAX = 100
"""Remembered ids of actions that nobody waits for any more, whose lists may still come in."""

MALFORMED_MESSAGES_MAX = 100
"""Bad messages survived on one connection; beyond this the stream is taken for broken."""

LOGIN_TIMEOUT_S = 4.0
"""Asterisk answers a wrong password only after 1 s, however short other deadlines are."""

READ_BYTES = 64 * 1024

_ACTION_NAME = re.compile(r"[A-Za-z]+")
_ORIGINATING_COMMAND = re.compile(r"\s*(channel\s+)?originate\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AMIResponse:
    """A successful answer; ``events`` holds the items where it is a list, without its end."""

    message: AMIMessage
    events: tuple[AMIMessage, ...] = ()


@dataclass(slots=True)
class _Pending:
    """An action that waits for its answer."""

    future: asyncio.Future[AMIResponse]
    response: AMIMessage | None = None
    events: list[AMIMessage] = field(default_factory=list)


class AMIClient(Link["_AMIConnection", AMIMessage]):
    """The link to one Asterisk's AMI; see `Link` for its life, `ready` and `next_event`."""

    def __init__(
        self,
        settings: AMISettings,
        *,
        event_classes: Collection[str] = EVENT_CLASSES,
        backoff: Backoff | None = None,
    ):
        super().__init__(
            "ami",
            events_pending_max=settings.events_pending_max,
            heartbeat_interval_s=settings.heartbeat_interval_s,
            heartbeat_timeout_s=settings.heartbeat_timeout_s,
            backoff=backoff,
        )
        self.settings = settings
        # FullyBooted is a system event, and a login without it would wait in vain.
        self.event_classes = ",".join(sorted({"system", *event_classes}))

    async def request(
        self,
        action: str,
        fields: Mapping[str, FieldValue] | None = None,
        *,
        deadline_s: float | None = None,
    ) -> AMIResponse:
        """Send one action and give back its answer, with all events where the answer is a list.

        Raises `AMIUnavailable`, `AMITimeout`, `AMIRefused`, `AMIListTooLong`, and `ValueError`
        before anything is sent: a line end or NUL in a key or value, a line Asterisk would drop,
        an action that starts a call.
        """
        fields = fields or {}
        _refuse_originate(action, fields)
        connection = self._connection
        if connection is None or not self.connected:
            encode_action(action, "", fields)
            raise AMIUnavailable("not connected to AMI")
        return await connection.request(action, fields, deadline_s)

    async def _connect(self, generation: int) -> "_AMIConnection":
        try:
            reader, writer = await asyncio.open_connection(self.settings.host, self.settings.port)
        except OSError as error:
            raise AMIUnavailable(type(error).__name__) from error
        return _AMIConnection(self, generation, reader, writer)

    def deliver(self, generation: int, message: AMIMessage) -> None:
        """Queue an event for the consumer; called by the reader only."""
        self._put(generation, message)

    def malformed(self, reason: str) -> None:
        """Count and log what could not be understood; its content is never logged."""
        self.counters["malformed"] += 1
        self._log.warning("ami_message_malformed", reason=reason)


class _AMIConnection:
    """One TCP connection; implements `ccserver.telephony.link.Connection`."""

    def __init__(
        self,
        client: AMIClient,
        generation: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ):
        self._client = client
        self._generation = generation
        self._reader = reader
        self._writer = writer
        self._parser = AMIParser()
        self._pending: dict[str, _Pending] = {}
        self._abandoned: deque[str] = deque(maxlen=ABANDONED_MAX)
        self._id_prefix = f"ccserver-{uuid.uuid4().hex}-"
        self._id_numbers = itertools.count(1)
        self._greeted = asyncio.Event()
        self._booted = asyncio.Event()
        self._aborted = False

    async def prepare(self) -> None:
        """Log in by challenge, so that the password does not cross the wire; await the boot."""
        settings = self._client.settings
        await self._greeted.wait()
        try:
            challenge = await self.request("Challenge", {"AuthType": "MD5"}, None)
            answer = challenge.message.get("Challenge") + settings.password
            login = {
                "AuthType": "MD5",
                "Username": settings.username,
                "Key": hashlib.md5(answer.encode(), usedforsecurity=False).hexdigest(),
                "Events": self._client.event_classes,
            }
            await self.request("Login", login, LOGIN_TIMEOUT_S)
        except AMIRefused as error:
            raise AMIAuthFailed(error.message) from None
        await self._booted.wait()

    async def read(self) -> None:
        malformed_at_start = self._client.counters["malformed"]
        while True:
            try:
                data = await self._reader.read(READ_BYTES)
            except OSError:
                raise LinkLost("closed_by_peer") from None
            if not data:
                raise LinkLost("closed_by_peer")
            try:
                messages = self._parser.feed(data)
            except AMIProtocolError as error:
                self._client.malformed(str(error))
                raise LinkLost("stream_unusable") from None
            if self._parser.greeting is not None:
                self._greeted.set()
            for message in messages:
                self._take(message)
            if self._client.counters["malformed"] - malformed_at_start > MALFORMED_MESSAGES_MAX:
                raise LinkLost("malformed_messages")

    def _take(self, message: AMIMessage) -> None:
        if message.malformed_lines:
            self._client.malformed("line_without_key")
        action_id = message.action_id
        pending = self._pending.get(action_id)
        if message.event == "FullyBooted":
            self._booted.set()
        in_list = pending is not None and pending.response is not None
        if pending is not None and (in_list or not message.event):
            self._answer(action_id, pending, message)
        elif action_id in self._abandoned:
            self._client.counters["late"] += 1
        elif message.event:
            # An event may bear an action's id and be no part of its answer (UserEvent).
            self._client.deliver(self._generation, message)
        elif action_id.startswith(self._id_prefix):
            self._client.counters["late"] += 1
        else:
            self._client.malformed("no_event_and_no_action")

    def _answer(self, action_id: str, pending: _Pending, message: AMIMessage) -> None:
        if message.event:
            if message.get("EventList").lower() in ("complete", "cancelled"):
                self._settle(action_id, pending)
            elif len(pending.events) >= LIST_EVENTS_MAX:
                del self._pending[action_id]
                self._abandoned.append(action_id)
                _fail(pending, AMIListTooLong(f"more than {LIST_EVENTS_MAX} events"))
            else:
                pending.events.append(message)
        elif message.response.lower() in ("error", "failure", "fail"):
            del self._pending[action_id]
            _fail(pending, AMIRefused(message.get("Message")))
        elif message.response:
            pending.response = message
            if message.get("EventList").lower() != "start":
                self._settle(action_id, pending)
        else:
            self._client.malformed("no_event_and_no_response")

    def _settle(self, action_id: str, pending: _Pending) -> None:
        del self._pending[action_id]
        if pending.response is not None and not pending.future.done():
            pending.future.set_result(AMIResponse(pending.response, tuple(pending.events)))

    async def beat(self) -> None:
        try:
            await self.request("Ping", {}, None)
        except AMITimeout:
            raise LinkLost("heartbeat_missed") from None

    def abort(self) -> None:
        self._aborted = True
        pending, self._pending = self._pending, {}
        for each in pending.values():
            _fail(each, AMIUnavailable("the connection was lost; the action is not sent again"))
        # What a hung peer has not taken is thrown away with the socket.
        self._writer.transport.abort()

    async def close(self) -> None:
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def request(
        self, action: str, fields: Mapping[str, FieldValue], deadline_s: float | None
    ) -> AMIResponse:
        """As `AMIClient.request`, also before the link is connected."""
        if self._aborted:
            raise AMIUnavailable("the connection was lost")
        if len(self._pending) >= ACTIONS_PENDING_MAX:
            self._client.counters["pending_full"] += 1
            raise AMIUnavailable(f"{ACTIONS_PENDING_MAX} actions wait for answers")
        action_id = f"{self._id_prefix}{next(self._id_numbers)}"
        data = encode_action(action, action_id, fields)
        limit_s = self._client.settings.request_timeout_s if deadline_s is None else deadline_s
        pending = _Pending(asyncio.get_running_loop().create_future())
        self._pending[action_id] = pending
        try:
            async with asyncio.timeout(limit_s):
                self._writer.write(data)
                await self._writer.drain()
                return await pending.future
        except TimeoutError:
            self._client.counters["timeouts"] += 1
            raise AMITimeout(f"no answer within {limit_s:g} s") from None
        except OSError as error:
            raise AMIUnavailable(type(error).__name__) from error
        finally:
            if self._pending.pop(action_id, None) is not None:
                self._abandoned.append(action_id)
            if not pending.future.cancel() and not pending.future.cancelled():
                # Nobody awaits it any more: unread, its error would be reported as forgotten.
                pending.future.exception()


def _fail(pending: _Pending, error: Exception) -> None:
    if not pending.future.done():
        pending.future.set_exception(error)


def _refuse_originate(action: str, fields: Mapping[str, FieldValue]) -> None:
    if not _ACTION_NAME.fullmatch(action):
        raise ValueError("an action's name is letters only")
    commands = [str(value) for key, value in fields.items() if key.strip().lower() == "command"]
    if action.lower() == "originate" or any(map(_ORIGINATING_COMMAND.match, commands)):
        raise ValueError("calls are started over ARI, never over AMI")
