"""What happens: as a stream, and as pages for those who come now and then."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from gateway.domain.requests.events import Kind, Origin
from gateway.domain.requests.views import HistoryLine
from gateway.services.api_keys import Scope
from gateway.web.api.events import newest_cursor
from gateway.web.api.models.values import Cursor, Whole
from gateway.web.api.operation import Answer, Call, Nothing, Operation, Output, Parameters, Reply
from gateway.web.api.problem import mistaken

LAST_EVENT_ID = "Last-Event-ID"
BEGIN = "0"
STREAM = "text/event-stream"


class After(Parameters):
    after: Cursor = Field("", description="id of the last event that is known; 0: from the first; none: from now on")


class EventPageQuery(Parameters):
    after: Cursor = Field(BEGIN, description="id of the last event that is known; 0: from the first")
    limit: Whole = Field(100, ge=1, le=1_000)


class EventOut(Output):
    """That something happened to a request; the request itself says more."""

    id: str
    at: datetime
    request: str
    event: Kind
    origin: Origin
    before: str
    after: str
    denied: str = Field(description="why it did not fit; empty: it did")

    @classmethod
    def of(cls, line: HistoryLine) -> EventOut:
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


class EventPage(Output):
    """`last`: to go on from, also when nothing came."""

    items: tuple[EventOut, ...]
    last: str


async def stream(call: Call[Nothing, After, None]) -> Reply:
    parts = call.parts
    said = call.http.headers.get(LAST_EVENT_ID, "").strip() or call.query.after
    if len(said) > 100 or not all(one.isascii() and (one.isalnum() or one == "-") for one in said):
        raise mistaken(f"header.{LAST_EVENT_ID}", "is not the id of an event")
    cursor = said or newest_cursor(parts.clock.now())
    feed = parts.services.feed
    return Reply(await parts.streams.serve(call.http, feed, call.holder.library, cursor))


async def page(call: Call[Nothing, EventPageQuery, None]) -> Reply:
    found = await call.parts.services.feed.after(call.holder.library, call.query.after, call.query.limit)
    last = found[-1].id if found else call.query.after
    return Reply(EventPage(items=tuple(EventOut.of(line) for line in found), last=last))


EVENT_OPERATIONS = (
    Operation(
        id="streamEvents",
        method="GET",
        path="/events",
        tag="Events",
        summary="Follow what happens (Server-Sent Events)",
        description="Each event has an id; a client that comes again with Last-Event-ID misses none.",
        scopes=(Scope.EVENTS_READ,),
        handler=stream,
        answers=(Answer(200, "Events without end", None, {}, (STREAM,)),),
        path_model=Nothing,
        query_model=After,
    ),
    Operation(
        id="listEvents",
        method="GET",
        path="/history",
        tag="Events",
        summary="What happened, a page at a time",
        scopes=(Scope.EVENTS_READ,),
        handler=page,
        answers=(Answer(200, "Events, oldest first", EventPage),),
        path_model=Nothing,
        query_model=EventPageQuery,
    ),
)
