"""ProfileHistory: what profiles said before, and who changed them: saved at the pages, or edited as files."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import structlog

from gateway.configuration.written_secrets import has_written_secret
from gateway.domain.clock import Clock
from gateway.domain.problems import Unavailable
from gateway.ports.shared_store import Store, Transaction
from gateway.profiles import LoadedProfile, ProfileStore
from gateway.store import profile_versions
from gateway.store.profile_versions import ProfileVersion
from gateway.store.schema import make_exchange_id

log = structlog.get_logger(component="profiles")


class ProfileHistory:
    """It follows the profiles: what is read from an edited file gets a version, and so does what it said before, as far
    as nobody knows that yet."""

    def __init__(self, profiles: ProfileStore, store: Store, clock: Clock) -> None:
        self._profiles = profiles
        self._store = store
        self._clock = clock
        self._lock = asyncio.Lock()
        self._texts = _read_texts(profiles.current.loaded)

    def find_text_in_use(self, loaded: LoadedProfile) -> str | None:
        """Find the text that the file had when it was read and right; None: it never was."""
        return self._texts.get(loaded.key)

    async def reload(self) -> bool:
        """Reload after the profiles were read anew. Without the store it is made up for the next time."""
        async with self._lock:
            wrong = {problem.file for problem in self._profiles.problems}
            loaded = {
                name: entry for name, entry in self._profiles.current.loaded.items() if entry.document.file not in wrong
            }
            texts = await asyncio.to_thread(_read_texts, loaded)
            changed = [name for name, text in texts.items() if text != self._texts.get(name)]
            try:
                for name in changed:
                    await self._record_edit(loaded[name], self._texts.get(name), texts[name])
                    self._texts[name] = texts[name]
            except Unavailable as down:
                log.warning("profiles.history_not_kept", reason=down.detail)
        return True

    async def _record_edit(self, loaded: LoadedProfile, before: str | None, after: str) -> None:
        name, owner, now = loaded.profile.name, loaded.owner, self._clock.now()

        def record_versions(c: Transaction) -> None:
            if before is not None:
                record_unknown_version(c, make_version(name, owner, before, now))
            record_version(c, make_version(name, owner, after, now))

        await self._store.write(record_versions)


def record_version(connection: Transaction, version: ProfileVersion) -> None:
    """Keep what a file says, unless a secret is written in it."""
    if not has_written_secret(version.content):
        profile_versions.record_profile_version(connection, version)


def make_version(name: str, library: str, text: str, at: datetime, actor: str = "", reason: str = "") -> ProfileVersion:
    """Make a version of a file's text."""
    content = text.replace("\r\n", "\n")
    return ProfileVersion(
        library=library,
        id=make_exchange_id(at),
        profile=name,
        digest=hashlib.sha256(content.encode()).hexdigest(),
        content=content,
        at=at,
        actor=actor,
        reason=reason,
    )


def record_unknown_version(connection: Transaction, version: ProfileVersion) -> None:
    """Record the text that was there before the history begins, or was written while nobody looked."""
    versions = profile_versions.list_profile_versions(connection, (version.library,), version.profile)
    if all(profile_version.digest != version.digest for profile_version in versions):
        record_version(connection, version)


def _read_texts(loaded: Mapping[str, LoadedProfile]) -> dict[str, str]:
    """Members of a mesh have no file."""
    written = ((name, entry.file) for name, entry in loaded.items() if not entry.is_generated)
    return {name: text for name, file in written if (text := read_text_of_file(file)) is not None}


def read_text_of_file(file: Path) -> str | None:
    """None: it is gone, or no text."""
    try:
        return file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
