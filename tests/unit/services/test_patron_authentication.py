"""Failed sign-ins: whom they stop, and how long they are kept: as long as they stop somebody, and no longer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select

from gateway.domain.clock import FixedClock
from gateway.domain.library import Patron
from gateway.domain.problems import RefusalReason, Refused
from gateway.ports.library_system import Capability, PatronKey
from gateway.ports.shared_store import Store
from gateway.services.people.patron_authentication import PatronAuthenticator, TooManyAttemptsError
from gateway.services.people.sign_in_attempts import (
    ANYWHERE,
    MAX_DEVICE_TOKENS,
    AttemptCounter,
    AttemptLimits,
    BrowserDevice,
    SignInPlace,
)
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
    library: Any = SimpleNamespace(symbol="DEMO", system=UnknowingSystem())
    most = 0
    for round_ in range(8):
        for guess in range(LIMITS.address + 1):
            with pytest.raises(Refused):
                await authenticator.authenticate(library, PatronKey(f"{round_}-{guess}"), "0", "192.0.2.1")
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
    library: Any = SimpleNamespace(symbol="DEMO", system=UnknowingSystem())
    for _ in range(LIMITS.patron):
        with pytest.raises(Refused):
            await authenticator.authenticate(library, PatronKey("21"), "0", "192.0.2.1")
    await authenticator.prune_failures(["DEMO"])
    with pytest.raises(TooManyAttemptsError):
        await authenticator.authenticate(library, PatronKey("21"), "0", "192.0.2.1")
    await store.close()


# --- whom they stop --------------------------------------------------------------------------------------


@pytest.fixture
async def attempts(tmp_path: Path) -> AsyncIterator[AttemptCounter]:
    store = open_store(f"sqlite:///{tmp_path}/illgate.db")
    await migrate_store(store, OWN)
    yield AttemptCounter(store, FixedClock(START), LIMITS)
    await store.close()


async def fail(attempts: AttemptCounter, account: str, address: str, device: BrowserDevice | None = None) -> bool:
    """Whether it could be tried."""
    return await attempts.count_attempt(SignInPlace("DEMO", address), account, device=device) is not None


async def sign_in(attempts: AttemptCounter, account: str, address: str, device: BrowserDevice) -> None:
    keys = await attempts.count_attempt(SignInPlace("DEMO", address), account, device=device)
    assert keys is not None
    await attempts.clear_failures(keys, device)


@pytest.mark.parametrize(("bits", "times"), [(56, 4), (48, 16)])
async def test_who_has_a_whole_network_has_few_tries_more(attempts: AttemptCounter, bits: int, times: int) -> None:
    """From a new /64 each time: a /48 has 65,536 of them."""
    step = 1 if bits == 56 else 0x100
    addresses = [f"2001:db8:7:{n * step:x}::1" for n in range(times * LIMITS.address + 5)]
    tried = [await fail(attempts, f"number {n}", address) for n, address in enumerate(addresses)]

    assert tried.count(True) == times * LIMITS.address
    assert not any(tried[times * LIMITS.address :])
    assert await fail(attempts, "number x", "2001:db8:8::1"), "another network"
    assert await fail(attempts, "number x", "192.0.2.1")


async def test_a_network_locks_nobody_out_elsewhere(attempts: AttemptCounter) -> None:
    tried = [await fail(attempts, "number 21", f"2001:db8:7:{n:x}::1") for n in range(60)]

    assert tried.count(True) == LIMITS.patron
    assert await fail(attempts, "number 21", "2001:db8:8::1")


async def test_an_address_whose_tries_are_used_up_lets_known_browsers_sign_in(attempts: AttemptCounter) -> None:
    """A campus has one address; one of its thousands tries other people's numbers all day."""
    known, unknown = BrowserDevice(), BrowserDevice()
    await sign_in(attempts, "number 21", "192.0.2.1", known)
    assert known.is_changed
    shown = BrowserDevice(known.tokens)  # as its cookie says the next time
    for guess in range(LIMITS.address):
        assert await fail(attempts, f"number {guess}", "192.0.2.1")
    assert not await fail(attempts, "number 21", "192.0.2.1", unknown)

    assert not await fail(attempts, "number 22", "192.0.2.1", shown), "it is known for one account"
    await sign_in(attempts, "number 21", "192.0.2.1", shown)
    assert not shown.is_changed, "it keeps what it has"
    tried = [await fail(attempts, "number 21", "192.0.2.1", shown) for _ in range(2 * LIMITS.patron)]
    assert tried.count(True) == LIMITS.patron, "and a PIN isn't found by trying with it"


async def test_nobody_can_make_a_browser_known(attempts: AttemptCounter) -> None:
    known = BrowserDevice()
    await sign_in(attempts, "number 21", "192.0.2.1", known)
    number, _, mark = known.tokens[0].partition(".")
    forged = (f"{number}.{'0' * 32}", f"{'0' * 16}.{mark}", mark, "", "x" * 10_000, f"{number}.{mark}\n")
    for guess in range(LIMITS.address):
        await fail(attempts, f"number {guess}", "192.0.2.1")

    for one in forged:
        assert not await fail(attempts, "number 21", "192.0.2.1", BrowserDevice([one])), one
    assert await fail(attempts, "number 21", "192.0.2.1", BrowserDevice([*forged[:4], known.tokens[0]]))


async def test_whoever_knew_a_pin_tries_the_next_no_more_often_with_many_browsers(attempts: AttemptCounter) -> None:
    """Each sign-in without its cookie makes one more browser known."""
    browsers = [BrowserDevice() for _ in range(30)]
    for browser in browsers:
        await sign_in(attempts, "number 21", "192.0.2.1", browser)

    tried = [
        await fail(attempts, "number 21", "192.0.2.1", browser) for browser in browsers for _ in range(LIMITS.patron)
    ]

    assert tried.count(True) == ANYWHERE * LIMITS.patron + LIMITS.patron, "with browsers, and at this address"
    assert await fail(attempts, "number 21", "192.0.2.2"), "others are not shut out"


async def test_a_browser_is_known_for_the_last_few_accounts(attempts: AttemptCounter) -> None:
    device = BrowserDevice()
    for number in range(MAX_DEVICE_TOKENS + 2):
        await sign_in(attempts, f"number {number}", f"192.0.2.{number}", device)

    assert len(device.tokens) == MAX_DEVICE_TOKENS
    assert MAX_DEVICE_TOKENS >= 2 * 12, "a dozen who share a desk, each with a password and codes"
