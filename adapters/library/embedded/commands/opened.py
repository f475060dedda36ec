"""A command's work on one library, and how its result is printed."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, fields
from datetime import date, datetime, tzinfo
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.termui import progressbar
from sqlalchemy import Connection

from adapters.library.embedded.here import Here
from gateway.domain.frozen import frozen
from gateway.ports.adapter import CommandContext, Desk, LibraryContext, OpenLibrary
from gateway.ports.library import LibrarySystem

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
WIDEST = 48


@frozen
class Opened:
    """An open library, as commands need it."""

    commands: CommandContext
    library: OpenLibrary

    @property
    def system(self) -> LibrarySystem:
        return self.library.system

    @property
    def context(self) -> LibraryContext:
        return self.library.context

    @property
    def here(self) -> Here:
        c = self.context
        return Here(c.library, c.clock.now(), c.zone, c.currency)

    @property
    def desk(self) -> Desk:
        """Raises ConfigurationError."""
        return self.commands.desk(self.library)

    async def read(self, work: Callable[[Connection, Here], T]) -> T:
        here = self.here
        return await self.context.store.read(lambda connection: work(connection, here))

    async def write(self, work: Callable[[Connection, Here], T]) -> T:
        here = self.here
        return await self.context.store.write(lambda connection: work(connection, here))


def run(ctx: click.Context, work: Callable[[Opened], Awaitable[T]]) -> T:
    """Open the library that the command line names, do the work, close."""

    async def main() -> T:
        commands: CommandContext = ctx.obj
        async with commands.library(ctx.meta.get("library", "")) as found:
            return await work(Opened(commands, found))

    return asyncio.run(main())


as_json = click.option("--json", "json_", is_flag=True, help="As JSON, for programs.")
at_most = click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="Most lines shown.")


def progress_bar(label: str, length: int) -> AbstractContextManager[Any]:
    """On standard error, so that results can be piped."""
    return progressbar(length=length, label=label, file=sys.stderr)


def print_lines(lines: Sequence[DataclassInstance], json_: bool, zone: tzinfo) -> None:
    """A table under the names of the fields, or a JSON list."""
    if json_:
        print_json([asdict(line) for line in lines])
        return
    if not lines:
        click.echo("none")
        return
    names = [field.name for field in fields(lines[0])]
    rows = [[_cell(getattr(line, name), zone) for name in names] for line in lines]
    widths = [max(len(row[n]) for row in [names, *rows]) for n in range(len(names))]
    for row in [[name.replace("_", " ") for name in names], *rows]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_one(value: DataclassInstance, json_: bool, zone: tzinfo) -> None:
    """One field a line, without the empty ones; or a JSON object."""
    if json_:
        print_json(asdict(value))
        return
    for field in fields(value):
        shown = getattr(value, field.name)
        if shown not in ("", None, (), False):
            click.echo(f"{field.name.replace('_', ' '):<18}{_text(shown, zone)}")


def print_json(value: Any) -> None:
    click.echo(json.dumps(_plain(value), ensure_ascii=False, indent=2))


def _cell(value: Any, zone: tzinfo) -> str:
    text = _text(value, zone)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def _text(value: Any, zone: tzinfo) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, tuple | list | frozenset):
        return ", ".join(_text(part, zone) for part in value)
    if hasattr(value, "__dataclass_fields__"):
        parts = (_text(getattr(value, field.name), zone) for field in fields(value))
        return " ".join(part for part in parts if part)
    return str(value)


def _plain(value: Any) -> Any:
    """What json can write: moments in ISO 8601, amounts as text."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, frozenset):
        return sorted(_plain(part) for part in value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
