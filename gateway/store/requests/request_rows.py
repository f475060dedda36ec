"""The row and the JSON document made of a request.

What has its default value is left out of the document, so whoever changes a default or a field's meaning, or adds a
field, raises VERSION: an older release then refuses the document instead of dropping what it doesn't know. A test
watches over it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.citation_matching import citation_fingerprint
from gateway.domain.requests.events import Event
from gateway.domain.requests.request import (
    ON_RECORD,
    OPEN_ATTEMPT,
    AttemptStatus,
    LendingState,
    Request,
    Role,
    VolumeState,
)
from gateway.domain.requests.search_terms import list_search_terms
from gateway.domain.requests.task_lists import list_task_names
from gateway.domain.text_folding import fold_text
from gateway.domain.value import replace
from gateway.ports.partner_channel import PartnerMessage
from gateway.sql.column_types import clean_text

SUPPLIED = frozenset({AttemptStatus.SHIPPED, AttemptStatus.COMPLETED})

VERSION = 1

SORT_TITLE_CHARS = 40
"""Of titles that begin with the same, the older request comes first."""

T = TypeVar("T")

_REQUEST = TypeAdapter(Request)
_EVENT = TypeAdapter(Event)


@cache
def _message_adapter() -> TypeAdapter[PartnerMessage]:
    """Built with the first message: commands that only show requests need none."""
    return TypeAdapter(PartnerMessage)


_HEAD = f'{{"v":{VERSION},'


def request_columns(request: Request, supplied: int) -> dict[str, Any]:
    """Make the columns in the order of the table. `supplied` is the number of the attempt that was counted before."""
    return {
        "library": request.library,
        "id": request.id,
        "role": request.role.value,
        "state": request.state.value,
        "is_open": request.open,
        "number": request.number,
        "partner": request.partner.profile,
        "patron_id": clean_text(request.patron.id),
        "branch": clean_text(request.desk),
        "service": request.service.type.value,
        "assignee": clean_text(request.assignee),
        "labels": join_labels(request.labels),
        "created": request.created,
        "changed": request.changed,
        "need_by": request.dates.need_by,
        **search_columns(request),
        "title": make_sort_title(request.citation),
        "tasks": " ".join(list_task_names(request)),
        "external": "\n".join(external_numbers_of(request)),
        "loads": _loaded_partner(request),
        "supplied": find_new_supply(request, supplied) or supplied,
        "version": request.version,
        "document": dump_request(request),
    }


def folded_columns(request: Request) -> dict[str, str]:
    """Make what is stored of the request in folded form (`gateway.domain.text_folding`)."""
    mark, words = _comparison_texts(request.citation)
    return {"fingerprint": mark, "words": clean_text(f"{fold_text(request.number)} {words}", 500)}


@lru_cache(maxsize=2_048)
def make_sort_title(citation: Citation) -> str:
    """Fold the title that lists show."""
    return clean_text(fold_text(citation.component_title or citation.title)[:SORT_TITLE_CHARS])


def search_columns(request: Request) -> dict[str, str]:
    """Make what the request is found by, and the same as rows of `request_term`."""
    folded = folded_columns(request)
    terms = list_search_terms(request, folded["words"])
    return {**folded, "terms": "\n".join(f"{term.kind.value} {term.value}" for term in terms)}


def join_labels(labels: Iterable[str]) -> str:
    """`\\nrush\\nshelf B\\n`: a label is found as a whole line."""
    lines = "\n".join(map(clean_text, labels))
    return f"\n{lines}\n" if lines else ""


def external_numbers_of(request: Request) -> tuple[str, ...]:
    """Numbers in other systems, as they are looked for."""
    return tuple(dict.fromkeys(normalize_external_number(number) for number in request.external if number.strip()))


def open_barcodes_of(request: Request) -> frozenset[str]:
    """Barcodes of its items until it is closed: our own item goes out for one request after the other. Also of what was
    lost, or is to be sent back, of suppliers that were asked before; and of what was lost until it turns up, where the
    loss was settled."""
    if request.is_loss_settled:
        lost = (volume.barcode for volume in request.volumes if volume.state is VolumeState.LOST)
        own = (request.item_barcode,) if len(request.volumes) == 1 else ()
        return frozenset(normalize_external_number(barcode) for barcode in (*lost, *own) if barcode.strip())
    if not request.open:
        return frozenset()
    past = (code for attempt in request.attempts if attempt.status in ON_RECORD for code in attempt.pieces)
    barcodes = (request.item_barcode, *(volume.barcode for volume in request.volumes), *past)
    return frozenset(normalize_external_number(barcode) for barcode in barcodes if barcode.strip())


def normalize_external_number(value: str) -> str:
    return clean_text(" ".join(value.split()))


def find_new_supply(request: Request, supplied: int) -> int:
    """The number of the current attempt if it is shipped and wasn't counted yet, else 0."""
    attempt = request.attempt
    if attempt is None or attempt.number <= supplied or attempt.status not in SUPPLIED:
        return 0
    return attempt.number


def _loaded_partner(request: Request) -> str:
    """Borrowing: the supplier who has it in hand, or whose item it is. Lending: the requester."""
    if not request.open:
        return ""
    if request.role is Role.LENDING:
        return request.partner.profile
    attempt = request.attempt
    return attempt.partner if attempt is not None and attempt.status in OPEN_ATTEMPT else ""


@lru_cache(maxsize=2_048)
def _comparison_texts(citation: Citation) -> tuple[str, str]:
    """A citation seldom changes, and comparing it with its key is quicker than folding it again."""
    titles = (citation.title, citation.subtitle, citation.component_title)
    words = " ".join((*titles, citation.author, citation.component_author))
    return citation_fingerprint(citation), fold_text(words)


class UnreadableDocumentError(Exception):
    """A stored document that this release can't read: of a newer release, or damaged. Names no content of it."""


def dump_request(request: Request) -> str:
    return _dump_document(_REQUEST, request)


def parse_request(text: str) -> Request:
    """Parse a request; raises UnreadableDocumentError."""
    return _restore_lending_state(_parse_document(_REQUEST, text, "a request"))


def dump_event(event: Event) -> str:
    return _dump_document(_EVENT, event)


def parse_event(text: str) -> Event:
    """Parse an event; raises UnreadableDocumentError."""
    return _parse_document(_EVENT, text, "an event")


def dump_message(message: PartnerMessage) -> str:
    return _dump_document(_message_adapter(), message)


def parse_message(text: str) -> PartnerMessage:
    """Parse a message; raises UnreadableDocumentError."""
    message = _parse_document(_message_adapter(), text, "a message to a partner")
    request = _restore_lending_state(message.request)
    return message if request is message.request else replace(message, request=request)


def _dump_document(adapter: TypeAdapter[T], value: T) -> str:
    return _HEAD + adapter.dump_json(value, exclude_defaults=True)[1:].decode()


def _parse_document(adapter: TypeAdapter[T], text: str, what: str) -> T:
    if not text.startswith(_HEAD):
        _raise_unreadable(text, what)
    try:
        return adapter.validate_json("{" + text[len(_HEAD) :])
    except ValidationError as error:
        places = ", ".join(".".join(map(str, detail["loc"])) + f" ({detail['type']})" for detail in error.errors()[:3])
        raise UnreadableDocumentError(f"the document of {what} is damaged at {places}") from None


def _raise_unreadable(text: str, what: str) -> None:
    try:
        document = json.loads(text)
        version = document["v"]
    except (ValueError, KeyError, TypeError):
        raise UnreadableDocumentError(f"the document of {what} is damaged: no version") from None
    raise UnreadableDocumentError(
        f"the document of {what} has version {version!r}, and this release reads version {VERSION}: "
        "run the release that wrote it, or a newer one"
    )


def _restore_lending_state(request: Request) -> Request:
    """Both sides have states of the same words; which is meant, the role says."""
    if request.role is Role.LENDING and not isinstance(request.state, LendingState):
        # nobody has seen the value yet, and a copy of all fields costs as much as to read half of the document
        object.__setattr__(request, "state", LendingState(request.state.value))
    return request
