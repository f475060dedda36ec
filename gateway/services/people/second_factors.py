"""Second factors of staff who sign in by password: a code from an app, or one of ten recovery codes.

The app's secret is kept encrypted: with the journal's key where there is one (`journal.encryption_keys`), else with a
key in the store itself, which protects a table that is given away but no copy of the whole database. A recovery code
has 80 random bits, so that its SHA-256 says nothing of it.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta

import structlog

from gateway.domain.clock import Clock
from gateway.domain.roles import StaffUser
from gateway.ports.shared_store import Store, Transaction
from gateway.services.people.one_time_codes import DIGITS, find_code_step, make_code_secret, moment_of_step
from gateway.services.people.sign_in_attempts import AttemptCounter, BrowserDevice, SignInPlace
from gateway.services.people.staff_sign_in import StaffSignInError
from gateway.services.people.users import AuditOrigin
from gateway.store import audit, second_factors, users
from gateway.store.api_access import get_or_create_secret, read_secret
from gateway.store.journal_records import BodyCipher, BodyUnreadable
from gateway.store.second_factors import CodeWait, SecondFactorRow

log = structlog.get_logger(component="sign-in")

STORED_KEY = "second-factors"
"""Name of the key in the store."""

CODE_TIME = timedelta(minutes=5)
"""Longest time between the password and the code."""

MAX_WRONG_CODES = 100
"""Of the app, one after the other: no more are tried (NIST SP 800-63B section 5.2.2), or whoever knows the password
finds a code of six digits in time, however slowly. A recovery code is taken still."""

RECOVERY_CODES = 10
RECOVERY_BYTES = 10


class SecondFactorService:
    """`attempts`, `home`: as of `StaffSignInService`; `keys`: secrets of `journal.encryption_keys`. All methods raise
    Unavailable."""

    def __init__(self, store: Store, clock: Clock, attempts: AttemptCounter, home: str, keys: Sequence[str]) -> None:
        self._store = store
        self._clock = clock
        self._attempts = attempts
        self._home = home
        self._keys = tuple(keys)

    # --- setting up ------------------------------------------------------------------------------------------

    async def begin_setup(self, user: StaffUser) -> bool:
        """Begin a setup with a new secret, in place of one that was begun before. False: the user has a second
        factor."""
        secret, now = make_code_secret(), self._clock.now()

        def insert_secret(c: Transaction) -> bool:
            cipher = self._make_cipher(get_or_create_secret(c, user.library, STORED_KEY, now))
            encrypted = cipher.encrypt(secret, _row_name(user))
            return second_factors.begin_second_factor(c, user.library, user.id, encrypted, cipher.key_id)

        return await self._store.write(insert_secret)

    async def read_begun_secret(self, user: StaffUser) -> bytes | None:
        """None: none was begun, it counts already, or it can't be read any more."""
        row, secret = await self._read_factor(user)
        return secret if row is not None and row.confirmed is None else None

    async def finish_setup(self, user: StaffUser, code: str, by: AuditOrigin, keep_session: str) -> Sequence[str]:
        """Finish a setup with a first code from the app. From now on it is asked for; all sessions of the user end but
        `keep_session`. Recovery codes come back, which nobody can show again. Raises StaffSignInError."""
        row, secret = await self._read_factor(user)
        now = self._clock.now()
        step = find_code_step(secret, _clean_code(code), now, 0) if secret is not None else None
        if row is None or step is None:
            raise StaffSignInError("wrong-code")
        codes = _make_recovery_codes()

        def confirm_secret(c: Transaction) -> bool:
            if not second_factors.confirm_second_factor(c, row, step, now):
                return False
            second_factors.replace_recovery_codes(c, user.library, user.id, _hash_codes(user, codes))
            users.end_sessions_of_user(c, user.id, keep_session)
            self._log(c, user, by, "second-factor-set")
            return True

        if not await self._store.write(confirm_secret):
            raise StaffSignInError("wrong-code")
        return codes

    async def make_recovery_codes(self, user: StaffUser, by: AuditOrigin) -> Sequence[str]:
        """Make codes in place of those of before."""
        codes = _make_recovery_codes()

        def replace_codes(c: Transaction) -> None:
            second_factors.replace_recovery_codes(c, user.library, user.id, _hash_codes(user, codes))
            self._log(c, user, by, "recovery-codes-made")

        await self._store.write(replace_codes)
        return codes

    async def count_recovery_codes(self, user: StaffUser) -> int:
        return await self._store.read(lambda c: second_factors.count_recovery_codes(c, user.library, user.id))

    async def remove(self, user: StaffUser, by: AuditOrigin) -> None:
        """Remove the user's own second factor: the password is enough from now on."""

        def delete_factor(c: Transaction) -> None:
            if second_factors.delete_second_factor(c, user.library, user.id):
                self._log(c, user, by, "second-factor-removed")

        await self._store.write(delete_factor)

    # --- between password and code ---------------------------------------------------------------------------

    async def begin_wait(self, user: StaffUser, old_id: str, new_id: str, confirms: bool) -> None:
        """The password was right, in the browser whose visit `new_id` is now. `confirms`: as of
        `StaffSignInService.start_session`."""
        expires = self._clock.now() + CODE_TIME
        wait = CodeWait(library=self._home, id=new_id, user_id=user.id, confirms=confirms, expires=expires)

        def replace_session(c: Transaction) -> None:
            users.end_session(c, old_id)
            second_factors.end_code_wait(c, self._home, old_id)
            second_factors.add_code_wait(c, wait)

        await self._store.write(replace_session)

    async def find_wait(self, visit_id: str) -> tuple[CodeWait, StaffUser] | None:
        """Find who has given the password in this browser. None: nobody, or too long ago."""
        now = self._clock.now()

        def load_wait(c: Transaction) -> tuple[CodeWait, StaffUser] | None:
            wait = second_factors.find_code_wait(c, self._home, visit_id, now)
            user = users.find_user_by_id(c, wait.user_id) if wait is not None else None
            if wait is None or user is None or user.disabled is not None:
                return None
            return wait, user

        return await self._store.read(load_wait)

    async def end_wait(self, visit_id: str) -> None:
        await self._store.write(lambda c: second_factors.end_code_wait(c, self._home, visit_id))

    async def prune_waits(self) -> int:
        """Remove waits that are over, and return their number."""
        now = self._clock.now()
        return await self._store.write(lambda c: second_factors.prune_code_waits(c, self._home, now))

    # --- signing in ------------------------------------------------------------------------------------------

    async def check_code(self, user: StaffUser, code: str, address: str, device: BrowserDevice | None = None) -> None:
        """Check a code of somebody whose password was right, in a browser. Raises StaffSignInError."""
        keys = await self._attempts.count_attempt(SignInPlace(self._home, address), f"code {user.name}", device=device)
        if keys is None:
            raise StaffSignInError("too-often")
        text = _clean_code(code)
        take = self._take_app_code if len(text) == DIGITS else self._take_recovery_code
        if not await take(user, text, address):
            origin = AuditOrigin(user.actor, address)
            await self._store.write(lambda c: self._log(c, user, origin, "sign-in-failed", "code"))
            raise StaffSignInError("wrong-code")
        await self._attempts.clear_failures(keys, device)

    async def _take_app_code(self, user: StaffUser, code: str, _address: str) -> bool:
        row, secret = await self._read_factor(user)
        if row is None or row.confirmed is None or secret is None:
            return False
        since = moment_of_step(row.last_step)
        wrong = await self._store.read(
            lambda c: audit.count_wrong_codes(c, user.library, user.actor, since, MAX_WRONG_CODES)
        )
        if wrong >= MAX_WRONG_CODES:
            raise StaffSignInError("codes-used-up")
        step = find_code_step(secret, code, self._clock.now(), row.last_step)
        if step is None:
            return False

        def take_step(c: Transaction) -> bool:
            """Take a step with the secret encrypted anew, so that an old key is needed no more."""
            cipher = self._make_cipher(get_or_create_secret(c, user.library, STORED_KEY, self._clock.now()))
            encrypted = cipher.encrypt(secret, _row_name(user))
            return second_factors.take_code_step(c, row, step, encrypted, cipher.key_id)

        return await self._store.write(take_step)

    async def _take_recovery_code(self, user: StaffUser, code: str, address: str) -> bool:
        (digest,) = _hash_codes(user, [code])
        origin = AuditOrigin(user.actor, address)

        def take_code(c: Transaction) -> bool:
            is_right = second_factors.take_recovery_code(c, user.library, user.id, digest)
            if is_right:
                self._log(c, user, origin, "recovery-code-used")
            return is_right

        return await self._store.write(take_code)

    # --- secrets ---------------------------------------------------------------------------------------------

    async def _read_factor(self, user: StaffUser) -> tuple[SecondFactorRow | None, bytes | None]:
        """The row, and its secret in clear; None where its key is not configured any more."""

        def load_row(c: Transaction) -> tuple[SecondFactorRow | None, bytes | None]:
            row = second_factors.find_second_factor(c, user.library, user.id)
            return row, read_secret(c, user.library, STORED_KEY)

        row, stored = await self._store.read(load_row)
        if row is None or stored is None:
            return None, None
        try:
            return row, self._make_cipher(stored).decrypt(row.secret, row.secret_key, _row_name(user))
        except BodyUnreadable as error:
            log.error("second_factor.unreadable", account=user.name, why=str(error.detail))
            return row, None

    def _make_cipher(self, stored: bytes) -> BodyCipher:
        """Make a cipher; what was encrypted before the journal had a key is read by the store's."""
        return BodyCipher([*self._keys, stored.hex()])

    def _log(self, c: Transaction, user: StaffUser, by: AuditOrigin, action: str, detail: str = "") -> None:
        audit.add_audit_entry(c, user.library, self._clock.now(), by.actor, action, user.name, detail, by.peer)


def _row_name(user: StaffUser) -> str:
    return f"second factor {user.library} {user.id}"


def _clean_code(code: str) -> str:
    """Clean a code as people type it: with blanks or dashes, in any case of letters."""
    return "".join(char for char in code.casefold() if char.isalnum())[:100]


def _make_recovery_codes() -> tuple[str, ...]:
    texts = (base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES))
    return tuple("-".join(text[at : at + 4] for at in range(0, len(text), 4)) for text in texts)


def _hash_codes(user: StaffUser, codes: Sequence[str]) -> list[str]:
    return [hashlib.sha256(f"{user.id} {_clean_code(code)}".encode()).hexdigest() for code in codes]
