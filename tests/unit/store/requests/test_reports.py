"""What members of the network said last, on both engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

from gateway.domain.requests.network_load import LoadReport
from gateway.ports.shared_store import Store
from gateway.store.requests import request_counts

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def said(member: str, at: datetime = NOON, **loads: int) -> LoadReport:
    return LoadReport(member=member, library=member.upper(), at=at, open=loads)


async def test_the_newest_of_each_member_is_kept(migrated: Store) -> None:
    newer = said("south", NOON + timedelta(minutes=5), city=2, straße=1)
    await migrated.write(
        lambda c: request_counts.store_report(c, "NORTH", [said("south", city=1), said("east", stadt=7)])
    )

    await migrated.write(lambda c: request_counts.store_report(c, "NORTH", [newer]))
    await migrated.write(
        lambda c: request_counts.store_report(c, "NORTH", [said("south", NOON, city=9)])
    )  # heard before

    kept = await migrated.read(lambda c: request_counts.list_reports(c, "NORTH"))
    assert kept == (said("east", stadt=7), newer)


async def test_another_library_s_are_not_seen_and_not_forgotten(migrated: Store) -> None:
    for library in ("NORTH", "WEST"):
        await migrated.write(partial(request_counts.store_report, library=library, reports=[said("south", city=1)]))

    await migrated.write(lambda c: request_counts.forget_former_members(c, "NORTH", []))

    assert await migrated.read(lambda c: request_counts.list_reports(c, "NORTH")) == ()
    assert await migrated.read(lambda c: request_counts.list_reports(c, "WEST")) == (said("south", city=1),)
