"""Real SIP phones for scenarios: callers and call takers, each with a voice of its own.

The phones are pjsua2 ones and live in a process of their own (``python -m sim.phones``), because
pjsua2 allows one endpoint per process and takes it down with it when it crashes. Use them by the
client::

    async with PhoneBank(record_dir=tmp_path) as bank:
        await bank.add_phone("taker", tone=1, registrar="sip:127.0.0.1:5060", username="taker",
                             password="…", behaviour=Behaviour(on_call="answer"))
        await bank.add_phone("caller", tone=2)
        await bank.wait_for("registered", phone="taker")
        call = await bank.call("caller", "sip:112@127.0.0.1:5060")
        connected = await bank.wait_for("connected", call=call)
        heard = await bank.wait_for("heard", call=call, party=1)
        print("two-way audio after", heard["t"] - connected["t"])
        await bank.hangup(call)
        recording = await bank.recording(call)
        assert recording.parties() == {1}

Methods of ``PhoneBank`` (all raise ``PhoneError`` with the phone process's own sentence where it
refuses, and ``TimeoutError`` where it does not answer in time):

* ``start()``, ``close()`` (or ``async with``); ``sip_port``: the bank's UDP port on 127.0.0.1
* ``add_phone(name, *, tone, registrar, username, password, sip_uri, display, behaviour, voice)``
  gives the phone's SIP URI; ``remove_phone(name)``; ``set_behaviour(name, behaviour)``;
  ``register(name)`` and ``unregister(name)``
* ``call(phone, uri, *, headers, from_uri, hang_up_at, hang_up_after_s)`` gives a call id at once
* ``write(phone, uri, text, *, headers)`` sends a text (MESSAGE)
* ``answer(call)``, ``reject(call, code=486)``, ``hangup(call)``, ``hold(call)``, ``unhold(call)``,
  ``send_dtmf(call, digits)``
* ``events()``: iterate over everything from now on; ``wait_for(kind, **fields)``: the first event
  of that kind with these fields, past ones included (``after=`` sets the earliest ``t``)
* ``recording(call)``: the finished ``Recording`` with ``parties()``, ``heard(party)`` and
  ``breaks(party)`` in the time of ``t``; ``stats()``: CPU seconds, calls, phones
* ``anonymous_headers(number, host)``: identity headers of a caller who hides the number; use with
  ``from_uri=ANONYMOUS_URI``

An event is a ``dict`` with ``event`` (kind), ``t`` (``time.monotonic()`` of the phone process; the
clock is shared by all processes of the machine, so latencies are differences), and mostly
``phone`` and ``call``:

=====================  ============================================================================
``registered``         ``expires_s``; ``unregistered``
``registration_failed``  ``code``, ``reason``
``calling``            INVITE is about to be sent: ``uri``
``trying``             100 received
``ringing``            18x received: ``code``, ``reason``
``incoming``           ``from_uri``, ``to_uri``, ``headers`` {lower-case name: [values]},
                       ``sip_call_id``
``talk``               NOTIFY with Event: talk received
``answering``          the called phone is about to send 200 OK: where "answer to audio" begins
``connected``          200 OK received, or its ACK by the called phone: ``sip_call_id``
``media_active``       ``codec``, ``remote``, ``recording`` (path, still growing), ``recording_t``
``held``               ``by``: "local" or "remote"; ``resumed``
``early_audio``        first sound before the answer; ``first_audio``: first sound after it (±10 ms)
``heard``, ``unheard``  ``party``: its tone began or ended at ``t`` (±10 ms; told ≤ 1 s later)
``dtmf``               ``digit``
``text``               MESSAGE received: ``from_uri``, ``content_type``, ``text``
``text_answered``      final answer to one of ours: ``code``, ``text``
``disconnected``       ``code``, ``reason``, ``by`` ("local" or "remote"), ``was_connected``
``recording``          last event of a call that had media: ``path``, ``started_t``, ``rate``,
                       ``samples``, ``slip_s`` (how far its clock ran behind; 0 on a calm machine)
``fault``              our bug inside the phone process: ``where``, ``error``
=====================  ============================================================================
"""

from sim.phones.client import PhoneBank, PhoneError, Recording
from sim.phones.protocol import ANONYMOUS_URI, Behaviour, anonymous_headers

__all__ = [
    "ANONYMOUS_URI",
    "Behaviour",
    "PhoneBank",
    "PhoneError",
    "Recording",
    "anonymous_headers",
]
