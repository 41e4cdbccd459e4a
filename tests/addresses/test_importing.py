"""An import replaces the index as a whole or not at all, and says what it left out."""

import fcntl
import random
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccserver.addresses import AddressIndex, ImportRefused, import_register, read_info
from ccserver.addresses.builder import PROBLEMS_LISTED_MAX
from tests.addresses.registers import RIGA, Register, imported, latvia, silent

CODE = 101001002


def houses(count: int, *, at: tuple[float, float] | None = RIGA) -> Register:
    made = Register()
    city = made.city(100003003, "Rīga")
    street = made.street(100003004, "Brīvības iela", city)
    for number in range(count):
        made.building(101000000 + number, str(number), street, "", at)
    return made


def found(path: Path, text: str) -> list[str]:
    index = AddressIndex(path, timeout_s=30.0)
    try:
        return [address.text for address in index.search(text, limit=5)]
    finally:
        index.close()


def test_what_the_index_holds_is_counted(index_path: Path) -> None:
    info = read_info(index_path)
    assert (info.places, info.streets, info.buildings, info.flats) == (7, 11, 28, 4)
    assert info.with_coordinates == 28
    assert info.synthetic is False
    assert info.source == "csv"


def test_a_clean_register_has_no_problems(tmp_path: Path) -> None:
    _, outcome = imported(latvia(), tmp_path, force=False)
    assert outcome.problems.total == 0
    assert outcome.tally.errors_of_register == 1


def test_a_zip_file_with_capital_letters_in_a_folder(tmp_path: Path) -> None:
    source = tmp_path / "aw_csv.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in latvia().texts().items():
            packed.writestr(f"AW_CSV/{name.upper()}.CSV", text)
    path = tmp_path / "addresses.db"
    import_register(source, path, progress=silent)
    assert found(path, "brivibas 15 riga")[0] == "Brīvības iela 15, Rīga, LV-1010"


def test_the_layout_of_before_2022(tmp_path: Path) -> None:
    folder = tmp_path / "csv"
    for file in latvia().write(folder).iterdir():
        lines = file.read_text("utf-8-sig").replace('","', "#;#").splitlines()
        plain = ("#" + line[1:-1].replace('""', '"') + "#" for line in lines)
        file.write_text("\n".join(plain), "utf-8")
    path = tmp_path / "addresses.db"
    import_register(folder, path, progress=silent)
    assert found(path, "stacija biksti")[0].startswith('"Stacija "Biksti, jaunā""')


def test_only_one_kind_of_coordinates_is_enough(tmp_path: Path) -> None:
    made = houses(2)
    rows = made.rows["aw_eka"]
    rows[0] = (*rows[0][:17], *rows[0][17:19], "", "")
    rows[1] = (*rows[1][:17], "", "", *rows[1][19:])
    path, _ = imported(made, tmp_path)
    index = AddressIndex(path, timeout_s=30.0)
    for code in (101000000, 101000001):
        one = index.by_code(code)
        assert one is not None
        assert (one.lat, one.lon) == pytest.approx(RIGA, abs=1e-5)
        assert one.x == pytest.approx(311_800, abs=200)
        assert one.y == pytest.approx(507_300, abs=200)


def test_coordinates_outside_the_country_are_none(tmp_path: Path) -> None:
    made = houses(1)
    row = made.rows["aw_eka"][0]
    made.rows["aw_eka"][0] = (*row[:17], "0.000", "0.000", "0.000000", "0.000000")
    path, _ = imported(made, tmp_path)
    one = AddressIndex(path, timeout_s=30.0).by_code(101000000)
    assert one is not None
    assert (one.lat, one.lon, one.x, one.y) == (None, None, None, None)


def test_rows_with_mistakes_are_listed_and_left_out(tmp_path: Path) -> None:
    made = houses(300)
    rows = made.rows["aw_eka"]
    rows.append(("12", *rows[0][1:]))
    rows.append((rows[0][0], *rows[0][1:]))
    rows.append((101900001, 108, "NEW", *rows[0][3:]))
    rows.append((101900002, 108, "EKS", "Y", 252, 999999999, *rows[0][6:]))
    rows.append((101900003, 108, "EKS", "Y", 252, 100003004, 107, " ", *rows[0][8:]))
    made.flat(102000001, "1", 555555555)
    _, outcome = imported(made, tmp_path)
    assert {(file, line): reason for file, line, reason in outcome.problems.listed} == {
        ("aw_eka.csv", 302): "KODS is not a number of nine digits",
        ("aw_eka.csv", 303): "the code occurs twice",
        ("aw_eka.csv", 304): "STATUSS is none of EKS, DEL, ERR",
        ("aw_eka.csv", 305): "VKUR_CD names an object that is not there",
        ("aw_eka.csv", 306): "NOSAUKUMS is empty",
        ("aw_dziv.csv", 2): "VKUR_CD names a building that is not there",
    }
    assert outcome.info.buildings == 300


def test_places_that_lie_in_one_another_do_not_hang_the_import(tmp_path: Path) -> None:
    made = houses(3)
    made.parish(100003005, "A pag.", 100003006)
    made.parish(100003006, "B pag.", 100003005)
    _, outcome = imported(made, tmp_path)
    assert outcome.info.places == 3
    assert "lies in itself" in {reason for _, _, reason in outcome.problems.listed}


def test_the_list_of_mistakes_is_bounded(tmp_path: Path) -> None:
    made = houses(5)
    made.rows["aw_eka"] += [("bad", *made.rows["aw_eka"][0][1:])] * (PROBLEMS_LISTED_MAX + 50)
    _, outcome = imported(made, tmp_path)
    assert len(outcome.problems.listed) == PROBLEMS_LISTED_MAX
    assert outcome.problems.total == PROBLEMS_LISTED_MAX + 50


def test_a_missing_file_or_column_is_said(tmp_path: Path) -> None:
    folder = houses(3).write(tmp_path / "csv")
    (folder / "aw_iela.csv").unlink()
    path = tmp_path / "addresses.db"
    with pytest.raises(ImportRefused, match=r"aw_iela\.csv is missing"):
        import_register(folder, path, progress=silent)
    (folder / "aw_iela.csv").write_bytes(b"KODS,TIPS_CD,STATUSS,NOSAUKUMS\n")
    with pytest.raises(ImportRefused, match=r"aw_iela\.csv: the header has no column VKUR_CD, STD"):
        import_register(folder, path, progress=silent)
    with pytest.raises(ImportRefused, match="no such directory"):
        import_register(tmp_path / "nothing", path, progress=silent)
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 no zip at all")
    with pytest.raises(ImportRefused, match="not a zip file"):
        import_register(tmp_path / "broken.zip", path, progress=silent)
    assert not path.exists()


def test_a_register_that_shrank_is_refused_without_force(tmp_path: Path) -> None:
    path, _ = imported(houses(100), tmp_path, force=False)
    source = houses(96).write(tmp_path / "a")
    assert import_register(source, path, progress=silent).info.buildings == 96
    source = houses(91).write(tmp_path / "b")
    with pytest.raises(ImportRefused, match="has 91 buildings where the index in use has 96"):
        import_register(source, path, progress=silent)
    assert read_info(path).buildings == 96
    assert import_register(source, path, force=True, progress=silent).info.buildings == 91


def test_a_register_without_positions_or_with_many_mistakes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="only 0 of 20 buildings have a position"):
        imported(houses(20, at=None), tmp_path, force=False)
    made = houses(20)
    made.rows["aw_eka"] += [("bad", *made.rows["aw_eka"][0][1:])] * 3
    with pytest.raises(ImportRefused, match="3 of 25 rows cannot be used"):
        imported(made, tmp_path, force=False)


def test_an_empty_register_is_refused_even_with_force(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="holds no building"):
        imported(houses(0), tmp_path, force=True)


class Interrupted(BaseException):
    """As Ctrl-C, at any moment of an import."""


def test_an_interrupted_import_leaves_the_old_index(tmp_path: Path) -> None:
    path, _ = imported(houses(10), tmp_path, force=False)
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    source = houses(11).write(tmp_path / "csv")
    import_register(source, tmp_path / "other.db", progress=count)
    for stop_at in range(steps):
        left = stop_at

        def interrupt(*_: object) -> None:
            nonlocal left
            if left == 0:
                raise Interrupted
            left -= 1

        with pytest.raises(Interrupted):
            import_register(source, path, progress=interrupt)
        assert read_info(path).buildings == 10
    assert sorted(file.name for file in tmp_path.glob("addresses.db*")) == [
        "addresses.db",
        "addresses.db.lock",
    ]


def test_what_a_killed_import_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "addresses.db.new-1").write_bytes(b"half")
    imported(houses(10), tmp_path)
    assert not (tmp_path / "addresses.db.new-1").exists()


def test_two_imports_at_once_are_one(tmp_path: Path) -> None:
    path, _ = imported(houses(10), tmp_path)
    with (tmp_path / "addresses.db.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(ImportRefused, match="another import is under way"):
            import_register(tmp_path / "csv", path, progress=silent)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32), wounds=st.integers(1, 30))
def test_a_mutated_register_is_imported_or_refused(tmp_path: Path, seed: int, wounds: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    folder = tmp_path / "mutated"
    texts = {name: bytearray(text) for name, text in latvia().texts().items()}
    for _ in range(wounds):
        text = texts[chance.choice(list(texts))]
        at = chance.randrange(len(text) + 1)
        match chance.randrange(4):
            case 0:
                text[at:at] = chance.choice([b'"', b",", b"\n", b"\xff", b"\0", "Ņ".encode(), b";"])
            case 1:
                del text[at : at + chance.randrange(1, 40)]
            case 2:
                text[at : at + 1] = bytes([chance.randrange(256)])
            case 3:
                text[at:at] = text[max(0, at - 80) : at]
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.csv").write_bytes(text)
    path = tmp_path / "mutated.db"
    try:
        import_register(folder, path, force=True, progress=silent)
    except ImportRefused:
        return
    found(path, "brivibas 15 riga")
    assert read_info(path).buildings > 0
