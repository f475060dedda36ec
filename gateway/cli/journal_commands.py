"""`illgate journal`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.cli.formatting import format_local_time, format_table, parse_moment, print_lines
from gateway.cli.installation import (
    REFUSED,
    Installation,
    library_option,
    pass_installation,
    require_library,
)
from gateway.cli.message_exchange import body_errors_as_configuration, open_journal
from gateway.configuration.yaml_document import display_path
from gateway.domain.clock import Clock
from gateway.domain.value import replace
from gateway.ports.command_output import json_option, print_json_lines
from gateway.ports.responder import OutcomeClass
from gateway.ports.shared_store import Store
from gateway.services.requests.conversations import find_request_names
from gateway.settings import LibrarySettings
from gateway.store.journal import Journal
from gateway.store.journal_records import (
    OFFICE,
    FullMessage,
    JournalFilter,
    JournalMessage,
    JournalPage,
    MessageDirection,
    format_json_line,
    make_file_name,
)
from gateway.web.message_texts import pretty_print

F = TypeVar("F", bound=Callable[..., Any])

FOLLOW_SECONDS = 1.0
"""So often `journal follow` looks for new messages."""

LATE_BY = timedelta(minutes=2)
"""A message is stored at most so long after it began, unless it is there as pending."""

PAGE_ROWS = 500

TOLD_EVERY = 1_000
"""Messages after which an export says how far it is."""


@click.group(name="journal")
def journal_command() -> None:
    """List, show and export messages sent and received.

    The content of messages contains patron names. Only `show` and `export` print it, and it is deleted after the
    retention period set in gateway.yml.
    """


_DIRECTION = click.option(
    "--direction", type=click.Choice([way.value for way in MessageDirection]), help="Direction: received or sent."
)
_OFFICE = click.option(
    "--office", is_flag=True, help="Messages of strangers to addresses that name none of several libraries."
)
_FILTERS = (
    click.option("--profile", default="", help="Only messages of this profile."),
    click.option("--service", default="", help="Only this service, such as AcceptItem."),
    click.option("--outcome", type=click.Choice([kind.value for kind in OutcomeClass]), help="Only this outcome."),
    click.option("--reason", default="", metavar="CODE", help="Only this reason, such as bad-pickup-location."),
    click.option(
        "--request",
        default="",
        metavar="NUMBER",
        help="Only messages about the request with this number of any kind.",
    ),
    click.option("--item", default="", metavar="BARCODE", help="Only messages about this item."),
    click.option("--note", default="", metavar="WORDS", help="Only messages with these words in the note."),
    click.option(
        "--since",
        metavar="TIME",
        help="Start time: today, 2026-03-01, 2026-03-01T18:00, or a time ago such as 2h or 3d.",
    ),
    click.option("--until", metavar="TIME", help="End time (exclusive)."),
)


def add_filter_options(function: F) -> F:
    """The options that say which messages of a library are meant, whichever way they went."""
    for option in reversed((library_option, *_FILTERS)):
        function = option(function)
    return function


def make_journal_filter(installation: Installation, library: LibrarySettings, args: dict[str, Any]) -> JournalFilter:
    now = installation.clock.now()
    since, until = (parse_moment(args[name], now, library.zone) if args[name] else None for name in ("since", "until"))
    return JournalFilter(
        OFFICE if args.get("office") else library.symbol,
        profile=args["profile"],
        service=args["service"],
        outcome=OutcomeClass(args["outcome"]) if args["outcome"] else None,
        reason=args["reason"],
        direction=MessageDirection(args["direction"]) if args.get("direction") else None,
        request_id=args["request"],
        item_id=args["item"],
        since=since,
        until=until,
        note=args["note"],
    )


def _find_owner(installation: Installation, symbol: str, office: bool) -> LibrarySettings:
    """Find the library whose messages are meant, or the first one, whose clock the office goes by. Raises
    click.UsageError."""
    if office and symbol:
        raise click.UsageError("--office and --library exclude each other")
    return installation.settings.served_libraries[0] if office else require_library(installation, symbol)


async def include_whole_conversation(store: Store, journal_filter: JournalFilter) -> JournalFilter:
    """Include, with `--request`, all messages about a managed request, whatever they call it."""
    if not journal_filter.request_id:
        return journal_filter
    names = await store.read(lambda c: find_request_names(c, journal_filter.library, journal_filter.request_id))
    return replace(journal_filter, managed_request=names)


# --- list ----------------------------------------------------------------------------------------------------


@journal_command.command(name="list")
@add_filter_options
@_DIRECTION
@_OFFICE
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Maximum number of rows.")
@click.option("--cursor", default="", help="Continue from the cursor of a previous list.")
@json_option
@pass_installation
def list_journal_messages(
    installation: Installation, /, symbol: str, limit: int, cursor: str, as_json: bool, **options: Any
) -> None:
    """List messages sent and received, newest first, without content. The IDs of a message and its answer end in -1
    and -2.

    \b
    Examples:
      illgate journal list --since today
      illgate journal list --outcome refused --profile illiad-alma
      illgate journal list --request ILL-1001
      illgate journal list --json --limit 1000
    """
    library = _find_owner(installation, symbol, options["office"])
    page = asyncio.run(
        _read_journal_page(installation, make_journal_filter(installation, library, options), limit, cursor)
    )
    if as_json:
        print_json_lines(page.messages)
    else:
        print_lines(_format_journal_page(page, library.zone))
    if page.cursor:
        click.echo(f"more: --cursor {page.cursor}", err=True)


async def _read_journal_page(installation: Installation, wanted: JournalFilter, limit: int, cursor: str) -> JournalPage:
    async with open_journal(installation) as (journal, store):
        return await journal.list_messages(await include_whole_conversation(store, wanted), limit, cursor)


def _format_journal_page(page: JournalPage, zone: tzinfo) -> Iterator[str]:
    if not page.messages:
        yield "no messages"
        return
    heading = ("TIME", "", "PROFILE", "SERVICE", "OUTCOME", "REQUEST", "ITEM", "MS", "ID")
    yield from format_table([heading, *(_format_message_row(message, zone) for message in page.messages)])


def _format_message_row(m: JournalMessage, zone: tzinfo) -> tuple[str, ...]:
    outcome = f"{m.outcome.value}: {m.reason}" if m.reason else m.outcome.value
    took = f"{m.duration_ms:.0f}" if m.duration_ms else ""
    moment = format_local_time(m.at, zone)
    return moment, m.direction.value, m.profile, m.service, outcome, m.request_id, m.item_id, took, m.id


# --- follow --------------------------------------------------------------------------------------------------


@journal_command.command(name="follow")
@add_filter_options
@_DIRECTION
@_OFFICE
@json_option
@pass_installation
def follow_journal(installation: Installation, /, symbol: str, as_json: bool, **options: Any) -> None:
    """List new messages, without content, until Ctrl-C.

    A message appears when it has been processed. With --since, those since that time come first.

    \b
    Examples:
      illgate journal follow
      illgate journal follow --profile illiad-alma --outcome refused
      illgate journal follow --since 10m --json
    """
    if options["until"]:
        raise click.UsageError("--until is for journal list: journal follow has no end")
    library = _find_owner(installation, symbol, options["office"])
    wanted = make_journal_filter(installation, library, options)
    if wanted.since is None:
        wanted = replace(wanted, since=installation.clock.now())

    async def print_messages() -> None:
        async with open_journal(installation) as (journal, store):
            async for message in _follow_messages(journal, store, wanted, installation.clock):
                if as_json:
                    print_json_lines((message,))
                else:
                    click.echo("  ".join(filter(None, _format_message_row(message, library.zone))))

    with suppress(KeyboardInterrupt):
        asyncio.run(print_messages())


async def _follow_messages(
    journal: Journal, store: Store, wanted: JournalFilter, clock: Clock
) -> AsyncIterator[JournalMessage]:
    """Each message once, oldest first, when it is processed. A message may be stored after one that began later, so the
    last LATE_BY is looked through again each time."""
    assert wanted.since is not None
    since, printed = wanted.since, dict[str, datetime]()
    while True:
        messages = await _list_whole_journal(
            journal, await include_whole_conversation(store, replace(wanted, since=since))
        )
        pending = [message.at for message in messages if message.outcome is OutcomeClass.PENDING]
        for message in reversed(messages):
            if message.outcome is not OutcomeClass.PENDING and message.id not in printed:
                printed[message.id] = message.at
                yield message
        since = max(since, min((clock.now() - LATE_BY, *pending)))
        printed = {id_: at for id_, at in printed.items() if at >= since}
        await asyncio.sleep(FOLLOW_SECONDS)


async def _list_whole_journal(journal: Journal, wanted: JournalFilter) -> list[JournalMessage]:
    """All that fit, newest first."""
    page = await journal.list_messages(wanted, PAGE_ROWS)
    messages = list(page.messages)
    while page.cursor:
        page = await journal.list_messages(wanted, PAGE_ROWS, page.cursor)
        messages += page.messages
    return messages


# --- show ----------------------------------------------------------------------------------------------------


@journal_command.command(name="show")
@click.argument("identifier", metavar="ID")
@click.option("--library", "symbol", default="", metavar="SYMBOL", help="Library, if the installation has several.")
@_OFFICE
@click.option("--raw", is_flag=True, help="Print only the content of message ID, byte for byte as sent or received.")
@json_option
@pass_installation
@click.pass_context
def show_message(
    ctx: click.Context, installation: Installation, identifier: str, symbol: str, office: bool, raw: bool, as_json: bool
) -> None:
    """Show a message and its answer with their content. ID is the ID of the message or of the exchange.

    With --json, the content is in base64, as in `journal export`.

    \b
    Examples:
      illgate journal show 0006430d0c7a1b0000a1b2c3-1
      illgate journal show 0006430d0c7a1b0000a1b2c3-1 --raw > message.xml
    """
    library = _find_owner(installation, symbol, office)
    messages = asyncio.run(_read_exchange(installation, OFFICE if office else library.symbol, identifier))
    if not messages:
        raise click.UsageError(f"message not found: {identifier}")
    if raw:
        named = [message for message in messages if message.message.id == identifier] or list(messages[:1])
        body = named[0].body
        if body is None:
            click.echo("the content is no longer kept", err=True)
            ctx.exit(REFUSED)
        click.echo(body, nl=False)
        return
    formatted = (
        (format_json_line(each),) if as_json else _format_full_message(each, library.zone) for each in messages
    )
    print_lines(line for lines in formatted for line in lines)


async def _read_exchange(installation: Installation, library: str, identifier: str) -> tuple[FullMessage, ...]:
    with body_errors_as_configuration():
        async with open_journal(installation) as (journal, _store):
            return await journal.get_exchange(library, identifier)


def _format_full_message(full_message: FullMessage, zone: tzinfo) -> Iterator[str]:
    m = full_message.message
    yield f"{'<-' if m.direction is MessageDirection.IN else '->'} {m.service or '(unknown)'}  {m.id}"
    facts = {
        "time": format_local_time(m.at, zone),
        "outcome": f"{m.outcome.value} ({m.reason})" if m.reason else m.outcome.value,
        "note": m.note,
        "profile": m.profile,
        "protocol": f"{m.protocol} {m.version}".strip() + f" over {m.transport}",
        "peer": m.peer,
        "from": m.from_agency,
        "to": m.to_agency,
        "request": m.request_id,
        "item": m.item_id,
        "took": f"{m.duration_ms:.1f} ms" if m.duration_ms else "",
        "status": str(m.status or ""),
        "content type": m.content_type,
        "size": f"{m.body_size} bytes" + (", kept in part" if m.truncated else ""),
        "repeat of": m.repeat_of,
        "replay of": m.replay_of,
    }
    for name, text in facts.items():
        if text:
            yield f"   {name + ':':<14}{text}"
    yield ""
    yield "(its content is no longer kept)" if full_message.body is None else pretty_print(full_message.body)
    yield ""


# --- export --------------------------------------------------------------------------------------------------


@journal_command.command(name="export")
@add_filter_options
@_DIRECTION
@_OFFICE
@click.option("--to", "target", type=click.Path(path_type=Path), required=True, metavar="FILE|DIR")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@pass_installation
def export_messages(installation: Installation, /, symbol: str, target: Path, force: bool, **options: Any) -> None:
    """Export messages with their content, newest first. If the target is a file, messages are written as lines of JSON
    with the content in base64. If it is an existing folder, each content is written to a file of its own.

    \b
    Examples:
      illgate journal export --since 2026-03-01 --until 2026-04-01 --to march.jsonl
      illgate journal export --request ILL-1001 --to /tmp/ill-1001/
    """
    library = _find_owner(installation, symbol, options["office"])
    if target.is_file() and not force:
        raise click.UsageError(f"{display_path(target)} exists; use --force to overwrite it")
    write = _write_into_folder if target.is_dir() else _append_to_file
    if write is _append_to_file:
        target.write_bytes(b"")
        target.chmod(0o600)  # it names patrons
    journal_filter = make_journal_filter(installation, library, options)
    count = asyncio.run(_write_messages(installation, journal_filter, lambda message: write(target, message)))
    click.echo(f"{count} messages written to {display_path(target)}")


async def _write_messages(
    installation: Installation, journal_filter: JournalFilter, write: Callable[[FullMessage], int]
) -> int:
    count = 0
    with body_errors_as_configuration():
        async with open_journal(installation) as (journal, store):
            async for message in journal.export_messages(await include_whole_conversation(store, journal_filter)):
                count += write(message)
                if count and count % TOLD_EVERY == 0:
                    click.echo(f"{count} messages …", err=True)
    return count


def _append_to_file(file: Path, message: FullMessage) -> int:
    with file.open("a", encoding="utf-8") as out:
        out.write(f"{format_json_line(message)}\n")
    return 1


def _write_into_folder(folder: Path, message: FullMessage) -> int:
    """0: its content is no longer kept."""
    if message.body is None:
        return 0
    file = folder / make_file_name(message)
    file.touch(mode=0o600)
    file.write_bytes(message.body)
    return 1
