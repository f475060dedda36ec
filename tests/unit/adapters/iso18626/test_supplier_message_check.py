"""What a supplier that is tried says, judged: each mistake by name, right words without a finding, and nothing about
requests that aren't of the trial."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from adapters.iso18626.dialect import Iso18626Dialect
from adapters.iso18626.messages.codes import Action
from adapters.iso18626.messages.structures import AgencyId
from gateway.domain.clock import FixedClock
from gateway.ports.responder import RawMessage, TransportKind
from rehearsal.ports.trials import ArrivedMessage, FindingWeight
from rehearsal.protocols.iso18626.supplier_message_check import SupplierWords

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NS = "http://illtransactions.org/2013/iso18626"
BROKEN, ADVICE = FindingWeight.BROKEN, FindingWeight.ADVICE

ROOT = f'<ISO18626Message xmlns="{NS}" xmlns:ill="{NS}" ill:version="1.2">'
AGENCY = "<{0}><agencyIdType>ISIL</agencyIdType><agencyIdValue>{1}</agencyIdValue></{0}>"


def write_message(
    status: str,
    reason: str = "StatusChange",
    info: str = "",
    stands: str = "",
    *,
    number: str = "T1",
    own: str = "",
    supplier: str = "ELM",
    timestamp: str = "2026-03-02T08:00:00Z",
    after: str = "",
) -> str:
    return (
        f"{ROOT}<supplyingAgencyMessage><header>"
        f"{AGENCY.format('supplyingAgencyId', supplier)}{AGENCY.format('requestingAgencyId', 'OAK')}"
        f"<multipleItemRequestId/><timestamp>{timestamp}</timestamp>"
        f"<requestingAgencyRequestId>{number}</requestingAgencyRequestId>"
        f"{f'<supplyingAgencyRequestId>{own}</supplyingAgencyRequestId>' if own else ''}</header>"
        f"<messageInfo><reasonForMessage>{reason}</reasonForMessage>{info}</messageInfo>"
        f"<statusInfo><status>{status}</status>{stands}<lastChange>2026-03-02T08:00:00Z</lastChange></statusInfo>"
        f"{after}</supplyingAgencyMessage></ISO18626Message>"
    )


FIRST = write_message("WillSupply", "RequestResponse")
YES, NO = "<answerYesNo>Y</answerYesNo>", "<answerYesNo>N</answerYesNo>"


def judge_messages(*bodies: str, actions: Sequence[Action] = ()) -> list[tuple[str, FindingWeight]]:
    """What is found in the last of them."""
    ours = AgencyId(value="oak")
    words = SupplierWords(ours, Iso18626Dialect(version="1.2"), FixedClock(NOW))
    words.note_request("T1")
    words.note_request("T2")
    for action in actions:
        words.note_action("T1", action)
    heard = [
        words.judge_message(
            ArrivedMessage(
                RawMessage(
                    body=body.encode(), received=NOW, transport=TransportKind.HTTP, protocol="iso18626", peer="::1"
                ),
                b"",
            )
        )
        for body in bodies
    ]
    assert all(one.clause and one.words for message in heard for one in message.findings)
    return [(one.check, one.weight) for one in heard[-1].findings]


RIGHT = {
    "a first answer": ((FIRST,), ()),
    "a first answer that is a change of status": ((write_message("WillSupply"),), ()),
    "a cancellation": ((FIRST, write_message("Cancelled", "CancelResponse", YES)), (Action.CANCEL,)),
    "a cancellation that comes too late": (
        (FIRST, write_message("Loaned", "CancelResponse", NO)),
        (Action.CANCEL,),
    ),
    "how it stands": ((FIRST, write_message("WillSupply", "StatusRequestResponse")), (Action.STATUS_REQUEST,)),
    "a loan": ((FIRST, write_message("Loaned", stands="<dueDate>2026-04-02T23:59:59Z</dueDate>")), ()),
    "the end": ((FIRST, write_message("Loaned"), write_message("LoanCompleted")), ()),
    "a note after the end": ((write_message("LoanCompleted"), write_message("Loaned", "Notification")), ()),
    "an end that is only a note, and what follows": (
        (write_message("Unfilled", "Notification", "<reasonUnfilled>NotHeld</reasonUnfilled>"), FIRST),
        (),
    ),
    "the next supplier after the first one's no": (
        (
            write_message("Unfilled", info="<reasonUnfilled>NotHeld</reasonUnfilled>"),
            write_message("WillSupply", supplier="ASH"),
        ),
        (),
    ),
    "its own number, the same each time": (
        (write_message("WillSupply", own="L1"), write_message("Loaned", own="L1")),
        (),
    ),
    "another supplier's number": (
        (write_message("WillSupply", own="L1"), write_message("Loaned", own="L1", supplier="ASH", number="T2")),
        (),
    ),
}
"""What was said, and what we had asked."""


@pytest.mark.parametrize("what", RIGHT)
def test_what_is_right_has_no_finding(what: str) -> None:
    bodies, actions = RIGHT[what]
    assert judge_messages(*bodies, actions=actions) == []


WRONG = {
    "no XML": (("It works!",), (), ("well-formed", BROKEN)),
    "an unknown status": ((write_message("Lent"),), (), ("word-of-list", BROKEN)),
    "a time without a zone": ((write_message("Loaned", timestamp="2026-03-02T08:00:00"),), (), ("time-in-utc", BROKEN)),
    "a second first answer": ((FIRST, write_message("Loaned", "RequestResponse")), (), ("reason", BROKEN)),
    "an answer to no Cancel": ((write_message("Cancelled", "CancelResponse", YES),), (), ("reason", BROKEN)),
    "an answer to no Renew": ((write_message("Loaned", "RenewResponse", YES),), (Action.CANCEL,), ("reason", BROKEN)),
    "an answer to no question": ((write_message("Loaned", "StatusRequestResponse"),), (), ("reason", BROKEN)),
    "neither yes nor no": ((write_message("Cancelled", "CancelResponse"),), (Action.CANCEL,), ("answer", BROKEN)),
    "yes, and not cancelled": (
        (write_message("WillSupply", "CancelResponse", YES),),
        (Action.CANCEL,),
        ("status", BROKEN),
    ),
    "no, and cancelled": ((write_message("Cancelled", "CancelResponse", NO),), (Action.CANCEL,), ("status", BROKEN)),
    "a loan after the end": ((write_message("LoanCompleted"), write_message("Loaned")), (), ("order", BROKEN)),
    "the requester is another": ((FIRST.replace(">OAK<", ">ASH<"),), (), ("requester", BROKEN)),
    "its own number changes": (
        (write_message("WillSupply", own="L1"), write_message("Loaned", own="L2")),
        (),
        ("supplier-number", BROKEN),
    ),
    "two requests have one number": (
        (write_message("WillSupply", own="L1"), write_message("WillSupply", own="L1", number="T2")),
        (),
        ("supplier-number", BROKEN),
    ),
    "another's request": ((write_message("Loaned", number="OAK-2026-17"),), (), ("request-id", ADVICE)),
    "the same once more": ((FIRST, FIRST), (), ("repeated", ADVICE)),
    "no without a reason": ((write_message("Unfilled"),), (), ("reason-unfilled", ADVICE)),
    "a retry without a reason": ((write_message("RetryPossible"),), (), ("reason-retry", ADVICE)),
    "due before it was lent": (
        (write_message("Loaned", stands="<dueDate>2026-03-01T23:59:59Z</dueDate>"),),
        (),
        ("date", ADVICE),
    ),
    "sent in the year 1": (
        (write_message("Loaned", after="<deliveryInfo><dateSent>0001-01-01T00:00:00Z</dateSent></deliveryInfo>"),),
        (),
        ("date", ADVICE),
    ),
    "written tomorrow": ((write_message("Loaned", timestamp="2026-03-03T08:00:00Z"),), (), ("date", ADVICE)),
    "written yesterday": ((write_message("Loaned", timestamp="2026-03-01T08:00:00Z"),), (), ("date", ADVICE)),
}
"""What was said, what we had asked, and what is found in the last of it."""


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_found_by_name(what: str) -> None:
    bodies, actions, found = WRONG[what]
    assert found in judge_messages(*bodies, actions=actions)


def test_about_another_requests_nothing_is_against_the_standard() -> None:
    """The trial hasn't seen what was said about it before."""
    found = judge_messages(write_message("Cancelled", "CancelResponse", number="OAK-2026-17"))
    assert found == [("request-id", ADVICE)]
