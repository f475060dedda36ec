"""A partner of ISO 18626 that is played, with a gateway that doesn't know it, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import RequestFlag, ServiceType
from tests.rehearsal.world import FJORDBY, MockWorld, make_template, run_mock_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("mock"))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MockWorld]:
    """One for all tests: each has a request of its own."""
    async with run_mock_world(template, tmp_path_factory.mktemp("world")) as world:
        yield world


async def test_a_loan_from_the_wish_to_the_way_home(world: MockWorld) -> None:
    request = await world.ask("Havet og himmelen")
    assert request.state.value == "shipped"
    assert request.terms.lender_due is not None

    await world.act(request, EventKind.RECEIVED)
    await world.act(request, EventKind.RETURNED)
    assert (await world.town.show(request.id)).request.state.value == "completed"
    conversation = world.find_conversation(request)
    assert (conversation.scenario.name, conversation.request.state.value) == ("loaned", "completed")


@pytest.mark.parametrize(
    ("scenario", "state", "events"),
    [
        ("unfilled", "no-supplier", {"partner:unfilled"}),
        ("retry", "no-supplier", {"partner:retry"}),
        ("conditional", "conditional", {"partner:conditional"}),
        ("cancel-yes", "will-supply", {"partner:will-supply"}),
        ("silent", "requested", set[str]()),
        ("refused", "no-supplier", {"partner:rejected"}),
        ("duplicate", "shipped", {"partner:will-supply", "partner:shipped"}),
        ("out-of-order", "shipped", {"partner:shipped"}),
        ("slow", "shipped", {"partner:will-supply", "partner:shipped"}),
        ("loaned-at-once", "shipped", {"partner:shipped"}),
        ("loaned-by-link", "shipped", {"partner:shipped"}),
        ("unfilled-without-reason", "no-supplier", {"partner:unfilled"}),
        ("silent-until-cancelled", "requested", set[str]()),
        ("http-error-stays", "requested", set[str]()),
        ("http-400", "no-supplier", set[str]()),
        ("retry-now", "shipped", {"partner:retry", "partner:shipped"}),
    ],
)
async def test_a_title_names_what_shall_happen(scenario: str, state: str, events: set[str], world: MockWorld) -> None:
    world.waited.clear()
    request = await world.ask(f"Brev fra øya mock:{scenario}")

    history = await world.history(request)
    assert (request.state.value, events - set(history)) == (state, set())
    assert world.waited == ([20.0, 60.0, 120.0] if scenario == "slow" else [])


@pytest.mark.parametrize("scenario", ["no-answer", "http-error", "malformed"])
async def test_what_got_no_answer_is_sent_again_and_taken_once(scenario: str, world: MockWorld) -> None:
    request = await world.ask(f"Fyret mock:{scenario}")
    assert request.state.value == "requested"

    await world.pass_minutes(90)
    assert (await world.town.show(request.id)).request.state.value == "shipped"
    transaction = world.find_conversation(request).transaction
    came = [one.service for one in world.partner.exchanges if one.came and one.transaction == transaction]
    assert came == ["request", "request"]


async def test_what_follows_is_said_though_nobody_waited_for_the_answer(
    world: MockWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose_connections(_seconds: float) -> None:
        runner = world.site._runner
        assert runner is not None
        assert runner.server is not None
        for connection in runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()

    monkeypatch.setattr(world.partner, "pass_seconds", lose_connections)
    request = await world.ask("Uvær mock:slow")
    assert world.find_conversation(request).request.state.value == "shipped"


async def test_a_copy_comes_by_a_link(world: MockWorld) -> None:
    request = await world.ask("Norsk Bokhistorie 12", ServiceType.COPY)
    assert "partner:copy-delivered" in await world.history(request)


@pytest.mark.parametrize(
    ("scenario", "event", "flag"),
    [
        ("overdue", "partner:overdue", RequestFlag.OVERDUE),
        ("recall", "partner:recall", RequestFlag.RECALLED),
        ("lost", "partner:lost", None),
    ],
)
async def test_a_loan_goes_on_once_it_was_received(
    scenario: str, event: str, flag: RequestFlag | None, world: MockWorld
) -> None:
    request = await world.ask(f"Isfjell mock:{scenario}")
    received = await world.act(request, EventKind.RECEIVED)

    assert event in await world.history(request)
    assert flag is None or flag in received.flags


@pytest.mark.parametrize(("scenario", "is_renewed"), [("renew-yes", True), ("renew-no", False)])
async def test_a_renewal_is_answered(scenario: str, is_renewed: bool, world: MockWorld) -> None:
    request = await world.ask(f"Polarnatt mock:{scenario}")
    received = await world.act(request, EventKind.RECEIVED)
    renewed = await world.act(request, EventKind.RENEW)

    before, after = received.terms.lender_due, renewed.terms.lender_due
    assert (after != before) is is_renewed
    assert RequestFlag.RENEWAL_PENDING not in renewed.flags


@pytest.mark.parametrize(("scenario", "state"), [("cancel-yes", "cancelled"), ("cancel-no", "shipped")])
async def test_a_cancellation_is_answered(scenario: str, state: str, world: MockWorld) -> None:
    request = await world.ask(f"Nordlys mock:{scenario}")
    cancelled = await world.act(request, EventKind.CANCEL)
    assert cancelled.state.value == state


@pytest.mark.parametrize("scenario", ["conditional", "retry-price", "retry-condition", "retry-record"])
async def test_a_condition_that_is_accepted_brings_the_item(scenario: str, world: MockWorld) -> None:
    request = await world.ask(f"Kart over fjorden mock:{scenario}")
    assert request.state.value == "conditional"
    accepted = await world.act(request, EventKind.CONDITION_ACCEPTED)
    assert accepted.state.value == "shipped"


async def test_requests_get_scenarios_in_turn(template: Path, tmp_path: Path) -> None:
    async with run_mock_world(template, tmp_path, chosen=["unfilled", "silent"]) as world:
        states = [(await world.ask(title)).state.value for title in ("Måkene", "Ærfuglen", "Lundefuglen")]
    assert states == ["no-supplier", "requested", "no-supplier"]


async def test_a_scenario_that_is_not_there_is_an_error_of_the_request(world: MockWorld) -> None:
    request = await world.ask("Storm mock:hurricane")
    assert request.state.value == "no-supplier"
    assert any("no supplier's scenario called hurricane" in one.note for one in world.partner.exchanges)


# --- a requester -----------------------------------------------------------------------------------------


async def test_a_requester_asks_receives_and_returns(world: MockWorld) -> None:
    conversation = world.partner.begin_scenario(world.partner.play.scenarios["asks-loan"])
    await world.settle()
    lending = await world.find_lending(conversation)
    await world.act(lending, EventKind.SHIPPED, barcode=await world.find_free_barcode())

    assert (await world.town.show(lending.id)).request.state.value == "returned"
    assert conversation.request.state.value == "returned"


async def test_a_requester_sends_two_volumes_back_one_by_one(world: MockWorld) -> None:
    conversation = world.partner.begin_scenario(world.partner.play.scenarios["asks-volumes"])
    await world.settle()
    lending = await world.find_lending(conversation)
    assert [one.label for one in lending.volumes] == ["Bind 1", "Bind 2"]

    await world.act(lending, EventKind.SHIPPED, barcode=await world.find_free_barcode(), volumes=("1",))
    sent = await world.act(lending, EventKind.SHIPPED, barcode=await world.find_free_barcode(), volumes=("2",))
    assert (sent.state.value, [one.state.value for one in sent.volumes]) == ("returned", ["returned", "returned"])
    assert (await world.history(sent)).count("partner:returned") == 2
    assert [
        one.note for one in world.partner.exchanges if one.transaction == conversation.transaction and one.note
    ] == []


async def test_a_supplier_sends_two_volumes_one_by_one(world: MockWorld) -> None:
    request = await world.ask("Fjordenes historie mock:volumes", volumes=("Bind 1", "Bind 2"))
    assert [(one.state.value, one.theirs) for one in request.volumes] == [
        ("shipped", "MOCK-000121"),
        ("shipped", "MOCK-000122"),
    ]

    await world.act(request, EventKind.RECEIVED)
    await world.act(request, EventKind.RETURNED, volumes=("2",))
    assert (await world.act(request, EventKind.RETURNED, volumes=("1",))).state.value == "completed"


async def test_a_requester_that_may_asks_again_under_another_number(world: MockWorld) -> None:
    conversation = world.partner.begin_scenario(world.partner.play.scenarios["asks-again"])
    await world.settle()
    lending = await world.find_lending(conversation)
    first = conversation.transaction
    await world.act(lending, EventKind.RETRY, reason="on-loan")
    assert conversation.transaction != first

    again = await world.find_lending(conversation)
    await world.act(again, EventKind.SHIPPED, barcode=await world.find_free_barcode())
    assert (await world.town.show(again.id)).request.state.value == "returned"


async def test_a_requester_renews_what_is_overdue(world: MockWorld) -> None:
    conversation = world.partner.begin_scenario(world.partner.play.scenarios["asks-renewal-when-overdue"])
    await world.settle()
    lending = await world.find_lending(conversation)
    await world.act(lending, EventKind.SHIPPED, barcode=await world.find_free_barcode())
    await world.act(lending, EventKind.OVERDUE)
    assert "partner:renew" in await world.history(lending)


async def test_a_request_that_is_sent_twice_is_one(world: MockWorld) -> None:
    conversation = world.partner.begin_scenario(world.partner.play.scenarios["asks-twice"])
    await world.settle()

    assert (await world.find_lending(conversation)).transaction == conversation.transaction
    sent = [one for one in world.partner.exchanges if one.transaction == conversation.transaction]
    assert [(one.status, one.body) for one in sent] == [(200, sent[0].body)] * 2


# --- what is shown ---------------------------------------------------------------------------------------


async def test_the_page_shows_what_was_exchanged_and_runs_nothing_of_it(world: MockWorld) -> None:
    request = await world.ask("<script>alert(1)</script> mock:unfilled")
    text, headers = await world.read_page()
    transaction = world.find_conversation(request).transaction
    number = next(one.number for one in world.partner.exchanges if one.transaction == transaction)
    message, _ = await world.read_page(f"/exchanges/{number}")

    assert "supplyingAgencyMessage RequestResponse" in text
    assert "Fjordby &lt;bibliotek&gt;" in text
    assert "<bibliotek>" not in text
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "&amp;lt;script&amp;gt;" in message
    assert "<script" not in message


async def test_words_instead_of_an_answer_are_shown_as_words(world: MockWorld) -> None:
    request = await world.ask("Ørnefjell mock:http-error")
    transaction = world.find_conversation(request).transaction
    first = next(one for one in world.partner.exchanges if one.transaction == transaction)
    page, _ = await world.read_page(f"/exchanges/{first.number}")

    assert "<pre>This mock answers with HTTP 503 here." in page


async def test_security_codes_are_not_shown(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FJORDBY_CODE", "stille-vann-17")
    account = {"id": "clarens", "code": "env:FJORDBY_CODE"}
    profile = {**FJORDBY, "iso18626": {"version": "2021-2", "account": account}}
    async with run_mock_world(template, tmp_path, profile) as world:
        await world.ask("Havørn mock:unfilled")
        message, _ = await world.read_page("/exchanges/1")

    assert "clarens" in message
    assert "stille-vann-17" not in message
