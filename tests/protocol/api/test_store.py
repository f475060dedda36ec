"""What the API keeps, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from gateway.domain.clock import FixedClock
from gateway.ports.shared_store import Store
from gateway.services.people.api_keys import ApiKeyService, KeyScope, KeyVerifier
from gateway.store import api_access, api_records
from gateway.store.api_access import api_answer, api_key, copy_download, server_secret, webhook
from gateway.store.api_records import AnswerKey, StoredAnswer
from gateway.store.library_store import LibraryStore
from gateway.store.migration import OWN
from gateway.store.schema import metadata

NOW = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)
KEY = AnswerKey("DEMO", "abcdefgh", "createWebhook", "k-1")
OURS = {table.name for table in (api_answer, api_key, copy_download, server_secret, webhook)}


@pytest.fixture
def store_url(migrated_store_url: str) -> str:
    return migrated_store_url


@pytest.fixture
async def kept(store: Store) -> Store:
    return store


async def test_the_migration_makes_the_tables_that_are_declared(kept: Store) -> None:
    def differences(c: Connection) -> list[object]:
        context = MigrationContext.configure(c, opts={"version_table": OWN.table, "compare_type": True})
        return [one for one in compare_metadata(context, metadata) if any(name in repr(one) for name in OURS)]

    assert await kept.read(differences) == []


async def test_a_secret_is_made_once_for_each_library_and_purpose(kept: Store) -> None:
    async def secret(library: str, name: str) -> bytes:
        return await kept.write(lambda c: api_access.get_or_create_secret(c, library, name, NOW))

    many = await asyncio.gather(*(secret("DEMO", api_access.API_KEYS) for _ in range(8)))
    assert len(set(many)) == 1
    assert len(many[0]) == 32
    assert await secret("DEMO", api_access.COPY_LINKS) not in many
    assert await secret("ELSEWHERE", api_access.API_KEYS) not in many
    assert await kept.read(lambda c: api_access.read_secret(c, "NOWHERE", api_access.API_KEYS)) is None


async def test_one_of_many_claims_a_key(kept: Store) -> None:
    async def claim(request: bytes, now: datetime = NOW) -> bool:
        return await kept.write(lambda c: api_records.claim_key(c, KEY, request, now, now - timedelta(hours=24)))

    async def find(now: datetime = NOW) -> StoredAnswer | None:
        return await kept.read(lambda c: api_records.find_answer(c, KEY, now - timedelta(hours=24)))

    claimed = await asyncio.gather(*(claim(b"r") for _ in range(8)))
    assert claimed.count(True) == 1
    await kept.write(lambda c: api_records.note_reference(c, KEY, "r-1"))
    assert await find() == StoredAnswer(request=b"r", status=api_records.UNANSWERED, reference="r-1")

    answer = StoredAnswer(request=b"r", status=201, body=b"{}")
    await kept.write(lambda c: api_records.store_answer(c, KEY, answer, NOW))
    assert not await claim(b"other")
    assert await find() == StoredAnswer(request=b"r", status=201, body=b"{}", reference="r-1")

    later = NOW + timedelta(hours=25)
    assert await find(later) is None
    assert await claim(b"other", later), "after a day it is a new request"
    await kept.write(lambda c: api_records.release_answer(c, KEY))
    assert await claim(b"third")


async def test_an_answer_to_work_that_needed_no_transaction_is_kept_too(kept: Store) -> None:
    answer = StoredAnswer(request=b"r", status=200, body=b"{}")
    for _ in range(2):
        await kept.write(lambda c: api_records.store_answer(c, KEY, answer, NOW))
    assert await kept.read(lambda c: api_records.find_answer(c, KEY, NOW)) == answer


async def test_downloads_are_counted_up_to_their_limit(kept: Store) -> None:
    taken = await asyncio.gather(
        *(kept.write(lambda c: api_records.count_download(c, "DEMO", "link", 3, NOW)) for _ in range(8))
    )
    assert taken.count(True) == 3
    assert await kept.read(lambda c: api_records.get_download_count(c, "DEMO", "link")) == 3
    assert await kept.read(lambda c: api_records.get_download_count(c, "ELSEWHERE", "link")) == 0
    assert await kept.write(lambda c: api_records.prune_downloads(c, "DEMO", NOW)) == 0
    assert await kept.write(lambda c: api_records.prune_downloads(c, "DEMO", NOW + timedelta(seconds=1))) == 1


async def test_the_use_of_a_key_is_noted_once_a_minute(kept: Store) -> None:
    clock = FixedClock(NOW)
    keys = ApiKeyService(LibraryStore(symbol="DEMO", store=kept, clock=clock))
    made = await keys.create_key("Åse", [KeyScope.ADMIN, KeyScope.REQUESTS_READ])
    assert made.row.scopes == ("requests:read", "admin")

    async def last_used() -> datetime | None:
        assert await KeyVerifier(kept, clock).find_holder(made.key) is not None
        return (await keys.list_keys())[0].last_used

    assert await last_used() == NOW
    clock.advance(timedelta(seconds=59))
    assert await last_used() == NOW
    clock.advance(timedelta(seconds=1))
    assert await last_used() == NOW + timedelta(minutes=1)


async def test_the_same_secret_under_another_prefix_is_no_key(kept: Store) -> None:
    keys = ApiKeyService(LibraryStore(symbol="DEMO", store=kept, clock=FixedClock(NOW)))
    one, two = [await keys.create_key(name, [KeyScope.ADMIN]) for name in ("one", "two")]
    secret = one.key.split("_", 2)[2]
    assert await KeyVerifier(kept, FixedClock(NOW)).find_holder(f"ilg_{two.row.prefix}_{secret}") is None
