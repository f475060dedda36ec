"""Results of an act of staff, in the sentences of the banner: read from the request and from the rows of the outbox
that the act has made, so that nothing is said that didn't happen. The table of tests/protocol/staff_acts/claims.py says
what each sentence claims."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import AttemptStatus, Request, RequestFlag, Role, VolumeState
from gateway.domain.requests.request import BorrowingState as B
from gateway.domain.requests.state_table import LibraryAction
from gateway.domain.value import value_object
from gateway.services.letters.localization import Localization, mark_text
from gateway.services.request_work.request_reader import ActEffects, find_act_effects
from gateway.web.staff.staff_request import StaffRequest


@value_object(kw_only=True)
class ActResult:
    """`hint`: what was said beforehand that staff have to do besides; `can_undo`: a button takes it back."""

    kind: K
    before: Request
    after: Request
    effects: ActEffects = ActEffects()
    hint: str = ""
    can_undo: bool = False

    @property
    def is_told(self) -> bool:
        """True if a partner gets the message of this act."""
        return self.kind in self.effects.messages


async def describe_done_act(
    page: StaffRequest, before: Request, after: Request, kind: K, *, hint: str = "", can_undo: bool = False
) -> str:
    """The text of the banner. Raises NotFound."""
    effects = await find_act_effects(page.context, after.id, kind)
    result = ActResult(kind=kind, before=before, after=after, effects=effects, hint=hint, can_undo=can_undo)
    return describe_result(result, page.localization)


def describe_result(result: ActResult, localization: Localization) -> str:
    sentences = [localization.gettext(text) for text in _list_sentences(result)]
    if result.hint:
        sentences.append(localization.translate_sentence(result.hint))
    return " ".join(sentences)


def _list_sentences(result: ActResult) -> Iterator[str]:
    yield _BY_OUTCOME.get(result.kind, _choose_by_message)(result)
    if result.effects.letters and result.kind not in _TO_PATRON:
        yield _PATRON_REACHED[result.effects.has_mail_address]
    if not result.can_undo and (final := _explain_no_undo(result)):
        yield final


_TO_PATRON = (K.PATRON_ASKED, K.PATRON_MESSAGE)
"""Their first sentence says it."""

_PATRON_REACHED: Mapping[bool | None, str] = {
    True: mark_text("The patron is being notified by email."),
    False: mark_text("The patron has no email address. Please notify them in person."),
    None: mark_text("A letter to the patron is waiting to be sent."),
}

# --- by what came of it ----------------------------------------------------------------------------------


def _describe_approval(result: ActResult) -> str:
    if RequestFlag.UNWANTED in result.before.flags and RequestFlag.UNWANTED not in result.after.flags:
        return mark_text("The request is wanted again.")
    return mark_text("Approved.")


def _describe_next_supplier(result: ActResult) -> str:
    if result.after.state is B.REQUESTED and result.after.current == result.before.current:
        return mark_text("The partner is being asked for another supplier.")
    return mark_text("The next supplier is being chosen.")


def _describe_yes_to_condition(result: ActResult) -> str:
    if result.is_told:
        return mark_text("The condition is accepted.")
    if RequestFlag.PRICE_OPEN in result.before.flags:
        return mark_text("The price is accepted.")
    if _is_offer(result.before):
        return mark_text("The offer is accepted. The supplier is being asked again.")
    return mark_text("It has been noted that the condition is accepted.")


def _describe_no_to_condition(result: ActResult) -> str:
    if _is_offer(result.before):
        return mark_text("The offer is declined.")
    if result.is_told:
        return mark_text("The condition is declined.")
    return mark_text("It has been noted that the condition is declined.")


def _is_offer(request: Request) -> bool:
    return request.attempt is not None and request.attempt.status is AttemptStatus.OFFERED


def _describe_cancellation(result: ActResult) -> str:
    if result.is_told:
        return mark_text("A cancellation has been requested.")
    match result.after.state:
        case B.CANCEL_PENDING:
            return mark_text("The cancellation has been noted.")
        case B.SHIPPED:
            return mark_text("The item is no longer needed. Return it to the lender when it arrives.")
        case B.RECEIVED | B.BACK:
            return mark_text("The item is no longer needed. Return it to the lender.")
    return mark_text("The request is cancelled.")


def _describe_receipt(result: ActResult) -> str:
    after = result.after
    match after.state:
        case B.SHIPPED:
            return mark_text("Received. Other volumes have not arrived yet.")
        case B.BACK if RequestFlag.RECALLED in after.flags:
            return mark_text("Received. The lender has recalled the item. Return it to the lender.")
        case B.BACK:
            return mark_text("Received. The item is no longer needed. Return it to the lender.")
        case B.RECEIVED if RequestFlag.IN_TRANSIT in after.flags:
            return mark_text("Received. Take it to its pickup location.")
    return mark_text("Received.")


def _describe_pickup(result: ActResult) -> str:
    """The patron is told once all volumes are there, and not of what goes back."""
    flags = result.after.flags
    if RequestFlag.RECALLED in flags:
        return mark_text("The item is at its pickup location. The lender has recalled it. Return it to the lender.")
    if RequestFlag.UNWANTED in flags:
        return mark_text("The item is at its pickup location. It is no longer needed. Return it to the lender.")
    awaited = any(volume.state in (VolumeState.EXPECTED, VolumeState.SHIPPED) for volume in result.after.volumes)
    if awaited or RequestFlag.IN_TRANSIT in flags:
        return mark_text("The item is at its pickup location. Other volumes are not there yet.")
    return mark_text("The item is at its pickup location.")


def _describe_question(result: ActResult) -> str:
    if not result.effects.letters:
        return mark_text("The question has been saved, but it is not sent to the patron.")
    return {
        True: mark_text("The question is being sent to the patron."),
        False: mark_text(
            "The question has been saved, but the patron has no email address. Please ask them in person."
        ),
        None: mark_text("The question to the patron is waiting to be sent."),
    }[result.effects.has_mail_address]


def _describe_letter(result: ActResult) -> str:
    if not result.effects.letters:
        return mark_text("The letter has been saved, but it is not sent to the patron.")
    return {
        True: mark_text("The letter is being sent to the patron."),
        False: mark_text("The letter has been saved, but the patron has no email address. Please print it."),
        None: mark_text("The letter to the patron is waiting to be sent."),
    }[result.effects.has_mail_address]


def _describe_refusal(result: ActResult) -> str:
    if K.CANCEL_ACCEPTED in result.effects.messages:
        return mark_text("The cancellation has been accepted.")
    return _choose_by_message(result)


def _choose_by_message(result: ActResult) -> str:
    entry = EVENT_CATALOGUE[result.kind]
    if entry.ends_transit:
        return _describe_pickup(result)
    return entry.done if result.is_told else entry.noted or entry.done


_BY_OUTCOME: Mapping[K, Callable[[ActResult], str]] = {
    K.APPROVE: _describe_approval,
    K.NEXT_SUPPLIER: _describe_next_supplier,
    K.CONDITION_ACCEPTED: _describe_yes_to_condition,
    K.CONDITION_REFUSED: _describe_no_to_condition,
    K.CANCEL: _describe_cancellation,
    K.RECEIVED: _describe_receipt,
    K.PATRON_ASKED: _describe_question,
    K.PATRON_MESSAGE: _describe_letter,
    K.UNFILLED: _describe_refusal,
}


# --- why it can't be undone ------------------------------------------------------------------------------


def _explain_no_undo(result: ActResult) -> str:
    """Explain why there is no undo of what was done with an item. Empty: nobody would want to, or nothing of it went
    out."""
    if result.before.role is Role.BORROWING and result.kind is K.RETURNED:
        return _explain_final_return(result)
    if result.before.role not in EVENT_CATALOGUE[result.kind].undoable:
        return ""
    if result.effects.messages or result.effects.letters:
        return mark_text("This cannot be undone: others have already been told.")
    return ""


def _explain_final_return(result: ActResult) -> str:
    is_deleted = LibraryAction.DELETE_TEMPORARY.value in result.effects.steps
    has_record = is_deleted and any(volume.barcode for volume in result.before.volumes)
    if result.is_told and has_record:
        return mark_text(
            "This cannot be undone: the lender is notified and the temporary item is deleted from the library system."
        )
    if result.is_told:
        return mark_text("This cannot be undone: the lender is notified.")
    if has_record:
        return mark_text("This cannot be undone: the temporary item is deleted from the library system.")
    return ""
