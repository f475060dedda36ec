"""`illgate check`, with sample libraries on which the examples of profiles run.

A sample library is made for each library of the installation and copied for each profile, whose examples run in their
order and may build upon one another.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from gateway.cli.installation import REFUSED, Installation, pass_installation
from gateway.configuration.yaml_document import YamlDocument
from gateway.domain.problems import ConfigurationError, Unavailable
from gateway.domain.profile import Authentication, AuthKind, Profile
from gateway.domain.requests.policy import RequestPolicy
from gateway.ports.adapter import LibraryAdapter
from gateway.ports.library_system import HoldsConnections, LibrarySystem
from gateway.ports.responder import OutcomeClass, RawMessage
from gateway.ports.shared_store import Store
from gateway.profiles import LoadedProfile, ProfileSet
from gateway.runtime.assembly import make_open_library
from gateway.runtime.exchange_assembly import build_exchange, make_body_concealers
from gateway.runtime.library_contexts import build_library_contexts
from gateway.services.check import (
    CheckReport,
    CheckSubject,
    ExampleAnswer,
    ExampleExchange,
    UnknownProfileError,
    run_check,
)
from gateway.services.exchange import ExchangeRecord, MessageExchange
from gateway.settings import LibrarySettings
from gateway.store.engine import open_store
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalOptions
from gateway.store.migration import OWN, migrate_store


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

    Remarks are no problems: they say what a library in which nothing is set up yet will need, which profiles let
    everybody in, which proxies before this aren't named, which partners' mails are believed whoever sent them, and
    which partners our messages can't reach.

    \b
    Examples:
      illgate check
      illgate check illiad-alma reshare
      illgate check --live
    """
    try:
        installation.settings  # noqa: B018  read now: what is wrong with it is a finding, not a failure
    except ConfigurationError as error:
        _print_problems(str(installation.config), error.problems)
        _print_problem_count(len(error.problems), "gateway.yml can't be used, so nothing else was looked at")
        ctx.exit(REFUSED)
    try:
        report = asyncio.run(_check_installation(installation, profiles, live))
    except UnknownProfileError as error:
        raise click.UsageError(str(error)) from error
    _print_report(report)
    if report.problems:
        ctx.exit(REFUSED)


async def _check_installation(installation: Installation, names: tuple[str, ...], live: bool) -> CheckReport:
    async with AsyncExitStack() as stack:
        libraries: dict[str, LibrarySystem] = {}
        closed: dict[str, str] = {}
        try:
            store = await stack.enter_async_context(installation.open_existing_store())
        except (ConfigurationError, Unavailable) as error:
            closed = {library.symbol: str(error) for library in installation.settings.libraries}
        else:
            libraries, closed = await _open_libraries(installation, store)
            for system in libraries.values():
                if isinstance(system, HoldsConnections):
                    stack.push_async_callback(system.close_connections)
        scratch = SampleLibraries(installation, Path(stack.enter_context(TemporaryDirectory(prefix="illgate-check-"))))
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
        )
        return await run_check(subject, names)


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
    run = f"{len(report.profiles)} profiles, {examples} examples run, {answers} of them with their answer"
    _print_problem_count(len(report.problems), _count_remarks(len(report.remarks)) + run)


def _count_remarks(count: int) -> str:
    """Nothing where there are none."""
    return f"{count} remark{'' if count == 1 else 's'}; " if count else ""


def _print_problems(what: str, problems: Sequence[object]) -> None:
    if problems:
        click.echo(f"{what}:")
        for problem in problems:
            click.echo(f"  {problem}")


def _print_problem_count(problems: int, rest: str) -> None:
    click.echo(f"{problems or 'no'} problem{'' if problems == 1 else 's'}; {rest}")


class _ExampleRun:
    """`ExampleExchange` by the real exchange, which tells how it ended only to its observer."""

    def __init__(self) -> None:
        self.exchange: MessageExchange | None = None
        self._outcome = OutcomeClass.PENDING

    def record_outcome(self, done: ExchangeRecord) -> None:
        self._outcome = done.outcome

    async def __call__(self, arrival: RawMessage) -> ExampleAnswer:
        assert self.exchange is not None
        answer = await self.exchange.handle(arrival)
        return ExampleAnswer(answer.body, self._outcome)


class SampleLibraries:
    """`folder` is empty, and whoever gives it removes it."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self._parts = replace(installation.parts, secrets=_refuse_secret)
        self._folder = folder
        self._templates: dict[tuple[str, str], Path] = {}
        self._copies = 0

    @property
    def is_usable(self) -> bool:
        return all(self._choose_sample_adapter(library) is not None for library in self._parts.settings.libraries)

    def _choose_sample_adapter(self, library: LibrarySettings) -> LibraryAdapter | None:
        """The library's own where it can make a sample, or else any that can."""
        adapters = (self._parts.adapter_of(library), *self._parts.adapters.libraries.values())
        return next((adapter for adapter in adapters if adapter.sample is not None), None)

    @asynccontextmanager
    async def open_sample_exchange(self, profile: Profile, symbol: str = "") -> AsyncIterator[ExampleExchange]:
        """`symbol`: by which the profile's library is called; empty: its own."""
        parts, library = self._parts, self._parts.settings.find_library(profile.library)
        names = library.symbol, symbol
        if symbol:
            library = library.model_copy(update={"symbol": symbol})
            profile = profile.model_copy(update={"library": symbol})
            parts = replace(parts, settings=parts.settings.model_copy(update={"libraries": (library,)}))
        adapter = self._choose_sample_adapter(library)
        assert adapter is not None, "asked though not usable"
        file = await self._copy_template(names, library, adapter)
        store = open_store(f"sqlite:///{file}")
        journal = Journal(store, JournalOptions(concealers=make_body_concealers(parts)))
        try:
            system = await adapter.open(parts.library_context(library, store), _choose_system_options(adapter, library))
            profiles = _make_open_profile_set(profile)
            run = _ExampleRun()
            opened = {library.symbol: make_open_library(library, system)}
            contexts = build_library_contexts(
                parts.settings, store, parts.clock, opened, lambda: profiles, lambda _: RequestPolicy()
            )
            run.exchange = build_exchange(parts, opened, lambda: profiles, store, journal, run.record_outcome, contexts)
            yield run
        finally:
            await journal.close()
            await store.close()

    async def _copy_template(self, names: tuple[str, str], library: LibrarySettings, adapter: LibraryAdapter) -> Path:
        """`names`: its own symbol, and the one by which it is called."""
        template = self._templates.get(names)
        if template is None:
            template = self._templates[names] = self._folder / f"template{len(self._templates)}.db"
            store = open_store(f"sqlite:///{template}")
            try:
                await self._fill_template(store, library, adapter)
            finally:
                await store.close()
        self._copies += 1
        copy = self._folder / f"copy{self._copies}.db"
        shutil.copyfile(template, copy)
        return copy

    async def _fill_template(self, store: Store, library: LibrarySettings, adapter: LibraryAdapter) -> None:
        assert adapter.sample is not None
        await migrate_store(store, OWN, *([adapter.migrations] if adapter.migrations else []))
        await adapter.sample(self._parts.library_context(library, store))


def _choose_system_options(adapter: LibraryAdapter, library: LibrarySettings) -> object:
    options = library.system.options
    return options if isinstance(options, adapter.options) else adapter.options()


def _make_open_profile_set(profile: Profile) -> ProfileSet:
    """The profile alone, open to all: examples are about understanding and answering, not about who may speak."""
    anyone = Authentication(kind=AuthKind.NONE)
    example = profile.model_copy(update={"auth": (anyone,), "match": (), "abstract": False})
    return ProfileSet({profile.name: LoadedProfile(example, YamlDocument(profile.name), Path(profile.name))})


def _refuse_secret(reference: str) -> str:
    raise AssertionError(f"an example needs no secret, but was asked for {reference}")
