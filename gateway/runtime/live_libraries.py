"""Libraries added, changed, closed and mended while the daemon runs: their files read anew, and each library opened by
itself. A library in whose edit something is wrong goes on as it was, or is held back where it wasn't served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from gateway.adapter_registry import AdapterRegistry
from gateway.configuration.live_reload import LiveConfiguration
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, Unavailable
from gateway.domain.sentences import join_sentences, mark_template, write_sentence
from gateway.policies import PolicyStore
from gateway.ports.guarded_library import ExchangeLibrary
from gateway.ports.library_system import HoldsConnections
from gateway.ports.shared_store import Store
from gateway.profiles import ProfileStore
from gateway.runtime.assembly import Assembly
from gateway.settings import LIBRARIES, LibrarySettings, Settings, load_settings
from gateway.settings.sections import OWN_PARTNERS

log = structlog.get_logger(component="libraries")

GONE = mark_template("its settings are gone; until a restart it is served as before: put them back, or close it first")
ABOUT_LIBRARY = mark_template("library %(symbol)s: %(report)s")
NEW_TABLES = mark_template("needs a restart: its library system has tables of its own, which are not there yet")
NO_ANSWER = write_sentence("no answer in time")
OTHERS_WRONG = mark_template("its rules cannot be read until the errors in others are corrected")


class LibraryFiles(LiveConfiguration[Settings]):
    """gateway.yml and the files in libraries' folders, live: see `LiveConfiguration`. `current` is what they say now,
    and `settings` what is in use."""

    def __init__(self, settings: Settings, adapters: AdapterRegistry) -> None:
        self._settings = settings
        folder = settings.folder / LIBRARIES

        def list_folders() -> tuple[Path, ...]:
            own = sorted(path for path in folder.glob("*") if path.is_dir())
            partners = [path / OWN_PARTNERS for path in own if (path / OWN_PARTNERS).is_dir()]
            return (settings.folder, *([folder] if folder.is_dir() else []), *own, *partners)

        def is_read(file: Path) -> bool:
            return file == settings.file.absolute() or folder in file.parents[1:]

        super().__init__("libraries", list_folders, lambda: load_settings(settings.file, adapters), is_read)

    def load_first(self) -> tuple[Settings, tuple[ConfigurationProblem, ...]]:
        """Return what is in use: it was just read."""
        return self._settings, ()


@dataclass(kw_only=True, slots=True)
class LiveLibraries:
    """Follows `LibraryFiles`. `libraries`: those that are served, by symbol. `serve` puts one in its place
    everywhere, `stop_serving` takes one out, and says why in words; empty: it is closed."""

    settings: Settings
    files: LibraryFiles
    parts: Assembly
    store: Store
    profiles: ProfileStore
    policies: PolicyStore
    libraries: Mapping[str, ExchangeLibrary]
    serve: Callable[[LibrarySettings, ExchangeLibrary], None]
    stop_serving: Callable[[str, str], None]
    notes: tuple[str, ...] = ()
    """What of the files isn't applied, in sentences."""

    async def reload(self) -> bool:
        """Apply what the files say. Never fails: what can't be applied is noted and logged."""
        fresh, notes = self.files.current, list(self._note_other_sections())
        chosen = list(self._choose_libraries(fresh, notes))
        before = {library.symbol: library for library in self.settings.libraries}
        changed = [
            library
            for library in chosen
            if library.is_served and (library.symbol not in self.libraries or library != before[library.symbol])
        ]
        opened = dict(zip([each.symbol for each in changed], await self._open_libraries(changed), strict=True))
        for index, library in enumerate(chosen):
            problem = opened.get(library.symbol)
            if isinstance(problem, ConfigurationProblem):
                chosen[index] = self._keep_library(library, before, (problem,), notes)
        if opened or chosen != list(self.settings.libraries):
            self.settings.take_libraries(tuple(chosen), fresh.document)
            await self.profiles.reload()
        self._hold_back_owners()
        for library in chosen:
            system = opened.get(library.symbol)
            if isinstance(system, ExchangeLibrary) and library.is_served:
                self.serve(library, system)
                log.info("library.served", library=library.symbol)
            elif not library.is_served:
                if isinstance(system, ExchangeLibrary) and isinstance(system.system, HoldsConnections):
                    await system.system.close_connections()  # its partners or rules are wrong, as was seen afterwards
                self._stop_serving(library, before)
        for symbol in before.keys() - {library.symbol for library in chosen}:
            self.stop_serving(symbol, "")
        self._tell_notes(notes)
        return True

    def _note_other_sections(self) -> list[str]:
        names = [name for name in Settings.model_fields if name not in (LIBRARIES, "defaults")]
        fresh = self.files.current
        changed = [name for name in names if getattr(fresh, name) != getattr(self.settings, name)]
        return (
            [write_sentence("gateway.yml needs a restart: %(sections)s", sections=", ".join(changed))]
            if changed
            else []
        )

    def _choose_libraries(self, fresh: Settings, notes: list[str]) -> list[LibrarySettings]:
        """Choose the libraries that there are from now on: each as its file says, or as it was."""
        before = {library.symbol: library for library in self.settings.libraries}
        symbols = {library.symbol for library in fresh.libraries}
        gone = {
            symbol: library for symbol, library in before.items() if symbol in self.libraries and symbol not in symbols
        }
        renamed = {library.short_name: symbol for symbol, library in gone.items()}
        chosen = []
        for library in fresh.libraries:
            if library.short_name in renamed and library.symbol not in before:
                symbol = renamed[library.short_name]
                report = write_sentence(
                    "a symbol cannot be changed: put it back in place of %(symbol)s", symbol=library.symbol
                )
                notes.append(write_sentence(ABOUT_LIBRARY, symbol=symbol, report=report))
                chosen.append(gone.pop(symbol))
            elif library.problems:
                chosen.append(self._keep_library(library, before, library.problems, notes))
            else:
                chosen.append(library)
        notes += [write_sentence(ABOUT_LIBRARY, symbol=symbol, report=write_sentence(GONE)) for symbol in gone]
        return [*chosen, *gone.values()]

    def _keep_library(
        self,
        library: LibrarySettings,
        before: Mapping[str, LibrarySettings],
        problems: tuple[ConfigurationProblem, ...],
        notes: list[str],
    ) -> LibrarySettings:
        """Keep a library as it was, if it is served; else hold it back."""
        if library.symbol in self.libraries:
            report = join_sentences("; ", [problem.describe_problem() for problem in problems])
            notes.append(write_sentence(ABOUT_LIBRARY, symbol=library.symbol, report=report))
            return before[library.symbol]
        library.hold_back(problems)
        return library

    async def _open_libraries(self, libraries: list[LibrarySettings]) -> list[ExchangeLibrary | ConfigurationProblem]:
        return await asyncio.gather(*map(self._open_library, libraries))

    async def _open_library(self, library: LibrarySettings) -> ExchangeLibrary | ConfigurationProblem:
        """Open a library's system, within the time for one call of it; the problem that keeps it from being opened."""
        index = self.files.current.libraries.index(library)
        path = (LIBRARIES, index, "system")
        kinds = self.parts.kinds_of(library).values()
        if any(kind.migrations not in (None, *self.parts.migration_histories) for kind in kinds):
            return self.files.current.make_problem(path, NEW_TABLES)
        try:
            async with asyncio.timeout(self.settings.library_timeout_seconds):
                return await self.parts.open_library(library, self.store)
        except ConfigurationError as error:
            return error.problems[0]
        except (Unavailable, TimeoutError) as error:
            return self.files.current.make_problem(
                path, write_sentence("cannot be opened: %(reason)s", reason=getattr(error, "detail", "") or NO_ANSWER)
            )

    def _hold_back_owners(self) -> None:
        """Hold back libraries that were not served yet, and whose partners or rules are wrong."""
        problems = (*self.profiles.problems, *self.policies.problems)
        for library in self.settings.libraries:
            if not library.is_served or library.symbol in self.libraries:
                continue
            own = [problem for problem in problems if self.settings.find_owner_of_file(problem.file) is library]
            if not own and library.symbol not in self.policies.current.loaded:
                own = [self.settings.make_problem((), OTHERS_WRONG)]
            library.hold_back((*library.problems, *own))

    def _stop_serving(self, library: LibrarySettings, before: Mapping[str, LibrarySettings]) -> None:
        known = before.get(library.symbol)
        if known is not None and known.problems == library.problems and known.state == library.state:
            return  # as before
        problems = [str(problem) for problem in library.problems]
        self.stop_serving(
            library.symbol, join_sentences("; ", [problem.describe_problem() for problem in library.problems])
        )
        if problems:
            log.error("library.held_back", library=library.symbol, problems=problems)
        else:
            log.info("library.closed", library=library.symbol)

    def _tell_notes(self, notes: list[str]) -> None:
        """Log each note once."""
        for note in notes:
            if note not in self.notes:
                log.warning("libraries.not_applied", reason=note)
        self.notes = tuple(notes)
