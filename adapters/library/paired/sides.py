"""The two systems of a pair, and what each says in the pair's words.

How the pair calls what its two systems call by numbers of their own:

- A patron is called by the number by which both find it (`patron_number`).
- An item is called by its barcode; one of a system apart by that system's own number, since the item of a later request
  with the same barcode is another one.
- Loans, holds, charges and records are called by the system that has them and its number there; a loan by the barcode
  too, by which the other system finds its own.
"""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import quote, unquote
from uuid import uuid4

from adapters.library.paired.changes import PairMemory
from adapters.library.refusals import make_refusal
from gateway.domain.library import Bib, Charge, Hold, IdentifierType, Item, Loan, Patron, PatronDraft, PatronIdentifier
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import CheckedIn, PatronKey, TemporaryItemResult

SEPARATOR = "::"


class PairedSide(StrEnum):
    MAIN = "main"
    SECOND = "second"


@value_object
class SideReference:
    """A record of one of the two systems. `barcode`: of a loan's item."""

    side: PairedSide
    number: str
    barcode: str = ""

    def __str__(self) -> str:
        return SEPARATOR.join((self.side.value, quote(self.barcode, safe=""), self.number))


def parse_reference(text: str) -> SideReference | None:
    """None: not of the pair's making."""
    side, _, rest = text.partition(SEPARATOR)
    barcode, separator, number = rest.partition(SEPARATOR)
    if side not in tuple(PairedSide) or not separator:
        return None
    return SideReference(PairedSide(side), number, unquote(barcode))


def require_reference(text: str, reason: RefusalReason, about: MessagePart | None = None) -> SideReference:
    """Parse a reference; raises Refused."""
    reference = parse_reference(text)
    if reference is None:
        raise make_refusal(reason, about=about)
    return reference


@value_object
class PatronCopyRules:
    """The options for copying patrons into a system apart, when they need something there. Empty: as in the main
    system."""

    category: str = ""
    branch: str = ""


@value_object
class SystemSide:
    """`is_apart`: its items are its own, so they are called by its numbers too. `copies` None: it has the same patrons.
    `main` None: it is the main system itself.
    `memory`: of the copies that were made."""

    side: PairedSide
    system: LibrarySystem
    patron_number: str
    is_apart: bool = False
    copies: PatronCopyRules | None = None
    main: LibrarySystem | None = None
    memory: PairMemory | None = None

    # --- numbers -----------------------------------------------------------------------------------------

    async def find_patron(self, number: str) -> Patron:
        """Find a patron as this system has it. Raises Refused(UNKNOWN_PATRON | AMBIGUOUS_PATRON), Unavailable."""
        return await self.system.find_patron(PatronKey(number, (self.patron_number,)))

    async def require_patron(self, number: str) -> str:
        """Its number in this system. In a system apart it is copied from the main one, where it isn't there yet."""
        try:
            return (await self.find_patron(number)).id
        except Refused as refused:
            if refused.reason is not RefusalReason.UNKNOWN_PATRON or self.copies is None or self.main is None:
                raise
        original = await self.main.find_patron(PatronKey(number, (self.patron_number,)))
        copy = await self.system.create_patron(self._draft_copy(original, number), f"copy:{uuid4().hex}")
        if self.memory is not None:
            await self.memory.keep_copy(copy.id, number)
        return copy.id

    def _draft_copy(self, patron: Patron, number: str) -> PatronDraft:
        """Name and number, and what the system's rules go by; nothing by which the patron could be written to."""
        copies = self.copies or PatronCopyRules()
        return PatronDraft(
            identifiers=(PatronIdentifier(self.patron_number, number),),
            name=patron.name,
            category=copies.category or patron.category,
            home_library=copies.branch or patron.home_library,
            temporary=True,
        )

    async def number_of_patron(self, patron_id: str) -> str:
        """The number by which both systems find a patron of this one; empty where none is known."""
        if not patron_id:
            return ""
        try:
            patron = await self.system.find_patron(PatronKey(patron_id, (IdentifierType.INTERNAL.value,)))
        except Refused as refused:
            if refused.reason is not RefusalReason.UNKNOWN_PATRON or self.memory is None:
                raise
            return await self.memory.number_of_copy(patron_id)  # the copy has gone with the partner's item
        return patron.identifier(self.patron_number) or ""

    async def item_number(self, item_id: str) -> str:
        """This system's number of an item of the pair. Raises Refused(UNKNOWN_ITEM)."""
        reference = parse_reference(item_id)
        return reference.number if reference is not None else (await self.system.item_by_barcode(item_id)).id

    # --- in the pair's words -----------------------------------------------------------------------------

    def write_reference(self, number: str, barcode: str = "") -> str:
        return str(SideReference(self.side, number, barcode)) if number else ""

    def name_patron(self, patron: Patron) -> Patron:
        """Name a patron; raises Refused(UNKNOWN_PATRON) for one without the number by which both find it."""
        number = patron.identifier(self.patron_number)
        if not number:
            raise make_refusal(
                RefusalReason.UNKNOWN_PATRON,
                write_sentence("the patron has no number of type '%(kind)s' (patron_number)", kind=self.patron_number),
            )
        return replace(patron, id=number)

    def name_bib(self, bib: Bib) -> Bib:
        return replace(bib, id=self.write_reference(bib.id))

    def refer_to_item(self, number: str, barcode: str) -> str:
        return self.write_reference(number) if self.is_apart else barcode

    def name_item(self, item: Item) -> Item:
        return replace(item, id=self.refer_to_item(item.id, item.barcode), bib_id=self.write_reference(item.bib_id))

    def name_loan(self, loan: Loan, patron_number: str) -> Loan:
        return replace(
            loan,
            id=self.write_reference(loan.id, loan.item_barcode),
            item_id=self.refer_to_item(loan.item_id, loan.item_barcode),
            bib_id=self.write_reference(loan.bib_id),
            patron_id=patron_number,
        )

    def name_hold(self, hold: Hold, patron_number: str) -> Hold:
        item_id = self.refer_to_item(hold.item_id, hold.item_barcode) if hold.item_id else ""
        return replace(
            hold,
            id=self.write_reference(hold.id),
            item_id=item_id,
            bib_id=self.write_reference(hold.bib_id),
            patron_id=patron_number,
        )

    def name_charge(self, charge: Charge, patron_number: str) -> Charge:
        return replace(charge, id=self.write_reference(charge.id), patron_id=patron_number)

    async def describe_loan(self, loan: Loan) -> Loan:
        return self.name_loan(loan, await self.number_of_patron(loan.patron_id))

    async def describe_hold(self, hold: Hold) -> Hold:
        return self.name_hold(hold, await self.number_of_patron(hold.patron_id))

    async def describe_return(self, done: CheckedIn) -> CheckedIn:
        """Describe a return without the patron, whom the main system tells."""
        return replace(
            done,
            item=self.name_item(done.item),
            loan=await self.describe_loan(done.loan) if done.loan is not None else None,
            patron=None,
            next_hold=await self.describe_hold(done.next_hold) if done.next_hold is not None else None,
        )

    def name_result(self, made: TemporaryItemResult, patron_number: str) -> TemporaryItemResult:
        return replace(
            made,
            item=self.name_item(made.item),
            bib=self.name_bib(made.bib),
            hold=self.name_hold(made.hold, patron_number) if made.hold is not None else None,
        )
