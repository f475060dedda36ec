"""Partners and rotas: how each is reached and how it stands, what is open with it, who is asked in what order."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from aiohttp import web

from gateway.domain.requests.citation import Citation, parse_standard_number
from gateway.domain.requests.request import ServiceType
from gateway.domain.requests.rota import RotaExplanation
from gateway.domain.requests.staff_views import PartnerView, RotaView
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.ports.library_system import ProbeStep
from gateway.services.desks.staff_service import RotaTrial
from gateway.services.letters.localization import mark_text
from gateway.services.operation.partner_probe import CATALOGUE, CONNECTION, MAIL_SERVER, SECRETS
from gateway.services.requests.partner_closures import MAX_NOTE_CHARS
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.staff.list_filters import SERVICE_TEXTS
from gateway.web.staff.request_story import CHANNELS
from gateway.web.staff.staff_request import StaffPage, StaffRequest

ROLES = {
    "supplier": mark_text("supplier"),
    "requester": mark_text("requester"),
}


@value_object
class PartnerState:
    """One sentence of how it stands. `kind`: of a tag."""

    kind: str
    word: str
    sentence: str


STEP_TEXTS = {
    SECRETS: mark_text("Passwords and keys are available"),
    CONNECTION: mark_text("Connection"),
    CATALOGUE: mark_text("Catalogue answers"),
    MAIL_SERVER: mark_text("Mail server answers"),
}

MAX_WORK_CHARS = 200


@value_object
class ShownStep:
    """The step of a test. `kind`: of a shape; `said`: the address; `took`: how long; `key`: of the profile, where to
    look."""

    kind: str
    name: str
    said: str
    took: str
    problem: str
    key: str


@value_object
class PartnerRow:
    """`days`: from asking to sending, as a number in the user's language; empty: not known yet."""

    partner: PartnerView
    state: PartnerState
    days: str


async def show_partners(request: StaffRequest) -> web.Response:
    partners = await request.library.partners.partners()
    unsent = await _count_unsent(request)
    return request.render(
        "partners",
        request.gettext("Partners"),
        help_topic="partners",
        partners=[
            PartnerRow(
                partner,
                _describe_state(request, partner, unsent.get(partner.profile, 0)),
                format_mean_days(request, partner.mean_days),
            )
            for partner in sorted(partners, key=lambda partner: partner.name.casefold())
        ],
        roles={word: request.gettext(text) for word, text in ROLES.items()},
        channels=CHANNELS,
        rotas=await request.library.partners.rotas(),
    )


async def show_partner(request: StaffRequest) -> web.Response:
    """Show a partner; raises NotFound."""
    return await _render_partner(request)


async def _render_partner(
    request: StaffRequest, checked: FormCheck | None = None, steps: Sequence[ShownStep] | None = None
) -> web.Response:
    """`checked`: the form of closing days, where it had mistakes; `steps`: of a test that has just been made. Raises
    NotFound."""
    name = request.http.match_info["name"]
    partner = await request.library.partners.partner(name)
    rotas = await request.library.partners.rotas()
    unsent = (await _count_unsent(request)).get(name, 0)
    return request.render(
        "partner",
        partner.name,
        status=checked.status if checked is not None else 200,
        help_topic="partners",
        partner=partner,
        channels=CHANNELS,
        state=_describe_state(request, partner, unsent),
        unsent=unsent,
        closures=await request.library.closures.list_closures(name),
        checked=checked or FormCheck(request, SubmittedForm()),
        steps=steps,
        may_act=request.has_right(Right.PARTNERS_ACT),
        roles=[request.gettext(ROLES[word]) for word in partner.roles if word in ROLES],
        rotas=[rota for rota in rotas if any(line.partner == name for line in rota.lines)],
        may_see_costs=request.has_right(Right.COSTS_READ),
        days=format_mean_days(request, partner.mean_days),
    )


# --- closing days ----------------------------------------------------------------------------------------


async def add_closure(request: StaffRequest) -> web.Response:
    checked = FormCheck(request, await request.read_own_form())
    name, today = request.http.match_info["name"], request.context.today()
    first, last = checked.read_day("first", today), checked.read_day("last", today)
    note = checked.read_line("note", MAX_NOTE_CHARS)
    for field, label in (("first", request.gettext("First day")), ("last", request.gettext("Last day"))):
        if not checked.form[field]:
            checked.add_problem(field, "wrong-missing", field=label)
    if first is not None and last is not None and last < first:
        checked.add_problem("last", "wrong-day-early", day=request.format_day(first))
    if not checked.is_good or first is None or last is None:
        return await _render_partner(request, checked)
    closures = request.library.closures
    await closures.add_closure(name, first, last, note, request.origin.actor)
    banner = request.gettext(
        "Not asked from %(first)s to %(last)s.", first=request.format_day(first), last=request.format_day(last)
    )
    return request.redirect(request.path("partners", name), banner)


async def remove_closure(request: StaffRequest) -> web.Response:
    """Remove a closure; raises NotFound."""
    form = await request.read_own_form()
    name = request.http.match_info["name"]
    await request.library.closures.remove_closure(name, form["id"])
    return request.redirect(request.path("partners", name), request.gettext("The closing days have been removed."))


# --- a test of the connection ----------------------------------------------------------------------------


async def probe_partner(request: StaffRequest) -> web.Response:
    """Test a partner; nothing is sent to it, and nothing is changed, so the answer is the page itself. Raises
    NotFound."""
    await request.read_own_form()
    steps = await request.library.probe.probe_partner(request.http.match_info["name"])
    return await _render_partner(request, steps=[_show_step(request, step) for step in steps])


def _show_step(request: StaffRequest, step: ProbeStep) -> ShownStep:
    name = request.gettext(STEP_TEXTS[step.name])
    took = request.gettext("%(num)s ms", num=request.localization.format_number(round(step.seconds * 1000)))
    return ShownStep("late" if step.problem else "good", name, step.said, took, step.problem, step.key)


# --- a trial of the rules --------------------------------------------------------------------------------


async def try_rota(request: StaffRequest) -> web.Response:
    """Show whom a wish would go to, and why; their catalogues are asked now. Raises NotFound."""
    check = FormCheck(request, SubmittedForm(dict(request.http.query)))
    work, rota = check.read_line("work", MAX_WORK_CHARS), check.read_choice("rota", request.context.policy().rotas)
    service = (
        check.read_choice("service", [service_type.value for service_type in ServiceType]) or ServiceType.LOAN.value
    )
    explained = None
    if work and check.is_good:
        wish = RotaTrial(citation=_parse_work(work), service=ServiceType(service), rota=rota)
        explained = await request.library.partners.explain_trial(wish)
    return request.render(
        "rota_trial",
        request.gettext("Test a rota"),
        status=check.status,
        help_topic="partners",
        checked=check,
        explained=explained,
        rows=list_explained_lines(request, explained) if explained is not None else (),
        rotas=list(request.context.policy().rotas),
        services=[(service_type.value, request.gettext(SERVICE_TEXTS[service_type])) for service_type in ServiceType],
    )


def _parse_work(text: str) -> Citation:
    """A number, or words of the title."""
    number = parse_standard_number(text)
    return Citation(identifiers=(number,)) if number is not None else Citation(title=text)


def list_explained_lines(request: StaffRequest, explained: RotaExplanation) -> list[tuple[str, str, str, str]]:
    """Partner, turn, why, and what its catalogue says; its answer is told by the turn."""
    return [
        (
            request.context.name_of_partner(line.partner),
            request.gettext(VERDICTS[line.verdict.value]),
            request.localization.translate_stored(line.why),
            request.localization.translate_stored(line.report),
        )
        for line in explained.lines
    ]


VERDICTS = {
    "next": mark_text("asked next"),
    "after": mark_text("asked after that"),
    "passed-over": mark_text("skipped"),
    "not-owning": mark_text("does not hold it"),
    "not-lending": mark_text("holds it but does not lend it"),
    "unreachable": mark_text("cannot be checked"),
    "asked": mark_text("already asked"),
    "skipped": mark_text("excluded"),
}


async def show_rota(request: StaffRequest) -> web.Response:
    """Show a rota; raises NotFound."""
    rota = await request.library.partners.rota(request.http.match_info["name"])
    names = {view.profile: view for view in await request.library.partners.partners()}
    views = [(line, names.get(line.partner)) for line in rota.lines]
    return request.render(
        "rota",
        request.gettext("Rota %(name)s", name=rota.name),
        help_topic="partners",
        rota=rota,
        lines=[
            (line, view, format_mean_days(request, view.mean_days) if view is not None else "") for line, view in views
        ],
        with_notes=any(view is None or view.closed_now or line.last_resort for line, view in views),
        usual=_is_usual(request, rota),
    )


def format_mean_days(request: StaffRequest, days: float | None) -> str:
    """Format the days from asking a partner until it shipped, on average, in tenths of a day."""
    return "" if days is None else request.localization.format_number(Decimal(f"{days:.1f}"))


def _is_usual(request: StaffRequest, rota: RotaView) -> bool:
    return request.context.policy().default_rota == rota.name


async def _count_unsent(request: StaffRequest) -> dict[str, int]:
    """Messages to partners that were given up, by profile."""
    counts: dict[str, int] = {}
    for cause in await request.library.desk.dead_letter_causes():
        if cause.kind != "letter":
            counts[cause.target] = counts.get(cause.target, 0) + cause.count
    return counts


def _describe_state(request: StaffRequest, partner: PartnerView, unsent: int) -> PartnerState:
    """The worst first. A library of this installation may be held back."""
    if not request.parts.list_unserved().keys().isdisjoint(partner.symbols):
        texts = ("Its settings have errors", "The library is closed until they are corrected.")
        return PartnerState("late", request.gettext("not reachable"), ". ".join(map(request.gettext, texts)))
    if unsent:
        sentence = request.ngettext(
            "%(num)s message to this partner could not be sent.",
            "%(num)s messages to this partner could not be sent.",
            unsent,
        )
        return PartnerState("late", request.gettext("not reachable"), sentence)
    if partner.silent:
        return PartnerState("look", request.gettext("not responding"), partner.silent)
    if partner.closed_now:
        return PartnerState("waiting", request.gettext("closed"), request.gettext("Not asked while closed."))
    return PartnerState("good", request.gettext("reachable"), request.gettext("No known problems."))


PAGES = (
    StaffPage("GET", "/partners", show_partners, Right.PARTNERS_READ),
    StaffPage("POST", "/partners/{name}/closures", add_closure, Right.PARTNERS_ACT),
    StaffPage("POST", "/partners/{name}/closures/delete", remove_closure, Right.PARTNERS_ACT),
    StaffPage("POST", "/partners/{name}/test", probe_partner, Right.PARTNERS_ACT),
    StaffPage("GET", "/rota-trial", try_rota, Right.PARTNERS_READ),
    StaffPage("GET", "/partners/{name}", show_partner, Right.PARTNERS_READ),
    StaffPage("GET", "/rotas/{name}", show_rota, Right.PARTNERS_READ),
)
