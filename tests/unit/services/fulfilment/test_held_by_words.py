"""What the library itself has where no number tells: by title and author, and what of it is free."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from gateway.domain.library import Bib, Item, ItemStatus, Location, RecordId
from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.fulfilment import Availability
from gateway.domain.text_folding import fold_text
from gateway.ports.library_system import BibHoldings, Capability
from gateway.services.circulation.local_holdings import find_local_copies, list_free_copies

SHELF = Location("MAIN", "stacks", "Stacks")
EMMA = Bib("1", "Emma", "Austen, Jane", published="1998")
MOOR = Bib("2", "Das große Moor: Landschaft und Leute", "Brandt, Ilse", published="1987")
WAVES = Bib("3", "Волны", identifiers=(RecordId("issn", "0317-8471"),))
ALL = frozenset(Capability)


def copy(bib: str, number: int = 1, status: ItemStatus = ItemStatus.AVAILABLE, holds: int = 0) -> Item:
    return Item(
        f"i-{bib}-{number}", f"b-{bib}-{number}", bib, status, "standard", SHELF, SHELF, "Q 7", hold_count=holds
    )


@dataclass
class Shelves:
    bibs: tuple[Bib, ...] = (EMMA, MOOR, WAVES)
    items: tuple[Item, ...] = (copy("1"), copy("2"), copy("3"))
    capabilities: frozenset[Capability] = ALL

    async def find_bib(self, record: RecordId) -> Bib:
        found = [bib for bib in self.bibs if record in bib.identifiers]
        if len(found) != 1:
            raise Refused(RefusalReason.AMBIGUOUS_ITEM if found else RefusalReason.UNKNOWN_RECORD, "not one")
        return found[0]

    async def search_bibs(self, query: str, limit: int = 20) -> tuple[Bib, ...]:
        words = fold_text(query).split()
        return tuple(bib for bib in self.bibs if set(words) <= set(fold_text(f"{bib.title} {bib.author}").split()))

    async def holdings(self, bib_id: str) -> BibHoldings:
        (bib,) = (bib for bib in self.bibs if bib.id == bib_id)
        return BibHoldings(bib, tuple(item for item in self.items if item.bib_id == bib_id))


async def look(citation: Citation, shelves: Shelves | None = None) -> tuple[Availability, str, list[str]]:
    """Availability, the record, the candidates."""
    found = await find_local_copies(shelves or Shelves(), citation)  # type: ignore[arg-type]
    return found.availability, found.bib.id if found.bib else "", [one.bib_id for one in found.candidates]


@pytest.mark.parametrize(
    "citation",
    [
        Citation(title="Emma", author="Jane Austen"),
        Citation(title="EMMA.", author="Austen, J."),
        Citation(title="Emma", published="1998"),
        Citation(title="Emma", author="Austen, Jane", identifiers=(RecordId("doi", "10.1000/182"),)),
        Citation(title="Emma", author="Austen, Jane", identifiers=(RecordId("isbn", "9780000000000"),)),
        Citation(
            title="Emma", author="Austen, Jane", identifiers=(RecordId("issn", "0317-8471"),), type=CitationType.BOOK
        ),
    ],
    ids=["natural order", "other letters", "the year tells", "a DOI", "a wrong check digit", "the ISSN of a series"],
)
async def test_title_and_author_find_what_no_number_does(citation: Citation) -> None:
    shelves = Shelves(bibs=(EMMA, MOOR), items=(copy("1"), copy("2")))

    assert await look(citation, shelves) == (Availability.AVAILABLE, "1", ["1"])


async def test_a_title_without_its_subtitle_and_one_with() -> None:
    assert await look(Citation(title="Das große Moor", author="Brandt, Ilse")) == (Availability.AVAILABLE, "2", ["2"])
    longer = Citation(title="Emma: a novel", author="Austen, Jane")
    assert await look(longer) == (Availability.AVAILABLE, "1", ["1"])


async def test_a_journal_is_known_by_its_title() -> None:
    article = Citation(
        type=CitationType.ARTICLE, title="Волны", component_title="О льде", component_author="Снегова, О."
    )
    assert (await look(article))[:2] == (Availability.AVAILABLE, "3")


async def test_out_is_out() -> None:
    shelves = Shelves(items=(copy("1", status=ItemStatus.ON_LOAN),))
    assert await look(Citation(title="Emma", author="Austen, Jane"), shelves) == (Availability.OUT, "1", ["1"])


async def test_what_may_be_it_is_neither_held_nor_not() -> None:
    assert await look(Citation(title="Emma")) == (Availability.UNKNOWN, "", ["1"])
    other_year = Citation(title="Emma", author="Austen, Jane", published="2021")
    assert await look(other_year) == (Availability.UNKNOWN, "", ["1"])


async def test_what_is_nothing_alike_is_not_held() -> None:
    assert await look(Citation(title="Emma", author="Lindqvist, Åsa")) == (Availability.NOT_HELD, "", [])
    assert await look(Citation(title="Über die Brücke")) == (Availability.NOT_HELD, "", [])


async def test_a_record_without_copies_is_no_candidate() -> None:
    assert await look(Citation(title="Emma"), Shelves(items=())) == (Availability.NOT_HELD, "", [])


async def test_a_good_number_that_nobody_has_is_not_held() -> None:
    another_edition = Citation(title="Emma", author="Austen, Jane", identifiers=(RecordId("isbn", "9783161484100"),))
    assert await look(another_edition) == (Availability.NOT_HELD, "", [])


async def test_nobody_knows_where_nothing_can_be_looked_for() -> None:
    no_search = Shelves(capabilities=ALL - {Capability.SEARCH})
    assert await look(Citation(title="Emma", author="Austen, Jane"), no_search) == (Availability.UNKNOWN, "", [])
    only_a_doi = Citation(component_title="Slow ice", identifiers=(RecordId("doi", "10.1000/182"),))
    assert await look(only_a_doi) == (Availability.UNKNOWN, "", [])


async def test_one_number_of_two_records_is_unknown_where_the_system_can_not_search() -> None:
    number = RecordId("isbn", "9783161484100")
    twice = (replace(EMMA, identifiers=(number,)), replace(MOOR, identifiers=(number,)))
    shelves = Shelves(bibs=twice, capabilities=ALL - {Capability.SEARCH})

    assert (await look(Citation(identifiers=(number,)), shelves))[0] is Availability.UNKNOWN


async def test_the_record_of_a_number_is_told_with_or_without_copies() -> None:
    number = Citation(identifiers=(RecordId("issn", "0317-8471"),), type=CitationType.JOURNAL)
    for items in ((), (copy("3"),)):
        found = await find_local_copies(Shelves(items=items), number)  # type: ignore[arg-type]
        assert found.record == WAVES


# --- free copies ---------------------------------------------------------------------------------------------


def test_a_hold_on_any_copy_takes_one() -> None:
    three = [copy("1", number, holds=1) for number in (1, 2, 3)]

    assert len(list_free_copies(three)) == 2
    assert len(list_free_copies([replace(one, hold_count=3) for one in three])) == 0
    assert len(list_free_copies([replace(one, hold_count=5) for one in three])) == 0


def test_a_hold_on_one_copy_takes_that_one() -> None:
    held, other, third = copy("1", 1, holds=1), copy("1", 2), copy("1", 3)

    assert list_free_copies([held, other, third]) == {other.id, third.id}


def test_what_is_out_is_waited_for_as_well() -> None:
    out, here = copy("1", 1, ItemStatus.ON_LOAN, holds=1), copy("1", 2, holds=1)

    assert list_free_copies([out, here]) == frozenset()
