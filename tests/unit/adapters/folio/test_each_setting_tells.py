"""Settings of FOLIO that no story tries: with another value than the default, an outcome is another one."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.domain.problems import RefusalReason
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_system import PatronKey
from rehearsal.fakes.folio_records import make_id
from tests.library_contract.embedded_world import KNOWN
from tests.library_contract.suite import refused
from tests.unit.adapters.folio.operations import FolioScene, make_temporary_item, open_scene

PLACE = {"location": "ill", "loan_type": "ill", "material_type": "interlibrary loan"}


async def make_instance(context: LibraryAdapterContext, **more: str) -> dict[str, Any]:
    """The record of a partner's item, with these `temporary_items` besides."""
    scene = await open_scene(context, "LIB", temporary_items={**PLACE, **more})
    types = scene.fake.records.tables["/instance-types"]
    types[make_id("/instance-types/txt")] = {"id": make_id("/instance-types/txt"), "code": "txt", "name": "text"}
    await scene.restart_gateway()  # codes are kept
    before = set(scene.fake.records.tables["/inventory/instances"])
    await scene.library.create_temporary_item(make_temporary_item(scene), "accept")
    instances = scene.fake.records.tables["/inventory/instances"]
    (made,) = (row for id_, row in instances.items() if id_ not in before)
    await scene.close()
    return made


@pytest.mark.parametrize(("more", "code", "source"), [({}, "zzz", "ILL"), ({"instance_type": "txt"}, "txt", "ILL")])
async def test_the_record_of_a_partners_item_has_the_type_and_source_that_are_set(
    context: LibraryAdapterContext, more: dict[str, str], code: str, source: str
) -> None:
    made = await make_instance(context, **more)
    assert (made["instanceTypeId"], made["source"]) == (make_id(f"/instance-types/{code}"), source)


async def test_the_source_of_that_record(context: LibraryAdapterContext) -> None:
    assert (await make_instance(context, instance_source="Fernleihe"))["source"] == "Fernleihe"


async def restart(scene: FolioScene, **more: Any) -> None:
    scene.options = more
    await scene.restart_gateway()


async def test_kinds_of_patron_numbers(context: LibraryAdapterContext) -> None:
    scene = await open_scene(context, "LIB")
    user = scene.fake.records.tables["/users"][scene.patron]
    user["username"] = "reader"

    assert (await scene.library.find_patron(PatronKey("reader"))).id == scene.patron
    await restart(scene, patron_types=["barcode"])
    with refused(RefusalReason.UNKNOWN_PATRON):
        await scene.library.find_patron(PatronKey("reader"))
    await scene.close()


async def test_the_branch_of_patrons_without_one(context: LibraryAdapterContext) -> None:
    scene = await open_scene(context, "LIB")
    scene.fake.records.tables["/service-points-users"].clear()

    assert (await scene.library.find_patron(KNOWN.good)).home_library == "RS"
    await restart(scene, branch=KNOWN.desk)
    assert (await scene.library.find_patron(KNOWN.good)).home_library == KNOWN.desk
    await scene.close()


async def test_a_message_of_a_library_s_own_has_the_reason_that_is_set(context: LibraryAdapterContext) -> None:
    scene = await open_scene(context, "LIB")
    blocked = (await scene.library.find_patron(KNOWN.blocked)).id

    with refused(RefusalReason.PATRON_BLOCKED):
        await scene.library.check_out(KNOWN.shelf_item, blocked, "lend", request_id="R")
    await restart(scene, reasons={"Patron blocked from borrowing": "not-allowed"})
    with refused(RefusalReason.NOT_ALLOWED):
        await scene.library.check_out(KNOWN.shelf_item, blocked, "lend again", request_id="R")
    await scene.close()


async def test_codes_are_read_anew_after_the_time_that_is_set(
    context: LibraryAdapterContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("adapters.library.folio.code_tables.monotonic", lambda: now[0])
    scene = await open_scene(context, "LIB", seconds={"codes": 60})
    assert await scene.library.pickup_locations()
    scene.fake.records.tables["/service-points"].clear()

    assert await scene.library.pickup_locations()
    now[0] = 61.0
    assert not await scene.library.pickup_locations()
    await scene.close()
