"""`illgate request show`: all that belongs to one request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo

import click

from gateway.cli.context import Installation, pass_installation
from gateway.cli.managed import day_or_minute, json_option, library_option, minute, price, print_json, run
from gateway.cli.opened import library_named
from gateway.cli.request.acting import usage_of
from gateway.cli.request.listing import flags
from gateway.cli.texts import table
from gateway.domain.library import Money
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.fields import given_names
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.views import HistoryLine, Shown
from gateway.runtime.managed import Managed
from gateway.web.api.models.outputs import ActionOut, ShownOut
from gateway.web.api.operations.requests import BY_HAND, href

WIDTH = 17


@click.command(name="show")
@click.argument("number", metavar="NUMBER|ID")
@library_option
@json_option
@pass_installation
def show_request(installation: Installation, number: str, symbol: str, as_json: bool) -> None:
    """A request: what is asked for, how it stands, whom it was asked of, its history, and what can be done now.

    \b
    Examples:
      illgate request show B2026-00017
      illgate request show B2026-00017 --json
    """
    library = library_named(installation, symbol)

    async def work(managed: Managed) -> Shown:
        found = await managed.requests.find(library.symbol, number)
        return await managed.requests.show(library.symbol, found.id)

    shown = run(installation, work)
    if as_json:
        place = href(shown.request.id)
        kinds = [kind for kind in shown.allowed if kind in BY_HAND]
        print_json(ShownOut.of(shown, tuple(ActionOut.of(kind, f"{place}/actions/{kind.value}") for kind in kinds)))
        return
    for line in lines(shown, library.zone):
        click.echo(line)


def lines(shown: Shown, zone: tzinfo) -> Iterator[str]:
    request = shown.request
    marks = flags(request)
    yield f"{request.number}  {request.role.value}, {request.state.value}{f' ({marks})' if marks else ''}"
    for name, text in _facts(request, zone):
        if text:
            yield f"  {name + ':':<{WIDTH}}{text}"
    yield from _block("Warnings", (f"  {warning}" for warning in request.warnings))
    yield from _rota(request)
    yield from _attempts(request, zone)
    yield from _unfinished(shown, zone)
    yield from _items(request)
    yield from _talk(request, zone)
    yield from _block("Timers", (f"  {minute(one.at, zone)}  {one.timer}" for one in shown.timers))
    yield from _block("History", (_event(line, zone) for line in shown.history))
    kinds = [kind for kind in shown.allowed if kind in BY_HAND]
    yield from _block("What can be done now (illgate request act NUMBER …)", (f"  {usage_of(kind)}" for kind in kinds))


def _facts(request: Request, zone: tzinfo) -> Iterator[tuple[str, str]]:
    citation, terms, partner = request.citation, request.terms, request.partner
    yield from _citation(citation)
    service = request.service
    yield "service", " ".join(filter(None, (service.type.value, service.format, service.level)))
    yield "need by", day_or_minute(request.dates.need_by, zone)
    if request.role is Role.BORROWING:
        patron = request.patron
        yield "patron", f"{patron.identifier} ({patron.category})" if patron.identifier else patron.category
        yield "pickup", patron.pickup
        yield "patron's remark", patron.note
    yield "partner", " ".join(filter(None, (partner.profile or partner.symbol, partner.name and f"({partner.name})")))
    yield "their number", request.transaction if request.role is Role.LENDING else ""
    yield "item", request.item_barcode
    yield "due at lender", day_or_minute(terms.lender_due, zone)
    yield "due for patron", day_or_minute(terms.patron_due, zone)
    yield "conditions", ", ".join(terms.conditions)
    yield "renewals", f"{terms.renewals}" if terms.renewals else ""
    yield "costs at most", price(request.costs.maximum)
    yield "costs agreed", price(request.costs.agreed)
    yield "costs charged", price(request.costs.charged)
    yield "branch", request.branch
    yield "elsewhere", ", ".join(request.external)
    yield "created", f"{minute(request.created, zone)} ({request.source})"
    yield "changed", f"{minute(request.changed, zone)} (version {request.version})"
    yield "id", request.id


def _citation(citation: Citation) -> Iterator[tuple[str, str]]:
    yield "type", citation.type.value
    yield "part", _by(citation.component_title, citation.component_author)
    yield "title", _by(": ".join(filter(None, (citation.title, citation.subtitle))), citation.author)
    imprint = (citation.edition, citation.place, citation.publisher, citation.published)
    yield "published", ", ".join(filter(None, imprint))
    where = (("vol. ", citation.volume), ("no. ", citation.issue), ("pp. ", citation.pages))
    yield "where", ", ".join(f"{name}{text}" for name, text in where if text)
    yield "series", citation.series
    yield "language", citation.language
    yield "call number", citation.call_number
    yield "numbers", ", ".join(f"{one.type}:{one.value}" for one in citation.identifiers)
    yield "remark", citation.note
    for extra in (*citation.extras,):
        yield extra.name, extra.value


def _by(title: str, author: str) -> str:
    return " / ".join(filter(None, (title, author)))


def _block(title: str, texts: Iterable[str]) -> Iterator[str]:
    """Nothing at all where there is nothing to say."""
    found = list(texts)
    if found:
        yield ""
        yield title
        yield from found


def _table(title: str, heading: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    found = list(rows)
    return _block(title, (f"  {line}" for line in table([heading, *found])) if found else ())


def _rota(request: Request) -> Iterator[str]:
    title = f"Rota {request.rota_name}".rstrip()
    rows = ((line.partner, line.standing.value, line.why) for line in request.rota)
    return _table(title, ("PARTNER", "STANDING", "WHY"), rows)


def _attempts(request: Request, zone: tzinfo) -> Iterator[str]:
    rows = (
        (
            f"{one.number}{'*' if one.number == request.current else ''}",
            one.partner,
            one.channel,
            one.transaction,
            minute(one.asked, zone),
            one.status.value,
            minute(one.answered, zone) if one.answered else "",
            "; ".join(filter(None, (one.reason, price(one.cost), ", ".join(one.conditions), one.note))),
        )
        for one in request.attempts
    )
    heading = ("NO", "PARTNER", "CHANNEL", "NUMBER", "ASKED", "STATUS", "ANSWERED", "SAID")
    yield from _table("Asked (* counts now)", heading, rows)
    said = (f"  {one.number} {one.partner}: {one.holdings}" for one in request.attempts if one.holdings)
    yield from _block("What catalogues said", said)


def _unfinished(shown: Shown, zone: tzinfo) -> Iterator[str]:
    rows = (
        (f"{one.kind} {one.target}".rstrip(), one.status, minute(one.created, zone), str(one.tries), one.id, one.error)
        for one in shown.unfinished
    )
    heading = ("STEP", "STATUS", "SINCE", "TRIES", "ID", "WHY")
    yield from _table("Not done yet (dead: illgate outbox release|skip ID)", heading, rows)


def _items(request: Request) -> Iterator[str]:
    volumes = ((one.id, one.label, one.state.value, one.barcode, one.theirs) for one in request.volumes)
    yield from _table("Volumes", ("ID", "LABEL", "STATE", "BARCODE", "THEIRS"), volumes)
    candidates = (
        (
            one.barcode,
            one.call_number,
            f"{one.confidence} %",
            one.how,
            "" if one.lendable else one.why_not or "not lent",
            " / ".join(filter(None, (one.title, one.author))),
        )
        for one in request.candidates
    )
    heading = ("BARCODE", "CALL NUMBER", "SURE", "AGREES", "NOT LENT", "TITLE")
    yield from _table("May be meant", heading, candidates)
    files = (
        (one.id, one.name, one.media_type, f"{one.size} bytes", f"{one.pages} pages" if one.pages else "")
        for one in request.attachments
    )
    yield from _table("Files", ("ID", "NAME", "TYPE", "SIZE", ""), files)


def _talk(request: Request, zone: tzinfo) -> Iterator[str]:
    query = request.query
    if query is not None:
        answer = f" -> {query.answer}" if query.answer else " (open)"
        yield from _block("Asked of the patron", [f"  {minute(query.asked, zone)}  {query.text}{answer}"])
    yield from _block("Notes", (f"  {minute(one.at, zone)}  {one.by}: {one.text}" for one in request.notes))
    signed = (
        f"  {minute(one.at, zone)}  {one.by}: {'granted' if one.granted else 'refused'}, {one.basis}"
        for one in request.sign_offs
    )
    yield from _block("Copyright", signed)


def _event(line: HistoryLine, zone: tzinfo) -> str:
    event = line.event
    moved = f" -> {line.after}" if line.after != line.before else ""
    attempt = f" no. {event.attempt}" if event.attempt else ""
    said = [f"{name} {_text(getattr(event.details, name), zone)}" for name in sorted(given_names(event.details))]
    why = f"  DID NOT FIT: {line.denied}" if line.denied else ""
    details = f"  [{'; '.join(said)}]" if said else ""
    note = f"  {line.note}" if line.note else ""
    return f"  {minute(line.at, zone)}  {event.actor}: {event.kind.value}{attempt}{moved}{details}{note}{why}"


def _text(value: object, zone: tzinfo) -> str:
    match value:
        case Money():
            return price(value)
        case Citation():
            return value.short
        case tuple():
            return ", ".join(str(one) for one in value)
        case datetime():
            return minute(value, zone)
    return str(value)
