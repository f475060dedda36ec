"""What holdings cover, as catalogues print it."""

import pytest

from gateway.domain.requests.catalogue_policy import (
    VolumeRun,
    VolumeSpan,
    WantedPart,
    parse_holding_statement,
    statement_covers,
)
from gateway.domain.requests.citation import Citation, CitationType


def run(volumes: tuple[int, int | None] | None = None, years: tuple[int, int | None] | None = None) -> VolumeRun:
    return VolumeRun(VolumeSpan(*volumes) if volumes else None, VolumeSpan(*years) if years else None)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("v.1(1990)-v.20(2009)", [run((1, 20), (1990, 2009))]),
        ("12-15", [run((12, 15))]),
        ("12-15, 18", [run((12, 15)), run((18, 18))]),
        ("v.3", [run((3, 3))]),
        ("v.3 c.2", [run((3, 3))]),
        ("v.5(1994)-", [run((5, None), (1994, None))]),
        ("1990-1995", [run(None, (1990, 1995))]),
        ("1990-", [run(None, (1990, None))]),
        ("v.1-3 (1990-1992)", [run((1, 3), (1990, 1992))]),
        ("v.1:no.1(1990:Jan.)-v.20:no.4(2009:Dec.)", [run((1, 20), (1990, 2009))]),
        ("v.40 no.1-12 (2004)", [run((40, 40), (2004, 2004))]),
        ("1990:no.3", [run(None, (1990, 1990))]),
        ("1990-12", [run(None, (1990, 1990))]),
        ("v.1 [1990, 1991]-v.3 (1992; 1993)", [run((1, 3), (1990, 1993))]),
        ("v.1 c.2, v.4", [run((1, 1)), run((4, 4))]),
        ("2015-16", [run(None, (2015, 2016))]),
        ("1997/98-2001/02", [run(None, (1997, 2002))]),
        ("1999/00", [run(None, (1999, 2000))]),
        ("1990/90", [run(None, (1990, 1990))]),
        ("2012-12", [run(None, (2012, 2012))]),
        ("Bd. 1/2(1990/91)", [run((1, 2), (1990, 1991))]),
        ("1.1990,2 - 20.2009; 25.2014 -", [run((1, 20), (1990, 2009)), run((25, None), (2014, None))]),
        ("seit Jg. 7 (1988)", [run((7, None), (1988, None))]),
        ("v. 7 (2001) to date", [run((7, None), (2001, None))]),
        ("v.1–v.3", [run((1, 3))]),
        ("т. 1—5", [run((1, 5))]),
        ("第1卷～第10卷", [run((1, 10))]),
        ("٣-٥", [run((3, 5))]),
        ("Bd. IV-VI", [run((4, 6))]),
        ("Bd. XIX-XL", [run((19, 40))]),
        ("Bd. LXI-XC", [run((61, 90))]),
        ("Bd. XX, XXX", [run((20, 20)), run((30, 30))]),
        ("<12->", [run((12, None))]),
        ("123456789", [run((123_456_789, 123_456_789))]),
        ("1234567890", []),  # the number of something else
        ("Complete set", []),
        ("", []),
    ],
)
def test_statements(statement: str, found: list[VolumeRun]) -> None:
    assert list(parse_holding_statement(statement)) == found


@pytest.mark.parametrize(
    ("statement", "wanted", "answer"),
    [
        ("v.1(1990)-v.20(2009)", WantedPart(volume=12), True),
        ("v.1(1990)-v.20(2009)", WantedPart(volume=21), False),
        ("v.1(1990)-v.20(2009)", WantedPart(year=2009), True),
        ("v.1(1990)-v.20(2009)", WantedPart(volume=21, year=1999), False),  # the volume is surer
        ("1990-1995", WantedPart(volume=3, year=1992), True),
        ("1990-1995", WantedPart(volume=3), None),  # nothing in common
        ("v.1-10; v.15-", WantedPart(volume=12), False),
        ("v.1-10; v.15-", WantedPart(volume=99), True),
        ("v.1-10; 1990-", WantedPart(volume=12), None),
        ("Complete set", WantedPart(volume=12), None),
    ],
)
def test_covering(statement: str, wanted: WantedPart, answer: bool | None) -> None:
    assert statement_covers(statement, wanted) is answer


@pytest.mark.parametrize(
    ("citation", "wanted"),
    [
        (Citation(type=CitationType.ARTICLE, volume="41", published="1995-06"), WantedPart(41, 1995)),
        (Citation(type=CitationType.ARTICLE, volume="Jg. 12"), WantedPart(12)),
        (Citation(type=CitationType.JOURNAL, volume="1995"), WantedPart(year=1995)),
        (Citation(type=CitationType.BOOK, volume="3", published="1984"), WantedPart(3)),  # the year is the edition's
        (Citation(type=CitationType.BOOK, published="1984"), WantedPart()),
    ],
)
def test_what_part_is_wanted(citation: Citation, wanted: WantedPart) -> None:
    assert WantedPart.part_of_citation(citation) == wanted
