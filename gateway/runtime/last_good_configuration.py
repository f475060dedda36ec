"""A copy of the last profiles, partners and requests.yml in which nothing was wrong, beside the database.

The daemon keeps working with them after a bad edit. Commands of staff are processes of their own, which read the files
anew: without the copy, one mistyped key in one profile would keep all staff from all requests.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.value import value_object
from gateway.policies import PolicyLoadResult, read_policies
from gateway.profiles import ProfileLoadResult, read_profiles
from gateway.settings import Settings

log = structlog.get_logger(component="configuration")

FOLDER = "last-good"
_PROFILES = "profiles"
_PARTNERS = "partners"
_DIRECTORY = "directory"
_COPIES = {"folder": _PROFILES, "partners": _PARTNERS, "groups": "groups.yml"}
"""Copies by the key in `profiles` of gateway.yml that names what is copied."""

_POLICIES = "requests"


@value_object
class LastGoodConfiguration:
    """`kept`: when it was found good, in UTC."""

    profiles: ProfileLoadResult
    policies: PolicyLoadResult
    kept: datetime


class LastGoodFiles:
    """`database`: the store's file; None where it is on a server, then the copy is in `data` beside gateway.yml.
    `has_problems`: whether something is wrong in the files as they were read last."""

    def __init__(
        self, settings: Settings, database: Path | None, has_problems: Callable[[], bool] = lambda: False
    ) -> None:
        self._settings = settings
        self._has_problems = has_problems
        self._folder = (database.parent if database is not None else settings.folder / "data") / FOLDER

    async def reload(self) -> bool:
        """Copies the files that were just read, if nothing is wrong in them. Never fails: a daemon works as well
        without the copy."""
        if not self._has_problems():
            await asyncio.to_thread(self.copy_files)
        return True

    def copy_files(self) -> None:
        """Logs what keeps it from doing so."""
        fresh: Path | None = None
        try:
            self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(prefix=f"{FOLDER}-", dir=self._folder.parent))
            self._fill_folder(fresh)
            if self._folder.exists():
                shutil.rmtree(self._folder)
            fresh.rename(self._folder)
        except OSError as error:
            if fresh is not None:
                shutil.rmtree(fresh, ignore_errors=True)
            log.warning("configuration.last_good_not_kept", folder=str(self._folder), reason=error.strerror)

    def _fill_folder(self, fresh: Path) -> None:
        policies = fresh / _POLICIES
        policies.mkdir()
        for name, folder in ((_PROFILES, self._settings.profiles_folder), (_PARTNERS, self._settings.partners_folder)):
            (fresh / name).mkdir()
            for file in folder.glob("*.yml"):
                shutil.copyfile(file, fresh / name / file.name)
        for library in self._settings.libraries:
            own = self._settings.find_own_partners(library)
            if own is not None and own.is_dir():
                _copy_files(own, fresh / library.folder / own.name)
        for source in self._settings.directory.sources:
            _copy_files(self._settings.directory_folder / source.name, fresh / _DIRECTORY / source.name)
        if (groups := self._settings.groups_file).is_file():
            shutil.copyfile(groups, fresh / _COPIES["groups"])
        for library in self._settings.libraries:
            file = self._settings.folder / library.requests
            copy = policies / f"{library.symbol}.yml"
            if file.exists():
                shutil.copyfile(file, copy)
            else:
                copy.write_text("{}\n", encoding="utf-8")  # without the file the defaults count

    def read_files(self, adapters: AdapterRegistry) -> LastGoodConfiguration | None:
        """None: there is no copy, or gateway.yml has changed so that it doesn't fit any more."""
        if not self._folder.is_dir():
            return None
        libraries = tuple(
            library.model_copy(update={"requests": str(self._folder.resolve() / _POLICIES / f"{library.symbol}.yml")})
            for library in self._settings.libraries
        )
        folders = {name: str(self._folder / copy) for name, copy in _COPIES.items()}
        profiles_settings = self._settings.profiles.model_copy(update=folders)
        directory = self._settings.directory.model_copy(update={"folder": str(self._folder.resolve() / _DIRECTORY)})
        settings = self._settings.model_copy(
            update={"libraries": libraries, "profiles": profiles_settings, "directory": directory}
        )
        settings.read_own_partners_in(self._folder.absolute())
        profiles = read_profiles(settings.profiles_folder, adapters, settings)
        policies = read_policies(settings, profiles.profiles)
        if profiles.problems or policies.problems:
            return None
        moment = datetime.fromtimestamp(self._folder.stat().st_mtime, UTC)
        return LastGoodConfiguration(profiles, policies, moment)


def _copy_files(folder: Path, copies: Path) -> None:
    copies.mkdir(parents=True)
    for file in folder.glob("*.yml"):
        shutil.copyfile(file, copies / file.name)
