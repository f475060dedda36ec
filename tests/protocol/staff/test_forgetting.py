"""A word in every field of the pages by which staff write down a request, on both sides: nothing of people is left when
the requests forget."""

from __future__ import annotations

import pytest

from gateway.domain.requests.request import Role
from gateway.domain.requests.views import RequestFilter
from tests.protocol.pages.support import PATRON, Answer, running
from tests.protocol.staff.request_scenes import RULES, add_partners
from tests.protocol.staff.support import colleague
from tests.support.canaries import Canaries, find_canaries, find_database, find_left, find_places, forget_all
from tests.support.daemon import Installation

ACTS = {Role.BORROWING: ("note",), Role.LENDING: ("note", "message")}
CODES = (
    *("csrf", "form", "need_by", "maximum_cost", "maximum_cost_currency", "patron"),
    *("isbn", "issn", "doi", "pmid", "oclc"),
)


def fill_texts(form: Answer, words: Canaries, role: str) -> dict[str, str]:
    """Of the form for a new request, all that people type in."""
    (found,) = form.tree.xpath("//main//form[@method='post'][.//textarea[@id='note']]")
    fields = {str(name): str(value) for name, value in found.form_values()}
    typed = found.xpath(".//textarea/@name | .//input[not(@type) or @type='text']/@name")
    for name in dict.fromkeys(map(str, typed)):
        if name not in CODES:
            fields[name] = words.make(f"{role} {name}")
    return fields


@pytest.mark.parametrize("role", Role)
async def test_nothing_of_people_is_left(installation: Installation, role: Role) -> None:
    words = Canaries()
    add_partners(installation)
    rules = {**RULES, "intake": {"duplicates": {"action": "allow"}}}
    async with running(installation, rules=rules) as gateway, colleague(gateway, "r.okafor", "staff") as ruth:
        path = f"/requests/new?role={role.value}"
        fields = fill_texts(await ruth.get(path), words, role.value)
        assert len(words.made) >= 10
        choice = {"patron": PATRON} if role is Role.BORROWING else {"partner": "altenried"}
        done = await ruth.post(path, {**fields, **choice})
        (made,) = await gateway.requests().list_requests(RequestFilter(role=role), 5, "")
        assert done.url.endswith(f"/staff/requests/{made.number}"), done.text
        for act in ACTS[role]:
            seen = await gateway.requests().load_view(made.id)
            said = {"note": words.make(f"act {act}"), "version": str(seen.request.version), "confirmed": "yes"}
            await ruth.post(f"/requests/{made.number}/act/{act}", said)
        database = find_database(installation.folder)
        assert words.places_of(set(find_canaries(database))) == set(words.made.values())

        await forget_all(gateway.requests().context)

        people = {f"{role.value} note", *(f"act {act}" for act in ACTS[role])}
        assert find_left(words, database, set(words.made.values()) - people) == {}
        assert not {place for place in find_places(database, PATRON) if not place.startswith("embedded_")}
