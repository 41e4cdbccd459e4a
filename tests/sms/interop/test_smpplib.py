"""python-smpplib binds to the simulated message centre, submits, and takes what is delivered."""

import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import smpplib.client
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm

from sim.smsc import Account, MessageCentre

CITIZEN = "+37120000001"
TIMEOUT_S = 10


@pytest.fixture
async def centre() -> AsyncIterator[MessageCentre]:
    async with MessageCentre([Account("ccserver", "secret")]) as opened:
        yield opened


class Client:
    """The library's client in a thread of its own, as it only knows how to wait."""

    def __init__(self, port: int) -> None:
        self.received: list[Any] = []
        self.submitted: list[Any] = []
        self.errors: list[Exception] = []
        self._client = smpplib.client.Client(
            "127.0.0.1", port, timeout=TIMEOUT_S, allow_unknown_opt_params=True
        )
        self._client.set_message_received_handler(self._received)
        self._client.set_message_sent_handler(self._sent)

    # The library calls both by keyword.

    def _received(self, pdu: Any) -> None:
        self.received.append(pdu)

    def _sent(self, pdu: Any) -> None:
        self.submitted.append(pdu)

    def start(self, work: Callable[[Any], None]) -> threading.Thread:
        thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        thread.start()
        return thread

    def _run(self, work: Callable[[Any], None]) -> None:
        client = self._client
        try:
            client.connect()
            client.bind_transceiver(system_id="ccserver", password="secret")
            work(client)
            client.listen(auto_send_enquire_link=False)
        except (smpplib.exceptions.ConnectionError, TimeoutError):
            pass  # the centre has ended
        except Exception as error:
            self.errors.append(error)
        finally:
            client.disconnect()


async def test_it_submits_parts_that_the_telephone_joins_and_reads_their_receipts(
    centre: MessageCentre,
) -> None:
    text = "Palīdzība ir ceļā, palieciet uz vietas! " * 4

    def submit(client: Any) -> None:
        parts, coding, message_type = smpplib.gsm.make_parts(text)
        for part in parts:
            client.send_message(
                source_addr_ton=smpplib.consts.SMPP_TON_NWSPEC,
                source_addr="112",
                dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
                destination_addr=CITIZEN.removeprefix("+"),
                short_message=part,
                data_coding=coding,
                esm_class=message_type,
                registered_delivery=True,
            )

    client = Client(centre.port)
    thread = client.start(submit)
    await centre.until(lambda: centre.citizen(CITIZEN).texts, "the reply comes")
    await centre.settled()
    await centre.die()
    thread.join(TIMEOUT_S)
    assert centre.citizen(CITIZEN).texts == [text]
    assert client.errors == []
    answered = [pdu.message_id.decode() for pdu in client.submitted]
    receipts = [pdu.short_message.decode() for pdu in client.received]
    assert [receipt.split()[0] for receipt in receipts] == [f"id:{each}" for each in answered]
    assert [pdu.message_state for pdu in client.received] == [2, 2, 2]


async def test_it_takes_texts_with_and_without_optional_parameters(centre: MessageCentre) -> None:
    client = Client(centre.port)
    thread = client.start(lambda _client: None)
    await centre.citizen(CITIZEN).send("Пожар! " * 15)
    await centre.citizen(CITIZEN).send("Fire!")
    await centre.settled()
    await centre.die()
    thread.join(TIMEOUT_S)
    assert client.errors == []
    *parts, last = client.received
    assert [pdu.data_coding for pdu in client.received] == [8, 8, 0]
    text = b"".join(pdu.short_message[6:] for pdu in parts).decode("utf-16-be")
    assert text == "Пожар! " * 15
    assert last.short_message == b"Fire!"
    assert (last.source_addr, last.destination_addr) == (b"37120000001", b"112")
