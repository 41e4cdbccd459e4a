"""Real pjsua2 phones call each other on loopback: they hear whom they should, behave as told,
report every step with its time, survive bad commands and leave nothing behind.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sim.audio import breaks, tone
from sim.phones import ANONYMOUS_URI, Behaviour, PhoneBank, PhoneError, anonymous_headers
from sim.phones.client import ROOT
from sim.phones.ear import WAV_HEADER_BYTES, Ear, wav_samples
from sim.phones.protocol import BadCommand, CallStep, parse_command, parse_headers
from sim.sipp.raw import Request, SIPSocket, header

ANSWERS = Behaviour(on_call="answer")


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[PhoneBank]:
    async with PhoneBank(record_dir=tmp_path) as phones:
        yield phones
        assert phones.history("fault") == []


async def test_both_parties_hear_the_other_and_only_the_other(bank: PhoneBank) -> None:
    taker = await bank.add_phone("taker", tone=1, behaviour=ANSWERS)
    await bank.add_phone("caller", tone=20)
    call = await bank.call("caller", taker)
    connected = await bank.wait_for("connected", call=call)
    heard = await bank.wait_for("heard", call=call, party=1)
    incoming = await bank.wait_for("incoming", phone="taker")
    await bank.wait_for("heard", call=incoming["call"], party=20)
    await bank.hangup(call)

    recording = await bank.recording(call)
    other = await bank.recording(incoming["call"])
    assert recording.parties() == {1}
    assert other.parties() == {20}
    # The live report and the finished recording tell the same moment, after the answer.
    assert recording.heard(1)[0].start_s == pytest.approx(heard["t"], abs=0.05)
    assert heard["t"] > connected["t"] - 0.02
    end = await bank.wait_for("disconnected", call=call)
    assert (end["by"], end["was_connected"]) == ("local", True)
    assert (await bank.wait_for("disconnected", call=incoming["call"]))["by"] == "remote"
    answering = await bank.wait_for("answering", call=incoming["call"])
    assert incoming["t"] <= answering["t"] <= connected["t"]
    steps = [event["event"] for event in bank.history(call=call)]
    assert steps[:3] == ["calling", "trying", "ringing"]
    assert steps[-1] == "recording"
    times = [event["t"] for event in bank.history(call=call) if event["event"] != "heard"]
    assert times == sorted(times)


async def test_a_held_party_hears_nothing_until_it_is_taken_back(bank: PhoneBank) -> None:
    taker = await bank.add_phone("taker", tone=3, behaviour=ANSWERS)
    await bank.add_phone("caller", tone=9)
    call = await bank.call("caller", taker)
    await bank.wait_for("heard", call=call, party=3)
    answered = (await bank.wait_for("incoming", phone="taker"))["call"]

    await bank.hold(answered)
    assert (await bank.wait_for("held", call=call))["by"] == "remote"
    assert (await bank.wait_for("held", call=answered))["by"] == "local"
    await bank.wait_for("unheard", call=call, party=3)
    await bank.unhold(answered)
    resumed = await bank.wait_for("resumed", call=answered)
    await bank.wait_for("heard", call=call, party=3, after=resumed["t"] - 0.1)
    await bank.hangup(call)

    recording = await bank.recording(call)
    silent = breaks(recording.audio().mono(), recording.rate, 3, longer_than_s=0.3)
    assert len(silent) == 1
    assert len(recording.heard(3)) == 2


async def test_a_refusal_reaches_the_caller_with_its_code(bank: PhoneBank) -> None:
    await bank.add_phone("caller", tone=2)
    for code in (486, 603, 480):
        behaviour = Behaviour(on_call="reject", reject_code=code)
        taker = await bank.add_phone(f"taker-{code}", tone=1, behaviour=behaviour)
        call = await bank.call("caller", taker)
        end = await bank.wait_for("disconnected", call=call)
        assert (end["code"], end["by"], end["was_connected"]) == (code, "remote", False)


async def test_a_person_rejects_or_answers_a_ringing_call(bank: PhoneBank) -> None:
    taker = await bank.add_phone("taker", tone=1)
    await bank.add_phone("caller", tone=2)
    refused = await bank.call("caller", taker)
    await bank.reject((await bank.wait_for("incoming", phone="taker"))["call"], 603)
    end = await bank.wait_for("disconnected", call=refused)
    assert end["code"] == 603
    answered = await bank.call("caller", taker)
    incoming = await bank.wait_for("incoming", phone="taker", after=end["t"])
    await bank.answer(incoming["call"])
    await bank.wait_for("connected", call=answered)


async def test_a_caller_gives_up_before_the_answer(bank: PhoneBank) -> None:
    steps: tuple[CallStep, ...] = ("sent", "trying", "ringing")
    await bank.add_phone("caller", tone=2)
    for step in steps:
        taker = await bank.add_phone(f"taker-{step}", tone=1)
        call = await bank.call("caller", taker, hang_up_at=step)
        end = await bank.wait_for("disconnected", call=call)
        assert (end["code"], end["by"]) == (487, "local")
        assert (await bank.wait_for("disconnected", phone=f"taker-{step}"))["by"] == "remote"
    assert bank.history("connected") == []


async def test_a_call_ends_itself_some_time_after_the_connection(bank: PhoneBank) -> None:
    taker = await bank.add_phone(
        "taker", tone=1, behaviour=Behaviour(on_call="answer", after_s=0.1, talk_s=0.3)
    )
    await bank.add_phone("caller", tone=2)
    call = await bank.call("caller", taker)
    connected = await bank.wait_for("connected", phone="taker")
    end = await bank.wait_for("disconnected", phone="taker")
    assert end["by"] == "local"
    assert end["t"] - connected["t"] >= 0.3
    early = await bank.call("caller", taker, hang_up_at="connected")
    assert (await bank.wait_for("disconnected", call=early))["was_connected"]
    assert (await bank.wait_for("disconnected", call=call))["by"] == "remote"


async def test_a_withheld_number_travels_in_the_asserted_identity(bank: PhoneBank) -> None:
    taker = await bank.add_phone("taker", tone=1)
    await bank.add_phone("caller", tone=2)
    headers = anonymous_headers("+37129999999", "trunk.invalid") | {
        "Call-Info": "<sip:x@y.invalid>;answer-after=0"
    }
    call = await bank.call("caller", taker, from_uri=ANONYMOUS_URI, headers=headers)
    incoming = await bank.wait_for("incoming", phone="taker")
    assert "anonymous@anonymous.invalid" in incoming["from_uri"]
    assert incoming["headers"]["p-asserted-identity"] == ["<sip:+37129999999@trunk.invalid>"]
    assert incoming["headers"]["privacy"] == ["id"]
    # Nobody touches the phone: Call-Info made it answer.
    await bank.wait_for("connected", call=call)


async def test_a_phone_that_talks_is_busy_to_a_second_caller(bank: PhoneBank) -> None:
    taker = await bank.add_phone("taker", tone=1, behaviour=ANSWERS)
    await bank.add_phone("first", tone=2)
    await bank.add_phone("second", tone=3)
    await bank.wait_for("connected", call=await bank.call("first", taker))
    end = await bank.wait_for("disconnected", call=await bank.call("second", taker))
    assert end["code"] == 486


async def test_digits_arrive(bank: PhoneBank) -> None:
    taker = await bank.add_phone("taker", tone=1, behaviour=ANSWERS)
    await bank.add_phone("caller", tone=2)
    call = await bank.call("caller", taker)
    await bank.wait_for("heard", call=call, party=1)
    await bank.send_dtmf(call, "7")
    assert (await bank.wait_for("dtmf", phone="taker"))["digit"] == "7"


async def test_phones_write_to_each_other(bank: PhoneBank) -> None:
    reader = await bank.add_phone("reader", tone=1)
    await bank.add_phone("writer", tone=2)
    words = "Palīgā!\nПомогите ;)"
    await bank.write("writer", reader, words)
    text = await bank.wait_for("text", phone="reader")
    assert text["text"] == words
    assert text["content_type"].lower().startswith("text/plain")
    assert "sip:writer@" in text["from_uri"]
    answer = await bank.wait_for("text_answered", phone="writer")
    assert (answer["code"], answer["text"]) == (200, words)


async def test_ten_calls_at_once_keep_their_voices_apart(bank: PhoneBank) -> None:
    for number in range(10):
        taker = await bank.add_phone(f"taker-{number}", tone=number, behaviour=ANSWERS)
        await bank.add_phone(f"caller-{number}", tone=10 + number)
        await bank.call(f"caller-{number}", taker)
    for number in range(10):
        await bank.wait_for("heard", phone=f"caller-{number}", party=number, timeout_s=60)
        await bank.wait_for("heard", phone=f"taker-{number}", party=10 + number, timeout_s=60)
    assert len(bank.history("heard")) == 20


async def test_a_notify_from_the_panel_answers_a_ringing_phone(bank: PhoneBank) -> None:
    await bank.add_phone("taker", tone=1)
    socket = await SIPSocket.open(bank.sip_port)
    try:
        invite = Request(bank.sip_port, socket.port, user="taker")
        socket.send(invite.build())
        ringing = await _answer(socket, "180")
        notify = Request(bank.sip_port, socket.port, method="NOTIFY", user="taker", sequence=2)
        dialog = {name: header(ringing, name) for name in ("To", "From", "Call-ID")}
        socket.send(notify.build(change=dialog | {"Event": "talk", "Subscription-State": "active"}))
        # The library refuses the NOTIFY, having no subscription, but the phone has understood it.
        assert (await _answer(socket, "481", "200"))[:7] == "SIP/2.0"
        await bank.wait_for("talk", phone="taker")
        accepted = await _answer(socket, "200")
        assert header(accepted, "CSeq") == "1 INVITE"
    finally:
        socket.close()


async def _answer(socket: SIPSocket, *codes: str) -> str:
    while (data := await socket.receive(5.0)) is not None:
        text = data.decode()
        if text.startswith(tuple(f"SIP/2.0 {code}" for code in codes)):
            return text
    pytest.fail(f"no answer {codes}")


@pytest.mark.parametrize(("status", "event"), [("200 OK", "registered"), ("403 No", None)])
async def test_a_phone_reports_its_registration(
    bank: PhoneBank, status: str, event: str | None
) -> None:
    registrar = await SIPSocket.open(bank.sip_port)
    try:
        address = f"sip:127.0.0.1:{registrar.port}"
        await bank.add_phone("taker", tone=1, registrar=address, username="u", password="p")
        request = await registrar.receive(5.0)
        assert request is not None
        text = request.decode()
        names = ("Via", "From", "Call-ID", "CSeq", "Contact")
        lines = [f"{name}: {header(text, name)}" for name in names]
        answer = [f"SIP/2.0 {status}", *lines, f"To: {header(text, 'To')};tag=1", "Expires: 300"]
        registrar.send(("\r\n".join(answer) + "\r\nContent-Length: 0\r\n\r\n").encode())
        if event:
            assert (await bank.wait_for(event, phone="taker"))["expires_s"] > 0
        else:
            failure = await bank.wait_for("registration_failed", phone="taker")
            assert failure["code"] == 403
    finally:
        registrar.close()


async def test_a_bad_command_is_refused_in_words_and_the_phones_go_on(bank: PhoneBank) -> None:
    with pytest.raises(PhoneError, match="there is no phone nobody"):
        await bank.call("nobody", "sip:112@127.0.0.1")
    with pytest.raises(PhoneError, match="tone is 999"):
        await bank.add_phone("caller", tone=999)
    await bank.add_phone("caller", tone=2)
    with pytest.raises(PhoneError, match="already"):
        await bank.add_phone("caller", tone=2)
    with pytest.raises(PhoneError, match="Invalid Request URI"):
        await bank.call("caller", "no uri at all")
    with pytest.raises(PhoneError, match="there is no call"):
        await bank.hangup("nothing")
    assert (await bank.stats())["phones"] == 1
    assert (await bank.stats())["calls"] == 0


async def test_garbage_on_standard_input_is_refused_and_its_end_ends_the_process() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sim.phones",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
    )
    garbage = b'{"id": 7, "cmd": "explode"}\n\xff\xfe\n[]\n{"id": 8, "cmd": "stats"}\n'
    output, _ = await asyncio.wait_for(process.communicate(garbage), 60)
    messages = [json.loads(line) for line in output.splitlines()]
    assert [message["event"] for message in messages if "event" in message] == ["ready", "closed"]
    replies = [message for message in messages if "event" not in message]
    assert [("error" in reply, reply["id"]) for reply in replies] == [
        (True, 7),
        (True, None),
        (True, None),
        (False, 8),
    ]
    assert process.returncode == 0


async def test_closing_in_the_middle_of_a_call_hangs_up_and_is_quick(tmp_path: Path) -> None:
    bank = PhoneBank(record_dir=tmp_path)
    await bank.start()
    pid = bank.pid
    assert pid is not None
    taker = await bank.add_phone("taker", tone=1, behaviour=ANSWERS)
    await bank.add_phone("caller", tone=2)
    await bank.wait_for("connected", call=await bank.call("caller", taker))
    await bank.close()
    assert [event["event"] for event in bank.history()][-1] == "closed"
    assert "crashed" not in bank.history("closed")[0]
    assert len(bank.history("recording")) == 2
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_the_end_of_the_process_is_told_to_whoever_waits(tmp_path: Path) -> None:
    async with PhoneBank(record_dir=tmp_path) as bank:
        assert bank.pid is not None
        waiting = asyncio.create_task(bank.wait_for("heard", timeout_s=30))
        await asyncio.sleep(0)
        os.kill(bank.pid, signal.SIGKILL)
        with pytest.raises(PhoneError, match="ended"):
            await waiting
        with pytest.raises(PhoneError):
            await bank.stats()


async def test_events_can_be_followed_from_now_on(bank: PhoneBank) -> None:
    taker = await bank.add_phone("taker", tone=1, behaviour=Behaviour(on_call="reject"))
    await bank.add_phone("caller", tone=2)
    events = bank.events()
    first = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)  # let the iterator begin
    await bank.call("caller", taker)
    assert (await asyncio.wait_for(first, 60))["event"] == "calling"
    async for event in events:
        if event["event"] == "disconnected":
            assert event["code"] == 486
            break


async def test_waiting_says_what_did_not_come_and_what_came_instead(bank: PhoneBank) -> None:
    with pytest.raises(TimeoutError, match=r"no connected .* before: .* s ready"):
        await bank.wait_for("connected", call="none", timeout_s=0.05)


def test_the_ear_gives_a_tone_its_time_on_the_recordings_clock(tmp_path: Path) -> None:
    rate, party, began_s = 8000, 12, 1.3
    sound = np.concatenate((np.zeros(round(began_s * rate)), tone(party, 2.0), np.zeros(2 * rate)))
    whole = tmp_path / "whole.wav"
    soundfile.write(whole, sound, rate, subtype="PCM_16")
    data = whole.read_bytes()
    growing = tmp_path / "growing.wav"
    growing.write_bytes(b"")
    ear = Ear(growing, rate, frame_ms=10, now=99.9)
    told = []
    # The media thread began at 100.0 and hands over 4000 bytes every 0.25 s, buffered by blocks.
    for step in range(1, len(sound) // 2000 + 1):
        handed = WAV_HEADER_BYTES + step * 4000
        growing.write_bytes(data[: handed // 4096 * 4096])
        ear.watch(100.0 + step * 0.25 + (0.004 if step % 2 else 0.0))
        while ear.behind:
            told += list(ear.listen())
    ear.close()
    assert [(kind, heard) for kind, heard, _ in told] == [("heard", party), ("unheard", party)]
    assert told[0][2] == pytest.approx(100.0 + began_s, abs=0.02)
    assert told[1][2] == pytest.approx(100.0 + began_s + 2.0, abs=0.02)
    assert wav_samples(whole) == len(sound)
    assert wav_samples(tmp_path / "none.wav") is None


def test_headers_are_read_with_folding_and_repetition() -> None:
    message = "INVITE sip:x SIP/2.0\r\nVia: a\r\nVIA: b\r\nX-Long: one\r\n two\r\n\r\nnot: header"
    assert parse_headers(message) == {"via": ["a", "b"], "x-long": ["one two"]}


@pytest.mark.parametrize(
    "line", [b"", b"{}", b'{"cmd":"dial","id":1}', b'{"cmd":"add","id":"x"}', b"x" * 300_000]
)
def test_what_is_no_command_raises_the_one_exception(line: bytes) -> None:
    with pytest.raises(BadCommand):
        parse_command(line)


def test_the_clock_of_events_is_the_one_of_this_process() -> None:
    assert time.get_clock_info("monotonic").implementation == "clock_gettime(CLOCK_MONOTONIC)"
