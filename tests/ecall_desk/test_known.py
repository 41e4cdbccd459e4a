"""What is in mind of contacts is bounded, whoever sends."""

from ccserver.calldata.reading import items_in
from ccserver.calldata.spool import Via
from ccserver.calldata.store import Kept
from ccserver.ecall_desk.known import READS_MAX, Early
from ccserver.ecall_desk.story import Read
from ccserver.types import ContactId
from tests.calldata.samples import at


def test_one_who_sends_without_end_before_there_is_a_card_fills_no_memory() -> None:
    early, contact_id = Early(), ContactId("c1")
    for number in range(READS_MAX + 20):
        kept = Kept(f"k{number}", Via.INFO, at(number), b"", contact_id=contact_id)
        early.add(contact_id, Read(kept, items_in(kept)))
    found = early.take(contact_id)
    assert len(found) == READS_MAX
    assert found[-1].kept.key == f"k{READS_MAX + 19}"
