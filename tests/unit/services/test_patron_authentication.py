"""How long failed sign-ins are kept: as long as they stop somebody, and no longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from gateway.domain.clock import FixedClock
from gateway.domain.library import Patron
from gateway.domain.problems import RefusalReason, Refused
from gateway.ports.library_system import Capability, PatronKey
from gateway.ports.shared_store import Store
from gateway.services.patron_authentication import PatronAuthenticator, TooManyAttemptsError
from gateway.services.sign_in_attempts import AttemptLimits
from gateway.store.engine import open_store
from gateway.store.migration import OWN, migrate_store
from gateway.store.patron_sessions import page_failure

START = datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
LIMITS = AttemptLimits(patron=5, address=10, minutes=15)


class UnknowingSystem:
    """A library's system in which nobody has the number."""

    capabilities = frozenset({Capability.AUTHENTICATE})

    async def authenticate(self, key: PatronKey, secret: str) -> Patron:
        raise Refused(RefusalReason.PATRON_AUTH_FAILED, "no such number and PIN")


async def count_rows(store: Store) -> int:
    return await store.read(lambda c: int(c.execute(select(func.count()).select_from(page_failure)).scalar_one()))


async def test_a_stranger_who_tries_all_day_leaves_few_rows(tmp_path: Path) -> None:
    """With every number that comes to mind, from one address, each quarter of an hour as often as allowed."""
    store = open_store(f"sqlite:///{tmp_path}/illgate.db")
    await migrate_store(store, OWN)
    clock = FixedClock(START)
    authenticator = PatronAuthenticator(store, clock, LIMITS)
    system: Any = UnknowingSystem()
    most = 0
    for round_ in range(8):
        for guess in range(LIMITS.address + 1):
            with pytest.raises(Refused):
                await authenticator.authenticate("DEMO", system, PatronKey(f"{round_}-{guess}"), "0", "192.0.2.1")
        clock.advance(timedelta(minutes=LIMITS.minutes, seconds=1))
        await authenticator.prune_failures(["DEMO"])
        most = max(most, await count_rows(store))
    assert most <= 4 * 2 * LIMITS.address + 1
    clock.advance(timedelta(hours=1))
    await authenticator.prune_failures(["DEMO"])
    assert await count_rows(store) == 0
    await store.close()


async def test_forgetting_old_failures_opens_no_door(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/illgate.db")
    await migrate_store(store, OWN)
    authenticator = PatronAuthenticator(store, FixedClock(START), LIMITS)
    system: Any = UnknowingSystem()
    for _ in range(LIMITS.patron):
        with pytest.raises(Refused):
            await authenticator.authenticate("DEMO", system, PatronKey("21"), "0", "192.0.2.1")
    await authenticator.prune_failures(["DEMO"])
    with pytest.raises(TooManyAttemptsError):
        await authenticator.authenticate("DEMO", system, PatronKey("21"), "0", "192.0.2.1")
    await store.close()
