"""Checks of what is said with an act: what it needs, what means nothing for it, what a partner may read."""

from __future__ import annotations

from gateway.domain.requests.action_fields import OWN_NOTE, ActionFieldSet
from gateway.domain.requests.event_catalogue import ACTS
from gateway.domain.requests.events import EventDetails
from gateway.domain.requests.events import EventKind as K
from gateway.domain.value import replace, value_object


@value_object
class FieldProblem:
    """`name`: an attribute of `EventDetails`."""

    name: str
    message: str


def check_details(kind: K, details: EventDetails) -> tuple[FieldProblem, ...]:
    """List details that are missing, and those without a meaning for an action of this kind."""
    fields = ACTS.get(kind, ActionFieldSet())
    given = given_detail_names(details)
    missing = [FieldProblem(field.name, "is needed") for field in fields.required if field.name not in given]
    allowed = ", ".join(sorted(fields.field_names)) or "none"
    unknown = [
        FieldProblem(name, f"means nothing for '{kind.value}'; fields: {allowed}")
        for name in given - fields.field_names
    ]
    if fields.one_of and not given & set(fields.one_of):
        missing.append(FieldProblem(fields.one_of[0], f"one of these is needed: {', '.join(fields.one_of)}"))
    return (*missing, *sorted(unknown, key=lambda problem: problem.name))


def has_needed_fields(kind: K, details: EventDetails) -> bool:
    """Return whether all details that the act needs are given; others are no hindrance."""
    fields, given = ACTS.get(kind, ActionFieldSet()), given_detail_names(details)
    is_one_given = not fields.one_of or bool(given & set(fields.one_of))
    return is_one_given and all(field.name in given for field in fields.required)


def remove_own_note(kind: K, details: EventDetails) -> EventDetails:
    """Remove what a partner may not be told of an act: a note for the history is for the library alone."""
    return replace(details, note="") if has_own_note(kind) else details


def has_own_note(kind: K) -> bool:
    fields = ACTS.get(kind, ActionFieldSet())
    return OWN_NOTE in (*fields.required, *fields.optional)


_EMPTY = EventDetails()


def given_detail_names(details: EventDetails) -> frozenset[str]:
    return frozenset(name for name in _NAMES if getattr(details, name) != getattr(_EMPTY, name))


_UNNAMED = frozenset({"extras", "written", "status_counts"})
"""Extras go with every event, what was written stands in the note, and how it is read is nothing that was said."""

_NAMES = tuple(name for name in EventDetails.__dataclass_fields__ if name not in _UNNAMED)
