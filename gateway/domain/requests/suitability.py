"""Why a supplier isn't asked for a request: by its profile, by the rota, by the costs. Empty texts: it can be."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.domain.library import Money
from gateway.domain.requests.partner import PartnerPolicy, PartnerRole
from gateway.domain.requests.policy import TemplateLine
from gateway.domain.requests.request import Request, ServiceType


def by_profile(partner: PartnerPolicy, request: Request) -> str:
    """What its profile says against asking it at all."""
    service, format_ = request.service.type, request.service.format
    if PartnerRole.SUPPLIER not in partner.roles:
        return "is no supplier"
    if not partner.channel:
        return "has no channel by which it could be asked"
    if not partner.supplies(service):
        digital = partner.workflow.borrowing.digital_only
        return "supplies copies only" if digital else f"does not supply the service {service.value}"
    if format_ and partner.formats and not _among(format_, partner.formats):
        return f"does not supply the format {format_}"
    limit = partner.cost_limit
    return too_dear(partner.price(service), limit.money, "for this partner") if limit is not None else ""


def by_rota(line: TemplateLine, partner: PartnerPolicy, request: Request) -> str:
    """What the rota says against asking it for this request."""
    service, format_ = request.service.type, request.service.format
    if line.services and not (service in line.services or ServiceType.COPY_OR_LOAN in (service, *line.services)):
        return f"on this rota not for the service {service.value}"
    if format_ and line.formats and not _among(format_, line.formats):
        return f"on this rota not for the format {format_}"
    return too_dear(partner.price(service), line.max_cost.money, "on this rota") if line.max_cost is not None else ""


def too_dear(price: Money | None, limit: Money | None, whose: str) -> str:
    """A price in another currency can't be compared, so it is too dear: nobody pays more by mistake."""
    if price is None or not price.amount or limit is None:
        return ""
    same = price.currency == limit.currency
    if same and price.amount <= limit.amount:
        return ""
    how = "more than" if same else "which can't be compared with"
    return f"costs {price.amount} {price.currency}, {how} the maximum {whose}, {limit.amount} {limit.currency}"


def _among(value: str, allowed: Iterable[str]) -> bool:
    return value.casefold() in {one.casefold() for one in allowed}
