"""Other libraries' catalogues through the API: searched, requested from, and asked for a rota."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

import aiohttp
import pytest

from gateway.domain.problems import Unavailable
from gateway.ports.catalogue import CatalogueQuery, HeldItem, SearchHits, SearchIndex, SearchTerm, TermMatch
from gateway.services.people.api_keys import KeyScope
from tests.protocol.api.support import LIBRARY, Client, Running, running
from tests.support.daemon import Installation
from tests.unit.services.searching.support import KOBZAR, Answer, ScriptedSearch, hits, record

UNION = "description: Verbundkatalog\nz3950: {address: 'union.example:2100'}\n"
DOWN = "z3950: {address: 'down.example'}\n"
SEEBERG = """
partner: {symbols: [ISIL:CH-SEE], channel: mail, email: fernleihe@seeberg.example}
locate: {target: union, lending: [{policy: 'reading*'}]}
"""
REQUESTS = """
catalogues: {groups: {all: [union, down]}}
rotas: {usual: {lines: [{partner: seeberg}, {partner: bergen}]}}
default_rota: usual
"""
READING_ROOM = HeldItem(location="LS", policy="reading room", volumes="v.1-2", available=True)


@dataclass(frozen=True)
class Searched:
    client: Client
    search: ScriptedSearch
    running: Running

    async def __call__(self, **query: str) -> Any:
        return await self.client("GET", f"search?{urlencode(query)}")


def answer(name: str, _query: CatalogueQuery) -> Answer:
    return Unavailable("connection refused") if name == "down" else hits(record(KOBZAR, READING_ROOM), total=3)


@pytest.fixture
async def searched(installation: Installation) -> AsyncIterator[Searched]:
    """Catalogues that answer as above; nobody goes to the net."""
    for name, text in {"union": UNION, "down": DOWN, "seeberg": SEEBERG}.items():
        (installation.folder / "profiles" / f"{name}.yml").write_text(text, encoding="utf-8")
    (installation.folder / "requests.yml").write_text(REQUESTS, encoding="utf-8")
    search = ScriptedSearch(answer)
    async with running(installation) as one, aiohttp.ClientSession() as session:
        cast(dict[str, Any], one.managed.libraries[LIBRARY].search.asker.searches)["z3950"] = search
        yield Searched(Client(session, one.url, await one.key()), search, one)


async def test_targets_and_groups(searched: Searched) -> None:
    found = (await searched.client("GET", "search/targets")).json["items"]
    assert found[0] == {"name": "all", "description": "", "by": "", "members": ["union", "down"]}
    targets = [(one["name"], one["by"]) for one in found if one["by"]]
    assert {("down", "z3950"), ("union", "z3950")} <= set(targets)  # beside those that are shipped
    assert targets == sorted(targets)


async def test_a_group_is_searched(searched: Searched) -> None:
    found = await searched(target="all", q='title:"Кобзар" шевченко', records="5")

    assert found.status == 200
    union, down = found.json["targets"]
    assert (union["total"], union["shown"], union["problem"], union["asked"]) == (3, 1, "", "@attr 1=7 …")
    assert (down["target"], down["total"], down["problem"]) == ("down", 0, "connection refused")
    (result,) = found.json["results"]
    assert result["citation"]["title"] == KOBZAR.title
    assert result["citation"]["source"] == "union"
    (holder,) = result["holders"]
    assert holder["target"] == "union"
    assert (
        holder["holdings"][0] | {"policy": "reading room", "volumes": "v.1-2", "available": True, "due": None}
        == (holder["holdings"][0])
    )
    terms = (SearchTerm(SearchIndex.TITLE, "Кобзар", TermMatch.PHRASE), SearchTerm(SearchIndex.ANY, "шевченко"))
    assert ("union", CatalogueQuery(terms)) in searched.search.asked


async def test_a_result_becomes_the_citation_of_a_request(searched: Searched) -> None:
    (result,) = (await searched(target="union", q="кобзар")).json["results"]

    made = await searched.client("POST", "requests", {"citation": result["citation"]})

    assert made.status == 201
    assert made.json["citation"]["title"] == KOBZAR.title
    assert made.json["citation"]["identifiers"] == [{"type": "isbn", "value": "978-3-16-148410-0"}]


async def test_the_protocols_own_notation(searched: Searched) -> None:
    assert (await searched(target="union", native="@attr 1=4 кобзар")).status == 200
    assert searched.search.asked == [("union", CatalogueQuery(native="@attr 1=4 кобзар"))]


@pytest.mark.parametrize(
    ("query", "problem", "place"),
    [
        ({"target": "nobody", "q": "x"}, "not-found", ""),
        ({"target": "union"}, "invalid", "query.q"),
        ({"target": "union", "q": "shelf:QA76"}, "invalid", "query.q"),
        ({"target": "union", "q": "x", "native": "y"}, "invalid", "query.native"),
        ({"target": "union", "q": "x", "records": "101"}, "invalid", "query.records"),
        ({"q": "x"}, "invalid", "query.target"),
    ],
)
async def test_what_is_refused(searched: Searched, query: dict[str, str], problem: str, place: str) -> None:
    found = await searched(**query)
    assert found.problem == problem
    assert [one["place"] for one in found.json.get("mistakes", ())] == ([place] if place else [])
    assert searched.search.asked == []


async def test_a_key_for_patrons_does_not_search(searched: Searched) -> None:
    client = searched.client.with_key(await searched.running.key(KeyScope.PATRON))
    assert (await client("GET", "search?target=union&q=x")).problem == "forbidden"


async def test_why_each_supplier_stands_where_it_stands(searched: Searched) -> None:
    made = await searched.client("POST", "requests", {"citation": {"title": KOBZAR.title, "author": KOBZAR.author}})

    told = (await searched.client("GET", f"requests/{made.json['id']}/rota")).json

    assert (told["rota"], told["by_rule"], told["only_owning"]) == ("usual", True, "unknown-too")
    bergen, seeberg = told["lines"]
    assert (bergen["partner"], bergen["verdict"], bergen["holdings"]) == ("bergen", "next", "owns: listed")
    assert (seeberg["partner"], seeberg["verdict"]) == ("seeberg", "not-lending")
    assert "title and author match; LS, v.1-2, reading room" in seeberg["holdings"]


async def test_a_wish_is_tried_and_leaves_nothing_behind(searched: Searched) -> None:
    wish = {"citation": {"title": KOBZAR.title, "author": KOBZAR.author}, "service": "loan"}

    found = await searched.client("POST", "rota-trials", wish)

    assert (found.status, found.json["rota"], found.json["by_rule"]) == (200, "usual", True)
    assert [(line["partner"], line["verdict"]) for line in found.json["lines"]] == [
        ("bergen", "next"),
        ("seeberg", "not-lending"),
    ]
    assert (await searched.client("GET", "requests")).json["items"] == []
    assert (await searched.client("POST", "rota-trials", {**wish, "rota": "nobody"})).status == 404


async def test_a_catalogue_without_hits_is_no_result(searched: Searched) -> None:
    cast(dict[str, Any], searched.running.managed.libraries[LIBRARY].search.asker.searches)["z3950"] = ScriptedSearch(
        lambda *_: SearchHits(total=0)
    )
    found = await searched(target="union", q="nichts")
    assert (found.json["results"], found.json["targets"][0]["total"]) == ([], 0)
    assert searched.running.managed.libraries[LIBRARY].search.targets()
