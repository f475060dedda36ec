"""What a system that is tried by ISO ILL says of itself, judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.iso_ill.codec import encode_apdu
from adapters.iso_ill.conformance import CONTEXT, LENDING, REQUESTING
from adapters.iso_ill.mapping import apdu_of_message
from adapters.iso_ill.messages import Apdu
from adapters.iso_ill.report_check import HeardApdus
from gateway.domain.requests.events import EventKind
from gateway.ports.rehearsal import FindingWeight

ASKED = apdu_of_message(next(one for one in REQUESTING if one.kind is EventKind.REQUEST), CONTEXT)
SHIPPED = replace(
    apdu_of_message(next(one for one in LENDING if one.kind is EventKind.SHIPPED), CONTEXT),
    transaction_id=ASKED.transaction_id,
    requester_id=ASKED.requester_id,
    responder_id=ASKED.responder_id,
)
OTHER = replace(ASKED.transaction_id, qualifier="another")


def judge_apdus(*apdus: Apdu | bytes) -> list[tuple[str, FindingWeight]]:
    """What is found in the last of them."""
    heard = HeardApdus()
    heard.note_sent(ASKED)
    judged = [heard.judge_message(one if isinstance(one, bytes) else encode_apdu(one)) for one in apdus]
    return [(one.check, one.weight) for one in judged[-1][1]]


def test_what_is_right_has_no_finding() -> None:
    assert judge_apdus(SHIPPED) == []


@pytest.mark.parametrize(
    ("apdus", "found"),
    [
        pytest.param((b"It works!",), ("well-formed", FindingWeight.BROKEN), id="no APDU"),
        pytest.param((replace(SHIPPED, protocol_version=9),), ("version", FindingWeight.BROKEN), id="version"),
        pytest.param(
            (replace(SHIPPED, requester_id=ASKED.responder_id),), ("requester-id", FindingWeight.BROKEN), id="requester"
        ),
        pytest.param(
            (replace(SHIPPED, responder_id=ASKED.requester_id),), ("responder-id", FindingWeight.BROKEN), id="responder"
        ),
        pytest.param((replace(SHIPPED, transaction_id=OTHER),), ("transaction-id", FindingWeight.ADVICE), id="another"),
        pytest.param((SHIPPED, SHIPPED), ("repeated", FindingWeight.ADVICE), id="twice"),
    ],
)
def test_what_is_wrong_is_found_by_name(apdus: tuple[Apdu | bytes, ...], found: tuple[str, FindingWeight]) -> None:
    assert judge_apdus(*apdus) == [found]


def test_a_message_about_the_request_is_no_report() -> None:
    for sent in (ASKED, None):
        assert not HeardApdus().is_report(encode_apdu(SHIPPED), sent)
        assert not HeardApdus().is_report(b"It works!", sent)
