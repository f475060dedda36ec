"""What the journal shows of one request, as `illgate journal list --request` finds it."""

from __future__ import annotations

from dataclasses import replace

from gateway.ports.shared_store import Store
from gateway.services.requests.conversations import find_request_names
from gateway.store.journal import Journal
from gateway.store.journal_records import FullMessage, JournalFilter, JournalOptions, MessageDirection


async def conversation(store: Store, library: str, reference: str) -> list[FullMessage]:
    """Oldest first, with content."""
    names = await store.read(lambda c: find_request_names(c, library, reference))
    assert names is not None, f"no such request: {reference}"
    wanted = replace(JournalFilter(library), request_id=reference, managed_request=names)
    found = [one async for one in Journal(store, JournalOptions()).export_messages(wanted)]
    return sorted(found, key=lambda one: one.message.id)


async def sent(store: Store, library: str, reference: str) -> list[FullMessage]:
    """What we sent by ourselves, without our answers."""
    return [
        one
        for one in await conversation(store, library, reference)
        if one.message.direction is MessageDirection.OUT and one.message.id.endswith("-1")
    ]
