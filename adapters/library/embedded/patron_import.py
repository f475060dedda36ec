"""Patrons from CSV: checked whole, then written in transactions of a hundred. A known barcode is brought up to date."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from adapters.library.embedded import loan_rules, patrons
from adapters.library.embedded.library_session import LibrarySession, new_id
from adapters.library.embedded.patron_rows import rows_by_identifier
from adapters.library.embedded.patrons import PatronRegistration, hash_pin
from gateway.domain.library import Contact, ContactKind, PatronDraft, PatronIdentifier, PersonName, PostalAddress
from gateway.domain.problems import Refused
from gateway.domain.value import value_object

NEEDED = ("barcode", "surname", "category", "home_library")
POSTAL = ("line1", "line2", "locality", "region", "postal_code", "country")
DATES = ("expires", "date_of_birth")
COLUMNS = (*NEEDED, "given", "username", "external", *DATES, "email", "phone", *POSTAL, "language", "pin", "notes")
BATCH = 100

Write = Callable[[Callable[[LibrarySession], Any]], Awaitable[Any]]


class PatronFileError(Exception):
    """`problems`: 'line: column: reason', all that were found."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@value_object
class PatronFileLine:
    number: int
    draft: PatronDraft
    notes: str


@dataclass(slots=True)
class PatronImportReport:
    added: int = 0
    changed: int = 0


def read_patron_file(file: Path) -> list[PatronFileLine]:
    """Read a file; raises PatronFileError."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        try:
            return _parse_lines(csv.DictReader(stream, strict=True))
        except UnicodeDecodeError as error:
            raise PatronFileError([f"1: the file is not UTF-8 ({error.reason})"]) from error
        except csv.Error as error:
            raise PatronFileError([f"1: the file is not CSV: {error}"]) from error


def _parse_lines(reader: csv.DictReader[str]) -> list[PatronFileLine]:
    names = [name.strip().lower() for name in reader.fieldnames or ()]
    problems = [f"1: {name}: unknown column; known are {', '.join(COLUMNS)}" for name in names if name not in COLUMNS]
    problems += [f"1: {name}: column is missing" for name in NEEDED if name not in names]
    if problems:
        raise PatronFileError(problems)
    reader.fieldnames = names
    lines = []
    seen: dict[str, int] = {}
    for row in reader:
        number = reader.line_num
        wrong = list(_find_row_problems(row))
        code = (row.get("barcode") or "").strip()
        if code in seen:
            wrong.append(f"barcode: also in line {seen[code]}")
        seen.setdefault(code, number)
        problems += [f"{number}: {problem}" for problem in wrong]
        if not wrong:
            lines.append(PatronFileLine(number, _draft_of_row(row), (row.get("notes") or "").strip()))
    if problems:
        raise PatronFileError(problems)
    return lines


def _find_row_problems(row: dict[str | Any, str | Any]) -> Iterator[str]:
    if None in row:
        yield "more values than columns"
    for name in NEEDED:
        if not (row.get(name) or "").strip():
            yield f"{name}: is empty"
    for name in DATES:
        value = (row.get(name) or "").strip()
        try:
            if value:
                date.fromisoformat(value)
        except ValueError:
            yield f"{name}: {value!r} is not a date such as 2027-12-31"
    email = (row.get("email") or "").strip()
    if email and "@" not in email:
        yield "email: has no @"


def _draft_of_row(row: dict[str, str]) -> PatronDraft:
    values = {name: (row.get(name) or "").strip() for name in COLUMNS}
    contacts = [
        Contact(kind, "home", values[name])
        for name, kind in (("email", ContactKind.EMAIL), ("phone", ContactKind.PHONE))
        if values[name]
    ]
    if any(values[name] for name in POSTAL):
        contacts.append(Contact(ContactKind.POSTAL, postal=PostalAddress(*(values[name] for name in POSTAL))))
    return PatronDraft(
        identifiers=tuple(
            PatronIdentifier(type_, values[type_]) for type_ in ("barcode", "username", "external") if values[type_]
        ),
        name=PersonName(values["surname"], values["given"]),
        category=values["category"],
        home_library=values["home_library"],
        contacts=tuple(contacts) or None,
        expires=date.fromisoformat(values["expires"]) if values["expires"] else None,
        language=values["language"] or None,
        date_of_birth=date.fromisoformat(values["date_of_birth"]) if values["date_of_birth"] else None,
        secret=values["pin"] or None,
    )


def check_lines(session: LibrarySession, lines: list[PatronFileLine]) -> None:
    """Check what only the library knows: its codes, and who has an identifier already. Raises PatronFileError."""
    codes = loan_rules.list_library_codes(session)
    problems = []
    for line in lines:
        draft = line.draft
        if draft.category not in (codes.patron_categories or ()):
            problems.append(f"{line.number}: category: the library has no category {draft.category}")
        if draft.home_library not in (codes.branches or ()):
            problems.append(f"{line.number}: home_library: the library has no branch {draft.home_library}")
        own = _find_patron_id(session, draft.identifiers[0])
        for identifier in draft.identifiers[1:]:
            if _find_patron_id(session, identifier) not in (None, own):
                problems.append(f"{line.number}: {identifier.type}: another patron has it")
    if problems:
        raise PatronFileError(problems)


def _find_patron_id(session: LibrarySession, identifier: PatronIdentifier) -> str | None:
    rows = rows_by_identifier(session, identifier.value)
    return next((row.id for row in rows if row.id_type == identifier.type), None)


async def import_patrons(
    write: Write, lines: list[PatronFileLine], progress: Callable[[int], object]
) -> PatronImportReport:
    """Import the patrons of lines that were checked. Raises PatronFileError where the library has changed since;
    earlier batches stay then."""
    report = PatronImportReport()
    remaining = iter(lines)
    while batch := list(islice(remaining, BATCH)):
        hashes = await asyncio.to_thread(lambda batch=batch: [_hash_line_secret(line) for line in batch])  # type: ignore[misc]
        added: int = await write(
            lambda session, batch=batch, hashes=hashes: _write_patron_batch(session, batch, hashes)  # type: ignore[misc]
        )
        report.added += added
        report.changed += len(batch) - added
        progress(len(batch))
    return report


def _hash_line_secret(line: PatronFileLine) -> str | None:
    return hash_pin(line.draft.secret) if line.draft.secret else None


def _write_patron_batch(session: LibrarySession, batch: list[PatronFileLine], hashes: list[str | None]) -> int:
    added = 0
    for line, secret_hash in zip(batch, hashes, strict=True):
        try:
            added += _store_patron(session, line, secret_hash)
        except Refused as refusal:
            raise PatronFileError([f"{line.number}: {refusal.detail}"]) from refusal
    return added


def _store_patron(session: LibrarySession, line: PatronFileLine, secret_hash: str | None) -> bool:
    """True for a new patron."""
    key = f"import:{new_id(session.now)}"
    patron_id = _find_patron_id(session, line.draft.identifiers[0])
    if patron_id is None:
        patrons.create_patron(session, line.draft, secret_hash or "", key, PatronRegistration(notes=line.notes))
        return True
    patrons.update_patron(session, patron_id, line.draft, secret_hash, key)
    return False
