"""What FOLIO's NCIP module and OCLC's toolkit answered, as our client reads it."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adapters.ncip.client import read_reply
from adapters.ncip.codec import decode_message
from adapters.ncip.dialect import NcipDialect
from adapters.ncip.xml_parser import parse_xml
from gateway.domain.problems import MalformedMessage, OutcomeUnknown, RefusalReason, Refused
from gateway.ports.message_transport import TransportReply

FINAL = {
    "mod-ncip/010-LookupUser": RefusalReason.PATRON_AUTH_FAILED,
    "mod-ncip/015-RequestItem": RefusalReason.UNKNOWN_AGENCY,
    "mod-ncip/032-AcceptItem": RefusalReason.DUPLICATE_ITEM,
    "mod-ncip/033-CheckOutItem": RefusalReason.ITEM_NOT_AVAILABLE,
    "mod-ncip/034-AcceptItem": RefusalReason.PATRON_BLOCKED,
    "mod-ncip/039-CheckOutItem": RefusalReason.UNKNOWN_PATRON,
    "mod-ncip/040-CheckOutItem": RefusalReason.PATRON_BLOCKED,
    "mod-ncip/046-CheckOutItem": RefusalReason.INVALID_VALUE,
    "mod-ncip/048-CheckInItem": RefusalReason.UNKNOWN_ITEM,
    "mod-ncip/051-CancelRequestItem": RefusalReason.REQUEST_CLOSED,
    "mod-ncip/053-LookupItem": RefusalReason.UNSUPPORTED_SERVICE,
    "mod-ncip/060-AcceptItem": RefusalReason.UNKNOWN_PATRON,
    "mod-ncip/065-CancelRequestItem": RefusalReason.UNKNOWN_PATRON,
    "mod-ncip/067-RequestItem": RefusalReason.UNKNOWN_PATRON,
    "mod-ncip/070-RequestItem": RefusalReason.NOT_ALLOWED,
    "mod-ncip/071-CancelRequestItem": RefusalReason.UNKNOWN_REQUEST,
    "oclc-dummy/01-LookupUser-unknown-user": RefusalReason.UNKNOWN_PATRON,
    "oclc-dummy/08-LookupItem-unknown-item": RefusalReason.UNKNOWN_ITEM,
    "oclc-dummy/14-LookupItemSet-temporary-processing-failure": RefusalReason.TEMPORARY_FAILURE,
}
"""The refusals of which it must be known what they mean; elsewhere the system's own words are kept."""


def read_answer_file(answer: Path) -> RefusalReason | str:
    """Why it refuses, or "done", or "unknown". Raises MalformedMessage where our question is none either."""
    asked = next(
        file
        for file in (Path(str(answer).replace(".answer", mark)) for mark in ("", ".ours"))
        if file != answer and file.exists()
    )
    sent = decode_message(parse_xml(asked.read_bytes()))
    status = 500 if "http-500" in answer.name else 200
    try:
        read_reply(TransportReply(answer.read_bytes(), "application/xml", status), sent, NcipDialect(), ZoneInfo("UTC"))
    except Refused as refused:
        return refused.reason
    except OutcomeUnknown:
        return "unknown"
    return "done"


def test_every_answer_is_read_as_what_it_is(samples_folder: Path) -> None:
    read: dict[str, RefusalReason | str] = {}
    for folder in ("mod-ncip", "oclc-dummy"):
        for answer in sorted((samples_folder / "ncip" / folder).glob("*.answer.xml")):
            name = f"{folder}/{answer.name.removesuffix('.answer.xml').removesuffix('-refused')}"
            try:
                read[name] = read_answer_file(answer)
            except MalformedMessage:  # what was asked was no NCIP
                assert "http-500" in name
    assert len(read) > 70
    for name, reason in read.items():
        if "http-500" in name:
            assert reason == "unknown", name
        elif isinstance(reason, RefusalReason) or name in FINAL:
            assert reason is FINAL.get(name, reason), name
    refused_files = [file.name for file in (samples_folder / "ncip" / "mod-ncip").glob("*-refused.answer.xml")]
    assert len([one for one in read.values() if isinstance(one, RefusalReason)]) >= len(refused_files)
    assert set(FINAL) <= set(read)


@pytest.mark.parametrize("name", ["014-RequestItem", "030-AcceptItem"])
def test_folio_gives_requests_numbers_of_its_own(name: str, samples_folder: Path) -> None:
    folder = samples_folder / "ncip" / "mod-ncip"
    sent = decode_message(parse_xml((folder / f"{name}.xml").read_bytes()))
    raw = (folder / f"{name}.answer.xml").read_bytes()
    answer = read_reply(TransportReply(raw, "application/xml", 200), sent, NcipDialect(), ZoneInfo("UTC")).response

    assert answer.request_id is not None  # type: ignore[attr-defined]
    assert len(answer.request_id.value) == 36  # type: ignore[attr-defined]
