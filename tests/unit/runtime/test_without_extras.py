"""An installation without an extra: what needs it says in one line what to install, and nothing else needs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.daemon import Installation
from tests.support.paths import ROOT

HIDE_EXTRAS = """
import sys
for name in ("greenlet", "asyncpg", "imapclient", "aiosmtpd", "weasyprint", "opentelemetry"):
    sys.modules[name] = None  # importing it raises ImportError
"""
WITHOUT_EXTRAS = f"""{HIDE_EXTRAS}
from gateway.cli import main
main()
"""
IMPORT_ALL = """
import importlib, pkgutil
for package in ("gateway", "adapters", "rehearsal"):
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if ".migrations" not in found.name:
            importlib.import_module(found.name)
"""
"""Fails where a module needs what isn't installed."""


def run_without_extras(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_EXTRAS, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_no_module_needs_an_extra_to_be_loaded() -> None:
    command = [sys.executable, "-c", HIDE_EXTRAS + IMPORT_ALL]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", [["serve"], ["journal", "list"]])
def test_a_postgresql_database_without_its_extra(command: list[str], installation: Installation) -> None:
    installation.change(store={"url": "postgresql://illgate@127.0.0.1/illgate"})

    done = run_without_extras("--config", str(installation.config), *command)

    assert done.returncode != 0
    assert "asyncpg is not installed: pip install 'illgate[postgresql]'" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_a_mailbox_without_its_extra(installation: Installation) -> None:
    mailbox = {"name": "answers", "library": "DEMO", "host": "127.0.0.1", "user": "ill", "password": "env:MAIL"}
    installation.change(mailboxes=[mailbox])

    done = run_without_extras("--config", str(installation.config), "mail", "poll", "answers")

    assert done.returncode != 0
    assert "pip install 'illgate[mail]'" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout


def test_traces_without_their_extra(installation: Installation) -> None:
    installation.change(traces={"endpoint": "http://127.0.0.1:4318/v1/traces"})

    done = run_without_extras("--config", str(installation.config), "serve")

    assert done.returncode != 0
    assert "traces.endpoint: OpenTelemetry is not installed: pip install 'illgate[traces]'" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_the_check_finds_extras_that_the_settings_need(installation: Installation) -> None:
    mailbox = {"name": "answers", "library": "DEMO", "host": "127.0.0.1", "user": "ill", "password": "env:MAIL"}
    traces = {"endpoint": "http://127.0.0.1:4318/v1/traces"}
    installation.change(mailboxes=[mailbox], store={"url": "postgresql://illgate@127.0.0.1/illgate"}, traces=traces)

    done = run_without_extras("--config", str(installation.config), "check")

    assert done.returncode == 1, done.stdout
    lines = [line.strip() for line in done.stdout.partition("installation:")[2].splitlines()]
    (store,) = [line for line in lines if "store.url: " in line]
    (mail,) = [line for line in lines if "mailboxes: " in line]
    (traces_line,) = [line for line in lines if "traces.endpoint: " in line]
    assert "asyncpg is not installed: pip install 'illgate[postgresql]'" in store
    assert "IMAPClient is not installed: pip install 'illgate[mail]'" in mail
    assert "OpenTelemetry is not installed: pip install 'illgate[traces]'" in traces_line
