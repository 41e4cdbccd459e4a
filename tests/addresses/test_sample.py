"""The made-up register has the real one's layout, is marked, and is the same for the same seed."""

from pathlib import Path

import pytest

from ccserver.addresses import AddressIndex, import_register, read_info, write_sample
from ccserver.addresses.sample import FILES
from ccserver.addresses.source import SYNTHETIC_MARKER
from tests.addresses.registers import silent


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, count=3_000, seed=1)
    return folder


def test_every_file_is_there_and_the_marker_says_that_it_is_made_up(sample: Path) -> None:
    names = {file.name for file in sample.iterdir()}
    assert names == {*(f"{name}.csv" for name in FILES), SYNTHETIC_MARKER}
    assert "SINTĒTISKI DATI" in (sample / SYNTHETIC_MARKER).read_text("utf-8")


def test_it_is_imported_without_a_mistake(sample: Path, tmp_path: Path) -> None:
    path = tmp_path / "addresses.db"
    outcome = import_register(sample, path, progress=silent)
    assert outcome.problems.total == 0
    info = read_info(path)
    assert info.synthetic is True
    assert info.buildings == 3_000
    assert min(info.streets, info.flats, info.former_names, info.places) > 20
    index = AddressIndex(path, timeout_s=30.0)
    assert index.search("brīvības iela rīga", limit=1)[0].text == "Brīvības iela, Rīga"


def test_the_seed_decides(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "same", count=3_000, seed=1)
    write_sample(tmp_path / "other", count=3_000, seed=2)
    wanted = (sample / "aw_eka.csv").read_bytes()
    assert (tmp_path / "same" / "aw_eka.csv").read_bytes() == wanted
    assert (tmp_path / "other" / "aw_eka.csv").read_bytes() != wanted


@pytest.mark.parametrize("count", [0, -1, 2_000_001])
def test_counts_that_cannot_be(count: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="count"):
        write_sample(tmp_path, count=count, seed=1)


@pytest.mark.parametrize("count", [1, 7, 120])
def test_small_samples(count: int, tmp_path: Path) -> None:
    write_sample(tmp_path / "csv", count=count, seed=3)
    path = tmp_path / "addresses.db"
    outcome = import_register(tmp_path / "csv", path, force=True, progress=silent)
    assert outcome.info.buildings == count
