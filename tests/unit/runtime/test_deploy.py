"""What stands in deploy/ is true to the code."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

import bootstrap
from gateway.adapter_registry import AdapterRegistry
from gateway.cli import main
from gateway.ports.adapter import LibraryAdapter
from gateway.settings import HttpSettings, Settings, load_settings
from tests.support.installed import NotInstalled, start_or_skip
from tests.support.paths import ROOT
from tests.support.yaml_files import read_yaml_file
from tests.unit.runtime.house import House, NoOptions

DEPLOY = ROOT / "deploy"


def test_compose_and_its_settings_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    compose = read_yaml_file(DEPLOY / "compose.yml")
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


@pytest.mark.slow  # starts a program
def test_compose_reads_its_file_and_asks_for_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    command = [start_or_skip(find_docker_compose), "--file", str(DEPLOY / "compose.yml"), "config", "--format", "json"]
    monkeypatch.delenv("ILLGATE_DB_PASSWORD", raising=False)
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    monkeypatch.setenv("ILLGATE_DB_PASSWORD", "s3cret")
    services = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["services"]

    assert refused.returncode != 0
    assert "see the top of this file" in refused.stderr
    assert services["illgate"]["build"] == {"context": str(DEPLOY), "dockerfile": "Dockerfile"}
    assert services["illgate"]["environment"]["ILLGATE_DB_PASSWORD"] == "s3cret"
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"] == "s3cret"
    assert services["illgate"]["depends_on"]["postgres"]["condition"] == "service_healthy"


def find_docker_compose() -> str:
    if (program := shutil.which("docker-compose")) is None:
        raise NotInstalled("no Docker Compose (apt-get install docker-compose)")
    return program


def test_ports_times_and_options_of_the_other_files() -> None:
    port = HttpSettings.model_fields["port"].default
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    unit = (DEPLOY / "illgate.service").read_text()
    nginx = (DEPLOY / "nginx.conf").read_text()
    assert f"EXPOSE {port}" in dockerfile
    assert f"127.0.0.1:{port}/healthz" in dockerfile
    assert f"server 127.0.0.1:{port};" in nginx
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


def test_a_release_locks_what_the_image_installs(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "install", lambda *_: None)
    monkeypatch.setattr("shutil.rmtree", lambda *_args, **_options: None)
    monkeypatch.setattr(bootstrap, "run_commands", lambda given, _venv: commands.extend(given) or 0)

    assert bootstrap.release() == 0

    lock = " ".join(next(command for command in commands if command[0] == "uv"))
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    assert "[mail,pdf,postgresql,traces]" in dockerfile
    assert "--extra mail --extra pdf --extra postgresql" in lock
    assert f"--python-version {dockerfile.partition('FROM python:')[2].partition('-')[0]} " in lock
    assert "--generate-hashes" in lock


def test_bootstrap_installs_again_only_after_a_change_or_a_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    venv, asked = tmp_path / ".venv", [tmp_path / "pyproject.toml", tmp_path / "constraints.txt"]
    for file in (*asked, venv / "bin" / "python"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    codes: list[int] = []

    def run_pip(command: list[str], check: bool) -> None:
        if codes.pop():
            raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(bootstrap, "HERE", tmp_path)
    monkeypatch.setattr("subprocess.run", run_pip)
    codes[:] = [0, 1]
    with pytest.raises(subprocess.CalledProcessError):
        bootstrap.install("[mail]", venv)
    bootstrap.install("[mail]", venv)
    assert codes == []
    bootstrap.install("[mail]", venv)  # runs nothing

    codes[:] = [0, 0]
    bootstrap.install("[demo]", venv)
    asked[1].write_text("aiohttp==3.13.0\n")
    bootstrap.install("[mail]", venv)
    assert codes == []
