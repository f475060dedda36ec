"""Which services are offered, in which order, and how links into full text are filled."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.fulfilment import Availability, Fulfilment, LinkOut, OfferRule, ServicesPolicy
from gateway.domain.requests.request import ServiceType
from gateway.ports.library_system import LibraryInfo
from gateway.services.searching.fulfilment import is_staff_reachable

A, F = Availability, Fulfilment

BOOK = Citation(type=CitationType.BOOK, title="Шум дождя")
ARTICLE = Citation(
    type=CitationType.ARTICLE,
    title="日本図書館情報学会誌",
    component_title="Wind & Wetter",
    volume="41",
    pages="e77-91",
    published="2004-05",
    identifiers=(RecordId("doi", "10.1000/is(182)"), RecordId("issn", "0378-5955")),
)


@pytest.mark.parametrize(
    ("availability", "citation", "service", "offered"),
    [
        (A.AVAILABLE, BOOK, ServiceType.LOAN, (F.ELECTRONIC, F.HOLD, F.ASK)),
        (A.OUT, BOOK, ServiceType.LOAN, (F.ELECTRONIC, F.HOLD, F.BORROW, F.ASK)),
        (A.NOT_HELD, BOOK, ServiceType.LOAN, (F.ELECTRONIC, F.BORROW, F.ASK)),
        (A.UNKNOWN, BOOK, ServiceType.LOAN, (F.ELECTRONIC, F.BORROW, F.ASK)),
        (A.AVAILABLE, ARTICLE, ServiceType.COPY, (F.ELECTRONIC, F.BORROW, F.ASK)),
    ],
)
def test_as_shipped(
    availability: Availability, citation: Citation, service: ServiceType, offered: tuple[Fulfilment, ...]
) -> None:
    assert ServicesPolicy().choose_fulfilments(availability, citation, service) == offered


def test_the_first_rule_that_fits_counts_and_a_category_needs_somebody_signed_in() -> None:
    policy = ServicesPolicy(
        rules=(
            OfferRule(availability=(A.OUT,), patron_categories=("Staff",), offer=(F.BORROW,)),
            OfferRule(services=(ServiceType.LOAN,), offer=(F.HOLD, F.HOLD, F.ASK)),
        )
    )

    assert policy.choose_fulfilments(A.OUT, BOOK, ServiceType.LOAN, "staff") == (F.BORROW,)
    assert policy.choose_fulfilments(A.OUT, BOOK, ServiceType.LOAN, "") == (F.HOLD, F.ASK)
    assert policy.choose_fulfilments(A.OUT, BOOK, ServiceType.COPY, "adult") == ()


@pytest.mark.parametrize(
    ("url", "filled"),
    [
        ("https://doi.org/{doi}", "https://doi.org/10.1000%2Fis%28182%29"),
        (
            "https://x.example/?t={part_title}&i={issn}&p={first_page}&y={year}",
            "https://x.example/?t=Wind%20%26%20Wetter&i=03785955&p=e77&y=2004",
        ),
        ("https://resolver.example/r?{openurl}", "https://resolver.example/r?genre=article&title=a%26b"),
        ("https://x.example/{isbn}", ""),
    ],
)
def test_links_are_filled_and_quoted_or_left_out(url: str, filled: str) -> None:
    assert LinkOut(name={"en": "Full text"}, url=url).fill_link(ARTICLE, "genre=article&title=a%26b") == filled


def test_conditions_of_a_link() -> None:
    link = LinkOut(
        name={"en": "x"},
        url="https://x.example/{title}",
        citation_types=(CitationType.ARTICLE,),
        identifiers=("pmid",),
    )
    assert link.fill_link(ARTICLE, "") == ""
    assert link.fill_link(BOOK, "") == ""


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert({title})",
        "https://{title}.example/",
        "https://library.example@{title}/",
        "https://x.example/{titel}",
        "https://x.example/{title.__class__}",
        "https://x.example/{title:>10}",
        "https://x.example/{0}",
        "https://x.example/{title",
    ],
)
def test_links_that_are_none(url: str) -> None:
    with pytest.raises(ValidationError):
        LinkOut(name={"en": "x"}, url=url)


@pytest.mark.parametrize("known", [{"email": "ill@north.example"}, {"phone": "1234"}, {"address": "Hafen 1"}, {}])
def test_staff_can_be_asked_where_one_way_to_them_is_known(known: dict[str, str]) -> None:
    assert is_staff_reachable(LibraryInfo("NORTH", "North", **known)) is bool(known)
