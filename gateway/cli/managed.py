"""What commands on managed requests open, and how they say what went wrong.

They work beside a running daemon, on the same store: what is to be sent is left to its worker, what the library must
say yes to is asked at once.
"""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import date, datetime, tzinfo
from typing import IO, Any, TypeVar

import click
from pydantic import BaseModel

from gateway.cli.context import Installation
from gateway.cli.exits import REFUSED
from gateway.configuration.problems import ConfigurationError
from gateway.domain.library import Money
from gateway.domain.problems import Refused
from gateway.domain.requests.views import BadCursor, NotNow, NotThere, Outdated
from gateway.runtime.managed import Managed
from gateway.services.outbox.worker import start_of
from gateway.store.journal import Journal

T = TypeVar("T")

STAFF = "ILLGATE_STAFF"
LONGEST_NAME = 100

library_option = click.option(
    "--library", "symbol", default="", metavar="SYMBOL", help="Of this library, where there are several."
)
json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, as the API shows it.")
limit_option = click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="Most rows.")
cursor_option = click.option("--cursor", default="", help="Go on where the list before stopped.")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise click.UsageError(f"who does this? say --as NAME, or set {STAFF}") from None


def _actor(_ctx: click.Context, _param: click.Parameter, name: str) -> str:
    if not name.isprintable() or not name.strip() or len(name) > LONGEST_NAME:
        raise click.BadParameter(f"must be 1 to {LONGEST_NAME} printable characters")
    return f"staff:{name.strip()}"


staff_option = click.option(
    "--as",
    "actor",
    envvar=STAFF,
    show_envvar=True,
    default=_user,
    callback=_actor,
    metavar="NAME",
    help="Who does this, for the history; else your user name.",
)


class NotDone(click.ClickException):
    """Refused, in one sentence; exit code 1."""

    exit_code = REFUSED

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.format_message(), file=file, err=file is None)


# --- opening -------------------------------------------------------------------------------------------------


@asynccontextmanager
async def open_managed(installation: Installation) -> AsyncIterator[Managed]:
    """The store up to date, libraries open, profiles and policies whole.

    Raises ConfigurationError, SchemaTooNew, Unavailable.
    """
    profiles, policies = installation.profiles, installation.policies
    problems = (*profiles.problems, *policies.problems)
    if problems:
        raise ConfigurationError(problems)
    parts = installation.parts
    async with installation.store() as store:
        managed = Managed(
            settings=installation.settings,
            adapters=installation.adapters,
            clock=installation.clock,
            secrets=parts.secrets,
            store=store,
            journal=Journal(store, parts.journal_options()),
            libraries=await parts.open_libraries(store),
            profiles=lambda: profiles.profiles,
            policies=policies.policies.of,
            node=start_of("command"),  # no place of the daemon's: a start of it leaves our rows to us
        )
        try:
            await managed.network.recall(managed.houses)
            yield managed
        finally:
            await managed.close()


def run(installation: Installation, work: Callable[[Managed], Awaitable[T]]) -> T:
    """Open, do the work, close. What is refused ends the command with a sentence (`NotDone`, click.UsageError)."""

    async def opened() -> T:
        async with open_managed(installation) as managed:
            return await work(managed)

    with in_sentences():
        return asyncio.run(opened())


@contextmanager
def in_sentences() -> Iterator[None]:
    try:
        yield
    except NotThere as error:
        raise click.UsageError(f"no such {error.what}") from error
    except BadCursor as error:
        raise click.UsageError("--cursor: no list gave this out") from error
    except NotNow as error:
        raise NotDone(error.denied.detail) from error
    except Outdated as error:
        raise NotDone(f"Nothing was done: the request has changed, it is at version {error.version} now.") from error
    except Refused as error:
        value = f" ({error.value})" if error.value and error.value not in error.detail else ""
        own = f"\nThe library's system says: {error.internal}" if error.internal else ""
        raise NotDone(f"{error}{value}{own}") from error


# --- showing -------------------------------------------------------------------------------------------------


def print_json(model: BaseModel) -> None:
    click.echo(json.dumps(model.model_dump(mode="json"), ensure_ascii=False, indent=2))


def print_json_line(model: BaseModel) -> None:
    click.echo(json.dumps(model.model_dump(mode="json"), ensure_ascii=False))


def print_cursor(cursor: str) -> None:
    if cursor:
        click.echo(f"more: --cursor {cursor}", err=True)


def minute(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def day_or_minute(day: date | datetime | None, zone: tzinfo) -> str:
    if isinstance(day, datetime):
        return minute(day, zone)
    return day.isoformat() if day is not None else ""


def price(money: Money | None) -> str:
    return f"{money.amount} {money.currency}" if money is not None else ""
