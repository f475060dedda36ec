"""Accounts of staff: made, changed, disabled; who did so is in the audit log.

A change of password, of roles or a disabled account ends the user's sessions, on all machines.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.views import NotFound
from gateway.domain.roles import GrantSource, RoleGrant, StaffUser, sort_grants
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.shared_store import Transaction
from gateway.services.people.passwords import PasswordKeeper, WeakPasswordError, check_password_strength
from gateway.store import audit, users
from gateway.store.audit import AuditEntry
from gateway.store.library_store import LibraryStore
from gateway.store.schema import make_exchange_id
from gateway.store.second_factors import delete_second_factor
from gateway.store.staff_identities import IdentityTakenError, expect_identity
from gateway.store.users import UserExistsError

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,99}")
NAME_RULE = "2 to 100 letters, digits or . _ @ + -, beginning with a letter or digit"
NAME_TAKEN = write_sentence("An account with this name already exists.")
IDENTITY_TAKEN = write_sentence("Another account is expected under this name at your organisation.")
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+")
MAX_SHOWN_NAME_CHARS = 100
MAX_EMAIL_CHARS = 254


@value_object
class AuditOrigin:
    """The person who does something to an account, and the address (empty: by a command)."""

    actor: str
    peer: str = ""


@value_object(kw_only=True)
class UserDraft:
    """A user to be made. `password` empty: only an identity provider signs the user in."""

    library: str
    name: str
    shown_name: str = ""
    email: str = ""
    subject: str = ""
    password: str = ""
    grants: tuple[RoleGrant, ...] = ()


class UserService:
    """Names of users are the same in all libraries of an installation. All methods raise Unavailable."""

    def __init__(self, library: LibraryStore) -> None:
        self._library = library
        self._passwords = PasswordKeeper()

    # --- looking ---------------------------------------------------------------------------------------------

    async def list_users(self) -> Sequence[StaffUser]:
        """List the users whose account this library keeps, and those who have a role there; by name."""
        return await self._library.store.read(lambda c: users.list_users(c, self._library.symbol))

    async def find_user(self, name: str) -> StaffUser:
        """Find a user of this library, or with a role there. Raises NotFound."""
        user = await self._library.store.read(lambda c: users.find_user_by_name(c, fold_user_name(name)))
        if user is None or (user.library != self._library.symbol and not user.grants_in(self._library.symbol)):
            raise NotFound("user")
        return user

    async def find_any_user(self, name: str) -> StaffUser:
        """Find a user of whatever library, such as one who is to get a first role in this one. Raises NotFound."""
        user = await self._library.store.read(lambda c: users.find_user_by_name(c, fold_user_name(name)))
        if user is None:
            raise NotFound("user")
        return user

    async def list_shown_names(self, names: Collection[str]) -> Mapping[str, str]:
        """List the shown names of users of all libraries, by name to sign in with; a name that nobody has isn't in
        it."""
        return await self._library.store.read(lambda c: users.list_shown_names(c, names))

    async def has_users(self) -> bool:
        """Return whether anybody was ever made, in any library."""
        return await self._library.store.read(users.count_users) > 0

    async def list_audit_entries(
        self, limit: int, before: str = "", actor: str = "", since: datetime | None = None
    ) -> Sequence[AuditEntry]:
        """Newest first. `before`: id of the last one that is known; `actor` empty: of all."""
        return await self._library.store.read(
            lambda c: audit.list_audit_entries(c, self._library.symbol, limit, before=before, actor=actor, since=since)
        )

    # --- changing --------------------------------------------------------------------------------------------

    async def add_user(self, draft: UserDraft, by: AuditOrigin) -> StaffUser:
        """Add a user; raises Refused (INVALID_VALUE) for what can't be so, (IN_USE) for a name that is taken, here or
        at the identity provider."""
        name = fold_user_name(draft.name)
        if not _NAME.fullmatch(name):
            raise _invalid(write_sentence("A user name is %(rule)s.", rule=NAME_RULE), draft.name)
        user = _check_details(
            StaffUser(
                library=draft.library,
                id=make_exchange_id(self._library.now()),
                name=name,
                shown_name=draft.shown_name.strip() or name,
                email=draft.email.strip(),
                subject=draft.subject.strip(),
                has_password=bool(draft.password),
                created=self._library.now(),
                grants=sort_grants(draft.grants),
            )
        )
        password_hash = await self._make_hash(user, draft.password) if draft.password else ""

        def insert_user(c: Transaction) -> None:
            users.add_user(c, user, password_hash)
            self._log_change(c, user, by, "user-added", _describe_grants(user.grants))

        try:
            await self._library.store.write(insert_user)
        except UserExistsError:
            raise Refused(RefusalReason.IN_USE, NAME_TAKEN, value=name) from None
        except IdentityTakenError:
            raise Refused(RefusalReason.IN_USE, IDENTITY_TAKEN, value=user.subject or name) from None
        return user

    async def change_details(
        self, user: StaffUser, shown_name: str, email: str, subject: str, by: AuditOrigin
    ) -> StaffUser:
        """Change details; with another subject the account is no longer linked to whoever signed in at the identity
        provider, and all sessions of the user end. Raises Refused (INVALID_VALUE, IN_USE)."""
        changed = _check_details(
            replace(user, shown_name=shown_name.strip() or user.name, email=email.strip(), subject=subject.strip())
        )
        if changed == user:
            return user

        def update_user(c: Transaction) -> None:
            users.change_user(c, changed)
            if changed.subject != user.subject:
                expect_identity(c, user.library, user.id, changed.subject or user.name)
                users.end_sessions_of_user(c, user.id)
            self._log_change(c, user, by, "user-changed")

        try:
            await self._library.store.write(update_user)
        except IdentityTakenError:
            raise Refused(RefusalReason.IN_USE, IDENTITY_TAKEN, value=changed.subject) from None
        return changed

    async def unlink_identity(self, user: StaffUser, by: AuditOrigin) -> None:
        """Whoever signs in next at the identity provider under the account's name is linked to it, such as the same
        person with a new account there. All sessions of the user end."""

        def replace_identity(c: Transaction) -> None:
            expect_identity(c, user.library, user.id, user.subject or user.name)
            users.end_sessions_of_user(c, user.id)
            self._log_change(c, user, by, "identity-unlinked")

        try:
            await self._library.store.write(replace_identity)
        except IdentityTakenError:
            raise Refused(RefusalReason.IN_USE, IDENTITY_TAKEN, value=user.subject or user.name) from None

    async def set_password(self, user: StaffUser, password: str, by: AuditOrigin, keep_session: str = "") -> None:
        """All sessions of the user end but `keep_session` (id of the one that did it). Raises Refused."""
        password_hash = await self._make_hash(user, password)

        def update_password(c: Transaction) -> None:
            users.set_password_hash(c, user, password_hash)
            users.end_sessions_of_user(c, user.id, keep_session)
            self._log_change(c, user, by, "password-set")

        await self._library.store.write(update_password)

    async def set_roles(
        self, user: StaffUser, grants: Iterable[RoleGrant], by: AuditOrigin, also_in: str = ""
    ) -> StaffUser:
        """The roles in this library, in place of those that people gave the user there. `also_in`: ALL_LIBRARIES, if
        those that count in all are replaced, too."""
        places = {self._library.symbol, also_in or self._library.symbol}
        role_grants = sort_grants(grant for grant in grants if grant.library in places)
        given = user.grants_of(GrantSource.STAFF)
        others = (*user.grants_of(GrantSource.PROVIDER), *(grant for grant in given if grant.library not in places))

        def update_grants(c: Transaction) -> None:
            for place in places:
                users.replace_grants(c, place, user.id, role_grants)
            users.end_sessions_of_user(c, user.id)
            self._log_change(c, user, by, "roles-set", _describe_grants(role_grants), self._library.symbol)

        await self._library.store.write(update_grants)
        return replace(user, grants=sort_grants((*others, *role_grants)))

    async def disable_user(self, user: StaffUser, by: AuditOrigin) -> StaffUser:
        """Disable a user: nobody signs in with it any more; what it did keeps its name."""
        return await self._set_disabled(user, self._library.now(), "user-disabled", by)

    async def enable_user(self, user: StaffUser, by: AuditOrigin) -> StaffUser:
        return await self._set_disabled(user, None, "user-enabled", by)

    async def end_sessions(self, user: StaffUser, by: AuditOrigin, keep_session: str = "") -> int:
        """End sessions on all machines, but for one, and return how many there were."""

        def delete_sessions(c: Transaction) -> int:
            ended = users.end_sessions_of_user(c, user.id, keep_session)
            self._log_change(c, user, by, "sessions-ended", str(ended))
            return ended

        return await self._library.store.write(delete_sessions)

    async def log_patron_view(self, request_number: str, by: AuditOrigin) -> None:
        """Somebody has looked at the data of a request's patron that are masked for the role."""
        now = self._library.now()
        await self._library.store.write(
            lambda c: audit.add_audit_entry(
                c, self._library.symbol, now, by.actor, "patron-shown", subject=request_number, peer=by.peer
            )
        )

    async def log_patron_data(self, action: str, detail: str, by: AuditOrigin) -> None:
        """Somebody has counted, given out or forgotten what is held about a patron. `action`: patron-counted,
        patron-exported or patron-forgotten, by patrons themselves own-data-exported or own-data-forgotten; who the
        patron is isn't kept."""
        now = self._library.now()
        await self._library.store.write(
            lambda c: audit.add_audit_entry(c, self._library.symbol, now, by.actor, action, detail=detail, peer=by.peer)
        )

    async def log_message_view(self, message_id: str, by: AuditOrigin) -> None:
        """Somebody has read a message of the journal, which may name patrons."""
        now = self._library.now()
        await self._library.store.write(
            lambda c: audit.add_audit_entry(
                c, self._library.symbol, now, by.actor, "message-shown", subject=message_id, peer=by.peer
            )
        )

    async def log_message_search(self, by: AuditOrigin) -> None:
        """Somebody has searched the content of messages, which names patrons. The words are not kept."""
        now = self._library.now()
        await self._library.store.write(
            lambda c: audit.add_audit_entry(c, self._library.symbol, now, by.actor, "messages-searched", peer=by.peer)
        )

    async def log_words_view(self, subject: str, by: AuditOrigin) -> None:
        """Somebody for whom patrons are masked has read what people wrote about a request, or a mail."""
        now = self._library.now()
        await self._library.store.write(
            lambda c: audit.add_audit_entry(
                c, self._library.symbol, now, by.actor, "words-shown", subject=subject, peer=by.peer
            )
        )

    async def log_message_replay(self, message_id: str, by: AuditOrigin) -> None:
        """Somebody is about to carry a message of the journal out again."""
        now = self._library.now()
        await self._library.store.write(
            lambda c: audit.add_audit_entry(
                c, self._library.symbol, now, by.actor, "message-replayed", subject=message_id, peer=by.peer
            )
        )

    async def reset_second_factor(self, user: StaffUser, by: AuditOrigin) -> bool:
        """Remove the second factor of somebody who has lost it: the password is enough until another is set up. All
        sessions of the user end. False: there was none."""

        def delete_factor(c: Transaction) -> bool:
            is_deleted = delete_second_factor(c, user.library, user.id)
            if is_deleted:
                users.end_sessions_of_user(c, user.id)
                self._log_change(c, user, by, "second-factor-reset")
            return is_deleted

        return await self._library.store.write(delete_factor)

    async def _set_disabled(
        self, user: StaffUser, disabled: datetime | None, action: str, by: AuditOrigin
    ) -> StaffUser:
        def update_user(c: Transaction) -> None:
            users.set_disabled(c, user, disabled)
            users.end_sessions_of_user(c, user.id)
            self._log_change(c, user, by, action)

        await self._library.store.write(update_user)
        return replace(user, disabled=disabled)

    async def _make_hash(self, user: StaffUser, password: str) -> str:
        """Make a hash; raises Refused (INVALID_VALUE)."""
        try:
            check_password_strength(password, user.name)
        except WeakPasswordError as error:
            reason = str(error)
            raise _invalid(f"{reason[:1].upper()}{reason[1:]}.") from None
        return await self._passwords.hash_password(password)

    def _log_change(
        self, c: Transaction, user: StaffUser, by: AuditOrigin, action: str, detail: str = "", library: str = ""
    ) -> None:
        audit.add_audit_entry(
            c, library or user.library, self._library.now(), by.actor, action, user.name, detail, by.peer
        )


def fold_user_name(name: str) -> str:
    return name.strip().casefold()


def _check_details(user: StaffUser) -> StaffUser:
    """Check details; raises Refused (INVALID_VALUE)."""
    if len(user.shown_name) > MAX_SHOWN_NAME_CHARS or not user.shown_name.isprintable():
        raise _invalid(
            write_sentence("A display name can have up to %(most)s printable characters.", most=MAX_SHOWN_NAME_CHARS)
        )
    if user.email and (not _EMAIL.fullmatch(user.email) or len(user.email) > MAX_EMAIL_CHARS):
        raise _invalid(write_sentence("This is not a valid email address."), user.email)
    if len(user.subject) > 500 or not user.subject.isprintable():
        raise _invalid(write_sentence("A subject can have up to 500 printable characters."))
    return user


def _invalid(detail: str, value: str = "") -> Refused:
    return Refused(RefusalReason.INVALID_VALUE, detail, value=value)


def _describe_grants(grants: Iterable[RoleGrant]) -> str:
    return ", ".join(str(grant) for grant in grants) or "no role"
