"""What stands in the way of a request is told before its form is filled in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from gateway.domain.library import Block, BlockCause, BlockScope, Money, Patron
from gateway.ports.library_system import PatronKey
from tests.protocol.pages.support import BLOCKED, BOOK, OURS, Running, Visitor, running, visitor
from tests.support.daemon import Installation


def told(tree: object) -> str:
    return str(tree.xpath("string(//main//div[@role='alert' or @role='status'])"))  # type: ignore[attr-defined]


@pytest.mark.parametrize("place", ["request", "hold"])
async def test_a_blocked_patron_gets_no_form(place: str, anna: Visitor) -> None:
    await anna.sign_in(user=BLOCKED)
    page = await anna.get(f"/openurl/DEMO/{place}?{OURS}")

    assert page.status == 200
    assert "Your account is blocked from making requests." in told(page.tree)
    assert "Message from the library: card reported lost" in told(page.tree)
    assert not page.tree.xpath("//main//form")
    assert page.tree.xpath("//main//a[text()='My account']")


async def test_a_block_says_its_reason_in_words_for_patrons(gateway: Running, anna: Visitor) -> None:
    """Of what stands behind the block, and what the library tells its patron; not what it writes for its staff."""
    system = gateway.requests().context.system
    find_patron = system.find_patron
    expired = date(2020, 3, 31)
    blocks = (
        Block("borrowing is not allowed", frozenset({BlockScope.BORROW}), cause=BlockCause.CARD_LOST),
        Block("fees above 20.00 EUR", cause=BlockCause.FEES),
        Block("Verdacht auf Betrug", message="Please come to the\x07 desk."),
        Block("overdue items", cause=BlockCause.OVERDUE),
        Block("expired", cause=BlockCause.EXPIRED),
    )

    async def find_blocked(key: PatronKey) -> Patron:
        found = await find_patron(key)
        return replace(found, blocks=blocks, balance=Money(Decimal("23.40"), "EUR"), expires=expired)

    system.find_patron = find_blocked  # type: ignore[method-assign]
    await anna.sign_in()
    shown = await anna.get(f"/openurl/DEMO/request?{BOOK}")
    (box,) = shown.tree.xpath("//main//div[@role='alert']")
    assert [str(line.text_content()) for line in box.xpath("p")][:-1] == [
        "Your account is blocked from making requests. Please contact the library.",
        "You owe the library EUR 23.40.",
        "You have overdue items. Please return them.",
        "Your library card expired on 31 March 2020.",
        "Message from the library: Please come to the desk.",
    ]
    german = await anna.get(f"/openurl/DEMO/hold?{OURS}", Accept_Language="de")
    assert "Sie schulden der Bibliothek 23,40 EUR." in told(german.tree)
    assert "Betrug" not in shown.text + german.text
    assert "In the meantime" not in shown.text, "nothing is known"
    (options,) = german.tree.xpath("//h2[text()='Bis dahin']/following-sibling::p/a/@href")
    assert "In unserer Bibliothek" in (await anna.get(options, Accept_Language="de")).text


async def test_a_block_that_comes_while_the_form_is_filled_in_says_its_reason(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    form = {**await anna.form(), "service": "loan"}
    system = gateway.requests().context.system
    find_patron = system.find_patron

    async def find_blocked(key: PatronKey) -> Patron:
        return replace(await find_patron(key), blocks=(Block("overdue items", cause=BlockCause.OVERDUE),))

    system.find_patron = find_blocked  # type: ignore[method-assign]
    page = await anna.post("/openurl/DEMO/request", form)
    assert "You have overdue items. Please return them." in told(page.tree)


@pytest.mark.parametrize(
    ("action", "words"), [("warn", "You have requested this before"), ("refuse", "You have already requested this")]
)
async def test_what_was_asked_for_before_is_told(action: str, words: str, installation: Installation) -> None:
    rules = {"intake": {"duplicates": {"action": action}}}
    async with running(installation, rules=rules) as gateway, visitor(gateway) as anna:
        await anna.sign_in()
        assert told((await anna.get(f"/openurl/DEMO/request?{BOOK}")).tree) == ""
        await anna.post("/openurl/DEMO/request", {**await anna.form(), "service": "loan"})

        page = await anna.get(f"/openurl/DEMO/request?{BOOK}")
        assert words in told(page.tree)
        assert page.tree.xpath("//main//form"), "another part of it is another request"


async def test_who_has_as_many_requests_as_allowed_gets_no_form(installation: Installation) -> None:
    rules = {"intake": {"open_requests": {"default": 1}}}
    async with running(installation, rules=rules) as gateway, visitor(gateway) as anna:
        await anna.sign_in()
        await anna.post("/openurl/DEMO/request", {**await anna.form(), "service": "loan"})

        page = await anna.get("/openurl/DEMO/request?genre=book&title=Altera")
        assert "the limit for open requests" in told(page.tree)
        assert "at a time: 1." in told(page.tree)
        assert not page.tree.xpath("//main//form")


async def test_looking_keeps_nothing(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    await anna.form()
    assert (await anna.get("/openurl/DEMO/requests")).tree.xpath("//main//li[not(ancestor::nav)]") == []
