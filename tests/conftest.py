"""Fixtures for all tests: the two databases, and the folders of standards, samples and peers."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import web_app
from hypothesis import HealthCheck, settings

from adapters.library import embedded
from adapters.ncip import answers as ncip_answers
from gateway.cli.app import COLLECTION_THRESHOLDS
from gateway.ports.shared_store import Store
from gateway.store.engine import open_store
from gateway.store.migration import OWN, migrate_store
from tests.support.answers import Watch
from tests.support.cheap_hashes import hash_cheaply
from tests.support.compilations import keep_compiled_patterns, keep_compiled_statements, keep_compiled_templates
from tests.support.daemon import Installation
from tests.support.effort_report import EffortReport
from tests.support.installed import start_or_skip
from tests.support.logs import log_plainly, logs_as_before
from tests.support.memory_report import MemoryReport
from tests.support.migration_replay import migrate_by_alembic, replay_migrations
from tests.support.open_resources import OpenResources
from tests.support.parsed_documents import keep_parsed_documents
from tests.support.postgresql import DatabaseCopies, Server
from tests.support.quick_tests import LONGEST_FILES, is_quick, mark_slow_tests, refuse_programs

ROOT = Path(__file__).resolve().parent.parent

# By default an example may take 0.2 seconds and making examples a second: a busy machine needs that for nothing at all.
# A pipeline tries the same examples each time, as without a profile: what fails there fails here too. So it needs few;
# where they are drawn by chance, each run tries others, and as many as Hypothesis advises.
IN_PIPELINE = bool(os.environ.get("CI"))
settings.register_profile(
    "illgate",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=IN_PIPELINE,
    max_examples=40 if IN_PIPELINE else 100,
)
settings.load_profile("illgate")


def pytest_configure(config: pytest.Config) -> None:
    gc.set_threshold(*COLLECTION_THRESHOLDS)  # as in life; to look for garbage took a tenth of the time of all tests
    config.pluginmanager.register(MemoryReport())
    config.pluginmanager.register(EffortReport())
    config.pluginmanager.register(OpenResources())
    replay_migrations()
    keep_parsed_documents()
    keep_compiled_templates()
    keep_compiled_statements()
    keep_compiled_patterns()
    hash_cheaply()
    log_plainly()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    mark_slow_tests(items)  # before `-m` chooses
    yield
    items.sort(key=lambda item: item.location[0] not in LONGEST_FILES)  # after the order was drawn by chance


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    with refuse_programs() if is_quick(item) else contextlib.nullcontext():
        return (yield)


def pytest_collection_finish() -> None:
    """What all tests share stays; it needn't be looked through for garbage again and again."""
    gc.collect()
    gc.freeze()
    gc.collect()  # counts as old what it finds, which is little; else new garbage waits until it is a quarter of all


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """One server for all tests of this process. Where CI is set, a missing server is a failure."""
    server = start_or_skip(Server)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgresql_url(postgresql_server: Server) -> str:
    """The server's own database; for a database to work in, take `fresh_postgresql_url`."""
    return postgresql_server.url()


@pytest.fixture
def fresh_postgresql_url(postgresql_server: Server) -> Iterator[str]:
    """A new, empty database, gone after the test."""
    name = postgresql_server.create_database()
    yield postgresql_server.url(name)
    postgresql_server.drop_database(name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, on SQLite and then on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'illgate.db'}"
    url: str = request.getfixturevalue("fresh_postgresql_url")
    return url


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """An open store on an empty database, without any tables."""
    opened = open_store(store_url)
    yield opened
    await opened.close()


@pytest.fixture
def migrations_by_alembic() -> Iterator[None]:
    """For tests of the migrations; elsewhere what the first one did is repeated."""
    migrate_by_alembic()
    yield
    replay_migrations()


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of SQLite with all tables of the gateway's own; only to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "illgate.db"
    _create_own_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_copies(postgresql_server: Server) -> DatabaseCopies:
    """Of a database with all tables of the gateway's own."""
    name = postgresql_server.create_database()
    _create_own_tables(postgresql_server.url(name))
    return DatabaseCopies(postgresql_server, name)


def _create_own_tables(url: str) -> None:
    """And those of the library system that is built in."""

    async def migrate() -> None:
        opened = open_store(url)
        await migrate_store(opened, OWN, embedded.migrations)
        await opened.close()

    asyncio.run(migrate())


@pytest.fixture
def copied_postgresql_url(postgresql_server: Server, postgresql_copies: DatabaseCopies) -> Iterator[str]:
    """A database with all tables of the gateway's own, emptied after the test."""
    name = postgresql_copies.take_copy()
    yield postgresql_server.url(name)
    postgresql_copies.give_back(name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def migrated_store_url(request: pytest.FixtureRequest, migrated_database: Path, tmp_path: Path) -> str:
    """As `store_url`, with all tables of the gateway's own: to copy them is quicker than to make them."""
    if request.param == "sqlite":
        shutil.copy(migrated_database, tmp_path / "illgate.db")
        return f"sqlite:///{tmp_path / 'illgate.db'}"
    url: str = request.getfixturevalue("copied_postgresql_url")
    return url


@pytest.fixture(scope="session")
def fresh_installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """With the sample library and two profiles, since a gateway spends half of its start on reading all that are
    shipped (`copy_shipped_profiles` adds others, and one that is only extended needs no file); only to be copied."""
    return Installation.make(tmp_path_factory.mktemp("fresh"), profiles=("ncip1", "ncip2"))


@pytest.fixture
def installation(fresh_installation: Installation, tmp_path: Path) -> Installation:
    """One of one's own, with the sample library."""
    return fresh_installation.copy(tmp_path / "illgate")


@pytest.fixture(scope="session")
def specs_folder() -> Path:
    """Schemas and texts of the standards: ILLGATE_SPECS, else ../shared/specs."""
    return _folder("ILLGATE_SPECS", ROOT.parent / "shared" / "specs")


@pytest.fixture(scope="session")
def samples_folder() -> Path:
    """Messages as partners really send them: ILLGATE_SAMPLES, else ../shared/samples."""
    return _folder("ILLGATE_SAMPLES", ROOT.parent / "shared" / "samples")


@pytest.fixture(scope="session")
def peers_folder() -> Path:
    """Servers that behave as real ones: ILLGATE_PEERS, else ../shared/peers. Where CI is set they must be there."""
    default = ROOT.parent / "shared" / "peers"
    if os.environ.get("CI") and "ILLGATE_PEERS" not in os.environ and not default.is_dir():
        pytest.fail("peers are not here (set ILLGATE_PEERS to their folder)")
    return _folder("ILLGATE_PEERS", default)


def _folder(variable: str, default: Path) -> Path:
    """A folder that is named but missing is an error; a default that is missing skips the test."""
    named = os.environ.get(variable)
    folder = Path(named) if named else default
    if not folder.is_dir():
        if named:
            pytest.fail(f"{variable} names a folder that does not exist: {named}")
        pytest.skip(f"{default.name} are not here (set {variable} to their folder)")
    return folder


@pytest.fixture(autouse=True)
def forget_web_applications() -> Iterator[None]:
    """aiohttp remembers the last 1,024 pairs of handler and application that it has served. A gateway has one
    application; a worker of tests would keep hundreds, each with its store, profiles and pages."""
    yield
    web_app._cached_build_middleware.cache_clear()


@pytest.fixture(autouse=True)
def logs_unchanged() -> Iterator[None]:
    with logs_as_before():
        yield


@pytest.fixture(scope="session")
def answers() -> Iterator[Watch | None]:
    """Sees every NCIP answer; None where the schemas are not here (then tests that need them are skipped)."""
    named = os.environ.get("ILLGATE_SPECS")
    folder = Path(named) if named else ROOT.parent / "shared" / "specs"
    if not folder.is_dir():
        yield None
        return
    watch = Watch(folder)
    ncip_answers.write_answer = watch
    yield watch
    ncip_answers.write_answer = watch.write


@pytest.fixture(autouse=True)
def every_answer_is_valid(answers: Watch | None) -> Iterator[None]:
    """Whatever a test is about, the NCIP answers that it provokes in standard style must fit the schema."""
    yield
    if answers is not None and answers.invalid:
        found, answers.invalid = answers.invalid, []
        pytest.fail("an answer does not fit its schema:\n" + "\n".join(found[:3]))
