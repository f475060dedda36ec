"""Forms as browsers send them: read within limits, and checked field by field."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, hdrs, web

from gateway.domain.value import value_object
from gateway.services.letters.templates import clean_line
from gateway.web.html.error_pages import PageError
from gateway.web.inbound import ReadTimeouts, read_body

MAX_FORM_BYTES = 200_000
MAX_FIELDS = 100
PATIENCE = ReadTimeouts(10.0, 30.0)

MAX_FIELD_BYTES = 20_000
MAX_FILES = 20
MAX_UPLOAD_SECONDS = 300.0
CHUNK_BYTES = 65_536

MAX_LINE_CHARS = 500
MAX_NOTE_CHARS = 2000
MAX_TIME_AHEAD = timedelta(days=730)

_GERMAN_DAY = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")


@value_object
class SubmittedForm:
    """The form that a browser sent. Of a field that is there more than once the first counts; `all_values` has all."""

    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    pairs: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "").strip()

    def all_values(self, name: str) -> tuple[str, ...]:
        """List the values of a field that may be there more than once, such as a box at each row; in order."""
        return tuple(value.strip() for key, value in self.pairs if key == name)


async def read_posted_bytes(request: web.Request, limit: int = MAX_FORM_BYTES) -> bytes:
    """Read a body; raises PageError (too long, broken off), ConnectionError."""
    body = await read_body(request, limit, PATIENCE)
    if len(body.data) > limit:
        raise PageError(413, "fault-too-large")
    if not body.whole:
        raise PageError(400, "fault-broken-off")
    return body.data


def parse_form(data: bytes, most: int = MAX_FIELDS) -> SubmittedForm:
    """Parse a form of application/x-www-form-urlencoded. Raises PageError."""
    try:
        pairs = parse_qsl(data.decode("utf-8"), keep_blank_values=True, max_num_fields=most)
    except ValueError:
        raise PageError(400, "fault-broken-off") from None
    clean = tuple((name, value.replace("\x00", "")) for name, value in pairs)
    return SubmittedForm(dict(reversed(clean)), clean)


@value_object
class UploadedFile:
    """The file as it came. `name` and `media_type` are what the browser says."""

    name: str
    media_type: str
    content: bytes


@value_object
class UploadForm:
    form: SubmittedForm
    files: tuple[UploadedFile, ...]


async def read_upload_form(request: web.Request, max_bytes: int) -> UploadForm:
    """`max_bytes`: of each file. A field for files that was left empty gives none.

    Raises PageError (too large, broken off, no such form), ConnectionError.
    """
    if not request.content_type.startswith("multipart/"):
        raise PageError(400, "fault-broken-off")
    fields: list[tuple[str, str]] = []
    files: list[UploadedFile] = []
    try:
        async with asyncio.timeout(MAX_UPLOAD_SECONDS):
            async for part in await request.multipart():
                if not isinstance(part, BodyPartReader) or len(fields) + len(files) >= MAX_FIELDS + MAX_FILES:
                    raise PageError(400, "fault-broken-off")
                if part.filename is None:
                    content = await _read_part(part, MAX_FIELD_BYTES)
                    fields.append((part.name or "", content.decode("utf-8").replace("\x00", "")))
                    continue
                content = await _read_part(part, max_bytes)
                if part.filename:
                    media_type = part.headers.get(hdrs.CONTENT_TYPE, "application/octet-stream")
                    files.append(UploadedFile(part.filename, media_type.partition(";")[0].strip(), content))
    except (TimeoutError, ValueError) as error:
        raise PageError(400, "fault-broken-off") from error
    return UploadForm(SubmittedForm(dict(reversed(fields)), tuple(fields)), tuple(files))


async def _read_part(part: BodyPartReader, most: int) -> bytes:
    """Read a part; raises PageError."""
    content = bytearray()
    while chunk := await part.read_chunk(CHUNK_BYTES):
        content += chunk
        if len(content) > most:
            raise PageError(413, "fault-too-large")
    return bytes(part.decode(content))


class FormPage(Protocol):
    """The page that checks a form: it has the texts (`wrong-…`) in the language of whoever sent it."""

    def format_text(self, key: str, **values: object) -> str: ...

    def format_day(self, day: date) -> str: ...


@dataclass(slots=True)
class FormCheck:
    """One form. `values` by field, for showing it again; `problems`: field -> what is wrong, in the reader's words;
    `general`: what is wrong with the whole; `stale`: it isn't from a page of ours as it is now, so nothing is done
    before somebody has seen it again; `collides`: nothing is wrong with it, but something else has what it names."""

    page: FormPage
    form: SubmittedForm
    values: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    general: list[str] = field(default_factory=list)
    stale: bool = False
    collides: bool = False

    def __post_init__(self) -> None:
        if self.stale:
            self.general.append(self.page.format_text("wrong-stale"))

    @property
    def is_good(self) -> bool:
        return not (self.problems or self.general)

    @property
    def status(self) -> int:
        """The status of HTTP."""
        if self.stale:
            return 403
        return 200 if self.is_good else 409 if self.collides else 422

    def add_problem(self, name: str, key: str, **values: object) -> None:
        """The first that is found of a field counts."""
        self.add_problem_text(name, self.page.format_text(key, **values))

    def add_problem_text(self, name: str, text: str) -> None:
        """The same, in words that are the reader's already."""
        self.problems.setdefault(name, text)

    def read_line(self, name: str, most: int = MAX_LINE_CHARS) -> str:
        text = clean_line(self.form[name])
        self.values[name] = text
        if len(text) > most:
            self.add_problem(name, "wrong-long", most=most)
        return text

    def read_lines(self, name: str, most: int = MAX_NOTE_CHARS) -> str:
        text = "\n".join(map(clean_line, self.form[name].splitlines())).strip()
        self.values[name] = text
        if len(text) > most:
            self.add_problem(name, "wrong-long", most=most)
        return text

    def read_choice(self, name: str, allowed: Iterable[str]) -> str:
        """Empty is a choice too."""
        text = self.read_line(name)
        if text and text not in set(allowed):
            self.add_problem(name, "wrong-choice")
        return text

    def read_day(self, name: str, least: date, most: date | None = None) -> date | None:
        """2026-12-31, as browsers send it; where a field for days is a plain one to them, 31.12.2026 too. `most` None:
        MAX_TIME_AHEAD of `least`."""
        text = self.read_line(name)
        if not text:
            return None
        match = _GERMAN_DAY.fullmatch(text)
        try:
            day = date(int(match[3]), int(match[2]), int(match[1])) if match else date.fromisoformat(text)
        except ValueError:
            self.add_problem(name, "wrong-day")
            return None
        if day < least:
            self.add_problem(name, "wrong-day-early", day=self.page.format_day(least))
        elif day > (most or least + MAX_TIME_AHEAD):
            self.add_problem(name, "wrong-day-far")
        return day

    def read_checkbox(self, name: str) -> bool:
        self.values[name] = "yes" if self.form[name] else ""
        return bool(self.form[name])
