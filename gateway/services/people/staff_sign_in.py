"""Sign-in of staff, and how long they stay signed in.

A session ends by signing out, after a time without a page, and at the latest after a time from its start; a change of
password or roles, or a disabled account, ends it on all machines. What is dear (users, secrets) asks for the password
once more, for some minutes.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum

import structlog

from gateway.domain.clock import Clock
from gateway.domain.roles import ALL_LIBRARIES, GrantSource, RoleGrant, StaffRole, StaffUser, sort_grants
from gateway.domain.value import replace, value_object
from gateway.ports.shared_store import Store, Transaction
from gateway.services.people.passwords import PasswordKeeper
from gateway.services.people.sign_in_attempts import AttemptCounter, BrowserDevice, SignInPlace
from gateway.services.people.users import AuditOrigin, fold_user_name
from gateway.store import audit, users
from gateway.store.staff_identities import link_identity
from gateway.store.users import StaffSessionRow

log = structlog.get_logger(component="sign-in")

CONFIRMED_FOR = timedelta(minutes=10)
"""So long a password that was asked for again counts."""


class StaffSignInMethod(StrEnum):
    PASSWORD = "password"
    OIDC = "oidc"
    LIBRARY_OIDC = "library-oidc"  # at the library's own provider
    HEADER = "header"


WITH_CODE = "password, code"
"""Of the audit log: the second factor came too."""


@value_object
class OidcIdentity:
    """The person whom an identity provider has signed in. `issuer` and `subject` (`sub`) are one person for ever;
    `name`, what the claim says, may be somebody else's tomorrow; empty: it says nothing. `grants`: roles that the
    provider's groups give. `library`: symbol of the one whose own provider it is; empty: the installation's."""

    issuer: str
    subject: str
    name: str
    grants: tuple[RoleGrant, ...] = ()
    library: str = ""


PROXY_ISSUER = "proxy"
"""Issuer of identities that a proxy's header names."""


class StaffSignInError(Exception):
    """Nobody is signed in. `word` says why: wrong, wrong-code, codes-used-up, too-often, unknown (no account, or a
    disabled one), no-role."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@value_object
class StaffSession:
    """The user who is signed in, and for which library. `lacks_factor`: a second factor has to be set up before it
    opens anything."""

    row: StaffSessionRow
    user: StaffUser
    lacks_factor: bool = False

    @property
    def library(self) -> str:
        return self.row.library


@value_object
class SessionTimes:
    """`idle`: without a page; `life`: from signing in, whatever is done."""

    idle: timedelta
    life: timedelta


def limit_to_method(user: StaffUser, method: StaffSignInMethod) -> StaffUser:
    """The roles that a provider gives count for whoever signed in there alone: by a password they would outlive the
    groups. A library's own provider is believed for that library alone, so none of the user's other roles count."""
    match method:
        case StaffSignInMethod.OIDC:
            return user
        case StaffSignInMethod.LIBRARY_OIDC:
            return replace(user, grants=tuple(grant for grant in user.grants if grant.library == user.library))
        case _:
            return replace(user, grants=user.grants_of(GrantSource.STAFF))


class StaffSignInService:
    """`home`: library under which tries are counted: a name is tried before its library is known. `libraries`: those of
    this installation. `factor_roles`: roles that need a second factor beside a password. `own_providers`: symbols of
    libraries with an identity provider of their own. All methods raise Unavailable."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        attempts: AttemptCounter,
        times: SessionTimes,
        home: str,
        libraries: Collection[str],
        factor_roles: Collection[StaffRole] = (),
        own_providers: Collection[str] = (),
    ) -> None:
        self._store = store
        self._clock = clock
        self._attempts = attempts
        self._times = times
        self._home = home
        self._libraries = libraries
        self._factor_roles = frozenset(factor_roles)
        self._own_providers = own_providers
        self._passwords = PasswordKeeper()

    # --- signing in ------------------------------------------------------------------------------------------

    async def sign_in_by_password(
        self, name: str, password: str, address: str, device: BrowserDevice | None = None
    ) -> StaffUser:
        """The answer is the same for an unknown name, a disabled account and a wrong password. `device`: the browser,
        which is known for the account afterwards. Raises StaffSignInError."""
        name = fold_user_name(name)
        keys = await self._attempts.count_attempt(SignInPlace(self._home, address), f"user {name}", device=device)
        if keys is None:
            raise StaffSignInError("too-often")
        user = await self._store.read(lambda c: users.find_user_by_name(c, name))
        if not await self._is_password_of(user, password) or user is None or user.disabled is not None:
            if user is not None:
                await self._log_sign_in(user, "sign-in-failed", address)
            raise StaffSignInError("wrong")
        await self._attempts.clear_failures(keys, device)
        return self._require_role(limit_to_method(user, StaffSignInMethod.PASSWORD))

    async def sign_in_by_identity(
        self, identity: OidcIdentity, address: str, method: StaffSignInMethod = StaffSignInMethod.OIDC
    ) -> StaffUser:
        """Whoever comes first under the name of an account is linked to it, if it is the provider of the account's
        library; the roles that a provider's groups gave before are replaced. Raises StaffSignInError."""
        user = await self._store.read(lambda c: users.find_user_by_identity(c, identity.issuer, identity.subject))
        if user is None and identity.name:
            user = await self._store.write(lambda c: self._link_expected_user(c, identity, address))
        if user is None or user.disabled is not None or identity.library not in ("", user.library):
            log.warning("sign_in.unknown_user", method=method.value)
            raise StaffSignInError("unknown")
        user = await self._replace_provider_grants(user, identity.grants, address)
        return self._require_role(limit_to_method(user, method))

    async def _replace_provider_grants(self, user: StaffUser, grants: tuple[RoleGrant, ...], address: str) -> StaffUser:
        if grants == user.grants_of(GrantSource.PROVIDER):
            return user

        def replace_grants(c: Transaction) -> None:
            users.replace_provider_grants(c, user.id, grants)
            roles = ", ".join(map(_describe_place, grants)) or "no role"
            audit.add_audit_entry(
                c, user.library, self._clock.now(), user.actor, "provider-roles-set", user.name, roles, address
            )

        await self._store.write(replace_grants)
        return replace(user, grants=sort_grants((*user.grants_of(GrantSource.STAFF), *grants)))

    def _link_expected_user(self, c: Transaction, identity: OidcIdentity, address: str) -> StaffUser | None:
        user, now = users.find_expected_user(c, identity.name), self._clock.now()
        if user is None or user.disabled is not None:
            return None
        if identity.library != (user.library if user.library in self._own_providers else ""):
            return None  # its own provider signs the user in, or else the installation's
        if not link_identity(c, user.id, identity.issuer, identity.subject, now):
            return users.find_user_by_identity(c, identity.issuer, identity.subject)
        audit.add_audit_entry(c, user.library, now, user.actor, "identity-linked", user.name, peer=address)
        return user

    async def confirm_password(
        self, session: StaffSession, password: str, address: str, device: BrowserDevice | None = None
    ) -> StaffSession:
        """Confirm the password, which is asked for again before something dear. `device`: the browser, as when signing
        in. Raises StaffSignInError."""
        user, now = session.user, self._clock.now()
        keys = await self._attempts.count_attempt(SignInPlace(self._home, address), f"user {user.name}", device=device)
        if keys is None:
            raise StaffSignInError("too-often")
        if not await self._is_password_of(user, password):
            await self._log_sign_in(user, "sign-in-failed", address)
            raise StaffSignInError("wrong")
        await self._attempts.clear_failures(keys, device)
        row = await self._store.write(lambda c: users.confirm_session(c, session.row, now))
        return StaffSession(row, user, session.lacks_factor)

    def is_confirmed(self, session: StaffSession) -> bool:
        """Return whether the password came in a moment ago. An identity provider asks for it, not we: there, signing in
        anew counts."""
        at = session.row.confirmed
        return at is not None and self._clock.now() - at <= CONFIRMED_FOR

    # --- sessions --------------------------------------------------------------------------------------------

    async def start_session(
        self,
        user: StaffUser,
        method: StaffSignInMethod,
        old_id: str,
        new_id: str,
        address: str,
        *,
        confirms: bool = True,
    ) -> StaffSession:
        """Start a session under an id of its own, so that nobody who knew the old cookie is signed in with it. `user`
        has a role in some library of ours. `confirms`: signing in counts as the password that something dear asks for;
        not where a form waited for it, which is to ask for itself."""
        now, user = self._clock.now(), limit_to_method(user, method)
        library = user.library if user.library in self._own_libraries(user) else self._own_libraries(user)[0]
        row = StaffSessionRow(
            library=library,
            id=new_id,
            user_id=user.id,
            method=method.value,
            started=now,
            expires=min(now + self._times.idle, now + self._times.life),
            confirmed=now if confirms else None,
        )
        ways = method.value if not (method is StaffSignInMethod.PASSWORD and user.has_second_factor) else WITH_CODE

        def replace_session(c: Transaction) -> None:
            users.end_session(c, old_id)
            users.add_session(c, row)
            audit.add_audit_entry(c, library, now, user.actor, "signed-in", user.name, ways, address)

        await self._store.write(replace_session)
        return StaffSession(row, user, self._lacks_factor(row, user))

    def is_factor_required(self, user: StaffUser) -> bool:
        """Return whether a factor is required of whoever signs in by password with one of the user's roles."""
        return any(
            grant.role in self._factor_roles
            for grant in user.grants
            if grant.library in self._libraries or grant.library == ALL_LIBRARIES
        )

    def _lacks_factor(self, row: StaffSessionRow, user: StaffUser) -> bool:
        by_password = row.method == StaffSignInMethod.PASSWORD
        return by_password and not user.has_second_factor and self.is_factor_required(user)

    async def find_session(self, id_: str) -> StaffSession | None:
        """It lives on with this, but a page every few seconds writes nothing."""
        session = await self.load_session(id_)
        if session is None:
            return None
        row, now = session.row, self._clock.now()
        expires = min(now + self._times.idle, row.started + self._times.life)
        if expires - row.expires >= self._times.idle / 10:
            row = await self._store.write(lambda c: users.extend_session(c, session.row, expires))
        return StaffSession(row, session.user, session.lacks_factor)

    async def load_session(self, id_: str) -> StaffSession | None:
        """The same, and it doesn't live on with this."""
        now = self._clock.now()

        def load_row(c: Transaction) -> tuple[StaffSessionRow, StaffUser] | None:
            row = users.find_session(c, id_, now)
            user = users.find_user_by_id(c, row.user_id) if row is not None else None
            return (row, user) if row is not None and user is not None else None

        loaded = await self._store.read(load_row)
        if loaded is None:
            return None
        row, user = loaded[0], limit_to_method(loaded[1], StaffSignInMethod(loaded[0].method))
        if user.disabled is not None or row.library not in self._own_libraries(user):
            return None
        return StaffSession(row, user, self._lacks_factor(row, user))

    async def is_alive(self, session: StaffSession) -> bool:
        """Return whether a stream of this session may go on; that somebody listens doesn't lengthen it."""
        now = self._clock.now()
        return await self._store.read(lambda c: users.find_session(c, session.row.id, now)) is not None

    async def switch_library(self, session: StaffSession, library: str) -> StaffSession:
        """Switch to a library; raises StaffSignInError for one in which the user has no role."""
        if library not in self._own_libraries(session.user):
            raise StaffSignInError("no-role")
        row = await self._store.write(lambda c: users.move_session(c, session.row, library))
        return StaffSession(row, session.user, session.lacks_factor)

    async def end_session(self, id_: str) -> None:
        await self._store.write(lambda c: users.end_session(c, id_))

    async def prune_sessions(self) -> int:
        """Remove sessions that are over, and return their number."""
        now = self._clock.now()
        return await self._store.write(lambda c: users.prune_sessions(c, frozenset(self._libraries), now))

    async def prune_audit(self, keep: timedelta) -> int:
        """Entries of the audit log that are older; how many there were."""
        before = self._clock.now() - keep

        def prune_entries(c: Transaction) -> int:
            return sum(audit.prune_audit_entries(c, library, before) for library in sorted(self._libraries))

        return await self._store.write(prune_entries)

    def libraries_of(self, user: StaffUser) -> tuple[str, ...]:
        """Symbols of the installation's libraries in which the user has a role."""
        return self._own_libraries(user)

    def _own_libraries(self, user: StaffUser) -> tuple[str, ...]:
        if ALL_LIBRARIES in user.libraries:
            return tuple(sorted(self._libraries))
        return tuple(library for library in user.libraries if library in self._libraries)

    def _require_role(self, user: StaffUser) -> StaffUser:
        """Require a role; raises StaffSignInError."""
        if not self._own_libraries(user):
            raise StaffSignInError("no-role")
        return user

    async def _is_password_of(self, user: StaffUser | None, password: str) -> bool:
        known = "" if user is None else await self._store.read(lambda c: users.read_password_hash(c, user.id))
        verdict = await self._passwords.verify_password(known, password)
        if user is not None and verdict.outdated:
            renewed = await self._passwords.hash_password(password)
            await self._store.write(lambda c: users.set_password_hash(c, user, renewed))
        return verdict.is_right

    async def _log_sign_in(self, user: StaffUser, action: str, address: str) -> None:
        now, origin = self._clock.now(), AuditOrigin(user.actor, address)
        await self._store.write(
            lambda c: audit.add_audit_entry(c, user.library, now, origin.actor, action, user.name, peer=origin.peer)
        )


def _describe_place(grant: RoleGrant) -> str:
    return str(grant) if grant.library == ALL_LIBRARIES else f"{grant.library} {grant}"
