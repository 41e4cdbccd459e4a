"""Whoever tries a centre with one car makes things happen by lines, and sees what came of them; a
line or an option that means nothing is answered, and nothing ends by it.
"""

import json

import pytest

from sim.car_console import CarConsole, make_car
from sim.sip import UA, Call
from sim.typed import BadOption


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"to": "112"},
        {"to": "sip:127.0.0.1:99999"},
        {"to": "sip:127.0.0.1;transport=sctp"},
        {"to": "sip:127.0.0.1", "kind": "broken"},
        {"to": "sip:127.0.0.1", "lat": "north"},
        {"to": "sip:127.0.0.1", "lat": "9000"},
        {"to": "sip:127.0.0.1", "tone": "1000"},
        {"to": "sip:127.0.0.1", "ca": "/nowhere"},
        {"to": "sip:127.0.0.1", "colour": "red"},
    ],
    ids=str,
)
def test_what_is_no_option_is_said(options: dict[str, str]) -> None:
    with pytest.raises(BadOption):
        make_car(options)


async def test_lines_call_send_and_end_and_what_comes_of_it_is_printed() -> None:
    said: list[str] = []
    calls: list[Call] = []

    async def answer(call: Call) -> None:
        calls.append(call)
        await call.answer()

    async with UA(user="112") as centre:
        centre.on_call = answer
        options = {"to": f"sip:127.0.0.1:{centre.port}", "kind": "manual", "version": "2"}
        async with make_car(options) as car:
            console = CarConsole(car, said.append)
            for line in ("send", "call", "move 57 25", "send", "answer refuse", "", "flying"):
                await console.obey(line)
            for line in ("fault msd_garbage", "fault nothing", "hangup", "new", "without", "help"):
                await console.obey(line)
            await car.hang_up()
            for call in calls:
                call.finish()
    events = [json.loads(line) for line in said if line.startswith("{")]
    assert [event["event"] for event in events] == [
        *("error", "answered", "sent", "error", "answered", "error", "answered")
    ]
    assert events[1] == {"event": "answered", "code": 200, "ack": None, "message_identifier": 1}
    assert events[2]["message_identifier"] == 2
    assert calls[0].received[0].method == "INFO"
    assert "refuse" in said[-1]


@pytest.mark.parametrize(
    ("options", "tones"),
    [
        ({}, [33, 34]),
        ({"occupants": "0"}, [33]),
        ({"occupants": "1", "tone": "2"}, [2]),
        ({"occupants": "254", "tone": "2"}, list(range(2, 10))),
        ({"occupants": "5", "tone": "39"}, [39, 40]),
    ],
    ids=str,
)
def test_as_many_speak_as_are_in_the_car(options: dict[str, str], tones: list[int]) -> None:
    assert list(make_car({"to": "sip:127.0.0.1", **options}).voices or ()) == tones


async def test_lines_let_somebody_speak_or_fall_silent() -> None:
    said: list[str] = []
    car = make_car({"to": "sip:127.0.0.1:9"})
    console = CarConsole(car, said.append)
    for line in ("silent 33", "speak 36", "silent 33", "speak 99", "speak -1", "speak up"):
        await console.obey(line)
    for tone in range(10):
        await console.obey(f"speak {tone}")
    events = [json.loads(line) for line in said]
    assert [event.get("tones") for event in events[:3]] == [[34], [34, 36], None]
    errors = [event for event in events if event["event"] == "error"]
    no_tones = ["silent 33", "speak 99", "speak -1", "speak up"]
    too_many = [f"speak {tone}" for tone in range(6, 10)]
    assert [error["line"] for error in errors] == [*no_tones, *too_many]
    assert car.voices is not None
    assert list(car.voices) == [0, 1, 2, 3, 4, 5, 34, 36]
