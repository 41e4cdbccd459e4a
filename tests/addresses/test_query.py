"""What people type is understood: letters, words in any order, numbers, flats, Russian spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.addresses.cyrillic import VARIANTS_MAX, latvian_variants
from ccserver.addresses.query import Query, house_key, parse
from ccserver.addresses.text import fold, words_of
from ccserver.addresses.typos import is_one_mistake


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ķīšezera iela", "kisezera iela"),
        ("ĢERTRŪDES", "gertrudes"),
        ("Čaka", "caka"),
        ("Žīgurņš", "zigurns"),
        ("Райня", "райня"),
        ("ЁЛКИ", "ёлки"),
    ],
)
def test_letters_are_folded(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_words_hold_letters_and_digits_only() -> None:
    assert words_of('"Riņņi", Kr.Barona 15-3') == ["rinni", "kr", "barona", "15", "3"]


@pytest.mark.parametrize(
    ("russian", "latvian"),
    [
        ("бривибас", "brivibas"),
        ("кришьяна", "krisjana"),
        ("барона", "barona"),
        ("рига", "riga"),
        ("юрмала", "jurmala"),
        ("елгава", "jelgava"),
        ("екабпилс", "jekabpils"),
        ("лиепая", "liepaja"),
        ("райня", "raina"),
        ("аусекля", "ausekla"),
        ("гертрудес", "gertrudes"),
        ("лачплеша", "lacplesa"),
        ("дзирнаву", "dzirnavu"),
        ("чака", "caka"),
        ("шкюню", "skunu"),
        ("ильгюциемс", "ilguciems"),
        ("маяковска", "majakovska"),
        ("яня", "jana"),
        ("хоспиталю", "hospitalu"),
        ("эргли", "ergli"),
        ("майори", "majori"),
        ("гипократа", "hipokrata"),
        ("цесис", "cesis"),
    ],
)
def test_russian_spelling_is_turned_back(russian: str, latvian: str) -> None:
    assert latvian in latvian_variants(russian)


@given(st.text(max_size=40))
def test_no_word_has_more_variants_than_may_be_looked_for(text: str) -> None:
    for word in words_of(text):
        assert 1 <= len(latvian_variants(word)) <= VARIANTS_MAX


def first(query: Query) -> tuple[tuple[str, ...], str | None, str | None]:
    """The likeliest reading: words, house, flat."""
    reading = query.readings[0]
    return tuple(term.spellings[0] for term in reading.terms), reading.house, reading.flat


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("brīvības 15 rīga", (("brivibas", "riga"), "15", None)),
        ("riga brivibas iela 15-3", (("riga", "brivibas"), "15", "3")),
        ("15 brivibas", (("brivibas",), "15", None)),
        ("brivibas15", (("brivibas",), "15", None)),
        ("бривибас 15", (("brivibas",), "15", None)),
        ("рига, улица бривибас", (("riga", "brivibas"), None, None)),
        ("Brīvības 15 dz. 12a", (("brivibas",), "15", "12a")),
        ("бривибас 15б, кв. 3", (("brivibas",), "15b", "3")),
        ("Barona 59/61", (("barona",), "59/61", None)),
        ("Barona 195 k-1 - 3", (("barona",), "195k1", "3")),
        ("Barona 195k1", (("barona",), "195k1", None)),
        ("Barona 195k-1 - 3", (("barona",), "195k1", "3")),
        ("Barona 195 korp. 1", (("barona",), "195k1", None)),
        ("Brīvības 15 A, Rīga", (("brivibas", "riga"), "15a", None)),
        ("Brīvības 15 3", (("brivibas",), "15", "3")),
        ("māja Nr. 5 Brīvības", (("brivibas",), "5", None)),
    ],
)
def test_numbers_and_words_are_told_apart(
    text: str, understood: tuple[tuple[str, ...], str | None, str | None]
) -> None:
    assert first(parse(text)) == understood


def test_a_number_may_belong_to_the_name() -> None:
    readings = {
        (tuple(term.spellings[0] for term in one.terms), one.house, one.flat)
        for one in parse("13. janvāra iela 5-3").readings
    }
    assert (("janvara", "13"), "5", "3") in readings
    assert (("janvara",), "13", "5") in readings


@pytest.mark.parametrize("text", ["", " ", "a", "15", "15-3", "1905", "…", "LV-1010"])
def test_less_than_two_letters_are_nothing_to_look_for(text: str) -> None:
    assert parse(text).readings == ()


def test_kinds_and_initials_only_rank() -> None:
    query = parse("Kr. Barona iela K")
    assert query.kinds == {"iela"}
    assert query.initials == {"k"}
    assert first(query)[0] == ("kr", "barona")


def test_a_kind_alone_is_looked_for() -> None:
    assert first(parse("laukums"))[0] == ("laukums",)


def test_postcode_and_code() -> None:
    assert parse("brīvības lv1010").postcode == "LV-1010"
    assert parse(" 101000002 ").code == 101000002


@pytest.mark.parametrize(
    ("number", "key"), [("195 k-1", "195k1"), ("15A", "15a"), ("59/61", "59/61"), ("3 - 5", "35")]
)
def test_house_keys(number: str, key: str) -> None:
    assert house_key(number) == key


@pytest.mark.parametrize(
    ("typed", "known", "one"),
    [
        ("brivibsa", "brivibas", True),
        ("brivbas", "brivibas", True),
        ("brivvibas", "brivibas", True),
        ("brezvibas", "brivibas", False),
        ("barna", "barona", True),
        ("krisjaa", "krisjana", True),
        ("klisj", "krisjana", True),
    ],
)
def test_one_mistake(typed: str, known: str, one: bool) -> None:
    assert is_one_mistake(typed, known) is one


@given(st.text(max_size=300))
def test_any_text_can_be_understood(text: str) -> None:
    query = parse(text)
    assert len(query.readings) <= 4
