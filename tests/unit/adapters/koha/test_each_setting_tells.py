"""Settings of Koha that no story tries: with another value than the default, an outcome is another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.domain.library import ItemStatus
from gateway.domain.problems import RefusalReason
from tests.unit.adapters.koha.place import ITEM, koha_place
from tests.unit.adapters.koha.test_system import refusal_of


@pytest.mark.parametrize(
    ("more", "status"),
    [({}, ItemStatus.MISSING), ({"missing_statuses": [2]}, ItemStatus.LOST), ({"missing_statuses": [2, 4]}, "missing")],
)
async def test_which_values_of_lost_mean_missing(tmp_path: Path, more: dict[str, Any], status: str) -> None:
    async with koha_place(tmp_path, **more) as place:
        (row,) = (row for row in place.fake.state.items.values() if row["external_id"] == ITEM)
        row["lost_status"] = 4
        assert (await place.library.item_by_barcode(ITEM)).status == status


@pytest.mark.parametrize(("more", "tag"), [({}, '"245"'), ({"record_format": "unimarc"}, '"200"')])
async def test_the_record_of_a_partners_item_is_in_kohas_format(tmp_path: Path, more: dict[str, Any], tag: str) -> None:
    async with koha_place(tmp_path, **more) as place:
        await place.library.create_temporary_item(await place.make_wish(), "k")
        (made,) = [call for call in place.fake.calls if call.method == "POST" and call.path.endswith("/biblios")]
        assert f"tag={tag}" in made.body


async def test_a_key_of_a_koha_of_ones_own_has_the_reason_that_is_set(tmp_path: Path) -> None:
    async with koha_place(tmp_path, reasons={"DEBT": "not-allowed"}) as place:
        number = await place.patron_id()
        place.fake.state.add_debit(int(number), {"amount": 25, "type": "MANUAL"})
        refused = await refusal_of(place.library.check_out(ITEM, number, "k"))

    assert refused.reason is RefusalReason.NOT_ALLOWED, "patron-blocked, as the default"


async def test_who_we_are_may_be_a_patron_with_a_password(tmp_path: Path) -> None:
    async with koha_place(tmp_path, sign_in={"user": "illgate", "password": "env:TERMINAL"}) as place:
        assert await place.patron_id()
        assert place.fake.calls[0].path != "/api/v1/oauth/token"
