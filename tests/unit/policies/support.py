"""An installation in a folder: settings, profiles of partners, requests.yml."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.circulation_policy import ProfileSection
from gateway.policies import PolicyLoadResult, read_policies
from gateway.ports.adapter import LibraryAdapter, LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.profiles import ProfileSet, read_profiles
from gateway.settings import Settings, load_settings


async def never_opened(context: LibraryAdapterContext, options: ProfileSection) -> LibrarySystem:
    raise AssertionError("policies are read without a library")


ADAPTERS = AdapterRegistry.from_adapters(LibraryAdapter("embedded", ProfileSection, never_opened))

PARTNERS = {
    "warsaw": "partner: {symbols: [ISIL:PL-WaUW], channel: mail, email: ill@buw.example, category: abroad}\n",
    "kyoto": "partner: {symbols: [ISIL:JP-1003457], channel: mail, email: ill@kyoto.example}\n",
    "asks-only": "partner: {symbols: [ISIL:GE-1], roles: [requester]}\n",
    "mute": "partner: {symbols: [ISIL:GE-2]}\n",
    "family": "abstract: true\n",
}


class Place:
    """An installation's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.profiles_folder = folder / "profiles"
        self.profiles_folder.mkdir()
        self.settings_are("libraries: [{symbol: DEMO}]\n")
        for name, text in PARTNERS.items():
            self.profile(name, text)

    def settings_are(self, text: str) -> None:
        (self.folder / "gateway.yml").write_text(text, encoding="utf-8")

    def profile(self, name: str, text: str) -> None:
        (self.profiles_folder / f"{name}.yml").write_text(dedent(text), encoding="utf-8")

    def requests(self, text: str, name: str = "requests.yml") -> None:
        (self.folder / name).write_text(dedent(text), encoding="utf-8")

    @property
    def settings(self) -> Settings:
        return load_settings(self.folder / "gateway.yml", ADAPTERS)

    @property
    def profiles(self) -> ProfileSet:
        loading = read_profiles(self.profiles_folder, ADAPTERS, self.settings)
        assert loading.problems == ()
        return loading.profiles

    def read(self) -> PolicyLoadResult:
        return read_policies(self.settings, self.profiles)

    def problems(self) -> list[str]:
        """Without the folder in front."""
        return [str(problem).rpartition(f"{self.folder}/")[2] for problem in self.read().problems]
