"""What the answer of a catalogue means: does the supplier own it, and does it lend it?"""

from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.library import RecordId
from gateway.domain.requests.catalogue_policy import LocatePolicy, LookupStep
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.request import ServiceType
from gateway.ports.catalogue import CatalogueQuery, FoundRecord, HeldItem, HoldingAnswer, LocationReport, SearchHits
from gateway.services.searching.lookup import (
    CatalogueQuestion,
    HoldingVerdict,
    SoughtCitation,
    judge_answer,
    judge_locations,
)
from tests.unit.services.searching.support import JOURNAL, KOBZAR, hits, record

STACKS = HeldItem(location="MAG", policy="loan", status="Available", available=True)
READING_ROOM = HeldItem(location="LS", policy="reading-room", status="Available", available=True)
RULES = [{"policy": "reading*"}, {"location": "RARE", "copies": "no"}, {"status": "on order*", "lends": "ask"}]


def judged(
    found: SearchHits,
    citation: Citation = KOBZAR,
    service: ServiceType = ServiceType.LOAN,
    step: LookupStep = LookupStep.ISBN,
    **locate: Any,
) -> HoldingVerdict:
    return judge_answer(step, found, SoughtCitation(citation, service, LocatePolicy.model_validate(locate)))


def holding(
    *held: HeldItem, citation: Citation = KOBZAR, service: ServiceType = ServiceType.LOAN, **locate: Any
) -> Any:
    one = judged(hits(record(citation, *held)), citation, service, **locate)
    assert one.found
    return one.holding


# --- records ---------------------------------------------------------------------------------------------


def test_no_hits() -> None:
    assert judged(SearchHits(total=0)) == HoldingVerdict(HoldingAnswer.NOT, "no hits")


def test_another_record_was_found() -> None:
    other = replace(KOBZAR, title="Гайдамаки", identifiers=(RecordId("isbn", "9780306406157"),))
    assert judged(hits(record(other))) == HoldingVerdict(
        HoldingAnswer.NOT, "1 hit, not a match: title differs (13% similar)"
    )


def test_a_title_with_too_many_hits_says_nothing() -> None:
    many = hits(record(KOBZAR, STACKS), total=512)
    assert judged(many, step=LookupStep.TITLE) == HoldingVerdict(HoldingAnswer.UNKNOWN, "512 hits, too many to compare")
    assert judged(many, step=LookupStep.TITLE, title={"most_hits": 600}).holding is HoldingAnswer.OWNS
    assert judged(many).holding is HoldingAnswer.OWNS  # by number it is the one that agrees


def test_only_the_first_records_were_looked_at() -> None:
    other = replace(KOBZAR, title="Гайдамаки", identifiers=())
    assert judged(hits(record(other), total=9)) == HoldingVerdict(
        HoldingAnswer.UNKNOWN, "9 hits, the first 1 do not match"
    )


def test_records_that_cannot_be_read_are_not_a_no() -> None:
    broken = FoundRecord(position=1, problem="record syntax not supported (239)")
    one = judged(hits(broken))
    assert (one.holding, one.found) == (HoldingAnswer.UNKNOWN, False)
    assert "record syntax not supported" in one.note


def test_of_two_records_the_better_counts() -> None:
    one = judged(hits(record(KOBZAR, READING_ROOM), record(KOBZAR, STACKS, position=2)), lending=RULES)
    assert one == HoldingVerdict(HoldingAnswer.OWNS, "ISBN matches; MAG, loan, Available", found=True)


# --- holdings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "locate", "answer"),
    [
        (record(KOBZAR, STACKS), {}, HoldingAnswer.OWNS),
        (record(KOBZAR), {}, HoldingAnswer.NOT),  # it says that there are none
        (record(KOBZAR), {"holdings": "ignored"}, HoldingAnswer.OWNS),
        (record(KOBZAR, shows=False), {}, HoldingAnswer.OWNS),
        (record(KOBZAR, shows=False), {"holdings": "required"}, HoldingAnswer.NOT),
        (record(KOBZAR, shows=False), {"locations": ["NORD*"]}, HoldingAnswer.UNKNOWN),
        (record(KOBZAR, STACKS), {"locations": ["NORD*", "m?g"]}, HoldingAnswer.OWNS),
        (record(KOBZAR, STACKS), {"locations": ["NORD*"]}, HoldingAnswer.NOT),
    ],
)
def test_whether_holdings_are_needed(found: FoundRecord, locate: dict[str, Any], answer: HoldingAnswer) -> None:
    assert judged(hits(found), **locate).holding is answer


@pytest.mark.parametrize(
    ("volumes", "answer"),
    [
        (("v.1(1955)-v.50(2004)",), HoldingAnswer.OWNS),
        (("v.1-v.40", "v.42-"), HoldingAnswer.NOT),
        (("v.1-v.40", "v.41-"), HoldingAnswer.OWNS),
        (("",), HoldingAnswer.OWNS),  # it doesn't say which: it may have all
        (("some issues",), HoldingAnswer.UNKNOWN),
        (("some issues", "41"), HoldingAnswer.OWNS),
        (("1955-1994",), HoldingAnswer.NOT),  # by the year
    ],
)
def test_the_volume_that_is_wanted(volumes: tuple[str, ...], answer: HoldingAnswer) -> None:
    held = [HeldItem(location="MAG", volumes=one) for one in volumes]
    assert holding(*held, citation=JOURNAL) is answer


def test_volumes_can_be_left_out_of_it() -> None:
    assert holding(HeldItem(volumes="v.1-v.3"), citation=JOURNAL, volumes=False) is HoldingAnswer.OWNS


def test_why_a_volume_is_not_there() -> None:
    one = judged(hits(record(JOURNAL, HeldItem(volumes="v.1-v.40"))), JOURNAL)
    assert one.note == "ISSN matches; volume 41 is not in v.1-v.40"


# --- lending ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "service", "answer"),
    [
        ((STACKS,), ServiceType.LOAN, HoldingAnswer.OWNS),
        ((READING_ROOM,), ServiceType.LOAN, HoldingAnswer.NOT_LENT),
        ((READING_ROOM,), ServiceType.COPY, HoldingAnswer.OWNS),
        ((READING_ROOM,), ServiceType.COPY_OR_LOAN, HoldingAnswer.OWNS),
        ((READING_ROOM, STACKS), ServiceType.LOAN, HoldingAnswer.OWNS),
        ((HeldItem(location="Rare"),), ServiceType.COPY, HoldingAnswer.NOT_LENT),
        ((HeldItem(status="On order 2026"),), ServiceType.LOAN, HoldingAnswer.OWNS),  # it is asked
    ],
)
def test_what_is_lent(held: tuple[HeldItem, ...], service: ServiceType, answer: HoldingAnswer) -> None:
    assert holding(*held, service=service, lending=RULES) is answer


def test_nothing_is_lent_but_what_a_rule_lends() -> None:
    rules = [{"location": "MAG", "available": True, "lends": "yes"}]
    assert holding(STACKS, lending=rules, otherwise="no") is HoldingAnswer.OWNS
    assert holding(replace(STACKS, available=False), lending=rules, otherwise="no") is HoldingAnswer.NOT_LENT


def test_why_it_is_not_lent_and_that_it_decides_itself() -> None:
    not_lent = judged(hits(record(KOBZAR, READING_ROOM)), lending=RULES)
    assert not_lent.note == "ISBN matches; LS, reading-room, Available"
    asked = judged(hits(record(KOBZAR, HeldItem(status="On order"))), lending=RULES)
    assert asked.note == "ISBN matches; On order, lendable by rule"


# --- a union catalogue -----------------------------------------------------------------------------------


def test_a_union_catalogue_is_judged_by_location_over_all_its_records() -> None:
    other = replace(KOBZAR, title="Гайдамаки", identifiers=(RecordId("isbn", "9780306406157"),))
    found = hits(
        record(KOBZAR, STACKS, READING_ROOM, HeldItem(location="")),
        record(KOBZAR, replace(READING_ROOM, policy="loan"), position=2),
        record(KOBZAR, HeldItem(location="RR", policy="reading-room"), position=3),
        record(other, HeldItem(location="ELSEWHERE"), position=4),
    )
    question = CatalogueQuestion(LookupStep.ISBN, CatalogueQuery(), "isbn 1")
    sought = SoughtCitation(KOBZAR, ServiceType.LOAN, LocatePolicy.model_validate({"lending": RULES}))

    assert judge_locations(question, found, sought) == (
        LocationReport("MAG", HoldingAnswer.OWNS, "isbn 1: MAG, loan, Available"),
        LocationReport("LS", HoldingAnswer.OWNS, "isbn 1: LS, loan, Available"),
        LocationReport("RR", HoldingAnswer.NOT_LENT, "isbn 1: RR, reading-room"),
    )
    many = replace(found, total=512)
    assert judge_locations(replace(question, step=LookupStep.TITLE), many, sought) == ()
