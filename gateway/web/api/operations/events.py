"""Event stream and pages; webhooks; the key itself."""

from __future__ import annotations

from datetime import datetime

from aiohttp import hdrs
from pydantic import Field

from gateway.domain.requests.events import EventKind, EventOrigin
from gateway.domain.requests.views import HistoryLine
from gateway.services.people.api_keys import KeyScope
from gateway.store.api_records import WebhookSubscription
from gateway.web.api.event_stream import newest_cursor
from gateway.web.api.models.bases import NoParameters, OutputModel, ParameterModel
from gateway.web.api.models.outputs import ROOT
from gateway.web.api.models.staff import KeyOut, NewWebhook, WebhookList, WebhookMade, WebhookOut
from gateway.web.api.models.values import Cursor, Identifier, Whole
from gateway.web.api.operation import AnswerDescription, Operation, OperationCall, OperationReply, RepeatPolicy
from gateway.web.api.operations.requests import LOCATION
from gateway.web.api.problems import ProblemType, validation_problem

LAST_EVENT_ID = "Last-Event-ID"
BEGIN = "0"
STREAM = "text/event-stream"

TAG = "Webhooks"
ADMIN = (KeyScope.ADMIN,)


class EventStreamQuery(ParameterModel):
    after: Cursor = Field("", description="id of the last event that is known; 0: from the first; none: from now on")


class EventPageQuery(ParameterModel):
    after: Cursor = Field(BEGIN, description="id of the last event that is known; 0: from the first")
    limit: Whole = Field(100, ge=1, le=1_000)


class EventOut(OutputModel):
    """That something happened to a request; the request itself says more."""

    id: str
    at: datetime
    request: str
    event: EventKind
    origin: EventOrigin
    before: str
    after: str
    denied: str = Field(description="why it did not fit; empty: it did")

    @classmethod
    def from_history_line(cls, line: HistoryLine) -> EventOut:
        return cls(
            id=line.id,
            at=line.at,
            request=line.request_id,
            event=line.event.kind,
            origin=line.event.signal.origin,
            before=line.before,
            after=line.after,
            denied=line.denied,
        )


class EventPage(OutputModel):
    """`last`: to go on from, also when nothing came."""

    items: tuple[EventOut, ...]
    last: str


async def stream_events(call: OperationCall[NoParameters, EventStreamQuery, None]) -> OperationReply:
    parts = call.parts
    last_id = call.http.headers.get(LAST_EVENT_ID, "").strip() or call.query.after
    if len(last_id) > 100 or not all(char.isascii() and (char.isalnum() or char == "-") for char in last_id):
        raise validation_problem(f"header.{LAST_EVENT_ID}", "is not the id of an event")
    cursor = last_id or newest_cursor(parts.clock.now())
    feed, holder = call.library.feed, call.holder
    return OperationReply(
        await parts.streams.serve_stream(
            call.http, feed, holder.library, cursor, lambda: parts.keys.is_still_valid(holder)
        )
    )


async def list_events(call: OperationCall[NoParameters, EventPageQuery, None]) -> OperationReply:
    lines = await call.library.feed.list_events_after(call.query.after, call.query.limit)
    last = lines[-1].id if lines else call.query.after
    return OperationReply(EventPage(items=tuple(EventOut.from_history_line(line) for line in lines), last=last))


EVENT_OPERATIONS = (
    Operation(
        id="streamEvents",
        method="GET",
        path="/events",
        tag="Events",
        summary="Follow what happens (Server-Sent Events)",
        description="Each event has an id; a client that comes again with Last-Event-ID misses none. The stream ends "
        "when its key is revoked or expires.",
        scopes=(KeyScope.EVENTS_READ,),
        handler=stream_events,
        answers=(AnswerDescription(200, "Events without end", None, {}, (STREAM,)),),
        path_model=NoParameters,
        query_model=EventStreamQuery,
    ),
    Operation(
        id="listEvents",
        method="GET",
        path="/history",
        tag="Events",
        summary="What happened, a page at a time",
        scopes=(KeyScope.EVENTS_READ,),
        handler=list_events,
        answers=(AnswerDescription(200, "Events, oldest first", EventPage),),
        path_model=NoParameters,
        query_model=EventPageQuery,
    ),
)


class WebhookPath(ParameterModel):
    id: Identifier


async def create_webhook(call: OperationCall[NoParameters, NoParameters, NewWebhook]) -> OperationReply:
    body = call.body
    return _made_reply(await call.library.webhooks.create_subscription(body.name, body.url, body.events))


async def recall_webhook(call: OperationCall[NoParameters, NoParameters, NewWebhook], reference: str) -> OperationReply:
    return _made_reply(await call.library.webhooks.get(reference))


def _made_reply(subscription: WebhookSubscription) -> OperationReply:
    whole = WebhookMade(**WebhookOut.from_subscription(subscription).model_dump(), secret=subscription.secret)
    return OperationReply(whole, 201, {hdrs.LOCATION: f"{ROOT}/webhooks/{subscription.id}"})


async def list_webhooks(call: OperationCall[NoParameters, NoParameters, None]) -> OperationReply:
    subscriptions = await call.library.webhooks.list_subscriptions()
    return OperationReply(WebhookList(items=tuple(WebhookOut.from_subscription(hook) for hook in subscriptions)))


async def show_webhook(call: OperationCall[WebhookPath, NoParameters, None]) -> OperationReply:
    return OperationReply(WebhookOut.from_subscription(await call.library.webhooks.get(call.path.id)))


async def delete_webhook(call: OperationCall[WebhookPath, NoParameters, None]) -> OperationReply:
    await call.library.webhooks.remove_subscription(call.path.id)
    return OperationReply(status=204)


async def enable_webhook(call: OperationCall[WebhookPath, NoParameters, None]) -> OperationReply:
    return OperationReply(WebhookOut.from_subscription(await call.library.webhooks.enable_subscription(call.path.id)))


async def show_key(call: OperationCall[NoParameters, NoParameters, None]) -> OperationReply:
    return OperationReply(_describe_key(call))


def _describe_key(call: OperationCall[NoParameters, NoParameters, None]) -> KeyOut:
    holder = call.holder
    return KeyOut(
        library=holder.library,
        prefix=holder.prefix,
        name=holder.name,
        scopes=tuple(sorted(holder.scopes)),
        expires=holder.expires,
    )


WEBHOOK_OPERATIONS = (
    Operation(
        id="showKey",
        method="GET",
        path="/key",
        tag="Key",
        summary="What the key in use is allowed to do",
        scopes=tuple(KeyScope),
        handler=show_key,
        answers=(AnswerDescription(200, "The key, without its secret", KeyOut),),
        path_model=NoParameters,
        query_model=NoParameters,
    ),
    Operation(
        id="createWebhook",
        method="POST",
        path="/webhooks",
        tag=TAG,
        summary="Be told of events",
        description="Deliveries are signed with the secret in the answer, which is shown only there.",
        scopes=ADMIN,
        handler=create_webhook,
        answers=(AnswerDescription(201, "The new webhook with its secret", WebhookMade, {hdrs.LOCATION: LOCATION}),),
        path_model=NoParameters,
        query_model=NoParameters,
        body=NewWebhook,
        repeats=RepeatPolicy.BY_KEY,
        recall=recall_webhook,
        problems=(ProblemType.REFUSED,),
    ),
    Operation(
        id="listWebhooks",
        method="GET",
        path="/webhooks",
        tag=TAG,
        summary="List webhooks",
        scopes=ADMIN,
        handler=list_webhooks,
        answers=(AnswerDescription(200, "All webhooks, oldest first", WebhookList),),
        path_model=NoParameters,
        query_model=NoParameters,
    ),
    Operation(
        id="showWebhook",
        method="GET",
        path="/webhooks/{id}",
        tag=TAG,
        summary="Show a webhook",
        scopes=ADMIN,
        handler=show_webhook,
        answers=(AnswerDescription(200, "The webhook", WebhookOut),),
        path_model=WebhookPath,
        query_model=NoParameters,
    ),
    Operation(
        id="deleteWebhook",
        method="DELETE",
        path="/webhooks/{id}",
        tag=TAG,
        summary="Be told no more",
        scopes=ADMIN,
        handler=delete_webhook,
        answers=(AnswerDescription(204, "Done"),),
        path_model=WebhookPath,
        query_model=NoParameters,
    ),
    Operation(
        id="enableWebhook",
        method="POST",
        path="/webhooks/{id}/enable",
        tag=TAG,
        summary="Deliver again after long failure",
        scopes=ADMIN,
        handler=enable_webhook,
        answers=(AnswerDescription(200, "The webhook", WebhookOut),),
        path_model=WebhookPath,
        query_model=NoParameters,
    ),
)
