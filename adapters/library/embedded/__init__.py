"""The library that is built in: patrons, catalogue and circulation in the gateway's own store."""

from __future__ import annotations

from pathlib import Path

import click

from adapters.library.embedded import sample
from adapters.library.embedded.setup_file import EmbeddedOptions
from adapters.library.embedded.system import EmbeddedLibrary, open_embedded
from gateway.ports.adapter import LibraryAdapter
from gateway.ports.library_system import Capability
from gateway.ports.shared_store import SchemaMigrations

__all__ = ["EmbeddedLibrary", "EmbeddedOptions", "adapter", "migrations"]

migrations = SchemaMigrations("embedded library", Path(__file__).parent / "migrations", "embedded_schema")


def load_command() -> click.Group:
    """Load the command, which few need, with its imports of files."""
    from adapters.library.embedded.commands import command

    return command


adapter = LibraryAdapter(
    name="embedded",
    options=EmbeddedOptions,
    open=open_embedded,
    migrations=migrations,
    load_command=load_command,
    sample=sample.create_sample,
    ways=dict.fromkeys(Capability, "yes"),
)
