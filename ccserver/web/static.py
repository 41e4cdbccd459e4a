"""The built panel: hashed assets for ever, the page itself always fresh."""

import asyncio
import re
from pathlib import Path, PurePosixPath

from aiohttp import web

from ccserver.web.errors import not_found

PATH_LENGTH_MAX = 512
"""Far longer than any file's name in a build."""

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".flac": "audio/flac",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".pbf": "application/x-protobuf",
    ".pmtiles": "application/octet-stream",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
"""Not left to the machine's own table: a module script of a wrong type is not run."""

_HASHED = re.compile(r"assets/.*[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+")
"""Vite names assets by the hash of their content."""

_SEGMENT = re.compile(r"[A-Za-z0-9_@+-][A-Za-z0-9_.@+-]*")
"""A file's or folder's name of a build; never begins with a dot."""

IMMUTABLE = "public, max-age=31536000, immutable"

NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>ccserver: panel not built</title>
<h1>The panel is not built</h1>
<p>The server is running, but the folder named by <code>panel_dir</code> in the section
<code>[web]</code> of its configuration holds no <code>index.html</code>.</p>
<p>Run <code>npm ci</code> and <code>npm run build</code> in the folder <code>panel</code>.</p>
</html>
"""


class Static:
    """Serves the files of one folder."""

    def __init__(self, panel_dir: str) -> None:
        self._root = Path(panel_dir)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """``GET`` of any path that no other route has."""
        path = request.match_info["path"]
        if path.split("/", 1)[0] == "api":
            raise not_found("There is nothing at this address.")
        found = await asyncio.to_thread(find_file, self._root, path)
        if found is not None and path not in ("", "index.html"):
            return web.FileResponse(
                found,
                headers={
                    "Content-Type": CONTENT_TYPES.get(
                        found.suffix.lower(), "application/octet-stream"
                    ),
                    "Cache-Control": IMMUTABLE if _HASHED.fullmatch(path) else "no-cache",
                },
            )
        if not is_navigation(request, path):
            raise not_found("There is no such file.")
        return await self._index()

    async def _index(self) -> web.StreamResponse:
        headers = {"Content-Type": CONTENT_TYPES[".html"], "Cache-Control": "no-store"}
        index = await asyncio.to_thread(find_file, self._root, "index.html")
        if index is None:
            return web.Response(body=NOT_BUILT.encode(), status=503, headers=headers)
        # Read as a whole, so that neither a range nor a date turns the page into half an answer.
        return web.Response(body=await asyncio.to_thread(index.read_bytes), headers=headers)


def is_navigation(request: web.Request, path: str) -> bool:
    """Whether a person goes to an address of the panel, rather than a page fetching a file."""
    if path in ("", "index.html"):
        return True
    if "." in PurePosixPath(path).name or len(path) > PATH_LENGTH_MAX:
        return False
    if request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
        return False
    return "text/html" in request.headers.get("Accept", "")


def find_file(root: Path, path: str) -> Path | None:
    """The regular file at ``path`` below ``root``, links followed only within; else ``None``."""
    segments = path.split("/")
    if len(path) > PATH_LENGTH_MAX or not all(_SEGMENT.fullmatch(part) for part in segments):
        return None
    try:
        real_root = root.resolve(strict=True)
        found = real_root.joinpath(*segments).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        return None
    return found if found.is_relative_to(real_root) and found.is_file() else None
