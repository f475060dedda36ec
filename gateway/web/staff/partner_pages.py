"""Partners and rotas: how each is reached and how it stands, what is open with it, who is asked in what order."""

from __future__ import annotations

from decimal import Decimal

from aiohttp import web

from gateway.domain.requests.partner_policy import Closure
from gateway.domain.requests.views import NotFound, PartnerView, RotaView
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.services.localization import mark_text
from gateway.web.staff.staff_request import StaffPage, StaffRequest

ROLES = {
    "supplier": mark_text("lends to us"),
    "requester": mark_text("borrows from us"),
}


@value_object
class PartnerState:
    """One sentence of how it stands. `kind`: of a tag."""

    kind: str
    word: str
    sentence: str


@value_object
class PartnerRow:
    """`days`: from asking to sending, as a number in the user's language; empty: not known yet."""

    partner: PartnerView
    state: PartnerState
    days: str


async def show_partners(request: StaffRequest) -> web.Response:
    partners = await request.parts.partners.partners(request.library)
    unsent = await _count_unsent(request)
    return request.render(
        "partners",
        request.gettext("Partners"),
        help_topic="partners",
        partners=[
            PartnerRow(one, _describe_state(request, one, unsent.get(one.profile, 0)), _format_days(request, one))
            for one in sorted(partners, key=lambda one: one.name.casefold())
        ],
        roles={word: request.gettext(text) for word, text in ROLES.items()},
        rotas=await request.parts.partners.rotas(request.library),
    )


async def show_partner(request: StaffRequest) -> web.Response:
    """Raises NotFound."""
    name = request.http.match_info["name"]
    partner = await request.parts.partners.partner(request.library, name)
    rotas = await request.parts.partners.rotas(request.library)
    unsent = (await _count_unsent(request)).get(name, 0)
    return request.render(
        "partner",
        partner.name,
        help_topic="partners",
        partner=partner,
        state=_describe_state(request, partner, unsent),
        unsent=unsent,
        closures=_find_closures(request, name),
        roles=[request.gettext(ROLES[word]) for word in partner.roles if word in ROLES],
        rotas=[one for one in rotas if any(line.partner == name for line in one.lines)],
        may_see_costs=request.has_right(Right.COSTS_READ),
        days=_format_days(request, partner),
    )


async def show_rota(request: StaffRequest) -> web.Response:
    """Raises NotFound."""
    rota = await request.parts.partners.rota(request.library, request.http.match_info["name"])
    names = {one.profile: one for one in await request.parts.partners.partners(request.library)}
    return request.render(
        "rota",
        rota.name,
        help_topic="partners",
        rota=rota,
        lines=[
            (line, found, _format_days(request, found) if found is not None else "")
            for line in rota.lines
            for found in (names.get(line.partner),)
        ],
        usual=_is_usual(request, rota),
    )


def _format_days(request: StaffRequest, partner: PartnerView) -> str:
    if partner.mean_days is None:
        return ""
    return request.localization.format_number(Decimal(f"{partner.mean_days:.1f}"))


def _is_usual(request: StaffRequest, rota: RotaView) -> bool:
    return request.context.policy().default_rota == rota.name


async def _count_unsent(request: StaffRequest) -> dict[str, int]:
    """Messages to partners that were given up, by profile."""
    found: dict[str, int] = {}
    for cause in await request.parts.desk.dead_letter_causes(request.library):
        if cause.kind != "letter":
            found[cause.target] = found.get(cause.target, 0) + cause.count
    return found


def _find_closures(request: StaffRequest, name: str) -> tuple[Closure, ...]:
    profile = request.context.profile(name)
    if profile is None or profile.partner is None:
        raise NotFound("partner")
    today = request.context.today()
    return tuple(one for one in profile.partner.closures if one.last >= today)


def _describe_state(request: StaffRequest, partner: PartnerView, unsent: int) -> PartnerState:
    """The worst first."""
    if unsent:
        sentence = request.ngettext(
            "%(num)s message to it could not be sent.", "%(num)s messages to it could not be sent.", unsent
        )
        return PartnerState("late", request.gettext("not reached"), sentence)
    if partner.silent:
        return PartnerState("look", request.gettext("silent"), partner.silent)
    if partner.closed_now:
        return PartnerState(
            "waiting", request.gettext("closed"), request.gettext("It is not asked while it is closed.")
        )
    return PartnerState("good", request.gettext("as usual"), request.gettext("Nothing is wrong that we know of."))


PAGES = (
    StaffPage("GET", "/partners", show_partners, Right.PARTNERS_READ),
    StaffPage("GET", "/partners/{name}", show_partner, Right.PARTNERS_READ),
    StaffPage("GET", "/rotas/{name}", show_rota, Right.PARTNERS_READ),
)
