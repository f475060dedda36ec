"""Requests, events and messages as JSON text, and back without loss.

What has its default value is left out, so whoever changes a default or a field's meaning, or adds a field, raises
VERSION: an older release then refuses the document instead of dropping what it doesn't know. A test watches over it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from gateway.domain.requests.events import Event
from gateway.domain.requests.request import Lending, Request, Role
from gateway.ports.channel import PartnerMessage

VERSION = 1

T = TypeVar("T")

_REQUEST = TypeAdapter(Request)
_EVENT = TypeAdapter(Event)
_MESSAGE = TypeAdapter(PartnerMessage)

_HEAD = f'{{"v":{VERSION},'


class Unreadable(Exception):
    """A stored document that this release can't read: of a newer release, or damaged. Names no content of it."""


def dump(request: Request) -> str:
    return _dumped(_REQUEST, request)


def parse(text: str) -> Request:
    """Raises Unreadable."""
    return _of_its_side(_parsed(_REQUEST, text, "a request"))


def dump_event(event: Event) -> str:
    return _dumped(_EVENT, event)


def parse_event(text: str) -> Event:
    """Raises Unreadable."""
    return _parsed(_EVENT, text, "an event")


def dump_message(message: PartnerMessage) -> str:
    return _dumped(_MESSAGE, message)


def parse_message(text: str) -> PartnerMessage:
    """Raises Unreadable."""
    message = _parsed(_MESSAGE, text, "a message to a partner")
    request = _of_its_side(message.request)
    return message if request is message.request else replace(message, request=request)


def _dumped(adapter: TypeAdapter[T], value: T) -> str:
    return _HEAD + adapter.dump_json(value, exclude_defaults=True)[1:].decode()


def _parsed(adapter: TypeAdapter[T], text: str, what: str) -> T:
    if not text.startswith(_HEAD):
        _complain(text, what)
    try:
        return adapter.validate_json("{" + text[len(_HEAD) :])
    except ValidationError as error:
        places = ", ".join(".".join(map(str, one["loc"])) + f" ({one['type']})" for one in error.errors()[:3])
        raise Unreadable(f"the document of {what} is damaged at {places}") from None


def _complain(text: str, what: str) -> None:
    try:
        document = json.loads(text)
        version = document["v"]
    except (ValueError, KeyError, TypeError):
        raise Unreadable(f"the document of {what} is damaged: no version") from None
    raise Unreadable(
        f"the document of {what} has version {version!r}, and this release reads version {VERSION}: "
        "run the release that wrote it, or a newer one"
    )


def _of_its_side(request: Request) -> Request:
    """Both sides have states of the same words; which is meant, the role says."""
    if request.role is Role.LENDING and not isinstance(request.state, Lending):
        return replace(request, state=Lending(request.state.value))
    return request
