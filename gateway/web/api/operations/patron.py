"""What a portal or discovery system shows to a patron it has signed in. The key says which library, the portal says
which patron: such a key belongs on a server, never into a browser."""

from __future__ import annotations

from typing import Annotated

from aiohttp import hdrs
from pydantic import Field, StringConstraints

from gateway.domain.requests.request import Role
from gateway.domain.requests.views import NotThere, Wanted
from gateway.services.api_keys import Scope
from gateway.web.api.models.desk import PatronRequestList, PatronRequestOut
from gateway.web.api.models.values import Truth
from gateway.web.api.operation import Answer, Call, Nothing, Operation, Parameters, Reply
from gateway.web.api.operations.requests import LINK, Paging, RequestPath, link, next_href

PatronId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class WhichPatron(Parameters):
    patron: PatronId = Field(description="id of the patron in the library's system")


class PatronQuery(Paging):
    patron: PatronId = Field(description="id of the patron in the library's system")
    open: Truth | None = None


async def list_requests(call: Call[Nothing, PatronQuery, None]) -> Reply:
    asked = call.query
    wanted = Wanted(role=Role.BORROWING, patron_id=asked.patron, open=asked.open)
    page = await call.parts.services.requests.listing(call.holder.library, wanted, asked.limit, asked.cursor)
    following = next_href(call, page.cursor)
    items = tuple(PatronRequestOut.of(request) for request in page)
    return Reply(PatronRequestList(items=items, next=following), headers=link(following))


async def show_request(call: Call[RequestPath, WhichPatron, None]) -> Reply:
    request = (await call.parts.services.requests.show(call.holder.library, call.path.id)).request
    if request.role is not Role.BORROWING or request.patron.id != call.query.patron:
        raise NotThere("request")  # somebody else's is not there
    return Reply(PatronRequestOut.of(request))


OPERATIONS = (
    Operation(
        id="listPatronRequests",
        method="GET",
        path="/patron/requests",
        tag="Patrons",
        summary="A patron's requests",
        scopes=(Scope.PATRON,),
        handler=list_requests,
        answers=(Answer(200, "A page of requests, newest change first", PatronRequestList, {hdrs.LINK: LINK}),),
        path_model=Nothing,
        query_model=PatronQuery,
    ),
    Operation(
        id="showPatronRequest",
        method="GET",
        path="/patron/requests/{id}",
        tag="Patrons",
        summary="One request of a patron",
        scopes=(Scope.PATRON,),
        handler=show_request,
        answers=(Answer(200, "The request", PatronRequestOut),),
        path_model=RequestPath,
        query_model=WhichPatron,
    ),
)
