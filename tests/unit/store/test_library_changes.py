"""Changes asked of a library system outside the store, on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.shared_store import Store
from gateway.store.library_changes import StoredLibraryChanges, prune_library_changes

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LENDING = LibraryChange(ChangeKind.CHECK_OUT, "k1", "39000000000011", "21000000000017", NOW, request_id="REQ-7")


@pytest.fixture
def store_url(migrated_store_url: str) -> str:
    return migrated_store_url


@pytest.fixture
async def changes(store: Store) -> StoredLibraryChanges:
    return StoredLibraryChanges(store, "BERG")


async def test_a_change_is_unfinished_until_it_is_ended(changes: StoredLibraryChanges) -> None:
    await changes.begin_change(LENDING)
    assert await changes.find_change(ChangeKind.CHECK_OUT, "k1") == LENDING

    done = replace(LENDING, ended=NOW + timedelta(seconds=1), record_id="loan-1", value='{"due": "2026-03-30"}')
    await changes.end_change(done)

    assert await changes.find_change(ChangeKind.CHECK_OUT, "k1") == done
    assert await changes.find_change(ChangeKind.CHECK_IN, "k1") is None
    assert await StoredLibraryChanges(changes.store, "TAL").find_change(ChangeKind.CHECK_OUT, "k1") is None


async def test_a_change_that_was_refused_leaves_nothing(changes: StoredLibraryChanges) -> None:
    await changes.begin_change(LENDING)
    await changes.drop_change(ChangeKind.CHECK_OUT, "k1")

    assert await changes.changes_of_item(LENDING.barcode) == ()


async def test_changes_are_found_by_item_patron_request_and_record_the_newest_first(
    changes: StoredLibraryChanges,
) -> None:
    older = replace(LENDING, record_id="loan-1")
    newer = replace(older, kind=ChangeKind.CHECK_IN, key="k2", begun=NOW + timedelta(days=3))
    other = replace(LENDING, key="k3", barcode="39000000000029", patron_id="21000000000025", request_id="REQ-8")
    for change in (older, newer, other):
        await changes.begin_change(change)

    assert await changes.changes_of_item(LENDING.barcode) == (newer, older)
    assert await changes.changes_of_patron(LENDING.patron_id) == (newer, older)
    assert await changes.changes_of_request("REQ-7") == (newer, older)
    assert await changes.changes_of_record("loan-1") == (newer, older)
    assert await changes.changes_of_request("REQ-8") == (other,)


async def test_old_changes_are_forgotten_but_not_those_whose_outcome_is_unknown(changes: StoredLibraryChanges) -> None:
    done = replace(LENDING, ended=NOW)
    unknown = replace(LENDING, key="k2")
    for change in (done, unknown, replace(done, key="k3", begun=NOW + timedelta(days=400))):
        await changes.begin_change(change)
    before = NOW + timedelta(days=365)

    assert await changes.store.write(lambda c: prune_library_changes(c, before, 10)) == 1
    assert await changes.store.write(lambda c: prune_library_changes(c, before, 10)) == 0
    assert {change.key for change in await changes.changes_of_item(LENDING.barcode)} == {"k2", "k3"}
