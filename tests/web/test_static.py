"""Proves how the built panel is served, and that nothing else of the disk ever is."""

import asyncio
from pathlib import Path

import pytest

from ccserver.web.static import find_file
from tests.web.world import World

INDEX = "<!doctype html><title>112</title>"
NAVIGATION = {"Accept": "text/html,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}


@pytest.fixture
def panel(world: World) -> Path:
    root = world.panel_dir
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text(INDEX)
    (root / "favicon.svg").write_text("<svg/>")
    (root / "assets" / "index-Bx3kq_9Z.js").write_text("go()")
    (root / "assets" / "style-12345678.css").write_text("a{}")
    (root / "assets" / "plain.woff2").write_bytes(b"font")
    (root / ".env").write_text("SECRET=1")
    (root.parent / "secret.txt").write_text("SECRET")
    (root / "link.txt").symlink_to(root.parent / "secret.txt")
    (root / "loop").symlink_to(root / "loop")
    return root


@pytest.mark.parametrize(
    ("path", "content_type", "cache"),
    [
        ("/assets/index-Bx3kq_9Z.js", "text/javascript", "immutable"),
        ("/assets/style-12345678.css", "text/css", "immutable"),
        ("/assets/plain.woff2", "font/woff2", "no-cache"),
        ("/favicon.svg", "image/svg+xml", "no-cache"),
    ],
)
@pytest.mark.usefixtures("panel")
async def test_assets_have_their_type_and_hashed_ones_are_kept_for_ever(
    world: World, path: str, content_type: str, cache: str
) -> None:
    answer = await world.nobody().get(path)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith(content_type)
    assert cache in answer.headers["Cache-Control"]
    assert ("max-age=31536000" in answer.headers["Cache-Control"]) == (cache == "immutable")


@pytest.mark.parametrize("path", ["/", "/index.html", "/cards", "/cards/2026-000001", "/a/b/"])
@pytest.mark.usefixtures("panel")
async def test_addresses_of_the_panel_give_its_page_always_fresh(world: World, path: str) -> None:
    answer = await world.nobody().get(path, NAVIGATION)
    assert (answer.status, answer.body.decode()) == (200, INDEX)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/assets/gone-00000000.js", NAVIGATION),  # a stale page must not run HTML as a script
        ("/cards", {"Accept": "application/json"}),
        ("/cards", {"Accept": "text/html", "Sec-Fetch-Mode": "cors"}),
        ("/api", NAVIGATION),
        ("/api/nothing", NAVIGATION),
        ("/" + "x" * 600, NAVIGATION),
    ],
    ids=str,
)
@pytest.mark.usefixtures("panel")
async def test_what_is_no_navigation_does_not_get_the_page(
    world: World, path: str, headers: dict[str, str]
) -> None:
    answer = await world.nobody().get(path, headers)
    assert (answer.status, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.usefixtures("panel")
async def test_files_can_only_be_read(world: World, method: str) -> None:
    answer = await world.nobody().ask(method, "/index.html")
    assert (answer.status, answer.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "target",
    [
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/assets/../../secret.txt",
        "/assets/..%5c..%5csecret.txt",
        "/.env",
        "/link.txt",
        "/loop",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/secret.txt%00.js",
        "/assets",
        "/assets/",
        "/%ff%fe",
    ],
)
@pytest.mark.usefixtures("panel")
async def test_nothing_outside_the_folder_is_served(world: World, target: str) -> None:
    # By hand, because a client library would tidy the path up before it sends it.
    host, port = world.host.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {target} HTTP/1.0\r\nHost: {world.host}\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    assert answer.split(b" ", 2)[1] in (b"404", b"400")
    assert b"SECRET" not in answer
    assert b"root:" not in answer


async def test_a_panel_that_is_not_built_is_said_so(world: World) -> None:
    answer = await world.nobody().get("/", NAVIGATION)
    assert answer.status == 503
    assert b"npm run build" in answer.body
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert (await world.nobody().get("/assets/index-Bx3kq_9Z.js")).status == 404


def test_find_file_below_a_linked_folder(tmp_path: Path) -> None:
    real = tmp_path / "versions" / "1"
    real.mkdir(parents=True)
    (real / "index.html").write_text(INDEX)
    (tmp_path / "current").symlink_to(real)
    assert find_file(tmp_path / "current", "index.html") == real / "index.html"
    assert find_file(tmp_path / "nowhere", "index.html") is None
    assert find_file(tmp_path / "current", "") is None
