"""Map files for the panel: vector tiles of which a browser fetches small ranges.

Nothing here leaves this machine: whatever the map shows lies in the folders of ``map_dirs``.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest

from ccserver.web.access import ANY_PERSON, Route
from ccserver.web.errors import APIError, json_response, not_found
from ccserver.web.pmtiles import PMTilesInvalid, TileFile
from ccserver.web.static import IMMUTABLE, find_file

MAPS_MAX = 16
"""Files listed: a base map, street level and overlays; more would only slow the panel down."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class MapFile:
    """One usable file as it was when it was looked at."""

    name: str
    path: Path
    etag: str
    size: int
    built_at: datetime
    tiles: TileFile

    def as_json(self) -> dict[str, object]:
        """What a panel needs to draw it. The address changes with the file, so it may be kept."""
        header = self.tiles.header
        return {
            "name": self.name,
            "url": f"/map/{self.name}.pmtiles?v={self.etag}",
            "bytes": self.size,
            "bounds": header.bounds,
            "min_zoom": header.min_zoom,
            "max_zoom": header.max_zoom,
            "attribution": self.tiles.attribution,
            "built_at": self.built_at,
        }


class TilesAPI:
    """Handlers of ``/api/map`` and ``/map/{file}``; in a later folder a file replaces another."""

    def __init__(self, map_dirs: Sequence[str]) -> None:
        self._dirs = [Path(one) for one in map_dirs]
        self._seen: dict[tuple[Path, str], MapFile | None] = {}

    def routes(self) -> tuple[Route, ...]:
        """Everybody who is signed in may look at the map."""
        return (
            Route("GET", "/api/map", self.maps, ANY_PERSON),
            Route("GET", "/map/{file}", self.file, ANY_PERSON),
        )

    async def maps(self, request: web.Request) -> web.StreamResponse:
        """``GET``: the files there are, ``base`` first."""
        found = await asyncio.to_thread(self._look)
        return json_response({"maps": [one.as_json() for one in found]})

    async def file(self, request: web.Request) -> web.StreamResponse:
        """``GET``: the file or one range of it (RFC 9110 §14)."""
        found = await asyncio.to_thread(self._find, request.match_info["file"])
        if found is None:
            raise not_found("There is no such map.")
        path, etag, size = found
        ranged = _wants_range(request, etag)
        if ranged:
            _check_range(request.headers["Range"], size)
        fresh = request.query.get("v") == etag
        return _TileResponse(
            path,
            ranged=ranged,
            headers={
                "Content-Type": "application/vnd.pmtiles",
                "Cache-Control": IMMUTABLE.replace("public", "private") if fresh else "no-cache",
            },
        )

    def _find(self, file: str) -> tuple[Path, str, int] | None:
        """The path, entity tag and size of the file by that name in the last folder that has it."""
        name, _, ending = file.partition(".")
        if ending != "pmtiles" or not _NAME.fullmatch(name):
            return None
        for directory in reversed(self._dirs):
            path = find_file(directory, file)
            if path is not None:
                return (path, *_stamp(path))
        return None

    def _look(self) -> list[MapFile]:
        names = sorted({path.stem for path in self._files() if _NAME.fullmatch(path.stem)})
        names.sort(key=lambda name: name != "base")
        seen: dict[tuple[Path, str], MapFile | None] = {}
        for name in names[:MAPS_MAX]:
            try:
                found = self._find(f"{name}.pmtiles")
                if found is None:
                    continue
                path, etag, size = found
                key = (path, etag)
                seen[key] = self._seen[key] if key in self._seen else _read(name, path, etag, size)
            except OSError as error:
                log.warning("map_unreadable", map=name, reason=error.strerror)
        self._seen = seen
        return [one for one in seen.values() if one is not None]

    def _files(self) -> Iterator[Path]:
        for directory in self._dirs:
            try:
                yield from directory.glob("*.pmtiles")
            except OSError as error:
                log.warning("map_dir_unreadable", reason=error.strerror)


def _stamp(path: Path) -> tuple[str, int]:
    """The entity tag, the same that the framework gives, and the size."""
    status = path.stat()
    return f"{status.st_mtime_ns:x}-{status.st_size:x}", status.st_size


def _read(name: str, path: Path, etag: str, size: int) -> MapFile | None:
    """``None`` for a file that no browser could draw; said in the log once for each state of it."""
    try:
        with path.open("rb") as file:
            tiles = TileFile.read(file)
    except PMTilesInvalid as error:
        log.warning("map_invalid", map=name, reason=str(error))
        return None
    built_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return MapFile(name, path, etag, size, built_at, tiles)


def _wants_range(request: web.Request, etag: str) -> bool:
    """Whether ``Range`` counts: for GET, of bytes, and of the file that the client already knows.

    RFC 9110 §14.2: other methods and units ignore it; §13.1.5: so does an ``If-Range`` that names
    another state of the file. Dates in it have whole seconds, so they are no proof.
    """
    if request.method != "GET" or not request.headers.get("Range", "").startswith("bytes="):
        return False
    known = request.headers.get("If-Range")
    return known is None or known == f'"{etag}"'


def _check_range(wanted: str, size: int) -> None:
    """Refuse what is not one satisfiable range: `APIError` 416."""
    found = _RANGE.fullmatch(wanted)
    if found is not None:
        first, last = found.groups()
        if first and int(first) < size and (not last or int(first) <= int(last)):
            return
        if not first and last and int(last) > 0 and size > 0:
            return
    raise APIError(
        416,
        "range_not_satisfiable",
        "The map has no such range.",
        headers={"Content-Range": f"bytes */{size}"},
    )


class _TileResponse(web.FileResponse):
    """A file of which the framework sends a range only where we found that it counts."""

    def __init__(self, path: Path, *, ranged: bool, headers: Mapping[str, str]) -> None:
        super().__init__(path, headers=headers)
        self._ranged = ranged

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """As the framework does, with or without its own look at ``Range``."""
        headers = request.headers.copy()
        headers.popall("If-Range", None)  # decided already, by a stricter rule
        # Tiles are packed one by one; a namesake with .gz beside the file is none of ours.
        headers.popall("Accept-Encoding", None)
        if not self._ranged:
            headers.popall("Range", None)
        return await super().prepare(request.clone(headers=headers))
