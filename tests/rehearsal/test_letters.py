"""A library by letter that is played, with a gateway that doesn't know it: letters go out by SMTP, their links are
opened by HTTP, and what it writes back comes into the mailbox."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import LibraryParty, ServiceType
from rehearsal.letters.letter_reader import PlayedLetterReader
from rehearsal.scenarios.scenario import SHIPPED_SCENARIOS, load_scenarios
from tests.rehearsal.world import FJORDBY, MockWorld, PartnerMailbox, make_template, run_letter_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

LETTERS: Mapping[str, Any] = {
    "partner": {
        "symbols": ["ISIL:NO-0030101"],
        "name": "Fjordby <bibliotek>",
        "channel": "mail",
        "workflow": {"borrowing": {"expects_check_in": True}},
    },
    "circulation": FJORDBY["circulation"],
    "letters": {"links": {"days": 60}},
}
GERMAN = {
    **LETTERS,
    "partner": {**LETTERS["partner"], "language": "de"},
    "letters": {"links": {"days": 60}, "parts": "text"},
}

ByLetter = tuple[MockWorld, PlayedLetterReader]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("mock-letters"))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def by_letter(template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ByLetter]:
    async with run_letter_world(template, tmp_path_factory.mktemp("world"), LETTERS) as opened:
        yield opened


async def test_a_loan_goes_by_links_from_the_letter_to_the_way_home(by_letter: ByLetter) -> None:
    world, reader = by_letter
    request = await world.ask("Havet og himmelen")
    assert request.state.value == "shipped"

    await world.act(request, EventKind.RECEIVED)
    await world.act(request, EventKind.RETURNED)
    assert (await world.town.show(request.id)).request.state.value == "completed"
    assert [one.service for one in reader.exchanges if not one.came][-1] == "link: We have received it back"


@pytest.mark.parametrize(
    ("scenario", "state"),
    [
        ("letter-unfilled", "no-supplier"),
        ("letter-code", "no-supplier"),
        ("letter-conditional", "conditional"),
        ("letter-silent", "requested"),
        ("letter-late", "shipped"),
    ],
)
async def test_a_title_names_what_shall_happen(scenario: str, state: str, by_letter: ByLetter) -> None:
    world, _ = by_letter
    request = await world.ask(f"Brev fra øya mock:{scenario}")
    assert request.state.value == state


async def test_an_accepted_condition_is_answered_by_the_link_of_the_next_letter(by_letter: ByLetter) -> None:
    world, _ = by_letter
    request = await world.ask("Kartet mock:letter-conditional")
    request = await world.act(request, EventKind.CONDITION_ACCEPTED)
    assert request.state.value == "shipped"


async def test_free_words_are_a_message_for_staff_and_change_nothing(by_letter: ByLetter) -> None:
    world, _ = by_letter
    request = await world.ask("Innbundet mock:letter-words")
    assert request.state.value == "requested"
    history = (await world.town.show(request.id)).history
    assert [(one.event.kind.value, "bindery" in one.event.details.note) for one in history][-1] == ("message", True)


async def test_a_second_answer_by_a_letter_that_was_answered_changes_nothing(by_letter: ByLetter) -> None:
    world, reader = by_letter
    request = await world.ask("For sent mock:letter-twice")
    assert request.state.value == "no-supplier"
    late = reader.exchanges[-1]
    assert (late.service, late.note) == ("link: We will supply it", "the page has nothing to send")
    assert b"We cannot supply it" in late.answer


async def test_the_page_shows_letters_as_people_read_them_without_what_links_are_good_for(by_letter: ByLetter) -> None:
    world, reader = by_letter
    await world.ask("Fyret på Hå mock:letter-unfilled")
    came, went = [one for one in reader.exchanges if one.scenario == "letter-unfilled"][-2:]
    page, _ = await world.read_page(f"/exchanges/{came.number}")
    assert "Fyret p" in page
    assert "/q/********" in page
    assert not re.search(r"/q/\w", page)
    assert b"reason: on-loan" in went.body


@pytest.mark.slow
async def test_a_copy_comes_attached(by_letter: ByLetter) -> None:
    world, _ = by_letter
    request = await world.ask("Norsk Bokhistorie mock:letter-copied", ServiceType.COPY)
    assert request.state.value == "completed"


async def test_the_mail_server_may_not_take_a_letter(by_letter: ByLetter) -> None:
    world, _ = by_letter
    await world.ask("Ingen hjemme mock:letter-refused")
    assert isinstance(world.town.mailbox, PartnerMailbox)
    assert "550" in world.town.mailbox.failures[-1]


async def test_links_of_a_letter_in_german_and_plain_text_are_found(template: Path, tmp_path: Path) -> None:
    async with run_letter_world(template, tmp_path, GERMAN) as (world, reader):
        assert (await world.ask("Havet og himmelen")).state.value == "shipped"
        assert [one.service for one in reader.exchanges][-1] == "link: Wir haben es versandt"


async def test_a_request_in_words_is_entered_by_staff_and_followed_by_links(template: Path, tmp_path: Path) -> None:
    async with run_letter_world(template, tmp_path, LETTERS, ["letter-asks"]) as (world, reader):
        reader.begin_scenario(load_scenarios([SHIPPED_SCENARIOS])["letter-asks"])
        await world.settle()
        desk = world.town.gateway.mailboxes.desk
        (waiting,) = (await desk.list_mails("CLK", 100, "")).rows
        assert waiting.subject == "A book for a reader of ours"
        assert await world.town.requests() == {}

        draft = LendingDraft(
            citation=Citation(title="Fjorden om natten", author="Ingrid Åsgaard"),
            requester=LibraryParty(profile="fjordby"),
            actor="staff:ada",
        )
        lending = await world.town.front.create_lending("CLK", draft)
        await desk.assign_mail("CLK", waiting.id, lending.number, draft.actor)
        world.clock.advance(timedelta(minutes=1))
        await world.act(lending, EventKind.SHIPPED, barcode=await world.find_free_barcode())
        assert (await world.town.show(lending.id)).request.state.value == "returned"
        assert [one.service for one in reader.exchanges if not one.came] == [
            "mail",
            "link: It has arrived",
            "link: We have returned it",
        ]


async def test_two_mails_without_an_id_are_no_repeat(by_letter: ByLetter) -> None:
    world, reader = by_letter
    for words in (b"First", b"Second"):
        reader.receive_mail(b"Subject: Hei\r\n\r\n" + words + b" mock:letter-silent\r\n", world.clock.now())
    assert [one.note for one in reader.exchanges][-2:] == ["", ""]


async def test_a_mail_that_cannot_be_shown_is_taken_and_kept_aside(by_letter: ByLetter) -> None:
    world, reader = by_letter
    broken = b"Subject: Brev 4711\r\nContent-Type: text/plain; charset=tr\xf8ndersk\r\n\r\nHei\r\n"
    assert reader.receive_mail(broken, world.clock.now()).line.startswith("250 ")
    assert (reader.exchanges[-1].service, "can't be shown" in reader.exchanges[-1].note) == ("unreadable", True)
