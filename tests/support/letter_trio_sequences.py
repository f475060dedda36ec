"""The sequences of tests/support/brokered_sequences.py where letters are on one side of the broker, or on both: some go
another way, because people have to read what no link and no code of a letter says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import ServiceType
from gateway.domain.requests.views import FileUpload
from tests.support import brokered_sequences
from tests.support.brokered_sequences import list_volume_states
from tests.support.letter_sequences import PDF
from tests.support.letter_trio import LetterTrio


async def two_volumes(trio: LetterTrio) -> None:
    """In one parcel: a link answers for all of it, so it is opened once everything has been sent, or has come."""
    await trio.ask(volumes=("Bind 1", "Bind 2"))
    first, second = (book.barcodes[0] for book in trio.books[:2])
    await trio.east(EventKind.SHIPPED, volumes=("1",), barcode=first, quiet=False)
    await trio.east(EventKind.SHIPPED, volumes=("2",), barcode=second)
    assert await list_volume_states(trio) == [["shipped", "shipped"]] * 4
    for kind, state in ((EventKind.RECEIVED, "received"), (EventKind.RETURNED, "returned")):
        await trio.north(kind, volumes=("1",), quiet=False)
        await trio.north(kind, volumes=("2",))
        assert await list_volume_states(trio) == [[state, state]] * 4
    await trio.east(EventKind.CHECKED_IN)
    assert await trio.all_states() == ("completed",) * 4


async def copy(trio: LetterTrio) -> None:
    """By letter the supplier sends the file; the requester is written a link, opens it, and has the copy."""
    await trio.ask(service=ServiceType.COPY)
    sent = await _make_copy(trio)
    await trio.east(EventKind.DIGITISED, **sent)
    await trio.east(EventKind.COPY_DELIVERED, **sent)
    if trio.is_by_letter("NORTH", "SOUTH"):
        assert await trio.all_states() == ("shipped", "completed", "completed", "completed")
        await trio.north(EventKind.RECEIVED)
    assert await trio.all_states() == ("completed",) * 4


async def _make_copy(trio: LetterTrio) -> Mapping[str, Any]:
    """What the supplier's staff deliver."""
    if not trio.is_by_letter("SOUTH", "EAST"):
        return {"link": "https://east.example/c/1"}
    theirs = await trio.supplied()
    upload = FileUpload(name="prologue.pdf", media_type="application/pdf", content=PDF)
    _, kept = await trio.towns["EAST"].front.attach(theirs.id, upload, "staff:east", theirs.version)
    return {"attachment": kept.id}


async def cancel_yes(trio: LetterTrio) -> None:
    """By the link of the supplier's first letter: before it, there is none to answer."""
    await _cancel_promised(trio)
    await trio.east(EventKind.CANCEL_ACCEPTED)
    assert await trio.all_states() == ("cancelled",) * 4


async def cancel_no(trio: LetterTrio) -> None:
    await _cancel_promised(trio)
    await trio.east(EventKind.CANCEL_REFUSED, reason="not-available")
    assert await trio.all_states() == ("will-supply",) * 4
    await trio.east(EventKind.SHIPPED)
    assert await trio.all_states() == ("shipped",) * 4


async def _cancel_promised(trio: LetterTrio) -> None:
    await trio.ask()
    await trio.east(EventKind.WILL_SUPPLY)
    await trio.north(EventKind.CANCEL)
    assert await trio.all_states() == ("cancel-pending",) * 4


async def lost_by_the_borrower(trio: LetterTrio) -> None:
    """Whoever gets a letter that says so enters it: at the broker on the leg to the supplier, which carries it back."""
    await _lend(trio)
    await trio.north(EventKind.LOST, note="left on a train")
    if trio.is_by_letter("NORTH", "SOUTH"):
        near, far = await trio.legs()
        assert "left on a train" in near.notes[-1].text
        await trio.broker(far, EventKind.LOST)
    if trio.is_by_letter("SOUTH", "EAST"):
        assert (await trio.supplied()).state.value == "shipped"
        await trio.east(EventKind.LOST)
    assert await trio.all_states() == ("lost",) * 4


async def lost_by_the_lender(trio: LetterTrio) -> None:
    """Whoever gets a letter that says so enters it."""
    await _lend(trio)
    await trio.east(EventKind.LOST, note="never came home")
    if trio.is_by_letter("SOUTH", "EAST"):
        _, far = await trio.legs()
        assert "never came home" in far.notes[-1].text
        await trio.broker(far, EventKind.LOST)
    if trio.is_by_letter("NORTH", "SOUTH"):
        assert (await trio.borrowing()).state.value == "lent"
        await trio.north(EventKind.LOST)
    assert await trio.all_states() == ("lost",) * 4


async def _lend(trio: LetterTrio) -> None:
    await trio.ask()
    await trio.east(EventKind.SHIPPED)
    await trio.north(EventKind.RECEIVED)
    await trio.north(EventKind.LOANED_TO_PATRON)


LETTER_TRIO_SEQUENCES: Mapping[str, Callable[[LetterTrio], Awaitable[None]]] = {
    **brokered_sequences.SEQUENCES,
    **{
        one.__name__: one
        for one in (two_volumes, copy, cancel_yes, cancel_no, lost_by_the_borrower, lost_by_the_lender)
    },
}
"""By name, in the order of the others."""
