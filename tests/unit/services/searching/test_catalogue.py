"""Partners' catalogues asked whether they own something."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.clock import FixedClock
from gateway.domain.library import RecordId
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.request import ServiceType
from gateway.ports.catalogue import CatalogueQuery, HeldItem, HoldingAnswer, HoldingsReport, SearchHits, SearchIndex
from gateway.services.requests.suppliers import KnownHoldings
from gateway.services.searching.answer_cache import MAX_FAILURE_AGE
from gateway.services.searching.lookup import SearchCatalogue
from gateway.services.searching.targets import CatalogueClient
from tests.support.profile_sets import make_profile_set
from tests.unit.services.searching.support import (
    KOBZAR,
    START,
    Answer,
    ScriptedSearch,
    asker,
    down,
    hits,
    nothing,
    profile,
    record,
)

STACKS = HeldItem(location="MAG", policy="loan")
NO_SUCH_INDEX = Refused(RefusalReason.UNSUPPORTED_SERVICE, "Unsupported use attribute (114): 7.")


def by_index(**answers: Answer) -> Any:
    """What is said to a question by its first term."""

    def answer(_name: str, query: CatalogueQuery) -> Answer:
        return answers.get(query.terms[0].index.value, SearchHits(total=0))

    return answer


async def holds(
    search: ScriptedSearch,
    partner: Profile,
    *others: Profile,
    citation: Citation = KOBZAR,
    by: CatalogueClient | None = None,
) -> HoldingsReport:
    found = SearchCatalogue(by or asker(search), lambda: make_profile_set(partner, *others))
    return await found.holds(citation, partner, ServiceType.LOAN)


def indexes(search: ScriptedSearch) -> list[SearchIndex]:
    return [query.terms[0].index for _, query in search.asked]


NUMBERED = replace(KOBZAR, identifiers=(RecordId("local", "1310"), *KOBZAR.identifiers))


@pytest.mark.parametrize(
    ("locate", "number"),
    [({}, "1310"), ({"locations": ["MAG"]}, ""), ({"target": "union"}, "")],
    ids=["own", "some-locations", "shared"],
)
async def test_the_partners_own_number_of_the_record(locate: dict[str, Any], number: str) -> None:
    """Those of a shared catalogue say nothing to the partner."""
    search = ScriptedSearch(by_index(isbn=hits(record(NUMBERED, STACKS))))
    found = await holds(search, profile("seeberg", locate), profile("union"))
    assert (found.holding, found.record) == (HoldingAnswer.OWNS, number)


# --- the plan --------------------------------------------------------------------------------------------


async def test_the_first_question_that_finds_it_is_the_last() -> None:
    search = ScriptedSearch(by_index(isbn=hits(record(KOBZAR, STACKS))))

    found = await holds(search, profile("seeberg", {}))

    assert indexes(search) == [SearchIndex.ISBN]
    assert found.holding is HoldingAnswer.OWNS
    assert found.note == "seeberg: isbn 9783161484100: ISBN matches; MAG, loan"
    assert found.report_line.endswith(" s)")


async def test_so_many_records_are_looked_at() -> None:
    search = ScriptedSearch(nothing)
    await holds(search, profile("seeberg", {"plan": ["isbn"], "looked_at": 7}))
    assert set(search.counts) == {7}


async def test_numbers_first_then_the_title() -> None:
    search = ScriptedSearch(by_index(title=hits(record(replace(KOBZAR, identifiers=()), STACKS))))

    found = await holds(search, profile("seeberg", {}))

    assert indexes(search) == [SearchIndex.ISBN, SearchIndex.ISBN, SearchIndex.TITLE]
    assert found.note == (
        "seeberg: isbn 9783161484100: no hits; isbn 316148410X: no hits; title and author: title, author and year "
        "match; MAG, loan"
    )


async def test_nothing_finds_it() -> None:
    found = await holds(ScriptedSearch(nothing), profile("seeberg", {"plan": ["isbn"]}))
    assert (found.holding, found.skip) == (HoldingAnswer.NOT, False)
    assert found.note == "seeberg: isbn 9783161484100: no hits; isbn 316148410X: no hits"


async def test_a_question_that_the_catalogue_does_not_know_is_passed_over() -> None:
    search = ScriptedSearch(by_index(isbn=NO_SUCH_INDEX))
    found = await holds(search, profile("seeberg", {}))
    assert found.holding is HoldingAnswer.NOT
    assert "isbn 9783161484100: refused, Unsupported use attribute (114): 7;" in found.note


async def test_too_many_hits_decide_nothing() -> None:
    search = ScriptedSearch(by_index(title=hits(record(), total=4711)))
    found = await holds(search, profile("seeberg", {}))
    assert (found.holding, found.skip) == (HoldingAnswer.UNKNOWN, False)


async def test_nothing_to_look_for() -> None:
    search = ScriptedSearch(nothing)
    found = await holds(search, profile("seeberg", {}), citation=Citation(component_title="Fernleihe"))
    assert (found.holding, search.asked) == (HoldingAnswer.UNKNOWN, [])


# --- no answer -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("unreachable", "skip"), [("keep", False), ("skip", True)])
@pytest.mark.parametrize(
    ("says", "why"),
    [
        (down, "seeberg: connection refused"),
        (by_index(isbn=SearchHits(total=0), title=Unavailable("it closed the connection")), "it closed the connection"),
        (lambda _name, _query: NO_SUCH_INDEX, "refused, Unsupported use attribute"),
    ],
)
async def test_no_answer_is_not_a_no(says: Any, why: str, unreachable: str, skip: bool) -> None:
    found = await holds(ScriptedSearch(says), profile("seeberg", {"unreachable": unreachable}))
    assert (found.holding, found.skip) == (HoldingAnswer.UNKNOWN, skip)
    assert why in found.note


async def test_one_that_never_answers() -> None:
    search = ScriptedSearch(nothing)
    search.waits["seeberg"] = asyncio.Event()
    by = asker(search)

    found = await holds(search, profile("seeberg", {"seconds": 0.05, "unreachable": "skip"}), by=by)

    assert (found.holding, found.skip) == (HoldingAnswer.UNKNOWN, True)
    assert "no answer within 0.05 seconds" in found.note
    await by.close()
    assert search.closed


async def test_a_profile_that_was_edited_away_meanwhile() -> None:
    found = await holds(ScriptedSearch(nothing), profile("seeberg", {"target": "union"}, catalogue=False))
    assert found == HoldingsReport(HoldingAnswer.UNKNOWN, "Profile 'union' not found")


# --- a catalogue that several share ----------------------------------------------------------------------


async def test_a_shared_catalogue_is_asked_once_for_all_who_share_it() -> None:
    held = record(KOBZAR, HeldItem(location="NORD-1"), HeldItem(location="HAVN"))
    search = ScriptedSearch(by_index(isbn=hits(held)))
    by, union = asker(search), profile("union")
    members = [
        profile(name, {"target": "union", "locations": [pattern]}, catalogue=False)
        for name, pattern in (("nordviken", "NORD*"), ("havnby", "HAVN"), ("skogsund", "SKOG"))
    ]

    found = await asyncio.gather(*(holds(search, one, union, by=by) for one in members))

    assert [one.holding for one in found] == [HoldingAnswer.OWNS, HoldingAnswer.OWNS, HoldingAnswer.NOT]
    assert search.targets() == ["union"]
    assert found[2].note == "union: isbn 9783161484100: ISBN matches; none of its holdings is available"


# --- what is kept ----------------------------------------------------------------------------------------


async def test_an_answer_is_kept_as_long_as_the_profile_says() -> None:
    search, clock = ScriptedSearch(by_index(isbn=hits(record(KOBZAR, STACKS)))), FixedClock(START)
    by, partner = asker(search, clock), profile("seeberg", {"cache_minutes": 30})

    for minutes in (0, 29, 2):
        clock.advance(timedelta(minutes=minutes))
        assert (await holds(search, partner, by=by)).holding is HoldingAnswer.OWNS

    assert len(search.asked) == 2


async def test_a_failure_is_kept_for_a_moment_only() -> None:
    search, clock = ScriptedSearch(down), FixedClock(START)
    by, partner = asker(search, clock), profile("seeberg", {})

    await holds(search, partner, by=by)
    await holds(search, partner, by=by)
    assert len(search.asked) == 1
    clock.advance(MAX_FAILURE_AGE)
    await holds(search, partner, by=by)
    assert len(search.asked) == 2


async def test_an_edited_profile_is_asked_anew() -> None:
    search = ScriptedSearch(by_index(isbn=hits(record(KOBZAR, STACKS))))
    by = asker(search)
    await holds(search, profile("seeberg", {}), by=by)
    await holds(search, profile("seeberg", {}, description="moved"), by=by)
    assert len(search.asked) == 2


async def test_nothing_is_kept() -> None:
    search = ScriptedSearch(by_index(isbn=hits(record(KOBZAR, STACKS))))
    by, partner = asker(search), profile("seeberg", {"cache_minutes": 0})
    await holds(search, partner, by=by)
    await holds(search, partner, by=by)
    assert len(search.asked) == 2


async def test_who_goes_away_does_not_take_the_answer_from_others() -> None:
    search = ScriptedSearch(by_index(isbn=hits(record(KOBZAR, STACKS))))
    search.waits["seeberg"] = asyncio.Event()
    by, partner = asker(search), profile("seeberg", {})
    first = asyncio.create_task(holds(search, partner, by=by))
    second = asyncio.create_task(holds(search, partner, by=by))
    await search.began.wait()
    first.cancel()
    search.waits["seeberg"].set()

    assert (await second).holding is HoldingAnswer.OWNS
    assert len(search.asked) == 1


# --- beside what a profile lists -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "owns", "answer"),
    [
        (nothing, "everything", HoldingAnswer.NOT),  # the catalogue knows better
        (down, "everything", HoldingAnswer.OWNS),
        (down, "nothing", HoldingAnswer.NOT),
        (down, "unknown", HoldingAnswer.UNKNOWN),
    ],
)
async def test_the_list_of_the_profile_counts_where_the_catalogue_cannot_tell(
    says: Any, owns: str, answer: HoldingAnswer
) -> None:
    partner = profile("seeberg", {"unreachable": "skip"}, partner={"symbols": ["CH-SEE"], "owns": owns})
    catalogue = KnownHoldings(SearchCatalogue(asker(ScriptedSearch(says)), lambda: make_profile_set(partner)))

    found = await catalogue.holds(KOBZAR, partner)

    assert found.holding is answer
    assert found.skip is (answer is HoldingAnswer.UNKNOWN)


async def test_a_partner_without_a_catalogue_is_not_searched() -> None:
    search = ScriptedSearch(down)
    partner = profile("seeberg", partner={"symbols": ["CH-SEE"], "owns": "everything"})
    catalogue = KnownHoldings(SearchCatalogue(asker(search), lambda: make_profile_set(partner)))
    assert await catalogue.holds(KOBZAR, partner) == HoldingsReport(HoldingAnswer.OWNS, "listed")
    assert search.asked == []
