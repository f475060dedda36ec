"""Which APDUs and fields are spoken in which role, and the states of each: IPIG-style tables made from the code itself.

Fields that are *read* are those of the message classes: all of the standard. Fields that are *used* or *sent* are found
by trying: a field is used when the event that comes out is another one without it, sent when a full example of ours
has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from adapters.iso_ill.codec import declared, name_of
from adapters.iso_ill.codec.declared import Declared, Kind, is_choice
from adapters.iso_ill.examples import CONTEXT, LENDING, REQUESTING, full
from adapters.iso_ill.mapping import apdu_of, received
from adapters.iso_ill.messages import APDUS, Apdu
from adapters.iso_ill.messages.codes import ApduType
from adapters.iso_ill.state.overriding import state_word
from adapters.iso_ill.state.services import FROM_EITHER, FROM_REQUESTER, FROM_RESPONDER, Direction
from adapters.iso_ill.state.tables import TABLES
from gateway.domain.frozen import frozen
from gateway.domain.requests.request import Role

_SENDERS = {Role.BORROWING: FROM_REQUESTER | FROM_EITHER, Role.LENDING: FROM_RESPONDER | FROM_EITHER}


@frozen
class Row:
    """`sent` by us in the role that sends this APDU; `used`: what we receive means something else without it."""

    apdu: ApduType
    field: str
    mandatory: bool
    sent: bool
    used: bool


@frozen
class Support:
    apdu: ApduType
    requester_sends: bool
    requester_receives: bool
    responder_sends: bool
    responder_receives: bool


def supported() -> tuple[Support, ...]:
    sent = {role: {type(apdu).type for apdu in _sent(role)} for role in Role}
    return tuple(
        Support(
            cls.type,
            requester_sends=cls.type in sent[Role.BORROWING],
            requester_receives=cls.type in _SENDERS[Role.LENDING],
            responder_sends=cls.type in sent[Role.LENDING],
            responder_receives=cls.type in _SENDERS[Role.BORROWING],
        )
        for cls in APDUS
    )


def _sent(role: Role) -> Iterator[Apdu]:
    for message in REQUESTING if role is Role.BORROWING else LENDING:
        yield apdu_of(message, CONTEXT)


def rows() -> Iterator[Row]:
    """Field by field, with those of structures below them as `item-id.title`."""
    sent = [apdu for role in Role for apdu in _sent(role)]
    for cls in APDUS:
        examples = [apdu for apdu in sent if isinstance(apdu, cls)]
        whole = full(cls)
        for place, one, path in _places(cls):
            yield Row(
                cls.type,
                place,
                one.required,
                sent=any(_there(apdu, path) for apdu in examples),
                used=any(_matters(apdu, path) for apdu in whole),
            )


_Path = tuple[str, ...]
_BELOW = 2


def _places(cls: type, before: tuple[str, ...] = (), path: _Path = ()) -> Iterator[tuple[str, Declared, _Path]]:
    for one in declared(cls):
        here, attributes = (*before, one.name), (*path, one.attribute)
        yield ".".join(here), one, attributes
        if one.kind is Kind.STRUCTURE and not one.many and len(here) < _BELOW:
            yield from _places(one.cls, here, attributes)


def _there(value: Any, path: _Path) -> bool:
    for attribute in path:
        if value is None:
            return False
        default = next((one.default for one in declared(type(value)) if one.attribute == attribute), None)
        value = getattr(value, attribute)
        if value is None or value == "" or value == () or (value == default and not isinstance(value, int)):
            return False
    return True


def _matters(apdu: Apdu, path: _Path) -> bool:
    if not _there(apdu, path):
        return False
    for other in _without(apdu, path):
        before, after = received(apdu, CONTEXT), received(other, CONTEXT)
        if any(getattr(before, one.name) != getattr(after, one.name) for one in fields(before) if one.name != "id"):
            return True
    return False


def _without(value: Any, path: _Path) -> Iterator[Any]:
    """The same without the field, or for one that has to be there with another value."""
    attribute, *below = path
    one = next(one for one in declared(type(value)) if one.attribute == attribute)
    if below and is_choice(one.cls):
        if not one.required:
            yield replace(value, **{attribute: one.default})  # there is no choice of nothing
    elif below:
        for inner in _without(getattr(value, attribute), tuple(below)):
            yield replace(value, **{attribute: inner})
    elif not one.required:
        yield replace(value, **{attribute: one.default})
    elif one.kind is Kind.CODE and not one.many:
        for member in one.cls:
            yield replace(value, **{attribute: member})
    elif one.kind is Kind.TEXT:
        yield replace(value, **{attribute: "other"})
    elif one.kind is Kind.FLAG:
        yield replace(value, **{attribute: not getattr(value, attribute)})
    elif one.kind is Kind.DAY:
        yield replace(value, **{attribute: getattr(value, attribute).replace(year=1999)})
    elif one.many:
        yield replace(value, **{attribute: ()})


def table() -> Iterator[str]:
    """Markdown."""
    yield "| APDU | requester sends | requester receives | responder sends | responder receives |"
    yield "| --- | --- | --- | --- | --- |"
    for one in supported():
        marks = (one.requester_sends, one.requester_receives, one.responder_sends, one.responder_receives)
        yield f"| {name_of(one.apdu)} | {' | '.join(_mark(mark) for mark in marks)} |"
    current: ApduType | None = None
    for row in rows():
        if row.apdu is not current:
            current = row.apdu
            yield ""
            yield f"## {name_of(row.apdu)}"
            yield "| field | standard | sent | read | used |"
            yield "| --- | --- | --- | --- | --- |"
        standard = "M" if row.mandatory else "O"
        yield f"| {row.field} | {standard} | {_mark(row.sent)} | yes | {_mark(row.used)} |"
    for role, name in ((Role.BORROWING, "requester"), (Role.LENDING, "responder")):
        yield from _states(role, name)


def _states(role: Role, name: str) -> Iterator[str]:
    yield ""
    yield f"## States of the {name}"
    yield "| state | service | sent or received | next state |"
    yield "| --- | --- | --- | --- |"
    for state, row in TABLES[role].items():
        for service, to in row.items():
            way = "sent" if service.direction is Direction.REQ else "received"
            what = f"{name_of(service.apdu)} {service.result}".rstrip()
            yield f"| {state_word(state).upper()} | {what} | {way} | {state_word(to).upper()} |"


def _mark(supported: bool) -> str:
    return "yes" if supported else "–"
