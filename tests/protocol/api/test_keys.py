"""Keys: who is let in, to what, and what is kept of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.services.api_keys import KeyScope
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
        (KeyScope.PATRON, "GET", "patron/requests?patron=1"),
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
    }


async def test_only_a_hash_of_a_key_is_kept_and_its_use_is_noted(
    gateway: Running, client: Client, installation: Installation
) -> None:
    await client("GET", "key")
    (row,) = await gateway.keys.list_keys("DEMO")
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
    assert await gateway.keys.revoke_key("DEMO", prefix)
    assert (await client("GET", "key")).problem == "unauthenticated"
    assert not await gateway.keys.revoke_key("DEMO", prefix), "once is enough"


async def test_a_key_is_bound_to_its_library(gateway: Running, client: Client) -> None:
    elsewhere = client.with_key(await gateway.key(library="ELSEWHERE"))
    assert (await elsewhere("GET", "key")).json["library"] == "ELSEWHERE"
    assert (await elsewhere("GET", "webhooks")).json == {"items": []}
    assert (await elsewhere("GET", "requests")).status == 404, "this gateway has no such library"


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


async def test_keys_are_found_by_their_prefix_alone(gateway: Running) -> None:
    key = await gateway.key()
    row = await gateway.store.read(lambda c: api_access.find_api_key(c, key.split("_")[1]))
    assert row is not None
    assert row.library == "DEMO"
