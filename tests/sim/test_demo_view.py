"""What the demonstration shows in words: who came by what, once for each change."""

from rich.console import Console

from sim.demo_view import View, came_by
from sim.panel import Message, Panel


def contact(**changes: object) -> Message:
    return {
        "contact_id": "c1",
        "caller_number": "+37129000001",
        "medium": "voice",
        "state": "talking",
        "agent_id": "agent-101",
        "card_number": "2026-000001",
        "arrived_at": "2026-11-26T08:00:00.000Z",
        "conversation": None,
        "vehicle": None,
        "test": False,
        **changes,
    }


def test_how_a_contact_came() -> None:
    assert came_by(contact()) == "call"
    assert came_by(contact(medium="sms")) == "text"
    assert came_by(contact(vehicle={"kind": "manual"})) == "car"
    assert came_by(contact(vehicle={"kind": "test"}, test=True)) == "car, test"


def test_each_change_is_told_once_and_the_picture_has_who_is_there() -> None:
    panel = Panel("http://127.0.0.1", "supervisor", "")
    panel.agents = {
        "agent-101": {
            "name": "Anna",
            "extension": "101",
            "presence": {"kind": "ready"},
            "state": "talking",
            "reachable": True,
            "since": "2026-11-26T08:00:00.000Z",
        }
    }
    view = View(panel)
    car = contact(vehicle={"kind": "automatic"})
    assert view.sentence({"type": "contact", "contact": car}) == "+37129000001: talking Anna (car)"
    assert view.sentence({"type": "contact", "contact": car}) == ""
    assert view.sentence({"type": "card", "number": "2026-000001"}) == "card 2026-000001 opened"
    assert view.sentence({"type": "card", "number": "2026-000001"}) == ""
    assert "is over" in view.sentence({"type": "contact_gone", "contact_id": "c1"})
    panel.contacts = {"c1": car}
    console = Console(width=100)
    with console.capture() as shown:
        console.print(view.picture("panel", ["an event"], typed="car te", help_text="help\ncar …"))
    text = shown.get()
    for wanted in ("+37129000001", "car", "Anna", "an event", "> car te", "help"):
        assert wanted in text
