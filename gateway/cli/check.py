"""`illgate check`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from gateway.cli.context import Installation, pass_installation
from gateway.cli.exits import REFUSED
from gateway.cli.scratch import Scratch
from gateway.configuration.problems import ConfigurationError
from gateway.domain.problems import Unavailable
from gateway.ports.library import LibrarySystem
from gateway.services.check import Report, Subject, UnknownProfile, check
from gateway.store.engine import Store


@click.command(name="check")
@click.argument("profiles", nargs=-1, metavar="[PROFILE]...")
@click.option("--live", is_flag=True, help="Also try whether library systems and partners' addresses answer.")
@pass_installation
@click.pass_context
def check_command(ctx: click.Context, installation: Installation, profiles: tuple[str, ...], live: bool) -> None:
    """Find what is wrong before a partner's message does.

    Reads gateway.yml, requests.yml and all profiles, asks the library whether it knows the codes and patrons that they
    name, looks whether secrets are there, and runs the profiles' examples. Each problem is one line with file, line and
    key. Exit code 0: all is well; 1: there are problems.

    \b
    Examples:
      illgate check
      illgate check illiad-alma reshare
      illgate check --live
    """
    try:
        installation.settings  # noqa: B018  read now: what is wrong with it is a finding, not a failure
    except ConfigurationError as error:
        _say(str(installation.config), error.problems)
        _count(len(error.problems), "gateway.yml can't be used, so nothing else was looked at")
        ctx.exit(REFUSED)
    try:
        report = asyncio.run(_check(installation, profiles, live))
    except UnknownProfile as error:
        raise click.UsageError(str(error)) from error
    _print(report)
    if report.problems:
        ctx.exit(REFUSED)


async def _check(installation: Installation, names: tuple[str, ...], live: bool) -> Report:
    async with AsyncExitStack() as stack:
        libraries: dict[str, LibrarySystem] = {}
        closed: dict[str, str] = {}
        try:
            store = await stack.enter_async_context(installation.store_as_it_is())
        except (ConfigurationError, Unavailable) as error:
            closed = {library.symbol: str(error) for library in installation.settings.libraries}
        else:
            libraries, closed = await _open_libraries(installation, store)
        scratch = Scratch(installation, Path(stack.enter_context(TemporaryDirectory(prefix="illgate-check-"))))
        subject = Subject(
            settings=installation.settings,
            loading=installation.profiles,
            adapters=installation.adapters,
            clock=installation.clock,
            libraries=libraries,
            closed=closed,
            scratch=scratch.exchange if scratch.usable else None,
            live=live,
            policies=installation.policies,
        )
        return await check(subject, names)


async def _open_libraries(installation: Installation, store: Store) -> tuple[dict[str, LibrarySystem], dict[str, str]]:
    """Those that could be opened, and why the others could not."""
    libraries: dict[str, LibrarySystem] = {}
    closed: dict[str, str] = {}
    for library in installation.settings.libraries:
        try:
            libraries[library.symbol] = (await installation.open_library(library, store)).system
        except Unavailable as error:
            closed[library.symbol] = str(error)
    return libraries, closed


def _print(report: Report) -> None:
    _say("installation", report.installation)
    _say("requests", report.requests)
    for profile in report.profiles:
        _say(profile.name, profile.problems)
    for note in report.notes:
        click.echo(f"note: {note}")
    examples = sum(profile.examples for profile in report.profiles)
    answers = sum(profile.answers for profile in report.profiles)
    _count(
        len(report.problems),
        f"{len(report.profiles)} profiles, {examples} examples run, {answers} of them with their answer",
    )


def _say(what: str, problems: Sequence[object]) -> None:
    if problems:
        click.echo(f"{what}:")
        for problem in problems:
            click.echo(f"  {problem}")


def _count(problems: int, rest: str) -> None:
    click.echo(f"{problems or 'no'} problem{'' if problems == 1 else 's'}; {rest}")
