"""The sequences of tests/support/iso_sequences.py between libraries that write letters: some go another way, because
people have to read what no link and no code of a letter says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from demo.world import COPY
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import ServiceType
from gateway.domain.requests.views import FileUpload
from tests.support import iso_sequences
from tests.support.letter_pair import LetterPair

PDF = COPY


async def two_volumes(pair: LetterPair) -> None:
    """In one parcel: a link answers for all of it, so it is opened once everything has been sent, or has come."""
    first, second = (book.barcodes[0] for book in pair.books[:2])
    await pair.ask(volumes=("Bind 1", "Bind 2"))
    theirs = await pair.lending()
    assert [(one.id, one.label) for one in theirs.volumes] == [("1", "Bind 1"), ("2", "Bind 2")]

    await pair.south(EventKind.SHIPPED, volumes=("1",), barcode=first, quiet=False)
    await pair.south(EventKind.SHIPPED, volumes=("2",), barcode=second)
    assert await list_volume_states(pair) == (["shipped", "shipped"], ["shipped", "shipped"])
    for kind, state in ((EventKind.RECEIVED, "received"), (EventKind.RETURNED, "returned")):
        await pair.north(kind, volumes=("1",), quiet=False)
        await pair.north(kind, volumes=("2",))
        assert await list_volume_states(pair) == ([state, state], [state, state])
    await pair.south(EventKind.CHECKED_IN)
    assert await pair.states() == ("completed", "completed")


async def list_volume_states(pair: LetterPair) -> tuple[list[str], list[str]]:
    """States of NORTH's volumes and of SOUTH's."""
    ours, theirs = await pair.borrowing(), await pair.lending()
    return [one.state.value for one in ours.volumes], [one.state.value for one in theirs.volumes]


async def copy(pair: LetterPair) -> None:
    """It comes with the letter, and is all that the letter says."""
    await pair.ask(service=ServiceType.COPY)
    assert await pair.states() == ("requested", "digitising")
    theirs = await pair.lending()
    upload = FileUpload(name="prologue.pdf", media_type="application/pdf", content=PDF)
    _, kept = await pair.towns["SOUTH"].front.attach(theirs.id, upload, "staff:south", theirs.version)
    await pair.south(EventKind.DIGITISED, attachment=kept.id)
    await pair.south(EventKind.COPY_DELIVERED, attachment=kept.id)
    assert await pair.states() == ("completed", "completed")
    (come,) = (await pair.borrowing()).attachments
    assert (come.media_type, come.size) == ("application/pdf", len(PDF))


async def cancel_yes(pair: LetterPair) -> None:
    """By the link of the lender's first letter: before it, there is none to answer."""
    await pair.ask()
    await pair.south(EventKind.WILL_SUPPLY)
    await pair.north(EventKind.CANCEL)
    assert await pair.states() == ("cancel-pending", "cancel-pending")
    await pair.south(EventKind.CANCEL_ACCEPTED)
    assert await pair.states() == ("cancelled", "cancelled")


async def lost_by_the_borrower(pair: LetterPair) -> None:
    """The lender's staff read it and enter it."""
    await pair.ask()
    await _lend(pair)
    await pair.north(EventKind.LOST, note="left on a train")
    assert await pair.states() == ("lost", "shipped")
    assert "left on a train" in (await pair.lending()).notes[-1].text
    await pair.south(EventKind.LOST)
    assert await pair.states() == ("lost", "lost")


async def lost_by_the_lender(pair: LetterPair) -> None:
    """The borrower's staff read it and enter it."""
    await pair.ask()
    await _lend(pair)
    await pair.south(EventKind.LOST, note="never came home")
    assert await pair.states() == ("lent", "lost")
    assert "never came home" in (await pair.borrowing()).notes[-1].text
    await pair.north(EventKind.LOST)
    assert await pair.states() == ("lost", "lost")


async def _lend(pair: LetterPair) -> None:
    await pair.south(EventKind.SHIPPED)
    await pair.north(EventKind.RECEIVED)
    await pair.north(EventKind.LOANED_TO_PATRON)
    assert await pair.states() == ("lent", "shipped")


async def queries(pair: LetterPair) -> None:
    """A question is a letter; its links answer it."""
    await pair.ask()
    await pair.north(EventKind.STATUS_QUERY)
    assert "partner:message" in await pair.told("SOUTH")
    await pair.south(EventKind.WILL_SUPPLY)
    await pair.north(EventKind.MESSAGE, note="გამარჯობა")
    await pair.south(EventKind.MESSAGE, note="Buenos días")
    assert any("გამარჯობა" in note.text for note in (await pair.lending()).notes)
    assert any("Buenos días" in note.text for note in (await pair.borrowing()).notes)
    assert await pair.states() == ("will-supply", "will-supply")


LETTER_SEQUENCES: Mapping[str, Callable[[LetterPair], Awaitable[None]]] = {
    **iso_sequences.SEQUENCES,
    **{one.__name__: one for one in (two_volumes, copy, cancel_yes, lost_by_the_borrower, lost_by_the_lender, queries)},
}
"""By name, in the order of the others."""
