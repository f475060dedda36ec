"""Databases as `illgate init` makes them, and as older and newer releases leave them."""

from __future__ import annotations

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from gateway.ports.shared_store import SchemaMigrations
from gateway.runtime.assembly import Assembly
from gateway.runtime.database_setup import create_database
from gateway.store.engine import open_store
from gateway.store.migration import OWN, migrate_store

NEWER = '''"""A step of a later release"""

from alembic import op

revision = "9999"
down_revision = "{newest}"


def upgrade() -> None:
    op.execute("CREATE TABLE made_by_later_release (id TEXT)")
'''


def make_database(parts: Assembly) -> None:
    """In a thread: that of the caller may have an event loop."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(create_database(parts))).result()


def list_revisions(history: SchemaMigrations = OWN) -> list[str]:
    """Oldest first."""
    return sorted(file.name.partition("_")[0] for file in (history.folder / "versions").glob("[0-9]*.py"))


def make_older_history(folder: Path, revision: str, history: SchemaMigrations = OWN) -> SchemaMigrations:
    """The steps up to this one."""
    copied = _copy_history(folder, history)
    for file in (copied.folder / "versions").glob("[0-9]*.py"):
        if file.name.partition("_")[0] > revision:
            file.unlink()
    return copied


def make_newer_history(folder: Path, history: SchemaMigrations = OWN) -> SchemaMigrations:
    """All steps, and one that a later release adds: 9999."""
    copied = _copy_history(folder, history)
    (copied.folder / "versions" / "9999_later.py").write_text(NEWER.format(newest=list_revisions(history)[-1]))
    return copied


def _copy_history(folder: Path, history: SchemaMigrations) -> SchemaMigrations:
    shutil.copytree(history.folder / "versions", folder / "versions", ignore=shutil.ignore_patterns("__pycache__"))
    return replace(history, folder=folder)


async def migrate_database(url: str, *histories: SchemaMigrations) -> list[str]:
    store = open_store(url)
    try:
        return await migrate_store(store, *histories)
    finally:
        await store.close()
