"""Many messages replayed as a job at its pages: previewed with their number, paused, resumed and stopped; each once,
whatever happens in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from gateway.domain.problems import Unavailable
from gateway.ports.responder import OutcomeClass, TransportKind
from gateway.services.desks.replay_jobs import JobStatus, ReplayJobWorker
from gateway.store import replay_jobs as store_of_jobs
from gateway.store.journal_records import FullMessage, JournalMessage, JournalOpening
from tests.protocol.pages.conftest import RULES
from tests.protocol.pages.support import PATRON, Answer, Running, running
from tests.protocol.staff.request_scenes import hear_program, library_context, list_heard_messages
from tests.protocol.staff.support import PASSWORD, Colleague, colleague, wait_until_password_is_asked
from tests.protocol.staff.test_operation_pages import words_of, write_exchange
from tests.support.daemon import Installation

REFUSED = {"profile": "ncip2", "outcome": "refused", "reason": "unknown-item"}


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    async with running(installation, rules=RULES) as one:
        yield one


def worker_of(gateway: Running) -> ReplayJobWorker:
    """Of the daemon, which tests of pages run without."""
    return gateway.gateway._replay_worker


async def work_off(gateway: Running, steps: int = 1_000) -> int:
    """How many steps there were to do."""
    for number in range(steps):
        if not await worker_of(gateway).take_step():
            return number
    return steps


async def refuse_check_outs(gateway: Running, count: int) -> list[JournalMessage]:
    """Whose items come afterwards."""
    return [await hear_program(gateway, "check-out", patron=PATRON, item=f"ILL-{n}") for n in range(count)]


async def accept_items(gateway: Running, count: int) -> None:
    for number in range(count):
        await hear_program(
            gateway, "accept-item", patron=PATRON, request=f"TN-{number}", item=f"ILL-{number}", title="Шум дождя"
        )


async def list_replays(gateway: Running) -> list[JournalMessage]:
    return [one for one in await list_heard_messages(gateway) if one.replay_of]


async def begin(olga: Colleague, **fields: str) -> Answer:
    """The preview, confirmed."""
    preview = await olga.post("/operation/replays/preview", REFUSED)
    hidden = {name: preview.hidden(name) for name in ("until", "agreed")}
    return await olga.post("/operation/replays", {**REFUSED, **hidden, **fields})


def job_path(page: Answer) -> str:
    return page.url[page.url.index("/operation/replays/") :].partition("?")[0]


def list_counts(page: Answer) -> dict[str, int]:
    return {
        " ".join(one.xpath("string(a)").split()): int(one.xpath("string(b)"))
        for one in page.tree.xpath("//ul[@class='counters']/li")
    }


def read_job_status(page: Answer) -> tuple[str, str]:
    return read_tag(page.tree.xpath("//h2[@id='job-h']/..//span[contains(@class, 'tag')]"))


def read_tag(tags: Sequence[Any]) -> tuple[str, str]:
    """Its kind and its words."""
    (tag,) = tags
    return str(tag.get("class")).removeprefix("tag "), " ".join(str(tag.text_content()).split())


async def test_messages_that_match_are_counted_replayed_in_order_and_shown_with_what_became_of_them(
    gateway: Running, olga: Colleague
) -> None:
    refused = await refuse_check_outs(gateway, 3)
    await accept_items(gateway, 2)

    found = await olga.get("/operation/journal?profile=ncip2&outcome=refused&reason=unknown-item")
    (form,) = found.tree.xpath("//form[contains(@action, '/operation/replays/preview')]")
    offered = {str(one.get("name")): str(one.get("value")) for one in form.xpath(".//input[@type='hidden']")}
    preview = await olga.post("/operation/replays/preview", offered)

    assert "ncip2 CheckOutItem refused unknown item 3" in words_of(preview, "3 messages")
    assert "3 would call the library system for CheckOut" in words_of(preview, "Preview")
    assert await list_replays(gateway) == [], "nothing is done yet"

    begun = await begin(olga)
    assert "The replay has begun." in begun.text
    assert "0 of 3" in begun.tree.xpath("string(//h2[@id='job-h'])")
    assert await work_off(gateway) == 4, "three messages, and the end"

    done = await olga.get(job_path(begun))
    assert list_counts(done) == {"done": 2, "refused": 1}
    assert "3 of 3" in done.tree.xpath("string(//h2[@id='job-h'])")
    assert read_job_status(done) == ("look", "finished, 1 not done")
    rows = [" ".join(" ".join(row.itertext()).split()) for row in done.tree.xpath("//tbody/tr")]
    assert ["done" in row for row in rows] == [True, True, False]
    assert "refused unknown item refused: unknown item" in rows[2], "now and before"
    assert ["CheckOutItem ILL-" in row for row in rows] == [True] * 3, "told apart by their items"
    replays = await list_replays(gateway)
    assert [one.replay_of for one in reversed(replays)] == [one.id for one in refused]
    log = " ".join((await olga.get("/audit")).tree.xpath("string(//main)").split())
    assert f"o.brandt began the replay {job_path(begun).rpartition('/')[2]}" in log
    assert f"o.brandt replayed the message {refused[0].id}" in log
    (search,) = done.tree.xpath("//main//a[contains(@href, '/operation/journal?')]")
    assert str(search.text_content()).startswith("ncip2, refused, unknown item, until ")
    again = await olga.browser.get(str(search.get("href")))
    assert {row.xpath("string(td[4])") for row in again.tree.xpath("//tbody/tr")} == {"refused unknown item"}
    assert again.tree.xpath("string(//main//h1/../p)") == "4 entries", "and the replay that was refused again"
    jobs = await olga.get("/operation/replays")
    assert "ncip2, refused, unknown item, until " in jobs.tree.xpath("string(//tbody)")
    assert "3 of 3" in jobs.tree.xpath("string(//tbody)")
    assert read_tag(jobs.tree.xpath("//tbody//span[contains(@class, 'tag')]")) == ("look", "finished, 1 not done")


async def test_a_job_without_a_message_that_was_done_is_not_shown_as_good(gateway: Running, olga: Colleague) -> None:
    await refuse_check_outs(gateway, 2)
    refused = job_path(await begin(olga))
    running = read_job_status(await olga.get(refused))
    await work_off(gateway)
    await accept_items(gateway, 2)
    done = job_path(await begin(olga))
    await work_off(gateway)

    assert running == ("waiting", "running")
    assert read_job_status(await olga.get(refused)) == ("late", "finished, none done")
    assert read_job_status(await olga.get(done)) == ("good", "finished")
    tags = (await olga.get("/operation/replays")).tree.xpath("//tbody//span[contains(@class, 'tag')]")
    assert [read_tag([tag]) for tag in tags] == [("good", "finished"), ("late", "finished, none done")]
    german = await olga.get(f"{refused}?ui_language=de")
    assert read_job_status(german) == ("late", "fertig, keine erledigt")


async def test_who_began_a_job_is_named_as_they_are_shown(gateway: Running) -> None:
    await refuse_check_outs(gateway, 1)
    async with colleague(gateway, "s.virtanen", "operator", shown_name="Sami Virtanen") as sami:
        begun, jobs = await begin(sami), await sami.get("/operation/replays")

    assert begun.tree.xpath("//h1/../p/bdi[@title='s.virtanen']/text()") == ["Sami Virtanen"]
    assert jobs.tree.xpath("//td/bdi[@title='s.virtanen']/text()") == ["Sami Virtanen"]


async def test_a_job_is_paused_after_the_message_in_progress_and_goes_on_where_it_was(
    gateway: Running, olga: Colleague
) -> None:
    await refuse_check_outs(gateway, 3)
    path = job_path(await begin(olga))
    assert await work_off(gateway, 1) == 1

    paused = await olga.post(path, {"act": "pause"})
    assert "The replay is paused." in paused.text
    assert await work_off(gateway) == 0
    again = await olga.post(path, {"act": "pause"})
    assert "Nothing was done: the status of the replay has changed." in again.text
    resumed = await olga.post(path, {"act": "resume"})
    assert "The replay continues." in resumed.text
    assert list_counts(resumed) == {"refused": 1, "waiting": 2}
    assert await work_off(gateway) == 3
    assert len(await list_replays(gateway)) == 3


async def test_a_job_that_is_stopped_leaves_the_rest_as_it_is(gateway: Running, olga: Colleague) -> None:
    await refuse_check_outs(gateway, 3)
    path = job_path(await begin(olga))
    await work_off(gateway, 1)

    stopped = await olga.post(path, {"act": "stop"})

    assert "The replay is stopped." in stopped.text
    assert not stopped.tree.xpath("//input[@name='act']")
    assert await work_off(gateway) == 0
    assert len(await list_replays(gateway)) == 1
    assert "status of the replay has changed" in (await olga.post(path, {"act": "resume"})).text


async def test_what_came_since_the_preview_is_not_replayed_and_what_changed_is_said(
    gateway: Running, olga: Colleague
) -> None:
    await refuse_check_outs(gateway, 2)
    preview = await olga.post("/operation/replays/preview", REFUSED)
    hidden = {name: preview.hidden(name) for name in ("until", "agreed")}
    await refuse_check_outs(gateway, 1)  # after it
    other = await olga.post("/operation/replays", {**REFUSED, **hidden, "agreed": "1"})
    begun = await olga.post("/operation/replays", {**REFUSED, **hidden})

    assert "Nothing was done: other messages match now." in other.text
    assert "0 of 2" in begun.text


async def test_a_message_that_somebody_replays_meanwhile_is_not_replayed_once_more(
    gateway: Running, olga: Colleague
) -> None:
    first, _second = await refuse_check_outs(gateway, 2)
    await accept_items(gateway, 2)
    path = job_path(await begin(olga))
    pages = gateway.gateway._staff_pages
    assert pages is not None
    await pages._parts.replays["DEMO"].exchange.replay_message(await read_message(gateway, first.id))

    await work_off(gateway)

    assert list_counts(await olga.get(path)) == {"done": 2}
    assert len(await list_replays(gateway)) == 2


async def read_message(gateway: Running, message_id: str) -> FullMessage:
    kept = await gateway.gateway.managed.libraries["DEMO"].journaled.journal.get_message("DEMO", message_id)
    assert kept is not None
    return kept


@pytest.mark.parametrize("is_begun_before", [False, True], ids=["in the job", "before the job"])
async def test_a_replay_that_a_crash_interrupted_is_waited_for_and_not_begun_again(
    gateway: Running, olga: Colleague, is_begun_before: bool
) -> None:
    """It is in the journal without an end; recovery finishes it, and the job takes what came of it."""
    (refused,) = await refuse_check_outs(gateway, 1)
    await accept_items(gateway, 1)
    if not is_begun_before:
        path = job_path(await begin(olga))
    kept = await read_message(gateway, refused.id)
    assert kept.body is not None
    journal = gateway.gateway.managed.libraries["DEMO"].journaled.journal
    begun = await journal.begin(
        JournalOpening(
            library="DEMO",
            at=library_context(gateway).now(),
            body=kept.body,
            protocol="ncip",
            transport=TransportKind.REPLAY.value,
            profile="ncip2",
            service=refused.service,
            item_id=refused.item_id,
            replay_of=refused.id,
        )
    )
    if is_begun_before:
        path = job_path(await begin(olga))

    assert await work_off(gateway) == 0
    assert list_counts(await olga.get(path)) == {"waiting": 1}

    pages = gateway.gateway._staff_pages
    assert pages is not None
    await pages._parts.replays["DEMO"].exchange.finish_message(await read_message(gateway, f"{begun.exchange}-1"))
    await work_off(gateway)

    assert list_counts(await olga.get(path)) == {"done": 1}
    (replayed,) = await list_replays(gateway)
    assert (replayed.exchange, replayed.outcome) == (begun.exchange, OutcomeClass.OK)


async def test_a_job_pauses_while_the_library_system_is_away_and_then_tries_again_what_failed(
    gateway: Running, olga: Colleague, monkeypatch: pytest.MonkeyPatch
) -> None:
    await refuse_check_outs(gateway, 5)
    await accept_items(gateway, 5)
    path = job_path(await begin(olga))

    async def be_away(*_arguments: object, **_named: object) -> None:
        raise Unavailable("no route to host")

    with monkeypatch.context() as away:
        away.setattr("gateway.services.exchange.handlers.dispatch_command", be_away)
        assert await work_off(gateway) == 3

    shown = await olga.get(path)
    assert list_counts(shown) == {"failed": 3, "waiting": 2}
    assert "several messages in a row failed" in words_of(shown, "Progress: 3 of 5")
    await olga.post(path, {"act": "resume"})
    await work_off(gateway)
    assert list_counts(await olga.get(path)) == {"done": 5}


async def test_a_job_of_a_library_that_is_not_served_any_more_holds_up_no_other(
    gateway: Running, olga: Colleague
) -> None:
    refused = await refuse_check_outs(gateway, 1)
    await accept_items(gateway, 1)
    await begin(olga)
    context = library_context(gateway)
    (job,) = await context.store.read(store_of_jobs.list_running_jobs)
    older = replace(job, library="GONE", id="0")
    await context.store.write(lambda c: store_of_jobs.insert_job(c, older, [refused[0].id]))

    assert await work_off(gateway) == 2

    (replayed,) = await list_replays(gateway)
    assert replayed.outcome is OutcomeClass.OK


async def test_what_cannot_be_replayed_is_left_out_with_the_reason(gateway: Running, olga: Colleague) -> None:
    await write_exchange(gateway, profile="ncip2", service="CheckOutItem", outcome=OutcomeClass.MALFORMED)
    gone = await write_exchange(gateway, profile="gone", service="CheckOutItem", outcome=OutcomeClass.REFUSED)
    query = {"outcome": "refused", "service": "CheckOutItem"}
    preview = await olga.post("/operation/replays/preview", query)
    hidden = {name: preview.hidden(name) for name in ("until", "agreed")}

    assert "cannot be replayed: its profile 'gone' no longer exists" in words_of(preview, "Preview")
    path = job_path(await olga.post("/operation/replays", {**query, **hidden}))
    await work_off(gateway)

    assert gone
    page = await olga.get(path)
    assert list_counts(page) == {"not replayable": 1}
    assert "its profile 'gone' no longer exists" in words_of(page, "Messages")
    await olga.get("?ui_language=de")
    german = await olga.get(path)
    assert "ihr Profil" in words_of(german, "Nachrichten")


async def test_the_own_password_is_asked_for_and_only_operators_may_begin(gateway: Running, olga: Colleague) -> None:
    await refuse_check_outs(gateway, 1)
    await wait_until_password_is_asked(gateway)

    wrong = await begin(olga, own_password="no")
    right = await begin(olga, own_password=PASSWORD)

    assert wrong.status == 422
    assert "0 of 1" in right.text
    async with colleague(gateway, "s.manager", "manager") as other:
        assert (await other.post("/operation/replays/preview", REFUSED)).status == 403
        assert (await other.post(job_path(right), {"act": "stop"})).status == 403


async def test_without_a_search_nothing_is_chosen(gateway: Running, olga: Colleague) -> None:
    await refuse_check_outs(gateway, 1)

    page = await olga.post("/operation/replays/preview", {})

    assert "Choose which messages to replay in the message journal." in page.text
    assert not page.tree.xpath("//input[@name='agreed']")


async def test_a_number_of_any_length_is_no_fault(gateway: Running, olga: Colleague) -> None:
    await refuse_check_outs(gateway, 1)
    too_long = "9" * 5_000
    refused = await begin(olga, agreed=too_long)
    path = job_path(await begin(olga))
    listed = await olga.get(f"{path}?after={too_long}")

    assert refused.tree.xpath("//input[@name='agreed']/@value") == ["1"], "the preview again"
    assert listed.status == 200


async def test_jobs_that_ended_long_ago_are_forgotten(gateway: Running, olga: Colleague) -> None:
    await refuse_check_outs(gateway, 2)
    path = job_path(await begin(olga))
    await work_off(gateway)
    context = library_context(gateway)
    jobs = gateway.gateway.managed.libraries["DEMO"].replay_jobs
    assert await jobs.forget_old_jobs() == 0
    job = await context.store.read(lambda c: store_of_jobs.find_job(c, "DEMO", path.rpartition("/")[2]))
    assert job is not None
    assert job.status is JobStatus.FINISHED
    old = replace(job, ended=job.ended)
    assert old.ended is not None
    later = old.ended.replace(year=old.ended.year + 1)
    assert await context.store.write(lambda c: store_of_jobs.forget_jobs(c, "DEMO", later)) == 1
    assert (await olga.get(path)).status == 404
    left = await context.store.read(
        lambda c: c.execute(select(func.count()).select_from(store_of_jobs.replay_message)).scalar_one()
    )
    assert left == 0
