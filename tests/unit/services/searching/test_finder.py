"""Catalogues searched for people."""

import asyncio
from typing import Any

import pytest

from gateway.domain.library import RecordId
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.views import NotFound
from gateway.ports.catalogue import CatalogueQuery, FoundRecord, HeldItem, SearchHits
from gateway.services.searching.search import CatalogueSearch, SearchableTarget, parse_query
from tests.support.profile_sets import make_profile_set
from tests.unit.services.searching.support import (
    KOBZAR,
    Answer,
    ScriptedSearch,
    asker,
    hits,
    house,
    nothing,
    profile,
    record,
)

STACKS = HeldItem(location="MAG")
WORDS = parse_query("title:кобзар")


def finder(search: ScriptedSearch, *profiles: Profile, **catalogues: Any) -> CatalogueSearch:
    return CatalogueSearch(house(make_profile_set(*profiles), catalogues), asker(search))


def by_target(**answers: Answer) -> Any:
    return lambda name, _query: answers[name]


async def test_a_group_is_searched_and_its_answers_are_one_list() -> None:
    found = hits(record(KOBZAR, STACKS), total=40)
    search = ScriptedSearch(
        by_target(
            seeberg=found,
            nordviken=hits(record(KOBZAR, STACKS, STACKS)),
            down=Unavailable("connection refused."),
            closed=Refused(RefusalReason.SENDER_AUTH_FAILED, "It does not let us in."),
        )
    )
    names = ("seeberg", "nordviken", "down", "closed")
    one = finder(search, *map(profile, names), groups={"all": names})

    done = await one.search("all", WORDS)

    assert [(answer.target, answer.total, answer.shown, answer.problem) for answer in done.answers] == [
        ("seeberg", 40, 1, ""),
        ("nordviken", 1, 1, ""),
        ("down", 0, 0, "connection refused"),
        ("closed", 0, 0, "It does not let us in"),
    ]
    (result,) = done.results
    assert [(holder.target, len(holder.holdings or ())) for holder in result.holders] == [
        ("seeberg", 1),
        ("nordviken", 2),
    ]


async def test_the_first_of_each_comes_before_the_second_of_any() -> None:
    titles = {"a": ("Катерина", "Тополя"), "b": ("Перебендя", "Причинна")}

    def answer(name: str, _query: CatalogueQuery) -> Answer:
        return hits(*(record(type(KOBZAR)(title=title), position=n) for n, title in enumerate(titles[name], 1)))

    done = await finder(ScriptedSearch(answer), profile("a"), profile("b"), groups={"all": ("a", "b")}).search(
        "all", WORDS
    )

    assert [one.citation.title for one in done.results] == ["Катерина", "Перебендя", "Тополя", "Причинна"]


async def test_fifty_at_once_take_as_long_as_the_slowest() -> None:
    names = [f"library-{number:02}" for number in range(50)]
    seconds = {name: 0.2 + 0.004 * number for number, name in enumerate(names)}  # 0.2 to 0.4
    search = ScriptedSearch(nothing, seconds)
    one = finder(search, *map(profile, names), groups={"all": tuple(names)})
    clock = asyncio.get_running_loop().time
    begun = clock()

    done = await one.search("all", WORDS)

    assert clock() - begun < 1.3 * max(seconds.values())
    assert len(done.answers) == search.most_under_way == 50


async def test_so_many_records_of_each_are_asked_for() -> None:
    search = ScriptedSearch(nothing)
    await finder(search, profile("seeberg", {}), records=7).search("seeberg", WORDS)
    assert search.counts == [7]


async def test_no_more_at_once_than_the_rules_say() -> None:
    names = [f"library-{number:02}" for number in range(20)]
    search = ScriptedSearch(nothing)
    await finder(search, *map(profile, names), groups={"all": tuple(names)}, at_once=4).search("all", WORDS)
    assert search.most_under_way == 4
    assert len(search.asked) == 20


async def test_one_that_does_not_answer_is_named_and_the_others_are_shown() -> None:
    search = ScriptedSearch(lambda _name, _query: hits(record(KOBZAR, STACKS)))
    search.waits["mute"] = asyncio.Event()
    one = finder(search, profile("mute"), profile("seeberg"), groups={"all": ("mute", "seeberg")}, seconds=0.05)

    done = await one.search("all", WORDS)

    assert [answer.problem for answer in done.answers] == ["no answer within 0.05 seconds", ""]
    assert len(done.results) == 1


async def test_what_can_be_searched() -> None:
    one = finder(
        ScriptedSearch(nothing),
        profile("union", description="Verbundkatalog"),
        profile("bare", catalogue=False),
        profile("base", abstract=True),
        profile("elsewhere", library="SOUTH"),
        groups={"all": ("union",)},
    )
    assert one.targets() == (
        SearchableTarget(name="all", members=("union",)),
        SearchableTarget(name="union", description="Verbundkatalog", by="z3950"),
    )


@pytest.mark.parametrize("where", ["nobody", "base", "elsewhere"])
async def test_what_cannot(where: str) -> None:
    one = finder(ScriptedSearch(nothing), profile("base", abstract=True), profile("elsewhere", library="SOUTH"))
    with pytest.raises(NotFound):
        await one.search(where, WORDS)


async def test_a_profile_without_a_catalogue_says_so() -> None:
    done = await finder(ScriptedSearch(nothing), profile("bare", catalogue=False)).search("bare", WORDS)
    assert done.answers[0].problem == "Profile 'bare' has no searchable catalogue"


async def test_a_partner_that_shares_a_catalogue_is_searched_there() -> None:
    search = ScriptedSearch(nothing)
    partner = profile("nordviken", {"target": "union"}, catalogue=False)
    await finder(search, partner, profile("union")).search("nordviken", WORDS)
    assert search.targets() == ["union"]


async def test_records_that_could_not_be_read_are_told() -> None:
    search = ScriptedSearch(lambda *_: hits(record(), FoundRecord(position=2, problem="not MARC 21")))
    done = await finder(search, profile("union")).search("union", WORDS)
    assert done.answers[0].notes == ("record 2: not MARC 21",)


# --- a number looked up ----------------------------------------------------------------------------------

ISBN = RecordId("isbn", "3-16-148410-X")


async def test_a_number_is_looked_up_and_the_first_who_knows_it_counts() -> None:
    search = ScriptedSearch(by_target(slow=hits(record(position=1)), union=hits(record(KOBZAR))))
    search.waits["slow"] = asyncio.Event()
    one = finder(search, profile("slow"), profile("union"), groups={"all": ("slow", "union")}, look_up="all")

    assert await one.find_by_identifier(ISBN) == KOBZAR

    await one.asker.close()


async def test_a_record_with_another_number_is_not_it() -> None:
    other = type(KOBZAR)(title="Гайдамаки", identifiers=(RecordId("isbn", "9780306406157"),))
    one = finder(ScriptedSearch(lambda *_: hits(record(other))), profile("union"), look_up="union")
    assert await one.find_by_identifier(ISBN) is None


async def test_the_only_hit_of_a_catalogue_that_shows_no_such_numbers_is_it() -> None:
    bare = type(KOBZAR)(title="Кобзар")
    alone = finder(ScriptedSearch(lambda *_: hits(record(bare))), profile("union"), look_up="union")
    assert await alone.find_by_identifier(RecordId("doi", "10.1000/182")) == bare
    several = finder(ScriptedSearch(lambda *_: hits(record(bare), total=2)), profile("union"), look_up="union")
    assert await several.find_by_identifier(ISBN) is None


async def test_nobody_is_asked_for_what_is_no_number_or_where_none_is_said() -> None:
    search = ScriptedSearch(nothing)
    assert await finder(search, profile("union")).find_by_identifier(ISBN) is None
    assert await finder(search, profile("union"), look_up="union").find_by_identifier(RecordId("isbn", "?")) is None
    assert search.asked == []


async def test_nobody_could_say_it() -> None:
    search = ScriptedSearch(by_target(one=Unavailable("down"), two=Refused(RefusalReason.OTHER, "no such index")))
    found = finder(search, profile("one"), profile("two"), groups={"all": ("one", "two")}, look_up="all")
    with pytest.raises(Unavailable):
        await found.find_by_identifier(ISBN)


async def test_who_is_down_does_not_hide_that_another_does_not_know_it() -> None:
    search = ScriptedSearch(by_target(one=Unavailable("down"), two=SearchHits(total=0)))
    found = finder(search, profile("one"), profile("two"), groups={"all": ("one", "two")}, look_up="all")
    assert await found.find_by_identifier(ISBN) is None
