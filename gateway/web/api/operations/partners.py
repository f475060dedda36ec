"""Partners, rotas, and what other gateways of the network want to know."""

from __future__ import annotations

from gateway.services.api_keys import Scope
from gateway.web.api.models.desk import LoadList, LoadOut, PartnerList, PartnerOut, RotaList, RotaOut
from gateway.web.api.models.values import Name
from gateway.web.api.operation import Answer, Call, Nothing, Operation, Parameters, Reply

READ = (Scope.PARTNERS_READ,)


class NamePath(Parameters):
    name: Name


async def list_partners(call: Call[Nothing, Nothing, None]) -> Reply:
    found = await call.parts.services.partners.partners(call.holder.library)
    return Reply(PartnerList(items=tuple(PartnerOut.model_validate(one) for one in found)))


async def show_partner(call: Call[NamePath, Nothing, None]) -> Reply:
    found = await call.parts.services.partners.partner(call.holder.library, call.path.name)
    return Reply(PartnerOut.model_validate(found))


async def list_rotas(call: Call[Nothing, Nothing, None]) -> Reply:
    found = await call.parts.services.partners.rotas(call.holder.library)
    return Reply(RotaList(items=tuple(RotaOut.model_validate(one) for one in found)))


async def show_rota(call: Call[NamePath, Nothing, None]) -> Reply:
    found = await call.parts.services.partners.rota(call.holder.library, call.path.name)
    return Reply(RotaOut.model_validate(found))


async def loads(call: Call[Nothing, Nothing, None]) -> Reply:
    found = await call.parts.services.partners.loads(call.holder.library)
    items = tuple(LoadOut.model_validate(one) for one in found)
    return Reply(LoadList(library=call.holder.library, at=call.parts.clock.now(), items=items))


PARTNER_OPERATIONS = (
    Operation(
        id="listPartners",
        method="GET",
        path="/partners",
        tag="Partners",
        summary="List partners",
        scopes=READ,
        handler=list_partners,
        answers=(Answer(200, "All partners, by name", PartnerList),),
        path_model=Nothing,
        query_model=Nothing,
    ),
    Operation(
        id="showPartner",
        method="GET",
        path="/partners/{name}",
        tag="Partners",
        summary="Show a partner",
        scopes=READ,
        handler=show_partner,
        answers=(Answer(200, "The partner", PartnerOut),),
        path_model=NamePath,
        query_model=Nothing,
    ),
    Operation(
        id="listRotas",
        method="GET",
        path="/rotas",
        tag="Rotas",
        summary="List rotas",
        scopes=READ,
        handler=list_rotas,
        answers=(Answer(200, "All rotas, by name", RotaList),),
        path_model=Nothing,
        query_model=Nothing,
    ),
    Operation(
        id="showRota",
        method="GET",
        path="/rotas/{name}",
        tag="Rotas",
        summary="Show a rota",
        scopes=READ,
        handler=show_rota,
        answers=(Answer(200, "The rota", RotaOut),),
        path_model=NamePath,
        query_model=Nothing,
    ),
    Operation(
        id="networkLoad",
        method="GET",
        path="/network/load",
        tag="Network",
        summary="Open requests with each partner",
        description="For other gateways of a network, which rank suppliers by it.",
        scopes=(Scope.NETWORK_READ,),
        handler=loads,
        answers=(Answer(200, "Partners with open requests", LoadList),),
        path_model=Nothing,
        query_model=Nothing,
    ),
)
