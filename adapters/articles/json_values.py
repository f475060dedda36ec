"""Values of a JSON document whose types nobody promises: what is missing or of another type is empty."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.domain.problems import MalformedMessage

JsonObject = Mapping[str, Any]

_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
"""Titles come with HTML, JATS and MathML in them; `p < 0.05` is none."""


def parse_object(body: bytes) -> JsonObject:
    """Parse an object; raises MalformedMessage."""
    try:
        document = json.loads(body)
    except RecursionError as error:
        raise MalformedMessage("", "JSON that is nested too deeply") from error
    except ValueError as error:
        raise MalformedMessage("", "not JSON") from error
    if not isinstance(document, dict):
        raise MalformedMessage("", "JSON, but no object")
    return document


def read_object(parent: JsonObject, key: str) -> JsonObject:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def read_list(parent: JsonObject, key: str) -> list[Any]:
    value = parent.get(key)
    return value if isinstance(value, list) else []


def iter_objects(parent: JsonObject, key: str) -> Iterator[JsonObject]:
    """The objects of a list."""
    yield from (item for item in read_list(parent, key) if isinstance(item, dict))


def read_text(parent: JsonObject, key: str) -> str:
    """Read a text, a number, or the first text of a list: one line without markup."""
    return _clean_text(parent.get(key))


def read_texts(parent: JsonObject, key: str) -> tuple[str, ...]:
    return tuple(filter(None, map(_clean_text, read_list(parent, key))))


def _clean_text(value: object) -> str:
    if isinstance(value, list):
        return next(filter(None, map(_clean_text, value)), "")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(html.unescape(_TAG.sub("", str(value))).split())


def is_web_address(text: str) -> bool:
    """Return whether a reader's browser may be led there."""
    return re.fullmatch(r"https?://[^\s/?#@]+(?:[/?#]\S*)?", text, re.IGNORECASE) is not None
