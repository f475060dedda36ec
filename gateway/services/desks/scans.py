"""Codes scanned at a desk: the request that is meant, the act of the scan page, and what is to be said about it.

Each scan has a key of its own. What came of it is kept under the key, so that a scan that is sent again, since its
answer got lost, does nothing twice and is answered in the same way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import date, timedelta

from gateway.domain.problems import MessagePart, OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.requests import scan_rules
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import Request, Volume
from gateway.domain.requests.scan_rules import ScanOutcome, ScanReason, ScanRule, ScanWork
from gateway.domain.requests.search_terms import NUMBERS_OF_REQUEST, SearchTermKind, fold_number
from gateway.domain.requests.views import (
    ActionRequest,
    EventDenied,
    LossSettlement,
    NotFound,
    NumberMatch,
    UndoableAct,
    find_settlement_before,
)
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.library_system import PatronKey
from gateway.services.outbox.keyed_work import KeyTaken, WorkKey, use_key
from gateway.services.request_work.request_service import RequestService
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.undone_acts import hold_of_act
from gateway.store import api_records
from gateway.store.api_records import UNANSWERED, AnswerKey, StoredAnswer

MAX_CODE_CHARS = 200

KEPT_FOR = timedelta(hours=24)
"""What came of a scan is answered again for so long."""

_NAMES = NUMBERS_OF_REQUEST | {SearchTermKind.BARCODE}


@value_object(kw_only=True)
class ScanOrder:
    """`key`: of this scan; `request_id`: the one that was chosen where several fit; `item`: the item's own barcode,
    where the code was a number of the request; `after`: id of the one whose number was scanned just before, and whose
    item's own barcode was missing; `confirmed`: what is asked first was answered with yes; `branches`: the user works
    for these alone, empty: for all."""

    work: ScanWork
    code: str
    key: str
    actor: str
    request_id: str = ""
    item: str = ""
    after: str = ""
    confirmed: bool = False
    due: date | None = None
    branches: frozenset[str] = frozenset()


@value_object(kw_only=True)
class ScanResult:
    """`request` as it is now; `detail`: a refusal in words; `volume`: id of the volume that was meant; `choices`: the
    requests that may be meant; `done`: what was done just now, which may be undone; `settlement`: of the loss, where
    what was lost has come back."""

    code: str
    reason: ScanReason
    detail: str = ""
    request: Request | None = None
    volume: str = ""
    choices: tuple[Request, ...] = ()
    done: UndoableAct | None = None
    settlement: LossSettlement | None = None

    @property
    def outcome(self) -> ScanOutcome:
        return scan_rules.outcome_of_reason(self.reason)


class ScanService:
    def __init__(self, requests: RequestService) -> None:
        self._requests = requests

    async def scan(self, order: ScanOrder) -> ScanResult:
        """Do the work of a scan; raises NotFound (library), Unavailable (the store, or the first scan with this key is
        still in hand), Refused (the key stands for another scan; the library would not look the code up)."""
        context = self._requests.context
        key = AnswerKey(context.symbol, order.actor, f"scan:{order.work.value}", order.key)
        asked = _digest_of_order(order)
        now = context.now()
        since = now - KEPT_FOR
        stored_answer = await context.store.read(lambda c: api_records.find_answer(c, key, since))
        if stored_answer is not None and stored_answer.request != asked:
            raise Refused(RefusalReason.NOT_ALLOWED, "Another scan was sent with this key.", about=MessagePart.REQUEST)
        if stored_answer is not None and stored_answer.status != UNANSWERED:
            return await self._restore_result(context, order, stored_answer)
        try:
            # One that came to no answer is judged anew, by the state that the request has got into.
            with use_key(WorkKey(key, asked, now, since)) if stored_answer is None else nullcontext():
                result = await self._carry_out(context, order)
        except KeyTaken as taken:
            raise Unavailable(write_sentence("the first scan with this key has not been answered yet")) from taken
        answer = StoredAnswer(request=asked, status=200, body=_dump_result(result))
        await context.store.write(lambda c: api_records.store_answer(c, key, answer, now))
        return result

    async def _restore_result(self, context: LibraryContext, order: ScanOrder, answer: StoredAnswer) -> ScanResult:
        document = json.loads(answer.body)
        loaded = [await self._find_by_id(context, id_) for id_ in (document["request"], *document["choices"]) if id_]
        requests = {request.id: request for request in loaded if request is not None}
        reason, request = ScanReason(document["reason"]), requests.get(document["request"])
        return ScanResult(
            code=order.code,
            reason=reason,
            detail=document["detail"],
            request=request,
            settlement=await self._find_settlement(order, request, reason),
            volume=document["volume"],
            choices=tuple(requests[id_] for id_ in document["choices"] if id_ in requests),
        )

    async def _find_by_id(self, context: LibraryContext, request_id: str) -> Request | None:
        try:
            return await self._requests.find_request(request_id)
        except NotFound:
            return None

    # --- what the code means -----------------------------------------------------------------------------

    async def _carry_out(self, context: LibraryContext, order: ScanOrder) -> ScanResult:
        rule = scan_rules.RULE_OF_WORK[order.work]
        if order.request_id:
            chosen = await self._find_by_id(context, order.request_id)
            if chosen is None:
                return _say(order, ScanReason.UNKNOWN)
            return await self._apply_scan(order, rule, chosen)
        matches = await self._requests.find_by_number(order.code)
        named = _distinct_requests(match for match in matches if match.kind in _NAMES)
        fitting = [request for request in named if request.role is rule.role]
        waiting = [request for request in fitting if request.open and not scan_rules.is_over(rule, request, order.code)]
        if not waiting and len(fitting) == len(named) and await self._is_missing_item(context, order):
            return await self._carry_out(context, replace(order, request_id=order.after, item=order.code, after=""))
        if not fitting:
            return await self._explain_no_request(context, order, matches, named)
        lost = [request for request in fitting if scan_rules.is_return_of_lost_item(rule, request)]
        candidates = waiting or [request for request in fitting if request.open] or lost[:1] or fitting[:1]
        if len(candidates) > 1:
            return _say(order, ScanReason.SEVERAL, choices=tuple(candidates))
        return await self._apply_scan(order, rule, candidates[0])

    async def _is_missing_item(self, context: LibraryContext, order: ScanOrder) -> bool:
        """Return whether the code is an item of ours that the scan before asked for."""
        return bool(order.after) and await context.find_item(order.code) is not None

    async def _explain_no_request(
        self, context: LibraryContext, order: ScanOrder, matches: Sequence[NumberMatch], named: Sequence[Request]
    ) -> ScanResult:
        """The wrong kind of code says what it is."""
        if named:
            return _say(order, ScanReason.OTHER_WORK, named[0])
        kinds = {match.kind for match in matches}
        if SearchTermKind.PATRON in kinds or await _is_patron_card(context, order.code):
            return _say(order, ScanReason.PATRON_CARD)
        if SearchTermKind.STANDARD in kinds:
            return _say(order, ScanReason.WORK_NUMBER)
        item = await context.find_item(order.code)
        return _say(order, ScanReason.OWN_ITEM if item is not None else ScanReason.UNKNOWN)

    # --- what is done ------------------------------------------------------------------------------------

    async def _apply_scan(self, order: ScanOrder, rule: ScanRule, request: Request) -> ScanResult:
        if not scan_rules.is_at_branch(request, order.branches):
            return _say(order, ScanReason.OTHER_BRANCH, request)
        past = request.find_attempt_on_record(order.code) if rule.work is not ScanWork.RECEIVE else None
        attempt = past.number if past is not None and past.number != request.current else 0
        if not attempt and scan_rules.is_over(rule, request, order.code):
            scanned = scan_rules.find_scanned_volume(request, order.code) if len(request.volumes) > 1 else None
            return _say(order, ScanReason.ALREADY, request, volume=scanned.id if scanned is not None else "")
        volume = _choose_volume(rule, request, order.code) if not attempt else None
        if scan_rules.needs_item(rule, request, volume) and not order.item:
            if request.item_barcode and fold_number(order.code) == fold_number(request.item_barcode):
                one_of_several = replace(order, item=request.item_barcode)
                return await self._apply_scan(one_of_several, rule, request)
            return _say(order, ScanReason.ITEM_MISSING, request, volume=volume.id if volume is not None else "")
        kind = scan_rules.choose_kind(rule, request)
        question = scan_rules.find_question(kind, request) if not attempt else None
        if scan_rules.is_unsent(rule, request) and self._is_sending_told(request):
            question = ScanReason.NOT_SENT
        if question is not None and not order.confirmed:
            return _say(order, question, request, volume=volume.id if volume is not None else "")
        action = ActionRequest(
            kind=kind,
            details=_make_details(order, kind, volume),
            actor=order.actor,
            version=None,
            attempt=attempt,
            hold=hold_of_act(self._requests.context, request, kind),
            confirmed=order.confirmed,
            lists_untold=True,
        )
        meant = volume.id if volume is not None else ""
        try:
            after = await self._requests.apply_action(request.id, action)
        except EventDenied as denied:
            return _say(order, ScanReason.NOT_NOW, request, denied.denied.detail, meant)
        except Refused as refused:
            return _say(order, ScanReason.REFUSED, request, refused.detail, meant)
        except (Unavailable, OutcomeUnknown) as away:
            return _say(order, ScanReason.KEPT, request, away.detail, meant)
        reason = ScanReason.SETTLED if request.is_loss_settled else scan_rules.reason_after(rule, after)
        result = _say(order, reason, after, volume=meant)
        done = UndoableAct(before=request, version=after.version, kind=kind)
        return replace(result, done=done, settlement=await self._find_settlement(order, after, reason))

    def _is_sending_told(self, request: Request) -> bool:
        """Return whether its lender says by a message that it was sent: one that is written letters need not."""
        partner = self._requests.context.partner(request.partner.profile)
        return partner is not None and partner.channel not in ("", "mail")

    async def _find_settlement(
        self, order: ScanOrder, request: Request | None, reason: ScanReason
    ) -> LossSettlement | None:
        if request is None or reason is not ScanReason.SETTLED:
            return None
        history = (await self._requests.load_view(request.id)).history
        kind = scan_rules.RULE_OF_WORK[order.work].kind
        settlements = (find_settlement_before(line, history) for line in reversed(history) if line.event.kind is kind)
        return next((settlement for settlement in settlements if settlement is not None), None)


def _say(
    order: ScanOrder,
    reason: ScanReason,
    request: Request | None = None,
    detail: str = "",
    volume: str = "",
    choices: tuple[Request, ...] = (),
) -> ScanResult:
    return ScanResult(code=order.code, reason=reason, detail=detail, request=request, volume=volume, choices=choices)


def _distinct_requests(matches: Iterable[NumberMatch]) -> list[Request]:
    return list({match.request.id: match.request for match in matches}.values())


async def _is_patron_card(context: LibraryContext, code: str) -> bool:
    try:
        await context.system.find_patron(PatronKey(code))
    except Refused as refused:
        if refused.reason is not RefusalReason.UNKNOWN_PATRON:
            raise
        return False
    return True


def _choose_volume(rule: ScanRule, request: Request, code: str) -> Volume | None:
    """The one whose barcode it is, else the first to which it is still to happen; None: there is but one."""
    pending = scan_rules.list_pending_volumes(rule, request)
    scanned = scan_rules.find_scanned_volume(request, code)
    return scanned if scanned in pending else next(iter(pending), None)


def _make_details(order: ScanOrder, kind: EventKind, volume: Volume | None) -> EventDetails:
    details = EventDetails(volumes=(volume.id,) if volume is not None else ())
    if kind in (EventKind.LOCATED, EventKind.SHIPPED):
        details = replace(details, barcode=order.item)
    if kind in (EventKind.RECEIVED, EventKind.SHIPPED):
        details = replace(details, due=order.due)
    return details


def _digest_of_order(order: ScanOrder) -> bytes:
    parts = (order.work.value, order.code, order.request_id, order.item, order.after, order.confirmed)
    return hashlib.sha256(json.dumps(parts).encode()).digest()


def _dump_result(result: ScanResult) -> bytes:
    """Write a result without the code, which may be a patron's card."""
    document = {
        "reason": result.reason.value,
        "detail": result.detail,
        "request": result.request.id if result.request is not None else "",
        "volume": result.volume,
        "choices": [choice.id for choice in result.choices],
    }
    return json.dumps(document).encode()
