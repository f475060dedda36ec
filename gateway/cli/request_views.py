"""`illgate request show`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo

import click

from gateway.cli.formatting import format_flags, format_table, print_lines
from gateway.cli.installation import (
    Installation,
    format_day_or_minute,
    format_minute,
    format_price,
    library_option,
    pass_installation,
    require_library,
)
from gateway.cli.managed_requests import read_from_library
from gateway.cli.request_lists import format_copy_place
from gateway.cli.request_options import format_act_usage
from gateway.domain.library import Money
from gateway.domain.requests.act_details import given_detail_names
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.event_catalogue import BY_HAND
from gateway.domain.requests.events import EventKind, NamedSupplier
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.supplier_takeover import find_supplier_party
from gateway.domain.requests.views import HistoryLine, LocatedCopy, RequestView
from gateway.ports.command_output import json_option, print_json
from gateway.services.libraries.library_services import LibraryServices
from gateway.web.api.models.outputs import ActionOut, ShownOut, request_href

WIDTH = 17


@click.command(name="show")
@click.argument("number", metavar="NUMBER|ID|WORDS")
@library_option
@json_option
@pass_installation
def show_request(installation: Installation, number: str, symbol: str, as_json: bool) -> None:
    """Show a request: status, history and possible actions. The citation and the suppliers are shown too. NUMBER may
    be any number that identifies one request, such as the partner's number, an item barcode, a card number or an ISBN;
    you can also give words of the title.

    \b
    Examples:
      illgate request show B2026-00017
      illgate request show TMP-4711
      illgate request show B2026-00017 --json
    """
    library = require_library(installation, symbol)

    async def load_request_view(services: LibraryServices) -> RequestView:
        reader = services.requests
        only_match = await reader.find_only_match(number)
        return await reader.load_view(only_match.id)

    view = read_from_library(installation, library, load_request_view)
    if as_json:
        _print_shown_json(view)
        return
    print_lines(format_request_lines(view, library.zone))


def _print_shown_json(view: RequestView) -> None:
    place = request_href(view.request.id)
    kinds = [kind for kind in view.allowed if kind in BY_HAND]
    actions = (ActionOut.from_kind(kind, f"{place}/actions/{kind.value}", view.hints.get(kind, "")) for kind in kinds)
    print_json(ShownOut.from_request_view(view, tuple(actions)))


def format_request_lines(view: RequestView, zone: tzinfo) -> Iterator[str]:
    request = view.request
    marks = format_flags(request)
    yield f"{request.number}  {request.role.value}, {request.state.value}{f' ({marks})' if marks else ''}"
    for name, text in _iter_request_facts(view, zone):
        for n, line in enumerate(text.splitlines()):
            yield f"  {'' if n else name + ':':<{WIDTH - 1}} {line}"
    yield from _format_block("Warnings", (f"  {warning}" for warning in request.warnings))
    yield from _format_rota_block(request)
    yield from _format_attempts(request, zone)
    yield from _unfinished(view, zone)
    yield from _format_refused(view, zone)
    yield from _format_items(request)
    yield from _format_correspondence(request, zone)
    yield from _format_block("Timers", (f"  {format_minute(timer.at, zone)}  {timer.timer}" for timer in view.timers))
    yield from _format_block("History", (_format_history_line(line, zone) for line in view.history))
    kinds = [kind for kind in view.allowed if kind in BY_HAND]
    yield from _format_block("Possible actions (illgate request act NUMBER …)", _format_actions(view, kinds))


def _format_actions(view: RequestView, kinds: Iterable[EventKind]) -> Iterator[str]:
    for kind in kinds:
        yield f"  {format_act_usage(kind)}"
        if hint := view.hints.get(kind):
            yield f"      {hint}"


def _iter_request_facts(view: RequestView, zone: tzinfo) -> Iterator[tuple[str, str]]:
    request = view.request
    citation, terms, partner = request.citation, request.terms, request.partner
    yield from _iter_citation_facts(citation)
    service = request.service
    yield "service", " ".join(filter(None, (service.type.value, service.format, service.level)))
    yield "need by", format_day_or_minute(request.dates.need_by, zone)
    if request.role is Role.BORROWING:
        patron = request.patron
        yield "patron", f"{patron.identifier} ({patron.category})" if patron.identifier else patron.category
        yield "pickup", patron.pickup
        yield "patron's note", patron.note
    yield "partner", " ".join(filter(None, (partner.profile or partner.symbol, partner.name and f"({partner.name})")))
    yield "their number", request.transaction if request.role is Role.LENDING else ""
    if request.other_leg is not None:
        yield "brokered by" if request.role is Role.LENDING else "brokered for", request.other_leg.number
    supplier = find_supplier_party(request)
    if supplier.symbol != partner.symbol:
        named = f" ({supplier.name})" if supplier.name != supplier.symbol else ""
        yield "supplier", f"{supplier.symbol}{named}"
    yield "deliver to" if request.role is Role.LENDING else "return to", supplier.address
    yield "email", partner.email
    for extra in request.extras:
        yield extra.name, extra.value
    yield "item", request.item_barcode
    yield from _iter_copy_facts(view.located_copy)
    yield "due at lender", format_day_or_minute(terms.lender_due, zone)
    yield "due for patron", format_day_or_minute(terms.patron_due, zone)
    yield "conditions", ", ".join(terms.conditions)
    yield "renewals", f"{terms.renewals}" if terms.renewals else ""
    yield "costs at most", format_price(request.costs.maximum)
    yield "costs offered", format_price(request.costs.offered)
    yield "costs agreed", format_price(request.costs.agreed)
    yield "costs agreed by", request.costs.agreed_by
    yield "costs charged", format_price(request.costs.charged)
    yield "branch", request.branch
    yield "assigned to", request.assignee
    yield "labels", ", ".join(request.labels)
    yield "elsewhere", ", ".join(request.external)
    yield "created", f"{format_minute(request.created, zone)} ({request.source})"
    yield "changed", f"{format_minute(request.changed, zone)} (version {request.version})"
    yield "id", request.id


def _iter_copy_facts(copy: LocatedCopy | None) -> Iterator[tuple[str, str]]:
    if copy is None:
        return
    status = copy.status.value if copy.status is not None else ""
    yield "its call no.", copy.call_number
    yield "its place", copy.problem or ", ".join(filter(None, (format_copy_place(copy), status)))


def _iter_citation_facts(citation: Citation) -> Iterator[tuple[str, str]]:
    yield "type", citation.type.value
    yield "part", _join_title_and_author(citation.component_title, citation.component_author)
    yield "title", _join_title_and_author(": ".join(filter(None, (citation.title, citation.subtitle))), citation.author)
    imprint = (citation.edition, citation.place, citation.publisher, citation.published)
    yield "published", ", ".join(filter(None, imprint))
    where = (("vol. ", citation.volume), ("no. ", citation.issue), ("pp. ", citation.pages))
    yield "where", ", ".join(f"{name}{text}" for name, text in where if text)
    yield "series", citation.series
    yield "language", citation.language
    yield "call number", citation.call_number
    yield "numbers", ", ".join(f"{identifier.type}:{identifier.value}" for identifier in citation.identifiers)
    yield "remark", citation.note
    for extra in (*citation.extras,):
        yield extra.name, extra.value


def _join_title_and_author(title: str, author: str) -> str:
    return " / ".join(filter(None, (title, author)))


def _format_block(title: str, texts: Iterable[str]) -> Iterator[str]:
    """Format a block; nothing at all where there is nothing to say."""
    lines = list(texts)
    if lines:
        yield ""
        yield title
        yield from lines


def _format_table_block(title: str, heading: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    listed = list(rows)
    return _format_block(title, (f"  {line}" for line in format_table([heading, *listed])) if listed else ())


def _format_rota_block(request: Request) -> Iterator[str]:
    title = f"Rota {request.rota_name}".rstrip()
    rows = ((line.partner, line.standing.value, line.why) for line in request.rota)
    return _format_table_block(title, ("PARTNER", "STANDING", "WHY"), rows)


def _format_attempts(request: Request, zone: tzinfo) -> Iterator[str]:
    rows = (
        (
            f"{row.number}{'*' if row.number == request.current else ''}",
            row.partner,
            row.channel,
            row.transaction,
            format_minute(row.asked, zone),
            row.status.value,
            format_minute(row.answered, zone) if row.answered else "",
            "; ".join(filter(None, (row.reason, format_price(row.cost), ", ".join(row.conditions), row.note))),
        )
        for row in request.attempts
    )
    heading = ("NO", "PARTNER", "CHANNEL", "NUMBER", "ASKED", "STATUS", "ANSWERED", "SAID")
    yield from _format_table_block("Asked (* counts now)", heading, rows)
    behind = (
        (
            str(attempt.number),
            former.symbol,
            former.status.value,
            format_minute(former.at, zone),
            former.reason,
            former.note,
        )
        for attempt in request.attempts
        for former in attempt.former
    )
    titles = ("NO", "SUPPLIER", "STATUS", "SINCE", "REASON", "NOTE")
    yield from _format_table_block("Asked by a broker, and out", titles, behind)
    lines = (f"  {row.number} {row.partner}: {row.holdings}" for row in request.attempts if row.holdings)
    yield from _format_block("What catalogues said", lines)


def _unfinished(view: RequestView, zone: tzinfo) -> Iterator[str]:
    rows = (
        (
            f"{step.kind} {step.target}".rstrip(),
            step.status,
            format_minute(step.created, zone),
            str(step.tries),
            step.id,
            step.error,
        )
        for step in view.unfinished
    )
    heading = ("STEP", "STATUS", "SINCE", "TRIES", "ID", "WHY")
    yield from _format_table_block("Not done yet (dead: illgate outbox release|skip ID)", heading, rows)


def _format_refused(view: RequestView, zone: tzinfo) -> Iterator[str]:
    rows = (
        (
            step.event.value if step.event is not None else "",
            step.target,
            format_minute(step.created, zone),
            step.id,
            step.error,
        )
        for step in view.refused
    )
    heading = ("MESSAGE", "PARTNER", "SINCE", "ID", "WHY")
    yield from _format_table_block("Rejected by the partner (send again: illgate outbox release ID)", heading, rows)


def _format_items(request: Request) -> Iterator[str]:
    volumes = (
        (part.id, part.label, part.state.value, part.barcode, part.theirs, part.call_number) for part in request.volumes
    )
    heading = ("ID", "LABEL", "STATE", "BARCODE", "THEIRS", "CALL NUMBER")
    yield from _format_table_block("Volumes", heading, volumes)
    candidates = (
        (
            candidate.barcode,
            candidate.call_number,
            f"{candidate.confidence} %",
            candidate.how,
            "" if candidate.lendable else candidate.why_not or "not for loan",
            " / ".join(filter(None, (candidate.title, candidate.author))),
        )
        for candidate in request.candidates
    )
    heading = ("BARCODE", "CALL NUMBER", "SURE", "AGREES", "NOT LENT", "TITLE")
    yield from _format_table_block("May be meant", heading, candidates)
    files = (
        (file.id, file.name, file.media_type, f"{file.size} bytes", f"{file.pages} pages" if file.pages else "")
        for file in request.attachments
    )
    yield from _format_table_block("Files", ("ID", "NAME", "TYPE", "SIZE", ""), files)


def _format_correspondence(request: Request, zone: tzinfo) -> Iterator[str]:
    query = request.query
    if query is not None:
        answer = f" -> {query.answer}" if query.answer else " (open)"
        yield from _format_block("Asked of the patron", [f"  {format_minute(query.asked, zone)}  {query.text}{answer}"])
    yield from _format_block(
        "Notes", (f"  {format_minute(note.at, zone)}  {note.by}: {note.text}" for note in request.notes)
    )
    signed = (
        f"  {format_minute(entry.at, zone)}  {entry.by}: {'granted' if entry.granted else 'refused'}, {entry.basis}"
        for entry in request.sign_offs
    )
    yield from _format_block("Copyright", signed)


def _format_history_line(line: HistoryLine, zone: tzinfo) -> str:
    event = line.event
    moved = f" -> {line.after}" if line.after != line.before else ""
    attempt = f" no. {event.attempt}" if event.attempt else ""
    parts = [
        f"{name} {_format_detail_value(getattr(event.details, name), zone)}"
        for name in sorted(given_detail_names(event.details))
    ]
    why = f"  DID NOT FIT: {line.denied}" if line.denied else ""
    details = f"  [{'; '.join(parts)}]" if parts else ""
    note = f"  {line.note}" if line.note else ""
    return f"  {format_minute(line.at, zone)}  {event.actor}: {event.kind.value}{attempt}{moved}{details}{note}{why}"


def _format_detail_value(value: object, zone: tzinfo) -> str:
    match value:
        case Money():
            return format_price(value)
        case Citation():
            return value.short
        case NamedSupplier():
            return value.symbol or value.name
        case tuple():
            return ", ".join(str(part) for part in value)
        case datetime():
            return format_minute(value, zone)
    return str(value)
