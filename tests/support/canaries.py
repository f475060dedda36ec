"""Words that stand nowhere else, and where they are found in a database: in each table, however they are written there.

words = Canaries()
words.make("note")           # 'zqnote1 łódź'
find_canaries(file, secrets) # {'zqnote1': {'request.document', 'message.body'}}
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import gzip
import quopri
import re
import sqlite3
import types
import typing
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from sqlalchemy import select

from gateway.domain.library import Money
from gateway.domain.requests.events import Event, EventKind, timer_signal
from gateway.domain.requests.request import BorrowingState, LendingState, Role
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.transitions import EventRequest, apply_event
from gateway.store.journal_records import BodyCipher, BodyUnreadable
from gateway.store.requests import requests
from gateway.store.requests.request_rows import parse_request
from gateway.store.requests.tables import request as request_table

CANARY = re.compile(rb"zq[a-z]+\d+", re.IGNORECASE)
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/_-]{8,}(?:\r?\n)?)+={0,2}")
_QUOTED = re.compile(rb"=[0-9A-F]{2}|=\r?\n")
_PERCENT = re.compile(rb"%[0-9A-Fa-f]{2}")
_ESCAPED = re.compile(rb"\\u[0-9a-f]{4}")


class Canaries:
    """`made`: by canary the place that it was made for."""

    def __init__(self) -> None:
        self.made: dict[str, str] = {}
        self._count = 0

    def make(self, place: str, tail: str = " łódź") -> str:
        """A text of two words with letters that codecs write in several ways; `tail` empty: a number or a code."""
        self._count += 1
        word = f"zq{re.sub('[^a-z]', '', place.lower())[-24:]}{self._count}"
        self.made[word] = place
        return word + tail

    def keep_those_in(self, value: object) -> None:
        """Of those that were made for more than is said."""
        said = repr(value)
        self.made = {word: place for word, place in self.made.items() if word in said}

    def places_of(self, words: Iterator[str] | Sequence[str] | set[str]) -> set[str]:
        return {self.made[word] for word in words if word in self.made}


# --- values of the domain, full of them ------------------------------------------------------------------


def fill_value(kind: Any, words: Canaries, place: str = "") -> Any:
    """One with a canary in each text that it or its parts have, and nothing left out."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return fill_value(arguments[0], words, place)
    if origin in (types.UnionType, typing.Union):
        return fill_value(next(one for one in arguments if one is not type(None)), words, place)
    if origin is tuple:
        return (fill_value(arguments[0], words, place),)
    if origin is frozenset:
        return frozenset()
    if dataclasses.is_dataclass(kind) and isinstance(kind, type) and kind is not Money:
        hints = typing.get_type_hints(kind, include_extras=True)
        made = {
            one.name: fill_value(hints[one.name], words, f"{kind.__name__}.{one.name}")
            for one in dataclasses.fields(kind)
        }
        return kind(**made)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    if kind is str:
        return words.make(place)
    plain: Mapping[Any, Any] = {
        bool: False,
        int: 1,
        Decimal: Decimal("2.50"),
        date: date(2026, 11, 3),
        Money: Money(Decimal("2.50"), "EUR"),
        datetime: datetime(2026, 11, 3, 9, 30, tzinfo=UTC),
    }
    return plain[kind]


# --- what a database holds -------------------------------------------------------------------------------


def find_canaries(file: Path, secret: str = "") -> dict[str, set[str]]:
    """By canary, in which columns it stands. `secret`: that bodies and mails are encrypted with."""
    cipher = BodyCipher([secret]) if secret else None
    found: defaultdict[str, set[str]] = defaultdict(set)
    for place, content in _iter_contents(file, cipher):
        for form in iter_forms(content):
            for word in CANARY.findall(form):
                found[word.decode().lower()].add(place)
    return dict(found)


def find_places(file: Path, text: str, secret: str = "") -> set[str]:
    """Columns in which a text stands."""
    cipher = BodyCipher([secret]) if secret else None
    return {
        place
        for place, content in _iter_contents(file, cipher)
        if any(text.encode() in form for form in iter_forms(content))
    }


def _iter_contents(file: Path, cipher: BodyCipher | None) -> Iterator[tuple[str, bytes]]:
    """Each value of each row, what is encrypted in clear; and what SQLite has not overwritten is none of them."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        names = [row["name"] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        assert len(names) > 40, "the tables of the gateway"
        for table in names:
            for row in database.execute(f'SELECT * FROM "{table}"'):
                for column in row.keys():  # noqa: SIM118 - a row iterates over its values
                    value = row[column]
                    if isinstance(value, str):
                        yield f"{table}.{column}", value.encode()
                    elif isinstance(value, bytes):
                        yield f"{table}.{column}", _decrypt(table, row, value, cipher)


def _decrypt(table: str, row: sqlite3.Row, value: bytes, cipher: BodyCipher | None) -> bytes:
    names = (
        {
            "message": ("body_key", f"{row['library']} {row['id']}"),
            "mail": ("key_id", f"{row['library']}/mail/{row['id']}"),
        }
        if table in ("message", "mail")
        else {}
    )
    if table not in names or not row[names[table][0]]:
        return value
    assert cipher is not None, "it is encrypted, and the test has no key"
    try:
        return cipher.decrypt(value, row[names[table][0]], names[table][1])
    except BodyUnreadable as error:
        raise AssertionError(f"{table}: {error}") from error


def iter_forms(content: bytes, depth: int = 3) -> Iterator[bytes]:
    """The content as it is, and what is wrapped in it: base64, quoted-printable, compressed, percent signs, UTF-16."""
    yield content
    if b"\0" in content:
        yield content.replace(b"\0", b"")
    if not depth:
        return
    for wrapped in _unwrap(content):
        yield from iter_forms(wrapped, depth - 1)


def _unwrap(content: bytes) -> Iterator[bytes]:
    for match in _BASE64.finditer(content):
        packed = re.sub(rb"\s", b"", match[0]).translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
        try:
            yield base64.b64decode(packed + b"=" * (-len(packed) % 4))
        except binascii.Error:
            continue
    if _QUOTED.search(content):
        yield quopri.decodestring(content)
    if _PERCENT.search(content):
        yield unquote_to_bytes(content)
    if _ESCAPED.search(content):
        yield re.sub(rb"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)).encode("utf-8", "replace"), content)
    for start in (content.find(b"\x1f\x8b"), content.find(b"\x78\x9c")):
        if start >= 0:
            try:
                packed = content[start:]
                yield gzip.decompress(packed) if packed[:1] == b"\x1f" else zlib.decompress(packed)
            except (OSError, EOFError, zlib.error):
                continue


# --- a gateway that forgets ------------------------------------------------------------------------------


async def forget_all(context: LibraryContext) -> None:
    """All requests have ended, however they stand, and forget their patrons."""
    query = select(request_table.c.document).where(request_table.c.library == context.symbol)
    for document in await context.store.read(lambda c: c.execute(query).scalars().all()):
        found = parse_request(document)
        state = BorrowingState.COMPLETED if found.role is Role.BORROWING else LendingState.COMPLETED
        ended = dataclasses.replace(found, state=state, before_cancel=None, version=found.version + 1)
        await context.store.write(lambda c, ended=ended: requests.save_request(c, ended))  # type: ignore[misc]
        event = Event(timer_signal(EventKind.ANONYMISED), context.now(), "timer")
        await apply_event(context, EventRequest(request_id=found.id, event=event))


def find_database(folder: Path) -> Path:
    """Of an installation."""
    (found,) = folder.glob("**/*.db")
    return found


def find_left(words: Canaries, file: Path, stays: Collection[str], secret: str = "") -> dict[str, list[str]]:
    """By place, where a canary still stands that should be gone; `stays`: places whose canaries may. What the library's
    own system keeps of its patrons is its own."""
    found = find_canaries(file, secret)
    own = {
        words.made[word]: sorted(place for place in places if not place.startswith("embedded_"))
        for word, places in found.items()
        if word in words.made
    }
    return {place: columns for place, columns in own.items() if columns and place not in stays}
