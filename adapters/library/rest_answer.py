"""A call to a library system by HTTP, and its answer. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlencode

from multidict import MultiMapping

from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import value_object

MAX_TEXT_CHARS = 500
"""Of an answer in plain text, so much is kept for staff."""

_PAGE_BEGINNINGS = ("<!doctype html", "<html", "<head", "<body")


class AnswerKind(StrEnum):
    """The kind of answer to a call, where it succeeds."""

    JSON = "JSON"
    TEXT = "text"  # XML, say


@value_object(kw_only=True)
class RestCall:
    """`path`: segments behind the base URL, unescaped; `title`: what it is called in errors, such as `/patrons/{id}`,
    so that no number of a person gets there; empty: the path itself."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    expects: AnswerKind = AnswerKind.JSON
    title: str = ""

    @property
    def name(self) -> str:
        return self.title or "/" + "/".join(self.path)

    @property
    def escaped_path(self) -> str:
        """The path with the query."""
        path = "".join(f"/{_escape_segment(segment)}" for segment in self.path)
        return f"{path}?{urlencode(self.query, quote_via=quote)}" if self.query else path


def make_json_call(
    method: str,
    path: tuple[str, ...],
    value: object,
    *,
    title: str = "",
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> RestCall:
    """A call that sends JSON."""
    return RestCall(
        method=method,
        path=path,
        query=query or {},
        headers={"Content-Type": "application/json", **(headers or {})},
        body=json.dumps(value, ensure_ascii=False).encode(),
        title=title,
    )


@value_object(kw_only=True)
class RestAnswer:
    """`value`: the JSON, None where there is none; `text`: what came instead of JSON. Both may hold personal data."""

    status: int
    headers: MultiMapping[str] = field(repr=False)
    value: Any = field(default=None, repr=False)
    text: str = field(default="", repr=False)
    is_json: bool = False

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def read_answer(name: str, status: int, headers: MultiMapping[str], body: bytes, expects: AnswerKind) -> RestAnswer:
    """Read an answer; raises Unavailable for a page where a refusal was due: it is of whatever stands before the
    system. Raises OutcomeUnknown for an unreadable answer where a success was due. `name` is for both."""
    content_type = headers.get("Content-Type", "").lower()
    start = body[:200].decode("utf-8", "replace").lstrip("\ufeff \t\r\n").lower()
    if "html" in content_type or start.startswith(_PAGE_BEGINNINGS):
        report = write_sentence("received a web page instead of an API answer (HTTP %(status)s)", status=status)
        sentence = write_about(name, report)
        raise Unavailable(sentence) if 400 <= status < 500 else OutcomeUnknown(sentence)
    is_success = 200 <= status < 300
    if not body.strip() or (is_success and expects is AnswerKind.TEXT):
        return RestAnswer(status=status, headers=headers, text=_decode_text(name, body, status))
    try:
        return RestAnswer(status=status, headers=headers, value=json.loads(body), is_json=True)
    except ValueError as error:
        if is_success:
            raise OutcomeUnknown(
                write_about(name, write_sentence("the answer is not JSON (HTTP %(status)s)", status=status))
            ) from error
    return RestAnswer(status=status, headers=headers, text=body.decode("utf-8", "replace")[:MAX_TEXT_CHARS])


def _decode_text(name: str, body: bytes, status: int) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise OutcomeUnknown(
            write_about(name, write_sentence("the answer is not UTF-8 (HTTP %(status)s)", status=status))
        ) from error


def _escape_segment(text: str) -> str:
    escaped = quote(text, safe="")
    return escaped.replace(".", "%2E") if text in (".", "..") else escaped  # else it would lead to another path
