"""What must hold when all is quiet: each check gives its problems in plain lines, none when all is well."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from email.message import EmailMessage

from gateway.domain.requests.events import EventDetails, EventKind, EventOrigin, local_signal, partner_signal
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    Request,
    Role,
    ServiceType,
    VolumeState,
)
from gateway.services.requests.answered_messages import ANSWERED
from gateway.services.requests.effects import LETTER, LIBRARY, PARTNER
from gateway.store.requests.history import EventRow
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.store.requests.request_rows import parse_message
from tests.faults.lifecycles.evidence import Evidence, Thing, by_number
from tests.faults.lifecycles.place import NORTH, SOUTH, Wish
from tests.faults.lifecycles.replay import Life, lived
from tests.faults.lifecycles.town import left_alone

A = AttemptStatus

_NOT_SUPPLIED = {
    A.UNFILLED, A.RETRY, A.EXPIRED, A.REJECTED, A.NO_ANSWER, A.CONDITION_REFUSED, A.SKIPPED, A.CANCELLED
}  # fmt: skip
_OPEN = {A.ASKED, A.EXPECTED, A.WILL_SUPPLY, A.HOLD_PLACED, A.CONDITIONAL}

AGREE: Mapping[LendingState, set[AttemptStatus]] = {
    LendingState.NEW: _OPEN,
    LendingState.LOCATED: _OPEN,
    LendingState.HOLD_PLACED: _OPEN,
    LendingState.WILL_SUPPLY: _OPEN,
    LendingState.CONDITIONAL: {A.CONDITIONAL},
    LendingState.DIGITISING: _OPEN,
    LendingState.CLEARANCE: _OPEN,
    LendingState.CLEARED: _OPEN,
    LendingState.CANCEL_PENDING: _OPEN | {A.SKIPPED, A.CANCELLED, A.NO_ANSWER},
    LendingState.SHIPPED: {A.SHIPPED, A.EXTRA},
    LendingState.RETURNED: {A.SHIPPED, A.EXTRA_RETURNED, A.LOST},  # LOST: see BORROWER_KNOWS
    LendingState.COMPLETED: {A.COMPLETED},
    LendingState.LOST: {A.LOST},
    LendingState.CANCELLED: _NOT_SUPPLIED,
    LendingState.UNFILLED: _NOT_SUPPLIED,
    LendingState.EXPIRED: _NOT_SUPPLIED,
    LendingState.FORWARDED: _NOT_SUPPLIED,
}
"""What a supplier's request and the borrower's attempt may be when nothing is under way between them."""

_GOES_ON = {BorrowingState.NO_SUPPLIER, BorrowingState.UNFILLED, BorrowingState.CANCELLED, BorrowingState.EXPIRED}

BORROWER_KNOWS: Mapping[LendingState, set[BorrowingState]] = {
    LendingState.SHIPPED: {BorrowingState.SHIPPED, BorrowingState.RECEIVED, BorrowingState.LENT, BorrowingState.BACK},
    LendingState.RETURNED: {BorrowingState.RETURNED, BorrowingState.LOST},
    LendingState.COMPLETED: {BorrowingState.COMPLETED, *_GOES_ON},
    LendingState.LOST: {BorrowingState.LOST, BorrowingState.COMPLETED, *_GOES_ON},
}
"""Of the attempt that counts. What went back, or was lost, before its patron had it is no delivery: others are asked. A
supplier's "lost" of what we have told it is lost is the last word, as many have no other. Where it crosses our
RETURNED, each side has heard the other's word last and believes it: they wait for the item, we take it for lost, until
their CHECKED_IN settles it."""


def problems(evidence: Evidence, mails: Sequence[EmailMessage], count: int) -> list[str]:
    lives = {one.id: lived(one, evidence.history[one.id]) for one in evidence.requests}
    return [
        *_all_there(evidence, count),
        *_outbox_is_empty(evidence),
        *(problem for life in lives.values() for problem in life.problems),
        *_messages(evidence),
        *_both_sides(evidence),
        *_north(evidence, lives),
        *_south(evidence, lives),
        *_mails(evidence, mails),
    ]


# --- nothing lost, nothing begun twice -------------------------------------------------------------------


def _all_there(evidence: Evidence, count: int) -> Iterator[str]:
    expected = Counter(Wish(number).external for number in range(1, count + 1))
    if (found := Counter(evidence.externals)) != expected:
        yield f"lifecycles missing {sorted(expected - found)}, too many {sorted(found - expected)}"
    for one in evidence.of_role(Role.BORROWING):
        if one.open and not left_alone(_number(one)):
            yield f"{one.number} has not come to its end: {one.state.value}"


def _number(request: Request) -> int:
    return int(request.citation.title[-4:])


def _outbox_is_empty(evidence: Evidence) -> Iterator[str]:
    for row in evidence.rows:
        is_over = row.status in (OutboxStatus.DONE, OutboxStatus.REFUSED) or _was_dropped(row)
        if not is_over and not _came_too_late(row):
            yield f"outbox: {row.kind} {row.target} of {row.request_id} is {row.status.value}: {row.error}"


def _came_too_late(row: OutboxRow) -> bool:
    """Whether it is what staff did at the desk, and the library refused, or the partner had ended it meanwhile."""
    was_refused = row.status is OutboxStatus.DEAD and row.error.startswith("refused: ")
    was_moot = row.status is OutboxStatus.DONE and row.note == f"nothing done: {MOOT}"
    return row.target.startswith("desk:") and (was_refused or was_moot or row.status is OutboxStatus.SKIPPED)


def _was_dropped(row: OutboxRow) -> bool:
    """Whether its supplier isn't asked any more (it may have arrived, where the answer to it got lost), or it was a
    call to the library that nobody needs of a closed request."""
    return row.status is OutboxStatus.SKIPPED and row.kind in (PARTNER, LIBRARY)


MOOT = "no longer applies"
"""How the note of a row ends that was not tried again, since what it says was no longer so."""


# --- messages --------------------------------------------------------------------------------------------


def _messages(evidence: Evidence) -> Iterator[str]:
    """Each receiver's history has what was told to it, in this order, each once; who sent what was refused knows."""
    rows = evidence.of_kind(PARTNER)
    sent = [row for row in evidence.of_kind(PARTNER) if row.id in evidence.taken or _was_delivered(row)]
    if waiting := [row.id for row in sent if row.status in (OutboxStatus.WAITING, OutboxStatus.IN_HAND)]:
        yield f"taken, and still to be sent: {waiting}"
    if {row.id for row in sent} != set(evidence.taken):
        yield f"messages sent and taken differ: {sorted({row.id for row in sent} ^ set(evidence.taken))}"
    told: dict[str, list[OutboxRow]] = defaultdict(list)
    refused: Counter[str] = Counter()
    for row in sorted(sent, key=lambda one: one.ended or one.created):
        taken = evidence.taken.get(row.id)
        if taken is not None:
            told[taken.request_id].append(row)
            refused[row.request_id] += bool(taken.refused)
    for request in evidence.requests:
        rows = evidence.history[request.id]
        yield from _heard(request, rows, told[request.id])
        if (known := sum(_says_refused(row) for row in rows)) != refused[request.id]:
            yield f"{request.number}: {refused[request.id]} of its messages were refused, it knows of {known}"


def _was_delivered(row: OutboxRow) -> bool:
    """A message whose answer came already needs no delivery: a second renewal, say. Nor does what no longer applies."""
    return row.status is OutboxStatus.DONE and row.note not in (ANSWERED, MOOT)


def _says_refused(row: EventRow) -> bool:
    return row.event.signal == local_signal(EventKind.TROUBLE) or row.event.signal == partner_signal(EventKind.REJECTED)


def _heard(request: Request, rows: Sequence[EventRow], told: Sequence[OutboxRow]) -> Iterator[str]:
    """One partner's messages about one request come in the order in which they were sent; several attempts are several
    requests over there. Words that fail once step aside: others may come before them, and each of them comes."""
    messages = [parse_message(row.payload) for row in told]
    heard = [row.event for row in rows if row.event.signal.origin is EventOrigin.PARTNER]
    for transaction in dict.fromkeys(message.transaction for message in messages):
        number = next((one.number for one in request.attempts if one.transaction == transaction), 0)
        said = [(one.kind, one.details) for one in messages if one.transaction == transaction]
        known = [(one.kind, one.details) for one in heard if one.attempt == number]
        if known and said[0][0] is known[0][0] is EventKind.REQUEST:
            said[0] = known[0]  # its details are about our rota
        if _in_order(said) != _in_order(known) or _words_alone(said) != _words_alone(known):
            yield f"{request.number}, attempt {number}: told {_words(said)}, heard {_words(known)}"
    if len(messages) != len(heard):
        yield f"{request.number}: {len(messages)} messages came, it heard {len(heard)}"


_WORDS_ALONE = frozenset({EventKind.MESSAGE, EventKind.DAMAGED, EventKind.STATUS_QUERY, EventKind.STATUS_REPORT})


def _in_order(said: Sequence[tuple[EventKind, EventDetails]]) -> list[tuple[EventKind, EventDetails]]:
    """As its hearer takes it: a yes to a renewal that repeats the day of the one before is no new date, and a loss of
    what is known to be lost is its settling."""
    told: list[tuple[EventKind, EventDetails]] = []
    granted: date | datetime | None = None
    for kind, details in said:
        if kind is EventKind.RENEW_ACCEPTED:
            details = replace(details, due=None) if details.due == granted else details
            granted = details.due or granted
        if kind not in _WORDS_ALONE:
            told.append((EventKind.LOST if kind is EventKind.SETTLED else kind, details))
    return told


def _words_alone(said: Sequence[tuple[EventKind, EventDetails]]) -> list[str]:
    return sorted(_words([one for one in said if one[0] in _WORDS_ALONE]))


def _words(said: Sequence[tuple[EventKind, EventDetails]]) -> list[str]:
    return [f"{kind.value} { {k: str(v) for k, v in asdict(details).items() if v} }" for kind, details in said]


# --- both sides ------------------------------------------------------------------------------------------


def _both_sides(evidence: Evidence) -> Iterator[str]:
    lending = evidence.lending_by_transaction()
    if len(lending) != len(evidence.of_role(Role.LENDING)):
        yield "two lending requests have the same transaction"
    dropped = [parse_message(row.payload) for row in evidence.of_kind(PARTNER) if _was_dropped(row)]
    unasked = {message.transaction for message in dropped if message.kind is EventKind.REQUEST}
    for ours in evidence.of_role(Role.BORROWING):
        for attempt in ours.attempts:
            theirs = lending.pop(attempt.transaction, None)
            if theirs is None:
                if attempt.transaction not in unasked:  # staff had gone on to the next before it could be reached
                    yield f"{ours.number}: SOUTH never heard of {attempt.transaction}"
                continue
            assert isinstance(theirs.state, LendingState)
            apart = f"{ours.number} {ours.state.value}/{attempt.status.value}, {theirs.number} {theirs.state.value}"
            if attempt.status not in AGREE[theirs.state]:
                yield f"{apart}: the attempt does not agree with the supplier"
            if attempt.number == ours.current and ours.state not in BORROWER_KNOWS.get(theirs.state, {ours.state}):
                yield f"{apart}: the request does not agree with the supplier"
    if lending:
        yield f"nobody asked for {sorted(lending)}"


# --- the libraries ---------------------------------------------------------------------------------------

_HERE = (VolumeState.RECEIVED, VolumeState.LENT, VolumeState.BACK)


def _north(evidence: Evidence, lives: Mapping[str, Life]) -> Iterator[str]:
    items, loans = by_number(evidence.temporary, NORTH), by_number(evidence.loans, NORTH)
    holds = by_number(evidence.holds, NORTH)
    too_late = {row.request_id for row in evidence.rows if _came_too_late(row)}
    for one in evidence.of_role(Role.BORROWING):
        if one.id in too_late:
            continue  # what the library did for it all the same is for staff to see to
        life = lives[one.id]
        if one.state is BorrowingState.LOST:
            continue  # what is here of it stays, as lost, until the libraries have settled it
        here = [v.barcode for v in one.volumes if v.state in _HERE] if _circulates(one) else []
        live = sorted(item.barcode for item in items[one.number] if item.live)
        if live != sorted(here):
            yield f"{one.number} ({one.state.value}): temporary items {live}, volumes here {sorted(here)}"
        if (made := _made(items[one.number])) != (life.moves[VolumeState.RECEIVED] if _circulates(one) else 0):
            yield f"{one.number}: {made} items were made, {life.moves[VolumeState.RECEIVED]} received"
        lent = sorted(v.barcode for v in one.volumes if v.state is VolumeState.LENT)
        out = sorted(loan.barcode for loan in loans[one.number] if loan.live)
        if out != lent:
            yield f"{one.number} ({one.state.value}): on loan {out}, lent by the request {lent}"
        if (made := _made(loans[one.number])) != life.moves[VolumeState.LENT]:
            yield f"{one.number}: {made} loans were made, {life.moves[VolumeState.LENT]} lent"
        waiting = [hold.barcode for hold in holds[one.number] if hold.live]
        if len(waiting) != len(set(waiting)) or not set(waiting) <= set(here):
            yield f"{one.number} ({one.state.value}): holds {waiting}, volumes here {here}"
    yield from _strangers(evidence, items.keys() | loans.keys() | holds.keys(), Role.BORROWING)


def _south(evidence: Evidence, lives: Mapping[str, Life]) -> Iterator[str]:
    loans, holds = by_number(evidence.loans, SOUTH), by_number(evidence.holds, SOUTH)
    for one in evidence.of_role(Role.LENDING):
        open_loans = [loan for loan in loans[one.number] if loan.live]
        expected = 1 if one.state in (LendingState.SHIPPED, LendingState.RETURNED) else 0
        if len(open_loans) != expected and one.state is not LendingState.LOST:
            yield f"{one.number} ({one.state.value}): {len(open_loans)} open loans"
        if (made := _made(loans[one.number])) != lives[one.id].shipped:
            yield f"{one.number}: {made} loans were made, {lives[one.id].shipped} times shipped"
        open_holds = [hold for hold in holds[one.number] if hold.live]
        may_have = one.open and one.state not in (LendingState.SHIPPED, LendingState.RETURNED)
        if len(open_holds) > (1 if may_have else 0):
            yield f"{one.number} ({one.state.value}): {len(open_holds)} open holds"
        if one.state is LendingState.LOCATED and len(open_holds) != 1:
            yield f"{one.number} (located): {len(open_holds)} open holds"
    yield from _strangers(evidence, loans.keys() | holds.keys(), Role.LENDING)


def _made(things: Sequence[Thing]) -> int:
    return sum(not thing.undone for thing in things)


def _circulates(request: Request) -> bool:
    return request.service.type is not ServiceType.COPY


def _strangers(evidence: Evidence, numbers: set[str], role: Role) -> Iterator[str]:
    if unknown := numbers - {one.number for one in evidence.of_role(role)}:
        yield f"the library has things of requests that do not exist: {sorted(unknown)}"


# --- mails -----------------------------------------------------------------------------------------------


def _mails(evidence: Evidence, mails: Sequence[EmailMessage]) -> Iterator[str]:
    arrived: dict[str, set[str]] = defaultdict(set)
    for mail in mails:
        arrived[_id(mail)].add(_content(mail))
    done = [row for row in evidence.of_kind(LETTER) if row.status is OutboxStatus.DONE]
    sent = {row.id for row in done if row.note.startswith("250")}
    moot = {row.id for row in done if row.note == MOOT}  # may have arrived, where the answer to it got lost
    if not sent <= arrived.keys() <= sent | moot:
        yield f"letters sent that did not arrive: {sorted(sent - arrived.keys())}"
        yield f"letters arrived that were not sent: {sorted(arrived.keys() - sent - moot)}"
    for id_, contents in arrived.items():
        if len(contents) > 1:
            lines = [set(one.splitlines()) for one in contents]
            yield f"mail {id_} came in {len(contents)} wordings: {[sorted(one - lines[0]) for one in lines]}"


def _id(mail: EmailMessage) -> str:
    """Of the outbox row."""
    return str(mail["Message-ID"]).strip("<>").partition("@")[0]


def _content(mail: EmailMessage) -> str:
    """All that people and programs read, but for the marks between the parts, which are drawn anew each time."""
    heads = [f"{name}: {value}" for name, value in mail.items() if name.casefold() != "content-type"]
    bodies = [str(part.get_content()) for part in mail.walk() if not part.is_multipart()]
    return "\n".join([*heads, *bodies])
