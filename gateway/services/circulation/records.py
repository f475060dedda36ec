"""Which record is meant, and which of its copies is soonest to be had."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.domain.identifiers import record_ids
from gateway.domain.library import Bib, Item, ItemStatus, RecordId
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import Capability
from gateway.services.circulation.desk import Desk, naming, need


async def resolve_record(sent: tuple[RecordId, ...], desk: Desk) -> Bib:
    """Raises Refused(INVALID_VALUE | UNKNOWN_RECORD | AMBIGUOUS_ITEM); never a guess among several hits."""
    need(desk, Capability.BIB_FIND)
    with naming(About.RECORD, sent[0].value):
        for record in record_ids(sent, desk.policy.records):
            try:
                return await desk.library.find_bib(record)
            except Refused as refused:
                if refused.reason is not Reason.UNKNOWN_RECORD:
                    raise
        raise Refused(Reason.UNKNOWN_RECORD, "There is no record with this number.")


def best_copy(items: Iterable[Item]) -> Item | None:
    """A copy that circulates: on the shelf before on loan, then the one that fewest wait for."""
    usable = [item for item in items if item.circulates and not item.temporary and item.status not in _OUT_OF_REACH]
    return min(usable, key=lambda item: (item.status is not ItemStatus.AVAILABLE, item.hold_count), default=None)


_OUT_OF_REACH = (ItemStatus.LOST, ItemStatus.MISSING, ItemStatus.CLAIMED_RETURNED, ItemStatus.NOT_AVAILABLE)
