"""Partners and rotas as staff see them, and this library's loads for the ranking of others in its network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from sqlalchemy import Connection

from gateway.domain.frozen import frozen
from gateway.domain.profile import Profile
from gateway.domain.requests.explanation import Explanation
from gateway.domain.requests.network import Heard
from gateway.domain.requests.partner import PartnerPolicy
from gateway.domain.requests.policy import RotaOrder, RotaTemplate
from gateway.domain.requests.request import Role, ServiceType
from gateway.domain.requests.views import NotThere, PartnerLoad, PartnerView, RotaView, RotaViewLine
from gateway.services.requests.acts import require_request
from gateway.services.requests.explaining import explain
from gateway.services.requests.front import house_of
from gateway.services.requests.house import House
from gateway.services.requests.sourcing import SUPPLY_TIME_DAYS
from gateway.store.requests import counting


@frozen
class _Counted:
    borrowing: Mapping[str, int]
    lending: Mapping[str, int]
    times: Mapping[str, counting.SupplyTime]


HeardFrom = Callable[[str, str], Heard]
"""By symbol of the library and profile of the member."""


def nobody_heard(_library: str, _member: str) -> Heard:
    """There is no network."""
    return Heard()


@frozen
class PartnersFront:
    houses: Mapping[str, House]
    heard_from: HeardFrom = nobody_heard

    async def partners(self, library: str) -> Sequence[PartnerView]:
        house = house_of(self.houses, library)
        counted = await _count(house)
        return tuple(_view(house, profile, partner, counted, self.heard_from) for profile, partner in house.partners())

    async def partner(self, library: str, profile: str) -> PartnerView:
        house = house_of(self.houses, library)
        found = house.profile(profile)
        if found is None or found.partner is None or found.abstract:
            raise NotThere("partner")
        return _view(house, found, found.partner, await _count(house), self.heard_from)

    async def rotas(self, library: str) -> Sequence[RotaView]:
        policy = house_of(self.houses, library).policy()
        return tuple(_rota(name, template) for name, template in policy.rotas.items())

    async def rota(self, library: str, name: str) -> RotaView:
        template = house_of(self.houses, library).policy().rotas.get(name)
        if template is None:
            raise NotThere("rota")
        return _rota(name, template)

    async def explain(self, library: str, request_id: str) -> Explanation:
        """Whom a borrowing request would ask next, and why; nothing is changed. Raises NotThere, Refused."""
        house = house_of(self.houses, library)
        return await explain(house, await require_request(house, request_id))

    async def loads(self, library: str) -> Sequence[PartnerLoad]:
        house = house_of(self.houses, library)
        loads = await house.store.read(lambda c: counting.partner_loads(c, house.symbol, Role.BORROWING))
        symbols = {profile.name: partner.symbol for profile, partner in house.partners()}
        return tuple(PartnerLoad(symbols[name], count) for name, count in loads.items() if symbols.get(name))


async def _count(house: House) -> _Counted:
    since = house.now() - timedelta(days=SUPPLY_TIME_DAYS)

    def work(connection: Connection) -> _Counted:
        return _Counted(
            counting.partner_loads(connection, house.symbol, Role.BORROWING),
            counting.partner_loads(connection, house.symbol, Role.LENDING),
            counting.supply_times(connection, house.symbol, since),
        )

    return await house.store.read(work)


def _view(
    house: House, profile: Profile, partner: PartnerPolicy, counted: _Counted, heard_from: HeardFrom
) -> PartnerView:
    time, elsewhere = counted.times.get(profile.name), house.reported(partner)
    heard = heard_from(house.symbol, profile.name)
    return PartnerView(
        profile=profile.name,
        name=partner.name,
        symbols=partner.symbols,
        roles=tuple(role.value for role in partner.roles),
        channel=partner.channel,
        email=partner.email,
        phone=partner.phone,
        closed_now=partner.is_closed(house.today()),
        open_borrowing=counted.borrowing.get(profile.name, 0),
        open_lending=counted.lending.get(profile.name, 0),
        reported=elsewhere.open,
        reported_by=elsewhere.members,
        member=partner.network is not None,
        heard=heard.at,
        silent=heard.silent,
        mean_days=time.mean_days if time is not None else None,
        cost=partner.price(ServiceType.LOAN),
    )


def _rota(name: str, template: RotaTemplate) -> RotaView:
    lines = tuple(RotaViewLine(line.partner, line.last_resort) for line in template.lines)
    return RotaView(
        name=name, description=template.description, ordered=template.order is RotaOrder.ORDERED, lines=lines
    )
