"""1,100 links as databases and discovery systems write them: no title cut, few complaints, no day that nobody said."""

from __future__ import annotations

import pytest

from adapters.openurl import links
from gateway.ports.catalogue import LinkCitation, ReceivedLink
from tests.support.processor_time import require_linear
from tests.unit.adapters.openurl.real_shapes import RealLink, make_links

FORMAT = links.make()
LINKS = make_links(1_100)


def read(query: str) -> LinkCitation:
    return FORMAT.decode(ReceivedLink(query.encode()))


def whole(title: str) -> str:
    return title.rstrip(" /:;=,")


@pytest.fixture(scope="module")
def decoded() -> list[tuple[RealLink, LinkCitation]]:
    return [(link, read(link.query)) for link in LINKS]


Decoded = list[tuple[RealLink, LinkCitation]]


def test_no_title_is_cut(decoded: Decoded) -> None:
    assert sum("&" in link.title + link.component for link, _ in decoded) > len(decoded) // 12
    cut = [
        (link.source, said.citation.title, said.citation.component_title, link.title, link.component)
        for link, said in decoded
        if (said.citation.title, said.citation.component_title) != (whole(link.title), whole(link.component))
    ]
    assert cut == []


def test_at_most_one_in_twenty_complains(decoded: Decoded) -> None:
    complaints = [(link, said.doubts) for link, said in decoded if said.doubts]

    assert [doubts for link, doubts in complaints if not link.wrong] == []
    assert sum(link.wrong for link, _ in decoded) == len(complaints) > 0  # a misprinted number is still told
    assert len(complaints) <= len(decoded) // 20


def test_no_day_is_made_up(decoded: Decoded) -> None:
    wrong = [
        (link.query, said.citation.published) for link, said in decoded if said.citation.published != link.published
    ]

    assert wrong == []
    assert {len(link.published) for link, _ in decoded} == {4, 7, 10}


def test_what_came_can_be_read_again(decoded: Decoded) -> None:
    """`original` is kept with the request and goes along to others: there the `&` is escaped."""
    for _, said in decoded:
        again = read(said.citation.original)
        assert (again.citation.title, again.citation.component_title) == (
            said.citation.title,
            said.citation.component_title,
        )


@pytest.mark.parametrize(
    ("rest", "title"),
    [
        ("Locks & Dams&date=1975", "Locks & Dams"),
        ("Locks+&+Dams&date=1975", "Locks & Dams"),
        ("Locks%20&%20Dams=&date=1975", "Locks & Dams"),
        ("Locks &amp; Dams&amp;date=1975", "Locks & Dams"),
        ("Locks &amp;amp; Dams&date=1975", "Locks & Dams"),
        ("Locks&colon; a history&date=1975", "Locks: a history"),
        ("Locks&Dams&date=1975", "Locks&Dams"),
        ("Locks &Dams&date=1975", "Locks &Dams"),
        ("Locks& Dams&date=1975", "Locks& Dams"),
        ("R&D&date=1975", "R&D"),
        ("R&D=&date=1975", "R&D"),
        ("Canal A&M Review=&date=1975", "Canal A&M Review"),
        ("Language & Place&date=1975", "Language & Place"),
        ("A & B & C = A et B et C&date=1975", "A & B & C = A et B et C"),
        ("Locks & Dams", "Locks & Dams"),
    ],
)
def test_a_bare_ampersand_is_part_of_the_value(rest: str, title: str) -> None:
    said = read(f"genre=book&title={rest}")

    assert said.citation.title == title
    assert said.citation.published == ("1975" if "date" in rest else "")
    assert said.unknown == ()


@pytest.mark.parametrize(
    "rest",
    [
        *("&isbn&date=1975", "&ISBN=&date=1975", "&vid=&date=1975", "&nocache&date=1975", "&shelf=&date=1975"),
        *("&Patron Name=&date=1975", "& date=1975", "&\n date=1975", "&&date=1975", "&amp;isbn=&amp;date=1975"),
        *("&PATRON=&date=1975", "& vid=&date=1975"),
    ],
)
def test_a_key_without_a_value_is_no_part_of_a_title(rest: str) -> None:
    said = read(f"genre=book&title=Canals{rest}")

    assert (said.citation.title, said.citation.published) == ("Canals", "1975")


@pytest.mark.parametrize("key", ["Patron+Name", "patron", "+patron+name", "Card%20number"])
def test_a_key_of_somebody_is_never_part_of_a_title(key: str) -> None:
    """What a form of a library's own says about the reader stays out of what goes to partners."""
    said = read(f"genre=book&title=Canals+&{key}=21000000000017&date=1975")

    assert said.citation.title == "Canals"
    assert "21000000000017" not in repr(said) + said.citation.original


def test_nothing_before_it_is_nothing_to_go_on() -> None:
    assert read("& Dams&title=Canals").citation.title == "Canals"
    assert read("title=& Dams&date=1975").citation.title == ""
    assert read("nocache&Dams&title=Canals").citation.title == "Canals"
    assert "genre& Dams: not an OpenURL key" not in read("genre& Dams&title=Canals").unknown


@pytest.mark.parametrize(
    ("said", "published"),
    [
        *(("date=20200101", "2020"), ("rft.date=2017-01-01", "2017"), ("date=2004/1/1", "2004")),
        *(("date=20200102", "2020-01-02"), ("date=20200601", "2020-06-01"), ("date=202001", "2020-01")),
        *(("genre=newspaper&date=20200101", "2020-01-01"), ("genre=newspaper+article&date=2020-01-01", "2020-01-01")),
    ],
)
def test_the_first_of_january_is_a_year_unless_it_is_a_newspaper(said: str, published: str) -> None:
    assert read(f"title=Fjordposten&{said}").citation.published == published


def test_a_title_that_another_key_has_shorter_is_no_complaint() -> None:
    for other in ("Harbour & Place : HP", "Harbour+%26", "Harbour and Place"):
        said = read(f"genre=article&atitle=Ebb&jtitle=Harbour+%26+Place&title={other}")
        assert said.citation.title == "Harbour & Place"
        assert said.doubts == ()


def test_a_title_of_very_many_pieces_takes_no_more_time_for_each() -> None:
    def read_pieces(count: int) -> None:
        said = read("title=Canals " + "& a" * count + "&date=1975")
        assert said.citation.published == "1975"
        assert len(said.citation.title) > count

    require_linear(read_pieces, 12_000, 96_000)
