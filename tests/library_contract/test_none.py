"""A library without a system: it answers, and refuses all else as systems refuse what they lack."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from adapters.library.none import adapter
from gateway.domain.clock import FixedClock
from gateway.domain.library import Bib, Location, RecordId
from gateway.domain.problems import RefusalReason
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import HoldWish, LibraryCodes, PatronKey, TemporaryItem
from gateway.ports.shared_store import Store
from gateway.services.operation.check.outside_systems import ask_library
from tests.library_contract.embedded_world import START, make_context
from tests.library_contract.suite import key, refused

ITEM = TemporaryItem("ILL-1", Bib(title="Aniara"), "REQ-1", Location("MAIN"), "ill")


@pytest.fixture
async def library(store: Store) -> LibrarySystem:
    return await adapter.open(make_context(store, FixedClock(START)), adapter.options())


async def test_it_answers_and_has_no_codes_that_a_profile_could_get_wrong(library: LibrarySystem) -> None:
    await library.ping()
    known = await ask_library(library)

    assert (library.capabilities, known.pickups, known.codes) == (frozenset(), None, LibraryCodes())
    assert (await library.info()).name == "Městská knihovna"


@pytest.mark.parametrize(
    "ask",
    [
        lambda library: library.find_patron(PatronKey("21000000000017")),
        lambda library: library.authenticate(PatronKey("21000000000017"), "1234"),
        lambda library: library.patron_loans("1"),
        lambda library: library.patron_holds("1"),
        lambda library: library.find_bib(RecordId("isbn", "9789979530862")),
        lambda library: library.item_by_barcode("39000000000011"),
        lambda library: library.item_loan("1"),
        lambda library: library.item_holds("1"),
        lambda library: library.get_bib("1"),
        lambda library: library.find_hold("REQ-1"),
        lambda library: library.place_hold(HoldWish("1", "MAIN", item_barcode="39000000000011"), key()),
        lambda library: library.create_temporary_item(ITEM, key()),
        lambda library: library.check_out("39000000000011", "1", key()),
        lambda library: library.check_in("39000000000011", key()),
        lambda library: library.pickup_locations(),
    ],
)
async def test_it_can_do_nothing(library: LibrarySystem, ask: Callable[[LibrarySystem], Awaitable[object]]) -> None:
    with refused(RefusalReason.UNSUPPORTED_SERVICE):
        await ask(library)
