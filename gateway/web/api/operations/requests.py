"""Requests made, listed, shown, acted on; files and rota."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from aiohttp import hdrs
from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from gateway.domain.requests.act_details import check_details
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.event_catalogue import BY_HAND
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Attachment, BorrowingState, LendingState, Request, Role, ServiceType
from gateway.domain.requests.task_lists import BY_NAME
from gateway.domain.requests.views import ActionRequest, FileUpload, NotFound, RequestFilter, RequestOrder
from gateway.services.people.api_keys import KeyScope
from gateway.web.api.models.bases import NoParameters, ParameterModel
from gateway.web.api.models.inputs import ActBody, NewBorrowing, NewLending, RotaOrder, SkipLine
from gateway.web.api.models.outputs import (
    ActionOut,
    AttachmentOut,
    CopyLinkList,
    CopyLinkOut,
    RequestLine,
    RequestList,
    RequestOut,
    ShownOut,
    request_href,
)
from gateway.web.api.models.values import (
    MEDIA_TYPES,
    Cursor,
    DayText,
    Identifier,
    Line,
    Name,
    PageCount,
    Truth,
    Whole,
    has_media_type,
)
from gateway.web.api.operation import (
    AnswerDescription,
    AnyCall,
    Operation,
    OperationCall,
    OperationReply,
    Precondition,
    RawBody,
    RawBodyType,
    RepeatPolicy,
)
from gateway.web.api.problems import Mistake, ProblemType, api_problem, forbidden_problem
from gateway.web.api.request_handler import format_etag
from gateway.web.html.assets import file_headers

TAG = "Requests"
ETAG = "version of the request, for If-Match"
LOCATION = "where the new one is"
LINK = "the next page, rel=next"

STATES = tuple(dict.fromkeys(state.value for state in (*BorrowingState, *LendingState)))

WRITE = (KeyScope.REQUESTS_WRITE, KeyScope.LENDING)


def _check_act_kind(kind: EventKind) -> EventKind:
    if kind not in BY_HAND:
        raise ValueError(f"is no act; acts: {', '.join(BY_HAND)}")
    return kind


def _check_state_word(word: str) -> str:
    if word not in STATES:
        raise ValueError(f"is no state; states: {', '.join(STATES)}")
    return word


def _check_task_word(word: str) -> str:
    if word not in BY_NAME:
        raise ValueError(f"is no list of requests; lists: {', '.join(BY_NAME)}")
    return word


def _enum_schema(*words: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(words)})


ActKind = Annotated[EventKind, AfterValidator(_check_act_kind), _enum_schema(*(kind.value for kind in BY_HAND))]
StateWord = Annotated[str, AfterValidator(_check_state_word), _enum_schema(*STATES)]
TaskWord = Annotated[str, AfterValidator(_check_task_word), _enum_schema(*BY_NAME)]


class RequestPath(ParameterModel):
    id: Identifier


class ActPath(RequestPath):
    kind: ActKind


class PagingParameters(ParameterModel):
    limit: Whole = Field(50, ge=1, le=200, description="most items on a page")
    cursor: Cursor = Field("", description="of the Link header of the page before")


class RequestFilterQuery(PagingParameters):
    """All that are said must fit."""

    role: Role | None = None
    state: tuple[StateWord, ...] = Field((), max_length=40, description="any of these")
    task: TaskWord | None = Field(None, description="a list of staff's work")
    partner: tuple[Name, ...] = Field((), max_length=40, description="profile of the partner, any of these")
    patron: Line = Field("", description="id of the patron")
    text: Line = Field("", description="part of the number or of the title")
    q: Line = Field(
        "",
        description="what a search box is asked: any number as a whole (ours, the partner's, one of another system, a "
        "barcode, the patron's card, ISBN, DOI …), or beginnings of words of number, title and author",
    )
    branch: tuple[Name, ...] = Field(
        (), max_length=40, description="any of these: where it is collected, else the branch of the patron"
    )
    service: tuple[ServiceType, ...] = Field((), max_length=3, description="any of these")
    assignee: Line = Field("", description="name of the user who sees to it")
    unassigned: Truth = Field(False, description="what nobody sees to")
    label: Line = Field("", description="of staff's own")
    open: Truth | None = None
    need_by_before: DayText | None = None
    order: RequestOrder = Field(
        RequestOrder.NEWEST,
        description="newest change first, or waiting longest first (on a task list: since it came there), or open ones "
        "that are needed by a day, soonest first, or by number or title, upwards or downwards",
    )


# --- make ------------------------------------------------------------------------------------------------


async def create_borrowing(call: OperationCall[NoParameters, NoParameters, NewBorrowing]) -> OperationReply:
    draft = call.body.to_draft(call.holder.actor)
    return _created_reply(await call.library.requests.create_borrowing(draft))


async def create_lending(call: OperationCall[NoParameters, NoParameters, NewLending]) -> OperationReply:
    draft = call.body.to_lending_draft(call.holder.actor)
    return _created_reply(await call.library.requests.create_lending(draft))


async def recall_new_request(call: AnyCall, reference: str) -> OperationReply:
    return _created_reply(await call.library.requests.find_request(reference))


def _created_reply(request: Request) -> OperationReply:
    headers: dict[str, str] = {hdrs.LOCATION: request_href(request.id), hdrs.ETAG: format_etag(request.version)}
    return OperationReply(RequestOut.from_request(request), 201, headers)


# --- see -------------------------------------------------------------------------------------------------


async def list_requests(call: OperationCall[NoParameters, RequestFilterQuery, None]) -> OperationReply:
    return await reply_with_list(call, make_request_filter(call.query))


def make_request_filter(query: RequestFilterQuery) -> RequestFilter:
    return RequestFilter(
        role=query.role,
        states=query.state,
        task=query.task or "",
        partners=query.partner,
        patron_id=query.patron,
        text=query.text,
        search=query.q,
        branches=query.branch,
        services=query.service,
        assignee=query.assignee,
        unassigned=query.unassigned,
        label=query.label,
        open=query.open,
        need_by_before=query.need_by_before,
        order=query.order,
    )


async def reply_with_list(call: AnyCall, request_filter: RequestFilter) -> OperationReply:
    asked = call.query
    page = await call.library.requests.list_requests(request_filter, asked.limit, asked.cursor)
    following = next_href(call, page.cursor)
    copies = await call.library.requests.find_copies_to_pull(request_filter, page)
    items = tuple(RequestLine.from_request(request, copies.get(request.id)) for request in page)
    return OperationReply(RequestList(items=items, next=following), headers=make_link_header(following))


def next_href(call: AnyCall, cursor: str) -> str:
    """The same list from there on; empty where nothing follows."""
    if not cursor:
        return ""
    kept = [(name, value) for name, value in call.http.query.items() if name != "cursor"]
    return f"{call.http.path}?{urlencode([*kept, ('cursor', cursor)])}"


def make_link_header(following: str) -> dict[str, str]:
    return {hdrs.LINK: f'<{following}>; rel="next"'} if following else {}


async def show_request(call: OperationCall[RequestPath, NoParameters, None]) -> OperationReply:
    view = await call.library.requests.load_view(call.path.id)
    kinds = (kind for kind in view.allowed if kind in BY_HAND)
    actions = tuple(
        ActionOut.from_kind(kind, f"{request_href(view.request.id)}/actions/{kind.value}", view.hints.get(kind, ""))
        for kind in kinds
    )
    return OperationReply(
        ShownOut.from_request_view(view, actions), headers={hdrs.ETAG: format_etag(view.request.version)}
    )


# --- actions ---------------------------------------------------------------------------------------------

SIDES = {Role.BORROWING: KeyScope.REQUESTS_WRITE, Role.LENDING: KeyScope.LENDING}


async def act_on_request(call: OperationCall[ActPath, NoParameters, ActBody]) -> OperationReply:
    version, citation = call.version, Citation()
    if call.body.citation is not None:  # fields that it lacks stay, as they are at this version
        await require_change_scope(call, call.path.id)
        request = (await call.library.requests.load_view(call.path.id)).request
        version, citation = version or request.version, request.citation
    details = call.body.to_details(citation)
    if wrong := check_details(call.path.kind, details):
        mistakes = [Mistake(place=f"body.{problem.name}", message=problem.message) for problem in wrong]
        what = "; ".join(f"{problem.name}: {problem.message}" for problem in wrong)
        raise api_problem(ProblemType.INVALID, f"The details of '{call.path.kind.value}' don't fit. {what}.", mistakes)
    await require_change_scope(call, call.path.id)
    action = ActionRequest(
        kind=call.path.kind,
        details=details,
        actor=call.holder.actor,
        version=version,
        attempt=call.body.attempt,
        confirmed=call.body.confirmed,
        lists_untold=True,
    )
    return changed_reply(await call.library.requests.apply_action(call.path.id, action))


async def recall_act(call: OperationCall[ActPath, NoParameters, ActBody], reference: str) -> OperationReply:
    return changed_reply(await call.library.requests.recall_action(call.path.id, reference))


async def require_change_scope(call: AnyCall, id_: str) -> None:
    """A key that may change one side only must not change the other. Raises ApiProblem (FORBIDDEN), NotFound."""
    lacking = {role for role, scope in SIDES.items() if scope.value not in call.holder.scopes}
    if lacking:
        request = (await call.library.requests.load_view(id_)).request
        if request.role in lacking:
            raise forbidden_problem(SIDES[request.role])


def changed_reply(request: Request) -> OperationReply:
    return OperationReply(RequestOut.from_request(request), headers={hdrs.ETAG: format_etag(request.version)})


CHANGED = AnswerDescription(200, "The request after the change", RequestOut, {hdrs.ETAG: ETAG})
MADE = AnswerDescription(201, "The new request", RequestOut, {hdrs.LOCATION: LOCATION, hdrs.ETAG: ETAG})
LISTED = AnswerDescription(200, "A page of requests in the order that was asked for", RequestList, {hdrs.LINK: LINK})

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
        path_model=NoParameters,
        query_model=NoParameters,
        body=NewBorrowing,
        repeats=RepeatPolicy.BY_KEY,
        recall=recall_new_request,
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
        path_model=NoParameters,
        query_model=NoParameters,
        body=NewLending,
        repeats=RepeatPolicy.BY_KEY,
        recall=recall_new_request,
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
        path_model=NoParameters,
        query_model=RequestFilterQuery,
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
        answers=(AnswerDescription(200, "The request", ShownOut, {hdrs.ETAG: ETAG}),),
        path_model=RequestPath,
        query_model=NoParameters,
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
        query_model=NoParameters,
        body=ActBody,
        precondition=Precondition.VERSION,
        repeats=RepeatPolicy.BY_KEY,
        recall=recall_act,
        problems=(ProblemType.NOT_NOW, ProblemType.REFUSED, ProblemType.OUTCOME_UNKNOWN),
    ),
)


ANY_FILE = "application/octet-stream"
"""A file of whichever type its content has: what clients send that are generated from the document."""


class FilePath(RequestPath):
    file: Identifier


class LinePath(RequestPath):
    partner: Name


class UploadQuery(ParameterModel):
    name: Annotated[str, StringConstraints(min_length=1, max_length=1_000)] = Field(
        description="name of the file; folders, control characters and marks of direction are taken off, and it gets "
        "the extension of what the file is"
    )
    pages: PageCount | None = Field(None, description="number of pages, where it is known")


# --- files -----------------------------------------------------------------------------------------------


async def upload_attachment(call: OperationCall[RequestPath, UploadQuery, RawBody]) -> OperationReply:
    body = call.body
    if body.media_type != ANY_FILE and not has_media_type(body.media_type, body.content):
        raise api_problem(
            ProblemType.UNSUPPORTED_MEDIA_TYPE, f"The file is not what Content-Type says ({body.media_type})."
        )
    await require_change_scope(call, call.path.id)
    upload = FileUpload(name=call.query.name, media_type=body.media_type, content=body.content, pages=call.query.pages)
    request, attachment = await call.library.requests.attach(call.path.id, upload, call.holder.actor, call.version)
    return _attached_reply(request, attachment)


async def recall_attachment(call: OperationCall[RequestPath, UploadQuery, RawBody], reference: str) -> OperationReply:
    request = await call.library.requests.find_request(call.path.id)
    attachment = next((attachment for attachment in request.attachments if attachment.id == reference), None)
    if attachment is None:
        raise NotFound("file")
    return _attached_reply(request, attachment)


def _attached_reply(request: Request, attachment: Attachment) -> OperationReply:
    place = f"{request_href(request.id)}/attachments/{attachment.id}"
    headers: dict[str, str] = {hdrs.LOCATION: place, hdrs.ETAG: format_etag(request.version)}
    return OperationReply(AttachmentOut.model_validate(attachment), 201, headers)


async def download_attachment(call: OperationCall[FilePath, NoParameters, None]) -> OperationReply:
    file = await call.library.requests.load_attachment(call.path.id, call.path.file)
    return OperationReply(file.content, 200, file_headers(file.attachment.name), file.attachment.media_type)


async def list_copy_links(call: OperationCall[RequestPath, NoParameters, None]) -> OperationReply:
    links = await call.library.copies.list_links(call.path.id)
    return OperationReply(CopyLinkList(items=tuple(map(CopyLinkOut.model_validate, links))))


# --- rota ------------------------------------------------------------------------------------------------


async def reorder_rota(call: OperationCall[RequestPath, NoParameters, RotaOrder]) -> OperationReply:
    await require_change_scope(call, call.path.id)
    requests, holder = call.library.requests, call.holder
    return changed_reply(await requests.reorder(call.path.id, call.body.partners, holder.actor, call.version))


async def skip_rota_line(call: OperationCall[LinePath, NoParameters, SkipLine]) -> OperationReply:
    await require_change_scope(call, call.path.id)
    requests, holder, path = call.library.requests, call.holder, call.path
    return changed_reply(await requests.skip(path.id, path.partner, call.body.why, holder.actor, call.version))


async def recall_rota_change(call: OperationCall[LinePath, NoParameters, SkipLine], _reference: str) -> OperationReply:
    return changed_reply(await call.library.requests.find_request(call.path.id))


FILE_AND_ROTA_OPERATIONS = (
    Operation(
        id="uploadAttachment",
        method="POST",
        path="/requests/{id}/attachments",
        tag="Files",
        summary="Upload a file to a request",
        description="The body is the file itself. What it is gets checked against its Content-Type, "
        f"unless that is {ANY_FILE}.",
        scopes=WRITE,
        handler=upload_attachment,
        answers=(AnswerDescription(201, "The file", AttachmentOut, {hdrs.LOCATION: LOCATION, hdrs.ETAG: ETAG}),),
        path_model=RequestPath,
        query_model=UploadQuery,
        body=RawBodyType((ANY_FILE, *MEDIA_TYPES), lambda parts: parts.limits.attachment_bytes),
        precondition=Precondition.VERSION,
        repeats=RepeatPolicy.BY_KEY,
        recall=recall_attachment,
        problems=(ProblemType.REFUSED, ProblemType.NOT_NOW),
    ),
    Operation(
        id="downloadAttachment",
        method="GET",
        path="/requests/{id}/attachments/{file}",
        tag="Files",
        summary="Download a file of a request",
        scopes=(KeyScope.REQUESTS_READ,),
        handler=download_attachment,
        answers=(AnswerDescription(200, "The file", None, {hdrs.CONTENT_DISPOSITION: "its name"}, MEDIA_TYPES),),
        path_model=FilePath,
        query_model=NoParameters,
    ),
    Operation(
        id="listCopyLinks",
        method="GET",
        path="/requests/{id}/copy-links",
        tag="Files",
        summary="How the links to a delivered copy stand",
        description="When each went out, until when and how often it can be fetched, how often it was. Never the "
        "address itself: whoever has it has the copy.",
        scopes=(KeyScope.REQUESTS_READ,),
        handler=list_copy_links,
        answers=(AnswerDescription(200, "The links, oldest first", CopyLinkList),),
        path_model=RequestPath,
        query_model=NoParameters,
    ),
    Operation(
        id="reorderRota",
        method="PUT",
        path="/requests/{id}/rota",
        tag="Rotas",
        summary="Order the suppliers that were not asked yet",
        description="Suppliers that are not named stay behind the named ones; new ones are added.",
        scopes=(KeyScope.REQUESTS_WRITE,),
        handler=reorder_rota,
        answers=(CHANGED,),
        path_model=RequestPath,
        query_model=NoParameters,
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
        handler=skip_rota_line,
        answers=(CHANGED,),
        path_model=LinePath,
        query_model=NoParameters,
        body=SkipLine,
        precondition=Precondition.VERSION,
        repeats=RepeatPolicy.BY_KEY,
        recall=recall_rota_change,
        problems=(ProblemType.REFUSED, ProblemType.NOT_NOW),
    ),
)
