"""The installation that a command opens: settings, profiles, store and libraries of `--config`."""

from __future__ import annotations

import getpass
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import date, datetime, tzinfo
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from gateway.adapter_registry import AdapterError, AdapterRegistry, load_adapters
from gateway.configuration.yaml_document import display_path
from gateway.domain.clock import Clock, StoreClock
from gateway.domain.library import Money
from gateway.domain.problems import (
    ConfigurationError,
    MalformedMessage,
    OutcomeUnknown,
    Refused,
    Unavailable,
)
from gateway.domain.requests.views import (
    EventDenied,
    InvalidCursorError,
    NotFound,
    SeveralRequests,
    VersionConflict,
)
from gateway.domain.value import replace
from gateway.policies import PolicyLoadResult, PolicySet, read_policies
from gateway.ports.adapter import OpenLibrary
from gateway.ports.shared_store import Store
from gateway.ports.system_errors import describe_system_error
from gateway.profiles import (
    LoadedProfile,
    ProfileLoadResult,
    ProfileSet,
    read_profiles,
    read_profiles_with_fallback,
)
from gateway.profiles.shipped import find_shipped_folder, list_shipped_profiles
from gateway.runtime.assembly import Assembly
from gateway.runtime.database_setup import require_database_file
from gateway.runtime.last_good_configuration import LastGoodFiles
from gateway.secrets import resolve_secret
from gateway.settings import (
    LibrarySettings,
    Settings,
    find_adapter_names,
    read_settings_file,
    settings_of_document,
)
from gateway.store.engine import SqliteTooOld
from gateway.store.library_store import LibraryStore
from gateway.store.migration import SchemaTooNew, SchemaTooOld, require_current_schema
from gateway.store.nodes import set_clock_by_store

if TYPE_CHECKING:
    from gateway.services.exchange.circulation_link import DeskLink

REFUSED = 1
CONFIGURATION = 3
UNREACHABLE = 4
UNKNOWN = 5

_CODES: tuple[tuple[type[Exception], int], ...] = (
    (Refused, REFUSED),
    (ConfigurationError, CONFIGURATION),
    (AdapterError, CONFIGURATION),
    (SchemaTooNew, CONFIGURATION),
    (SchemaTooOld, CONFIGURATION),
    (SqliteTooOld, CONFIGURATION),
    (MalformedMessage, UNREACHABLE),  # a partner's answer that makes no sense
    (Unavailable, UNREACHABLE),
    (OSError, UNREACHABLE),
    (OutcomeUnknown, UNKNOWN),
)

STAFF = "ILLGATE_STAFF"
MAX_NAME_CHARS = 100

library_option = click.option(
    "--library", "symbol", default="", metavar="SYMBOL", help="Library, if the installation has several."
)
limit_option = click.option(
    "--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="Maximum number of rows."
)
cursor_option = click.option("--cursor", default="", help="Continue from the cursor of a previous list.")


class Installation:
    """click's `ctx.obj` in every command."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.clock: Clock = StoreClock()

    @cached_property
    def adapters(self) -> AdapterRegistry:
        """All adapters; raises AdapterError."""
        return load_adapters()

    @cached_property
    def _settings_with_adapters(self) -> tuple[Settings, AdapterRegistry]:
        """The settings, and the adapters that they name; where something is wrong all adapters, so that it is said
        which there are."""
        document = read_settings_file(self.config)
        named = load_adapters(find_adapter_names(document))
        with suppress(ConfigurationError):
            settings = settings_of_document(document, self.config, named)
            if settings.served_libraries == settings.libraries:
                return settings, named
        return settings_of_document(document, self.config, self.adapters), self.adapters

    @property
    def settings(self) -> Settings:
        """The settings; raises ConfigurationError, AdapterError."""
        return self._settings_with_adapters[0]

    @cached_property
    def profiles(self) -> ProfileLoadResult:
        """The profiles; raises ConfigurationError for settings, AdapterError; what is wrong with profiles is in it."""
        return read_profiles(self.settings.profiles_folder, self.adapters, self.settings)

    @cached_property
    def shipped_profiles(self) -> ProfileSet:
        """The profiles of the package, as the first library would have them."""
        settings = self.settings.model_copy(update={"libraries": self.settings.libraries[:1]})
        folder = find_shipped_folder() / "profiles"
        nowhere = settings.profiles.model_copy(
            update={"partners": str(folder / "partners"), "groups": str(folder / "groups.yml")}
        )
        return read_profiles(folder, self.adapters, settings.model_copy(update={"profiles": nowhere})).profiles

    def find_profile(self, name: str) -> LoadedProfile | None:
        """Find a profile: a partner, one of the installation's own or, if there is none, a shipped one. `LIBRARY/NAME`
        is a partner as this library has it."""
        library, slash, name = name.rpartition("/")
        loaded = self.profiles.profiles.loaded
        entry = loaded.get(name)
        if slash:
            settings = require_library(self, library)
            own = loaded.get(f"{settings.short_name}/{name}")
            return own or (entry.for_library(settings.symbol) if entry is not None else None)
        if entry is None and name in list_shipped_profiles():
            return self.shipped_profiles.loaded.get(name)
        return entry

    @cached_property
    def policies(self) -> PolicyLoadResult:
        """The policies of each library's requests.yml, against the profiles that are whole. Raises as `profiles`
        does."""
        return read_policies(self.settings, self.profiles.profiles)

    @cached_property
    def working_configuration(self) -> tuple[ProfileSet, PolicySet]:
        """The profiles and policies for work on requests; while something is wrong in them, what it is about is as it
        was when all was good, as in the daemon, with a warning. Raises ConfigurationError where nothing was kept."""
        profiles, policies = self.profiles, self.policies
        problems = (*profiles.problems, *policies.problems)
        if not problems:
            return profiles.profiles, policies.policies
        kept = LastGoodFiles(self.settings, self.store_parts.database).read_files(self.adapters)
        if kept is None:
            raise ConfigurationError(problems)
        for problem in problems:
            click.echo(f"warning: {problem}", err=True)
        at = format_minute(kept.kept, self.settings.libraries[0].zone)
        click.echo(f"warning: until this is fixed, the last valid files ({at}) are used instead", err=True)
        beside = read_profiles_with_fallback(
            self.settings.profiles_folder, self.adapters, self.settings, kept.profiles.profiles
        ).profiles
        fitting = read_policies(self.settings, beside)
        if fitting.problems:
            return kept.profiles.profiles, kept.policies.policies
        return beside, fitting.policies

    def require_configuration(self) -> None:
        """Raise ConfigurationError where profiles and policies can't be worked with, nor the last good ones."""
        _ = self.working_configuration

    @cached_property
    def store_parts(self) -> Assembly:
        """The parts for the store and the libraries' systems, with the adapters that the settings name alone. Raises
        ConfigurationError, AdapterError."""
        (settings, named), folder = self._settings_with_adapters, self.settings.folder
        return Assembly(settings, named, self.clock, lambda reference: resolve_secret(reference, folder))

    @cached_property
    def parts(self) -> Assembly:
        """The parts with all adapters; raises ConfigurationError, AdapterError."""
        return replace(self.store_parts, adapters=self.adapters)

    @asynccontextmanager
    async def open_existing_store(self) -> AsyncIterator[Store]:
        """Open the store with whatever tables it has. Raises ConfigurationError when there is none, or when it is
        damaged."""
        if (file := self.store_parts.database) is not None:
            require_database_file(file)
        store = self.store_parts.open_store()
        try:
            yield store
        finally:
            await store.close()

    @asynccontextmanager
    async def open_current_store(self) -> AsyncIterator[Store]:
        """Open the store with the tables of this release. Raises ConfigurationError, SchemaTooNew, SchemaTooOld,
        Unavailable."""
        async with self.open_existing_store() as store:
            histories = self.store_parts.migration_histories
            await store.read(lambda connection: require_current_schema(connection, *histories))
            await set_clock_by_store(store, self.clock)
            yield store

    @asynccontextmanager
    async def open_library_store(self, library: LibrarySettings) -> AsyncIterator[LibraryStore]:
        """Open the store for the rows of one library; see `open_current_store`."""
        async with self.open_current_store() as store:
            yield LibraryStore(symbol=library.symbol, store=store, clock=self.clock)

    @asynccontextmanager
    async def library(self, symbol: str = "") -> AsyncIterator[OpenLibrary]:
        """See `gateway.ports.adapter.CommandContext`."""
        settings = require_library(self, symbol)
        async with self.open_current_store() as store:
            yield await self.open_commanded_system(settings, store)

    def desk(self, opened: OpenLibrary) -> DeskLink:
        """See `gateway.ports.adapter.CommandContext`."""
        from gateway.cli.managed_requests import open_desk  # with letters and what follows of requests

        return open_desk(self, opened)

    async def open_library(self, settings: LibrarySettings, store: Store) -> OpenLibrary:
        """Open a library; raises Unavailable."""
        context = self.store_parts.library_context(settings, store)
        system = await self.store_parts.adapter_of(settings).open(context, settings.system.options)
        return OpenLibrary(context, settings.system.options, system)

    async def open_commanded_system(self, settings: LibrarySettings, store: Store) -> OpenLibrary:
        """The system that `illgate library` is about: where others are nested in the library's, the first of these that
        has commands of its own, by itself. Raises Unavailable."""
        parts = self.store_parts
        adapter, options = parts.adapter_of(settings), settings.system.options
        kinds = parts.kinds_of(settings)
        for nested in adapter.list_nested(options) if adapter.load_command is None else ():
            if kinds[nested.type].load_command is not None:
                context = parts.library_context(settings, store)
                return OpenLibrary(context, nested.options, await parts.open_other(context, nested))
        return await self.open_library(settings, store)


pass_installation = click.make_pass_decorator(Installation)


def require_library(installation: Installation, symbol: str) -> LibrarySettings:
    """Find a library; raises click.UsageError, or ConfigurationError with what holds it back."""
    try:
        library = installation.settings.find_library(symbol)
    except KeyError:
        known = ", ".join(library.symbol for library in installation.settings.libraries)
        raise click.UsageError(f"--library is required; libraries: {known}") from None
    if library.problems:
        raise ConfigurationError(library.problems)
    return library


@contextmanager
def errors_as_exit_codes(context: click.Context) -> Iterator[None]:
    """Expected errors become a message and an exit code; a defect stays a traceback."""
    try:
        yield
    except BrokenPipeError:
        raise  # whoever read the output has had enough (`| head`): click ends quietly
    except tuple(kind for kind, _ in _CODES) as error:
        click.echo(_describe_error(error), err=True)
        context.exit(next(code for kind, code in _CODES if isinstance(error, kind)))


def _describe_error(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        what = describe_system_error(error)
        return f"{display_path(Path(error.filename))}: {what}" if isinstance(error.filename, str) else what
    return str(error)


def _get_user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise click.UsageError(f"--as NAME is required; or set {STAFF}") from None


def _parse_actor(_ctx: click.Context, _param: click.Parameter, name: str) -> str:
    if not name.isprintable() or not name.strip() or len(name) > MAX_NAME_CHARS:
        raise click.BadParameter(f"must be 1 to {MAX_NAME_CHARS} printable characters")
    return f"staff:{name.strip()}"


staff_option = click.option(
    "--as",
    "actor",
    envvar=STAFF,
    show_envvar=True,
    default=_get_user_name,
    callback=_parse_actor,
    metavar="NAME",
    help="Name recorded in the history. Default: your user name.",
)


class CommandFailed(click.ClickException):
    """Refused, in one sentence; exit code 1."""

    exit_code = REFUSED

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.format_message(), file=file, err=file is None)


@contextmanager
def errors_as_sentences() -> Iterator[None]:
    try:
        yield
    except NotFound as error:
        raise click.UsageError(f"{error.what} not found") from error
    except SeveralRequests as error:
        raise click.UsageError(f"{error}; choose one") from error
    except InvalidCursorError as error:
        raise click.UsageError("--cursor: not a cursor from a previous list") from error
    except EventDenied as error:
        raise CommandFailed(error.denied.detail) from error
    except VersionConflict as error:
        raise CommandFailed(
            f"Nothing was done: the request has changed, it is at version {error.version} now."
        ) from error
    except Refused as error:
        value = f" ({error.value})" if error.value and error.value not in error.detail else ""
        own = f"\nThe library's system says: {error.internal}" if error.internal else ""
        raise CommandFailed(f"{error}{value}{own}") from error


# --- showing -------------------------------------------------------------------------------------------------


def print_cursor(cursor: str) -> None:
    if cursor:
        click.echo(f"more: --cursor {cursor}", err=True)


def format_minute(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def format_day_or_minute(day: date | datetime | None, zone: tzinfo) -> str:
    if isinstance(day, datetime):
        return format_minute(day, zone)
    return day.isoformat() if day is not None else ""


def format_price(money: Money | None) -> str:
    return f"{money.amount} {money.currency}" if money is not None else ""
