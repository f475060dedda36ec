"""The acts that a request's page offers, each with its form: which are in sight, and why others aren't there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.domain.requests.events import EventDetails, RequestEnding
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.reason_words import ENDING_WORDS, REASON_WORDS
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.scan_rules import is_at_branch
from gateway.domain.requests.views import RequestView
from gateway.domain.value import replace, value_object
from gateway.services.letters.localization import mark_text
from gateway.services.request_work.act_forecasts import ActForecast, forecast_act
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.staff import act_forms
from gateway.web.staff.act_audience import describe_audience, describe_consequence, name_act, name_button
from gateway.web.staff.act_forms import FormField, choose_ending_fields, list_act_fields
from gateway.web.staff.act_values import first_act_values
from gateway.web.staff.request_access import ACT_RIGHTS, READ_RIGHTS, list_permitted_acts
from gateway.web.staff.request_panels import ShownPatron
from gateway.web.staff.request_words import NextMove, StateTag, describe_act, tag_of_request
from gateway.web.staff.staff_request import StaffRequest

USUAL_REFUSALS = 8
"""Reasons, of the most usual ones, with which a request is refused by one button."""

_DONE_AT_ONCE = frozenset({K.OVERDUE, K.STATUS_QUERY})
"""Nothing has to be said for them."""

_NOT_YET: Mapping[Role, Mapping[K, str]] = {
    Role.BORROWING: {
        K.RECEIVED: mark_text("not now: nothing is in transit"),
        K.RENEW: mark_text("not now: nothing is on loan"),
        K.RETURNED: mark_text("not now: no item is here"),
        K.CANCEL: mark_text("no longer possible"),
        K.ASSIGN: mark_text("not now: a supplier has been asked"),
    },
    Role.LENDING: {
        K.SHIPPED: mark_text("not now"),
        K.CHECKED_IN: mark_text("not now: nothing is on loan"),
        K.RECALL: mark_text("not now: nothing is on loan"),
        K.UNFILLED: mark_text("no longer possible"),
    },
}
"""Acts that people look for, and why they aren't there."""


@value_object
class SimilarRequest:
    """Another request of the same patron for the same item, with the path of its page and its status."""

    number: str
    path: str
    tag: StateTag


@value_object(kw_only=True)
class ActOption:
    """An act with a form of its own. `ending`: the one of several that it closes the request with; `button`: what it
    does, and to whom; `audience`: who is told; `similar`: other requests that this may be a duplicate of; `checked`:
    its values and mistakes; `is_chosen`: of several, the one whose form is open; `has_choice`: there is a supplier to
    choose, where that is the act."""

    kind: K
    label: str
    button: str
    audience: str
    fields: tuple[FormField, ...]
    checked: FormCheck
    ending: RequestEnding | None = None
    similar: tuple[SimilarRequest, ...] = ()
    hint: str = ""
    is_chosen: bool = True
    has_choice: bool = True

    @property
    def name(self) -> str:
        return f"{self.kind.value}-{self.ending.value}" if self.ending is not None else self.kind.value


@value_object(kw_only=True)
class ShownActs:
    """`options`: of which one is done next, each by its form; `pressed`: in sight, done by their button; `ways`: in
    sight, on pages of their own; `refusals`: reasons with a button of their own, value and word (none: it can't be
    refused), `refusal_audience`: who is told of any of them; `folded`: others; `refused`: label and why not."""

    options: tuple[ActOption, ...]
    pressed: tuple[K, ...]
    ways: tuple[K, ...]
    folded: tuple[K, ...]
    refusals: tuple[tuple[str, str], ...] = ()
    refusal_audience: str = ""
    refused: tuple[tuple[str, str], ...] = ()


async def choose_acts(
    page: StaffRequest, view: RequestView, move: NextMove, patron: ShownPatron | None, checked: FormCheck | None
) -> ShownActs:
    permitted = list_permitted_acts(page, view)
    open_acts = tuple(kind for kind in move.acts if kind in permitted)
    ways = tuple(kind for kind in move.ways if kind in permitted and kind not in open_acts)
    refused = tuple(
        (describe_act(kind, page.localization), page.gettext(why))
        for kind, why in _NOT_YET[view.request.role].items()
        if kind not in view.allowed and page.has_right(ACT_RIGHTS[view.request.role])
    )
    can_refuse = K.UNFILLED in permitted
    refusal = forecast_act(page.context, view.request, K.UNFILLED) if can_refuse else ActForecast()
    return ShownActs(
        options=await list_options(page, view, open_acts, patron, checked),
        pressed=tuple(kind for kind in ways if kind in _DONE_AT_ONCE),
        ways=tuple(kind for kind in ways if kind not in _DONE_AT_ONCE),
        folded=tuple(kind for kind in permitted if kind not in (*open_acts, *ways, K.UNFILLED)),
        refusals=_list_usual_refusals(page) if can_refuse else (),
        refusal_audience=describe_audience(page, refusal, patron),
        refused=refused,
    )


async def list_options(
    page: StaffRequest,
    view: RequestView,
    kinds: Sequence[K],
    patron: ShownPatron | None,
    checked: FormCheck | None = None,
    chosen: str = "",
) -> tuple[ActOption, ...]:
    """List the ways to do one of several acts. `patron`: who would get a letter, as far as is known; `checked`: the
    form of one of them, which had mistakes; `chosen`: the name of the option that is open, empty: the first."""
    options = [option for kind in kinds for option in await _make_options(page, view, kind, patron)]
    sent = _name_sent_option(checked) if checked is not None else ""
    names = [option.name for option in options]
    open_name = next((name for name in (sent, chosen) if name in names), names[0] if names else "")
    return tuple(
        replace(
            option,
            checked=checked if checked is not None and option.name == open_name == sent else option.checked,
            is_chosen=option.name == open_name,
            label=option.button if option.ending is not None and len(kinds) > 1 else option.label,
        )
        for option in options
    )


def _name_sent_option(checked: FormCheck) -> str:
    return "-".join(filter(None, (checked.values.get("kind", ""), checked.values.get("ending", ""))))


async def _make_options(
    page: StaffRequest, view: RequestView, kind: K, patron: ShownPatron | None
) -> tuple[ActOption, ...]:
    """One; of closing one for each ending that can be chosen."""
    request, localization = view.request, page.localization
    forecast = forecast_act(page.context, request, kind)
    consequence = describe_consequence(page, request, kind, forecast)
    option = ActOption(
        kind=kind,
        label=name_act(page, request, kind),
        button=name_button(page, request, kind, forecast),
        audience=describe_audience(page, forecast, patron),
        fields=await list_act_fields(page, request, (kind,)),
        checked=FormCheck(page, SubmittedForm(), first_act_values(page, view, (kind,))),
        hint=" ".join(filter(None, (localization.translate_sentence(view.hints.get(kind, "")), consequence))),
        has_choice=kind is not K.ASSIGN or bool(act_forms.list_suppliers(page.context, request.service.type)),
    )
    endings = [RequestEnding(value) for field in option.fields if field.name == "ending" for value, _ in field.choices]
    if not endings:
        return (option,)
    similar = await list_similar_requests(page, request)
    return tuple(_choose_ending(page, request, option, ending, patron, similar) for ending in endings)


async def list_similar_requests(page: StaffRequest, request: Request) -> tuple[SimilarRequest, ...]:
    """List the patron's other open requests for the same item that this user may see."""
    branches = page.branches_for(READ_RIGHTS[request.role])
    return tuple(
        SimilarRequest(
            similar.number, page.path("requests", similar.number), tag_of_request(similar, page.localization)
        )
        for similar in await page.library.requests.list_similar(request)
        if is_at_branch(similar, branches)
    )


def _choose_ending(
    page: StaffRequest,
    request: Request,
    option: ActOption,
    ending: RequestEnding,
    patron: ShownPatron | None,
    similar: tuple[SimilarRequest, ...],
) -> ActOption:
    """`similar`: what it may be a duplicate of. One alone is named by the button, and in the note for the history."""
    forecast = forecast_act(page.context, request, option.kind, EventDetails(ending=ending))
    is_unfilled = ending is RequestEnding.NOT_AVAILABLE
    counted = mark_text("Counts as unfilled.") if is_unfilled else mark_text("Counts as cancelled.")
    word = page.localization.translate_sentence(ENDING_WORDS[ending])
    button, checked = page.gettext("Close: %(ending)s", ending=word), option.checked
    similar = similar if ending is RequestEnding.DUPLICATE else ()
    if len(similar) == 1:
        button = page.gettext("Close: duplicate of %(number)s", number=similar[0].number)
        note = page.gettext("Duplicate of %(number)s", number=similar[0].number)
        checked = FormCheck(page, SubmittedForm(), {**checked.values, "note": note})
    return replace(
        option,
        ending=ending,
        similar=similar,
        checked=checked,
        label=f"{word[:1].upper()}{word[1:]}",
        button=button,
        hint=f"{option.hint} {page.gettext(counted)}".strip(),
        audience=describe_audience(page, forecast, patron),
        fields=choose_ending_fields(page, option.fields, ending),
    )


def _list_usual_refusals(page: StaffRequest) -> tuple[tuple[str, str], ...]:
    words = [(value, page.gettext(word)) for value, word in tuple(REASON_WORDS.items())[:USUAL_REFUSALS]]
    return tuple((value, f"{word[:1].upper()}{word[1:]}") for value, word in words)
