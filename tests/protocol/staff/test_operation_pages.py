"""The pages of operators: what needs them, mailboxes, jobs, the journal, and profiles with what is wrong in them."""

from __future__ import annotations

import ast
import asyncio
import inspect
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.adapter_registry import AdapterRegistry, load_adapters
from gateway.domain.problems import ConfigurationProblem
from gateway.ports.responder import OutcomeClass
from gateway.runtime import daemon, monitoring, periodic_tasks, served_libraries
from gateway.services.operation.check.certificates import describe_ending_certificates
from gateway.services.operation.gateway_operation import CheckFindings
from gateway.settings.sections import Tls
from gateway.store import journal
from gateway.store.journal_records import OFFICE, JournalEnding, JournalOpening
from gateway.store.requests.outbox import OutboxRow, add_outbox_row, claim_rows, schedule_retry
from gateway.store.schema import make_exchange_id
from gateway.web.staff import journal_pages
from gateway.web.staff.operation_pages import JOBS, NAMED_JOBS
from tests.protocol.pages.conftest import RULES
from tests.protocol.pages.support import Answer, Running, running
from tests.protocol.staff.request_scenes import library_context, lose_key_of
from tests.protocol.staff.support import Colleague, colleague, make_user
from tests.support.daemon import Installation
from tests.support.mail_house import MemoryMailbox
from tests.support.shipped_profiles import copy_shipped_profiles

BOX = {
    "name": "ill",
    "host": "127.0.0.1",
    "security": "none",
    "user": "ill@demo.example",
    "password": "env:ILLGATE_NOT_SET",
}
MAIL = (
    b"From: ill@vaumarin.example\r\nTo: ill@demo.example\r\nSubject: votre demande\r\n"
    b"Message-ID: <1@vaumarin.example>\r\nDate: Mon, 02 Mar 2026 09:30:00 +0000\r\n\r\nMerci bien.\r\n"
)
GOOD_PROFILE = "partner:\n  symbols: [SAHIL]\n  name: مكتبة جامعة الساحل\n  email: ill@sahil.example\n  channel: mail\n"


@pytest.fixture
def box() -> MemoryMailbox:
    return MemoryMailbox()


@pytest.fixture
async def gateway(installation: Installation, box: MemoryMailbox) -> AsyncIterator[Running]:
    copy_shipped_profiles(installation.folder, "bldss", "illiad-alma")
    (installation.folder / "profiles" / "sahil.yml").write_text(GOOD_PROFILE, encoding="utf-8")
    async with running(installation, read_from_memory(box), rules=RULES, mailboxes=[BOX]) as one:
        yield one


def read_from_memory(box: MemoryMailbox) -> AdapterRegistry:
    adapters = load_adapters()
    client = replace(adapters.mailboxes["imap"], make=lambda _secrets: box)
    return replace(adapters, mailboxes={**adapters.mailboxes, "imap": client})


def words_of(page: Answer, heading: str) -> str:
    (section,) = page.tree.xpath(f"//main//section[h2='{heading}' or div/h2='{heading}']")
    return " ".join(" ".join(section.itertext()).split())


# --- how it stands -------------------------------------------------------------------------------------------


async def test_all_is_well_and_says_so(olga: Colleague) -> None:
    page = await olga.get("/operation")

    assert "No action needed" in words_of(page, "Action needed")
    assert "Database working" in words_of(page, "Components")
    assert "Delete messages whose retention period has ended" in words_of(page, "Background jobs")


async def test_a_mailbox_is_read_at_once_and_says_how_many_came(olga: Colleague, box: MemoryMailbox) -> None:
    box.deliver(MAIL)

    page = await olga.post("/operation/mailboxes/ill/poll", {})

    assert "The mailbox was read: 1 new email." in page.text
    assert "reading" in words_of(page, "Mailboxes")
    assert "1 email" in words_of(page, "Mailboxes")


async def test_a_mailbox_that_cannot_be_read_needs_somebody_until_it_can(olga: Colleague, box: MemoryMailbox) -> None:
    box.breaks.append("open")

    page = await olga.post("/operation/mailboxes/ill/poll", {})

    needed = words_of(page, "Action needed")
    assert "Mailbox ill cannot be read since" in needed
    assert "(less than a minute) Emails to it from partners and patrons are not read." in needed
    assert "The mailbox cannot be read:" in page.text
    (act,) = page.tree.xpath("//ul[@class='first']/li[.//b/bdi='Mailbox ill cannot be read']/form/@action")
    page = await olga.post(act.removeprefix("/staff"), {})
    assert "No action needed" in words_of(page, "Action needed")


async def test_a_mailbox_of_nobody_is_not_there(olga: Colleague) -> None:
    assert (await olga.post("/operation/mailboxes/other/poll", {})).status == 404


# --- journal -------------------------------------------------------------------------------------------------


async def write_exchange(gateway: Running, **said: object) -> str:
    """Id of its first message."""
    now = library_context(gateway).now()
    outcome, reason = said.pop("outcome", OutcomeClass.OK), said.pop("reason", "")
    begun = {"library": "DEMO", "at": now, "protocol": "ncip", "transport": "http", "service": "LookupUser", **said}
    begun.setdefault("body", "<NCIPMessage>Нина</NCIPMessage>".encode())
    exchange = await gateway.gateway.managed.libraries["DEMO"].journaled.journal.record_exchange(
        JournalOpening(**begun),  # type: ignore[arg-type]
        JournalEnding(at=now, outcome=outcome, reason=reason, body=b"<NCIPMessage>answered</NCIPMessage>"),  # type: ignore[arg-type]
    )
    return f"{exchange}-1"


def list_shown(page: Answer) -> list[str]:
    return [" ".join(" ".join(one.itertext()).split()) for one in page.tree.xpath("//main//tbody/tr/td[2]")]


async def test_a_message_whose_key_is_missing_says_so_in_its_place(gateway: Running, olga: Colleague) -> None:
    message = await write_exchange(gateway)
    await lose_key_of(gateway, message)

    listed = await olga.get(f"/operation/journal/{message}")
    page = await olga.post(f"/operation/journal/{message}", {})
    replay = await olga.post(f"/operation/journal/{message}/rehearsal", {})

    assert (listed.status, page.status, replay.status) == (200, 200, 200)
    why = f"message {message} was encrypted with key k1, which is not configured"
    assert page.tree.xpath("string(//p[@class='note-line'])").startswith(f"The content cannot be read: {why}.")
    assert page.tree.xpath("//pre/text()") == ["<NCIPMessage>answered</NCIPMessage>"], "which is kept in clear"
    assert why in words_of(replay, "This message cannot be replayed")


async def test_messages_are_found_by_what_is_known_of_them(gateway: Running, olga: Colleague) -> None:
    await write_exchange(gateway, service="AcceptItem", request_id="ILL-1001", profile="sahil")
    await write_exchange(gateway, service="Shipped", protocol="iso_ill", outcome=OutcomeClass.FAILED)
    today = library_context(gateway).today()

    pages = {
        query: await olga.get(f"/operation/journal?{query}")
        for query in (
            "",
            "protocol=iso_ill",
            "outcome=failed",
            "profile=sahil",
            "request=ILL-1001",
            "direction=in&request=ILL-1001",
            f"first={today}&last={today}",
            f"last={today - timedelta(days=1)}",
        )
    }

    assert {page.status for page in pages.values()} == {200}
    both = {"AcceptItem", "Shipped"}
    assert {query: {line.split()[1] for line in list_shown(page)} for query, page in pages.items()} == {
        "": both,
        "protocol=iso_ill": {"Shipped"},
        "outcome=failed": {"Shipped"},
        "profile=sahil": {"AcceptItem"},
        "request=ILL-1001": {"AcceptItem"},
        "direction=in&request=ILL-1001": {"AcceptItem"},
        f"first={today}&last={today}": both,
        f"last={today - timedelta(days=1)}": set(),
    }


async def test_what_matches_is_counted_on_every_page_of_it(
    gateway: Running, olga: Colleague, monkeypatch: pytest.MonkeyPatch
) -> None:
    for outcome in (OutcomeClass.OK, OutcomeClass.FAILED, OutcomeClass.OK, OutcomeClass.OK):
        await write_exchange(gateway, outcome=outcome)
    monkeypatch.setattr(journal_pages, "ROWS", 4)

    async def read_count(query: str) -> str:
        return str((await olga.get(f"/operation/journal?{query}")).tree.xpath("string(//main//h1/../p)"))

    first = await olga.get("/operation/journal")
    assert first.tree.xpath("string(//select[@name='protocol']/option[@value='ncip'])") == "NCIP"
    (older,) = first.tree.xpath("//a[text()='Older']/@href")
    assert await read_count("") == await read_count(older.partition("?")[2]) == "4 entries"
    assert await read_count("outcome=failed") == "1 entry"
    assert await read_count("outcome=rejected") == ""
    monkeypatch.setattr("gateway.store.journal.MAX_COUNTED", 3)
    assert await read_count("") == "at least 3 entries"
    monkeypatch.setattr("gateway.store.journal_queries.SCAN", 2)  # one look sees less than the page
    assert await read_count("outcome=ok") == "at least 2 entries"


async def test_what_a_message_says_stands_in_words(gateway: Running, olga: Colleague) -> None:
    """Where its format has no name for it, the journal has the word of the event."""
    await write_exchange(gateway, service="shipped", protocol="mail", profile="sahil")
    message = await write_exchange(gateway, service="pigeon", protocol="mail", profile="sahil")

    page = await olga.get("/operation/journal?profile=sahil&direction=in")

    assert list_shown(page) == ["Received: pigeon Email", "Received: مكتبة جامعة الساحل shipped the item Email"]
    assert (await olga.get(f"/operation/journal/{message}")).title == "pigeon, done"


async def test_an_unknown_filter_is_a_mistake_and_narrows_nothing(gateway: Running, olga: Colleague) -> None:
    await write_exchange(gateway)

    for query in ("protocol=pigeon&first=yesterday", "first=0001-01-01", "last=9999-12-31"):
        page = await olga.get(f"/operation/journal?{query}")

        assert page.status == 422, query
        assert len(list_shown(page)) == 1, query


async def test_a_refused_message_says_why_and_which_lines_of_which_file_decide(
    gateway: Running, olga: Colleague
) -> None:
    """The profile extends one that is shipped."""
    (refused, unknown, done) = [
        await write_exchange(gateway, service="AcceptItem", profile="illiad-alma", outcome=outcome, reason=reason)
        for outcome, reason in (
            (OutcomeClass.REFUSED, "bad-pickup-location"),
            (OutcomeClass.REFUSED, "duplicate-charge"),
            (OutcomeClass.OK, ""),
        )
    ]

    page = await olga.get(f"/operation/journal/{refused}")
    rows = [
        " ".join(" ".join(row.itertext()).split())
        for row in page.tree.xpath("//section[@aria-labelledby='why']//tbody/tr")
    ]
    (link,) = {href.partition("#")[0] for href in page.tree.xpath("//section[@aria-labelledby='why']//tbody//a/@href")}
    file = await olga.get(link.removeprefix("/staff"))

    assert "it cannot be picked up at this location" in words_of(page, "Why it was not done")
    said = {key: (place, value) for place, key, value in (row.split(" ", 2) for row in rows)}
    place, value = said["circulation.pickup.unknown"]
    assert value == "refuse"
    (line,) = file.tree.xpath(f"//*[@id='line-{place.rpartition(':')[2]}']")
    assert "unknown: refuse" in line.text_content(), "the line that is named"
    assert "circulation.pickup.default" not in said, "a default is nobody's line"
    assert "has no setting for it" in words_of(await olga.get(f"/operation/journal/{unknown}"), "Why it was not done")
    assert "Why it was not done" not in (await olga.get(f"/operation/journal/{done}")).text


async def test_a_message_and_its_answer_are_one_row(gateway: Running, olga: Colleague) -> None:
    for number in range(3):
        await write_exchange(gateway, request_id=f"ILL-{number}")

    page = await olga.get("/operation/journal")
    answers = await olga.get("/operation/journal?direction=out")

    assert list_shown(page) == ["Received: LookupUser NCIP"] * 3
    assert list_shown(answers) == ["Sent: LookupUser NCIP"] * 3


async def test_an_answer_at_the_end_of_a_page_stands_with_its_question_on_the_next(
    gateway: Running, olga: Colleague, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_pages, "ROWS", 3)
    for number in range(2):
        await write_exchange(gateway, request_id=f"ILL-{number}")

    newest = await olga.get("/operation/journal")
    (older,) = newest.tree.xpath("//a[text()='Older']/@href")
    rest = await olga.get(older.removeprefix("/staff"))

    numbers = [page.tree.xpath("//main//tbody/tr/td[5]/text()") for page in (newest, rest)]
    assert numbers == [["ILL-1"], ["ILL-0"]]
    assert not newest.tree.xpath("//a[text()='Newest']")
    assert rest.tree.xpath("//a[text()='Newest']/@href") == ["/staff/operation/journal"]


async def test_a_wrong_moment_names_its_field(gateway: Running, olga: Colleague) -> None:
    wrong = await olga.post("/operation/journal", {"first": "gestern", "last": "2020-13-45T12:00"})

    problem = "Please enter a date, such as 2026-12-31."
    assert wrong.tree.xpath("//div[@id='summary']//a/text()") == [f"From: {problem}", f"Until: {problem}"]


async def test_minutes_and_items_narrow(gateway: Running, olga: Colleague) -> None:
    await write_exchange(gateway, item_id="39000000000017")
    minute = library_context(gateway).now().astimezone(library_context(gateway).zone)

    async def count_rows(query: str) -> int:
        return len(list_shown(await olga.get(f"/operation/journal?{query}")))

    assert await count_rows("item=39000000000017") == 1
    assert await count_rows("item=39000000000018") == 0
    assert await count_rows(f"first={minute - timedelta(minutes=2):%Y-%m-%dT%H:%M}") == 1
    assert await count_rows(f"first={minute + timedelta(minutes=2):%Y-%m-%dT%H:%M}") == 0
    assert await count_rows(f"last={minute - timedelta(minutes=2):%Y-%m-%dT%H:%M}") == 0
    wrong = await olga.get("/operation/journal?first=2026-13-01T10:00")
    assert wrong.status == 422


async def test_words_of_the_content_are_found_and_the_search_is_logged_without_them(
    gateway: Running, olga: Colleague
) -> None:
    await write_exchange(gateway, service="AcceptItem", body="<Title>Тихие воды</Title>".encode())
    await write_exchange(gateway)

    found = await olga.post("/operation/journal", {"text": "тихие"})
    nothing = await olga.post("/operation/journal", {"text": "пепел"})
    addressed = await olga.get("/operation/journal?text=тихие")
    log = await olga.get("/audit")

    assert list_shown(found) == ["Received: AcceptItem NCIP"]
    assert list_shown(nothing) == []
    assert len(list_shown(addressed)) == 2, "an address has no words"
    assert not found.tree.xpath("//form[contains(@action, '/replays/')]"), "words are not kept for a job"
    told = " ".join(" ".join(log.tree.xpath("//main")[0].itertext()).split())
    assert told.count("o.brandt searched the content of messages") == 2
    assert "тихие" not in log.text


async def test_no_address_of_a_search_for_words_has_them(
    gateway: Running, olga: Colleague, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies log addresses. Filters stay in them, so that one can be kept."""
    monkeypatch.setattr(journal_pages, "ROWS", 1)
    monkeypatch.setattr(journal, "EXPORT_PAGE", 2)
    for service in ("CheckOutItem", "AcceptItem"):
        await write_exchange(gateway, service=service, body="<Title>Тихие воды</Title>".encode())

    filtered = await olga.post("/operation/journal", {"service": "AcceptItem", "text": ""})
    newest = await olga.post("/operation/journal", {"protocol": "ncip", "text": "тихие"})
    (older,) = newest.tree.xpath("//form[.//button[text()='Older']]")
    fields = {one.get("name"): one.get("value") for one in older.xpath(".//input[@name!='csrf']")}
    rest = await olga.post(older.get("action").removeprefix("/staff"), fields)

    assert filtered.url.endswith("/staff/operation/journal?service=AcceptItem")
    assert [list_shown(page) for page in (newest, rest)] == [
        ["Received: AcceptItem NCIP"],
        ["Received: CheckOutItem NCIP"],
    ]
    assert fields["protocol"] == "ncip"
    for page in (newest, rest):
        assert page.url.endswith("/operation/journal")
        assert not page.tree.xpath("//@href[contains(., 'text=')]")


async def test_content_that_cannot_be_read_is_told_where_words_of_it_are_searched(
    gateway: Running, olga: Colleague
) -> None:
    await lose_key_of(gateway, await write_exchange(gateway))

    page = await olga.post("/operation/journal", {"text": "answered"})

    assert page.status == 422
    assert "was encrypted with key k1, which is not configured" in page.text


async def test_content_is_shown_on_asking_and_it_is_logged_who_did(gateway: Running, olga: Colleague) -> None:
    message = await write_exchange(gateway)

    before = await olga.get(f"/operation/journal/{message}")
    assert "Нина" not in before.text
    assert "answered" not in before.text
    after = await olga.post(f"/operation/journal/{message}", {})

    assert "Нина" in after.text
    assert "&lt;NCIPMessage&gt;answered" in after.text
    log = await olga.get("/audit")
    assert f"o.brandt read the message {message}" in " ".join(" ".join(log.tree.xpath("//main")[0].itertext()).split())


async def test_a_message_that_is_not_there_is_not_found_and_not_logged(olga: Colleague) -> None:
    assert (await olga.post("/operation/journal/0123456789abcdef-1", {})).status == 404
    assert "read the message" not in (await olga.get("/audit")).text


# --- profiles ------------------------------------------------------------------------------------------------


async def test_a_profile_is_shown_with_its_file_and_its_examples(olga: Colleague) -> None:
    page = await olga.get("/operation/profiles/sahil")

    assert "مكتبة جامعة الساحل" in words_of(page, "Current file")
    assert "This profile has no examples." in words_of(page, "Examples")
    assert "Tested just now" not in words_of(page, "Examples")
    assert "6 examples passed" in words_of(await olga.get("/operation/profiles/bldss"), "Examples")


async def test_a_wrong_edit_is_shown_at_its_line_and_the_old_one_stays_in_use(
    gateway: Running, installation: Installation, olga: Colleague, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitoring, "FRESH_SECONDS", -1.0)  # else what was found at the start is good for a second
    wrong = GOOD_PROFILE.replace("channel: mail", "channel: pigeon")
    (installation.folder / "profiles" / "sahil.yml").write_text(wrong, encoding="utf-8")
    assert not await gateway.gateway._profiles.reload()

    page = await olga.get("/operation/profiles/sahil")

    assert "previous version in use: the file has errors" in page.text
    assert page.tree.xpath("//a[@href='#line-5']"), "the line of the channel"
    assert str(page.tree.xpath("string(//*[@id='line-5']/mark)")).strip() == "channel: pigeon"
    assert "Profiles" in words_of(await olga.get("/operation"), "Action needed")
    async with colleague(gateway, "o.klein", "operator", Accept_Language="de") as german:
        assert "gefunden: 'pigeon', erlaubt: " in words_of(await german.get("/operation"), "Zu erledigen")


async def test_a_file_that_never_was_in_use_is_listed_too(
    gateway: Running, installation: Installation, olga: Colleague
) -> None:
    (installation.folder / "profiles" / "new-one.yml").write_text(
        "partner: [\nauth:\n  - secret: |\n      Кот в мешке\n", encoding="utf-8"
    )
    await gateway.gateway._profiles.reload()

    page = await olga.get("/operation/profiles")

    assert "not in use" in page.text
    shown = await olga.get("/operation/profiles/new-one")
    assert "A secret is written in the file" in words_of(shown, "Current file")
    assert "Кот в мешке" not in shown.text
    assert (await olga.get("/operation/profiles/nobody")).status == 404


def test_each_job_of_the_daemon_has_words_for_people() -> None:
    sources = [inspect.getsource(module) for module in (daemon, periodic_tasks, served_libraries)]
    calls = [one for source in sources for one in ast.walk(ast.parse(source)) if isinstance(one, ast.Call)]
    names = [
        one.args[0]
        for one in calls
        if isinstance(one.func, ast.Attribute) and ast.unparse(one.func.value) in ("self._tasks", "tasks") and one.args
    ]

    fixed = {one.value for one in names if isinstance(one, ast.Constant)}
    with_names = {ast.unparse(one.values[0]) for one in names if isinstance(one, ast.JoinedStr)}

    assert fixed == set(JOBS)
    assert with_names == set(map(repr, NAMED_JOBS))


# --- messages that were not done -----------------------------------------------------------------------------


async def write_refused(gateway: Running, count: int, reason: str, **said: object) -> None:
    for _ in range(count):
        await write_exchange(gateway, profile="ncip2", outcome=OutcomeClass.REFUSED, reason=reason, **said)


async def test_refusals_that_what_is_set_up_may_have_caused_need_somebody_by_partner_and_reason(
    gateway: Running, olga: Colleague
) -> None:
    await write_refused(gateway, 3, "bad-pickup-location", service="AcceptItem")
    await write_refused(gateway, 2, "unknown-patron")

    page = await olga.get("/operation")

    needed = words_of(page, "Action needed")
    assert "3 messages from ncip2 were not processed since" in needed
    assert "The gateway has not carried out the actions that these messages request." in needed
    assert "AcceptItem, refused: it cannot be picked up at this location." in needed
    assert "Open these messages" in needed
    assert "unknown patron" not in needed, "which is about one patron"
    assert "ncip2 LookupUser refused unknown patron 2" in words_of(page, "Messages not processed")
    (link,) = page.tree.xpath("//ul[@class='first']//a/@href")
    found = await olga.browser.get(str(link))
    assert list_shown(found) == ["Received: AcceptItem NCIP"] * 3


async def test_many_refusals_need_somebody_whatever_the_reason(gateway: Running, olga: Colleague) -> None:
    await write_refused(gateway, 19, "unknown-patron")
    assert "No action needed" in words_of(await olga.get("/operation"), "Action needed")

    await write_refused(gateway, 1, "unknown-patron")

    assert "20 messages from ncip2 were not processed" in words_of(await olga.get("/operation"), "Action needed")


async def test_refusals_of_strangers_replayed_and_older_ones_need_nobody(gateway: Running, olga: Colleague) -> None:
    now = library_context(gateway).now()
    await write_exchange(gateway, outcome=OutcomeClass.REJECTED, reason="unknown-sender")
    await write_refused(gateway, 1, "bad-pickup-location", at=now - timedelta(hours=25))
    replayed = await write_exchange(gateway, profile="ncip2", outcome=OutcomeClass.REFUSED, reason="not-allowed")
    await write_exchange(gateway, profile="ncip2", replay_of=replayed)

    page = await olga.get("/operation")
    week = await olga.get("/operation?period=week")

    assert "No action needed" in words_of(page, "Action needed")
    assert "unknown sender" in words_of(page, "Messages not processed")
    assert "picked up" not in words_of(page, "Messages not processed")
    assert "picked up" in words_of(week, "Messages not processed")
    assert "No action needed" in words_of(week, "Action needed")
    assert "not allowed" not in words_of(week, "Messages not processed")


# --- the check of the configuration --------------------------------------------------------------------------

WRONG_PICKUP = (
    "extends: ncip2\nmatch:\n  - path: our-illiad\ncirculation:\n  pickup:\n    map:\n      SCIENCE: SCX\n"
    "partner: {symbols: [OUR-ILLIAD], name: Our ILLiad}\n"
)


async def test_the_check_of_the_page_is_that_of_the_command(installation: Installation) -> None:
    (installation.folder / "profiles" / "our-illiad.yml").write_text(WRONG_PICKUP, encoding="utf-8")
    async with running(installation, rules=RULES) as gateway, colleague(gateway, "o.brandt", "operator") as olga:
        before = await olga.get("/operation")
        after = await olga.post("/operation/check", {})
        printed = (await asyncio.to_thread(installation.run, "check", check=False)).stdout

    assert "has not been checked since this node started" in words_of(before, "Configuration check")
    assert "No action needed" in words_of(before, "Action needed")
    assert "The configuration was checked." in after.text
    shown = [str(one).strip() for one in after.tree.xpath("//section[.//h2[@id='check']]/ul/li/span/text()")]
    remarks = after.tree.xpath("//section[.//h2[@id='check']]/details//li/span/text()")
    assert shown
    assert [one for one in printed.splitlines() if one.startswith("  ") and "our-illiad.yml" in one] == [
        f"  {one}" for one in [*shown, *map(str, remarks)] if "our-illiad.yml" in one
    ]
    (wrong,) = shown
    assert "our-illiad.yml:7" in wrong
    assert "SCX" in wrong
    needed = words_of(after, "Action needed")
    assert "1 problem in our-illiad.yml" in needed
    assert wrong in needed


async def test_a_check_that_comes_to_no_end_is_said(gateway: Running, olga: Colleague) -> None:
    gateway.gateway._check._command = (sys.executable, "-c", "raise SystemExit(3)")

    page = await olga.post("/operation/check", {})

    assert "The configuration could not be checked" in words_of(page, "Action needed")
    assert "illgate check ended with exit code 3" in words_of(page, "Configuration check")


@pytest.mark.parametrize("is_shared", [False, True])
async def test_problems_in_profiles_of_another_library_are_not_shown(
    gateway: Running, olga: Colleague, *, is_shared: bool
) -> None:
    """Nor those in the file of a partner that ours has, too."""
    operation = gateway.gateway._staff_pages._parts.operations["DEMO"]  # type: ignore[union-attr]
    loaded = next(iter(operation._profiles.current.loaded.values()))
    problem = ConfigurationProblem(loaded.document.file, 3, ("partner",), "is wrong")
    gateway.gateway._check.findings = CheckFindings(library_context(gateway).now(), (problem,))
    assert "is wrong" in words_of(await olga.get("/operation"), "Configuration check")

    others = replace(loaded, profile=loaded.profile.model_copy(update={"library": "OTHER"}))
    ours = replace(loaded, profile=loaded.profile.model_copy(update={"library": "DEMO"}), others=(others,))
    operation._profiles.current.loaded[loaded.profile.name] = ours if is_shared else others

    page = await olga.get("/operation")
    assert "is wrong" not in words_of(page, "Configuration check")
    assert "No action needed" in words_of(page, "Action needed")


# --- the mail server, the queue, certificates ----------------------------------------------------------------


async def add_row(gateway: Running, **said: object) -> None:
    """Of the outbox, due an hour and a quarter ago."""
    context = library_context(gateway)
    then = context.now() - timedelta(minutes=75)
    given = {"lane": "lane", "kind": "letter", "target": "placed", "request_id": "", "payload": "{}", **said}
    row = OutboxRow(library="DEMO", id=make_exchange_id(then), created=then, next_at=then, **given)  # type: ignore[arg-type]
    await context.store.write(lambda c: add_outbox_row(c, row))


async def test_a_mail_server_that_is_away_needs_somebody(gateway: Running, olga: Colleague) -> None:
    await add_row(gateway, lane="lane-1")
    context = library_context(gateway)
    lease = timedelta(minutes=1)
    for tries in (1, 2, 3):
        (row,) = await context.store.write(lambda c: claim_rows(c, context.now(), 5, lease, "node"))
        again = context.now() - timedelta(seconds=1)
        await context.store.write(lambda c, row=row, again=again: schedule_retry(c, row, again, "connection refused"))
        page = await olga.get("/operation")
        assert ("letter to a patron cannot be sent" in words_of(page, "Action needed")) == (tries == 3)

    needed = words_of(page, "Action needed")
    assert "1 letter to a patron cannot be sent since" in needed
    assert "The patrons have not been notified. The letters are sent automatically later." in needed
    assert "The mail server is not responding: connection refused." in needed


async def test_what_could_have_gone_out_an_hour_ago_needs_somebody(gateway: Running, olga: Colleague) -> None:
    await add_row(gateway, lane="lane-2")
    await add_row(gateway, lane="lane-2", target="shipped")  # behind it

    page = await olga.get("/operation")

    assert "Messages that are due have not been sent since" in words_of(page, "Action needed")
    assert "Due since" in words_of(page, "Queue")


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (31, "No action needed"),
        (29, "The certificate server.pem ends on"),
        (-1, "The certificate server.pem ended on"),
    ],
)
async def test_a_certificate_near_its_end_needs_somebody(
    gateway: Running, olga: Colleague, tmp_path: Path, days: int, said: str
) -> None:
    """As the listener names it; the daemon of these tests has none."""
    file = write_certificate(tmp_path / "server.pem", library_context(gateway).now() + timedelta(days=days, hours=1))
    operation = gateway.gateway._staff_pages._parts.operations["DEMO"]  # type: ignore[union-attr]
    settings = operation._settings
    http = settings.http.model_copy(update={"tls": Tls.model_construct(certificate=str(file), key=str(file))})
    operation._settings = settings.model_copy(update={"http": http})

    page = await olga.get("/operation")
    found = [
        str(one) for one, _ in describe_ending_certificates(operation._settings, (), library_context(gateway).now())
    ]

    assert said in words_of(page, "Action needed")
    assert len(found) == (days < 30)
    assert all("http.tls.certificate: the certificate end" in one for one in found)


def write_certificate(file: Path, ends: datetime) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ill.library.example")])
    begun = ends - timedelta(days=90)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(begun).not_valid_after(ends)
    file.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return file


async def test_what_names_no_library_is_for_operators_of_all(installation: Installation) -> None:
    for profile in (installation.folder / "profiles").glob("*.yml"):
        profile.unlink()  # each would have to say which library it is for
    fjord = {"symbol": "FJORD", "name": "Bibliothèque du Fjord", "system": {"type": "embedded"}}
    async with (
        running(installation, other_libraries=[fjord]) as gateway,
        colleague(gateway) as olga,
        colleague(gateway, "ruth", "operator") as ruth,
    ):
        await make_user(gateway, "olga.all", "operator@*")
        message = await write_exchange(gateway, library=OFFICE, peer="192.0.2.7", outcome=OutcomeClass.REJECTED)
        await olga.sign_in("olga.all")

        listed = await olga.get("/operation/journal?owner=office")
        read = await olga.post(f"/operation/journal/{message}?owner=office", {})
        assert list_shown(listed) == ["Received: LookupUser NCIP"]
        assert "Нина" in read.text
        assert "Messages for no library" in (await olga.get("/operation/journal")).text
        assert (await olga.get(f"/operation/journal/{message}")).status == 404

        assert "Messages for no library" not in (await ruth.get("/operation/journal")).text
        for path in ("/operation/journal?owner=office", f"/operation/journal/{message}?owner=office"):
            assert (await ruth.get(path)).status == 403
        assert (await ruth.post(f"/operation/journal/{message}?owner=office", {})).status == 403


async def test_an_operator_of_one_library_sees_neither_the_machine_nor_what_is_wrong_with_others(
    installation: Installation,
) -> None:
    for profile in (installation.folder / "profiles").glob("*.yml"):
        profile.unlink()  # each would have to say which library it is for
    fjord = {"symbol": "FJORD", "name": "Bibliothèque du Fjord", "system": {"type": "embedded"}}
    wrong = [("mail", "host"), ("libraries", 0, "email"), ("libraries", 1, "phone")]
    problems = tuple(ConfigurationProblem("gateway.yml", 7, path, "is wrong") for path in wrong)
    async with (
        running(installation, other_libraries=[fjord]) as gateway,
        colleague(gateway, "olga.all", "operator@*") as olga,
        colleague(gateway, "ruth", "operator") as ruth,
    ):
        gateway.gateway._check.findings = CheckFindings(datetime.now(UTC), problems)

        (of_all, of_one) = [await person.get("/operation") for person in (olga, ruth)]

        for page, is_machine_shown in ((of_all, True), (of_one, False)):
            components = page.tree.xpath("//section[@aria-labelledby='parts']//tbody")[0].text_content()
            jobs = page.tree.xpath("//section[@aria-labelledby='jobs']//tbody")[0].text_content()
            found = page.tree.xpath("//section[@aria-labelledby='check']")[0].text_content()
            assert "Library system DEMO" in " ".join(components.split())
            assert "libraries.0.email" in found
            for text, where in {
                "Database": components,
                "Test writing": jobs,
                "mail.host": found,
                "libraries.1.phone": found,
            }.items():
                assert (text in where) is is_machine_shown, text
