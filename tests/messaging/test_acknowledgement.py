"""The centre's own acknowledgement: off by default, once, to persons only, never too late."""

from dataclasses import replace

import pytest

from ccserver.documents import Texts
from ccserver.messaging import ConversationState, Direction
from ccserver.messaging.acknowledgement import AGE_MAX_S, acknowledgement, in_language
from ccserver.messaging.document import Acknowledgement, Messaging
from tests.messaging.conftest import START, second
from tests.messaging.test_threading import landed

TEXTS = Texts(lv="Ziņa saņemta.", ru="Сообщение получено.", en="Your text was received.")
ON = Messaging(automatic_acknowledgement=Acknowledgement(active=True, texts=TEXTS))
FIRST = landed(new=True)
CITIZEN, TEXT = FIRST.conversation, FIRST.message


def test_it_is_off_unless_the_centre_wants_it() -> None:
    off = replace_active(active=False)
    assert acknowledgement(off, CITIZEN, TEXT, START) is None
    assert acknowledgement(Messaging(), CITIZEN, TEXT, START) is None
    assert acknowledgement(ON, CITIZEN, TEXT, START) == TEXTS.lv


def replace_active(*, active: bool) -> Messaging:
    return Messaging(automatic_acknowledgement=Acknowledgement(active=active, texts=TEXTS))


@pytest.mark.parametrize(
    ("language", "expected"),
    [("ru", TEXTS.ru), ("en", TEXTS.en), ("de", TEXTS.lv), (None, TEXTS.lv)],
)
def test_it_is_in_the_citizens_language_or_in_the_centres_first(
    language: str | None, expected: str
) -> None:
    conversation = replace(CITIZEN, language=language)
    assert acknowledgement(ON, conversation, TEXT, START) == expected


def test_without_words_nothing_is_sent() -> None:
    empty = Messaging(automatic_acknowledgement=Acknowledgement(active=True, texts=Texts(lv=" ")))
    assert acknowledgement(empty, CITIZEN, TEXT, START) is None
    assert in_language(Texts(en="yes"), "lv") == "yes"


@pytest.mark.parametrize(
    "changes",
    [
        {"acknowledged_at": START},
        {"replyable": False},
        {"citizen": "BANKA"},
        {"citizen": "1188"},
        {"citizen": ""},
        {"citizen": "112"},
        {"state": ConversationState.RIDING},
        {"state": ConversationState.OPEN},
        {"state": ConversationState.CLOSED},
        {"last_out_at": START},
    ],
    ids=str,
)
def test_conversations_that_are_not_acknowledged(changes: dict[str, object]) -> None:
    conversation = replace(CITIZEN, **changes)  # type: ignore[arg-type]
    assert acknowledgement(ON, conversation, TEXT, START) is None


def test_nobody_acknowledges_our_own_number() -> None:
    conversation = replace(CITIZEN, our_number=CITIZEN.citizen)
    assert acknowledgement(ON, conversation, TEXT, START) is None


@pytest.mark.parametrize("changes", [{"direction": Direction.OUT}, {"duplicate": True}], ids=str)
def test_texts_that_are_not_acknowledged(changes: dict[str, object]) -> None:
    message = replace(TEXT, **changes)  # type: ignore[arg-type]
    assert acknowledgement(ON, CITIZEN, message, START) is None


def test_a_backlog_is_not_acknowledged() -> None:
    assert acknowledgement(ON, CITIZEN, TEXT, second(AGE_MAX_S)) is not None
    assert acknowledgement(ON, CITIZEN, TEXT, second(AGE_MAX_S + 1)) is None
