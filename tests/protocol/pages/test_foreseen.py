"""What stands in the way of a request is told before its form is filled in."""

from __future__ import annotations

import pytest

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
    assert not page.tree.xpath("//main//form")
    assert page.tree.xpath("//main//a[text()='My requests']")


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
        assert not page.tree.xpath("//main//form")


async def test_looking_keeps_nothing(gateway: Running, anna: Visitor) -> None:
    await anna.sign_in()
    await anna.form()
    assert (await anna.get("/openurl/DEMO/requests")).tree.xpath("//main//li") == []
