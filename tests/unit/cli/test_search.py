"""`illgate search`, and what catalogues said in `illgate request show` and `illgate rota explain`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gateway.cli.installation import Installation as Opened
from gateway.domain.problems import Unavailable
from gateway.ports.catalogue import CatalogueQuery, HeldItem, SearchHits, SearchIndex, SearchTerm, TermMatch
from tests.support.daemon import Installation
from tests.support.yaml_files import write_yaml_file
from tests.unit.cli.conftest import REQUESTS, Typed, document, documents, number_of, typed
from tests.unit.services.searching.support import KOBZAR, Answer, ScriptedSearch, hits, record

STACKS = HeldItem(location="MAG", call_number="PG 3948", policy="loan", available=True)
READING_ROOM = HeldItem(location="LS", policy="reading room", volumes="v.1-2")


def answer(name: str, query: CatalogueQuery) -> Answer:
    if name == "down":
        return Unavailable("connection refused")
    if query.terms and query.terms[0].value == "nichts":
        return SearchHits(total=0)
    return hits(record(KOBZAR, READING_ROOM, *([STACKS] if name == "union" else [])), total=12)


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedSearch]:
    """In place of what goes to the net."""
    scripted = ScriptedSearch(answer)
    real = Opened.adapters.func  # type: ignore[attr-defined]

    def adapters(self: Opened) -> object:
        found = real(self)
        searches = {name: replace(one, make=lambda _secrets: scripted) for name, one in found.searches.items()}
        return replace(found, searches=searches)

    monkeypatch.setattr(Opened, "adapters", property(adapters))
    yield scripted
    assert scripted.closed or not scripted.asked


@pytest.fixture
def desk(own: Installation) -> Typed:
    profiles = {
        "union": {"description": "Verbundkatalog", "z3950": {"address": "union.example"}},
        "other": {"z3950": {"address": "other.example"}},
        "down": {"z3950": {"address": "down.example"}},
        "kyoto": {
            "partner": {"symbols": ["ISIL:JP-KYO"], "channel": "mail", "email": "ill@kyoto.example"},
            "locate": {"target": "other", "lending": [{"policy": "reading*"}]},
        },
        "seeberg": {
            "partner": {"symbols": ["ISIL:CH-SEE"], "channel": "mail", "email": "fernleihe@seeberg.example"},
            "locate": {"target": "union", "lending": [{"policy": "reading*"}]},
        },
    }
    for name, content in profiles.items():
        write_yaml_file(own.folder / "profiles" / f"{name}.yml", content)
    rules = {**REQUESTS, "catalogues": {"groups": {"all": ["union", "other", "down"]}}}
    write_yaml_file(own.folder / "requests.yml", rules)
    return typed(own)


def test_what_can_be_searched(desk: Typed, search: ScriptedSearch) -> None:
    lines = desk("search", "--list").stdout.splitlines()
    assert [line.split()[:2] for line in lines if line.split()[0] in ("all", "union")] == [
        ["all", "group"],
        ["union", "z3950"],
    ]
    assert documents(desk("search", "--list", "--json"))[0]["members"] == ["union", "other", "down"]


def test_a_group(desk: Typed, search: ScriptedSearch) -> None:
    done = desk("search", "all", "title:вибрані поезії", "author:шевченко", "--holdings")

    assert done.exit_code == 0
    heading, row, *held = done.stdout.splitlines()
    assert heading.split() == ["NO", "TITLE", "AUTHOR", "YEAR", "NUMBER", "WHERE"]
    assert row.split() == [
        "1", "Кобзар:", "вибрані", "поезії", "Шевченко,", "Тарас", "1984", "isbn:978-3-16-148410-0", "union,", "other",
    ]  # fmt: skip
    assert held == [
        "      union: LS, v.1-2, reading room",
        "      union: MAG, PG 3948, loan, available",
        "      other: LS, v.1-2, reading room",
    ]
    assert "down: connection refused" in done.stderr
    assert "union: 1 of 12 hits" in done.stderr
    assert search.asked[0][1].terms == (
        SearchTerm(SearchIndex.TITLE, "вибрані поезії", TermMatch.PHRASE),
        SearchTerm(SearchIndex.AUTHOR, "шевченко"),
    )


def test_as_json_and_in_the_own_notation(desk: Typed, search: ScriptedSearch) -> None:
    found = document(desk("search", "union", "--native", "@attr 1=4", "кобзар", "--json"))
    assert [one["citation"]["title"] for one in found["results"]] == [KOBZAR.title]
    assert search.asked == [("union", CatalogueQuery(native="@attr 1=4 кобзар"))]


def test_a_result_is_requested(desk: Typed, search: ScriptedSearch) -> None:
    made = desk("search", "all", "кобзар", "--request", "1", "--patron", "21000000000025")

    shown = document(desk("request", "show", number_of(made), "--json"))["request"]
    assert shown["citation"]["author"] == KOBZAR.author
    assert (shown["patron"]["identifier"], shown["source"]) == ("21000000000025", "staff")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("all",), 2, "or --list"),
        (("nobody", "x"), 2, "target not found: nobody; `illgate search --list` shows them"),
        (("unoin", "x"), 2, "target not found: unoin; did you mean 'union'?"),
        (("union", "x", "--patron", "1"), 2, "require --request N"),
        (("union", "x", "--request", "2"), 2, "1 results found"),
        (("union", "shelf:QA"), 1, "Index 'shelf' not found"),
        (("down", "x"), 4, "none of the catalogues answered"),
    ],
)
def test_what_does_not_go(
    desk: Typed, search: ScriptedSearch, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = desk("search", *arguments)
    assert (done.exit_code, said in done.output) == (code, True)


def test_nothing_is_found(desk: Typed, search: ScriptedSearch) -> None:
    done = desk("search", "union", "nichts")
    assert (done.exit_code, done.stdout) == (0, "nothing was found\n")


def test_who_gives_no_answer_has_not_said_that_there_is_nothing(desk: Typed, search: ScriptedSearch) -> None:
    down = desk("search", "down", "nichts")
    assert (down.exit_code, down.stdout) == (4, "")
    assert "down: connection refused" in down.stderr

    some = desk("search", "all", "nichts")
    assert (some.exit_code, some.stdout) == (0, "nothing was found by union, other\n")


def test_why_suppliers_are_asked_or_not(desk: Typed, search: ScriptedSearch) -> None:
    number = number_of(desk("request", "create", "--title", KOBZAR.title, "--author", KOBZAR.author, "--review"))

    told = {line.split()[0]: line for line in desk("rota", "explain", number).stdout.splitlines()[2:]}

    assert "would be asked next" in told["seeberg"]
    assert "owns: union: title and author: title and author match; MAG, loan" in told["seeberg"]
    assert "does not lend it" in told["kyoto"]
    assert "not-lent: other: title and author: title and author match; LS, v.1-2, reading room" in told["kyoto"]
    assert "does not own it" in told["nordviken"]
