"""Who is told of an act: the line below its button, and what the button is called by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import BorrowingState as B
from gateway.domain.requests.request import Request, Role
from gateway.domain.sentences import strip_full_stop
from gateway.services.letters.localization import mark_text
from gateway.services.request_work.act_forecasts import ActForecast, ForetoldMessage
from gateway.web.staff.act_forms import can_correct
from gateway.web.staff.request_panels import ShownPatron
from gateway.web.staff.request_story import CHANNELS, name_partner
from gateway.web.staff.request_words import describe_act
from gateway.web.staff.staff_request import StaffRequest

TOLD_BY = mark_text("%(partner)s, by %(channel)s.")

_CHANNELS: Mapping[str, str] = {"mail": mark_text("email"), "tagged-mail": mark_text("email")}
"""Those that are called otherwise at the beginning of a line."""

_BUTTONS: Mapping[tuple[Role, K], str] = {
    (Role.BORROWING, K.CONDITION_ACCEPTED): mark_text("Accept %(partner)s’s condition"),
    (Role.BORROWING, K.CONDITION_REFUSED): mark_text("Decline %(partner)s’s condition"),
    (Role.BORROWING, K.PATRON_MESSAGE): mark_text("Send to the patron"),
    (Role.BORROWING, K.RECEIVED): mark_text("Receive from %(partner)s"),
    (Role.BORROWING, K.DAMAGED): mark_text("Report damage to %(partner)s"),
    (Role.BORROWING, K.RENEW): mark_text("Request renewal from %(partner)s"),
    (Role.BORROWING, K.RETURNED): mark_text("Return to %(partner)s"),
    (Role.BORROWING, K.MESSAGE): mark_text("Send to %(partner)s"),
    (Role.LENDING, K.MESSAGE): mark_text("Send to %(partner)s"),
    (Role.LENDING, K.SHIPPED): mark_text("Ship to %(partner)s"),
    (Role.LENDING, K.COPY_DELIVERED): mark_text("Deliver to %(partner)s"),
}

_BUTTONS_OF_NEXT: Mapping[K, str] = {
    K.APPROVE: mark_text("Approve and ask %(partner)s"),
    K.NEXT_SUPPLIER: mark_text("Ask %(partner)s"),
}
"""Where it is known who is asked next."""

_BUTTONS_UNSENT: Mapping[K, str] = {
    K.PATRON_MESSAGE: mark_text("Save the letter"),
    K.PATRON_ASKED: mark_text("Save the question"),
}
"""Where no letter goes out."""

_BUTTON_OF_TOLD_LOSS = mark_text("Mark as lost and notify %(partner)s")
_BUTTON_OF_CANCELLATION = mark_text("Ask %(partner)s to cancel")

_CONSEQUENCES: Mapping[K, str] = {
    K.FORWARDED: mark_text("This closes the request."),
    K.UNFILLED: mark_text("Selecting a reason closes the request at once."),
}


def name_button(page: StaffRequest, request: Request, kind: K, forecast: ActForecast) -> str:
    """Name the act and whom it is done to."""
    if forecast.asked is not None and kind in _BUTTONS_OF_NEXT:
        return page.gettext(_BUTTONS_OF_NEXT[kind], partner=forecast.asked.partner)
    if kind in _BUTTONS_UNSENT and not forecast.writes_patron:
        return page.gettext(_BUTTONS_UNSENT[kind])
    partner = name_partner(request, page.context)
    is_told = any(message.channel for message in forecast.messages)
    template = _BUTTON_OF_TOLD_LOSS if kind is K.LOST and is_told else _BUTTONS.get((request.role, kind))
    if kind is K.CANCEL and is_told and request.state in _ASKED:
        template = _BUTTON_OF_CANCELLATION
    if template is None or not (partner or kind is K.PATRON_MESSAGE):
        return name_act(page, request, kind)
    return page.gettext(template, partner=partner)


def name_act(page: StaffRequest, request: Request, kind: K) -> str:
    """Name the act by what it can do now: once a supplier knows a request, only a volume can be added to it."""
    if kind is K.EDIT and not can_correct(page.context, request):
        return page.gettext("Add a volume")
    return describe_act(kind, page.localization, request)


_ASKED = (B.REQUESTED, B.HOLD_PLACED, B.WILL_SUPPLY, B.CONDITIONAL)


def describe_consequence(page: StaffRequest, request: Request, kind: K, forecast: ActForecast) -> str:
    """Describe what else follows from an act than its name says; empty: nothing."""
    if kind in _CONSEQUENCES:
        return page.gettext(_CONSEQUENCES[kind])
    partner = forecast.messages[0].partner if forecast.messages else ""
    is_conditional = request.state is B.CONDITIONAL
    text = ""
    if kind is K.CANCEL and partner and request.state in _ASKED:
        text = mark_text("The request is closed when %(partner)s agrees. If the item has been shipped, it is too late.")
    elif kind is K.NEXT_SUPPLIER and partner and is_conditional:
        text = mark_text("%(partner)s is asked to cancel. Its condition is not accepted.")
    elif kind is K.NEXT_SUPPLIER and partner:
        text = mark_text("%(partner)s is asked to cancel.")
    elif kind is K.RECEIVED and is_conditional:
        text = mark_text("The condition of %(partner)s has not been answered yet.")
    return page.gettext(text, partner=partner or name_partner(request, page.context)) if text else ""


def describe_audience(page: StaffRequest, forecast: ActForecast, patron: ShownPatron | None) -> str:
    """Describe who is told of an act, by which way, and until when it can be undone. Empty: its fields decide."""
    if forecast.hangs_on_answer:
        return ""
    parties = list(_list_parties(page, forecast, patron))
    if forecast.lacks_mail_server:
        parties.append(page.gettext("Please notify the patron in person."))
    return " ".join([*parties, *_list_delays(page, [forecast])]) or page.gettext("Nobody.")


def summarize_audience(page: StaffRequest, forecasts: Sequence[ActForecast]) -> str:
    """Describe who is told of an act that is done with several requests: each party once, with the number of requests
    about which it is told."""
    counts: Counter[str] = Counter()
    for forecast in forecasts:
        counts.update(set(_list_parties(page, forecast, None)) or {page.gettext("Nobody.")})
    parties = [
        page.ngettext(
            "%(audience)s: %(num)s request.", "%(audience)s: %(num)s requests.", count, audience=strip_full_stop(party)
        )
        for party, count in counts.most_common()
    ]
    return " ".join([*parties, *_list_delays(page, forecasts)])


def _list_parties(page: StaffRequest, forecast: ActForecast, patron: ShownPatron | None) -> Iterator[str]:
    carried = [message for message in forecast.messages if message.channel]
    for message in carried:
        text = mark_text("%(partner)s, by %(channel)s, in a note.") if message.is_note else TOLD_BY
        yield _describe_message(page, text, message)
    if forecast.asked is not None and forecast.asked.channel:
        yield _describe_message(page, TOLD_BY, forecast.asked)
    elif forecast.finds_supplier:
        yield page.gettext("The next supplier, chosen by the rules.")
    elif forecast.finds_nobody:
        yield page.gettext("No supplier: none is left that the rules would ask.")
    if forecast.writes_patron:
        yield page.gettext(_describe_letter(forecast, patron))
    elif forecast.lacks_mail_server:
        yield page.gettext("No letter to the patron, as no mail server is set up.")


def _list_delays(page: StaffRequest, forecasts: Sequence[ActForecast]) -> Iterator[str]:
    """The longest time for which nothing goes out, if anything would."""
    tells = (forecast for forecast in forecasts if forecast.writes_patron or any(m.channel for m in forecast.messages))
    if held_seconds := max((forecast.held_seconds for forecast in tells), default=0):
        yield page.ngettext(
            "Nothing is sent for %(num)s second: until then this can be undone.",
            "Nothing is sent for %(num)s seconds: until then this can be undone.",
            held_seconds,
        )


def _describe_message(page: StaffRequest, text: str, message: ForetoldMessage) -> str:
    return page.gettext(text, partner=message.partner, channel=name_channel(page, message.channel))


def name_channel(page: StaffRequest, channel: str) -> str:
    """Name a channel inside a sentence."""
    return page.gettext(_CHANNELS.get(channel) or CHANNELS.get(channel, channel))


def _describe_letter(forecast: ActForecast, patron: ShownPatron | None) -> str:
    if patron is not None and not any(map(patron.settings.wants_letter, forecast.letters)):
        return mark_text("Not the patron, who wants no notices.")
    if forecast.at_pickup:
        return mark_text("The patron, once the item is at its pickup location.")
    if patron is None or patron.problem or patron.masked:
        return mark_text("The patron.")
    if patron.emails:
        return mark_text("The patron, by email.")
    return mark_text("The patron has no email address. Please notify them in person.")
