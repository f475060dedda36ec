"""A message that names a request of ours and comes from somebody whose request it isn't: staff see it, the journal
keeps it, and whoever sends many of them can't fill either. And a broker that names us as our own supplier."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request, RequestedService, Role
from gateway.domain.requests.task_lists import list_task_names
from gateway.domain.requests.views import ActionRequest
from gateway.services.letters.localization import TextCatalogues
from gateway.store.requests.history import list_events_of_request
from gateway.web.staff.actor_names import ActorNames
from gateway.web.staff.request_story import StoryLine, StorySources, tell_story
from tests.protocol.iso18626.endpoint import ROOT as OPENING
from tests.protocol.iso18626.endpoint import Endpoint, make_template, run_endpoint, write_header, write_request
from tests.support.conversations import conversation
from tests.support.yaml_files import read_yaml_file, write_yaml_file

LONG_NOTE = "x" * 3_000


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("strangers"))


def say(number: str, status: str, supplier: str, note: str = "", reason: str = "StatusChange") -> str:
    """What `supplier` says of a request of ours."""
    words = f"<note>{note}</note>" if note else ""
    return (
        f"{OPENING}<supplyingAgencyMessage>{write_header(number, who='CLK', to=supplier)}<messageInfo>"
        f"<reasonForMessage>{reason}</reasonForMessage>{words}</messageInfo><statusInfo><status>{status}</status>"
        "<lastChange>2026-03-02T07:58:00Z</lastChange></statusInfo></supplyingAgencyMessage></ISO18626Message>"
    )


def make_draft(partner: str = "fjordby") -> BorrowingDraft:
    return BorrowingDraft(
        citation=Citation(title="Sult"), service=RequestedService(), partner=partner, mediated=False, override=True,
        actor="staff:ada",
    )  # fmt: skip


async def ask_fjordby(endpoint: Endpoint) -> Request:
    town = endpoint.town
    made = await town.gateway.managed.libraries["CLK"].requests.create_borrowing(make_draft())
    await town.gateway.managed.drain_due_work()
    return await town.see(made)


async def read_notes(endpoint: Endpoint, request: Request) -> list[str]:
    lines = await endpoint.town.context.store.read(lambda c: list_events_of_request(c, "CLK", request.id))
    return [str(line.event.details.note) for line in lines if line.event.kind is EventKind.TROUBLE]


async def read_story(endpoint: Endpoint, request: Request) -> list[StoryLine]:
    """The lines about messages of others, newest first."""
    view = await endpoint.town.gateway.managed.libraries["CLK"].requests.load_view(request.id)
    words = TextCatalogues((), "en").choose_language(("en",))
    sources = StorySources(request=view.request, history=view.history, unfinished=())
    names = ActorNames(None)  # type: ignore[arg-type]  # none is loaded
    story = tell_story(sources, endpoint.town.context, words, names)
    return [one for one in story if one.text == "A message came from another sender"]


STRANGERS = [
    pytest.param("XX-NOBODY", "REJECTED", id="an unknown sender"),
    pytest.param("NO-0030103", "REFUSED", id="another partner"),
]


@pytest.mark.parametrize(("supplier", "outcome"), STRANGERS)
async def test_staff_see_whose_message_names_their_request(supplier: str, outcome: str, endpoint: Endpoint) -> None:
    request = await ask_fjordby(endpoint)
    before = request.state
    octets = say(request.number, "Unfilled", supplier, LONG_NOTE)

    answer = await endpoint.post(octets)

    assert answer.verdict[0] == "ERROR"
    request = await endpoint.town.see(request)
    assert request.state is before, "nothing is believed of it"
    assert "stranger" in list_task_names(request)
    (note,) = await read_notes(endpoint, request)
    assert supplier in note
    assert "is not its partner" in note
    assert (await read_story(endpoint, request))[0].facts == (), "no code as a reason"
    (row,) = [one for one in await endpoint.journal() if one["direction"] == "in" and one["service"].startswith("supp")]
    assert row["outcome"] == outcome.lower()
    assert bytes(row["body"]) == octets.encode(), "staff read the whole of it"
    kept = await conversation(endpoint.town.context.store, "CLK", request.number)
    assert octets.encode() in [one.body for one in kept], "it is among the messages of the request"


async def test_one_message_puts_it_on_the_list_and_no_other_adds_to_it(endpoint: Endpoint) -> None:
    request = await ask_fjordby(endpoint)
    for number in range(40):
        await endpoint.post(say(request.number, "Unfilled", "XX-NOBODY", f"{number} {LONG_NOTE}"))

    assert len(await read_notes(endpoint, await endpoint.town.see(request))) == 1
    rows = [one for one in await endpoint.journal() if one["direction"] == "in" and one["outcome"] == "rejected"]
    whole = [one for one in rows if len(bytes(one["body"] or b"")) > 1_000]
    assert len(whole) == 1
    assert len(rows) < 40, "as of any stranger, no more than some are kept"


async def test_a_stranger_with_a_long_name_fills_no_history(endpoint: Endpoint) -> None:
    request = await ask_fjordby(endpoint)
    await endpoint.post(say(request.number, "Unfilled", "XX-" + "N" * 50_000))
    (note,) = await read_notes(endpoint, await endpoint.town.see(request))
    assert "NNNN" in note
    assert len(note) < 1_000


async def test_of_a_long_message_staff_read_the_beginning(endpoint: Endpoint) -> None:
    request = await ask_fjordby(endpoint)
    await endpoint.post(say(request.number, "Unfilled", "XX-NOBODY", "x" * 500_000))

    assert "stranger" in list_task_names(await endpoint.town.see(request))
    (row,) = [one for one in await endpoint.journal() if one["direction"] == "in" and one["service"].startswith("supp")]
    assert (row["body_size"] > 500_000, len(bytes(row["body"]))) == (True, 20_000)


async def test_it_is_no_message_of_ours_that_was_rejected(endpoint: Endpoint) -> None:
    request = await ask_fjordby(endpoint)
    await endpoint.post(say(request.number, "Unfilled", "XX-NOBODY"))

    assert "trouble" not in list_task_names(await endpoint.town.see(request))


async def test_when_the_request_has_moved_on_the_next_is_told_again(endpoint: Endpoint) -> None:
    request = await ask_fjordby(endpoint)
    await endpoint.post(say(request.number, "Unfilled", "XX-NOBODY"))
    await endpoint.post(say(request.number, "WillSupply", "NO-0030101", reason="RequestResponse"))
    moved = await endpoint.town.see(request)
    assert (moved.state.value, "stranger" in list_task_names(moved)) == ("will-supply", False)

    await endpoint.post(say(request.number, "Unfilled", "XX-NOBODY", "again"))

    assert len(await read_notes(endpoint, request)) == 2


async def test_a_closed_request_comes_onto_no_list_that_it_never_leaves(endpoint: Endpoint) -> None:
    request = await ask_fjordby(endpoint)
    town = endpoint.town
    await endpoint.post(say(request.number, "Unfilled", "NO-0030101", reason="RequestResponse"))
    await town.gateway.managed.drain_due_work()
    await town.act(request, ActionRequest(kind=EventKind.CLOSE, actor="staff:ada", version=None))
    assert not (await town.see(request)).open

    await endpoint.post(say(request.number, "Loaned", "XX-NOBODY"))

    closed = await town.see(request)
    assert (list_task_names(closed), await read_notes(endpoint, closed)) == ((), [])


async def test_a_message_of_a_stranger_about_no_request_is_kept_as_before(endpoint: Endpoint) -> None:
    await endpoint.post(say("B2026-99999", "Unfilled", "XX-NOBODY", LONG_NOTE))
    (row,) = [one for one in await endpoint.journal() if one["direction"] == "in"]
    assert len(bytes(row["body"])) == 1_000


async def test_a_request_of_a_stranger_touches_no_request(endpoint: Endpoint) -> None:
    request = await ask_fjordby(endpoint)
    await endpoint.post(write_request(request.number, who="XX-NOBODY"))
    assert await read_notes(endpoint, request) == []


async def test_a_lending_request_is_seen_to_alike(endpoint: Endpoint) -> None:
    await endpoint.post(write_request("F-1"))
    (request,) = await endpoint.town.requests(Role.LENDING)
    await endpoint.post(
        f"{OPENING}<requestingAgencyMessage>{write_header('F-1', who='XX-NOBODY')}<action>Cancel</action>"
        "</requestingAgencyMessage></ISO18626Message>"
    )
    request = await endpoint.town.see(request)
    assert request.state.value == "new"
    assert "stranger" in list_task_names(request)


def make_two_libraries(template: Path, tmp_path: Path) -> Path:
    """Profiles are of the second one."""
    folder = Path(shutil.copytree(template, tmp_path / "two"))
    settings = read_yaml_file(folder / "gateway.yml")
    settings["libraries"][0]["secrets"] = ["file:*"]
    settings["libraries"].append({**settings["libraries"][0], "symbol": "AIG", "name": "Bibliothèque d’Aigle"})
    write_yaml_file(folder / "gateway.yml", settings)
    requests = read_yaml_file(folder / "requests.yml")
    write_yaml_file(folder / "requests.yml", {**requests, "numbers": {"borrowing": "B{year}-{sequence:05d}"}})
    for file in (folder / "profiles").glob("*.yml"):
        write_yaml_file(file, {**read_yaml_file(file), "library": "AIG"})
    return folder


async def test_requests_of_each_library_are_found(template: Path, tmp_path: Path) -> None:
    """A stranger's message is taken by no library in particular; the journal of the one that it is about has it."""
    folder = make_two_libraries(template, tmp_path)
    async with run_endpoint(folder, tmp_path / "run") as endpoint:
        managed = endpoint.town.gateway.managed
        request = await managed.libraries["AIG"].requests.create_borrowing(make_draft())
        await managed.drain_due_work()

        await endpoint.post(say(request.number, "Unfilled", "XX-NOBODY"))

        request = (await managed.libraries["AIG"].requests.load_view(request.id)).request
        assert "stranger" in list_task_names(request)
        (row,) = [one for one in await endpoint.journal() if one["direction"] == "in" and one["outcome"] == "rejected"]
        assert row["library"] == "AIG"


@pytest.mark.parametrize("addressed", ["CLK", "AIG"])
async def test_of_two_requests_with_one_number_the_addressed_library_s_is_meant(
    addressed: str, template: Path, tmp_path: Path
) -> None:
    folder = make_two_libraries(template, tmp_path)
    for symbol in ("CLK", "AIG"):
        profile = {**read_yaml_file(folder / "profiles" / "fjordby.yml"), "library": symbol, "match": []}
        write_yaml_file(folder / "profiles" / f"fjordby-{symbol.lower()}.yml", profile)
    (folder / "profiles" / "fjordby.yml").unlink()
    async with run_endpoint(folder, tmp_path / "run") as endpoint:
        managed = endpoint.town.gateway.managed
        made = {
            symbol: await managed.libraries[symbol].requests.create_borrowing(make_draft(f"fjordby-{symbol.lower()}"))
            for symbol in ("CLK", "AIG")
        }
        await managed.drain_due_work()
        numbers = {request.number.rpartition("-")[2] for request in made.values()}
        assert len(numbers) == 1, "each library counts for itself"

        for _ in range(2):  # once it is on the list, the other library's isn't meant either
            body = say(made[addressed].number, "Unfilled", "XX-NOBODY").replace(">CLK<", f">{addressed}<")
            await endpoint.post(body)

        listed = {
            symbol for symbol, request in made.items()
            if "stranger" in list_task_names((await managed.libraries[symbol].requests.load_view(request.id)).request)
        }  # fmt: skip
        assert listed == {addressed}


async def test_our_own_symbol_as_the_supplier_is_a_task(endpoint: Endpoint) -> None:
    """As CrossLink's broker in transparent mode for an item that the requester has itself."""
    request = await ask_fjordby(endpoint)

    answer = await endpoint.post(
        say(request.number, "ExpectToSupply", "CLK", reason="RequestResponse"), path="/iso18626/fjordby"
    )

    assert answer.verdict[0] == "OK"
    request = await endpoint.town.see(request)
    assert request.state.value == "requested"
    assert "trouble" in list_task_names(request)
    (note,) = await read_notes(endpoint, request)
    assert "names this library itself as the supplier" in note
