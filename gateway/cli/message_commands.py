"""`illgate message list|show|read`: what partners wrote about requests, and who has read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

import click

from gateway.cli.formatting import format_table, print_lines
from gateway.cli.installation import (
    CommandFailed,
    Installation,
    cursor_option,
    format_minute,
    library_option,
    limit_option,
    pass_installation,
    print_cursor,
    require_library,
    staff_option,
)
from gateway.cli.managed_requests import read_from_library, run_on_library
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Role
from gateway.domain.requests.views import MessageView
from gateway.ports.command_output import json_option, print_json_lines
from gateway.services.libraries.library_services import LibraryServices
from gateway.web.api.models.messages import MessageOut

TEXT_WIDTH = 60
"""Characters of a message in a list; `message show` has all of it."""


@click.group(name="message")
def message_command() -> None:
    """List messages from partners, show conversations, and mark messages as read."""


@message_command.command(name="list")
@click.option(
    "--role", type=click.Choice([role.value for role in Role]), help="Only borrowing or only lending requests."
)
@limit_option
@cursor_option
@library_option
@json_option
@pass_installation
def list_unread_messages(
    installation: Installation, role: str | None, limit: int, cursor: str, symbol: str, as_json: bool
) -> None:
    """List unread messages from partners, oldest first."""
    library = require_library(installation, symbol)
    side = Role(role) if role else None
    page = read_from_library(installation, library, lambda services: services.messages.list_unread(side, limit, cursor))
    if as_json:
        print_json_lines(MessageOut.from_message_view(view) for view in page)
    elif not page.items:
        click.echo("no unread messages")
    else:
        rows = [
            (format_minute(view.at, library.zone), view.request.number, view.partner, view.id, _shorten_text(view))
            for view in page
        ]
        print_lines(format_table([("CAME", "REQUEST", "PARTNER", "ID", "TEXT"), *rows]))
    print_cursor(page.cursor)


@message_command.command(name="show")
@click.argument("number", metavar="NUMBER")
@library_option
@json_option
@pass_installation
def show_conversation(installation: Installation, number: str, symbol: str, as_json: bool) -> None:
    """Show the messages exchanged about a request, oldest first. They are not marked as read."""
    library = require_library(installation, symbol)

    async def load_conversation(services: LibraryServices) -> Sequence[MessageView]:
        request = await services.requests.find_request(number)
        return await services.messages.list_messages(request.id)

    messages = read_from_library(installation, library, load_conversation)
    if as_json:
        print_json_lines(MessageOut.from_message_view(message) for message in messages)
        return
    if not messages:
        click.echo("no messages")
    print_lines(format_conversation(messages, library.zone))


@message_command.command(name="read")
@click.argument("number", metavar="NUMBER")
@click.argument("messages", metavar="[MESSAGE]...", nargs=-1)
@staff_option
@library_option
@pass_installation
def mark_messages_read(
    installation: Installation, number: str, messages: tuple[str, ...], actor: str, symbol: str
) -> None:
    """Mark messages of a request as read. Without MESSAGE, all current messages are marked.

    A reply marks the messages that it answers: `illgate request act NUMBER message --note …`.
    """
    library = require_library(installation, symbol)

    async def mark_and_count(services: LibraryServices) -> int:
        request = await services.requests.find_request(number)
        views = await services.messages.list_messages(request.id)
        unread = {message.id for message in views if message.unread}
        if unknown := set(messages) - {message.id for message in views if not message.ours}:
            raise CommandFailed(f"{number} has no message {', '.join(sorted(unknown))} of its partner")
        read = unread & set(messages) if messages else unread
        await services.messages.mark_read(request.id, read, actor)
        return len(read)

    count = run_on_library(installation, library, mark_and_count)
    click.echo(f"{number}: {count} messages read" if count else f"{number}: nothing was unread")


def format_conversation(messages: Sequence[MessageView], zone: tzinfo) -> Iterator[str]:
    for view in messages:
        kind = "" if view.event.kind is EventKind.MESSAGE else f" ({view.event.kind.value})"
        yield f"{format_minute(view.at, zone)}  {view.event.actor}{kind}  {_describe_reading(view, zone)}".rstrip()
        for line in view.event.details.note.splitlines():
            yield f"    {line}"
        if view.denied:
            yield f"    DID NOT FIT: {view.denied}"


def _describe_reading(message: MessageView, zone: tzinfo) -> str:
    if message.ours:
        return f"[{message.sending}]" if message.sending and message.sending != "done" else ""
    if message.read_at is None:
        return f"UNREAD {message.id}"
    return f"read by {message.read_by}, {format_minute(message.read_at, zone)}"


def _shorten_text(message: MessageView) -> str:
    text = " ".join(message.event.details.note.split()) or message.event.kind.value
    return text if len(text) <= TEXT_WIDTH else f"{text[: TEXT_WIDTH - 1]}…"
