"""Lists of requests as staff use them, without scripts."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.domain.library import Patron
from gateway.domain.problems import Unavailable
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import PatronLink, Request
from gateway.domain.requests.views import ActionRequest
from gateway.ports.library_system import PatronKey
from gateway.services.desks import bulk_actions
from gateway.services.patrons import patron_names
from gateway.store.requests import requests
from gateway.web.staff import bulk_pages, request_lists
from tests.protocol.pages.support import Answer, Running
from tests.protocol.staff.support import Colleague, colleague
from tests.unit.store.requests.samples import lending

CARD = "21000000000017"
MAX_LIST_BYTES = 30_000


async def borrow(gateway: Running, title: str, **more: Any) -> Request:
    draft = BorrowingDraft(
        citation=Citation(title=title, author="Оук, Анна"),
        mediated=True,
        actor="staff:ada",
        override=True,
        **{"patron": PatronLink(identifier=CARD), **more},
    )
    made: Request = await gateway.requests().create_borrowing(draft)
    return made


def make_words(seed: int) -> str:
    """Words that don't compress as the same words over and over do."""
    return " ".join(hashlib.sha256(f"{seed} {n}".encode()).hexdigest()[:7] for n in range(6))


async def lend(gateway: Running, title: str, transaction: str) -> Request:
    new = replace(lending(library="DEMO", transaction=transaction), citation=Citation(title=title))
    await gateway.gateway.managed.contexts["DEMO"].store.write(lambda c: requests.insert_request(c, new))
    return new


def listed(page: Answer) -> list[str]:
    """Numbers of the rows."""
    return [
        str(text)
        for text in page.tree.xpath("//table[contains(@class, 'list')]//td[contains(@class, 'number')]/span[1]/text()")
    ]


def cells(page: Answer, name: str) -> list[str]:
    """Texts of a column."""
    found = page.tree.xpath(f"//table[contains(@class, 'list')]//td[contains(@class, '{name} ')]")
    return [" ".join("".join(one.itertext()).split()) for one in found]


def chosen(page: Answer) -> list[str]:
    return [
        " ".join("".join(one.itertext()).split()) for one in page.tree.xpath("//ul[@class='chosen']/li/a[not(@class)]")
    ]


def facet(page: Answer, legend: str) -> dict[str, str]:
    """Text and count of each option."""
    (found,) = page.tree.xpath(f"//fieldset[legend='{legend}']")
    return {
        label.xpath("string(bdi)"): label.xpath("string(span[@class='n'])") for label in found.xpath(".//label[bdi]")
    }


async def choose(ruth: Colleague, place: str, do: str, ids: list[str], **more: str) -> Answer:
    """Boxes ticked, and a button pressed."""
    token = await ruth.read_token()
    pairs = [
        ("csrf", token),
        ("do", do),
        *((name, value) for name, value in more.items()),
        *(("one", id_) for id_ in ids),
    ]
    return await ruth.browser.post(
        f"/staff/{place}", urlencode(pairs).encode(), Content_Type="application/x-www-form-urlencoded"
    )


async def test_a_list_is_narrowed_by_its_address_and_says_by_what(gateway: Running) -> None:
    first, second = await borrow(gateway, "Salz & <script>alert(1)</script>"), await borrow(gateway, "Pfade")
    await gateway.gateway.managed.libraries["DEMO"].marks.change_labels(second.id, ["rush"])
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        page = await ruth.get("/borrowing")
        assert (page.status, page.title) == (200, "Borrowing")
        assert listed(page) == [second.number, first.number]
        assert "Salz & <script>alert(1)</script>" in page.tree.xpath("//a[@class='work']/text()")
        assert facet(page, "Task") == {"To review": "2"}
        assert facet(page, "Status")["Action needed"] == "2"
        assert chosen(page) == []

        narrowed = await ruth.get("/borrowing?task=awaiting-review&label=rush")
        assert narrowed.title == "To review"
        assert listed(narrowed) == [second.number]
        assert chosen(narrowed) == ["Remove: To review", "Remove: Label: rush"]
        wider = narrowed.tree.xpath("//ul[@class='chosen']/li/a/@href")[1]
        assert listed(await ruth.browser.get(str(wider))) == [first.number, second.number], "waiting longest first"
        assert (await ruth.get("/borrowing?task=no-such-list")).status == 404
        assert listed(await ruth.get("/borrowing?state=nonsense&from=x&kind=y")) == [second.number, first.number]


async def test_a_list_names_patrons_for_those_who_may_see_them(
    gateway: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    await borrow(gateway, "Nordlys over fjorden")
    await borrow(gateway, "Fyr og flamme")
    system, asked = type(gateway.gateway.managed.contexts["DEMO"].system), 0
    find_patron = system.find_patron

    async def count_questions(self: object, key: PatronKey) -> Patron:
        nonlocal asked
        asked += 1
        patron: Patron = await find_patron(self, key)
        return patron

    monkeypatch.setattr(system, "find_patron", count_questions)
    async with colleague(gateway, "r.okafor", "staff") as ruth, colleague(gateway, "o.perez", "operator") as oscar:
        masked = await oscar.get("/borrowing")
        assert asked == 0, "a name that isn't shown isn't asked for"
        pages = [await ruth.get("/borrowing") for _ in range(2)]

    assert cells(masked, "for") == ["••••17", "••••17"]
    assert [cells(page, "for") for page in pages] == [[f"Ana Müller {CARD}"] * 2] * 2
    assert asked == 1, "it is the same patron, and known for a while"


async def test_a_patron_is_found_by_name_by_those_who_may_see_patrons(gateway: Running) -> None:
    mine = await borrow(gateway, "Nordlys over fjorden")
    about = await borrow(gateway, "Müller og vannhjulet", patron=PatronLink(identifier="21000000000033"))
    async with colleague(gateway, "r.okafor", "staff") as ruth, colleague(gateway, "o.perez", "operator") as oscar:
        found = await ruth.get("/find?q=ana+m%C3%BCller")
        both = await ruth.get("/find?q=M%C3%BCller")
        by_words = await ruth.browser.get(str(both.tree.xpath("//main//p[contains(., 'that contain')]/a/@href")[0]))
        nobody = await ruth.get("/find?q=Fitzwarren")
        masked = await oscar.get("/find?q=Ana+M%C3%BCller")

    for page in (found, both):
        assert [" ".join(str(one).split()) for one in page.tree.xpath("//section/h2/bdi/text()")] == ["Ana Müller"]
        assert page.tree.xpath("//section//li/a/text()") == [mine.number]
    assert listed(by_words) == [about.number]
    assert "Nothing found for “Fitzwarren”." in nobody.text, "a patron without requests isn't shown"
    assert "Nothing found for “Ana Müller”." in masked.text


async def test_a_search_says_when_names_could_not_be_searched(
    gateway: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await borrow(gateway, "Nordlys over fjorden")

    async def be_away(*_arguments: object) -> None:
        raise Unavailable("it is away")

    monkeypatch.setattr(type(gateway.gateway.managed.contexts["DEMO"].system), "find_patrons_by_name", be_away)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        found = await ruth.get("/find?q=fjorden")
    assert listed(found) == [one.number]
    assert "names were not searched" in found.tree.xpath("string(//div[@id='banner'])")


async def test_a_list_waits_for_no_library_system(gateway: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    await borrow(gateway, "Nordlys over fjorden")
    system = type(gateway.gateway.managed.contexts["DEMO"].system)

    async def hang(_self: object, _key: PatronKey) -> Patron:
        await asyncio.sleep(3600)
        raise AssertionError("the list is there long before")

    async def be_away(_self: object, _key: PatronKey) -> Patron:
        raise Unavailable("it is away")

    monkeypatch.setattr(patron_names, "MAX_WAIT", timedelta(milliseconds=20))
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        for answer in (hang, be_away):
            monkeypatch.setattr(system, "find_patron", answer)
            assert cells(await ruth.get("/borrowing"), "for") == [CARD]


async def test_an_empty_list_says_why_and_leads_on(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:

        async def quiet(path: str) -> list[str]:
            page = await ruth.get(path)
            return [" ".join(one.itertext()) for one in page.tree.xpath("//div[contains(@class, 'nothing-here')]/p")]

        assert await quiet("/borrowing?task=to-return") == ["Nothing to do here now.", "See other work"]
        assert await quiet("/borrowing") == ["There are no open requests.", "Include closed requests"]
        assert await quiet("/borrowing?q=zzz") == ["Nothing found for “zzz”.", "Clear all filters"]
        assert await quiet("/borrowing?label=zzz") == ["No requests match these filters.", "Clear all filters"]


async def test_the_search_box_opens_what_a_number_leads_to(gateway: Running) -> None:
    ours, theirs = await borrow(gateway, "Salz"), await lend(gateway, "Salzwege", "SB-77")
    async with colleague(gateway, "r.okafor", "staff") as ruth:

        async def found(text: str) -> str:
            return (await ruth.get(f"/find?q={text}", follow=False)).headers["Location"]

        assert await found(ours.number.lower()) == f"/staff/requests/{ours.number}"
        assert await found("sb 77") == f"/staff/requests/{theirs.number}"
        assert await found(CARD) == f"/staff/requests/{ours.number}"
        assert await found("salzw") == f"/staff/requests/{theirs.number}"
        assert await found("salz") == "/staff/borrowing?q=salz"
        nothing = await ruth.get("/find?q=nothing+such")
        assert nothing.tree.xpath("//main//section//a/@href") == [
            f"/staff/{name}?q=nothing+such" for name in ("borrowing", "lending")
        ]
        both = await ruth.get("/find?q=salz")
        assert listed(both) == [ours.number]
        assert "There are also matching lending requests." in both.text
        assert "/staff/lending?q=salz" in both.tree.xpath("//main//a/@href")
        for number, side in ((ours.number, "borrowing"), (theirs.number, "lending")):
            for below in ("", "/act/note", "/citation", "/journal") + ("/order",) * (side == "borrowing"):
                page = await ruth.get(f"/requests/{number}{below}")
                assert page.tree.xpath("//nav[@id='menu']//a[@aria-current]/@href") == [f"/staff/{side}"], below


async def test_patrons_are_masked_for_those_who_need_not_see_them(gateway: Running) -> None:
    await borrow(gateway, "Salz")
    async with colleague(gateway, "m.boss", "manager") as boss:
        assert CARD not in (await boss.get("/borrowing")).text
        assert CARD not in (await boss.get("/borrowing.csv")).text
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        assert CARD in (await ruth.get("/borrowing")).text
        assert CARD in (await ruth.get("/borrowing.csv")).text


async def test_who_works_for_a_branch_sees_its_requests(gateway: Running) -> None:
    collected = ("Ost", "EAST"), ("Nord", "NORTH")
    east, north = [
        await borrow(gateway, title, patron=PatronLink(identifier=CARD, pickup=at)) for title, at in collected
    ]
    async with colleague(gateway, "b.desk", "patron-services@EAST") as desk:
        assert listed(await desk.get("/borrowing")) == [east.number]
        assert listed(await desk.get("/borrowing?branch=NORTH")) == [east.number]
        assert north.number not in (await desk.get("/borrowing.csv")).text
        hidden = await desk.get(f"/find?q={north.number}")
        assert hidden.tree.xpath("//main//section//a/@href") == [f"/staff/borrowing?q={north.number}"]
        assert (await desk.get("/borrowing")).tree.xpath("//input[@name='one']") == []


async def test_many_are_given_and_labelled_after_their_number_was_said(gateway: Running) -> None:
    made = [await borrow(gateway, f"Band {n}") for n in range(3)]
    ids = [one.id for one in made[:2]]
    async with colleague(gateway, "r.okafor", "staff", shown_name="Ruth Okafor") as ruth:
        confirm = await choose(ruth, "borrowing/bulk", "give", ids)
        assert confirm.title == "Assign: 2 requests"
        assert confirm.tree.xpath("//button[contains(., 'Apply to 2 requests')]")
        done = await choose(ruth, "borrowing/bulk/do", "give", ids, assignee="r.okafor")
        assert "2 done." in done.text
        assert sorted(listed(await ruth.get("/borrowing?assignee=me"))) == sorted(one.number for one in made[:2])
        assert listed(await ruth.get("/borrowing?assignee=nobody")) == [made[2].number]
        named = await ruth.get("/borrowing?assignee=r.okafor")
        assert chosen(named) == ["Remove: Assigned to: Ruth Okafor"]

        empty = await choose(ruth, "borrowing/bulk/do", "label", ids)
        assert (empty.status, "Please fill in “Label to add”." in empty.text) == (422, True)
        await choose(ruth, "borrowing/bulk/do", "label", ids, add="Raum B")
        assert sorted(listed(await ruth.get("/borrowing?label=Raum+B"))) == sorted(one.number for one in made[:2])
        none = await choose(ruth, "borrowing/bulk", "give", [])
        assert "Please select a request first." in none.text


def undo_word(page: Answer) -> str:
    (word,) = page.tree.xpath("//div[@id='banner']//form[contains(@action, '/undo')]/input[@name='act']/@value")
    return str(word)


def banner(page: Answer) -> str:
    return str(page.tree.xpath("normalize-space(//div[@id='banner']/text())"))


async def test_marks_of_many_are_taken_back_but_for_what_others_did_since(gateway: Running) -> None:
    made = [await borrow(gateway, f"Band {n}") for n in range(3)]
    ids = [one.id for one in made]
    marks = gateway.gateway.managed.libraries["DEMO"].marks
    await marks.assign(ids[0], "ana")
    async with colleague(gateway, "r.okafor", "staff") as ruth, colleague(gateway, "m.mori", "staff") as miyu:
        done = await choose(ruth, "borrowing/bulk/do", "give", ids, assignee="r.okafor")
        word = undo_word(done)
        assert "can no longer be undone" in banner(await miyu.post("/undo", {"act": word})), "somebody else's"
        await marks.assign(ids[2], "miyu")

        assert banner(await ruth.post("/undo", {"act": word})) == (
            "2 undone. 1 was not undone because somebody has changed it since."
        )
        now = [await gateway.requests().find_request(id_) for id_ in ids]
        assert [one.assignee for one in now] == ["ana", "", "miyu"]
        assert "can no longer be undone" in banner(await ruth.post("/undo", {"act": word})), "twice"

        labelled = await choose(ruth, "borrowing/bulk/do", "label", ids, add="Raum B")
        assert banner(await ruth.post("/undo", {"act": undo_word(labelled)})) == "3 undone."
        assert listed(await ruth.get("/borrowing?label=Raum+B")) == []
        again = await choose(ruth, "borrowing/bulk/do", "give", ids[2:], assignee="miyu")
        assert not again.tree.xpath("//form[contains(@action, '/undo')]"), "nothing was changed"


async def test_what_fails_is_told_with_its_reason_and_can_be_tried_alone(gateway: Running) -> None:
    made = [await borrow(gateway, f"Band {n}") for n in range(3)]
    cancel = ActionRequest(kind=EventKind.CANCEL, details=EventDetails(), actor="staff:ada", version=None)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        confirm = await choose(ruth, "borrowing/bulk", "approve", [one.id for one in made])
        assert confirm.title == "Approve: 3 requests"
        await gateway.requests().apply_action(made[1].id, cancel)

        result = await choose(ruth, "borrowing/bulk/do", "approve", [one.id for one in made])
        assert result.title == "2 done, 1 failed"
        assert result.tree.xpath("//section[contains(@class, 'cause')]//a/text()") == [made[1].number]
        assert result.tree.xpath("//form//input[@name='one']/@value") == [made[1].id]
        assert (await gateway.requests().find_request(made[0].id)).state != "review"


async def test_a_full_list_weighs_little(gateway: Running) -> None:
    """As a proxy compresses it, with all files of its own, which browsers keep."""
    for number in range(request_lists.PAGE_ROWS):
        await lend(gateway, f"Handbuch der Gezeitenkunde, Band {number}: {make_words(number)}", f"SB-{number}")
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        page = await ruth.get("/lending")
        assert len(listed(page)) == request_lists.PAGE_ROWS
        addresses = page.tree.xpath("//link[@rel='stylesheet']/@href | //script/@src")
        files = [await ruth.browser.get(str(address)) for address in addresses]
    weights = [len(gzip.compress(one.text.encode())) for one in (page, *files)]
    assert len(files) > 5
    assert sum(weights) <= MAX_LIST_BYTES, weights


async def test_all_that_match_is_a_step_of_its_own(gateway: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [await borrow(gateway, f"Band {n}") for n in range(3)]
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        whole = await ruth.get("/borrowing?task=awaiting-review&select=all")
        assert whole.tree.xpath("//input[@name='scope']/@value") == ["all"]
        assert len(whole.tree.xpath("//input[@name='one'][@checked]")) == 3
        confirm = await choose(ruth, "borrowing/bulk", "more", [], scope="all", query="task=awaiting-review")
        assert confirm.title == "Choose an action: 3 requests"
        assert sorted(confirm.tree.xpath("//input[@name='one']/@value")) == sorted(one.id for one in made)
        monkeypatch.setattr(bulk_actions, "MAX_BULK", 2)
        monkeypatch.setattr(bulk_pages, "MAX_BULK", 2)
        monkeypatch.setattr(request_lists, "MAX_BULK", 2)
        monkeypatch.setattr(request_lists, "PAGE_ROWS", 2)
        assert "Select the first 2 of 3" in (await ruth.get("/borrowing?task=awaiting-review")).text
        first = await choose(ruth, "borrowing/bulk", "more", [], scope="all", query="task=awaiting-review")
        assert first.tree.xpath("//input[@name='one']/@value") == [one.id for one in made[:2]]
        assert "At most 2 requests at once: these are the first." in first.text


async def test_what_is_not_on_this_side_is_left_out(gateway: Running) -> None:
    ours, theirs = await borrow(gateway, "Salz"), await lend(gateway, "Salzwege", "SB-77")
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        confirm = await choose(ruth, "borrowing/bulk", "give", [ours.id, theirs.id])
        assert confirm.tree.xpath("//input[@name='one']/@value") == [ours.id]
        assert (await choose(ruth, "borrowing/bulk", "no-such-act", [ours.id])).status == 404


async def test_a_filter_is_kept_and_removed(gateway: Running) -> None:
    await borrow(gateway, "Salz")
    async with colleague(gateway, "r.okafor", "staff", shown_name="Ruth Okafor") as ruth:
        kept = await ruth.post(
            "/saved-filters",
            {"place": "borrowing", "query": "task=awaiting-review", "name": "Morning", "shared": "yes"},
        )
        assert kept.title == "Morning"
        assert "Saved as “Morning”." in kept.text
        async with colleague(gateway, "a.other", "staff") as ada:
            (shared,) = (await ada.get("/borrowing")).tree.xpath("//ul[contains(@class, 'saved')]/li")
            assert shared.text_content().split() == ["Morning", "Ruth", "Okafor"]
            theirs = await ada.get("/borrowing?task=awaiting-review")
            assert "Remove this saved filter" not in theirs.text
        again = await ruth.post("/saved-filters/delete", {"place": "borrowing", "id": kept.hidden("id")})
        assert "Morning" not in again.tree.xpath("string(//div[@id='filters'])")
        bad = await ruth.post("/saved-filters", {"place": "borrowing", "query": "", "name": " "})
        assert "1 to 60 printable" in bad.text


async def test_columns_are_chosen_for_this_browser(gateway: Running) -> None:
    await borrow(gateway, "Salz", branch="EAST")
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        heads = [" ".join(one.itertext()).strip() for one in (await ruth.get("/borrowing")).tree.xpath("//th")]
        assert "Branch" not in heads
        page = await ruth.post("/list-columns", {"back": "/staff/borrowing", "column": "branch"})
        heads = [" ".join(one.itertext()).strip() for one in page.tree.xpath("//th")]
        assert "Branch" in heads
        assert "Partner" not in heads
        assert (await ruth.post("/list-columns", {"back": "https://evil.example/"}, follow=False)).status == 404


async def test_a_list_goes_out_as_a_file_that_no_spreadsheet_carries_out(gateway: Running) -> None:
    request = await borrow(gateway, "=HYPERLINK(1)")
    await borrow(gateway, 'Сад, "расходящихся" тропок')
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        answer = await ruth.get("/borrowing.csv")
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert "attachment" in answer.headers["Content-Disposition"]
        lines = answer.text.lstrip("\ufeff").splitlines()
        assert lines[0].startswith("number,their_number,role,state")
        assert len(lines) == 3
        assert "'=HYPERLINK(1)" in lines[2]
        assert request.number in lines[2]
        assert len((await ruth.get("/borrowing.csv?q=hyperlink")).text.splitlines()) == 2


async def test_a_list_is_sorted_by_number_and_title_on_the_page_and_in_the_file(gateway: Running) -> None:
    made = {title: (await borrow(gateway, title)).number for title in ("Zimt", "Äpfel", "Birnen")}
    by_title = [made["Äpfel"], made["Birnen"], made["Zimt"]]
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        plain = await ruth.get("/borrowing")
        (title,) = plain.tree.xpath("//th[contains(@class, 'what')]/a/@href")
        up = await ruth.browser.get(str(title))
        assert listed(up) == by_title
        (head,) = up.tree.xpath("//th[@aria-sort]")
        assert (head.get("aria-sort"), head.xpath("string(a/text()[1])").strip()) == ("ascending", "Title and author")
        down = await ruth.browser.get(str(head.xpath("a/@href")[0]))
        assert listed(down) == by_title[::-1]
        assert down.tree.xpath("string(//th[@aria-sort]/@aria-sort)") == "descending"
        lines = (await ruth.get("/borrowing.csv?order=title")).text.splitlines()[1:]
        assert [line.count(number) for line, number in zip(lines, by_title, strict=True)] == [1, 1, 1]
        assert listed(await ruth.get("/borrowing?order=number-down")) == sorted(by_title, reverse=True)


async def test_pages_follow_each_other(gateway: Running) -> None:
    first = await borrow(gateway, "Band 0")
    context = gateway.gateway.managed.contexts["DEMO"]

    def insert_more(connection: Any) -> None:
        for n in range(60):
            more = replace(first, id=f"{first.id[:-3]}u{n:02}", number=f"B2026-9{n:04}")
            requests.insert_request(connection, more)

    await context.store.write(insert_more)
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        page = await ruth.get("/borrowing")
        assert len(listed(page)) == 50
        assert page.tree.xpath("string(//nav[@class='paging']/p)") == "1 to 50 of 61"
        following = await ruth.browser.get(str(page.tree.xpath("//a[@rel='next']/@href")[0]))
        assert len(listed(following)) == 11
        assert following.tree.xpath("string(//nav[@class='paging']/p)") == "51 to 61 of 61"
        assert set(listed(page)).isdisjoint(listed(following))


async def test_slips_of_chosen_requests_are_printed_from_the_list(gateway: Running) -> None:
    made = [await lend(gateway, title, f"SVN-{title}") for title in ("Flo", "Fjære", "Tidevann")]
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        page = await ruth.get("/lending")
        assert page.tree.xpath("//button[@name='do' and @value='print']/text()") == ["Print slips"]

        printed = await choose(ruth, "lending/bulk", "print", [made[0].id, made[2].id], query="task=to-pull")
        assert printed.title == "Pull slips, batch 1"
        assert {one.number for one in (made[0], made[2])} == {
            number for number in (one.number for one in made) if number in printed.text
        }
        again = await choose(ruth, "lending/bulk", "print", [made[0].id], query="task=to-pull")
        assert again.title == "Pull slips, batch 2"
        nothing = await choose(ruth, "lending/bulk", "print", [made[0].id], query="")
        assert "None of the selected requests needs a slip." in nothing.text
    async with colleague(gateway, "a.lindqvist", "manager") as manager:
        assert not (await manager.get("/borrowing")).tree.xpath("//button[@value='print']")
