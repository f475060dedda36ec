"""What staff see when something goes wrong: what it means, what they had typed, and the way on."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.requests.views import VersionConflict
from gateway.services.request_work.request_service import RequestService
from tests.protocol.pages.support import Running
from tests.protocol.staff.support import colleague

TYPED = "Rush, please: the reader defends her thesis on 15 December."


class BrokenDesk:
    """In place of the lists' service."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def list_work(self, _branches: object) -> None:
        raise self._error


def break_work_queue(gateway: Running, error: Exception) -> None:
    pages: Any = gateway.gateway._staff_pages
    object.__setattr__(pages._parts.libraries["DEMO"], "desk", BrokenDesk(error))


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (Unavailable("the database is away"), 503, "Part of the system is not responding"),
        (OutcomeUnknown("no answer"), 504, "We cannot confirm whether this was done"),
        (Refused(RefusalReason.NOT_ALLOWED, "The item is on loan."), 409, "This action is not possible"),
        (VersionConflict(4), 409, "Changed by somebody else"),
    ],
)
async def test_what_went_wrong_is_said_in_words(gateway: Running, error: Exception, status: int, title: str) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        break_work_queue(gateway, error)

        answer = await ruth.get()

        assert (answer.status, answer.title) == (status, title)
        assert "database is away" not in answer.text
        ways = answer.tree.xpath("//main//a[@href='/staff']/text()")
        assert ways == (["Try again"] if status == 503 else []) + ["Go to the work queue"]


async def test_a_list_that_cant_be_read_says_so_in_its_place(gateway: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_arguments: object) -> None:
        raise Unavailable("the database is away")

    async with colleague(gateway, "r.okafor", "staff") as ruth:
        monkeypatch.setattr(RequestService, "list_requests", fail)
        answer = await ruth.get("/borrowing?state=received")

    (said,) = answer.tree.xpath("//div[@id='list']//div[@role='alert']")
    assert (answer.status, answer.title) == (503, "Borrowing")
    assert "This list cannot be loaded: the database is not responding." in said.text_content()
    assert said.xpath(".//a/@href") == ["/staff/borrowing?state=received"]
    assert "database is away" not in answer.text
    assert "very many requests" not in answer.text, "how many there are is not known"
    assert answer.tree.xpath("//ul[@class='chosen']/li"), "the filter is still there"


async def test_a_defect_has_a_mark_by_which_the_log_has_it(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        break_work_queue(gateway, RuntimeError("Anna Müller, 21000000000017"))
        with capture_logs() as logs:
            answer = await ruth.get()

        (entry,) = (one for one in logs if one["event"] == "staff.page_failed")
        assert (answer.status, answer.title) == (500, "Something went wrong")
        assert f"quote {entry['mark']} so" in answer.text
        assert "Müller" not in answer.text


async def test_more_than_a_form_may_hold_is_refused_with_a_page(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        answer = await ruth.post("/account/look", {"theme": "x" * 300_000})

        assert (answer.status, answer.title) == (413, "Too much data")


async def test_what_was_typed_is_on_the_page(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        fields = {"theme": TYPED, "own_password": "a secret that nobody shall see", "seen": "0661419f4203df0005195f15"}

        answer = await ruth.post("/account/look", fields, token="0" * 64)

        assert answer.title == "This form has expired"
        assert answer.tree.xpath("//textarea/text()") == [TYPED]
        assert "a secret" not in answer.text


async def test_pages_are_in_the_readers_language(gateway: Running) -> None:
    async with colleague(gateway, "r.okafor", "staff") as ruth:
        answer = await ruth.browser.get("/staff/nowhere", Accept_Language="de")

        assert answer.title == "Seite nicht gefunden"
        assert answer.tree.get("lang") == "de"
