"""Signing in, tokens, paging, and what FOLIO's failures become."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.library.folio.client import FolioClient
from adapters.library.folio.cql import EVERYTHING, match_any_value, match_value, quote_value
from adapters.library.folio.reasons import FolioRefusal
from gateway.domain.clock import FixedClock
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Unavailable
from rehearsal.fakes.fake_server import FaultKind
from rehearsal.fakes.folio import TOKEN_SECONDS, FakeFolio
from rehearsal.fakes.folio_records import FolioAnswerError
from tests.library_contract.embedded_world import KNOWN, START
from tests.library_contract.folio_world import make_fake, make_options, resolve_secret

LOGIN, REFRESH = "/authn/login-with-expiry", "/authn/refresh"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture(params=["okapi", "eureka"])
async def fake(request: pytest.FixtureRequest, clock: FixedClock) -> AsyncIterator[FakeFolio]:
    fake = make_fake(clock, request.param)
    fake.granted = None  # what is asked here isn't what the gateway asks in work
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
async def client(fake: FakeFolio, clock: FixedClock) -> AsyncIterator[FolioClient]:
    client = FolioClient(make_options(fake.url), Path(), resolve_secret, clock, "FOLIO of LIB")
    yield client
    await client.close_connections()


def count_calls(fake: FakeFolio, path: str) -> int:
    return sum(call.path == path for call in fake.calls)


async def list_locations(client: FolioClient) -> int:
    return len(await client.list_records("/locations", "locations", EVERYTHING))


async def test_it_signs_in_once_for_all_who_ask_at_once(client: FolioClient, fake: FakeFolio) -> None:
    assert await asyncio.gather(*(list_locations(client) for _ in range(8))) == [3] * 8
    assert count_calls(fake, LOGIN) == 1


async def test_a_token_that_folio_withdraws_is_refreshed_once(client: FolioClient, fake: FakeFolio) -> None:
    await list_locations(client)
    fake.do_damage("stale-token", "")
    assert await asyncio.gather(*(list_locations(client) for _ in range(8))) == [3] * 8

    assert (count_calls(fake, LOGIN), count_calls(fake, REFRESH)) == (1, 1)


async def test_where_the_refresh_token_has_ended_too_it_signs_in_anew(client: FolioClient, fake: FakeFolio) -> None:
    await list_locations(client)
    fake.do_damage("stale-refresh-token", "")
    assert await list_locations(client) == 3

    assert (count_calls(fake, LOGIN), count_calls(fake, REFRESH)) == (2, 1)


async def test_a_token_that_is_over_by_the_clock_of_folio(
    client: FolioClient, fake: FakeFolio, clock: FixedClock
) -> None:
    await list_locations(client)
    clock.advance(timedelta(seconds=TOKEN_SECONDS + 1))

    assert await list_locations(client) == 3
    assert count_calls(fake, REFRESH) == 1


async def test_lists_are_read_page_after_page_to_the_end(client: FolioClient, fake: FakeFolio) -> None:
    for number in range(450):
        fake.records.insert_record("/groups", {"group": f"group {number}"})
    rows = await client.list_records("/groups", "usergroups", EVERYTHING)

    assert len({row["id"] for row in rows}) == 452
    assert count_calls(fake, "/groups") == 3


async def test_a_missing_permission_is_no_refusal(client: FolioClient, fake: FakeFolio) -> None:
    fake.lacking |= {"inventory-storage.locations.collection.get", "circulation.requests.item.post"}
    with pytest.raises(Unavailable, match="user 'illgate' is not allowed to call /locations") as caught:
        await list_locations(client)
    with pytest.raises(Unavailable, match="is not allowed"):
        await client.send("POST", "/circulation/requests", {})

    if fake.flavour == "okapi":
        assert "permission inventory-storage.locations.collection.get is missing" in str(caught.value)


async def test_a_question_that_folio_cannot_take_is_said_without_its_values(client: FolioClient) -> None:
    with pytest.raises(Unavailable, match="failed to answer /users") as caught:
        await client.list_records("/users", "users", f'barcode=="{KNOWN.good.value}')
    assert KNOWN.good.value not in str(caught.value)


async def test_an_answer_to_a_change_that_gets_lost_is_unknown(client: FolioClient, fake: FakeFolio) -> None:
    fake.add_fault(FaultKind.LOSE_REPLY, path="/groups")
    with pytest.raises(OutcomeUnknown):
        await client.send("POST", "/groups", {"group": "guests"})
    assert len(fake.records.find_records("/groups", group="guests")) == 1


async def test_too_many_calls_are_waited_for(client: FolioClient, fake: FakeFolio) -> None:
    fake.add_fault(FaultKind.TOO_MANY, path="/locations", seconds=1)
    assert await list_locations(client) == 3


async def test_what_is_not_on_loan_is_refused_though_folio_says_500(client: FolioClient) -> None:
    body = {"itemBarcode": KNOWN.shelf_item, "userBarcode": KNOWN.good.value}
    with pytest.raises(FolioRefusal) as caught:
        await client.send("POST", "/circulation/renew-by-barcode", body, renews=True)
    assert caught.value.reason is RefusalReason.NOT_CHECKED_OUT


async def test_a_record_that_is_locked_is_tried_later(
    client: FolioClient, fake: FakeFolio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_lock(_body: object) -> None:
        raise FolioAnswerError(400, "unable to acquire lock for checkout session")

    monkeypatch.setattr(fake.circulation, "check_out", refuse_lock)
    with pytest.raises(Unavailable, match="processing the same record"):
        await client.send("POST", "/circulation/check-out-by-barcode", {})


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("4711", '"4711"'),
        ("4*", '"4\\*"'),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("^start?", '"\\^start\\?"'),
        ('" or cql.allRecords=1 or "', '"\\" or cql.allRecords=1 or \\""'),
    ],
)
def test_values_are_escaped(value: str, quoted: str) -> None:
    assert quote_value(value) == quoted


@pytest.mark.parametrize("value", ['" or cql.allRecords=1 or "', "*", "2100000000001?", "\\", '"', "(", "2 or 3"])
async def test_no_value_is_taken_for_a_query(client: FolioClient, value: str) -> None:
    assert await client.list_records("/users", "users", match_value("barcode", value)) == []
    assert await client.list_records("/users", "users", match_any_value("barcode", (value, "x"))) == []
