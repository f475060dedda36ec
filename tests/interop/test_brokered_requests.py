"""Three gateways: one asks, one brokers, one lends, with another protocol on either side of the broker."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from adapters.iso18626.codec import decode_message
from adapters.iso18626.messages import Message, SupplyingAgencyMessage
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import RequestFlag, Role
from gateway.store.requests.request_rows import parse_event
from gateway.store.schema import message
from tests.faults.joined.installations import Template, make_template
from tests.support.brokered_sequences import SEQUENCES, WORKFLOW, conditional_no_of_one
from tests.support.brokered_trio import Trio, TwoWays
from tests.support.dovecot import Dovecot
from tests.support.iso18626_joining import Http18626
from tests.support.iso_pair import Joining, Tcp, day_of
from tests.support.joined_ways import list_unsayable, play_trio

UNKNOWN = Citation(type=CitationType.BOOK, title="Ще не знайдена книга", author="Невідомий")
QUICK = ("loan", "copy", "unfilled", "conditional_yes", "promise_then_no", "price_yes", "crossing_cancel", "renew")
OTHERS = tuple(name for name in SEQUENCES if name not in QUICK)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return make_template(tmp_path_factory.mktemp("brokered"))


def join_ways(name: str) -> Joining:
    iso18626 = Http18626({"version": "2021-2"})
    if name == "iso18626 to iso-ill":
        return TwoWays(iso18626, Tcp("call-back"))
    return TwoWays(Tcp("call-back"), iso18626)


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(one, marks=pytest.mark.long) for one in OTHERS)])
async def test_iso_18626_to_iso_ill(name: str, template: Template, tmp_path: Path) -> None:
    async with Trio(template, tmp_path, join_ways("iso18626 to iso-ill"), WORKFLOW) as trio:
        await SEQUENCES[name](trio)
        await trio.nothing_is_left()


@pytest.mark.long
@pytest.mark.parametrize("name", SEQUENCES)
async def test_iso_ill_to_iso_18626(name: str, template: Template, tmp_path: Path) -> None:
    async with Trio(template, tmp_path, join_ways("iso-ill to iso18626"), WORKFLOW) as trio:
        await SEQUENCES[name](trio)
        await trio.nothing_is_left()


class KnownAsBroker(Http18626):
    """NORTH waits for the next library behind SOUTH, and SOUTH knows that."""

    def profile(self, ours: str, theirs: str) -> Mapping[str, Any]:
        said, lending = super().profile(ours, theirs), WORKFLOW["lending"]
        workflow = {"lending": {**lending, "declined": "next-supplier"}, "borrowing": {"asks_others": ours == "NORTH"}}
        return {**said, "partner": {**said["partner"], "workflow": workflow}}


async def test_who_knows_us_as_a_broker_declines_one_supplier(template: Template, tmp_path: Path) -> None:
    by_note = {"version": "2021-2", "condition_words": {"refuse_by": "notification"}}
    async with Trio(template, tmp_path, KnownAsBroker(by_note)) as trio:
        await conditional_no_of_one(trio)
        await trio.nothing_is_left()


# --- by mail ---------------------------------------------------------------------------------------------


WAYS = [
    way
    for format_ in ("tagged-mail", "artemail", "letters")
    for way in (("iso18626-2021", format_), (format_, "iso18626-2021"), (format_, format_))
]
BY_MAIL = [(*way, name) for way in WAYS for name in SEQUENCES if name not in list_unsayable(*way)]
IN_EVERY_RUN = (("iso18626-2021", "tagged-mail", "loan"), ("artemail", "iso18626-2021", "renew"))


@pytest.mark.parametrize(
    ("near", "far", "name"),
    [pytest.param(*one, marks=() if one in IN_EVERY_RUN else pytest.mark.long) for one in BY_MAIL],
)
async def test_a_requester_or_a_supplier_that_reads_mail(
    near: str, far: str, name: str, dovecot: Dovecot, template: Template, tmp_path: Path
) -> None:
    await play_trio(near, far, name, template, tmp_path, dovecot)


# --- what one side can't say -----------------------------------------------------------------------------


class TwoDialects(Http18626):
    """`far`: section `iso18626` of the broker's profile of its supplier."""

    def __init__(self, far: Mapping[str, Any]) -> None:
        super().__init__()
        self._far = far

    def profile(self, ours: str, theirs: str) -> Mapping[str, Any]:
        said = super().profile(ours, theirs)
        if (ours, theirs) != ("SOUTH", "EAST"):
            return said
        return {**said, "iso18626": {**said["iso18626"], **self._far}}


async def test_what_the_supplier_has_no_message_for_is_told_to_staff(template: Template, tmp_path: Path) -> None:
    joining = TwoDialects({"actions": ["Received", "ShippedReturn", "Cancel"]})
    async with Trio(template, tmp_path, joining, WORKFLOW) as trio:
        await trio.ask()
        await trio.east(EventKind.SHIPPED)
        await trio.north(EventKind.RECEIVED)
        await trio.north(EventKind.MESSAGE, note="Buch ist feucht geworden")

        _, far = await trio.legs()
        assert RequestFlag.UNTOLD in far.flags
        assert far.state.value == "received"
        (told,) = [line.document for line in await trio.towns["SOUTH"].history() if '"trouble"' in line.document]
        assert "message; Buch ist feucht geworden" in parse_event(told).details.note
        await trio.nothing_is_left()


async def test_what_the_supplier_has_a_note_for_reaches_it(template: Template, tmp_path: Path) -> None:
    joining = TwoDialects({"actions": ["Received", "ShippedReturn", "Cancel", "Notification"]})
    async with Trio(template, tmp_path, joining, WORKFLOW) as trio:
        await trio.ask()
        await trio.east(EventKind.SHIPPED)
        await trio.north(EventKind.RECEIVED)
        await trio.north(EventKind.LOANED_TO_PATRON)
        await trio.north(EventKind.RENEW)

        assert any(note.text.startswith("renew") for note in (await trio.supplied()).notes)
        await trio.nothing_is_left()


# --- who knows of whom -----------------------------------------------------------------------------------


class OpenBroker(Http18626):
    """SOUTH lets its partners know of each other; those of `reticent` don't."""

    def __init__(self, reticent: tuple[str, ...] = ()) -> None:
        super().__init__({"version": "2021-2"})
        self._reticent = reticent

    def profile(self, ours: str, theirs: str) -> Mapping[str, Any]:
        said = super().profile(ours, theirs)
        if ours != "SOUTH" or theirs in self._reticent:
            return said
        return {**said, "partner": {**said["partner"], "brokered": "transparent"}}


async def list_parties(trio: Trio, symbol: str) -> dict[str, set[str]]:
    """Whom the headers of what this town got name as requester and supplier, by status; empty: of a requester."""
    query = select(message.c.body).where(message.c.direction == "in", message.c.protocol == "iso18626")
    bodies = await trio.towns[symbol].context.store.read(lambda c: c.execute(query).scalars().all())
    found: dict[str, set[str]] = {}
    for body in bodies:
        said = decode_message(bytes(body)).message
        if not isinstance(said, Message):  # the confirmation of one that was sent
            continue
        header = said.header
        assert header is not None
        assert header.requesting_agency is not None
        assert header.supplying_agency is not None
        info = said.status_info if isinstance(said, SupplyingAgencyMessage) else None
        parties = f"{header.requesting_agency.value} and {header.supplying_agency.value}"
        found.setdefault((info.status or "") if info is not None else "", set()).add(parties)
    return found


async def test_requester_and_supplier_know_of_each_other_by_an_open_broker(template: Template, tmp_path: Path) -> None:
    async with Trio(template, tmp_path, OpenBroker(), WORKFLOW) as trio:
        for name in ("loan", "unfilled", "cancel_yes", "cancel_no"):
            await SEQUENCES[name](trio)
        await trio.north(EventKind.MESSAGE, note="გამარჯობა")
        await trio.east(EventKind.MESSAGE, note="Buenos días")

        supplied = await trio.supplied()
        assert ("გამარჯობა", "partner:NORTH") in [(note.text, note.by) for note in supplied.notes]
        assert ("Buenos días", "partner:EAST") in [(note.text, note.by) for note in (await trio.borrowing()).notes]
        assert (supplied.partner.symbol, supplied.partner.profile) == ("NORTH", "south")
        assert await list_parties(trio, "EAST") == {"": {"NORTH and EAST"}}
        assert set().union(*(await list_parties(trio, "NORTH")).values()) == {"NORTH and EAST"}
        heard = await list_parties(trio, "SOUTH")
        assert heard.pop("") == {"NORTH and SOUTH"}, "a requester may keep to the broker's symbol"
        assert set().union(*heard.values()) == {"NORTH and EAST"}
        await trio.nothing_is_left()


@pytest.mark.long
@pytest.mark.parametrize("name", SEQUENCES)
async def test_an_open_broker_carries_all_that_another_does(name: str, template: Template, tmp_path: Path) -> None:
    async with Trio(template, tmp_path, OpenBroker(), WORKFLOW) as trio:
        await SEQUENCES[name](trio)
        await trio.nothing_is_left()


@pytest.mark.long
async def test_each_side_is_told_as_its_own_profile_says(template: Template, tmp_path: Path) -> None:
    async with Trio(template, tmp_path, OpenBroker(reticent=("EAST",)), WORKFLOW) as trio:
        await SEQUENCES["loan"](trio)
        assert await list_parties(trio, "EAST") == {"": {"SOUTH and EAST"}}
        assert set().union(*(await list_parties(trio, "NORTH")).values()) == {"NORTH and EAST"}
        await trio.nothing_is_left()


# --- by us, in circles, in the midst of a crash ----------------------------------------------------------


async def test_an_item_goes_by_the_broker(template: Template, tmp_path: Path) -> None:
    way = {"what": "not-supplied", "delivery": "broker", "due_days": 5}
    async with Trio(template, tmp_path, Http18626(), WORKFLOW, way) as trio:
        await trio.ask(citation=UNKNOWN)  # nobody has it: East's staff find it after all
        assert await trio.all_states() == ("requested", "new", "requested", "new")
        await trio.east(EventKind.LOCATED, barcode=trio.books[0].barcodes[0])
        await trio.east(EventKind.SHIPPED)
        assert await trio.all_states() == ("will-supply", "will-supply", "shipped", "shipped")

        _, far = await trio.legs()
        await trio.broker(far, EventKind.RECEIVED)
        assert await trio.all_states() == ("shipped", "shipped", "received", "shipped")
        due = (await trio.supplied()).terms.lender_due, (await trio.borrowing()).terms.lender_due
        assert day_of(due[0]) - day_of(due[1]) == timedelta(days=5)

        await trio.north(EventKind.RECEIVED)
        await trio.north(EventKind.RETURNED)
        assert await trio.all_states() == ("returned", "returned", "received", "shipped")
        near, _ = await trio.legs()
        await trio.broker(near, EventKind.CHECKED_IN)
        assert await trio.all_states() == ("completed", "completed", "returned", "returned")
        await trio.east(EventKind.CHECKED_IN)
        assert await trio.all_states() == ("completed", "completed", "completed", "completed")
        assert (await trio.towns["SOUTH"].left()).temporary == ()
        await trio.nothing_is_left()


async def test_a_copy_of_the_broker_s_own_after_all_is_lent_there(template: Template, tmp_path: Path) -> None:
    async with Trio(template, tmp_path, Http18626(), WORKFLOW) as trio:
        await trio.ask()
        near, _ = await trio.legs()
        barcode = trio.books[0].barcodes[0]
        await trio.broker(near, EventKind.SHIPPED, barcode=barcode)

        near, far = await trio.legs()
        assert (near.state.value, near.item_barcode, far.state.value) == ("shipped", barcode, "cancel-pending")
        assert (await trio.towns["SOUTH"].left()).loans == (near.number,)
        await trio.east(EventKind.CANCEL_ACCEPTED)
        await trio.north(EventKind.RECEIVED)
        await trio.north(EventKind.RETURNED)
        near, far = await trio.legs()
        assert (near.state.value, far.state.value) == ("returned", "cancelled")
        await trio.broker(near, EventKind.CHECKED_IN)
        assert (await trio.borrowing()).state.value == "completed"
        assert (await trio.towns["SOUTH"].left()).loans == ()

        await trio.ask(1)
        near, _ = await trio.legs()
        await trio.broker(near, EventKind.LOCATED, barcode=trio.books[1].barcodes[0])
        await trio.east(EventKind.SHIPPED)  # in spite of our cancellation
        near, far = await trio.legs()
        assert (near.state.value, far.state.value) == ("located", "shipped")
        assert RequestFlag.TROUBLE in far.flags, "staff see to what comes for nothing"
        assert (await trio.borrowing()).state.value == "requested"
        await trio.nothing_is_left()


async def test_a_request_that_comes_back_is_refused(template: Template, tmp_path: Path) -> None:
    """The supplier is a broker too, and its rota leads back to who asked first: that library knows its own number."""
    circle = {"rota": "both", "what": "everything"}
    async with Trio(template, tmp_path, Http18626(), WORKFLOW, far_brokering=circle) as trio:
        await trio.ask()
        assert (await trio.borrowing()).state.value == "no-supplier"
        (asked,) = [one for one in (await trio.towns["EAST"].requests()).values() if one.role is Role.BORROWING]
        assert [(one.partner, one.status.value) for one in asked.attempts] == [("north", "rejected")]
        assert "We have asked SOUTH for it ourselves" in asked.attempts[0].note
        assert [(line.partner, line.why) for line in asked.rota if line.standing.value == "skipped"] == [
            ("south", "asks for it")
        ]


@pytest.mark.long
async def test_a_broker_that_is_killed_all_the_time_loses_nothing(template: Template, tmp_path: Path) -> None:
    async with Trio(template, tmp_path, join_ways("iso18626 to iso-ill"), WORKFLOW) as trio:
        trio.trouble = lambda: trio.kill("SOUTH", 0.01)
        await SEQUENCES["loan"](trio)
        trio.trouble = None
        await trio.nothing_is_left()
