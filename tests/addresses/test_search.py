"""The right address stands first, whatever the words' order, letters and age."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccserver.addresses import Address, AddressIndex, AddressKind
from ccserver.location import Position

CESIS = Position(57.312, 25.275)
RIGA = Position(56.95, 24.12)


def found(
    index: AddressIndex, text: str, *, limit: int = 10, near: Position | None = None
) -> list[Address]:
    return index.search(text, limit=limit, near=near)


def texts(index: AddressIndex, text: str, near: Position | None = None) -> list[str]:
    return [address.text for address in found(index, text, near=near)]


@pytest.mark.parametrize(
    "text",
    [
        "brīvības 15 rīga",
        "riga brivibas iela 15",
        "Brīvības iela 15, Rīga, LV-1010",
        "15 brivibas riga",
        "рига бривибас 15",
        "рига, улица бривибас 15",
        "бривибас дом 15 рига",
        "brīv 15 rīg",
        "BRIVIBAS IELA 15 RIGA",
        "brivibsa 15 riga",
        "brīvības15 rīga",
    ],
)
def test_the_same_house_is_found_in_many_ways(index: AddressIndex, text: str) -> None:
    best = found(index, text)[0]
    assert (best.text, best.kind) == ("Brīvības iela 15, Rīga, LV-1010", AddressKind.BUILDING)
    assert best.code == "101001002"
    assert best.old is False
    assert best.lat == pytest.approx(56.9502)


def test_the_exact_number_stands_before_its_letters_and_longer_ones(index: AddressIndex) -> None:
    houses = [text for text in texts(index, "brīvības 15 rīga") if text.endswith("Rīga, LV-1010")]
    assert houses[:4] == [
        "Brīvības iela 15, Rīga, LV-1010",
        "Brīvības iela 15 k-1, Rīga, LV-1010",
        "Brīvības iela 15A, Rīga, LV-1010",
        "Brīvības iela 150, Rīga, LV-1010",
    ]


def test_a_block_and_a_letter_can_be_asked_for(index: AddressIndex) -> None:
    assert texts(index, "brivibas 15 k-1 riga")[0] == "Brīvības iela 15 k-1, Rīga, LV-1010"
    assert texts(index, "brivibas 15 a, riga")[0] == "Brīvības iela 15A, Rīga, LV-1010"
    assert texts(index, "barona 59/61")[0] == "Krišjāņa Barona iela 59/61, Rīga, LV-1010"
    assert texts(index, "barona 59")[0] == "Krišjāņa Barona iela 59/61, Rīga, LV-1010"


@pytest.mark.parametrize(
    "text", ["brivibas 15-3 riga", "бривибас 15 кв 3 рига", "brīvības 15 dz.3"]
)
def test_a_flat_is_found_under_its_building(index: AddressIndex, text: str) -> None:
    best, second = found(index, text)[:2]
    assert (best.text, best.kind) == ("Brīvības iela 15 - 3, Rīga, LV-1010", AddressKind.FLAT)
    assert best.code == "102000001"
    assert best.lat == pytest.approx(56.9502)
    assert second.text == "Brīvības iela 15, Rīga, LV-1010"


def test_a_flat_that_is_not_there_leads_to_the_building(index: AddressIndex) -> None:
    assert texts(index, "brivibas 15-99 riga")[0] == "Brīvības iela 15, Rīga, LV-1010"


def test_a_house_that_is_not_there_leads_to_the_street(index: AddressIndex) -> None:
    assert texts(index, "brivibas 77 riga")[0] == "Brīvības iela, Rīga"


@pytest.mark.parametrize(
    "text", ["Kr. Barona 15", "K. Barona 15", "Кришьяна Барона 15", "кр барона 15"]
)
def test_first_names_may_be_shortened(index: AddressIndex, text: str) -> None:
    assert texts(index, text)[0] == "Krišjāņa Barona iela 15, Rīga, LV-1010"


def test_numbers_in_names(index: AddressIndex) -> None:
    assert texts(index, "13. janvāra iela 5")[0] == "13. janvāra iela 5, Rīga, LV-1010"
    assert texts(index, "13 janvara 13")[0] == "13. janvāra iela 13, Rīga, LV-1010"
    assert texts(index, "13 janvara")[0] == "13. janvāra iela, Rīga"
    assert texts(index, "3 1905 gada")[0] == "1905. gada iela 3, Rīga, LV-1010"


@pytest.mark.parametrize(
    ("text", "street"),
    [
        ("raiņa bulv. 19", "Raiņa bulvāris 19, Rīga, LV-1010"),
        ("райня бульвар 19", "Raiņa bulvāris 19, Rīga, LV-1010"),
        ("raiņa iela 19", "Raiņa bulvāris 19, Rīga, LV-1010"),
        ("brīvības gatve 20", "Brīvības gatve 200, Rīga, LV-1010"),
        ("аусекля 7", "Ausekļa iela 7, Rīga, LV-1010"),
        ("йомас 35 юрмала", "Jomas iela 35, Jūrmala, LV-1010"),
    ],
)
def test_kinds_of_streets_lead_and_never_mislead(
    index: AddressIndex, text: str, street: str
) -> None:
    assert texts(index, text)[0] == street


def test_a_former_name_shows_the_present_one(index: AddressIndex) -> None:
    street = found(index, "ļeņina iela")[0]
    assert (street.text, street.former_text) == ("Brīvības iela, Rīga", "Ļeņina iela")
    house = found(index, "ленина 15")[0]
    assert (house.text, house.former_text) == ("Brīvības iela 15, Rīga, LV-1010", "Ļeņina iela 15")
    assert house.old is False


def test_a_former_number_and_a_former_farm_are_found(index: AddressIndex) -> None:
    house = found(index, "skolas 9 vecate")[0]
    assert house.text == "Skolas iela 4, Vecate, Vecates pag., Valmieras nov., LV-1010"
    assert house.former_text == "Skolas iela 9"
    farm = found(index, "vecriņņi")[0]
    assert farm.text == '"Riņņi", Vecates pag., Valmieras nov., LV-4211'
    assert farm.former_text == "Vecriņņi"


def test_the_municipality_of_before_the_reform_is_understood(index: AddressIndex) -> None:
    assert texts(index, "riņņi mazsalacas novads")[0].startswith('"Riņņi", Vecates pag.')


def test_what_is_gone_is_marked_and_stands_last(index: AddressIndex) -> None:
    gone = found(index, "pazudusi 1")[0]
    assert (gone.text, gone.old) == ("Pazudusī iela 1, Rīga, LV-1010", True)


def test_rows_that_the_register_calls_mistakes_are_not_there(index: AddressIndex) -> None:
    assert index.by_code(101900002) is None


def test_what_is_near_the_caller_stands_first(index: AddressIndex) -> None:
    far, near = texts(index, "brivibas 15", near=RIGA), texts(index, "brivibas 15", near=CESIS)
    assert far[0] == "Brīvības iela 15, Rīga, LV-1010"
    assert near[0] == "Brīvības iela 15, Cēsis, Cēsu nov., LV-1010"
    assert (found(index, "brivibas 15", near=CESIS)[0].distance_m or 1e9) < 500
    assert found(index, "brivibas 15")[0].distance_m is None


def test_an_exact_name_stands_before_the_beginning_of_one(index: AddressIndex) -> None:
    assert texts(index, "rīga")[0] == "Rīga"
    assert texts(index, "rīgas")[0] == "Rīgas iela, Cēsis, Cēsu nov."
    assert texts(index, "cēsis rīgas 1")[0] == "Rīgas iela 1, Cēsis, Cēsu nov., LV-1010"


def test_farms_with_quotes_and_commas(index: AddressIndex) -> None:
    assert texts(index, "stacija biksti jauna")[0].startswith('"Stacija "Biksti, jaunā""')
    flat = index.by_code(103000003)
    assert flat is not None
    assert flat.text == ('"Stacija "Biksti, jaunā"" - 1, Vecates pag., Valmieras nov., LV-4211')


def test_an_address_without_a_text_is_composed(index: AddressIndex) -> None:
    assert texts(index, "ozoli vecates")[0] == '"Ozoli", Vecates pag., Valmieras nov., LV-1010'


def test_one_wrong_word_leaves_the_rest(index: AddressIndex) -> None:
    assert "Skolas iela 4, Vecate, Vecates pag., Valmieras nov., LV-1010" in texts(
        index, "skolas 4 jelgava"
    )


def test_code_and_postcode(index: AddressIndex) -> None:
    assert texts(index, "101001002") == ["Brīvības iela 15, Rīga, LV-1010"]
    assert texts(index, "999999999") == []
    assert len(found(index, "LV-4211", limit=5)) == 2


def test_two_letters_are_enough_and_one_is_not(index: AddressIndex) -> None:
    assert "Brīvības iela, Rīga" in texts(index, "br")
    assert texts(index, "b") == []
    assert texts(index, "15") == []


def test_the_limit_holds(index: AddressIndex) -> None:
    assert len(found(index, "br", limit=2)) == 2
    codes = [address.code for address in found(index, "brivibas 15", limit=50)]
    assert len(codes) == len(set(codes))


WORDS = st.sampled_from(
    ["brīvības", "iela", "15", "15-3", "rīga", "k-1", "кв", "3", '"', "*", "NEAR(", "OR", "AND",
     "name:", "-", "^", "LV-1010", "ё", "ьь", "\0", "𝟙", "²", "½"]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.text(max_size=250) | st.lists(WORDS, max_size=10).map(" ".join),
    st.integers(1, 50),
    st.none() | st.builds(Position, st.floats(-90, 90), st.floats(-180, 180)),
)
def test_any_text_is_answered(
    index: AddressIndex, text: str, limit: int, near: Position | None
) -> None:
    assert len(index.search(text, limit=limit, near=near)) <= limit
