"""Choice of the supplier that is asked: each with what speaks for it, and a button that asks it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.domain.requests.request import Request
from gateway.domain.requests.request_figures import FigureFilter, month_of_moment
from gateway.domain.requests.rota import ExplainedLine, RotaExplanation, SupplierVerdict
from gateway.domain.requests.staff_views import PartnerView
from gateway.domain.value import value_object
from gateway.ports.catalogue import HoldingAnswer
from gateway.services.desks.request_statistics import PartnerStatistics, shift_month
from gateway.services.letters.localization import mark_text
from gateway.web.staff.act_audience import TOLD_BY, name_channel
from gateway.web.staff.act_forms import list_suppliers
from gateway.web.staff.partner_pages import VERDICTS
from gateway.web.staff.staff_request import StaffRequest

MONTHS = 12
"""So many count for the balance."""

MAX_CATALOGUE_SECONDS = 15.0
ASK_CATALOGUES = "ask"

_HOLDINGS = {
    HoldingAnswer.OWNS.value: ("good", mark_text("yes")),
    HoldingAnswer.NOT.value: ("late", mark_text("no")),
    HoldingAnswer.NOT_LENT.value: ("look", mark_text("yes, not for loan")),
}

_NEXT = (SupplierVerdict.NEXT, SupplierVerdict.AFTER)


@value_object(kw_only=True)
class ComparedSupplier:
    """`holdings`: kind and word of what its catalogue says; `cost_kind`: late where it is above the limit; `audience`:
    who is told if it is chosen; `is_closed`: it can't be chosen."""

    profile: str
    name: str
    days: str
    open: int
    balance: str
    holdings: tuple[str, str]
    report: str
    cost: str
    cost_kind: str
    reason: str
    audience: str
    is_closed: bool


class CatalogueAnswers(StrEnum):
    """The catalogues of those that have one were asked for this page."""

    NONE_TO_ASK = "none-to-ask"
    NOT_ASKED = "not-asked"
    GIVEN = "given"
    LATE = "late"


@value_object
class SupplierComparison:
    choices: tuple[ComparedSupplier, ...]
    answers: CatalogueAnswers


async def compare_suppliers(page: StaffRequest, request: Request) -> SupplierComparison:
    """Compare those that the rules would ask, in their order, then all others that supply this service."""
    explained, answers = await explain_rota(page, request)
    lines = {line.partner: line for line in explained.lines}
    views = {view.profile: view for view in await page.library.partners.partners()}
    this = month_of_moment(page.parts.clock.now())
    wanted = FigureFilter(library=page.library.symbol, first=shift_month(this, 1 - MONTHS), last=this)
    figures = {row.partner: row for row in (await page.library.statistics.read_statistics(wanted)).partners}
    ranked = [name for name, line in lines.items() if line.verdict in _NEXT]
    suppliers = list_suppliers(page.context, request.service.type)
    names = dict.fromkeys((*ranked, *lines, *(profile for profile, _ in suppliers)))
    able = {name: policy for name in names if name in views and (policy := page.context.partner(name)) is not None}
    choices = tuple(
        _describe_choice(page, request, policy, views[name], lines.get(name), figures.get(name))
        for name, policy in able.items()
        if policy.can_supply(request.service.type)
    )
    return SupplierComparison(choices, choose_answers(page, answers, [choice.profile for choice in choices]))


def choose_answers(page: StaffRequest, answers: CatalogueAnswers, partners: Iterable[str]) -> CatalogueAnswers:
    """Say of partners without catalogues that there is none to ask."""
    return answers if any(_has_catalogue(page, name) for name in partners) else CatalogueAnswers.NONE_TO_ASK


async def explain_rota(page: StaffRequest, request: Request) -> tuple[RotaExplanation, CatalogueAnswers]:
    """Explain whom the rules would ask. Catalogues are asked where the address says so, and waited for
    MAX_CATALOGUE_SECONDS at most."""
    partners, answers = page.library.partners, CatalogueAnswers.NOT_ASKED
    if page.http.query.get("catalogues") == ASK_CATALOGUES:
        try:
            async with asyncio.timeout(MAX_CATALOGUE_SECONDS):
                return await partners.explain(request.id), CatalogueAnswers.GIVEN
        except TimeoutError:
            answers = CatalogueAnswers.LATE
    return await partners.explain_at_once(request.id), answers


def _has_catalogue(page: StaffRequest, name: str) -> bool:
    profile = page.context.profile(name)
    return profile is not None and profile.locate is not None


def _describe_choice(
    page: StaffRequest,
    request: Request,
    policy: PartnerPolicy,
    view: PartnerView,
    line: ExplainedLine | None,
    figures: PartnerStatistics | None,
) -> ComparedSupplier:
    price, limit = policy.usual_price(request.service), request.costs.maximum
    is_dear = price is not None and limit is not None and price.currency == limit.currency
    answer = line.answer if line is not None else ""
    unknown = mark_text("not asked") if not answer and _has_catalogue(page, view.profile) else mark_text("unknown")
    kind, holding = _HOLDINGS.get(answer, ("", unknown))
    return ComparedSupplier(
        profile=view.profile,
        name=view.name or view.profile,
        days=_describe_days(page, view.mean_days),
        open=view.open_borrowing,
        balance=_describe_balance(page, figures),
        holdings=(kind, page.gettext(holding)),
        report=page.localization.translate_stored(line.report) if line is not None and line.report else "",
        cost=page.localization.format_money(price) if price is not None else page.gettext("free"),
        cost_kind="late" if is_dear and price is not None and limit is not None and price.amount > limit.amount else "",
        reason=_describe_reason(page, line),
        audience=_describe_audience(page, view),
        is_closed=view.closed_now,
    )


def _describe_days(page: StaffRequest, mean_days: float | None) -> str:
    if mean_days is None:
        return ""
    if mean_days < 1:
        return page.gettext("less than a day")
    days = page.localization.format_number(Decimal(f"{mean_days:.1f}"))
    return page.ngettext("%(days)s day", "%(days)s days", 1 if days == "1" else 2, days=days)


def _describe_balance(page: StaffRequest, figures: PartnerStatistics | None) -> str:
    """Describe who has supplied more to the other."""
    owed = figures.asked_us.filled - figures.we_asked.filled if figures is not None else 0
    if owed > 0:
        return page.ngettext("it owes us %(num)s", "it owes us %(num)s", owed)
    return page.ngettext("we owe it %(num)s", "we owe it %(num)s", -owed) if owed else page.gettext("even")


def _describe_reason(page: StaffRequest, line: ExplainedLine | None) -> str:
    if line is None:
        return page.gettext("not in the rota")
    why = page.localization.translate_stored(line.why) if line.why else ""
    return ": ".join(filter(None, (page.gettext(VERDICTS[line.verdict.value]), why)))


def _describe_audience(page: StaffRequest, view: PartnerView) -> str:
    if not view.channel:
        return page.gettext("Nobody: please write to %(partner)s or phone.", partner=view.name or view.profile)
    channel = name_channel(page, view.channel)
    return page.gettext(TOLD_BY, partner=view.name or view.profile, channel=channel)
