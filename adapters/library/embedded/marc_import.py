"""MARC 21 into the catalogue: ISO 2709 files, record by record, in transactions of a hundred."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from pymarc import MARCReader, Record
from sqlalchemy import select

from adapters.library.embedded import item_rows
from adapters.library.embedded.catalogue import CopyDraft, add_bib, add_copies, replace_bib
from adapters.library.embedded.library_session import LibrarySession, new_id
from adapters.library.embedded.tables import bibs, branches, policies, shelves
from gateway.domain.library import Bib, RecordId
from gateway.domain.value import replace, value_object

BATCH = 100
STANDARD = "standard"

Write = Callable[[Callable[[LibrarySession], Any]], Awaitable[Any]]


@value_object
class ItemField:
    """The field in which a record has its items: tag, and a subfield code for what is known of them."""

    tag: str
    barcode: str
    branch: str
    shelf: str = ""
    policy: str = ""
    call_number: str = ""
    copy_number: str = ""
    description: str = ""

    @classmethod
    def parse_subfields(cls, tag: str, text: str) -> ItemField:
        """'barcode=p,branch=a'. Raises ValueError."""
        if len(tag) != 3 or not tag.isdigit():
            raise ValueError(f"a MARC tag has three digits, not {tag!r}")
        known = set(cls.__dataclass_fields__) - {"tag"}
        codes: dict[str, str] = {}
        for part in text.split(","):
            name, _, code = part.strip().partition("=")
            if name not in known or len(code) != 1:
                raise ValueError(f"{part!r} is not NAME=CODE with one of {', '.join(sorted(known))}")
            codes[name] = code
        if "barcode" not in codes or "branch" not in codes:
            raise ValueError("subfields for barcode and branch are needed")
        return cls(tag, **codes)


@dataclass(slots=True)
class RecordImportReport:
    """`problems`: 'record 12 (b123): reason'."""

    added: int = 0
    replaced: int = 0
    items: int = 0
    problems: list[str] = field(default_factory=list)


@value_object
class _KnownItemCodes:
    branches: frozenset[str]
    shelves: frozenset[tuple[str, str]]
    policies: frozenset[str]


async def import_records(
    write: Write, file: Path, mapping: ItemField | None, progress: Callable[[int], object]
) -> RecordImportReport:
    """`progress` is told of bytes read."""
    report = RecordImportReport()
    with file.open("rb") as stream:
        records = _read_records(stream, report)
        while batch := list(islice(records, BATCH)):
            outcome: RecordImportReport = await write(
                lambda session, batch=batch: _write_record_batch(session, batch, mapping)  # type: ignore[misc]
            )
            report.added += outcome.added
            report.replaced += outcome.replaced
            report.items += outcome.items
            report.problems += outcome.problems
            progress(sum(len(raw) for _, _, raw in batch))
    return report


def _read_records(stream: Any, report: RecordImportReport) -> Iterator[tuple[int, Record, bytes]]:
    """Position in the file (from 1), record, bytes; what can't be read goes into the report."""
    reader = MARCReader(stream, to_unicode=True, hide_utf8_warnings=True)
    for position, record in enumerate(reader, start=1):
        if record is None:
            report.problems.append(f"record {position}: {reader.current_exception or 'cannot be read'}")
            continue
        yield position, record, bytes(reader.current_chunk or b"")


def _write_record_batch(
    session: LibrarySession, batch: list[tuple[int, Record, bytes]], mapping: ItemField | None
) -> RecordImportReport:
    report = RecordImportReport()
    codes = _load_item_codes(session)
    for position, record, raw in batch:
        number = _read_control_field(record, "001")
        where = f"record {position}" + (f" ({number})" if number else "")
        if not number:
            report.problems.append(f"{where}: it has no control number (001), so it could not be told from others")
            continue
        bib = bib_of_record(record)
        if not bib.title:
            report.problems.append(f"{where}: it has no title (245 $a)")
            continue
        bib_id = _store_record(session, number, bib, raw, report)
        if mapping is not None:
            _add_items(session, record, bib_id, mapping, codes, where, report)
    return report


def _store_record(session: LibrarySession, number: str, bib: Bib, raw: bytes, report: RecordImportReport) -> str:
    known: str | None = session.connection.scalar(
        select(bibs.c.id).where(bibs.c.library == session.library, bibs.c.control_number == number)
    )
    if known is not None:
        replace_bib(session, known, bib, raw)
        report.replaced += 1
        return known
    report.added += 1
    added = replace(bib, id=new_id(session.now))
    add_bib(session, added, control_number=number, marc=raw)
    return added.id


def _add_items(
    session: LibrarySession,
    record: Record,
    bib_id: str,
    mapping: ItemField,
    codes: _KnownItemCodes,
    where: str,
    report: RecordImportReport,
) -> None:
    """Items that are there already stay as they are: since then they have been lent and moved."""
    for n, item_field in enumerate(record.get_fields(mapping.tag), start=1):
        values = {
            name: (item_field.get(code) or "").strip()
            for name in ItemField.__dataclass_fields__
            if name != "tag" and (code := getattr(mapping, name))
        }
        copy = CopyDraft(
            barcode=values["barcode"],
            bib_id=bib_id,
            branch=values["branch"],
            shelf=values.get("shelf", ""),
            policy=values.get("policy") or STANDARD,
            call_number=values.get("call_number", ""),
            copy_number=values.get("copy_number", ""),
            description=values.get("description", ""),
        )
        there = item_rows.live_item(session, copy.barcode) if copy.barcode else None
        problem = _find_copy_problem(copy, codes)
        if problem is None and there is not None and there.item.bib_id != bib_id:
            problem = f"barcode {copy.barcode} belongs to another record"
        if problem is not None:
            report.problems.append(f"{where}, {mapping.tag} number {n}: {problem}")
        elif there is None:
            add_copies(session, [copy])
            report.items += 1


def _find_copy_problem(copy: CopyDraft, codes: _KnownItemCodes) -> str | None:
    if not copy.barcode:
        return "it has no barcode"
    if copy.branch not in codes.branches:
        return f"the library has no branch {copy.branch!r}"
    if copy.shelf and (copy.branch, copy.shelf) not in codes.shelves:
        return f"branch {copy.branch} has no shelving location {copy.shelf!r}"
    if copy.policy not in codes.policies:
        return f"the library has no item policy {copy.policy!r}"
    return None


def _load_item_codes(session: LibrarySession) -> _KnownItemCodes:
    places = session.connection.execute(
        select(shelves.c.branch, shelves.c.code).where(shelves.c.library == session.library)
    )
    return _KnownItemCodes(
        frozenset(session.connection.scalars(select(branches.c.code).where(branches.c.library == session.library))),
        frozenset((row.branch, row.code) for row in places),
        frozenset(session.connection.scalars(select(policies.c.code).where(policies.c.library == session.library))),
    )


# --- MARC 21 to a description ----------------------------------------------------------------------------


def bib_of_record(record: Record) -> Bib:
    """MARC 21 Bibliographic, fields 008, 010, 020, 022, 035, 100–111, 245, 250, 260/264, 300, 490. The original
    script of linked 880 fields comes after a transcribed title, so that both are found."""
    control = _read_control_field(record, "008")
    imprint = _find_first_field(record, "264", "260")
    return Bib(
        title=_read_title(record),
        author=_trim_isbd(_join_subfields(_find_first_field(record, "100", "110", "111"), "abq")),
        identifiers=tuple(dict.fromkeys(_read_record_numbers(record))),
        edition=_trim_isbd(_join_subfields(_find_first_field(record, "250"), "ab")),
        place=_trim_isbd(_join_subfields(imprint, "a")),
        publisher=_trim_isbd(_join_subfields(imprint, "b")),
        published=control[7:11].strip() if control[7:11].isdigit() else _trim_isbd(_join_subfields(imprint, "c")),
        series=_trim_isbd(_join_subfields(_find_first_field(record, "490"), "av")),
        pages=_trim_isbd(_join_subfields(_find_first_field(record, "300"), "a")),
        language=control[35:38].strip(" |") if len(control) >= 38 else "",
    )


def _read_title(record: Record) -> str:
    title = _trim_isbd(_join_subfields(_find_first_field(record, "245"), "abnp"))
    for linked in record.get_fields("880"):
        if (linked.get("6") or "").startswith("245"):
            original = _trim_isbd(_join_subfields(linked, "abnp"))
            return f"{title} = {original}" if title else original
    return title


def _read_record_numbers(record: Record) -> Iterator[RecordId]:
    for tag, code, type_ in (("020", "a", "isbn"), ("022", "a", "issn"), ("010", "a", "lccn")):
        for marc_field in record.get_fields(tag):
            value = (marc_field.get(code) or "").strip()
            if value:
                yield RecordId(type_, value.split()[0] if type_ != "lccn" else value)
    for marc_field in record.get_fields("035"):
        value = (marc_field.get("a") or "").strip()
        if value.startswith("(OCoLC)"):
            yield RecordId("oclc", value.removeprefix("(OCoLC)"))


def _read_control_field(record: Record, tag: str) -> str:
    fields = record.get_fields(tag)
    return (fields[0].data or "").strip("\r\n") if fields else ""


def _find_first_field(record: Record, *tags: str) -> Any:
    return next((fields[0] for tag in tags if (fields := record.get_fields(tag))), None)


def _join_subfields(marc_field: Any, codes: str) -> str:
    return " ".join(marc_field.get_subfields(*codes)) if marc_field is not None else ""


def _trim_isbd(text: str) -> str:
    """Return a text without ISBD punctuation at the end; an initial keeps its full stop."""
    text = text.strip().rstrip(" /:;,=").strip()
    last = text.removesuffix(".").rsplit(" ", 1)[-1]
    return text.removesuffix(".") if len(last) > 2 else text
