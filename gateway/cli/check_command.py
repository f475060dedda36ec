"""`illgate check`, with sample libraries on which the examples of profiles run: each profile has a library of its own,
where its examples run in their order and may build upon one another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from gateway.cli.check_report import FORMATS, print_as_json
from gateway.cli.installation import REFUSED, Installation, pass_installation
from gateway.configuration.yaml_document import display_path
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, Unavailable
from gateway.domain.value import replace
from gateway.policies import PolicyLoadResult, PolicySet
from gateway.ports.command_output import json_option
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import HoldsConnections
from gateway.ports.shared_store import Store
from gateway.profiles import ProfileLoadResult, ProfileSet
from gateway.profiles.shipped import find_shipped_folder
from gateway.runtime.sample_libraries import SampleLibraries
from gateway.services.operation.check import (
    CheckReport,
    CheckSubject,
    UnknownProfileError,
    run_check,
)
from gateway.settings import LibrarySettings, Settings
from gateway.store.migration import SchemaTooNew, SchemaTooOld
from gateway.store.peer_keys import list_signing_libraries


@click.command(name="check")
@click.argument("profiles", nargs=-1, metavar="[PROFILE]...")
@click.option("--live", is_flag=True, help="Also test the connections to library systems and partners.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(tuple(FORMATS)),
    default="text",
    show_default=True,
    help="text; github: annotations of a GitHub workflow; junit: a test report in XML.",
)
@click.option(
    "--library", "symbol", default="", metavar="SYMBOL", help="Check only this library: its system, partners and rules."
)
@json_option
@pass_installation
@click.pass_context
def check_command(
    ctx: click.Context,
    installation: Installation,
    profiles: tuple[str, ...],
    live: bool,
    format_: str,
    symbol: str,
    as_json: bool,
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
      illgate check --library lib07
      illgate check --format junit > check.xml
    """
    try:
        installation.settings  # noqa: B018  read now: what is wrong with it is a finding, not a failure
    except ConfigurationError as error:
        report = CheckReport(error.problems, (), ("gateway.yml cannot be used, so nothing else was looked at",))
    else:
        try:
            library = _find_library(installation, symbol) if symbol else None
            report = asyncio.run(check_installation(installation, profiles, live, library))
        except UnknownProfileError as error:
            raise click.UsageError(str(error)) from error
    (print_as_json if as_json else FORMATS[format_])(report)
    if report.problems:
        ctx.exit(REFUSED)


def _find_library(installation: Installation, symbol: str) -> LibrarySettings:
    """Find a library, also one that is held back; raises click.UsageError."""
    try:
        return installation.settings.find_library(symbol)
    except KeyError:
        known = ", ".join(library.short_name for library in installation.settings.libraries)
        raise click.UsageError(f"library not found: {symbol}; libraries: {known}") from None


async def check_installation(
    installation: Installation, names: tuple[str, ...], live: bool, library: LibrarySettings | None = None
) -> CheckReport:
    """Check what is in force. `library`: that one alone. Raises UnknownProfileError."""
    served = [entry for entry in installation.settings.served_libraries if library in (None, entry)]
    async with AsyncExitStack() as stack:
        libraries: dict[str, LibrarySystem] = {}
        closed: dict[str, str] = {}
        signing: frozenset[str] | None = None
        try:
            store = await stack.enter_async_context(installation.open_current_store())
        except (ConfigurationError, SchemaTooNew, SchemaTooOld, Unavailable) as error:
            closed = {entry.symbol: str(error) for entry in served}
        else:
            libraries, closed = await _open_libraries(installation, store, served)
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
        if library is None:
            return await run_check(subject, names)
        report = await run_check(_narrow_subject(subject, library), names)
        return _narrow_report(report, installation.settings, library)


async def _open_libraries(
    installation: Installation, store: Store, served: Sequence[LibrarySettings]
) -> tuple[dict[str, LibrarySystem], dict[str, str]]:
    """Those that could be opened, and why the others could not."""
    libraries: dict[str, LibrarySystem] = {}
    closed: dict[str, str] = {}
    for library in served:
        try:
            libraries[library.symbol] = (await installation.open_library(library, store)).system
        except Unavailable as error:
            closed[library.symbol] = str(error)
    return libraries, closed


# --- one of several libraries ----------------------------------------------------------------------------------


def _narrow_subject(subject: CheckSubject, library: LibrarySettings) -> CheckSubject:
    """The part of the configuration that concerns the library; a partner as this library has it."""
    symbol, policies = library.symbol, subject.policies
    return replace(
        subject,
        loading=_narrow_loading(subject.loading, subject.settings, library),
        libraries={key: system for key, system in subject.libraries.items() if key == symbol},
        closed={key: why for key, why in subject.closed.items() if key == symbol},
        policies=_narrow_policies(policies, subject.settings, library) if policies is not None else None,
    )


def _narrow_report(report: CheckReport, settings: Settings, library: LibrarySettings) -> CheckReport:
    """The report without what gateway.yml says for others and for all."""
    return replace(
        report,
        installation=tuple(problem for problem in report.installation if _concerns(problem, settings, library)),
        remarks=tuple(remark for remark in report.remarks if _concerns(remark, settings, library)),
    )


def _concerns(problem: ConfigurationProblem, settings: Settings, library: LibrarySettings) -> bool:
    """Return whether a problem is in the library's own section of gateway.yml, or in another file that isn't in another
    library's folder."""
    if settings.find_owner_of_file(problem.file) not in (None, library):
        return False
    if problem.path[:1] == ("libraries",):
        return problem.path[1:2] == (settings.libraries.index(library),)
    return problem.file != settings.make_problem((), "").file


def _narrow_loading(loading: ProfileLoadResult, settings: Settings, library: LibrarySettings) -> ProfileLoadResult:
    entries = loading.profiles.loaded
    versions = {name: entry.for_library(library.symbol) for name, entry in entries.items()}
    loaded = {name: replace(version, others=()) for name, version in versions.items() if version is not None}
    of_others = {
        entry.document.file for name, entry in entries.items() if name not in loaded and not entry.is_generated
    }
    problems = tuple(
        problem
        for problem in loading.problems
        if problem.file not in of_others and _concerns(problem, settings, library)
    )
    return ProfileLoadResult(ProfileSet(loaded, loading.profiles.own_documents), problems)


def _narrow_policies(loading: PolicyLoadResult, settings: Settings, library: LibrarySettings) -> PolicyLoadResult:
    policies = {policy.library: policy for policy in loading.policies if policy.library == library.symbol}
    file = display_path(settings.folder / library.requests)
    return PolicyLoadResult(PolicySet(policies), tuple(problem for problem in loading.problems if problem.file == file))
