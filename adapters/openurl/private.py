"""Private data (`rft_dat`, 0.1's `pid`): `{ssid:123}`, `<oclcnum>123</oclcnum>`, JSON, `key=value` lists.

Under our own key the encoder puts what KEV has no place for, so that a link of ours is read back without loss.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from adapters.openurl.characters import tidy, without_controls
from gateway.domain.frozen import frozen
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import CitationType, Extra
from gateway.domain.requests.request import ServiceType

OWN = "illgate"

LONGEST = 4000
"""Characters of private data that isn't JSON; longer is not looked into."""

_BRACED = re.compile(
    r"\{?\s*[\"']?([A-Za-z_][\w.-]{0,40})[\"']?\s*[:=]\s*[\"']?([^,;&\"'{}<>]{1,400})[\"']?\s*(?:[,;&]|\}|\Z)"
)
_TAGGED = re.compile(r"<([A-Za-z_][\w.-]{0,40})>([^<]{1,400})</\1>")


@frozen
class Private:
    """Keys with their texts; `own` is what our encoder put there."""

    pairs: tuple[tuple[str, str], ...] = ()
    own: Mapping[str, Any] | None = None
    known: bool = True


_TEXTS = (
    *("title", "subtitle", "author", "component_title", "component_author", "series", "edition", "publisher", "place"),
    *("published", "volume", "issue", "pages", "language", "call_number", "source", "note"),
)
_TYPES: dict[str, TypeAdapter[Any]] = {
    **dict.fromkeys(_TEXTS, TypeAdapter(str)),
    "type": TypeAdapter(CitationType),
    "service": TypeAdapter(ServiceType),
    "identifiers": TypeAdapter(tuple[RecordId, ...]),
    "extras": TypeAdapter(tuple[Extra, ...]),
}


def private_of(text: str) -> Private:
    text = text.strip()
    if text.startswith("{"):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict):
            return _of_json(document)
    for pattern in (_TAGGED, _BRACED) if len(text) <= LONGEST else ():
        found = pattern.findall(text)
        if found and not pattern.sub("", text).strip("{} ,;\n\t"):
            return Private(tuple((key.lower(), tidy(value)) for key, value in found if tidy(value)))
    return Private(known=False)


def _of_json(document: dict[str, Any]) -> Private:
    own = document.pop(OWN, None)
    pairs = tuple(
        (key.lower(), tidy(str(value)))
        for key, value in document.items()
        if isinstance(value, str | int | float) and tidy(str(value))
    )
    read = _own(own) if isinstance(own, dict) else None
    return Private(pairs, read, known=len(pairs) == len(document) and (own is None or read is not None))


def _own(document: dict[str, Any]) -> Mapping[str, Any] | None:
    """Checked, since anybody can write it. None: it is not ours after all."""
    try:
        return {key: _clean(_TYPES[key].validate_python(value)) for key, value in document.items()}
    except (KeyError, ValidationError):
        return None


def _clean(value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, CitationType | ServiceType):
        return without_controls(value)
    if isinstance(value, tuple):
        return tuple(_clean_value(one) for one in value)
    return value


def _clean_value(one: RecordId | Extra) -> RecordId | Extra:
    if isinstance(one, RecordId):
        return RecordId(without_controls(one.type), without_controls(one.value))
    return Extra(without_controls(one.name), without_controls(one.value), without_controls(one.kind))


def written(lost: Iterable[tuple[str, Any]]) -> str:
    """ASCII; the value of `rft_dat`."""
    document = {key: _TYPES[key].dump_python(value, mode="json") for key, value in lost}
    return json.dumps({OWN: document}, separators=(",", ":"))
