"""Volumes said in words by rule, for channels whose formats have no field for them.

`volume 2 of 3: Bd. 2`, one for each volume that is meant. A reader of this form knows which volumes are asked for,
shipped or returned; everybody else reads it as it stands. Other words stay words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import Request, Volume
from gateway.domain.value import replace

MAX_VOLUMES = 1_000
"""Of one request."""

SEPARATOR = "; "

_OF_PIECES = frozenset(
    {
        EventKind.SHIPPED,
        EventKind.RECEIVED,
        EventKind.RETURNED,
        EventKind.CHECKED_IN,
        EventKind.LOST,
        EventKind.DAMAGED,
    }
)
"""Events that may be about some of several volumes."""

_TOLD_WITH_LAST = frozenset({EventKind.RECEIVED, EventKind.CHECKED_IN})
"""Events of which a partner hears once, when the last volume is there: then they are about all of them."""

_PARTS = re.compile(r";\s+|\n")
_MISSING = "missing: "
"""Before the term of a volume that should have come and has not: words for whoever reads them too."""

_TERM = re.compile(r"volume ([0-9]{1,4}) of ([0-9]{1,4})(?:: (.*))?", re.IGNORECASE)


# --- said ------------------------------------------------------------------------------------------------


def tell_volumes(request: Request, kind: EventKind, details: EventDetails) -> tuple[Request, EventDetails]:
    """Both with the volumes in their notes, first of all: of a request those that are wanted, in the note of its
    citation; of another event those that it is about."""
    if kind is EventKind.REQUEST:
        note = _put_first(tuple(_write_wanted_volumes(request)), request.citation.note)
        return replace(request, citation=replace(request.citation, note=note)), details
    note = _put_first(tuple(_write_missing_volumes(request, details)), details.note, _MISSING)
    return request, replace(details, note=_put_first(tuple(_write_named_volumes(request, kind, details)), note))


def _put_first(terms: tuple[str, ...], note: str, prefix: str = "") -> str:
    """Put terms in place of those that came in words, of what we broker: named twice they are none."""
    if terms and any(_find_terms(note, prefix)):
        note = SEPARATOR.join(part for part in _PARTS.split(note) if not any(_find_terms(part, prefix)))
    return SEPARATOR.join(filter(None, (*terms, note)))


def _write_wanted_volumes(request: Request) -> Iterator[str]:
    """Write the volumes that are wanted; nothing for one piece that needs no name."""
    volumes = request.volumes
    if len(volumes) > 1 or any(volume.label for volume in volumes):
        yield from (_write_term(volume, number, len(volumes)) for number, volume in enumerate(volumes, 1))


def _write_named_volumes(request: Request, kind: EventKind, details: EventDetails) -> Iterator[str]:
    """Write the volumes that are named; nothing where it is about all of them."""
    if len(request.volumes) < 2 or kind not in _OF_PIECES - _TOLD_WITH_LAST:
        return
    for number, volume in enumerate(request.volumes, 1):
        if volume.id in details.volumes:
            yield _write_term(volume, number, len(request.volumes))


def _write_missing_volumes(request: Request, details: EventDetails) -> Iterator[str]:
    for number, volume in enumerate(request.volumes, 1):
        if volume.id in details.missing:
            yield f"{_MISSING}{_write_term(volume, number, len(request.volumes))}"


def _write_term(volume: Volume, number: int, count: int) -> str:
    label = " ".join(volume.label.split()).replace("; ", ", ")
    return f"volume {number} of {count}: {label}" if label else f"volume {number} of {count}"


# --- read ------------------------------------------------------------------------------------------------


def read_wanted_volumes(note: str) -> tuple[str, ...]:
    """The labels of the volumes that a request wants; empty where its note doesn't name all of them."""
    matches = tuple(_find_terms(note))
    count = len(matches)
    counts = {int(match[2]) for match in matches}
    numbers = [int(match[1]) for match in matches]
    if counts != {count} or count > MAX_VOLUMES or numbers != list(range(1, count + 1)):
        return ()
    return tuple((match[3] or "").strip() for match in matches)


def read_named_volumes(kind: EventKind, details: EventDetails) -> EventDetails:
    """Add the volumes that an event names in its note, where no field has named them. The note stays whole."""
    if kind not in _OF_PIECES:
        return details
    if not details.missing:
        details = replace(details, missing=_read_numbers(_find_terms(details.note, _MISSING)))
    if details.volumes:
        return details
    return replace(details, volumes=_read_numbers(_find_terms(details.note)))


def _read_numbers(terms: Iterator[re.Match[str]]) -> tuple[str, ...]:
    """Read numbers as ids of volumes."""
    numbers = (int(match[1]) for match in terms if 0 < int(match[1]) <= int(match[2]))
    return tuple(dict.fromkeys(map(str, numbers)))


def remove_volumes(note: str) -> str:
    """Return what somebody has written besides: a note of nothing else needs no reader."""
    return "\n".join(part for part in _PARTS.split(note) if _TERM.fullmatch(part.strip()) is None).strip()


def _find_terms(note: str, prefix: str = "") -> Iterator[re.Match[str]]:
    parts = (part.strip() for part in _PARTS.split(note))
    terms = (part.removeprefix(prefix) for part in parts if part.startswith(prefix))
    return (match for term in terms if (match := _TERM.fullmatch(term)) is not None)
