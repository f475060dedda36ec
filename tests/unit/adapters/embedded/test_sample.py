"""The sample library is what `illgate init` says it is."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from stdnum import isbn

from adapters.library.embedded.sample import PEOPLE, sample_patron_barcode
from adapters.library.embedded.sample_catalogue import generate_records
from gateway.domain.library import BlockScope
from gateway.domain.problems import RefusalReason, Refused
from gateway.ports.library_system import PatronKey
from tests.unit.adapters.embedded.installed import Installed

SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "CJK", "HIRAGANA", "HANGUL", "DEVANAGARI")


def _scripts(text: str) -> set[str]:
    return {unicodedata.name(c).split()[0] for c in text if c.isalpha()}


def test_records_are_many_in_many_scripts_with_valid_isbns() -> None:
    bibs = list(generate_records())
    isbns = [identifier.value for bib in bibs for identifier in bib.identifiers if identifier.type == "isbn"]

    assert len(bibs) >= 300
    assert set(SCRIPTS) <= set().union(*(_scripts(bib.title) for bib in bibs))
    assert set(SCRIPTS) - {"HIRAGANA"} <= _scripts(PEOPLE)
    assert len(set(isbns)) == len(bibs)
    assert all(isbn.is_valid(number) for number in isbns)
    assert [bib.id for bib in bibs if bib.title == "The Three-Body Problem"] == ["1001"]


def test_records_are_the_same_each_time() -> None:
    assert list(generate_records()) == list(generate_records())


async def test_people_who_can_be_tried(sample_library: Installed) -> None:
    async with sample_library.library() as opened:
        system = opened.system
        good = await system.authenticate(PatronKey("21000000000017"), "1234")
        assert not good.blocks
        assert await system.find_patron(PatronKey("1234567")) == good
        assert (await system.find_patron(PatronKey("pseudopatron", ("username",)))).name.is_organisation
        blocked = [await system.find_patron(PatronKey(sample_patron_barcode(n))) for n in (27, 29, 31)]
        assert all(patron.find_block(BlockScope.BORROW) for patron in blocked)


async def test_items_that_can_be_tried(sample_library: Installed) -> None:
    async with sample_library.library() as opened:
        item = await opened.system.item_by_barcode("39000000000011")
        assert item.circulates
        assert item.status == "available"
        assert len(await opened.system.pickup_locations()) == 5


async def test_a_library_with_data_is_left_alone(installed: Installed) -> None:
    async with installed.library() as opened:
        before = await opened.system.find_patron(PatronKey("21000000000017"))

    assert "has data already" in await installed.fill()
    async with installed.library() as opened:
        assert await opened.system.find_patron(PatronKey("21000000000017")) == before


async def test_libraries_in_one_database_do_not_see_each_other(installed: Installed) -> None:
    async with installed.library("OTHER") as other:
        with pytest.raises(Refused) as refusal:
            await other.system.find_patron(PatronKey("21000000000017"))
        assert refusal.value.reason is RefusalReason.UNKNOWN_PATRON
        with pytest.raises(Refused):
            await other.system.item_by_barcode("39000000000011")
        assert await other.system.search_bibs("three-body") == ()
        assert await other.system.pickup_locations() == ()


async def test_the_same_numbers_may_be_used_in_two_libraries(installed: Installed) -> None:
    from adapters.library.embedded.sample import create_sample

    async with installed.library("OTHER") as other:
        await create_sample(other.context)
        theirs = await other.system.find_patron(PatronKey("21000000000017"))
    async with installed.library() as ours:
        assert (await ours.system.find_patron(PatronKey("21000000000017"))).id != theirs.id


def test_the_summary_names_what_is_there(tmp_path: Path) -> None:
    import asyncio

    summary = asyncio.run(Installed(tmp_path).fill())

    for said in ("21000000000017", "1234567", "39000000000011", "MAIN (Central Library)", "Three-Body Problem"):
        assert said in summary
