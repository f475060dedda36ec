"""`illgate check`, with sample libraries on which the examples of profiles run: each profile has a library of its own,
where its examples run in their order and may build upon one another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from gateway.cli.installation import REFUSED, Installation, pass_installation
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, Unavailable
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import HoldsConnections
from gateway.ports.shared_store import Store
from gateway.profiles.shipped import find_shipped_folder
from gateway.runtime.sample_libraries import SampleLibraries
from gateway.services.operation.check import (
    CheckReport,
    CheckSubject,
    UnknownProfileError,
    run_check,
)
from gateway.store.migration import SchemaTooNew, SchemaTooOld
from gateway.store.peer_keys import list_signing_libraries


@click.command(name="check")
@click.argument("profiles", nargs=-1, metavar="[PROFILE]...")
@click.option("--live", is_flag=True, help="Also test the connections to library systems and partners.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with all findings.")
@pass_installation
@click.pass_context
def check_command(
    ctx: click.Context, installation: Installation, profiles: tuple[str, ...], live: bool, as_json: bool
) -> None:
    """Check the configuration for problems.

    The System page of staff shows the same problems.

    Checks gateway.yml, requests.yml and all profiles, verifies codes and patrons against the library system, checks
    that secrets exist, and runs the examples of the profiles. Prints each problem on one line with file, line and key.
    Exit code 0: no problems; 1: problems found.

    Notes are not problems. They point out missing configuration of a new library, profiles that accept any sender,
    reverse proxies that are not listed, partners whose email senders are not verified, and partners that our messages
    cannot reach.

    \b
    Examples:
      illgate check
      illgate check illiad-alma reshare
      illgate check --live
    """
    try:
        installation.settings  # noqa: B018  read now: what is wrong with it is a finding, not a failure
    except ConfigurationError as error:
        if as_json:
            _print_json(error.problems, (), ("gateway.yml cannot be used, so nothing else was looked at",))
            ctx.exit(REFUSED)
        _print_problems(str(installation.config), error.problems)
        _print_problem_count(len(error.problems), "gateway.yml cannot be used, so nothing else was looked at")
        ctx.exit(REFUSED)
    try:
        report = asyncio.run(_check_installation(installation, profiles, live))
    except UnknownProfileError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        _print_json(report.problems, report.remarks, report.notes)
    else:
        _print_report(report)
    if report.problems:
        ctx.exit(REFUSED)


async def _check_installation(installation: Installation, names: tuple[str, ...], live: bool) -> CheckReport:
    async with AsyncExitStack() as stack:
        libraries: dict[str, LibrarySystem] = {}
        closed: dict[str, str] = {}
        signing: frozenset[str] | None = None
        try:
            store = await stack.enter_async_context(installation.open_current_store())
        except (ConfigurationError, SchemaTooNew, SchemaTooOld, Unavailable) as error:
            closed = {library.symbol: str(error) for library in installation.settings.served_libraries}
        else:
            libraries, closed = await _open_libraries(installation, store)
            signing = await store.read(list_signing_libraries)
            for system in libraries.values():
                if isinstance(system, HoldsConnections):
                    stack.push_async_callback(system.close_connections)
        scratch = SampleLibraries(
            installation.parts, Path(stack.enter_context(TemporaryDirectory(prefix="illgate-check-")))
        )
        subject = CheckSubject(
            settings=installation.settings,
            loading=installation.profiles,
            adapters=installation.adapters,
            clock=installation.clock,
            libraries=libraries,
            closed=closed,
            scratch=scratch.open_sample_exchange if scratch.is_usable else None,
            live=live,
            policies=installation.policies,
            signing=signing,
            shipped=find_shipped_folder() / "profiles",
        )
        return await run_check(subject, names)


async def _open_libraries(installation: Installation, store: Store) -> tuple[dict[str, LibrarySystem], dict[str, str]]:
    """Those that could be opened, and why the others could not."""
    libraries: dict[str, LibrarySystem] = {}
    closed: dict[str, str] = {}
    for library in installation.settings.served_libraries:
        try:
            libraries[library.symbol] = (await installation.open_library(library, store)).system
        except Unavailable as error:
            closed[library.symbol] = str(error)
    return libraries, closed


def _print_json(
    problems: Sequence[ConfigurationProblem], remarks: Sequence[ConfigurationProblem], notes: Sequence[str]
) -> None:
    findings = {"problems": [*map(asdict, problems)], "remarks": [*map(asdict, remarks)], "notes": list(notes)}
    click.echo(json.dumps(findings, ensure_ascii=False))


def _print_report(report: CheckReport) -> None:
    for symbol, steps in report.steps.items():
        click.echo(f"library {symbol}:")
        for step in steps:
            click.echo(f"  {step.name:8} {step.seconds * 1000:6.0f} ms  {step.problem or step.said}")
    _print_problems("installation", report.installation)
    _print_problems("requests", report.requests)
    for profile in report.profiles:
        _print_problems(profile.name, profile.problems)
    _print_problems("remarks", report.remarks)
    for note in report.notes:
        click.echo(f"note: {note}")
    examples = sum(profile.examples for profile in report.profiles)
    answers = sum(profile.answers for profile in report.profiles)
    run = (
        f"{_count_things(len(report.profiles), 'profile')}, {_count_things(examples, 'example')} run, "
        f"{answers} of them with their answer"
    )
    _print_problem_count(len(report.problems), _count_remarks(len(report.remarks)) + run)


def _count_remarks(count: int) -> str:
    """Write the count of remarks; nothing where there are none."""
    return f"{_count_things(count, 'remark')}; " if count else ""


def _count_things(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _print_problems(what: str, problems: Sequence[object]) -> None:
    if problems:
        click.echo(f"{what}:")
        for problem in problems:
            click.echo(f"  {problem}")


def _print_problem_count(problems: int, rest: str) -> None:
    click.echo(f"{problems or 'no'} problem{'' if problems == 1 else 's'}; {rest}")
