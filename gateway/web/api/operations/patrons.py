"""Operations of a portal or discovery system for a patron it has signed in. The key says which library, the portal says
which patron: such a key belongs on a server, never into a browser."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import hdrs
from pydantic import Field, StringConstraints

from gateway.domain.requests.events import EventDetails
from gateway.domain.requests.patron_views import PatronAction, PatronReference, PatronView
from gateway.services.people.api_keys import KeyScope
from gateway.web.api.models.bases import InputModel, NoParameters, ParameterModel
from gateway.web.api.models.outputs import ROOT
from gateway.web.api.models.staff import PatronRequestList, PatronRequestOut
from gateway.web.api.models.values import Truth
from gateway.web.api.operation import (
    AnswerDescription,
    AnyCall,
    Operation,
    OperationCall,
    OperationReply,
    Precondition,
    RepeatPolicy,
)
from gateway.web.api.operations.requests import (
    ETAG,
    LINK,
    PagingParameters,
    RequestPath,
    make_link_header,
    next_href,
)
from gateway.web.api.problems import ProblemType, validation_problem
from gateway.web.api.request_handler import format_etag

PLACE = f"{ROOT}/patron/requests"

PatronId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Language = Annotated[str, StringConstraints(pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3})?$")]

LANGUAGE = "of the texts: en, de …; none: the patron's own"


PATRON = "card number or the like, with which the requests are made, or id in the library's system"
BY = "which of the two it is; `any` asks the library's system, and refuses what is one patron's id and another's card"


class PatronParameters(ParameterModel):
    patron: PatronId = Field(description=PATRON)
    by: PatronReference = Field(PatronReference.ANY, description=BY)
    language: Language = Field("", description=LANGUAGE)


class PatronRequestQuery(PagingParameters):
    patron: PatronId = Field(description=PATRON)
    by: PatronReference = Field(PatronReference.ANY, description=BY)
    language: Language = Field("", description=LANGUAGE)
    open: Truth | None = None


class PatronActPath(RequestPath):
    act: PatronAction


class PatronActBody(InputModel):
    answer: Literal["", "yes", "no"] = Field("", description="to the open question; with `answer` alone")


async def _find_patron_id(call: AnyCall) -> str:
    asked = call.query
    patron_id: str = await call.library.patrons.find_patron_id(asked.patron, asked.by)
    return patron_id


async def list_patron_requests(call: OperationCall[NoParameters, PatronRequestQuery, None]) -> OperationReply:
    query = call.query
    page = await call.library.patrons.list_requests(
        await _find_patron_id(call), query.open, query.language, query.limit, query.cursor
    )
    following = next_href(call, page.cursor)
    items = tuple(PatronRequestOut.from_patron_view(view, PLACE) for view in page)
    return OperationReply(PatronRequestList(items=items, next=following), headers=make_link_header(following))


async def show_patron_request(call: OperationCall[RequestPath, PatronParameters, None]) -> OperationReply:
    patron_id = await _find_patron_id(call)
    return _patron_request_reply(await call.library.patrons.load_view(call.path.id, patron_id, call.query.language))


async def act_for_patron(call: OperationCall[PatronActPath, PatronParameters, PatronActBody]) -> OperationReply:
    act, body, asked = call.path.act, call.body, call.query
    if act is PatronAction.ANSWER and not body.answer:
        raise validation_problem("body.answer", "is needed")
    if act is not PatronAction.ANSWER and body.answer:
        raise validation_problem("body.answer", f"means nothing for '{act.value}'")
    view = await call.library.patrons.apply_action(
        call.path.id,
        await _find_patron_id(call),
        act,
        EventDetails(answer=body.answer),
        call.version,
        asked.language,
    )
    return _patron_request_reply(view)


async def recall_patron_act(
    call: OperationCall[PatronActPath, PatronParameters, PatronActBody], reference: str
) -> OperationReply:
    patron_id = await _find_patron_id(call)
    return _patron_request_reply(
        await call.library.patrons.recall_action(call.path.id, patron_id, reference, call.query.language)
    )


def _patron_request_reply(view: PatronView) -> OperationReply:
    return OperationReply(
        PatronRequestOut.from_patron_view(view, PLACE), headers={hdrs.ETAG: format_etag(view.request.version)}
    )


PATRON_OPERATIONS = (
    Operation(
        id="listPatronRequests",
        method="GET",
        path="/patron/requests",
        tag="Patrons",
        summary="A patron's requests",
        scopes=(KeyScope.PATRON,),
        handler=list_patron_requests,
        answers=(
            AnswerDescription(200, "A page of requests, newest change first", PatronRequestList, {hdrs.LINK: LINK}),
        ),
        path_model=NoParameters,
        query_model=PatronRequestQuery,
        problems=(ProblemType.NOT_FOUND, ProblemType.REFUSED),
    ),
    Operation(
        id="showPatronRequest",
        method="GET",
        path="/patron/requests/{id}",
        tag="Patrons",
        summary="One request of a patron",
        scopes=(KeyScope.PATRON,),
        handler=show_patron_request,
        answers=(AnswerDescription(200, "The request", PatronRequestOut, {hdrs.ETAG: ETAG}),),
        path_model=RequestPath,
        query_model=PatronParameters,
        problems=(ProblemType.REFUSED,),
    ),
    Operation(
        id="actForPatron",
        method="POST",
        path="/patron/requests/{id}/actions/{act}",
        tag="Patrons",
        summary="Cancel, renew or answer for a patron",
        description="`actions` of the request says what is possible now. The history says that the patron did it.",
        scopes=(KeyScope.PATRON,),
        handler=act_for_patron,
        answers=(AnswerDescription(200, "The request after it", PatronRequestOut, {hdrs.ETAG: ETAG}),),
        path_model=PatronActPath,
        query_model=PatronParameters,
        body=PatronActBody,
        precondition=Precondition.VERSION,
        repeats=RepeatPolicy.BY_KEY,
        recall=recall_patron_act,
        problems=(ProblemType.NOT_NOW, ProblemType.REFUSED, ProblemType.OUTCOME_UNKNOWN),
    ),
)
