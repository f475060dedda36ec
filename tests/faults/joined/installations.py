"""Installations to be copied: making a library takes a second, copying it no time."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.world import START, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from gateway.domain.requests.citation import Citation, CitationType
from gateway.runtime.assembly import Assembly
from tests.support.yaml_files import write_yaml_file

SYMBOLS = ("NORTH", "SOUTH", "EAST")
NAMES = {"NORTH": "Northern Library", "SOUTH": "Biblioteca del Sur", "EAST": "東の図書館"}
BOOKS = 3
"""So few are asked for that requests get into each other's way."""

POLICY = {
    "intake": {
        "mediation_default": "straight-through",
        "locally_owned": "allow",
        "duplicates": {"action": "allow"},
    },
    "retention": {"outbox_days": 3650},
}


@dataclass(frozen=True)
class Book:
    """`barcodes` are of copies that may be lent; they are the same in all three libraries."""

    citation: Citation
    barcodes: tuple[str, ...]


@dataclass(frozen=True)
class Template:
    folder: Path
    books: tuple[Book, ...]

    def copy(self, to: Path, workflows: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Path]:
        """The gateway.yml of each symbol. `workflows`: by symbol, how each treats its two partners."""
        shutil.copytree(self.folder, to, dirs_exist_ok=True)
        for symbol in SYMBOLS:
            for other in SYMBOLS:
                if other != symbol:
                    target = to / symbol / "profiles" / f"{other.lower()}.yml"
                    write_yaml_file(target, _profile(other, workflows[symbol]))
        return {symbol: to / symbol / "gateway.yml" for symbol in SYMBOLS}


def make_template(folder: Path) -> Template:
    clock = FixedClock(START)
    books: tuple[Book, ...] = ()
    for symbol in SYMBOLS:
        others = [one for one in SYMBOLS if one != symbol]
        lines = [{"partner": one.lower()} for one in others]
        policy = {**POLICY, "rotas": {"both": {"lines": lines}}, "default_rota": "both"}
        config = make_installation(folder / symbol, Site(symbol, NAMES[symbol], {}, policy), mail_port=25)
        for shipped in (folder / symbol / "profiles").glob("*.yml"):  # nobody speaks NCIP here
            shipped.unlink()
        books = asyncio.run(_fill(Town(config, clock)))
    return Template(folder, books)


def _profile(symbol: str, workflow: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "partner": {
            "symbols": [symbol],
            "name": NAMES[symbol],
            "channel": "loopback",
            "workflow": dict(workflow),
        },
        "circulation": {
            "due_dates": {"policy": "lender", "transit_days": 2},
            "accept": {"barcode_from": "generated"},  # the three have the same barcodes
        },
    }


async def _fill(town: Town) -> tuple[Book, ...]:
    await fill_library(town)
    parts = Assembly(town.settings, town._adapters, town._clock, lambda reference: reference)
    store = parts.open_store()
    try:
        system = (await parts.open_libraries(store))[town.symbol].system
        found = []
        for bib in await system.search_bibs("a", 60):
            items = (await system.holdings(bib.id)).items
            free = tuple(i.barcode for i in items if i.status.value == "available" and i.circulates)
            if bib.identifiers and free:
                cited = Citation(
                    type=CitationType.BOOK, title=bib.title, author=bib.author, identifiers=bib.identifiers
                )
                found.append(Book(cited, free))
        return tuple(sorted(found, key=lambda book: book.barcodes)[:BOOKS])
    finally:
        await store.close()
