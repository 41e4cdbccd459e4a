"""The panel has a sentence, in each of its languages, for every code that the server may send."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from ccserver import watch
from ccserver.acd.commands import AgentState, AlarmCode, Shortage
from ccserver.audit import AuditTag
from ccserver.callbacks.values import CallbackOutcome
from ccserver.calldata.items import ItemKind
from ccserver.calldata.spool import Via
from ccserver.calldata.vehicle import DataState, RequestState
from ccserver.card import TimelineTag
from ccserver.card.values import Outcome
from ccserver.control import MESSAGES
from ccserver.ecall.urn import ECallKind
from ccserver.ecall.values import Energy, VehicleType
from ccserver.live import TEXT_UNANSWERED
from ccserver.messaging import ConversationState
from ccserver.services import NOTE, ServiceState, UnitState
from ccserver.services.desk import OVERDUE_ALARM, REFUSED_ALARM, UNSEEN_ALARM
from ccserver.sms import sends
from ccserver.sms.oddities import Oddity
from ccserver.telephony.party import PartyKind, PartyState
from ccserver.telephony.wishes import REFUSAL_CODES
from ccserver.texting.control import MESSAGES as TEXT_MESSAGES
from ccserver.texts import Channel, DeliveryState
from ccserver.web.services import REFUSALS

SOURCE = Path(__file__).parents[1] / "panel" / "src"
TEXTS = SOURCE / "i18n"
LANGUAGES = ("lv", "ru", "en")
CALLBACK_REFUSALS = ("taken", "closed", "no_number")
SERVICE_REFUSALS = {code for _, code, _ in REFUSALS.values()} | {"other_service"}
SERVICE_ALARMS = (REFUSED_ALARM, OVERDUE_ALARM, UNSEEN_ALARM)
DELIVERY_ERRORS = (
    sends.NOT_SENT_IN_TIME,
    sends.OUTCOME_UNKNOWN,
    sends.PART_FAILED,
    sends.ADDRESS_INVALID,
)


def texts(language: str, section: str) -> dict[str, Any]:
    """One part of a language's sentences, by code; a dot in ``section`` leads further down."""
    found: dict[str, Any] = {}
    for path in sorted(TEXTS.glob(f"*{language}.json")):
        found |= json.loads(path.read_text("utf-8"))
    for key in section.split("."):
        found = found[key]
    return found


def missing(language: str, section: str, codes: Iterable[str]) -> list[str]:
    """The codes without a sentence."""
    known = texts(language, section)
    return sorted(code for code in codes if not known.get(code))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_has_a_sentence(language: str) -> None:
    codes = {
        *MESSAGES,
        *TEXT_MESSAGES,
        *REFUSAL_CODES,
        *CALLBACK_REFUSALS,
        *SERVICE_REFUSALS,
    }
    assert missing(language, "refused", codes) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("section", "codes"),
    [
        ("timeline", TimelineTag),
        ("outcome", Outcome),
        ("audit.tag", AuditTag),
        ("agent", AgentState),
        ("shortage", Shortage),
        ("notice", AlarmCode),
        ("notice", [*SERVICE_ALARMS, TEXT_UNANSWERED]),
        ("service.state", [*ServiceState, NOTE]),
        ("service.unit_state", UnitState),
        ("alarm", watch.AlarmCode),
        ("party", PartyState),
        ("party.kind", PartyKind),
        ("callback.outcome", CallbackOutcome),
        ("texts.delivery", DeliveryState),
        ("texts.error", DELIVERY_ERRORS),
        ("texts.state", ConversationState),
        ("texts.channel", Channel),
        ("ecall.kind", ECallKind),
        ("ecall.mark", [*ECallKind, *(set(DataState) - {DataState.RECEIVED})]),
        ("ecall.request", RequestState),
        ("ecall.item", ItemKind),
        ("ecall.via", Via),
        ("ecall.type", VehicleType),
        ("ecall.energy", Energy),
    ],
)
def test_every_code_of_a_message_has_a_sentence(
    language: str, section: str, codes: Iterable[str]
) -> None:
    assert missing(language, section, map(str, codes)) == []


def test_the_panel_knows_what_every_oddity_of_a_text_means() -> None:
    known = (SOURCE / "conversations" / "threads.ts").read_text("utf-8").split()
    words = {word.strip('`",') for word in known}
    assert sorted(set(map(str, Oddity)) - words) == []
