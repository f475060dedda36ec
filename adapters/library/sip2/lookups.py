"""Questions to a SIP2 system, and what the gateway remembers of its own loans and holds there.

SIP2 names no loans and holds: a loan is an item in the list of a patron, a hold too. What else a loan or a hold is,
such as the partner's request number, the gateway knows of those that it made itself (`LibraryChanges`).
"""

from __future__ import annotations

from datetime import date

from adapters.library.change_sending import LOAN_JSON, ChangeDesk, find_open_change
from adapters.library.refusals import make_refusal
from adapters.library.sip2.client import ServerAbility, Sip2Client, Sip2Conversation
from adapters.library.sip2.codec import Sip2Reply, UnsendableValueError
from adapters.library.sip2.messages import PatronList, QueryWriter
from adapters.library.sip2.options import Sip2Options
from adapters.library.sip2.records import CHARGED, Sip2Patron, Sip2RecordReader
from gateway.domain.clock import Clock
from gateway.domain.library import Item, Loan, Patron
from gateway.domain.problems import RefusalReason
from gateway.domain.value import replace, value_object
from gateway.ports.library_changes import ChangeKind, LibraryChange, LibraryChanges

MAX_LIST_PAGES = 50


@value_object
class Sip2Item:
    item: Item
    title: str
    borrower: str  # empty: the system doesn't say

    @property
    def is_charged(self) -> bool:
        return self.item.status in CHARGED


@value_object
class Sip2Desk(ChangeDesk):
    """All that the parts of this adapter share."""

    client: Sip2Client
    options: Sip2Options
    writer: QueryWriter
    reader: Sip2RecordReader
    changes: LibraryChanges
    clock: Clock

    def today(self) -> date:
        """Return the day in the library's zone."""
        return self.clock.now().astimezone(self.reader.zone).date()

    def can_do(self, ability: ServerAbility) -> bool:
        """Return what the server says; before it was reached for the first time, everything can be done."""
        status = self.client.status
        return status is None or status.can_do(ability)

    # --- patrons -----------------------------------------------------------------------------------------

    async def load_patron_and_list(
        self, talk: Sip2Conversation, number: str, wanted: PatronList
    ) -> tuple[Patron, tuple[str, ...]]:
        """Load a patron and a list by the same message. Raises Refused(UNKNOWN_PATRON), Unavailable."""
        if not self.can_do(ServerAbility.PATRON_INFORMATION):
            return await self.require_patron(talk, number), ()
        try:
            reply = await talk.ask(self.writer.patron_information(number, self.now(), wanted=wanted))
        except UnsendableValueError as error:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON, str(error)) from error
        answer = self.reader.read_patron(reply, number, self.today())
        if answer.patron is None:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON, answer.said)
        return answer.patron, await self._complete_list(talk, answer.patron.id, wanted, reply)

    async def load_patron_and_holds(self, talk: Sip2Conversation, number: str) -> tuple[Patron, tuple[str, ...]]:
        """Load a patron and holds; raises Refused(UNKNOWN_PATRON), Unavailable."""
        patron, ready = await self.load_patron_and_list(talk, number, PatronList.HOLDS)
        return patron, await self._add_other_holds(talk, patron.id, ready)

    async def ask_patron(self, talk: Sip2Conversation, number: str, secret: str = "") -> Sip2Patron:
        """Ask for a patron; raises Unavailable, UnsendableValueError."""
        if self.can_do(ServerAbility.PATRON_INFORMATION):
            query = self.writer.patron_information(number, self.now(), secret=secret)
        else:
            query = self.writer.patron_status(number, secret, self.now())
        return self.reader.read_patron(await talk.ask(query), number, self.today())

    async def require_patron(self, talk: Sip2Conversation, number: str) -> Patron:
        """Load a patron; raises Refused(UNKNOWN_PATRON), Unavailable."""
        try:
            answer = await self.ask_patron(talk, number)
        except UnsendableValueError as error:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON, str(error)) from error
        if answer.patron is None:
            raise make_refusal(RefusalReason.UNKNOWN_PATRON, answer.said)
        return answer.patron

    async def list_entries(self, talk: Sip2Conversation, patron_id: str, wanted: PatronList) -> tuple[str, ...]:
        """The whole list, though the server may give it in pieces. Empty where it keeps no such lists.

        Raises Unavailable."""
        if not self.can_do(ServerAbility.PATRON_INFORMATION):
            return ()
        reply = await talk.ask(self.writer.patron_information(patron_id, self.now(), wanted=wanted))
        return await self._complete_list(talk, patron_id, wanted, reply)

    async def _complete_list(
        self, talk: Sip2Conversation, patron_id: str, wanted: PatronList, first: Sip2Reply
    ) -> tuple[str, ...]:
        """`first`: the answer with its beginning."""
        values = dict.fromkeys(first.values_of(wanted.value))
        announced, count = _announced_count(first, wanted), 0
        for _ in range(MAX_LIST_PAGES - 1):
            if len(values) in (count, 0) or len(values) >= announced:
                break
            count = len(values)
            query = self.writer.patron_information(patron_id, self.now(), wanted=wanted, start=count + 1)
            reply = await talk.ask(query)
            values.update(dict.fromkeys(reply.values_of(wanted.value)))
            announced = _announced_count(reply, wanted)
        return tuple(values)

    async def has_on_loan(self, talk: Sip2Conversation, patron_id: str, barcode: str) -> bool:
        return is_listed(barcode, await self.list_entries(talk, patron_id, PatronList.CHARGED))

    async def list_holds(self, talk: Sip2Conversation, patron_id: str) -> tuple[str, ...]:
        return await self._add_other_holds(talk, patron_id, await self.list_entries(talk, patron_id, PatronList.HOLDS))

    async def _add_other_holds(self, talk: Sip2Conversation, patron_id: str, ready: tuple[str, ...]) -> tuple[str, ...]:
        if self.options.hold_lists == "all":
            return ready
        others = await self.list_entries(talk, patron_id, PatronList.UNAVAILABLE_HOLDS)
        return tuple(dict.fromkeys((*ready, *others)))

    # --- items -------------------------------------------------------------------------------------------

    async def ask_item(self, talk: Sip2Conversation, barcode: str) -> Sip2Item | None:
        """None: the system knows no such item. Raises Unavailable."""
        try:
            reply = await talk.ask(self.writer.item_information(barcode, self.now()))
        except UnsendableValueError:
            return None
        item = self.reader.read_item(reply, barcode)
        if item is None or reply.first("AB") not in ("", barcode):
            return None
        return Sip2Item(item, reply.first("AJ"), self.reader.read_borrower(reply))

    async def require_item(self, talk: Sip2Conversation, barcode: str) -> Sip2Item:
        """Load an item; raises Refused(UNKNOWN_ITEM), Unavailable."""
        answer = await self.ask_item(talk, barcode) if barcode else None
        if answer is None:
            raise make_refusal(RefusalReason.UNKNOWN_ITEM)
        return answer

    # --- what we remember --------------------------------------------------------------------------------

    async def find_loan(
        self, talk: Sip2Conversation, answer: Sip2Item, changes: tuple[LibraryChange, ...]
    ) -> Loan | None:
        """The open loan of an item; `changes`: those of the item, newest first. Of a loan that we didn't make only what
        the system says is known: then `key` is empty, `lent` is the moment of the question, and `patron_id` is empty
        where it doesn't name the patron.

        Raises Unavailable."""
        if not answer.is_charged:
            return None
        ours = find_open_change(ChangeKind.CHECK_OUT, ChangeKind.CHECK_IN, changes)
        if ours is not None and answer.borrower in ("", ours.patron_id):
            known = answer.borrower or await self.has_on_loan(talk, ours.patron_id, answer.item.barcode)
            if known:
                return self.restore_loan(ours, answer)
        return self.describe_foreign_loan(answer, answer.borrower)

    def restore_loan(self, change: LibraryChange, answer: Sip2Item) -> Loan:
        """A loan of ours as it is now; of one whose answer was lost, what is sure."""
        due = answer.item.due
        if change.value:
            loan = LOAN_JSON.validate_json(change.value)
            return loan if due is None else replace(loan, due=due)
        foreign = self.describe_foreign_loan(answer, change.patron_id)
        return replace(foreign, key=change.key, request_id=change.request_id, lent=change.begun)

    def describe_foreign_loan(self, answer: Sip2Item, patron_id: str) -> Loan:
        barcode = answer.item.barcode
        return Loan(
            id=f"loan:{barcode}",
            key="",
            request_id="",
            item_id=answer.item.id,
            item_barcode=barcode,
            bib_id=answer.item.bib_id,
            patron_id=patron_id,
            lent=self.now(),
            due=answer.item.due,
            title=answer.title,
        )


def _announced_count(reply: Sip2Reply, wanted: PatronList) -> int:
    names = {
        PatronList.HOLDS: "hold_count",
        PatronList.CHARGED: "charged_count",
        PatronList.UNAVAILABLE_HOLDS: "unavailable_hold_count",
    }
    text = reply.fixed[names[wanted]].strip()
    return int(text) if text.isascii() and text.isdigit() else 0


def is_listed(barcode: str, entries: tuple[str, ...]) -> bool:
    """Entries are barcodes, in some systems with the title after them."""
    return any(entry == barcode or entry.split(maxsplit=1)[0] == barcode for entry in entries)
