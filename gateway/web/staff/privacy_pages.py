"""Data that is kept about readers and how long; what is held about one of them, given out as a file or forgotten now.

A card number is only ever sent in a form: addresses stand in logs of servers and in histories of browsers.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from gateway.domain.roles import Right
from gateway.services.patrons.patron_data import PATRON_FILE, HeldPatronData, PatronNumber, TooManyRequestsError
from gateway.web.html.assets import json_file_response
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.staff.staff_request import StaffPage, StaffRequest

MAX_CARD_CHARS = 100


async def show_privacy(request: StaffRequest) -> web.Response:
    return _render_privacy(request, FormCheck(request, SubmittedForm()))


def _render_privacy(request: StaffRequest, checked: FormCheck, held: HeldPatronData | None = None) -> web.Response:
    """`held`: of the number that the form has."""
    return request.render(
        "privacy",
        request.gettext("Privacy"),
        status=checked.status,
        help_topic="privacy",
        checked=checked,
        held=held,
        kept=_list_retention(request),
    )


def _list_retention(request: StaffRequest) -> Sequence[tuple[str, str]]:
    """List what is kept, and how long."""
    rules, days = request.context.policy().retention, request.parts.retention
    count_days = request.localization.format_days
    end = count_days(rules.anonymise_days)
    return (
        (
            request.gettext("Patron of a request, notes, and texts written about it"),
            request.gettext("%(days)s after closing", days=end)
            if rules.anonymise_days
            else request.gettext("immediately after closing"),
        ),
        (request.gettext("Sent letters and messages about requests"), count_days(rules.outbox_days)),
        (request.gettext("Content of messages exchanged with partners"), count_days(days.message_contents)),
        (request.gettext("Records of messages, and email from partners"), count_days(days.messages)),
        (request.gettext("Staff actions (audit log)"), count_days(days.audit)),
        (request.gettext("Anonymous statistics"), request.gettext("indefinitely")),
    )


# --- one reader ----------------------------------------------------------------------------------------------


async def find_patron_data(request: StaffRequest) -> web.Response:
    checked, held = await _read_patron_form(request)
    if held is not None:
        await _log_act(request, "patron-counted", held)
    return _render_privacy(request, checked, held)


async def export_patron_data(request: StaffRequest) -> web.Response:
    checked, held = await _read_patron_form(request)
    if held is None:
        return _render_privacy(request, checked)
    document = await request.library.patron_data.export_data(PatronNumber(checked.values["card"]))
    await _log_act(request, "patron-exported", held)
    return json_file_response(document, PATRON_FILE)


async def forget_patron(request: StaffRequest) -> web.Response:
    checked, held = await _read_patron_form(request)
    if held is None:
        return _render_privacy(request, checked)
    await _log_act(request, "patron-forgotten", held)  # first: what is forgotten before the gateway stops is logged too
    number = PatronNumber(checked.values["card"])
    gone = await request.library.patron_data.forget_patron(number, request.origin.actor)
    banner = request.ngettext(
        "%(num)s request has been anonymised.", "%(num)s requests have been anonymised.", len(gone.requests)
    )
    if gone.kept:
        kept = request.ngettext(
            "%(num)s is open and needs the name until it is closed.",
            "%(num)s are open and need the name until they are closed.",
            len(gone.kept),
        )
        banner = f"{banner} {kept}"
    return request.redirect(request.path("privacy"), banner, "look" if gone.kept else "good")


async def _read_patron_form(request: StaffRequest) -> tuple[FormCheck, HeldPatronData | None]:
    """None: the form has mistakes. One's own password is a field of it, unless it came in a moment ago."""
    checked = FormCheck(request, await request.read_own_form())
    card = checked.read_line("card", MAX_CARD_CHARS)
    if not card:
        checked.add_problem("card", "wrong-missing", field=request.gettext("Card number"))
    await request.confirm_by_form(checked)
    if not checked.is_good:
        return checked, None
    try:
        return checked, await request.library.patron_data.find_data(PatronNumber(card))
    except TooManyRequestsError:
        checked.add_problem_text(
            "card", request.gettext("This number occurs in too many requests to belong to one patron.")
        )
        return checked, None


async def _log_act(request: StaffRequest, action: str, held: HeldPatronData) -> None:
    """Log how many requests it was, and not whose."""
    count = len(held.requests)
    detail = "1 request" if count == 1 else f"{count} requests"
    await request.library.users.log_patron_data(action, detail, request.origin)


PAGES = (
    StaffPage("GET", "/privacy", show_privacy, Right.PRIVACY),
    StaffPage("POST", "/privacy", find_patron_data, Right.PRIVACY),
    StaffPage("POST", "/privacy/export", export_patron_data, Right.PRIVACY),
    StaffPage("POST", "/privacy/forget", forget_patron, Right.PRIVACY),
)
