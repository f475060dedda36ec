"""Keys: who is let in, to what, and what is kept of them."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.domain.clock import SystemClock
from gateway.services.people.api_keys import KeyScope
from gateway.store import api_access
from tests.protocol.api.support import Client, Running
from tests.support.daemon import Installation


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer ",
        "Bearer ilg_aaaaaaaa_" + "A" * 43,
        "Bearer nonsense",
        "Basic aWxnOmlsZw==",
        "ilg_aaaaaaaa_" + "A" * 43,
        "Bearer ilg_aaaaaaaa_" + "Ø" * 43,
    ],
)
async def test_an_unknown_key_opens_nothing(client: Client, authorization: str) -> None:
    answered = await client("GET", "key", Authorization=authorization)
    assert answered.status == 401
    assert answered.problem == "unauthenticated"
    assert answered.headers["WWW-Authenticate"].startswith("Bearer")


async def test_no_key_opens_nothing_but_the_documentation(client: Client) -> None:
    nobody = client.with_key("")
    assert (await nobody("GET", "requests")).problem == "unauthenticated"
    assert (await nobody("GET", "docs")).status == 200
    assert (await nobody("GET", "openapi.json")).status == 200


async def test_a_key_of_which_one_letter_differs_is_unknown(client: Client) -> None:
    last = "A" if client.key[-1] != "A" else "B"
    assert (await client.with_key(client.key[:-1] + last)("GET", "key")).problem == "unauthenticated"


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        (KeyScope.REQUESTS_READ, "GET", "requests"),
        (KeyScope.REQUESTS_WRITE, "POST", "requests"),
        (KeyScope.LENDING, "POST", "lending-requests"),
        (KeyScope.PARTNERS_READ, "GET", "partners"),
        (KeyScope.TASKS_READ, "GET", "tasks"),
        (KeyScope.EVENTS_READ, "GET", "history"),
        (KeyScope.NETWORK_READ, "GET", "network/load"),
        (KeyScope.PATRON, "GET", "patron/requests?patron=21000000000017"),
        (KeyScope.ADMIN, "GET", "dead-letters"),
    ],
)
async def test_each_scope_opens_its_own_and_nothing_else_does(
    gateway: Running, client: Client, scope: KeyScope, method: str, path: str
) -> None:
    others = await gateway.key(*(one for one in KeyScope if one is not scope))
    refused = await client.with_key(others)(method, path)
    assert (refused.status, refused.problem) == (403, "forbidden")
    assert scope.value in refused.json["detail"]

    allowed = await client.with_key(await gateway.key(scope))(method, path)
    assert allowed.status == (415 if method == "POST" else 200), "the body is looked at, so the key was good"


async def test_a_key_says_what_it_may_do(gateway: Running, client: Client) -> None:
    key = await gateway.key(KeyScope.PATRON, KeyScope.EVENTS_READ, name="Портал")
    answered = await client.with_key(key)("GET", "key")
    assert answered.json == {
        "library": "DEMO",
        "prefix": key.split("_")[1],
        "name": "Портал",
        "scopes": ["events:read", "patron"],
        "expires": None,
    }


async def test_a_key_opens_nothing_from_the_moment_at_which_it_expires(
    gateway: Running, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await gateway.keys.create_key("Migration", [KeyScope.REQUESTS_READ], timedelta(days=30))
    expires = made.row.created + timedelta(days=30)
    migration = client.with_key(made.key)

    monkeypatch.setattr(gateway.clock, "now", lambda: expires - timedelta(microseconds=1))
    answered = await migration("GET", "key")
    assert datetime.fromisoformat(answered.json["expires"]) == expires

    monkeypatch.setattr(gateway.clock, "now", lambda: expires)
    refused = await migration("GET", "requests")
    assert refused.problem == "unauthenticated"
    assert f"expired at {expires:%Y-%m-%dT%H:%MZ}" in refused.json["detail"]
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    assert (await client("GET", "key")).status == 200, "a key without an end goes on"


async def test_that_a_key_has_expired_is_told_only_to_who_has_it(
    gateway: Running, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await gateway.keys.create_key("Migration", [KeyScope.REQUESTS_READ], timedelta(days=1))
    monkeypatch.setattr(gateway.clock, "now", lambda: made.row.created + timedelta(days=2))
    guessed = client.with_key(f"ilg_{made.row.prefix}_" + "A" * 43)
    assert "expired" not in (await guessed("GET", "key")).json["detail"]
    await gateway.keys.revoke_key(made.row.prefix)
    assert "expired" not in (await client.with_key(made.key)("GET", "key")).json["detail"], "revoked comes first"


async def test_only_a_hash_of_a_key_is_kept_and_its_use_is_noted(
    gateway: Running, client: Client, installation: Installation
) -> None:
    await client("GET", "key")
    (row,) = await gateway.keys.list_keys()
    assert row.last_used is not None
    assert len(row.digest) == 32
    secret = client.key.split("_", 2)[2].encode()
    assert len(secret) == 43, "256 random bits"
    assert not holds(installation.folder, secret)
    assert holds(installation.folder, row.digest), "the search finds what is there"


def holds(folder: Path, content: bytes) -> bool:
    """Whether one of the database's files does."""
    return any(content in file.read_bytes() for file in folder.rglob("*.db*"))


async def test_a_revoked_key_opens_nothing(gateway: Running, client: Client) -> None:
    prefix = client.key.split("_")[1]
    assert await gateway.keys.revoke_key(prefix)
    assert (await client("GET", "key")).problem == "unauthenticated"
    assert not await gateway.keys.revoke_key(prefix), "once is enough"


async def test_a_key_is_bound_to_its_library(gateway: Running, client: Client) -> None:
    elsewhere = client.with_key(await gateway.key(library="ELSEWHERE"))
    assert (await elsewhere("GET", "key")).json["library"] == "ELSEWHERE"
    for path in ("webhooks", "requests"):
        assert (await elsewhere("GET", path)).status == 404, "this gateway has no such library"


def test_keys_by_command(installation: Installation) -> None:
    def illgate(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(main, ["--config", str(installation.config), "key", *arguments])
        assert done.exit_code == code, done.output
        return done.stdout

    assert "no keys" in illgate("list")
    key = illgate("create", "Portail de Genève", "--scope", "patron", "--scope", "events:read").strip()
    assert re.fullmatch(r"ilg_[a-z2-7]{8}_[A-Za-z0-9_-]{43}", key)
    listed = illgate("list")
    assert "Portail de Genève" in listed
    assert "events:read,patron" in listed
    assert "never" in listed
    assert key not in listed
    prefix = key.split("_")[1]
    assert prefix in illgate("revoke", prefix)
    assert "revoked" in illgate("list")
    illgate("revoke", prefix, code=1)
    illgate("create", "nobody", code=2)
    illgate("create", "nobody", "--scope", "everything", code=2)
    assert "requests:write" in illgate("scopes")
    illgate("create", "nobody", "--scope", "patron", "--days", "0", code=2)
    assert "+0100   never" in re.sub(r"  +", "   ", illgate("list")), "a key without --days never expires"


async def test_the_list_says_when_keys_expire_and_when_they_were_used(
    gateway: Running, client: Client, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def illgate(*arguments: str) -> str:
        typed = ["--config", str(installation.config), "key", *arguments]
        done = await asyncio.to_thread(CliRunner().invoke, main, typed)
        assert done.exit_code == 0, done.output
        return done.stdout

    async def line_of(name: str) -> str:
        return next(line for line in (await illgate("list")).splitlines() if name in line)

    def set_time(moment: datetime) -> None:
        monkeypatch.setattr(SystemClock, "now", lambda _: moment)

    made = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    set_time(made)
    key = (await illgate("create", "Überführung", "--scope", "requests:read", "--days", "30")).strip()
    set_time(made + timedelta(days=3, minutes=5))
    assert (await client.with_key(key)("GET", "key")).status == 200
    assert re.split(r"  +", await line_of("Überführung"))[2:] == [
        "requests:read",
        "2026-03-02 10:00:00+0100",
        "2026-04-01 11:00:00+0200",  # 30 times 24 hours, though a day between has 23
        "2026-03-05 10:05:00+0100",
    ]

    set_time(made + timedelta(days=30))
    assert (await client.with_key(key)("GET", "key")).problem == "unauthenticated"
    assert (await line_of("Überführung")).endswith("2026-03-05 10:05:00+0100  expired")
    await illgate("revoke", key.split("_")[1])
    assert "revoked 2026-04-01" in await line_of("Überführung")


async def test_keys_are_found_by_their_prefix_alone(gateway: Running) -> None:
    key = await gateway.key()
    row = await gateway.store.read(lambda c: api_access.find_api_key(c, key.split("_")[1]))
    assert row is not None
    assert row.library == "DEMO"
