"""Who has a card open: seen while they say so, forgotten when they stop, and bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.card import presence as presence_module
from ccserver.card.presence import FORGOTTEN_AFTER_S, CardPresence, Present
from ccserver.types import IncidentId

CARD = IncidentId("i1")
ANNA, BORIS = Present("anna", "Anna", None), Present("boris", "Boris", "address")


def test_people_see_who_comes_moves_and_leaves() -> None:
    presence = CardPresence()
    assert presence.seen(CARD, BORIS, 0)
    assert presence.seen(CARD, ANNA, 1)
    assert not presence.seen(CARD, ANNA, 10), "nothing that anybody sees has changed"
    assert presence.people(CARD, 11) == [ANNA, BORIS]
    moved = Present("anna", "Anna", "summary")
    assert presence.seen(CARD, moved, 12)
    assert presence.people(CARD, 12) == [moved, BORIS]
    assert presence.left(CARD, "boris")
    assert not presence.left(CARD, "boris")
    assert presence.people(CARD, 12) == [moved]
    assert presence.people(IncidentId("other"), 12) == []


def test_whoever_says_nothing_is_forgotten() -> None:
    presence = CardPresence()
    presence.seen(CARD, ANNA, 0)
    presence.seen(CARD, BORIS, 20)
    assert presence.forget(FORGOTTEN_AFTER_S - 1) == []
    assert presence.people(CARD, FORGOTTEN_AFTER_S) == [BORIS], "before anybody looked"
    assert presence.forget(FORGOTTEN_AFTER_S) == [CARD]
    assert presence.forget(FORGOTTEN_AFTER_S) == []
    assert presence.forget(20 + FORGOTTEN_AFTER_S) == [CARD]
    assert presence.people(CARD, 0) == []


def test_people_and_cards_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_module, "PEOPLE_MAX", 2)
    monkeypatch.setattr(presence_module, "CARDS_MAX", 2)
    presence = CardPresence()
    assert [presence.seen(CARD, Present(login, "", None), 0) for login in "abc"] == [
        True,
        True,
        False,
    ]
    assert not presence.seen(CARD, Present("a", "", None), 1), "who is there stays"
    assert presence.seen(IncidentId("i2"), ANNA, 0)
    assert not presence.seen(IncidentId("i3"), ANNA, 0)
    presence.left(IncidentId("i2"), "anna")
    assert presence.seen(IncidentId("i3"), ANNA, 0)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["seen", "left", "forget"]),
        st.sampled_from(["i1", "i2"]),
        st.sampled_from(["anna", "boris"]),
        st.sampled_from([None, "address"]),
        st.floats(0, 20),
    ),
    max_size=30,
)


@given(STEPS)
def test_every_change_that_is_seen_is_told(
    steps: list[tuple[str, str, str, str | None, float]],
) -> None:
    """Panels that apply only what they are told show the same as who asks."""
    presence, shown, now = CardPresence(), dict[IncidentId, list[Present]](), 0.0
    for what, card, login, field, pause in steps:
        now += pause
        incident_id = IncidentId(card)
        told = presence.forget(now)
        if what == "seen" and presence.seen(incident_id, Present(login, login, field), now):
            told.append(incident_id)
        if what == "left" and presence.left(incident_id, login):
            told.append(incident_id)
        for each in told:
            shown[each] = presence.people(each, now)
        for each in (IncidentId("i1"), IncidentId("i2")):
            assert shown.get(each, []) == presence.people(each, now)
