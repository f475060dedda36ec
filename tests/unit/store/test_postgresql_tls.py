"""TLS to PostgreSQL, as `store.url` says."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from gateway.domain.problems import Unavailable
from gateway.store.engine import open_store
from gateway.store.postgresql import PostgresqlSession
from tests.support.certificates import Authority
from tests.support.installed import start_or_skip
from tests.support.postgresql import QUICK, Server, find_owner

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with tempfile.TemporaryDirectory(prefix="illgate-tls-") as name:
        yield Authority(Path(name))


@pytest.fixture(scope="module")
def tls_server(authority: Authority) -> Iterator[Server]:
    """That offers TLS, as Debian's does."""
    pair = authority.issue("database")
    folder = pair.key.parent
    if (owner := find_owner(folder)) is not None:
        os.chown(pair.key, pwd.getpwnam(owner).pw_uid, -1)
    os.chmod(pair.key, 0o600)
    server = start_or_skip(
        lambda: Server((*QUICK, "ssl=on", f"ssl_cert_file={pair.certificate}", f"ssl_key_file={pair.key}"))
    )
    yield server
    server.stop()


async def is_encrypted(url: str) -> bool:
    store = open_store(url)
    try:
        said = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        return bool(await store.read(lambda c: c.execute(text(said)).scalar_one()))
    finally:
        await store.close()


@pytest.mark.parametrize(
    ("said", "encrypted"),
    [
        ("", True),
        ("?sslmode=prefer", True),
        ("?sslmode=disable", False),
        ("?ssl=disable", False),
        ("?sslmode=require", True),
        ("?sslmode=verify-full&sslrootcert=AUTHORITY", True),
        ("?sslmode=disable&prepared_statement_cache_size=0", False),
    ],
)
async def test_the_url_says_whether_what_is_sent_is_encrypted(
    tls_server: Server, authority: Authority, said: str, encrypted: bool
) -> None:
    url = tls_server.url() + said.replace("AUTHORITY", str(authority.certificate))

    assert await is_encrypted(url) is encrypted
    session = await PostgresqlSession.open(make_url(url))
    await session.execute("SELECT 1")
    await session.close()


async def test_a_server_of_another_authority_is_refused(tls_server: Server, tmp_path: Path) -> None:
    url = f"{tls_server.url()}?sslmode=verify-full&sslrootcert={Authority(tmp_path).certificate}"

    with pytest.raises(Unavailable, match="certificate verify failed"):
        await is_encrypted(url)


async def test_a_server_without_tls_is_refused_where_it_is_required(postgresql_url: str) -> None:
    with pytest.raises(Unavailable, match="cannot be reached: ConnectionError"):
        await is_encrypted(f"{postgresql_url}?sslmode=require")
