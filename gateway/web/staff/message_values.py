"""The values of a message side by side, for its page: as they came, decoded, understood, after the profile."""

from __future__ import annotations

from gateway.domain.requests.views import NotFound
from gateway.domain.value import value_object
from gateway.services.desks.journaled_messages import JournaledMessageService, JournalMessage, format_hex_lines
from gateway.services.exchange.message_context import NotReplayableError
from gateway.services.exchange.value_trace import ChangedValue, TracedValue
from gateway.web.staff.refusal_settings import describe_source, is_deciding_key
from gateway.web.staff.staff_request import StaffRequest


@value_object
class ShownChange:
    """A value changed by the profile. `keys`: each key that did so, its file and line, and the path of its page."""

    path: str
    before: str
    after: str
    keys: tuple[tuple[str, str, str], ...]


@value_object
class ShownValue:
    """`raw`: octets as text, or as hexadecimal digits; `is_refused`: a key that decides about the refusal of the
    message has changed it."""

    raw: str
    path: str
    decoded: str
    understood: tuple[tuple[str, str], ...]
    changed: tuple[ShownChange, ...]
    is_refused: bool


@value_object
class ShownValues:
    rows: tuple[ShownValue, ...]
    added: tuple[ShownChange, ...]
    unknown: tuple[str, ...]


async def show_values(
    request: StaffRequest, journaled: JournaledMessageService, message: JournalMessage
) -> ShownValues | None:
    """Show the values of a message that came in. None: they can't be followed, since it was sent by us, its content is
    not kept, or its profile is gone. Raises NotFound."""
    try:
        loaded = request.operation.find_profile(message.profile).loaded
    except NotFound:
        return None
    if loaded is None or journaled.is_of_office:
        return None
    try:
        trace = await request.replays.trace_message(message.id, loaded)
    except NotReplayableError:
        return None
    shown = {state.name for state in request.operation.list_profiles()}
    return ShownValues(
        tuple(_describe_value(request, value, message.reason, shown) for value in trace.values),
        tuple(_describe_change(request, change, shown) for change in trace.added),
        trace.unknown,
    )


def _describe_value(request: StaffRequest, value: TracedValue, reason: str, shown: set[str]) -> ShownValue:
    try:
        raw = value.raw.decode("utf-8")
    except UnicodeDecodeError:
        raw = format_hex_lines(value.raw)
    return ShownValue(
        raw,
        value.path,
        value.decoded,
        value.understood,
        tuple(_describe_change(request, change, shown) for change in value.changed),
        any(is_deciding_key(key, reason) for change in value.changed for key, _source in change.keys),
    )


def _describe_change(request: StaffRequest, change: ChangedValue, shown: set[str]) -> ShownChange:
    keys = tuple((key, *describe_source(request, source, shown)) for key, source in change.keys)
    return ShownChange(change.path, change.before, change.after, keys)
