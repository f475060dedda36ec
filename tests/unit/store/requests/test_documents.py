"""Documents come back as they went in, type by type."""

from __future__ import annotations

import dataclasses
import hashlib
import types
import typing
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain.library import Money
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal
from gateway.domain.requests.note_terms import write_changed_due
from gateway.domain.requests.request import BorrowingState, LendingState, LoanTerms, Request, Role
from gateway.domain.sentences import Sentence
from gateway.ports.partner_channel import PartnerMessage
from gateway.store.requests.request_rows import (
    VERSION,
    UnreadableDocumentError,
    dump_event,
    dump_message,
    dump_request,
    parse_event,
    parse_message,
    parse_request,
)
from tests.unit.store.requests.samples import AT, borrowing, lending

# --- values of every shape -------------------------------------------------------------------------------

PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    int: st.integers(-(2**53), 2**53),
    bool: st.booleans(),
    datetime: st.datetimes(timezones=st.just(UTC)),
    date: st.dates(),
    Money: st.builds(Money, st.decimals(allow_nan=False, allow_infinity=False), st.sampled_from(["EUR", "JPY"])),
}


def of(hint: Any) -> st.SearchStrategy[Any]:
    if hint in PLAIN:
        return PLAIN[hint]
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return st.lists(of(inner[0]), max_size=2).map(tuple)
    if origin is frozenset:
        return st.frozensets(of(inner[0]), max_size=3)
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*(st.none() if one is types.NoneType else of(one) for one in inner))
    if issubclass(hint, Enum):
        return st.sampled_from(hint)
    return fields_of(hint)


def fields_of(kind: Any, **given: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    return st.builds(
        kind, **{f.name: given[f.name] if f.name in given else of(hints[f.name]) for f in dataclasses.fields(kind)}
    )


PLAIN[Request] = st.one_of(
    fields_of(Request, role=st.just(Role.BORROWING), state=st.sampled_from(BorrowingState)),
    fields_of(Request, role=st.just(Role.LENDING), state=st.sampled_from(LendingState)),
)


def exact(value: Any) -> Any:
    """As something that is equal only where the types are, digits of money and all."""
    if dataclasses.is_dataclass(value):
        return type(value), [exact(getattr(value, f.name)) for f in dataclasses.fields(value)]
    if isinstance(value, tuple):
        return [exact(one) for one in value]
    if isinstance(value, frozenset):
        return {exact(one) for one in value}
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return datetime, value, value.utcoffset()
    return type(value), value


MANY_FIELDS = settings(suppress_health_check=[HealthCheck.too_slow])
"""A request of every shape takes a while to be made up."""

# --- round trips -----------------------------------------------------------------------------------------


@MANY_FIELDS
@given(of(Request))
def test_a_request_comes_back_exactly(request: Request) -> None:
    assert exact(parse_request(dump_request(request))) == exact(request)


@given(of(Event))
def test_an_event_comes_back_exactly(event: Event) -> None:
    assert exact(parse_event(dump_event(event))) == exact(event)


@MANY_FIELDS
@given(of(PartnerMessage))
def test_a_message_comes_back_exactly(message: PartnerMessage) -> None:
    assert exact(parse_message(dump_message(message))) == exact(message)


@pytest.mark.parametrize(
    "due", [date(2026, 4, 1), datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 4, 1, 15, 0, tzinfo=UTC)], ids=str
)
def test_a_day_stays_a_day_and_a_moment_a_moment(due: date) -> None:
    request = parse_request(dump_request(borrowing(terms=LoanTerms(lender_due=due))))
    assert type(request.terms.lender_due) is type(due)
    assert request.terms.lender_due == due


@pytest.mark.parametrize("state", LendingState)
def test_words_that_both_sides_use_mean_the_side_of_the_request(state: LendingState) -> None:
    assert type(parse_request(dump_request(lending(state=state))).state) is LendingState


def test_money_keeps_its_digits() -> None:
    event = Event(local_signal(EventKind.NOTE), AT, details=EventDetails(cost=Money(Decimal("12.50"), "EUR")))
    cost = parse_event(dump_event(event)).details.cost
    assert cost is not None
    assert str(cost.amount) == "12.50"


def test_a_note_of_the_program_keeps_its_template_and_one_of_a_person_is_a_text() -> None:
    due = write_changed_due(date(2026, 4, 10))
    events = [Event(local_signal(EventKind.NOTE), AT, details=EventDetails(note=note)) for note in (due, str(due))]
    ours, theirs = (parse_event(dump_event(event)).details.note for event in events)
    assert (ours, theirs) == (due, due)
    assert isinstance(ours, Sentence)
    assert (ours.template, ours.values) == ("The due date is now %(day)s.", {"day": date(2026, 4, 10)})
    assert not isinstance(theirs, Sentence)


def test_a_note_that_was_damaged_is_named_by_its_place() -> None:
    event = Event(local_signal(EventKind.NOTE), AT, details=EventDetails(note=write_changed_due(date(2026, 4, 10))))
    with pytest.raises(UnreadableDocumentError, match=r"damaged at details\.note"):
        parse_event(dump_event(event).replace('"2026-04-10"', '"2026-99-10"'))


# --- what can't be read ----------------------------------------------------------------------------------


def test_a_document_of_a_newer_release_is_refused_and_says_so() -> None:
    newer = dump_request(borrowing()).replace(f'"v":{VERSION}', f'"v":{VERSION + 1}', 1)
    with pytest.raises(
        UnreadableDocumentError, match=f"a request has version {VERSION + 1}, and this release reads version"
    ):
        parse_request(newer)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '"v"', '{"library":"EX"}', "{"], ids=repr)
def test_a_document_without_a_version_is_damaged(text: str) -> None:
    with pytest.raises(UnreadableDocumentError, match="damaged: no version"):
        parse_request(text)


def test_damage_is_named_by_its_place_and_not_by_its_words() -> None:
    damaged = dump_request(borrowing()).replace('"role":"borrowing"', '"role":"Zoë Лебедева"')
    with pytest.raises(UnreadableDocumentError) as raised:
        parse_request(damaged)
    assert str(raised.value) == "the document of a request is damaged at role (enum)"
    assert raised.value.__cause__ is None


def test_a_document_cut_short_is_damaged() -> None:
    with pytest.raises(UnreadableDocumentError, match="damaged at"):
        parse_request(dump_request(borrowing())[:-20])


# --- the version -----------------------------------------------------------------------------------------

SHAPES = {1: "a83e3bfcdaa73856"}
"""By version: a digest of all fields that are stored, with their types and defaults."""


def test_other_fields_are_another_version() -> None:
    """Documents leave out what has its default, and an older release would drop a field that it doesn't know. When
    fields change after a release that stores requests, raise VERSION and let `documents` read both. What a class is
    called is not stored."""
    lines: set[str] = set()
    for kind in (Request, Event, PartnerMessage):
        describe_fields(kind, kind.__name__, lines)
    digest = hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]
    assert SHAPES[VERSION] == digest


def describe_fields(kind: Any, path: str, lines: set[str]) -> None:
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        made = field.default_factory() if callable(field.default_factory) else field.default
        default = "" if made is dataclasses.MISSING else f" = {describe_default(made)}"
        place = f"{path}.{field.name}"
        lines.add(f"{place}: {describe_type(hints[field.name])}{default}")
        for inner in inner_types(hints[field.name]):
            if dataclasses.is_dataclass(inner):
                describe_fields(inner, place, lines)


def inner_types(hint: Any) -> set[Any]:
    inner = typing.get_args(hint)
    return {hint}.union(*(inner_types(one) for one in inner)) if inner else {hint}


def describe_type(hint: Any) -> str:
    inner = ", ".join(sorted(describe_type(one) for one in typing.get_args(hint)))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return f"one of {[one.value for one in hint]}"
    if dataclasses.is_dataclass(hint):
        return "fields"
    return f"{typing.get_origin(hint) or hint}[{inner}]" if inner else str(hint)


def describe_default(made: Any) -> str:
    if isinstance(made, Enum):
        return repr(made.value)
    if dataclasses.is_dataclass(made):
        return "of its fields"
    return repr(made)
