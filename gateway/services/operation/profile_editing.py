"""ProfileEditing: a profile's file changed at the pages. The file is what counts: it is checked as a reload checks it,
written as a whole, and read as after any other edit (docs/decisions/0023-profiles-at-pages.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from gateway.adapter_registry import AdapterRegistry
from gateway.configuration import file_replacement
from gateway.domain.clock import Clock
from gateway.domain.value import replace
from gateway.ports.shared_store import Store, Transaction
from gateway.profiles import ProfileStore
from gateway.profiles.loader import make_modeline
from gateway.services.operation.gateway_operation import CheckExamples
from gateway.services.operation.profile_drafts import (
    DraftCheck,
    ProfileDraft,
    ProfileDraftChecks,
    ProfileFile,
    decode_text,
)
from gateway.services.operation.profile_history import (
    ProfileHistory,
    make_version,
    record_unknown_version,
    record_version,
)
from gateway.services.people.users import AuditOrigin
from gateway.settings import Settings
from gateway.store import audit


class ProfileNotSavedError(Exception):
    """The text is not fit to be saved, or nobody here may save it."""


class ProfileEditing:
    """`history` follows `profiles`, so that a save has its version before the file is read again."""

    def __init__(
        self,
        *,
        settings: Settings,
        adapters: AdapterRegistry,
        profiles: ProfileStore,
        history: ProfileHistory,
        check_examples: CheckExamples,
        store: Store,
        clock: Clock,
    ) -> None:
        self._drafts = ProfileDraftChecks(settings, adapters, profiles)
        self._profiles = profiles
        self._history = history
        self._check_examples = check_examples
        self._store = store
        self._clock = clock
        self._lock = asyncio.Lock()

    def is_known_name(self, name: str) -> bool:
        """Return whether a profile, or a file that is none, has the name."""
        return name in self._profiles.current.loaded or self._drafts.find_file(name).exists()

    def begin_text(self, name: str, extends: str) -> str:
        """The first lines of a new file, a partner's where the installation has a folder of partners."""
        return f"{make_modeline(self._drafts.find_file(name), self._profiles.folder)}\nextends: {extends}\n"

    async def read_file(self, name: str) -> ProfileFile:
        return await asyncio.to_thread(self._drafts.describe_file, name)

    async def check_draft(self, draft: ProfileDraft) -> DraftCheck:
        """Check a draft against the files as they are now. Nothing is changed or sent."""
        checked = await asyncio.to_thread(self._drafts.check_draft, draft)
        if checked.loaded is None:
            return checked
        return replace(checked, example_problems=tuple(await self._check_examples(checked.loaded)))

    async def save_draft(self, checked: DraftCheck, reason: str, by: AuditOrigin, allowed: Collection[str]) -> bool:
        """`allowed`: symbols of the libraries whose profiles this user may change. False: it is saved, and something
        keeps it from being in use (`profiles.problems`).

        Raises ProfileNotSavedError, FileChangedError, FileNotReplaceableError, OSError, Unavailable; then the file is
        as it was."""
        if not checked.can_be_saved or checked.loaded is None or not checked.libraries <= set(allowed):
            raise ProfileNotSavedError
        async with self._lock:
            file = self._drafts.find_file(checked.draft.name)
            waiting = await asyncio.to_thread(file_replacement.write_beside, file, checked.before, checked.after)
            try:
                await self._record_save(checked, checked.loaded.owner, reason, by)
                await asyncio.to_thread(waiting.replace_file)
            finally:
                await asyncio.to_thread(waiting.remove_waiting_file)
        return await self._profiles.reload()

    async def _record_save(self, checked: DraftCheck, library: str, reason: str, by: AuditOrigin) -> None:
        """Record a save before the file is replaced: a file that nobody has saved is mended by the next look at it, and
        what nobody has noted isn't."""
        name, now = checked.draft.name, self._clock.now()
        loaded_profile = self._profiles.current.loaded.get(name)
        in_file = decode_text(checked.before) if checked.before is not None else None
        in_use = self._history.find_text_in_use(loaded_profile) if loaded_profile is not None else None
        before = [text for text in (in_use, in_file) if text is not None]

        def record_versions(c: Transaction) -> None:
            for text in before:
                owner = loaded_profile.owner if loaded_profile is not None else library
                record_unknown_version(c, make_version(name, owner, text, now))
            after = checked.after.decode("utf-8-sig")
            record_version(c, make_version(name, library, after, now, by.actor, reason))
            for symbol in sorted(checked.libraries):
                audit.add_audit_entry(c, symbol, now, by.actor, "profile-saved", name, reason, by.peer)

        await self._store.write(record_versions)
