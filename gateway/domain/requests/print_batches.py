"""Paper of the desks: which kinds there are, for which requests each is printed, and batches as records.

A request waits for a kind of paper while it is in a state that needs it and hasn't been in a batch of that kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum

from gateway.domain.requests.request import BorrowingState as B
from gateway.domain.requests.request import LendingState as L
from gateway.domain.requests.request import Request, RequestFlag, Role, ServiceType, VolumeState
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object

MAX_BATCH_REQUESTS = 100
"""A batch of more is no pile that one person carries."""


class PrintKind(StrEnum):
    """Stored."""

    PULL_SLIPS = "pull-slips"
    SHIPPING_SLIPS = "shipping-slips"
    HOLD_SLIPS = "hold-slips"
    TRANSIT_SLIPS = "transit-slips"
    BOOK_STRAPS = "book-straps"
    RETURN_SLIPS = "return-slips"
    ADDRESS_LABELS = "address-labels"
    REQUEST_LETTERS = "request-letters"
    PATRON_LETTERS = "patron-letters"


@value_object
class PaperNeed:
    """Requests of `role` in one of these states. `days`: only those that changed in the last so many days (0: all), for
    states in which a request stays long after its paper was of use; `without_task`: not those on this task list;
    `task`: only those on it; `by_post`: only those whose partner has no channel, so that staff write."""

    role: Role
    states: tuple[str, ...]
    days: int = 0
    task: str = ""
    without_task: str = ""
    by_post: bool = False


_RECENT_DAYS = 3

NEEDS: Mapping[PrintKind, tuple[PaperNeed, ...]] = {
    PrintKind.PULL_SLIPS: (PaperNeed(Role.LENDING, (L.LOCATED,)),),
    PrintKind.SHIPPING_SLIPS: (
        PaperNeed(Role.LENDING, (L.WILL_SUPPLY,)),
        PaperNeed(Role.LENDING, (L.SHIPPED,), days=_RECENT_DAYS),
    ),
    PrintKind.HOLD_SLIPS: (PaperNeed(Role.BORROWING, (B.RECEIVED,), without_task="in-transit"),),
    PrintKind.TRANSIT_SLIPS: (PaperNeed(Role.BORROWING, (B.RECEIVED,), task="in-transit"),),
    PrintKind.BOOK_STRAPS: (PaperNeed(Role.BORROWING, (B.RECEIVED,)),),
    PrintKind.RETURN_SLIPS: (
        PaperNeed(Role.BORROWING, (B.BACK,)),
        PaperNeed(Role.BORROWING, (B.RETURNED,), days=_RECENT_DAYS),
    ),
    PrintKind.ADDRESS_LABELS: (
        PaperNeed(Role.LENDING, (L.WILL_SUPPLY,)),
        PaperNeed(Role.LENDING, (L.SHIPPED,), days=_RECENT_DAYS),
        PaperNeed(Role.BORROWING, (B.BACK,)),
        PaperNeed(Role.BORROWING, (B.RETURNED,), days=_RECENT_DAYS),
    ),
    PrintKind.REQUEST_LETTERS: (PaperNeed(Role.BORROWING, (B.REQUESTED,), by_post=True),),
    PrintKind.PATRON_LETTERS: (PaperNeed(Role.BORROWING, tuple(B), task="to-tell"),),
}


_IN_HAND = frozenset({VolumeState.RECEIVED, VolumeState.LENT, VolumeState.BACK})


def _has_volume(request: Request, *states: VolumeState) -> bool:
    return any(volume.state in states for volume in request.volumes)


def _can_send(request: Request) -> bool:
    """Return whether an item goes out, or has gone out: as a lender to the requester, else back to its lender, also
    where the request ended with that."""
    if request.role is Role.LENDING:
        return request.state in (L.LOCATED, L.WILL_SUPPLY, L.SHIPPED)
    is_loan = request.service.type is not ServiceType.COPY
    return is_loan and _has_volume(request, *_IN_HAND, VolumeState.RETURNED)


@value_object
class PaperUse:
    """The requests for which a kind of paper can be made, whether or not it was printed before. `problem`: why not for
    others."""

    role: Role | None
    fits: Callable[[Request], bool]
    problem: str


_PULLED = (L.LOCATED, L.HOLD_PLACED, L.WILL_SUPPLY, L.DIGITISING)

USES: Mapping[PrintKind, PaperUse] = {
    PrintKind.PULL_SLIPS: PaperUse(
        Role.LENDING, lambda r: r.state in _PULLED, write_sentence("No item is to be pulled from the shelf.")
    ),
    PrintKind.SHIPPING_SLIPS: PaperUse(Role.LENDING, _can_send, write_sentence("No item is to be shipped.")),
    PrintKind.HOLD_SLIPS: PaperUse(
        Role.BORROWING,
        lambda r: r.state is B.RECEIVED and RequestFlag.IN_TRANSIT not in r.flags,
        write_sentence("No item is on the hold shelf."),
    ),
    PrintKind.TRANSIT_SLIPS: PaperUse(
        Role.BORROWING,
        lambda r: RequestFlag.IN_TRANSIT in r.flags,
        write_sentence("No item is in transit to a branch."),
    ),
    PrintKind.BOOK_STRAPS: PaperUse(
        Role.BORROWING, lambda r: _has_volume(r, *_IN_HAND), write_sentence("No item of the lender is here.")
    ),
    PrintKind.RETURN_SLIPS: PaperUse(Role.BORROWING, _can_send, write_sentence("No item is to be returned.")),
    PrintKind.ADDRESS_LABELS: PaperUse(None, _can_send, write_sentence("No parcel is to be sent.")),
    PrintKind.REQUEST_LETTERS: PaperUse(
        Role.BORROWING, lambda r: r.state is B.REQUESTED, write_sentence("No supplier has to be asked by letter.")
    ),
    PrintKind.PATRON_LETTERS: PaperUse(
        Role.BORROWING,
        lambda r: RequestFlag.TO_TELL in r.flags,
        write_sentence("No notice to the patron has to be sent by post."),
    ),
}


def can_have_paper(request: Request, kind: PrintKind) -> bool:
    use = USES[kind]
    return use.role in (None, request.role) and use.fits(request)


@value_object(kw_only=True)
class PrintBatch:
    """`request_ids`: in the order of the sheets; `printed_at`: when somebody last said that it is on paper."""

    library: str
    id: str
    number: int
    kind: PrintKind
    made_at: datetime
    made_by: str
    request_ids: tuple[str, ...]
    printed_at: datetime | None = None
    printed_by: str = ""

    def can_take_slip(self, kind: PrintKind, actor: str) -> bool:
        """Return whether one more slip of this kind, made by this actor, may come into it."""
        is_same = self.kind is kind and self.made_by == actor
        return is_same and self.printed_at is None and len(self.request_ids) < MAX_BATCH_REQUESTS
