"""What a finished exchange is counted as: nothing that its sender could choose without end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.ports.responder import OutcomeClass
from gateway.runtime.exchange_assembly import build_exchange
from gateway.services.exchange import ExchangeRecord
from tests.unit.services.exchange.support import PATRON, open_house


@pytest.mark.parametrize(
    ("name", "path", "counted"),
    [
        ("LookupUser", "ncip2", ("ncip2", "LookupUser", OutcomeClass.OK)),
        ("LookupUser", "nobody", ("", "LookupUser", OutcomeClass.REJECTED)),
        ("LookupUser4711", "ncip2", ("ncip2", "other", OutcomeClass.MALFORMED)),
        ("LookupUser4711", "nobody", ("", "other", OutcomeClass.REJECTED)),
    ],
)
async def test_names_are_those_of_profiles_and_of_the_protocol(
    tmp_path: Path, name: str, path: str, counted: tuple[str, str, OutcomeClass]
) -> None:
    records: list[ExchangeRecord] = []
    async with open_house(tmp_path) as house:
        exchange = build_exchange(
            house.installation.parts, house.libraries, house.profile_set, house.store, house.journal, records.append
        )
        message = house.message("lookup-user", patron=PATRON)
        body = message.body.replace(b"LookupUser", name.encode())
        await exchange.handle(replace(message, body=body, profile=path))
    (record,) = records
    assert (record.profile, record.service, record.outcome) == counted


async def test_what_is_no_message_has_no_service(tmp_path: Path) -> None:
    records: list[ExchangeRecord] = []
    async with open_house(tmp_path) as house:
        exchange = build_exchange(
            house.installation.parts, house.libraries, house.profile_set, house.store, house.journal, records.append
        )
        await exchange.handle(replace(house.message("lookup-user", patron=PATRON), body=b"GET / HTTP/1.1"))
    assert records[0].service == ""
