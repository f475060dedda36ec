"""The libraries that a daemon serves, with all that is kept for each, and why others are held back.

A library is put in and taken out as a whole (docs/decisions/0052): pages, API and workers have these very mappings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from gateway.domain.clock import Clock
from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.domain.sentences import join_sentences, mark_template, sentence_of_text, write_sentence
from gateway.domain.value import replace
from gateway.ports.guarded_library import ExchangeLibrary, LibrarySystem
from gateway.ports.library_system import HoldsConnections
from gateway.ports.secrets import Secrets
from gateway.ports.shared_store import Store
from gateway.runtime.background import BackgroundTasks, FailurePolicy
from gateway.runtime.exchange_assembly import name_libraries
from gateway.runtime.managed_requests import ManagedRequests
from gateway.runtime.monitoring import HealthMonitor
from gateway.runtime.page_assembly import list_staff_providers, make_library_entry
from gateway.services.desks.message_replays import MessageReplayService
from gateway.services.exchange import MessageExchange
from gateway.services.operation.gateway_operation import GatewayOperation
from gateway.services.requests.library_context import LibraryContext
from gateway.settings import LibrarySettings, Settings
from gateway.store.nodes import Node
from gateway.store.requests import request_counts
from gateway.web.pages.page_request import LibraryEntry
from gateway.web.staff.staff_request import StaffProvider

log = structlog.get_logger(component="gateway")

REPLACED_SECONDS = 60.0
"""So much longer than one of its calls may take, a library's system that was replaced keeps its connections: who began
with it may make several."""

WITHOUT_SETTINGS = mark_template(
    "it has requests here, and no settings: put its library.yml back, with this symbol, which cannot be changed; "
    "a library ends by `illgate library close`"
)


class OpenSystems:
    """The systems of libraries that may have connections, also of those that were replaced a moment ago."""

    def __init__(self, settings: Settings, tasks: BackgroundTasks, libraries: Mapping[str, ExchangeLibrary]) -> None:
        self._settings = settings
        self._tasks = tasks
        self._systems: list[LibrarySystem] = [library.system for library in libraries.values()]

    def add_system(self, library: ExchangeLibrary) -> None:
        self._systems.append(library.system)

    def retire_system(self, library: ExchangeLibrary) -> None:
        """Close the connections of a system that is asked no more, once what was begun with it has ended."""

        async def close_later() -> None:
            longest = max(self._settings.library_timeout_seconds, self._settings.outbox.handler_seconds)
            await asyncio.sleep(longest + REPLACED_SECONDS)
            self._systems.remove(library.system)
            if isinstance(library.system, HoldsConnections):
                await library.system.close_connections()

        self._tasks.start(f"library: close the former system of {library.symbol}", close_later, FailurePolicy.REPORT)

    async def close_systems(self) -> None:
        """Close the connections of all systems: what they had in hand came first."""
        for system in self._systems:
            if isinstance(system, HoldsConnections):
                await system.close_connections()


@dataclass(kw_only=True)
class ServedLibraries:
    """`libraries`: those that are open, by symbol; `names`: symbols by all names of libraries."""

    settings: Settings
    secrets: Secrets
    clock: Clock
    systems: OpenSystems
    managed: ManagedRequests
    exchange: MessageExchange
    health: HealthMonitor
    libraries: dict[str, ExchangeLibrary]
    names: dict[str, str]
    make_operation: Callable[[LibraryContext], GatewayOperation]
    entries: dict[str, LibraryEntry] = field(init=False)
    operations: dict[str, GatewayOperation] = field(init=False)
    replays: dict[str, MessageReplayService] = field(init=False)

    def __post_init__(self) -> None:
        self.entries = {library.symbol: self._make_entry(library) for library in self.settings.served_libraries}
        self.staff_providers: dict[str, StaffProvider] = self._list_staff_providers()
        self.operations = {symbol: self.make_operation(each) for symbol, each in self.managed.contexts.items()}
        self.replays = {symbol: self._make_replays(symbol) for symbol in self.managed.libraries}

    def serve_library(self, settings: LibrarySettings, library: ExchangeLibrary) -> None:
        """Put a library in its place everywhere, also of one that was served otherwise."""
        symbol = library.symbol
        if (former := self.libraries.get(symbol)) is not None:
            self.systems.retire_system(former)
        self.systems.add_system(library)
        self._rename_libraries()
        self.managed.put_library(library)
        self.entries[symbol] = self._make_entry(settings)
        self.staff_providers.clear()
        self.staff_providers.update(self._list_staff_providers())
        self.operations[symbol] = self.make_operation(self.managed.libraries[symbol].context)
        self.replays[symbol] = self._make_replays(symbol)
        self.health.put_library(symbol, library.system)
        self.libraries[symbol] = library

    def stop_serving(self, symbol: str, reason: str) -> None:
        """Take a library out; no reason: it is closed."""
        self._rename_libraries()
        if (former := self.libraries.pop(symbol, None)) is not None:
            self.managed.take_out_library(symbol)
            self.systems.retire_system(former)
        self.health.hold_back(symbol, reason)

    def _rename_libraries(self) -> None:
        self.names.clear()
        self.names.update(name_libraries(self.settings))

    def _make_entry(self, library: LibrarySettings) -> LibraryEntry:
        return make_library_entry(self.settings, library, self.secrets, self.clock)

    def _list_staff_providers(self) -> dict[str, StaffProvider]:
        return list_staff_providers(self.settings, self.secrets, self.clock)

    def _make_replays(self, symbol: str) -> MessageReplayService:
        services = self.managed.libraries[symbol]
        return MessageReplayService(services.journaled, self.exchange, services.users)


# --- held back at the start ------------------------------------------------------------------------------------


def hold_back_owners(settings: Settings, problems: Sequence[ConfigurationProblem]) -> None:
    """Hold back the libraries in whose folders files are wrong. Raises ConfigurationError where none is left."""
    for library in settings.libraries:
        own = tuple(problem for problem in problems if settings.find_owner_of_file(problem.file) is library)
        if own:
            library.hold_back((*library.problems, *own))
    if not settings.served_libraries:
        raise ConfigurationError(problems)


async def list_absent_libraries(settings: Settings, store: Store, node: Node) -> tuple[str, ...]:
    """List symbols of libraries that have requests here, and no settings any more."""
    if node.outdated_by:
        return ()
    known = {library.symbol for library in settings.libraries}
    return tuple(sorted(await store.read(request_counts.list_libraries) - known))


def describe_held_back(settings: Settings, absent: Sequence[str]) -> dict[str, str]:
    """Describe by symbol why libraries are held back, and log it. `absent`: those without settings."""
    reasons: dict[str, str] = {}
    for library in settings.libraries:
        if library.problems:
            problems = [
                replace(problem, file=problem.file.removeprefix(f"{settings.folder}/")).describe_problem()
                for problem in sorted(library.problems, key=lambda problem: (problem.file, problem.line))
            ]
            log.error("library.held_back", library=library.symbol, problems=[str(problem) for problem in problems])
            reasons[library.symbol] = write_sentence(
                "%(problems)s (correct it, see `illgate check`)", problems=join_sentences("; ", problems)
            )
    for symbol in absent:
        log.error("library.held_back", library=symbol, problems=[WITHOUT_SETTINGS])
        reasons[symbol] = sentence_of_text(WITHOUT_SETTINGS)
    return reasons
