"""Requests that we broker: the borrowing leg is made, and events are carried from one leg to the other, all in the
transaction of the event that causes it. The rules are in `gateway.domain.requests.brokered_requests`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Protocol

from gateway.domain.problems import MessagePart, Refusal, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests import brokered_requests as rules
from gateway.domain.requests.brokered_requests import CarryRule, PastBroker
from gateway.domain.requests.citation_matching import citation_fingerprint
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import (
    BROKER,
    Event,
    EventDetails,
    EventKind,
    ReasonCodes,
    local_signal,
    partner_signal,
)
from gateway.domain.requests.request import (
    BorrowingState,
    OtherLeg,
    Request,
    RequestCosts,
    Role,
    RotaLine,
    RotaLineStatus,
    Volume,
)
from gateway.domain.requests.request_updates import keep_request
from gateway.domain.requests.rota import build_rota_lines, first_retry_day
from gateway.domain.requests.state_machine import Denied, Transition
from gateway.domain.requests.supplier_takeover import find_supplier_party
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.shared_store import Transaction
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.partner_closures import load_partners
from gateway.services.requests.request_numbers import assign_request_number
from gateway.store.api_access import make_copy_token
from gateway.store.requests import requests
from gateway.store.schema import make_exchange_id

SOURCE = "broker"

_EXTRAS = frozenset({"copyright-compliance", "any-edition", "preferred-edition", "accepted-condition"})
"""Further terms of a request that are passed on: nothing of a patron's, and nothing about an earlier request."""

ALREADY_TRIED = "already-tried"
"""Name of the extra with a symbol that the requester has asked before us."""


class ApplyEvent(Protocol):
    """`transitions.apply_event_in`, within the transaction that is open."""

    def __call__(
        self, request_id: str, event: Event, prepare: Callable[[Request], Request] = keep_request
    ) -> Transition | Denied: ...


# --- what is passed on -----------------------------------------------------------------------------------


def is_passed_on_by_rule(context: LibraryContext, request: Request, *, looked: bool) -> bool:
    """Return whether a new lending request goes on to other libraries without staff. `looked`: it can't be supplied
    here."""
    what = context.policy().brokering.what
    return can_pass_on(context, request) and (what == "everything" or (looked and what == "not-supplied"))


def is_asked_as_broker(context: LibraryContext, request: Request, addressed: str) -> bool:
    """`addressed`: the symbol of ours that was asked."""
    symbols = context.policy().brokering.symbols
    return any(rules.is_same_symbol(addressed, symbol) for symbol in symbols) and can_pass_on(context, request)


def can_pass_on(context: LibraryContext, request: Request) -> bool:
    """Return whether this request may be passed on at all."""
    policy = context.policy().brokering
    wanted = not policy.requesters or request.partner.profile in policy.requesters
    few = len(rules.read_past_brokers(request.citation.note)) < rules.MAX_BROKERS
    return bool(policy.rota) and wanted and few and request.role is Role.LENDING and request.other_leg is None


def find_loop_refusal(
    connection: Transaction, context: LibraryContext, draft: LendingDraft, sender: str
) -> Refusal | None:
    """Find the refusal of what has been here before, or is asked by ourselves. `draft`: as it came in. Where we pass
    nothing on, a circle ends here, but at our own request."""
    brokers = bool(context.policy().brokering.rota)
    if brokers and (_is_ours(context, sender) or _is_ours(context, draft.requester.symbol)):
        return _make_loop_refusal("It is asked in our own name.")
    for past in rules.read_past_brokers(draft.citation.note):
        if brokers and _is_ours(context, past.symbol):
            return _make_loop_refusal("It has come through us before.")
        profile = context.find_partner_by_symbol(past.symbol)
        if profile is not None and _is_asked_by_us(connection, context, profile, past, draft):
            return _make_loop_refusal(f"We have asked {past.symbol} for it ourselves.")
    return None


def _is_ours(context: LibraryContext, symbol: str) -> bool:
    own = (context.symbol, *context.policy().brokering.symbols)
    return bool(symbol) and any(rules.is_same_symbol(symbol, other) for other in own)


def _is_asked_by_us(
    connection: Transaction, context: LibraryContext, profile: Profile, past: PastBroker, draft: LendingDraft
) -> bool:
    """Numbers of several libraries may be the same: the work must be, too."""
    request = requests.find_by_transaction(connection, context.symbol, Role.BORROWING, profile.name, past.transaction)
    ours = requests.load_request(connection, context.symbol, request.request_id) if request is not None else None
    return ours is not None and citation_fingerprint(ours.citation) == citation_fingerprint(draft.citation)


def _make_loop_refusal(detail: str) -> Refusal:
    return Refusal(RefusalReason.NOT_ALLOWED, f"The request goes in a circle. {detail}", MessagePart.REQUEST)


# --- the borrowing leg -----------------------------------------------------------------------------------


def create_borrowing_leg(
    connection: Transaction, context: LibraryContext, lending: Request, apply: ApplyEvent
) -> Request:
    """The request that asks other libraries for what `lending`, which is locked, asks of us; it is on its way.

    Raises Refused(NOT_ALLOWED) where it may not be passed on.
    """
    policy = context.policy().brokering
    past = rules.read_past_brokers(lending.citation.note)
    if len(past) >= rules.MAX_BROKERS:
        raise Refused(
            RefusalReason.NOT_ALLOWED,
            "The request has already passed through too many brokers.",
            about=MessagePart.REQUEST,
        )
    template = context.policy().rotas.get(policy.rota)
    if template is None or not can_pass_on(context, lending):
        raise Refused(
            RefusalReason.NOT_ALLOWED,
            "This request may not be brokered: see `brokering` in requests.yml.",
            about=MessagePart.REQUEST,
        )
    now = context.now()
    request = Request(
        library=context.symbol,
        id=make_exchange_id(now),
        role=Role.BORROWING,
        state=BorrowingState.NEW,
        number=assign_request_number(connection, context, Role.BORROWING, branch=lending.branch),
        created=now,
        changed=now,
        citation=lending.citation,
        service=lending.service,
        dates=lending.dates,
        costs=RequestCosts(maximum=lending.costs.maximum),
        source=SOURCE,
        branch=lending.branch,
        volumes=tuple(Volume(volume.id, volume.label) for volume in lending.volumes),
        extras=tuple(extra for extra in lending.extras if extra.name in _EXTRAS),
        mediated=False,
        rota_name=policy.rota,
        other_leg=OtherLeg(
            request_id=lending.id, number=lending.number, delivery=policy.delivery, party=lending.partner
        ),
    )
    lines = build_rota_lines(template, request, context.partner_policies())
    request = replace(request, rota=tuple(_skip_asked_line(context, line, lending, past) for line in lines))
    request = _add_note_term(request, rules.describe_ship_to(request, context.party.email))
    request = rules.add_past_broker(request, PastBroker(context.symbol, lending.transaction))
    requests.insert_request(connection, request)
    leg = OtherLeg(request_id=request.id, number=request.number, delivery=policy.delivery)
    requests.amend_request(connection, replace(lending, other_leg=leg))
    apply(request.id, Event(local_signal(EventKind.SUBMIT), now, BROKER))
    return request


def _add_note_term(request: Request, term: str) -> Request:
    note = "; ".join(filter(None, (term, request.citation.note)))
    return replace(request, citation=replace(request.citation, note=note))


def _skip_asked_line(context: LibraryContext, line: RotaLine, lending: Request, past: Iterable[PastBroker]) -> RotaLine:
    """Skip a line that isn't asked: not who asks for it, nor who has had it already."""
    why = _find_line_objection(context, line, lending, past)
    return replace(line, standing=RotaLineStatus.SKIPPED, why=why) if why else line


def _find_line_objection(context: LibraryContext, line: RotaLine, lending: Request, past: Iterable[PastBroker]) -> str:
    partner = context.partner(line.partner)
    symbols = partner.symbols if partner is not None else ()

    def has_symbol(symbol: str) -> bool:
        return any(rules.is_same_symbol(symbol, other) for other in symbols)

    if line.partner == lending.partner.profile or has_symbol(lending.partner.symbol):
        return "asks for it"
    if any(has_symbol(broker.symbol) for broker in past):
        return "has passed it on before"
    if any(extra.name == ALREADY_TRIED and has_symbol(extra.value) for extra in lending.extras):
        return "was asked by the requester before"
    return ""


# --- from one leg to the other ---------------------------------------------------------------------------


def carry_transition(
    connection: Transaction, context: LibraryContext, transition: Transition, apply: ApplyEvent
) -> None:
    """Carry what follows from a transition to the other leg; where it is passed on, that leg is made. Raises
    Refused."""
    request, event = transition.request, transition.event
    if event.signal == local_signal(EventKind.BROKERED) and request.other_leg is None:
        create_borrowing_leg(connection, context, request, apply)
        return
    carry_rules = rules.list_carry_rules(transition)
    if carry_rules and request.role is Role.BORROWING and _is_supplied_by_us(connection, context, request):
        _report_needless_item(transition, apply)
        return
    for rule in carry_rules:
        _LegCarrier(connection, context, transition, apply).carry_by_rule(rule)


def _is_supplied_by_us(connection: Transaction, context: LibraryContext, borrowing: Request) -> bool:
    """Return whether an item of our own has been found after all: then it is nothing to the requester what a supplier
    does."""
    leg = borrowing.other_leg
    lending = requests.lock_request(connection, context.symbol, leg.request_id) if leg is not None else None
    return lending is not None and not lending.is_brokered


def _report_needless_item(transition: Transition, apply: ApplyEvent) -> None:
    """Report to staff what a supplier sends in spite of our cancellation."""
    event = transition.event
    if event.signal in (partner_signal(EventKind.SHIPPED), partner_signal(EventKind.COPY_DELIVERED)):
        note = write_sentence(
            "%(event)s, although one of our items has been found since", event=EVENT_CATALOGUE[event.kind].words
        )
        apply(transition.request.id, Event(local_signal(EventKind.TROUBLE), event.at, BROKER, EventDetails(note=note)))


class _LegCarrier:
    """Carries one transition to the other leg."""

    def __init__(
        self, connection: Transaction, context: LibraryContext, transition: Transition, apply: ApplyEvent
    ) -> None:
        assert transition.request.other_leg is not None, "list_carry_rules gives rules for brokered requests alone"
        self._connection = connection
        self._context = context
        self._transition = transition
        self._request = transition.request
        self._leg = transition.request.other_leg
        self._apply = apply

    def carry_by_rule(self, rule: CarryRule) -> None:
        details = self._collect_details(rule)
        done = self._can_hand_on(details) and self._apply_first(rule.acts, details)
        if not done and rule.missed_act is not None and self._apply_to_other(rule.missed_act, details):
            done = self._apply_first(rule.acts, details)
        if not done and rule.fallback is not None:
            self._apply_to_other(rule.fallback, details)
        if not done and rule.own_refusal is not None:
            self._apply_to_own(rule.own_refusal, EventDetails())
        if rule.own_ending is not None:
            self._apply_to_own(rule.own_ending, EventDetails())

    def _can_hand_on(self, details: EventDetails) -> bool:
        """Return whether it can be handed on: not a file without a link to it."""
        return bool(details.link) or not self._transition.event.details.attachment

    def _collect_details(self, rule: CarryRule) -> EventDetails:
        if rule is rules.find_end_rule(self._transition):
            return self._explain_end()
        policy = self._context.policy().brokering
        event = self._transition.event
        details = rules.carry_details(event, self._request, policy.due_days, self._context.today())
        if event.details.attachment and event.kind is EventKind.COPY_DELIVERED and not details.link:
            return replace(details, link=self._make_copy_link(event.details.attachment))
        return details

    def _explain_end(self) -> EventDetails:
        """Explain the end; where suppliers are closed, they can be asked when they open."""
        details, request, context = rules.explain_end(self._request), self._request, self._context
        if request.state is not BorrowingState.NO_SUPPLIER or details.retry_after is not None:
            return details
        partners = load_partners(self._connection, context)
        day = first_retry_day(request, context.policy(), partners, context.today(), context.zone)
        is_unasked = day is not None and not request.attempts
        reason = ReasonCodes.CLOSED.value if is_unasked else details.reason
        return replace(details, reason=reason, retry_after=day)

    def _make_copy_link(self, attachment: str) -> str:
        """Make a link to a file that came with the other leg's copy. Empty: links can't be made, and staff see to
        it."""
        context = self._context
        if not context.public_url:
            return ""
        copies, now = context.policy().copies, context.now()
        token = make_copy_token(
            self._connection,
            context.symbol,
            self._request.id,
            attachment,
            (now + timedelta(days=copies.link_days)).replace(microsecond=0),
            copies.downloads,
            now,
        )
        return f"{context.public_url.rstrip('/')}/d/{token}"

    # --- applied -----------------------------------------------------------------------------------------

    def _apply_first(self, acts: Iterable[EventKind], details: EventDetails) -> bool:
        return any(self._apply_to_other(kind, details) for kind in acts)

    def _apply_to_other(self, kind: EventKind, details: EventDetails) -> bool:
        """Apply an event to the other leg, and return whether it fits there."""
        fitted = rules.fit_details(kind, details, self._context.zone, self._transition.event.kind)
        if not rules.can_act(kind, fitted):
            return False
        event = Event(local_signal(kind), self._transition.event.at, BROKER, fitted)
        return not isinstance(self._apply(self._leg.request_id, event, self._update_party), Denied)

    def _apply_to_own(self, kind: EventKind, details: EventDetails) -> None:
        """Apply an event to our leg; what doesn't fit any more is left."""
        self._apply(self._request.id, Event(local_signal(kind), self._transition.event.at, BROKER, details))

    def _update_party(self, other: Request) -> Request:
        """The lending leg knows the supplier in hand: items go back there."""
        leg = other.other_leg
        if leg is None or other.role is Role.BORROWING:
            return other
        return replace(other, other_leg=replace(leg, party=find_supplier_party(self._request)))
