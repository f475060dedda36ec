"""Items lent, returned, renewed, recalled; a partner's item removed."""

from __future__ import annotations

from datetime import datetime

from gateway.domain.circulation_policy import CheckInRules, DuePolicy, LibraryService
from gateway.domain.commands import (
    AllRenewed,
    CheckIn,
    CheckOut,
    DeleteItem,
    Due,
    ItemChanged,
    ItemLent,
    ItemRecalled,
    ItemRenewed,
    ItemReturned,
    LoanRenewal,
    Named,
    Recall,
    Renew,
    RenewAll,
)
from gateway.domain.due_dates import DueChoice, choose_due_date, patron_due
from gateway.domain.library import BlockScope, Item, Loan, Patron
from gateway.domain.partner_identifiers import is_request_number, list_item_barcodes, read_request_number
from gateway.domain.problems import MessagePart, Refusal, RefusalReason, Refused
from gateway.domain.value import value_object
from gateway.ports.library_system import Capability, CheckedIn
from gateway.ports.partner_things import ThingKind
from gateway.services.circulation import holds, items, patrons
from gateway.services.circulation.context import (
    CirculationContext,
    change_refusals_about,
    is_answered_as_success,
    require_capability,
)
from gateway.services.circulation.due_date_changes import move_due_date
from gateway.services.circulation.own_things import Maker
from gateway.services.circulation.ownership import (
    find_loan_maker,
    has_hold_right,
    is_number_of_another,
    list_visible_loans,
    require_item_right,
    require_loan_right,
    require_right,
)


@value_object
class LoanWish:
    item: Item
    patron: Patron
    due: DueChoice
    request_id: str = ""
    override: bool = False


async def lend_item(wish: LoanWish, context: CirculationContext, key: str) -> Loan:
    """Lend an item; as long as the loan that a message made is open, the message again is a repeat; after its return
    the same words mean a new loan (`LibrarySystem.check_out`)."""
    loan = await context.library.check_out(
        wish.item.barcode,
        wish.patron.id,
        key,
        due=drop_unsettable_due(wish.due, context).exact,
        request_id=wish.request_id,
        override=wish.override,
    )
    context.things.add_thing(
        ThingKind.LOAN, loan.id, request_id=wish.request_id, barcode=loan.item_barcode or wish.item.barcode
    )
    return await bring_due_forward(wish.due, loan, context, key) if loan.renewals == 0 else loan


def choose_loan_due(due: Due, policy: DuePolicy, item: Item, start: datetime, context: CirculationContext) -> DueChoice:
    """The partner's date by the profile's rules; nothing where the message has none, for then the library decides
    (`TemporaryItem.due_policy`).

    Days for the way back are taken off for a partner's item only: our own has none to make. `start` is when the
    loan begins. Raises Refused(INVALID_DATE) when the date has passed by then.
    """
    rules = context.policy.due_dates
    days_back = rules.transit_days if item.temporary else 0
    return choose_due_date(policy, patron_due(due, rules, context.zone, start, days_back=days_back))


def drop_unsettable_due(choice: DueChoice, context: CirculationContext) -> DueChoice:
    """Drop the date where the library's system sets its dates alone: then its date is the one that is answered."""
    return choice if context.supports(Capability.DUE_DATE_GIVEN) else DueChoice()


async def bring_due_forward(choice: DueChoice, loan: Loan, context: CirculationContext, key: str) -> Loan:
    """Bring the due date forward where the partner's is earlier than the one that the library's rules gave."""
    latest = drop_unsettable_due(choice, context).latest
    if latest is None or (loan.due is not None and latest >= loan.due):
        return loan
    return await move_due_date(context.library, loan, latest, f"{key}:{loan.id}:not-after-{latest.isoformat()}")


async def check_out(command: CheckOut, context: CirculationContext, key: str) -> ItemLent:
    """Check out an item; with `mandated` it has happened already (WorldShare's shipped, facts/ncip.md 2.6): blocks,
    limits and item policies don't stop it. The patron who has the item already has the same loan then, with the date
    that is given; the loan of another patron is ended first, where the profile says so (`check_out.mandated_on_loan`).

    Raises Refused(UNKNOWN_… | PATRON_BLOCKED | ITEM_ON_LOAN | LIMIT_REACHED | INVALID_DATE …).
    """
    require_capability(context, Capability.CHECK_OUT)
    patron = await patrons.resolve_patron(command.patron, context)
    item = await items.resolve_item(command.item, context, request=command.request)
    await require_item_right(item, LibraryService.CHECK_OUT, context)
    override = command.mandated is not None or context.policy.check_out.override_blocks
    if not override:
        patrons.refuse_if_blocked(patron, BlockScope.BORROW, context)
    rules = context.policy.due_dates
    whose = rules.policy if command.mandated is None else rules.mandated
    due = choose_loan_due(command.due, whose, item, command.mandated or context.now(), context)
    number = read_request_number(command.request, context.policy).value
    if context.policy.check_out.cancel_request and number:
        await _cancel_hold_of_request(number, patron, context, key)
    wish = LoanWish(item, patron, due, number, override)
    notes: tuple[str, ...] = ()
    if command.mandated is not None:
        notes = await _end_other_loan(wish, command.mandated, context, key)
    loan = await _lend_or_find_loan(command, wish, context, key)
    if command.mandated is not None:
        loan = await _set_mandated_due(wish, loan, context, key)
    if loan.due is None:
        notes = (*notes, "the library system does not say when the loan is due, or not in a form that can be read")
    item = await context.library.item_by_barcode(item.barcode)
    return ItemLent(loan, item, await context.library.get_bib(item.bib_id), patron, notes)


async def _end_other_loan(wish: LoanWish, happened: datetime, context: CirculationContext, key: str) -> tuple[str, ...]:
    """End another loan, and return what is to be told of it. A loan that has begun since then stays: the message is
    old. No hold catches the item, which isn't here."""
    if context.policy.check_out.mandated_on_loan == "refuse":
        return ()
    loan = await context.library.item_loan(wish.item.id)
    if loan is None or loan.patron_id == wish.patron.id or loan.lent > happened:
        return ()
    if await find_loan_maker(loan, context) is Maker.ANOTHER_PARTNER:
        return ()
    require_capability(context, Capability.CHECK_IN)
    await context.library.check_in(
        wish.item.barcode, f"{key}:instead-of-{loan.id}", at=context.policy.check_in.branch, fill_hold=False
    )
    return ("another patron had the item on loan; that loan was ended",)


async def _set_mandated_due(wish: LoanWish, loan: Loan, context: CirculationContext, key: str) -> Loan:
    """A loan that was there before gets the date that is given. One that this message has made, and that was renewed
    since, keeps its own: then it is a repeat."""
    due = drop_unsettable_due(wish.due, context).exact
    if due == loan.due or (loan.key == key and loan.renewals):
        return loan
    if due is None:
        return await bring_due_forward(wish.due, loan, context, key)
    return await move_due_date(context.library, loan, due, f"{key}:{loan.id}:mandated-{due.isoformat()}")


async def _cancel_hold_of_request(number: str, patron: Patron, context: CirculationContext, key: str) -> None:
    """A hold of the same request would stand in the way of its own loan (ULS, facts/ncip.md 2.1). Another partner's,
    under the same number, stays."""
    if await is_number_of_another(number, context):
        return
    try:
        hold = await context.library.find_hold(number)
    except Refused as refused:
        if refused.reason is RefusalReason.UNKNOWN_REQUEST:
            return
        if refused.reason is not RefusalReason.AMBIGUOUS_REQUEST:
            raise
        hold = await holds.find_hold_of_partner(number, patron, context, refused)
    if hold.status.is_open and await has_hold_right(hold, LibraryService.CANCEL_REQUEST, context):
        require_capability(context, Capability.HOLD_CANCEL)
        await holds.cancel_hold(hold, context, f"{key}:request")


async def _lend_or_find_loan(command: CheckOut, wish: LoanWish, context: CirculationContext, key: str) -> Loan:
    try:
        with change_refusals_about(MessagePart.ITEM, command.item.value):
            return await lend_item(wish, context, key)
    except Refused as refused:
        is_same = command.mandated is not None and refused.reason is RefusalReason.ON_LOAN_SAME_PATRON
        open_loan = (
            await _find_patron_loan(wish.item, wish.patron, context)
            if is_same or is_answered_as_success(refused, "check-out", context)
            else None
        )
        if open_loan is None:
            raise
        return open_loan


async def _find_patron_loan(item: Item, patron: Patron, context: CirculationContext) -> Loan | None:
    loan = await context.library.item_loan(item.id)
    if loan is None or loan.patron_id != patron.id:
        return None
    return None if await find_loan_maker(loan, context) is Maker.ANOTHER_PARTNER else loan


async def check_in(command: CheckIn, context: CirculationContext, key: str) -> ItemReturned:
    """A repeat is told from the next loan's return by what has become of the latest loan (`LibrarySystem.check_in`).

    Raises Refused(DATA_MISSING | UNKNOWN_ITEM | NOT_CHECKED_OUT).
    """
    require_capability(context, Capability.CHECK_IN)
    try:
        item = await items.resolve_returned_item(command.item, context, request=command.request)
    except Refused as refused:
        return await _check_in_missing_item(command, context, key, refused)
    await _require_check_in_right(item, command, context)
    deletes = _is_deleted_at_check_in(item, context.policy.check_in)
    if deletes:
        require_capability(context, Capability.TEMPORARY_ITEM)
    try:
        done = await _check_item_in(item, command, context, key)
    except Refused as refused:
        if (
            deletes and refused.reason is RefusalReason.NOT_CHECKED_OUT
        ):  # never fetched by its patron, and now on its way
            return ItemReturned(await delete_temporary_item(item, context, key), deleted=True)
        if _is_check_in_success(refused, command, context):
            return ItemReturned(item)
        raise
    bib = await context.library.get_bib(item.bib_id)
    if deletes:
        await delete_temporary_item(item, context, key)
    # who had it out is told only to a partner that has named the patron
    borrower = (
        done.patron
        if done.patron is not None and patrons.is_named_patron(done.patron, command.patron, context)
        else None
    )
    return ItemReturned(done.item, done.loan, bib, borrower, None if deletes else done.route_to, deletes)


async def _require_check_in_right(item: Item, command: CheckIn, context: CirculationContext) -> None:
    """Raise Refused(UNAUTHORIZED_SERVICE | NOT_CHECKED_OUT (another partner has lent it, or nobody: then it is what a
    repeat of this partner's own check-in finds))."""
    if await context.things.find_maker(ThingKind.ITEM, item.id) is Maker.THIS_PARTNER:
        return
    loan = await context.library.item_loan(item.id)
    maker = await find_loan_maker(loan, context) if loan is not None else Maker.LIBRARY
    may_check_in = context.policy.allows_on_library_things(LibraryService.CHECK_IN)
    if maker is Maker.ANOTHER_PARTNER or (loan is None and not may_check_in):
        raise _not_on_loan_refusal(command.item.value if command.item is not None else "")
    if maker is Maker.LIBRARY:
        require_right(LibraryService.CHECK_IN, context)


async def _check_item_in(item: Item, command: CheckIn, context: CirculationContext, key: str) -> CheckedIn:
    with change_refusals_about(MessagePart.ITEM, command.item.value if command.item is not None else ""):
        return await context.library.check_in(
            item.barcode,
            key,
            at=context.policy.check_in.branch,
            fill_hold=context.policy.check_in.trap_hold,
        )


def _is_deleted_at_check_in(item: Item, rules: CheckInRules) -> bool:
    """Some brokers never send DeleteItem (facts/ncip.md 5, `checkin.delete_item`)."""
    return (
        rules.delete_item == "temporary"
        and item.temporary
        and (not rules.delete_policies or item.policy in rules.delete_policies)
        and (not rules.delete_libraries or item.home.library in rules.delete_libraries)
    )


async def _check_in_missing_item(
    command: CheckIn, context: CirculationContext, key: str, refused: Refused
) -> ItemReturned:
    """The item may have been deleted by this very message, when it first came; or the profile takes it for done."""
    sent: Named | None = command.item
    if (
        refused.reason is RefusalReason.UNKNOWN_ITEM
        and context.policy.check_in.delete_item != "never"
        and sent is not None
    ):
        try:
            return ItemReturned(await find_deleted_item(sent, context, key, refused), deleted=True)
        except Refused as unknown:
            refused = unknown
    if _is_check_in_success(refused, command, context):
        return ItemReturned(None)
    raise refused


def _is_check_in_success(refused: Refused, command: CheckIn, context: CirculationContext) -> bool:
    """OCLC takes 'not there' and 'not on loan' for done when it has named the request, not when it named a barcode."""
    by_request = command.item is None or is_request_number(command.item, context.policy)
    return is_answered_as_success(refused, "check-in", context) or (
        by_request and is_answered_as_success(refused, "check-in-by-request", context)
    )


async def renew_item(command: Renew, context: CirculationContext, key: str) -> ItemRenewed:
    """Renew a loan; with a due date, a repeat is told by it; without one, the same loan is renewed at most once a day.
    One that would not move the due date is refused, and counts as none.

    Raises Refused(NOT_CHECKED_OUT | NOT_RENEWABLE | RENEWAL_… | PATRON_BLOCKED | INVALID_DATE …).
    """
    require_capability(context, Capability.RENEW)
    asked_by = await patrons.resolve_patron(command.patron, context) if command.patron is not None else None
    item = await items.resolve_item(command.item, context)
    loan = await require_open_loan(item, asked_by, command.item.value, context)
    await require_loan_right(loan, LibraryService.RENEW, context)
    patron = asked_by or await patrons.find_patron_by_id(loan.patron_id, context)
    patrons.refuse_if_blocked(patron, BlockScope.RENEW, context)
    with change_refusals_about(MessagePart.ITEM, command.item.value):
        return await _renew_loan(_RenewalWish(item, loan, patron, command.due), context, key)


async def renew_all_items(command: RenewAll, context: CirculationContext, key: str) -> AllRenewed:
    """Each loan as `renew_item` does it; why one can't be renewed is told beside the others.

    Raises Refused(NOT_CHECKED_OUT (nothing is on loan) | UNKNOWN_PATRON | PATRON_BLOCKED …).
    """
    require_capability(context, Capability.RENEW)
    patron = await patrons.resolve_patron(command.patron, context)
    patrons.refuse_if_blocked(patron, BlockScope.RENEW, context)
    loans = await list_visible_loans(await context.library.patron_loans(patron.id), context)
    if not loans:
        sent = command.patron.id.value if command.patron.id is not None else ""
        raise Refused(RefusalReason.NOT_CHECKED_OUT, "The patron has no loans.", about=MessagePart.PATRON, value=sent)
    return AllRenewed(patron, tuple([await _try_renewal(loan, patron, command.due, context, key) for loan in loans]))


async def _try_renewal(loan: Loan, patron: Patron, due: Due, context: CirculationContext, key: str) -> LoanRenewal:
    try:
        with change_refusals_about(MessagePart.ITEM, loan.item_barcode):
            await require_loan_right(loan, LibraryService.RENEW, context)
            item = await context.library.item_by_barcode(loan.item_barcode)
            return LoanRenewal(loan, await _renew_loan(_RenewalWish(item, loan, patron, due), context, key))
    except Refused as refused:
        return LoanRenewal(loan, refusal=Refusal.from_error(refused))


@value_object
class _RenewalWish:
    item: Item
    loan: Loan
    patron: Patron
    due: Due


async def _renew_loan(wish: _RenewalWish, context: CirculationContext, key: str) -> ItemRenewed:
    item, loan = wish.item, wish.loan
    due = choose_loan_due(wish.due, context.policy.due_dates.policy, item, context.now(), context)
    due = drop_unsettable_due(due, context)
    occasion = f"{key}:{loan.id}:{wish.due.isoformat() if wish.due is not None else context.today().isoformat()}"
    renewed = await context.library.renew_loan(
        item.barcode, occasion, patron_id=loan.patron_id, due=due.exact, latest=due.latest
    )
    return ItemRenewed(
        renewed,
        await context.library.item_by_barcode(item.barcode),
        await context.library.get_bib(item.bib_id),
        wish.patron,
    )


async def require_open_loan(item: Item, patron: Patron | None, sent: str, context: CirculationContext) -> Loan:
    """Another patron's loan, and another partner's, is refused in the same words as none. Raises
    Refused(NOT_CHECKED_OUT)."""
    loan = await context.library.item_loan(item.id)
    if loan is not None and await find_loan_maker(loan, context) is Maker.ANOTHER_PARTNER:
        loan = None
    if loan is None or (patron is not None and loan.patron_id != patron.id):
        if patron is None:
            raise _not_on_loan_refusal(sent)
        raise Refused(
            RefusalReason.NOT_CHECKED_OUT,
            "The item is not on loan to this patron.",
            about=MessagePart.ITEM,
            value=sent,
        )
    return loan


def _not_on_loan_refusal(sent: str) -> Refused:
    return Refused(
        RefusalReason.NOT_CHECKED_OUT, "The item is not on loan to anybody.", about=MessagePart.ITEM, value=sent
    )


async def recall_item(command: Recall, context: CirculationContext, key: str) -> ItemRecalled:
    """One recall a loan and due date. Raises Refused(NOT_CHECKED_OUT | CANNOT_BE_RECALLED | INVALID_DATE)."""
    require_capability(context, Capability.RECALL)
    item = await items.resolve_item(command.item, context)
    loan = await require_open_loan(item, None, command.item.value, context)
    await require_loan_right(loan, LibraryService.RECALL, context)
    due = choose_loan_due(command.due, context.policy.due_dates.policy, item, context.now(), context)
    due = drop_unsettable_due(due, context)
    occasion = f"{key}:{loan.id}"
    with change_refusals_about(MessagePart.ITEM, command.item.value):
        recalled = await context.library.recall_loan(item.barcode, occasion, due=due.exact)
        recalled = await bring_due_forward(due, recalled, context, occasion)
    return ItemRecalled(
        recalled, await context.library.item_by_barcode(item.barcode), await context.library.get_bib(item.bib_id)
    )


async def delete_item(command: DeleteItem, context: CirculationContext, key: str) -> ItemChanged:
    """Delete an item by policy `delete.action`. Raises Refused(UNKNOWN_ITEM | IN_USE | NOT_ALLOWED)."""
    try:
        return ItemChanged(await _delete_by_policy(command, context, key))
    except Refused as refused:
        if is_answered_as_success(refused, "delete-item", context):
            return ItemChanged(None)
        raise


async def _delete_by_policy(command: DeleteItem, context: CirculationContext, key: str) -> Item:
    action = context.policy.delete.action
    try:
        item = await items.resolve_item(command.item, context)
    except Refused as refused:
        if refused.reason is RefusalReason.UNKNOWN_ITEM and action == "delete":
            return await find_deleted_item(command.item, context, key, refused)
        raise
    await require_item_right(item, LibraryService.DELETE_ITEM, context)
    if action == "keep":
        return item
    if action == "cancel-request":
        require_capability(context, Capability.HOLD_CANCEL)
        for hold in await context.library.item_holds(item.id):
            if hold.item_id == item.id:
                await holds.cancel_hold(hold, context, key)
        return item
    with change_refusals_about(MessagePart.ITEM, command.item.value):
        return await delete_temporary_item(item, context, key)


async def delete_temporary_item(item: Item, context: CirculationContext, key: str) -> Item:
    """Delete a temporary item. Raises Refused(IN_USE | NOT_ALLOWED)."""
    require_capability(context, Capability.TEMPORARY_ITEM)
    gone = await context.library.delete_temporary_item(item.barcode, f"{key}:delete")
    await context.things.forget_thing(ThingKind.ITEM, item.id)
    return gone


async def find_deleted_item(sent: Named, context: CirculationContext, key: str, refused: Refused) -> Item:
    """The item that the same message has deleted, when the message comes again; else `refused` is raised. An item that
    has the barcode now is another thing."""
    for barcode in list_item_barcodes(sent, context.sender, context.policy):
        if await items.find_item_by_barcode(barcode, context) is not None:
            continue
        try:
            return await context.library.delete_temporary_item(barcode, f"{key}:delete")
        except Refused as unknown:
            if unknown.reason is not RefusalReason.UNKNOWN_ITEM:
                raise
    raise refused
