"""`illgate request list|show` and `illgate task list|show`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, tzinfo
from typing import Any

import click

from gateway.cli.formatting import flags, table
from gateway.cli.installation import (
    Installation,
    cursor_option,
    day_or_minute,
    json_option,
    library_named,
    library_option,
    limit_option,
    minute,
    pass_installation,
    price,
    print_cursor,
    print_json,
    print_json_line,
    run,
)
from gateway.cli.request_actions import usage_of
from gateway.cli.request_options import Here, value_of
from gateway.configuration.yaml_document import nearest_match
from gateway.domain.library import Money
from gateway.domain.requests.action_fields import FieldType, given_detail_names
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.request import BorrowingState, LendingState, Request, Role
from gateway.domain.requests.task_lists import BY_NAME, DEAD_LETTERS
from gateway.domain.requests.views import HistoryLine, RequestFilter, RequestView, ResultPage
from gateway.domain.value import value
from gateway.runtime.managed_requests import Managed
from gateway.web.api.models.outputs import ActionOut, RequestLine, ShownOut
from gateway.web.api.operations.requests import BY_HAND, href

STATES = tuple(dict.fromkeys(state.value for state in (*BorrowingState, *LendingState)))

WIDTH = 17


@value
class Asked:
    """Which list, which page of it, and how it is shown."""

    symbol: str
    wanted: RequestFilter
    limit: int
    cursor: str
    as_json: bool


@click.command(name="list")
@click.option("--role", type=click.Choice([role.value for role in Role]), help="Of this side.")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), metavar="STATE", help="In one of these.")
@click.option("--task", type=click.Choice(tuple(BY_NAME)), metavar="NAME", help="On this list of `illgate task list`.")
@click.option("--partner", default="", metavar="PROFILE", help="With this partner.")
@click.option("--branch", default="", metavar="CODE", help="Of this branch.")
@click.option("--text", default="", metavar="TEXT", help="With this in number or title.")
@click.option("--need-by-before", "before", default="", metavar="DAY", help="Needed before this day.")
@click.option("--open/--all", "only_open", default=None, help="Closed ones too? Else only with --state or --task.")
@limit_option
@cursor_option
@library_option
@json_option
@pass_installation
def list_requests(installation: Installation, /, **said: Any) -> None:
    """Requests, last changed first.

    \b
    Examples:
      illgate request list
      illgate request list --role lending --state shipped
      illgate request list --task to-return
      illgate request list --text 'Кобзарь' --all
    """
    library = library_named(installation, said["symbol"])
    by_default = None if said["states"] or said["task"] else True
    here = Here(library.zone, library.currency)
    before = value_of(FieldType.DAY, said["before"], here, "need_by_before") if said["before"] else ""
    wanted = RequestFilter(
        role=Role(said["role"]) if said["role"] else None,
        states=said["states"],
        task=said["task"] or "",
        partner=said["partner"],
        text=said["text"],
        branch=said["branch"],
        open=by_default if said["only_open"] is None else said["only_open"] or None,
        need_by_before=date.fromisoformat(before) if before else None,
    )
    print_list(installation, Asked(library.symbol, wanted, said["limit"], said["cursor"], said["as_json"]))


def print_list(installation: Installation, asked: Asked) -> None:
    library = library_named(installation, asked.symbol)
    page = run(
        installation,
        lambda managed: managed.requests.listing(library.symbol, asked.wanted, asked.limit, asked.cursor),
    )
    if asked.as_json:
        for request in page:
            print_json_line(RequestLine.from_request(request))
    else:
        for line in _rows(page, library.zone):
            click.echo(line)
        if not page.items and asked.wanted.open:
            click.echo("(closed ones are listed by --all)", err=True)
    print_cursor(page.cursor)


def _rows(page: ResultPage[Request], zone: tzinfo) -> Iterator[str]:
    if not page.items:
        yield "no requests"
        return
    heading = ("NUMBER", "ROLE", "STATE", "FLAGS", "PARTNER", "NEED BY", "CHANGED", "TITLE")
    yield from table([heading, *(_row(request, zone) for request in page)])


def _row(request: Request, zone: tzinfo) -> tuple[str, ...]:
    return (
        request.number,
        request.role.value,
        request.state.value,
        flags(request),
        request.partner.profile,
        request.dates.need_by.isoformat() if request.dates.need_by is not None else "",
        minute(request.changed, zone),
        request.citation.short,
    )


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

    async def load_request_view(managed: Managed) -> RequestView:
        found = await managed.requests.find_request(library.symbol, number)
        return await managed.requests.show(library.symbol, found.id)

    shown = run(installation, load_request_view)
    if as_json:
        place = href(shown.request.id)
        kinds = [kind for kind in shown.allowed if kind in BY_HAND]
        print_json(
            ShownOut.from_request_view(
                shown, tuple(ActionOut.from_kind(kind, f"{place}/actions/{kind.value}") for kind in kinds)
            )
        )
        return
    for line in lines(shown, library.zone):
        click.echo(line)


def lines(shown: RequestView, zone: tzinfo) -> Iterator[str]:
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


def _unfinished(shown: RequestView, zone: tzinfo) -> Iterator[str]:
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
    said = [f"{name} {_text(getattr(event.details, name), zone)}" for name in sorted(given_detail_names(event.details))]
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


@click.group(name="task")
def task_command() -> None:
    """What waits for staff."""


@task_command.command(name="list")
@click.option("--all", "also_empty", is_flag=True, help="Empty lists too.")
@library_option
@pass_installation
def list_tasks(installation: Installation, also_empty: bool, symbol: str) -> None:
    """All lists with something on them, and how much that is."""
    library = library_named(installation, symbol)
    found = run(installation, lambda managed: managed.desk.tasks(library.symbol))
    rows = [(one.name, one.role, str(one.count), one.description) for one in found if one.count or also_empty]
    if not rows:
        click.echo("nothing waits for staff")
        return
    for line in table([("NAME", "ROLE", "COUNT", "WHAT"), *rows]):
        click.echo(line)


@task_command.command(name="show")
@click.argument("name")
@limit_option
@cursor_option
@library_option
@json_option
@pass_installation
def show_task(installation: Installation, name: str, limit: int, cursor: str, symbol: str, as_json: bool) -> None:
    """The requests on one list, last changed first."""
    if name == DEAD_LETTERS:
        raise click.UsageError("these are no requests: illgate outbox list")
    if name not in BY_NAME:
        near = nearest_match(name, BY_NAME)
        hint = f"; did you mean '{near}'?" if near else ""
        raise click.UsageError(f"no such list: {name}{hint} All: illgate task list --all")
    print_list(installation, Asked(symbol, RequestFilter(task=name), limit, cursor, as_json))
