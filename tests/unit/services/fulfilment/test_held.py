"""What the library itself has: by each of the numbers, whichever copy is soonest to be had."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.domain.library import Bib, Item, ItemStatus, Location, RecordId
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.fulfilment import Availability
from gateway.ports.library_system import BibHoldings, Capability
from gateway.services.circulation.local_holdings import find_local_copies

ISBN, OCLC = RecordId("isbn", "9780306406157"), RecordId("oclc", "90001001")
SHELF = Location("MAIN", "stacks", "Stacks")


def copy(bib: str, status: ItemStatus, *, holds: int = 0, circulates: bool = True, temporary: bool = False) -> Item:
    return Item(
        f"i-{bib}", f"b-{bib}", bib, status, "standard", SHELF, SHELF,
        hold_count=holds, circulates=circulates, temporary=temporary,
    )  # fmt: skip


@dataclass
class Shelves:
    """`records` by number; several under one number are ambiguous."""

    records: dict[RecordId, list[str]]
    copies: dict[str, list[Item]] = field(default_factory=dict)
    down: bool = False
    capabilities: frozenset[Capability] = frozenset(Capability)

    async def find_bib(self, record: RecordId) -> Bib:
        if self.down:
            raise Unavailable("down")
        found = self.records.get(record, [])
        if len(found) != 1:
            raise Refused(RefusalReason.AMBIGUOUS_ITEM if found else RefusalReason.UNKNOWN_RECORD, "not one")
        return Bib(found[0], identifiers=(record,))

    async def search_bibs(self, query: str, limit: int = 20) -> tuple[Bib, ...]:
        return tuple(
            Bib(bib, identifiers=(number,))
            for number, bibs in self.records.items()
            for bib in bibs
            if number.value == query
        )

    async def holdings(self, bib_id: str) -> BibHoldings:
        return BibHoldings(Bib(bib_id), tuple(self.copies.get(bib_id, [])))


async def look(shelves: Shelves) -> tuple[Availability, str]:
    found = await find_local_copies(shelves, Citation(identifiers=(ISBN, OCLC)))  # type: ignore[arg-type]
    return found.availability, found.bib.id if found.bib is not None else ""


async def test_a_copy_on_the_shelf_is_available() -> None:
    out_then_here = [copy("1", ItemStatus.ON_LOAN), copy("1", ItemStatus.AVAILABLE)]
    assert await look(Shelves({ISBN: ["1"]}, {"1": out_then_here})) == (Availability.AVAILABLE, "1")


async def test_what_is_out_waited_for_or_stays_here_is_not() -> None:
    for one in (
        copy("1", ItemStatus.ON_LOAN),
        copy("1", ItemStatus.AVAILABLE, holds=2),
        copy("1", ItemStatus.AVAILABLE, circulates=False),
    ):
        assert await look(Shelves({ISBN: ["1"]}, {"1": [one]})) == (Availability.OUT, "1")


async def test_a_record_without_copies_or_with_a_partners_only_is_not_held() -> None:
    assert await look(Shelves({ISBN: ["1"]})) == (Availability.NOT_HELD, "")
    theirs = [copy("1", ItemStatus.AVAILABLE, temporary=True)]
    assert await look(Shelves({ISBN: ["1"]}, {"1": theirs})) == (Availability.NOT_HELD, "")


async def test_another_number_may_find_the_better_copy() -> None:
    shelves = Shelves(
        {ISBN: ["1"], OCLC: ["2"]}, {"1": [copy("1", ItemStatus.ON_LOAN)], "2": [copy("2", ItemStatus.AVAILABLE)]}
    )
    assert await look(shelves) == (Availability.AVAILABLE, "2")


async def test_of_several_records_with_one_number_the_best_counts() -> None:
    shelves = Shelves(
        {ISBN: ["1", "2"]}, {"1": [copy("1", ItemStatus.ON_LOAN)], "2": [copy("2", ItemStatus.AVAILABLE)]}
    )
    assert await look(shelves) == (Availability.AVAILABLE, "2")


async def test_nobody_knows_while_the_system_is_away_or_can_not_look_up() -> None:
    assert await look(Shelves({ISBN: ["1"]}, down=True)) == (Availability.UNKNOWN, "")
    blind = Shelves({ISBN: ["1"]}, capabilities=frozenset({Capability.PATRON_LOOKUP}))
    assert await look(blind) == (Availability.UNKNOWN, "")
