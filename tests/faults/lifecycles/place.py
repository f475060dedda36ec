"""The town's two libraries as files: settings, profiles, rules, and the books that SOUTH has for NORTH's readers."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.adapter_registry import load_adapters
from gateway.cli.app import main
from gateway.domain.clock import SystemClock
from gateway.domain.library import Bib, Location, RecordId
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.request import ServiceType
from gateway.ports.library_system import TemporaryItem
from gateway.runtime.assembly import Assembly
from gateway.runtime.database_setup import create_database
from gateway.settings import load_settings
from gateway.store.migration import migrate_store
from tests.support.yaml_files import read_yaml_file, write_yaml_file

NORTH, SOUTH = "NORTH", "SOUTH"

WORKFLOWS: Mapping[str, Mapping[str, Any]] = {
    "south": {},
    "north": {"lending": {"renewals": 1}},
}
"""By profile: `south` is the supplier as NORTH sees it, `north` the requester as SOUTH sees it."""

READERS = [str(21000000000017 + 8 * n) for n in (0, 2, 6, 8, 10, 13, 16, 18)]
"""Adults in good standing; each may have 30 loans."""


def workflow(profile: str) -> Workflow:
    return Workflow.model_validate(WORKFLOWS.get(profile, {}))


@dataclass(frozen=True)
class Wish:
    """What is asked for in lifecycle number `number`."""

    number: int

    @property
    def external(self) -> str:
        return f"TOWN-{self.number:04d}"

    @property
    def reader(self) -> str:
        return READERS[self.number % len(READERS)]

    @property
    def service(self) -> ServiceType:
        return ServiceType.COPY if self.number % 4 == 3 else ServiceType.LOAN

    @property
    def is_owned(self) -> bool:
        return self.number % 13 != 7

    @property
    def barcode(self) -> str:
        """SOUTH's item."""
        return f"4100{self.number:08d}"

    @property
    def title(self) -> str:
        return f"市史 · Chronik der Stadt, Band {self.number:04d}"

    @property
    def identifiers(self) -> tuple[RecordId, ...]:
        return (RecordId("oclc", str(70_000_000 + self.number)),)

    @property
    def citation(self) -> Citation:
        """Some readers don't know the number."""
        return Citation(
            type=CitationType.CHAPTER if self.service is ServiceType.COPY else CitationType.BOOK,
            title=self.title,
            author="Żeromska, Ołena",
            pages="1-17" if self.service is ServiceType.COPY else "",
            identifiers=self.identifiers if self.number % 6 else (),
        )


def make_town(folder: Path, mail_port: int, store_url: str) -> Path:
    """One gateway with both libraries; the path of its gateway.yml."""
    with contextlib.redirect_stdout(io.StringIO()):
        main(["init", str(folder), "--store", store_url, "--empty"], standalone_mode=False)
    config = folder / "gateway.yml"
    settings = read_yaml_file(config)
    first = settings["libraries"][0]
    settings["libraries"] = [
        first | {"symbol": symbol, "name": name, "time_zone": "Europe/Zurich", "requests": f"{symbol.lower()}.yml"}
        for symbol, name in ((NORTH, "Northern Library"), (SOUTH, "Southern Library"))
    ]
    settings["http"] |= {"port": 0, "public_url": "https://town.example"}
    settings["mail"] |= {
        "host": "127.0.0.1",
        "port": mail_port,
        "security": "none",
        "sender": "ill@town.example",
        "timeout_seconds": 5,
    }
    settings["outbox"] |= {
        "first_seconds": 0.2,
        "longest_seconds": 2,
        "handler_seconds": 10,
        "concurrency": 32,
        "per_target": 12,
        "breaker_seconds": 1,
    }
    settings["log"] |= {"format": "json", "level": "warning"}
    _write(config, settings)
    _write(folder / "north.yml", _RULES)
    _write(folder / "south.yml", {})
    _write(folder / "profiles" / "south.yml", _profile(NORTH, SOUTH, "south"))
    _write(folder / "profiles" / "north.yml", _profile(SOUTH, NORTH, "north"))
    return config


_RULES = {
    "intake": {"mediation_default": "straight-through", "locally_owned": "allow", "duplicates": {"action": "allow"}},
    "rotas": {"south": {"lines": [{"partner": "south"}]}},
    "default_rota": "south",
}


def _profile(library: str, partner: str, name: str) -> Mapping[str, Any]:
    return {
        "description": f"{partner}, as {library} sees it",
        "library": library,
        "partner": {
            "symbols": [partner],
            "name": f"Library {partner}",
            "channel": "loopback",
            "owns": "everything",
            "workflow": WORKFLOWS[name],
        },
        "circulation": {"patrons": {"create_category": "institution"}},
    }


def _write(file: Path, content: Mapping[str, Any]) -> None:
    write_yaml_file(file, content)


def allow_lifecycles(config: Path, count: int) -> None:
    """There may be so many from now on, in processes that are at work, too."""
    written = config.with_name("lifecycles.new")
    written.write_text(str(count))
    written.replace(config.with_name("lifecycles"))


def count_lifecycles(config: Path) -> int:
    return int(config.with_name("lifecycles").read_text())


async def stock(config: Path, count: int) -> None:
    """Readers in the NORTH, and a book in the SOUTH for all wishes that it can fulfil."""
    adapters = load_adapters()
    settings = load_settings(config, adapters)
    assembly = Assembly(settings, adapters, SystemClock(), lambda reference: reference)
    await create_database(assembly)
    store = assembly.open_store()
    try:
        await migrate_store(store, *assembly.migration_histories)
        for library in settings.libraries:
            sample = assembly.adapter_of(library).sample
            assert sample is not None
            await sample(assembly.library_context(library, store))
        south = (await assembly.open_libraries(store))[SOUTH].system
        wishes = [wish for wish in map(Wish, range(1, count + 1)) if wish.is_owned]
        await asyncio.gather(*(south.create_item(_book(wish), f"stock:{wish.number}") for wish in wishes))
    finally:
        await store.close()


def _book(wish: Wish) -> TemporaryItem:
    return TemporaryItem(
        barcode=wish.barcode,
        bib=Bib(title=wish.title, author="Żeromska, Ołena", identifiers=wish.identifiers),
        request_id="",
        location=Location("MAIN", "stacks"),
        policy="standard",
        suppressed=False,
    )
