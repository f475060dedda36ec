"""LEDGER for illgate: a library that keeps its patrons, items and loans in one JSON file."""

from __future__ import annotations

from gateway.ports.adapter import LibraryAdapter
from gateway.ports.library_system import Capability
from illgate_ledger.options import LedgerOptions
from illgate_ledger.system import open_ledger

adapter = LibraryAdapter(
    name="ledger",
    options=LedgerOptions,
    open=open_ledger,
    ways={
        Capability.PATRON_LOOKUP: "patrons",
        Capability.CONTACT: "patrons: mail",
        Capability.CHECK_OUT: "loans",
        Capability.CHECK_IN: "loans",
    },
)
