"""Requests made, listed, shown, acted on; files and rota."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, urlencode

from aiohttp import hdrs
from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from gateway.domain.requests.action_fields import ACTS, BY_RULE, check_details
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import BorrowingState, LendingState, Request, Role
from gateway.domain.requests.task_lists import BY_NAME
from gateway.domain.requests.views import ActionRequest, FileUpload, RequestFilter, StoredFile
from gateway.services.api_keys import KeyScope
from gateway.web.api.models.inputs import ActBody, NewBorrowing, NewLending, RotaOrder, SkipLine
from gateway.web.api.models.outputs import ActionOut, AttachmentOut, RequestLine, RequestList, RequestOut, ShownOut
from gateway.web.api.models.values import MEDIA_TYPES, Cursor, DayText, Identifier, Line, Name, Truth, Whole, fits
from gateway.web.api.operation import (
    Answer,
    AnyCall,
    Call,
    Nothing,
    Operation,
    Parameters,
    Precondition,
    Raw,
    RawBody,
    Repeats,
    Reply,
)
from gateway.web.api.problems import Mistake, ProblemType, fail, forbidden
from gateway.web.api.request_handler import etag

ROOT = "/api/v1"
TAG = "Requests"
ETAG = "version of the request, for If-Match"
LOCATION = "where the new one is"
LINK = "the next page, rel=next"

BY_HAND = tuple(kind for kind in ACTS if kind not in BY_RULE)
STATES = tuple(dict.fromkeys(state.value for state in (*BorrowingState, *LendingState)))

WRITE = (KeyScope.REQUESTS_WRITE, KeyScope.LENDING)


def _by_hand(kind: EventKind) -> EventKind:
    if kind not in BY_HAND:
        raise ValueError(f"is no act; acts: {', '.join(BY_HAND)}")
    return kind


def _state(word: str) -> str:
    if word not in STATES:
        raise ValueError(f"is no state; states: {', '.join(STATES)}")
    return word


def _task(word: str) -> str:
    if word not in BY_NAME:
        raise ValueError(f"is no list of requests; lists: {', '.join(BY_NAME)}")
    return word


def _enum(*words: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(words)})


ActKind = Annotated[EventKind, AfterValidator(_by_hand), _enum(*(kind.value for kind in BY_HAND))]
StateWord = Annotated[str, AfterValidator(_state), _enum(*STATES)]
TaskWord = Annotated[str, AfterValidator(_task), _enum(*BY_NAME)]


class RequestPath(Parameters):
    id: Identifier


class ActPath(RequestPath):
    kind: ActKind


class Paging(Parameters):
    limit: Whole = Field(50, ge=1, le=200, description="most items on a page")
    cursor: Cursor = Field("", description="of the Link header of the page before")


class Filters(Paging):
    """All that are said must fit."""

    role: Role | None = None
    state: tuple[StateWord, ...] = Field((), max_length=40, description="any of these")
    task: TaskWord | None = Field(None, description="a list of staff's work")
    partner: Name | None = Field(None, description="profile of the partner")
    patron: Line = Field("", description="id of the patron")
    text: Line = Field("", description="part of the number or of the title")
    branch: Name | None = None
    open: Truth | None = None
    need_by_before: DayText | None = None


# --- make ------------------------------------------------------------------------------------------------


async def create_borrowing(call: Call[Nothing, Nothing, NewBorrowing]) -> Reply:
    draft = call.body.to_draft(call.holder.actor)
    return _made(await call.parts.services.requests.create_borrowing(call.holder.library, draft))


async def create_lending(call: Call[Nothing, Nothing, NewLending]) -> Reply:
    draft = call.body.to_lending_draft(call.holder.actor)
    return _made(await call.parts.services.requests.create_lending(call.holder.library, draft))


def _made(request: Request) -> Reply:
    headers: dict[str, str] = {hdrs.LOCATION: href(request.id), hdrs.ETAG: etag(request.version)}
    return Reply(RequestOut.from_request(request), 201, headers)


def href(request_id: str) -> str:
    return f"{ROOT}/requests/{request_id}"


# --- see -------------------------------------------------------------------------------------------------


async def list_requests(call: Call[Nothing, Filters, None]) -> Reply:
    asked = call.query
    wanted = RequestFilter(
        role=asked.role,
        states=asked.state,
        task=asked.task or "",
        partner=asked.partner or "",
        patron_id=asked.patron,
        text=asked.text,
        branch=asked.branch or "",
        open=asked.open,
        need_by_before=asked.need_by_before,
    )
    return await listed(call, wanted)


async def listed(call: AnyCall, wanted: RequestFilter) -> Reply:
    asked = call.query
    page = await call.parts.services.requests.listing(call.holder.library, wanted, asked.limit, asked.cursor)
    following = next_href(call, page.cursor)
    items = tuple(RequestLine.from_request(request) for request in page)
    return Reply(RequestList(items=items, next=following), headers=link(following))


def next_href(call: AnyCall, cursor: str) -> str:
    """The same list from there on; empty where nothing follows."""
    if not cursor:
        return ""
    said = [(name, value) for name, value in call.http.query.items() if name != "cursor"]
    return f"{call.http.path}?{urlencode([*said, ('cursor', cursor)])}"


def link(following: str) -> dict[str, str]:
    return {hdrs.LINK: f'<{following}>; rel="next"'} if following else {}


async def show_request(call: Call[RequestPath, Nothing, None]) -> Reply:
    shown = await call.parts.services.requests.show(call.holder.library, call.path.id)
    kinds = (kind for kind in shown.allowed if kind in BY_HAND)
    actions = tuple(ActionOut.from_kind(kind, f"{href(shown.request.id)}/actions/{kind.value}") for kind in kinds)
    return Reply(ShownOut.from_request_view(shown, actions), headers={hdrs.ETAG: etag(shown.request.version)})


# --- act -------------------------------------------------------------------------------------------------

SIDES = {Role.BORROWING: KeyScope.REQUESTS_WRITE, Role.LENDING: KeyScope.LENDING}


async def act_on_request(call: Call[ActPath, Nothing, ActBody]) -> Reply:
    details = call.body.to_details()
    if wrong := check_details(call.path.kind, details):
        mistakes = [Mistake(place=f"body.{one.name}", message=one.message) for one in wrong]
        raise fail(ProblemType.INVALID, f"An act '{call.path.kind.value}' can't be done so.", mistakes)
    await may_change(call, call.path.id)
    act = ActionRequest(
        kind=call.path.kind,
        details=details,
        actor=call.holder.actor,
        version=call.version,
        attempt=call.body.attempt,
    )
    return changed(await call.parts.services.requests.act(call.holder.library, call.path.id, act))


async def may_change(call: AnyCall, id_: str) -> None:
    """A key that may change one side only must not change the other. Raises ApiProblem (FORBIDDEN), NotThere."""
    lacking = {role for role, scope in SIDES.items() if scope.value not in call.holder.scopes}
    if lacking:
        request = (await call.parts.services.requests.show(call.holder.library, id_)).request
        if request.role in lacking:
            raise forbidden(SIDES[request.role])


def changed(request: Request) -> Reply:
    return Reply(RequestOut.from_request(request), headers={hdrs.ETAG: etag(request.version)})


CHANGED = Answer(200, "The request after the change", RequestOut, {hdrs.ETAG: ETAG})
MADE = Answer(201, "The new request", RequestOut, {hdrs.LOCATION: LOCATION, hdrs.ETAG: ETAG})
LISTED = Answer(200, "A page of requests, newest change first", RequestList, {hdrs.LINK: LINK})

REQUEST_OPERATIONS = (
    Operation(
        id="createBorrowingRequest",
        method="POST",
        path="/requests",
        tag=TAG,
        summary="Make a borrowing request",
        description="For a patron or the library itself. It is checked, then staff look at it or a supplier is chosen.",
        scopes=(KeyScope.REQUESTS_WRITE,),
        handler=create_borrowing,
        answers=(MADE,),
        path_model=Nothing,
        query_model=Nothing,
        body=NewBorrowing,
        repeats=Repeats.BY_KEY,
        problems=(ProblemType.REFUSED, ProblemType.OUTCOME_UNKNOWN),
    ),
    Operation(
        id="createLendingRequest",
        method="POST",
        path="/lending-requests",
        tag=TAG,
        summary="Enter another library's request",
        description="For a library that asked by telephone, letter or mail.",
        scopes=(KeyScope.LENDING,),
        handler=create_lending,
        answers=(MADE,),
        path_model=Nothing,
        query_model=Nothing,
        body=NewLending,
        repeats=Repeats.BY_KEY,
        problems=(ProblemType.REFUSED, ProblemType.OUTCOME_UNKNOWN),
    ),
    Operation(
        id="listRequests",
        method="GET",
        path="/requests",
        tag=TAG,
        summary="List requests",
        scopes=(KeyScope.REQUESTS_READ,),
        handler=list_requests,
        answers=(LISTED,),
        path_model=Nothing,
        query_model=Filters,
    ),
    Operation(
        id="showRequest",
        method="GET",
        path="/requests/{id}",
        tag=TAG,
        summary="Show a request",
        description="With its history, attempts, timers, and every act that is possible now.",
        scopes=(KeyScope.REQUESTS_READ,),
        handler=show_request,
        answers=(Answer(200, "The request", ShownOut, {hdrs.ETAG: ETAG}),),
        path_model=RequestPath,
        query_model=Nothing,
    ),
    Operation(
        id="actOnRequest",
        method="POST",
        path="/requests/{id}/actions/{kind}",
        tag=TAG,
        summary="Act on a request",
        description=(
            "`actions` of the request says which acts are possible now and what each needs. "
            "Borrowing requests need the scope requests:write, lending requests the scope lending."
        ),
        scopes=(KeyScope.REQUESTS_WRITE, KeyScope.LENDING),
        handler=act_on_request,
        answers=(CHANGED,),
        path_model=ActPath,
        query_model=Nothing,
        body=ActBody,
        precondition=Precondition.VERSION,
        repeats=Repeats.BY_KEY,
        problems=(ProblemType.NOT_NOW, ProblemType.REFUSED, ProblemType.OUTCOME_UNKNOWN),
    ),
)


class FilePath(RequestPath):
    file: Identifier


class LinePath(RequestPath):
    partner: Name


class UploadQuery(Parameters):
    name: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f/\\]+$")] = Field(
        description="name of the file"
    )
    pages: Whole | None = Field(None, ge=1, le=100_000, description="number of pages, where it is known")


# --- files -----------------------------------------------------------------------------------------------


async def upload(call: Call[RequestPath, UploadQuery, RawBody]) -> Reply:
    sent = call.body
    if not fits(sent.media_type, sent.content):
        raise fail(ProblemType.UNSUPPORTED_MEDIA_TYPE, f"The file is not what Content-Type says ({sent.media_type}).")
    await may_change(call, call.path.id)
    given = FileUpload(name=call.query.name, media_type=sent.media_type, content=sent.content, pages=call.query.pages)
    request, attachment = await call.parts.services.requests.attach(
        call.holder.library, call.path.id, given, call.holder.actor, call.version
    )
    place = f"{href(request.id)}/attachments/{attachment.id}"
    headers: dict[str, str] = {hdrs.LOCATION: place, hdrs.ETAG: etag(request.version)}
    return Reply(AttachmentOut.model_validate(attachment), 201, headers)


async def download(call: Call[FilePath, Nothing, None]) -> Reply:
    found = await call.parts.services.requests.attachment(call.holder.library, call.path.id, call.path.file)
    return Reply(found.content, 200, file_headers(found), found.attachment.media_type)


def file_headers(found: StoredFile) -> dict[str, str]:
    """Never shown in place: a file from elsewhere must not run as a page of ours."""
    return {
        hdrs.CONTENT_DISPOSITION: f"attachment; filename*=UTF-8''{quote(found.attachment.name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }


# --- rota ------------------------------------------------------------------------------------------------


async def reorder(call: Call[RequestPath, Nothing, RotaOrder]) -> Reply:
    await may_change(call, call.path.id)
    requests, holder = call.parts.services.requests, call.holder
    return changed(await requests.reorder(holder.library, call.path.id, call.body.partners, holder.actor, call.version))


async def skip_line(call: Call[LinePath, Nothing, SkipLine]) -> Reply:
    await may_change(call, call.path.id)
    requests, holder, path = call.parts.services.requests, call.holder, call.path
    return changed(
        await requests.skip(holder.library, path.id, path.partner, call.body.why, holder.actor, call.version)
    )


FILE_AND_ROTA_OPERATIONS = (
    Operation(
        id="uploadAttachment",
        method="POST",
        path="/requests/{id}/attachments",
        tag="Files",
        summary="Upload a file to a request",
        description="The body is the file itself. What it is gets checked against its Content-Type.",
        scopes=WRITE,
        handler=upload,
        answers=(Answer(201, "The file", AttachmentOut, {hdrs.LOCATION: LOCATION, hdrs.ETAG: ETAG}),),
        path_model=RequestPath,
        query_model=UploadQuery,
        body=Raw(MEDIA_TYPES, lambda parts: parts.limits.attachment_bytes),
        precondition=Precondition.VERSION,
        repeats=Repeats.BY_KEY,
        problems=(ProblemType.REFUSED, ProblemType.NOT_NOW),
    ),
    Operation(
        id="downloadAttachment",
        method="GET",
        path="/requests/{id}/attachments/{file}",
        tag="Files",
        summary="Download a file of a request",
        scopes=(KeyScope.REQUESTS_READ,),
        handler=download,
        answers=(Answer(200, "The file", None, {hdrs.CONTENT_DISPOSITION: "its name"}, MEDIA_TYPES),),
        path_model=FilePath,
        query_model=Nothing,
    ),
    Operation(
        id="reorderRota",
        method="PUT",
        path="/requests/{id}/rota",
        tag="Rotas",
        summary="Order the suppliers that were not asked yet",
        description="Suppliers that are not named stay behind the named ones; new ones are added.",
        scopes=(KeyScope.REQUESTS_WRITE,),
        handler=reorder,
        answers=(CHANGED,),
        path_model=RequestPath,
        query_model=Nothing,
        body=RotaOrder,
        precondition=Precondition.VERSION,
        problems=(ProblemType.REFUSED, ProblemType.NOT_NOW),
    ),
    Operation(
        id="skipRotaLine",
        method="POST",
        path="/requests/{id}/rota/{partner}/skip",
        tag="Rotas",
        summary="Do not ask this supplier",
        scopes=(KeyScope.REQUESTS_WRITE,),
        handler=skip_line,
        answers=(CHANGED,),
        path_model=LinePath,
        query_model=Nothing,
        body=SkipLine,
        precondition=Precondition.VERSION,
        repeats=Repeats.BY_KEY,
        problems=(ProblemType.REFUSED, ProblemType.NOT_NOW),
    ),
)
