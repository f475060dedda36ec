"""The catalogue of the sample library: some 300 records in a dozen scripts, with their copies."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection
from stdnum import ean

from adapters.library.embedded.here import Here
from adapters.library.embedded.records import add_bib
from adapters.library.embedded.sample.works import ONE_EDITION, WORKS
from adapters.library.embedded.stock import Copy, add_copies
from gateway.domain.library import Bib, RecordId

FIRST_BIB = 1001
FIRST_ITEM = 39000000000011
STEP = 8
YEARS = (1998, 2009, 2021)
PLACES = (
    # branch, shelf, policy
    ("MAIN", "stacks", "standard"),
    ("NORTH", "stacks", "standard"),
    ("SCI", "stacks", "standard"),
    ("EAST", "stacks", "standard"),
    ("MAIN", "reference", "reference"),
    ("SCI", "reserve", "reserve"),
    ("MAIN", "stacks", "short"),
)


def records() -> Iterator[Bib]:
    """Each work in one to three editions, with valid ISBNs that no publisher has (made from the record number)."""
    number = FIRST_BIB
    for n, line in enumerate(WORKS.strip().splitlines()):
        title, author, language, place, publisher = line.split("|")
        editions = 1 if title in ONE_EDITION else 2 + n % 2
        for year in YEARS[:editions]:
            yield Bib(
                id=str(number),
                title=title,
                author=author,
                identifiers=(RecordId("isbn", _isbn(number)), RecordId("oclc", str(90_000_000 + number))),
                publisher=publisher,
                place=place,
                published=str(year),
                language=language,
                pages=f"{120 + number * 7 % 640} p.",
                medium="book",
            )
            number += 1


def copies(bibs: list[Bib]) -> Iterator[Copy]:
    """The first two of every record's copies can be lent; some have a third one elsewhere."""
    number = FIRST_ITEM
    for n, bib in enumerate(bibs):
        for k in range(1 + (n % 3 != 1) + (n % 7 == 0)):
            branch, shelf, policy = PLACES[n % 4] if k == 0 else PLACES[(n + k) % len(PLACES)]
            yield Copy(str(number), bib.id, branch, shelf, policy, _call_number(bib, n))
            number += STEP


def write(connection: Connection, here: Here) -> list[Copy]:
    bibs = list(records())
    for bib in bibs:
        add_bib(connection, here, bib)
    written = list(copies(bibs))
    add_copies(connection, here, written)
    return written


def _isbn(number: int) -> str:
    digits = f"97800{number:07d}"
    return digits + str(ean.calc_check_digit(digits))


def _call_number(bib: Bib, n: int) -> str:
    return f"{800 + n % 100}.{n % 10} {bib.author[:3] or bib.title[:3]} {bib.published}"
