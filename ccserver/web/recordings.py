"""Playing a recording. Nobody hears anything before it is written down who listens."""

import asyncio
import uuid
from collections import OrderedDict

import structlog
from aiohttp import web

from ccserver.accounts import Right
from ccserver.metrics import Metrics
from ccserver.web.access import Principal, signed_in
from ccserver.web.errors import APIError, not_found, path_id
from ccserver.web.ports import Clock, RecordingAudio, RecordingsPort
from ccserver.web.sessions import digest_of

TRACE_TIMEOUT_S = 5.0
"""For writing the trace; the database's own deadline is not longer."""

LOOKUP_TIMEOUT_S = 10.0
"""For finding the recording and its file."""

LISTEN_S = 1_800.0
"""So long a player may fetch further ranges of what it began to play."""

LISTENS_MAX = 4_096
"""Listens remembered; whoever falls out of the table is traced once more."""

log = structlog.get_logger()


class RecordingsAPI:
    """Handler of ``/api/recordings/{recording_id}/audio``."""

    def __init__(self, recordings: RecordingsPort, metrics: Metrics, clock: Clock) -> None:
        self._recordings = recordings
        self._metrics = metrics
        self._clock = clock
        self._listens: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def audio(self, request: web.Request) -> web.StreamResponse:
        """``GET``: the FLAC file or a range of it, after the listen was traced.

        A request for the whole or from the first byte is a new listen. A later range belongs to
        the listen that the same session began; without one it is a listen of its own, so that
        leaving out the first byte leaves out no trace.
        """
        person = signed_in(request)
        recording_id = path_id(request, "recording_id", "recording")
        async with asyncio.timeout(LOOKUP_TIMEOUT_S):
            recording = await self._recordings.audio(recording_id)
            # A call taker learns nothing of what colleagues recorded, not even that it exists.
            if recording is None or not may_listen(person, recording):
                raise not_found("There is no such recording.")
            size = await asyncio.to_thread(_file_size, recording)
        if size is None:
            log.error("recording_file_missing", recording_id=recording_id)
            raise APIError(404, "recording_missing", "The recording's file is missing.")
        start = _first_byte(request, size)
        if request.method != "HEAD":
            await self._trace(recording, digest_of(person.token), person.account.login, start)
        filename = f"recording-{recording.recording_id}.flac"
        return web.FileResponse(
            recording.path,
            headers={
                "Content-Type": "audio/flac",
                "Accept-Ranges": "bytes",
                "Cache-Control": "private, no-store",
                "Content-Disposition": f'inline; filename="{filename}"',
            },
        )

    async def _trace(self, recording: RecordingAudio, session: str, login: str, start: int) -> None:
        """Leave the trace of a new listen, or refuse it: `APIError` 503."""
        key = (session, recording.recording_id)
        now = self._clock.monotonic()
        began_at = self._listens.get(key)
        if start > 0 and began_at is not None and now - began_at < LISTEN_S:
            return
        listen_id = uuid.uuid4().hex
        try:
            async with asyncio.timeout(TRACE_TIMEOUT_S):
                await self._recordings.listened(
                    recording, listen_id=listen_id, author=login, at=self._clock.now()
                )
        except Exception as error:
            log.exception(
                "recording_listen_untraced",
                recording_id=recording.recording_id,
                contact_id=recording.contact_id,
            )
            raise APIError(
                503,
                "trace_failed",
                "The listen cannot be written down now, so the recording is not played.",
                headers={"Retry-After": "5"},
            ) from error
        self._listens[key] = now
        self._listens.move_to_end(key)
        while len(self._listens) > LISTENS_MAX:
            self._listens.popitem(last=False)
        self._metrics.recordings_played.inc()
        log.info(
            "recording_played",
            recording_id=recording.recording_id,
            contact_id=recording.contact_id,
            author=login,
            listen_id=listen_id,
        )


def may_listen(person: Principal, recording: RecordingAudio) -> bool:
    """Who has the right hears all; everybody else what the own seat handled."""
    return person.may(Right.RECORDINGS_HEAR) or person.account.agent_id in recording.agent_ids


def _file_size(recording: RecordingAudio) -> int | None:
    try:
        return recording.path.stat().st_size if recording.path.is_file() else None
    except OSError:
        return None


def _first_byte(request: web.Request, size: int) -> int:
    """The first byte that the answer will hold; raises `APIError` 416.

    ``If-Range`` may turn the answer into the whole file, so it counts as from the start.
    """
    try:
        wanted = request.http_range
    except ValueError:
        raise _not_satisfiable(size) from None
    start = wanted.start or 0
    if start < 0:
        start = max(0, size + start)
    if start >= size:
        raise _not_satisfiable(size)
    return 0 if "If-Range" in request.headers else start


def _not_satisfiable(size: int) -> APIError:
    return APIError(
        416,
        "range_not_satisfiable",
        "The recording has no such range.",
        headers={"Content-Range": f"bytes */{size}"},
    )
