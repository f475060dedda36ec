"""The values of a command as the library is asked for them: what the circulation section of a profile makes of those
that were sent, by the same rules as the use cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.domain.commands import AcceptItem, Command, CreateItem, Named, PatronRef
from gateway.domain.partner_identifiers import list_item_barcodes, read_request_number, translate_record_ids
from gateway.domain.problems import Refused
from gateway.services.circulation.context import CirculationContext
from gateway.services.circulation.dispatch import idempotency_key
from gateway.services.circulation.holds import choose_pickup_code
from gateway.services.circulation.items import describe_temporary_item
from gateway.services.circulation.patrons import choose_patron_key

ALTERNATIVES = " / "
"""Between barcodes that are tried one after the other."""


def list_profiled_values(command: Command, context: CirculationContext) -> Mapping[str, object]:
    """List values by their dotted path in the command; those without a rule of the profile are left out. What the
    profile adds to an accepted item has the name that the item has for it. A value that is refused is left out, too."""
    values: dict[str, object] = {}
    for pairs in (_list_identifiers(command, context), _list_item_values(command, context)):
        try:
            values.update(pairs)
        except Refused:
            continue
    return values


def _list_identifiers(command: Command, context: CirculationContext) -> Iterator[tuple[str, object]]:
    patron, item = getattr(command, "patron", None), getattr(command, "item", None)
    request, records = getattr(command, "request", None), getattr(command, "records", ())
    if isinstance(patron, PatronRef) and patron.id is not None:
        yield "patron.id.value", choose_patron_key(patron.id, context).value
    if isinstance(request, Named):
        yield "request.value", read_request_number(request, context.policy).value
    if isinstance(command, CreateItem) and command.item is not None:
        yield "item.value", context.policy.items.rewrite.rewrite_identifier(command.item.value)
    elif isinstance(item, Named) and not isinstance(command, AcceptItem):
        yield "item.value", ALTERNATIVES.join(list_item_barcodes(item, context.sender, context.policy))
    if hasattr(command, "pickup"):
        yield "pickup", choose_pickup_code(command.pickup, getattr(command, "receiver", ""), context)
    if records:
        for index, record in enumerate(translate_record_ids(records, context.policy.records)):
            yield f"records.{index}.value", record.value


def _list_item_values(command: Command, context: CirculationContext) -> Iterator[tuple[str, object]]:
    """List what the temporary record of an accepted item would have."""
    if not isinstance(command, AcceptItem):
        return
    number = read_request_number(command.request, context.policy)
    item = describe_temporary_item(command, number, context, idempotency_key(command, context.profile))
    yield ("item.value" if command.item is not None else "barcode"), item.barcode
    yield "citation.title", item.bib.title
    yield "due" if command.due is not None else "lender_due", item.lender_due
    yield "call_number", item.call_number
    yield "policy", item.policy
    yield "location", item.location.shelf
    yield "note", item.note
    yield "renewals_allowed", item.renewals_allowed
    yield "library_use_only", item.library_use_only
