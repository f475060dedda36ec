"""Who will be told of an act, before it is done: from the same rows of the state tables, wishes of partners and
channels by which the outbox is written afterwards (`find_act_effects` reads that)."""

from __future__ import annotations

from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal
from gateway.domain.requests.request import Request, Role, RotaLineStatus
from gateway.domain.requests.state_machine import list_effects, list_notifications
from gateway.domain.requests.state_table import FollowUp, RunFollowUp, SendPatronLetter
from gateway.domain.value import value_object
from gateway.ports.partner_channel import CarryWay
from gateway.services.requests.effects import (
    choose_way_to_tell,
    find_receiver,
    is_letter_wanted,
    is_partner_notified,
)
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.suppliers import has_supplier_by_rule
from gateway.services.requests.undone_acts import hold_of_act


@value_object
class ForetoldMessage:
    """`partner`: its name; `channel`: by which it is told; empty: by none, so staff write or phone. `is_note`: in
    words, since the channel has no message for it."""

    partner: str
    channel: str
    is_note: bool = False


@value_object(kw_only=True)
class ActForecast:
    """`asked`: who is asked next, of partners that the request names; `finds_supplier`: somebody is, whoever the rules
    choose; `finds_nobody`: they have nobody to choose. `letters`: to the patron, by their templates;
    `lacks_mail_server`: there would be some. `at_pickup`: of the item, once it is where the patron fetches it; the
    library's system says where that is when it is received.
    `hangs_on_answer`: who is told depends on the fields of the act. `held_seconds`: so long nothing goes out, and the
    act can be undone."""

    messages: tuple[ForetoldMessage, ...] = ()
    asked: ForetoldMessage | None = None
    finds_supplier: bool = False
    finds_nobody: bool = False
    letters: tuple[str, ...] = ()
    lacks_mail_server: bool = False
    at_pickup: bool = False
    hangs_on_answer: bool = False
    held_seconds: int = 0

    @property
    def writes_patron(self) -> bool:
        return bool(self.letters)


_NO_DETAILS = EventDetails()


def forecast_act(
    context: LibraryContext, request: Request, kind: EventKind, details: EventDetails = _NO_DETAILS
) -> ActForecast:
    """Forecast an act; what hangs on details that are not given is not foretold."""
    workflow = context.workflow(request)
    at = Event(local_signal(EventKind.NOTE), context.now(), details=details)
    effects = list_effects(request, kind, workflow, at)
    messages = []
    for notification in list_notifications(request, kind, workflow, at):
        if not is_partner_notified(context, notification, request):
            continue
        party, _ = find_receiver(context, notification, request)
        way = choose_way_to_tell(context, notification, request)
        name = party.name or context.name_of_partner(party.profile) or party.symbol
        channel = "" if way is CarryWay.LOST else _find_channel(context, party.profile)
        messages.append(ForetoldMessage(name, channel, way is CarryWay.NOTE))
    finds = RunFollowUp(FollowUp.FIND_SUPPLIER) in effects
    asked = _find_asked(context, request, kind) if finds else None
    can_find = asked is not None or (finds and has_supplier_by_rule(context, request))
    letters = [effect.name for effect in effects if isinstance(effect, SendPatronLetter)]
    wanted = tuple(letter for letter in letters if is_letter_wanted(context, letter, request))
    return ActForecast(
        messages=tuple(messages),
        asked=asked,
        finds_supplier=can_find,
        finds_nobody=finds and not can_find,
        letters=wanted if context.writes_letters else (),
        lacks_mail_server=bool(wanted) and not context.writes_letters,
        at_pickup=kind is EventKind.RECEIVED and "available" in letters,
        hangs_on_answer=kind is EventKind.PATRON_ANSWERED,
        held_seconds=int(hold_of_act(context, request, kind).total_seconds()),
    )


def _find_asked(context: LibraryContext, request: Request, kind: EventKind) -> ForetoldMessage | None:
    """Find the supplier whose offer is accepted, who is asked once more, or whom staff have put first; others are
    ranked by rule when their turn comes."""
    if kind is EventKind.CONDITION_ACCEPTED:
        return _foretell_asked(context, request.partner.profile)
    waiting = [line for line in request.rota if line.standing is RotaLineStatus.WAITING]
    if request.role is not Role.BORROWING or not waiting or not waiting[0].by_hand:
        return None
    return _foretell_asked(context, waiting[0].partner)


def _foretell_asked(context: LibraryContext, profile: str) -> ForetoldMessage:
    return ForetoldMessage(context.name_of_partner(profile), _find_channel(context, profile))


def _find_channel(context: LibraryContext, profile: str) -> str:
    partner = context.partner(profile)
    return partner.channel if partner is not None else ""
