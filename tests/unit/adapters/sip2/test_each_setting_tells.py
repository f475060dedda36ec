"""Settings of SIP2 that no story tries: with another value than the default, the same bytes mean something else."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.library.sip2.client import make_endpoint
from adapters.library.sip2.codec import decode_reply
from adapters.library.sip2.options import Sip2Options
from adapters.library.sip2.records import Sip2RecordReader
from gateway.ports.tls import ClientTls

STAMP = b"20261124    134007"
PATRON = (
    b"64" + b" " * 14 + b"001" + STAMP + b"000200000000000000000003"
    b"AOLIB|AAP1|AEDoe, Jane|BLY|PCstaff|PTchild|PA20300101|PE20310101|AQMAIN|ANWEST|PB19900102|PD19910203|"
)
ITEM = b"18030101" + STAMP + b"ABI1|AJA title|AQMAIN|CKbook|CRmap|CSQA 76|MA77|XAP1|"


def read(settings: dict[str, Any]) -> dict[str, Any]:
    """What is read of the patron and of the item."""
    options = Sip2Options.model_validate({"host": "sip", "branch": "MAIN", **settings})
    reader = Sip2RecordReader(options, ZoneInfo("Europe/Zurich"), "EUR")
    patron = reader.read_patron(decode_reply(PATRON, "utf-8", is_checked=False), "P1", date(2026, 11, 24)).patron
    reply = decode_reply(ITEM, "utf-8", is_checked=False)
    item = reader.read_item(reply, "I1")
    assert patron is not None
    assert item is not None
    return {
        "category": patron.category,
        "expires": patron.expires,
        "home": patron.home_library,
        "birth": patron.date_of_birth,
        "number": patron.identifiers[0].type,
        "holds": patron.hold_count,
        "policy": item.policy,
        "call number": item.call_number,
        "record": item.bib_id,
        "borrower": reader.read_borrower(reply),
    }


@pytest.mark.parametrize(
    ("settings", "name", "before", "after"),
    [
        ({"fields": {"patron_category": "PT"}}, "category", "staff", "child"),
        ({"fields": {"patron_expiry": "PE"}}, "expires", date(2030, 1, 1), date(2031, 1, 1)),
        ({"fields": {"patron_library": "AN"}}, "home", "MAIN", "WEST"),
        ({"fields": {"patron_birth": "PD"}}, "birth", date(1990, 1, 2), date(1991, 2, 3)),
        ({"fields": {"item_policy": "CR"}}, "policy", "book", "map"),
        ({"fields": {"call_number": "CS"}}, "call number", "", "QA 76"),
        ({"fields": {"record": "MA"}}, "record", None, "77"),
        ({"fields": {"borrower": "XA"}}, "borrower", "", "P1"),
        ({"patron_types": ["username"]}, "number", "barcode", "username"),
        ({"hold_lists": "all"}, "holds", 5, 2),
    ],
)
def test_a_setting_changes_what_is_read(settings: dict[str, Any], name: str, before: object, after: object) -> None:
    plain, changed = read({}), read(settings)

    assert changed[name] == after
    assert before in (None, plain[name])
    assert {key for key in plain if plain[key] != changed[key]} == {name}


def test_how_the_server_is_called(tmp_path: Path) -> None:
    tls = {"security": "tls", "ca": "tls/ca.pem", "certificate": "tls/ours.pem"}
    options = Sip2Options.model_validate({"host": "sip", **tls, "seconds": {"connect": 1.5}})
    endpoint = make_endpoint(options, tmp_path)

    assert endpoint.tls == ClientTls(tmp_path / "tls/ca.pem", tmp_path / "tls/ours.pem")
    assert endpoint.connect_seconds == 1.5
