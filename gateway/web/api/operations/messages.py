"""Messages of partners: unread ones of the house, the conversation of one request, and who has read it."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import hdrs
from pydantic import Field

from gateway.domain.requests.request import Role
from gateway.domain.requests.views import MessageView
from gateway.services.people.api_keys import KeyScope
from gateway.web.api.models.bases import NoParameters
from gateway.web.api.models.messages import MessageList, MessageOut, MessagesRead
from gateway.web.api.operation import AnswerDescription, Operation, OperationCall, OperationReply
from gateway.web.api.operations.requests import (
    LINK,
    WRITE,
    PagingParameters,
    RequestPath,
    make_link_header,
    next_href,
    require_change_scope,
)

TAG = "Messages"


class UnreadQuery(PagingParameters):
    role: Role | None = Field(None, description="of our borrowing or our lending requests only")


async def list_unread_messages(call: OperationCall[NoParameters, UnreadQuery, None]) -> OperationReply:
    query = call.query
    page = await call.library.messages.list_unread(query.role, query.limit, query.cursor)
    following = next_href(call, page.cursor)
    items = tuple(MessageOut.from_message_view(view) for view in page)
    return OperationReply(MessageList(items=items, next=following), headers=make_link_header(following))


async def list_messages_of_request(call: OperationCall[RequestPath, NoParameters, None]) -> OperationReply:
    messages = await call.library.messages.list_messages(call.path.id)
    return _reply_with_conversation(messages)


async def mark_messages_read(call: OperationCall[RequestPath, NoParameters, MessagesRead]) -> OperationReply:
    await require_change_scope(call, call.path.id)
    views = await call.library.messages.mark_read(call.path.id, call.body.messages, call.holder.actor)
    return _reply_with_conversation(views)


def _reply_with_conversation(views: Sequence[MessageView]) -> OperationReply:
    return OperationReply(MessageList(items=tuple(MessageOut.from_message_view(view) for view in views), next=""))


CONVERSATION = AnswerDescription(200, "All messages of the request, theirs and ours, oldest first", MessageList)

MESSAGE_OPERATIONS = (
    Operation(
        id="listUnreadMessages",
        method="GET",
        path="/messages",
        tag=TAG,
        summary="Messages of partners that nobody has read",
        description="Of all requests. What one of the staff has read is read for the whole library.",
        scopes=(KeyScope.REQUESTS_READ,),
        handler=list_unread_messages,
        answers=(AnswerDescription(200, "A page of messages, oldest first", MessageList, {hdrs.LINK: LINK}),),
        path_model=NoParameters,
        query_model=UnreadQuery,
    ),
    Operation(
        id="listMessagesOfRequest",
        method="GET",
        path="/requests/{id}/messages",
        tag=TAG,
        summary="What the partner and we wrote to each other about a request",
        scopes=(KeyScope.REQUESTS_READ,),
        handler=list_messages_of_request,
        answers=(CONVERSATION,),
        path_model=RequestPath,
        query_model=NoParameters,
    ),
    Operation(
        id="markMessagesRead",
        method="POST",
        path="/requests/{id}/messages/read",
        tag=TAG,
        summary="Say that messages have been read",
        description="Who read a message first stays beside it. The request keeps its version. The act `message` needs "
        "no such call: it reads all that its receiver wrote.",
        scopes=WRITE,
        handler=mark_messages_read,
        answers=(CONVERSATION,),
        path_model=RequestPath,
        query_model=NoParameters,
        body=MessagesRead,
    ),
)
