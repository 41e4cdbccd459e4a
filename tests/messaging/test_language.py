"""A text's language is told where it can be, without ever being told wrongly on a guess.

Texts as people in need write them: short, without diacritics, Russian in Latin letters.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccserver.messaging.language import KNOWN, Detector

SHARED = Detector(("lv", "ru", "en"))

TEXTS = [
    ("Palīgā!", "lv"),
    ("Paliga deg maja", "lv"),
    ("Man ir slikti, nevaru runat", "lv"),
    ("Esmu pazudis meza pie Siguldas, nevaru atrast celu", "lv"),
    ("Sieva nokrita pa kapnem, asino galva", "lv"),
    ("помогите", "ru"),
    ("Горит дом на Brīvības 12", "ru"),
    ("Deg Яна namā, Brīvības 12", "lv"),
    ("Горит дом на Brivibas 12, люди внутри", "ru"),
    ("Pomogite, muzh upal", "ru"),
    ("ja zabludilsja v lesu okolo Siguldi ne mogu naiti dorogu", "ru"),
    ("HELP ME", "en"),
    ("There is a fire in our house please come", "en"),
    ("Someone broke into flat, I hide in bathroom", "en"),
]

UNSURE = [
    "", "112", "...", "56.9496 24.1052", "ok", "\x00\x01", "\ud83d",
    "Hilfe, mein Haus brennt, bitte kommen Sie schnell",
    "Ayuda por favor mi casa se quema",
    "Padėkite, dega namas",
    "asdf jkl qwer tyui zxcv",
    "Riga Brivibas 12-4",
]  # fmt: skip


@pytest.mark.parametrize(("text", "language"), TEXTS)
def test_the_language_of_a_text(text: str, language: str) -> None:
    assert SHARED.detect(text) == language


@pytest.mark.parametrize("text", UNSURE)
def test_who_is_unsure_says_nothing(text: str) -> None:
    assert SHARED.detect(text) is None


def test_of_several_languages_in_cyrillic_the_letters_or_the_model_decide() -> None:
    both = Detector(("lv", "ru", "uk"))
    assert both.detect("у меня болит сердце, помогите пожалуйста") == "ru"
    assert both.detect("у мене болить серце, допоможіть") == "uk"
    assert both.detect("помогите") is None, "too short to tell"


def test_only_the_centres_languages_are_told() -> None:
    assert Detector(("lv", "en")).detect("помогите") is None
    assert Detector(()).detect("help") is None
    assert Detector(("xx", "en")).languages == ("en",)


async def test_the_loop_is_not_kept_waiting_for_the_model() -> None:
    fresh = Detector(("lv", "ru", "en"))
    assert await fresh.detected("Palīgā") == "lv"
    assert fresh._model is None, "what is certain needs none"
    assert await fresh.detected("My wife fell down stairs") == "en"


def test_a_model_that_cannot_be_read_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("py3langid.langid.MODEL_FILE", "nowhere")
    fresh = Detector(("lv", "ru", "en"))
    assert fresh.detect("My wife fell down stairs") is None
    assert fresh.detect("help") == "en"


def test_the_known_languages_are_those_of_the_model() -> None:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415

    labels = LanguageIdentifier.from_model_file(MODEL_FILE).labels
    assert {one for one in labels if len(one) == 2} == KNOWN


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
def test_any_text_has_a_language_or_none(text: str) -> None:
    assert SHARED.detect(text) in {*SHARED.languages, None}
