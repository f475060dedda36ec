"""What stands in deploy/ is true to the code."""

from __future__ import annotations

import importlib.util
import re
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from click.testing import CliRunner
from sqlalchemy import text

from gateway.adapter_registry import AdapterRegistry
from gateway.cli import main
from gateway.ports.adapter import LibraryAdapter
from gateway.settings import HttpSettings, Settings, load_settings
from gateway.store.engine import open_store
from tests.support.paths import ROOT
from tests.unit.runtime.house import House, NoOptions

DEPLOY = ROOT / "deploy"


@pytest.fixture(scope="module")
def backup() -> ModuleType:
    spec = importlib.util.spec_from_file_location("backup", DEPLOY / "backup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    """In WAL mode, open, with a row that only the WAL has."""
    file = tmp_path / "data" / "illgate.db"
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES ('Çelik')")
        connection.commit()
        yield file


@pytest.mark.slow
def test_a_backup_of_a_database_in_use(database: Path, tmp_path: Path) -> None:
    command = [sys.executable, DEPLOY / "backup.py", database, tmp_path / "copies"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    copy = Path(done.stdout.strip())
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT x FROM t").fetchall() == [("Çelik",)]
    assert [file.name for file in copy.parent.iterdir()] == [copy.name]


def test_old_copies_go_others_stay(backup: ModuleType, database: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    copies = [backup.back_up(database, folder, datetime(2026, 3, day, tzinfo=UTC)) for day in (1, 2, 3)]
    other = folder / "other.db"
    other.touch()
    assert backup.forget_old(database, folder, 2) == copies[:1]
    assert sorted(folder.iterdir()) == sorted([*copies[1:], other])


def test_no_backup_leaves_no_trace(backup: ModuleType, tmp_path: Path) -> None:
    rubbish = tmp_path / "illgate.db"
    rubbish.write_bytes(b"not a database" * 100)
    for file in (rubbish, tmp_path / "nowhere.db"):
        with pytest.raises(backup.BackupFailed, match=str(file)):
            backup.back_up(file, tmp_path / "copies", datetime(2026, 3, 1, tzinfo=UTC))
    assert list((tmp_path / "copies").iterdir()) == []


async def test_a_gateway_runs_on_a_restored_backup(backup: ModuleType, tmp_path: Path) -> None:
    house = House(tmp_path)
    house.build()
    async with house.running():
        copy = backup.back_up(tmp_path / "data" / "illgate.db", tmp_path / "copies", datetime(2026, 3, 1, tzinfo=UTC))
    for file in (tmp_path / "data").glob("illgate.db*"):
        file.unlink()
    copy.rename(tmp_path / "data" / "illgate.db")
    async with house.running():
        pass
    store = open_store(f"sqlite:///{tmp_path / 'data' / 'illgate.db'}")
    await store.read(lambda connection: connection.execute(text("select 1 from message")).all())
    await store.close()


def test_compose_and_its_settings_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yml").read_text())
    illgate, postgres = compose["services"]["illgate"], compose["services"]["postgres"]
    name = illgate["volumes"][0].partition(":")[0]
    adapters = AdapterRegistry.from_adapters(LibraryAdapter("embedded", NoOptions, House(DEPLOY)._open))
    settings = load_settings(DEPLOY / name, adapters)
    monkeypatch.setenv("ILLGATE_DB_PASSWORD", "s3cret")
    url = settings.resolve_store_url()
    assert (url.host, url.username, url.database) == (
        "postgres",
        postgres["environment"]["POSTGRES_USER"],
        postgres["environment"]["POSTGRES_DB"],
    )
    assert "ILLGATE_DB_PASSWORD" in illgate["environment"]
    assert illgate["ports"] == [f"127.0.0.1:{settings.http.port}:{settings.http.port}"]
    assert int(illgate["stop_grace_period"].rstrip("s")) > settings.shutdown_seconds


def test_ports_times_and_options_of_the_other_files() -> None:
    port = HttpSettings.model_fields["port"].default
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    unit = (DEPLOY / "illgate.service").read_text()
    nginx = (DEPLOY / "nginx.conf").read_text()
    assert f"EXPOSE {port}" in dockerfile
    assert f"127.0.0.1:{port}/healthz" in dockerfile
    assert f"server 127.0.0.1:{port};" in nginx
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE):
        for name in copied.split():
            assert (DEPLOY.parent / name).exists(), name
    stop = re.search(r"TimeoutStopSec=(\d+)", unit)
    assert stop is not None
    assert int(stop[1]) > Settings().shutdown_seconds
    read = re.search(r"proxy_read_timeout (\d+)s", (DEPLOY / "nginx-proxy.conf").read_text())
    assert read is not None
    assert int(read[1]) > HttpSettings().queue_seconds
    assert "client_max_body_size 50m" in nginx


def test_the_command_has_what_they_call(tmp_path: Path) -> None:
    told = CliRunner().invoke(main, ["--config", str(tmp_path / "gateway.yml"), "serve", "--help"])
    assert told.exit_code == 0
    assert "--host" in told.output
