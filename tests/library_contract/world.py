"""What the contract suite needs to know of a library, whatever system is behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, cast

import pytest

from gateway.domain.library import Location, RecordId
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import PatronKey


@dataclass(frozen=True, slots=True)
class Known:
    """Patrons, items and codes that are there before each test. Nobody has loans, holds or fees; all items are in."""

    good: PatronKey
    good_secret: str
    other: PatronKey
    third: PatronKey
    blocked: PatronKey  # may neither borrow nor request
    expired: PatronKey
    shelf_item: str  # barcode; can be lent, renewed, requested and recalled; the only copy
    copies: tuple[str, str]  # barcodes of the two copies of one title, as shelf_item
    reference_item: str  # barcode; can't be lent or requested
    record: RecordId  # not a local number; names the record of shelf_item
    title_words: str  # find the record of shelf_item
    desk: str  # branch to which shelf_item and copies belong; a pickup location too
    other_desk: str  # another branch; a pickup location too
    ill: Location  # where partners' items belong; a branch other than both
    ill_policy: str  # item policy of partners' items; lent and renewed once at least
    visitor_category: str
    currency: str


class _ScarceKnown:
    def __init__(self, where: str, there: dict[str, object]) -> None:
        self._where = where
        self._there = there

    def __getattr__(self, name: str) -> object:
        if name not in self._there:
            pytest.skip(f"{self._where} has no {name.replace('_', ' ')}")
        return self._there[name]


def know_only(where: str, **there: object) -> Known:
    """Of a library that can't be filled as we like: a test that needs what isn't there is skipped."""
    return cast("Known", _ScarceKnown(where, there))


class World(Protocol):
    """A library with `Known` in it, in which the suite may do as it likes."""

    @property
    def library(self) -> LibrarySystem: ...

    @property
    def known(self) -> Known: ...

    def now(self) -> datetime:
        """The time that the library takes it to be, aware UTC."""
        ...

    def advance(self, by: timedelta) -> bool:
        """Let time pass; False where the system has a clock of its own, then the test is skipped."""
        ...
