"""A session under test and what its tests need: a peer that says nothing, timers made short."""

import contextlib
from collections.abc import Iterator

import pytest

from ccserver.sms import connection as core
from ccserver.sms.pdu import PDU
from ccserver.sms.session import Session
from tests.sms.peers import Client, Hurry, Inbox, MessageCentre, operator, settings

SOON_S = 0.05
"""What long timers are shortened to."""


def session_to(
    centre: MessageCentre, inbox: Inbox, *, window: int = 10, **changes: object
) -> Session:
    bind = settings(centre.port, **changes)
    return Session(bind, operator(bind, window=window), inbox, chance=Hurry())


def silent(_client: Client, _pdu: PDU) -> None:
    """No answer."""


@contextlib.contextmanager
def shortened(monkeypatch: pytest.MonkeyPatch, *names: str) -> Iterator[None]:
    with monkeypatch.context() as patch:
        for name in names:
            patch.setattr(core, name, SOON_S)
        yield
