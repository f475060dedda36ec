"""SavedFilterService: filters of lists that staff have named."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.views import NotFound
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.shared_store import Transaction
from gateway.services.outbox.keyed_work import write_once
from gateway.services.requests.library_context import LibraryContext
from gateway.store import saved_filters
from gateway.store.saved_filters import SavedFilter
from gateway.store.schema import make_exchange_id

MAX_NAME_CHARS = 60
MAX_QUERY_CHARS = 1_000
MAX_FILTERS = 50


@value_object
class SavedFilterService:
    context: LibraryContext

    async def list_filters(self, place: str, owner: str) -> Sequence[SavedFilter]:
        """List the filters of this list: the owner's and those of the house, by name."""
        return await self.context.store.read(
            lambda c: saved_filters.list_saved_filters(c, self.context.symbol, place, owner)
        )

    async def save_filter(self, place: str, owner: str, name: str, query: str, shared: bool) -> SavedFilter:
        """Save a filter in place of one of the same name. Raises Refused (INVALID_VALUE): it has no name, or there are
        too many."""
        line = " ".join(name.split())
        if not line or len(line) > MAX_NAME_CHARS or not line.isprintable():
            raise _invalid(
                write_sentence(
                    "The name of a filter can have 1 to %(most)s printable characters.",
                    most=MAX_NAME_CHARS,
                ),
                name,
            )
        if len(query) > MAX_QUERY_CHARS:
            raise _invalid(
                write_sentence("A filter can have up to %(most)s characters.", most=MAX_QUERY_CHARS),
                query[:40],
            )
        now = self.context.now()
        new = SavedFilter(
            library=self.context.symbol,
            id=make_exchange_id(now),
            owner=owner,
            place=place,
            name=line,
            query=query,
            shared=shared,
            created=now,
        )

        def insert_filter(connection: Transaction) -> None:
            saved_filters.insert_saved_filter(connection, new)
            if saved_filters.count_saved_filters(connection, self.context.symbol, owner) > MAX_FILTERS:
                raise _invalid(
                    write_sentence("You can save up to %(most)s filters. Remove one first.", most=MAX_FILTERS),
                    line,
                )

        await write_once(self.context.store, insert_filter, lambda _: new.id)
        return new

    async def delete_filter(self, id_: str, owner: str) -> None:
        """Delete a filter; raises NotFound, for those of others too."""
        gone = await self.context.store.write(
            lambda c: saved_filters.delete_saved_filter(c, self.context.symbol, id_, owner)
        )
        if not gone:
            raise NotFound("filter")


def _invalid(detail: str, value: str) -> Refused:
    return Refused(RefusalReason.INVALID_VALUE, detail, value=value)
