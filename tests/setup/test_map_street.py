"""Prove that a street map is made whole or not at all, and that each refusal is one sentence.

``street.osm.pbf`` is a town of our own invention: two streets, a house with a number, a river, a
pond, a wood, a railway and two places.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from ccserver.web.pmtiles import TileFile

REPO = Path(__file__).parents[2]
EXTRACT = Path(__file__).parent / "street.osm.pbf"
DEADLINE_S = 120

needs_tilemaker = pytest.mark.skipif(not shutil.which("tilemaker"), reason="no tilemaker")


def map_street(*arguments: object, path: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [REPO / "bin/map-street", *(str(one) for one in arguments)],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        env=None if path is None else {"PATH": path},
    )


@needs_tilemaker
def test_an_extract_becomes_a_map_file_that_the_server_lists(tmp_path: Path) -> None:
    made = map_street(EXTRACT, tmp_path / "maps")
    assert made.returncode == 0, made.stderr
    assert [path.name for path in (tmp_path / "maps").iterdir()] == ["street.pmtiles"]
    with (tmp_path / "maps" / "street.pmtiles").open("rb") as file:
        found = TileFile.read(file)
    assert found.attribution == "© OpenStreetMap contributors (ODbL)"
    assert found.header.bounds == (24.0, 56.9, 24.2, 57.0)
    assert (found.header.min_zoom, found.header.max_zoom) == (6, 14)


@needs_tilemaker
def test_a_broken_extract_leaves_the_map_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "street.pmtiles").write_bytes(b"the old one")
    broken = tmp_path / "broken.osm.pbf"
    broken.write_bytes(EXTRACT.read_bytes()[:200])
    failed = map_street(broken, tmp_path)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("set-up: ")
    assert (tmp_path / "street.pmtiles").read_bytes() == b"the old one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.osm.pbf", "street.pmtiles"]


def test_what_is_missing_is_said_in_one_line(tmp_path: Path) -> None:
    missing = map_street(tmp_path / "none.osm.pbf")
    assert missing.returncode == 1
    assert missing.stderr == f"set-up: cannot read {tmp_path}/none.osm.pbf\n"
    assert map_street().returncode == 2
    # Everything that the command needs, but no tilemaker.
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "mkdir", "cat"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    refused = map_street(EXTRACT, tmp_path / "maps", path=str(tools))
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert "apt-get install" in line
    assert not (tmp_path / "maps").exists()
