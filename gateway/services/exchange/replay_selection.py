"""Selection of the messages of the journal that are meant when many are to be carried out again."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gateway.domain.value import replace, value_object
from gateway.ports.responder import OutcomeClass
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalFilter, JournalMessage, MessageDirection

PAGE = 500


class TooManyMessagesError(Exception):
    """More messages fit than are carried out at once; a plain sentence."""


@value_object
class ReplaySelection:
    """`messages` without their bodies, in the order in which they came. `redone`: how many more fit, but were carried
    out well by a replay since."""

    messages: tuple[JournalMessage, ...]
    redone: int


async def select_messages(journal: Journal, journal_filter: JournalFilter, most: int) -> ReplaySelection:
    """Those that came in and fit. Replays are not replayed, nor is what is in hand now: their originals are, and
    recovery finishes that. Raises TooManyMessagesError when there are more than `most`, Unavailable."""
    came_in = replace(journal_filter, direction=MessageDirection.IN, replays=False)
    messages: list[JournalMessage] = []
    async for message in _iter_messages(journal, came_in):
        if message.outcome is OutcomeClass.PENDING:
            continue
        messages.append(message)
        if len(messages) > most:
            raise TooManyMessagesError(f"more than {most} messages fit; say more exactly which")
    if not messages:
        return ReplaySelection((), 0)
    messages.reverse()
    redone = await _list_redone(journal, journal_filter.library, messages[0])
    left = tuple(message for message in messages if message.id not in redone)
    return ReplaySelection(left, len(messages) - len(left))


async def _list_redone(journal: Journal, library: str, oldest: JournalMessage) -> frozenset[str]:
    """Ids of messages that a replay has carried out well since the oldest came."""
    well = JournalFilter(library, outcome=OutcomeClass.OK, direction=MessageDirection.IN, since=oldest.at, replays=True)
    return frozenset([message.replay_of async for message in _iter_messages(journal, well)])


async def _iter_messages(journal: Journal, journal_filter: JournalFilter) -> AsyncIterator[JournalMessage]:
    """Newest first."""
    cursor = ""
    while True:
        page = await journal.list_messages(journal_filter, PAGE, cursor)
        for message in page.messages:
            yield message
        cursor = page.cursor
        if not cursor:
            return
