"""The made-up catalogue on a real Zebra, once for all tests of a process; and what is asked of it."""

from __future__ import annotations

from typing import TypeVar

from tests.support.catalogue import isbn, issn, local_number, records
from tests.support.installed import start_or_skip
from tests.support.zebra import Zebra

RECORDS = 3000

T = TypeVar("T")


def catalogue() -> Zebra:
    return start_or_skip(lambda: Zebra(records(RECORDS)))


def behind_a_password() -> Zebra:
    return start_or_skip(lambda: Zebra(records(20), signed_in=True))


QUERIES = (
    f"@attr 1=7 {isbn(1)}",
    f"@attr 1=8 {issn(17)}",
    f"@attr 1=12 {local_number(2999)}",
    "@attr 1=4 lighthouse",
    '@attr 1=4 @attr 4=6 "keepers lighthouse"',
    '@attr 1=4 @attr 4=1 "lighthouse keepers"',
    "@attr 1=4 @attr 5=1 gard",
    "@attr 1=4 Brückenbauer",
    "@attr 1=4 żółte",
    "@attr 1=1003 Desmarêts",
    "@attr 1=4 Северные",
    "@attr 1=1003 Ανεμοπετρίδης",
    "@attr 1=4 حدائق",
    "@attr 1=4 גנים",
    "@attr 1=4 灯塔",
    "@attr 1=1018 みずうみ",
    "@attr 1=1016 1981",
    "@attr 1=31 1981",
    "@and @attr 1=4 gardens @attr 1=1003 Quenby",
    "@or @attr 1=4 gardens @attr 1=4 lighthouse",
    "@not @attr 1=4 gardens @attr 1=31 1981",
    "@attr 1=4 nothingofthekind",
)
