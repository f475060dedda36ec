"""What profiles said, in the store, on both engines."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gateway.ports.shared_store import Store
from gateway.services.operation.profile_history import make_version, record_unknown_version, record_version
from gateway.store import profile_versions
from gateway.store.profile_versions import ProfileVersion

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture
def store_url(migrated_store_url: str) -> str:
    return migrated_store_url


def version(text: str, minute: int, actor: str = "", reason: str = "", library: str = "RIV") -> ProfileVersion:
    return make_version("sahil", library, text, NOW + timedelta(minutes=minute), actor, reason)


async def list_texts(store: Store, *libraries: str) -> list[tuple[str, str]]:
    found = await store.read(lambda c: profile_versions.list_profile_versions(c, libraries or ("RIV",), "sahil"))
    return [(one.content, one.actor) for one in found]


async def record(store: Store, *versions: ProfileVersion) -> None:
    for one in versions:
        await store.write(lambda c, one=one: profile_versions.record_profile_version(c, one))


async def test_a_text_is_kept_once_and_who_saved_it_is_added(store: Store) -> None:
    await record(store, version("a: 1\n", 0), version("a: 1\n", 1), version("a: 1\n", 2, "staff:ø.京", "why"))
    await record(store, version("a: 1\n", 3, "staff:other"), version("b: Привет\n", 4), version("a: 1\n", 5))

    assert await list_texts(store) == [("a: 1\n", ""), ("b: Привет\n", ""), ("a: 1\n", "staff:ø.京")]


async def test_a_text_with_a_secret_is_not_kept(store: Store) -> None:
    secret, reference = version("password: 'Кот'\r\nname: x\r\n", 0), version("password: env:SAHIL\r\nname: x\r\n", 1)

    for one in (secret, reference):
        await store.write(lambda c, one=one: record_version(c, one))

    assert await list_texts(store) == [("password: env:SAHIL\nname: x\n", "")]


async def test_a_library_sees_its_own_and_those_of_all(store: Store) -> None:
    await record(store, version("a: 1\n", 0, library="ALT"), version("a: 2\n", 1, library=""), version("a: 3\n", 2))

    assert await list_texts(store, "", "RIV") == [("a: 3\n", ""), ("a: 2\n", "")]
    (other,) = await store.read(lambda c: profile_versions.list_profile_versions(c, ("ALT",), "sahil"))
    find = profile_versions.find_profile_version
    assert await store.read(lambda c: find(c, ("ALT",), "sahil", other.id)) == other
    assert await store.read(lambda c: find(c, ("", "RIV"), "sahil", other.id)) is None


async def test_what_was_there_before_is_noted_where_nobody_knows_it(store: Store) -> None:
    await record(store, version("a: 1\n", 0), version("a: 2\n", 1))
    for one in (version("a: 1\n", 2), version("a: 0\n", 3)):
        await store.write(lambda c, one=one: record_unknown_version(c, one))

    assert [text for text, _ in await list_texts(store)] == ["a: 0\n", "a: 2\n", "a: 1\n"]


async def test_nodes_that_read_the_same_edit_note_it_once(store: Store) -> None:
    await record(store, version("a: 1\n", 0))

    await asyncio.gather(*(record(store, version("a: 2\n", minute)) for minute in range(1, 5)))

    assert len(await list_texts(store)) == 2


async def test_the_oldest_are_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_versions, "MAX_VERSIONS", 3)

    await record(store, *(version(f"a: {number}\n", number) for number in range(5)))

    assert [text for text, _ in await list_texts(store)] == ["a: 4\n", "a: 3\n", "a: 2\n"]
