"""What lists of requests need besides the requests: counts, and staff's own marks."""

from __future__ import annotations

from gateway.services.api_keys import KeyScope
from gateway.web.api.models.bases import NoParameters
from gateway.web.api.models.inputs import AssigneeBody, LabelChange
from gateway.web.api.models.outputs import CountsOut, RequestOut
from gateway.web.api.operation import AnswerDescription, Operation, OperationCall, OperationReply
from gateway.web.api.operations.requests import (
    WRITE,
    RequestFilterQuery,
    RequestPath,
    changed_reply,
    make_request_filter,
    require_change_scope,
)
from gateway.web.api.problems import ProblemType

TAG = "Lists"


async def count_requests(call: OperationCall[NoParameters, RequestFilterQuery, None]) -> OperationReply:
    found = await call.parts.services.requests.count_list(call.holder.library, make_request_filter(call.query))
    return OperationReply(CountsOut.model_validate(found))


async def assign_request(call: OperationCall[RequestPath, NoParameters, AssigneeBody]) -> OperationReply:
    await require_change_scope(call, call.path.id)
    marks = call.parts.services.marks
    return changed_reply(await marks.assign(call.holder.library, call.path.id, call.body.assignee))


async def label_request(call: OperationCall[RequestPath, NoParameters, LabelChange]) -> OperationReply:
    await require_change_scope(call, call.path.id)
    marks, body = call.parts.services.marks, call.body
    return changed_reply(await marks.change_labels(call.holder.library, call.path.id, body.add, body.remove))


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
)
