"""Needs of lists of requests besides the requests: counts, and staff's own marks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

from aiohttp import hdrs
from pydantic import Field

from gateway.domain.requests.event_catalogue import ACTS, BULK_KINDS
from gateway.domain.requests.events import EventDetails
from gateway.domain.requests.staff_views import BulkResult
from gateway.domain.requests.views import NotFound
from gateway.services.people.api_keys import KeyScope
from gateway.web.api.models.bases import NoParameters, ParameterModel
from gateway.web.api.models.inputs import AssigneeBody, BulkActBody, BulkMarkBody, FilterIn, LabelChange
from gateway.web.api.models.outputs import BulkResultOut, CountsOut, FilterList, FilterOut, RequestOut
from gateway.web.api.operation import (
    AnswerDescription,
    AnyCall,
    Operation,
    OperationCall,
    OperationReply,
    RepeatPolicy,
)
from gateway.web.api.operations.requests import (
    LINK,
    WRITE,
    ActKind,
    RequestFilterQuery,
    RequestPath,
    changed_reply,
    make_link_header,
    make_request_filter,
    next_href,
    require_change_scope,
)
from gateway.web.api.problems import ProblemType, api_problem
from gateway.web.request_csv import format_csv_header, format_csv_row

TAG = "Lists"

DONE = AnswerDescription(204, "Done")

CSV = "text/csv"


class BulkActPath(ParameterModel):
    kind: ActKind


class FilterQuery(ParameterModel):
    place: Literal["borrowing", "lending", "copies"] = Field(description="the list")


async def count_requests(call: OperationCall[NoParameters, RequestFilterQuery, None]) -> OperationReply:
    counts = await call.library.requests.count_list(make_request_filter(call.query))
    return OperationReply(CountsOut.model_validate(counts))


async def assign_request(call: OperationCall[RequestPath, NoParameters, AssigneeBody]) -> OperationReply:
    await require_change_scope(call, call.path.id)
    marks = call.library.marks
    return changed_reply(await marks.assign(call.path.id, call.body.assignee))


async def label_request(call: OperationCall[RequestPath, NoParameters, LabelChange]) -> OperationReply:
    await require_change_scope(call, call.path.id)
    marks, body = call.library.marks, call.body
    return changed_reply(await marks.change_labels(call.path.id, body.add, body.remove))


async def act_on_requests(call: OperationCall[BulkActPath, NoParameters, BulkActBody]) -> OperationReply:
    body, bulk, kind = call.body, call.library.bulk, call.path.kind
    if kind not in BULK_KINDS:
        raise api_problem(ProblemType.INVALID, f"'{kind.value}' needs details of each single request.")
    await _require_change_scopes(call, body.requests)
    details = EventDetails(note=body.note) if "note" in ACTS[kind].field_names else EventDetails()
    result = await bulk.apply_action(body.requests, kind, details, call.holder.actor, lists_untold=True)
    return OperationReply(BulkResultOut.from_result(result))


async def mark_requests(call: OperationCall[NoParameters, NoParameters, BulkMarkBody]) -> OperationReply:
    body, bulk = call.body, call.library.bulk
    await _require_change_scopes(call, body.requests)
    result = await bulk.label(body.requests, body.add, body.remove)
    if body.assignee is not None:
        failed = {failure.request_id for failure in result.failed}
        rest = [request for request in body.requests if request not in failed]
        assigned = await bulk.assign(rest, body.assignee)
        result = BulkResult(assigned.done, (*result.failed, *assigned.failed))
    return OperationReply(BulkResultOut.from_result(result))


async def _require_change_scopes(call: AnyCall, ids: Sequence[str]) -> None:
    """Require the scopes; raises ApiProblem (FORBIDDEN). One that isn't there fails alone."""
    for id_ in ids:
        with suppress(NotFound):
            await require_change_scope(call, id_)


async def list_requests_as_csv(call: OperationCall[NoParameters, RequestFilterQuery, None]) -> OperationReply:
    asked, requests = call.query, call.library.requests
    request_filter = make_request_filter(asked)
    page = await requests.list_requests(request_filter, asked.limit, asked.cursor)
    since = await requests.find_waiting_since(request_filter.task, page)
    zone = requests.context.zone
    rows = "".join(format_csv_row(request, since[request.id], zone, with_patron=True) for request in page)
    headers = make_link_header(next_href(call, page.cursor))
    return OperationReply(f"{format_csv_header()}{rows}".encode(), 200, headers, f"{CSV}; charset=utf-8")


async def list_saved_filters(call: OperationCall[NoParameters, FilterQuery, None]) -> OperationReply:
    holder = call.holder
    filters = await call.library.saved_filters.list_filters(call.query.place, holder.name)
    return OperationReply(FilterList(items=tuple(map(FilterOut.model_validate, filters))))


async def save_filter(call: OperationCall[NoParameters, NoParameters, FilterIn]) -> OperationReply:
    body, holder = call.body, call.holder
    saved = await call.library.saved_filters.save_filter(body.place, holder.name, body.name, body.query, body.shared)
    return OperationReply(FilterOut.model_validate(saved), 201)


async def recall_filter(call: OperationCall[NoParameters, NoParameters, FilterIn], reference: str) -> OperationReply:
    holder = call.holder
    filters = await call.library.saved_filters.list_filters(call.body.place, holder.name)
    saved = next((saved_filter for saved_filter in filters if saved_filter.id == reference), None)
    if saved is None:
        raise NotFound("filter")
    return OperationReply(FilterOut.model_validate(saved), 201)


async def delete_saved_filter(call: OperationCall[RequestPath, NoParameters, None]) -> OperationReply:
    await call.library.saved_filters.delete_filter(call.path.id, call.holder.name)
    return OperationReply(status=204)


MARKED = AnswerDescription(200, "The request with it; its version is as before", RequestOut)

LIST_OPERATIONS = (
    Operation(
        id="countRequests",
        method="GET",
        path="/request-counts",
        tag=TAG,
        summary="How many requests a list has, and of which kinds",
        description="Of each facet (state, partner, branch …) how many the list would have for each of its values, if "
        "no other value of it were chosen. null: too many to be counted; the list of all open requests of one side "
        "always is. `limit`, `cursor` and `order` mean nothing here.",
        scopes=(KeyScope.REQUESTS_READ,),
        handler=count_requests,
        answers=(AnswerDescription(200, "The counts", CountsOut),),
        path_model=NoParameters,
        query_model=RequestFilterQuery,
    ),
    Operation(
        id="assignRequest",
        method="PUT",
        path="/requests/{id}/assignee",
        tag=TAG,
        summary="Say who of the staff sees to a request",
        scopes=WRITE,
        handler=assign_request,
        answers=(MARKED,),
        path_model=RequestPath,
        query_model=NoParameters,
        body=AssigneeBody,
        problems=(ProblemType.REFUSED,),
    ),
    Operation(
        id="labelRequest",
        method="POST",
        path="/requests/{id}/labels",
        tag=TAG,
        summary="Add labels to a request, or remove them",
        scopes=WRITE,
        handler=label_request,
        answers=(MARKED,),
        path_model=RequestPath,
        query_model=NoParameters,
        body=LabelChange,
        problems=(ProblemType.REFUSED,),
    ),
    Operation(
        id="listRequestsAsCsv",
        method="GET",
        path="/requests.csv",
        tag=TAG,
        summary="List requests as CSV",
        description="The same filters, order and pages as of /requests, with the columns of staff's lists; each page "
        "begins with their names.",
        scopes=(KeyScope.REQUESTS_READ,),
        handler=list_requests_as_csv,
        answers=(AnswerDescription(200, "A page of requests", None, {hdrs.LINK: LINK}, (CSV,)),),
        path_model=NoParameters,
        query_model=RequestFilterQuery,
    ),
    Operation(
        id="actOnRequests",
        method="POST",
        path="/bulk-actions/{kind}",
        tag=TAG,
        summary="Do the same with many requests",
        description="One after the other; what fails fails alone, with its reason. For acts that need no details of "
        "the single request.",
        scopes=WRITE,
        handler=act_on_requests,
        answers=(AnswerDescription(200, "With which it was done, and with which not", BulkResultOut),),
        path_model=BulkActPath,
        query_model=NoParameters,
        body=BulkActBody,
        repeats=RepeatPolicy.BY_KEY,
        problems=(ProblemType.INVALID,),
    ),
    Operation(
        id="markRequests",
        method="POST",
        path="/bulk-marks",
        tag=TAG,
        summary="Assign or label many requests",
        scopes=WRITE,
        handler=mark_requests,
        answers=(AnswerDescription(200, "With which it was done, and with which not", BulkResultOut),),
        path_model=NoParameters,
        query_model=NoParameters,
        body=BulkMarkBody,
        repeats=RepeatPolicy.BY_KEY,
        problems=(ProblemType.REFUSED,),
    ),
    Operation(
        id="listFilters",
        method="GET",
        path="/saved-filters",
        tag=TAG,
        summary="List the filters of a list that have a name",
        description="One's own (of the user with the name of the key) and those of the house.",
        scopes=(KeyScope.REQUESTS_READ,),
        handler=list_saved_filters,
        answers=(AnswerDescription(200, "The filters, by name", FilterList),),
        path_model=NoParameters,
        query_model=FilterQuery,
    ),
    Operation(
        id="saveFilter",
        method="POST",
        path="/saved-filters",
        tag=TAG,
        summary="Give a filter a name",
        description="In place of one's own of the same name.",
        scopes=WRITE,
        handler=save_filter,
        answers=(AnswerDescription(201, "The filter", FilterOut),),
        path_model=NoParameters,
        query_model=NoParameters,
        body=FilterIn,
        repeats=RepeatPolicy.BY_KEY,
        recall=recall_filter,
        problems=(ProblemType.REFUSED,),
    ),
    Operation(
        id="deleteFilter",
        method="DELETE",
        path="/saved-filters/{id}",
        tag=TAG,
        summary="Remove a filter of one's own",
        scopes=WRITE,
        handler=delete_saved_filter,
        answers=(DONE,),
        path_model=RequestPath,
        query_model=NoParameters,
    ),
)
