"""`illgate doctor`: every cause has its line and its remedy."""

from __future__ import annotations

import os
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemon import Installation
from tests.unit.cli.conftest import typed


@pytest.fixture
def house(pristine: Installation, tmp_path: Path) -> Installation:
    """An installation without partners: the examples of all shipped profiles would take their time."""
    made = pristine.copy(tmp_path / "house")
    for file in (made.folder / "profiles").glob("*.yml"):
        file.unlink()
    (made.folder / "requests.yml").write_text("{}\n")
    made.change(tcp=[])
    return made


@pytest.fixture
def listened() -> Iterator[socket.socket]:
    """A port that another program has."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other


def examine(installation: Installation, code: int) -> list[tuple[str, str]]:
    """All findings as (state, text), each remedy with its text."""
    done = typed(installation)("doctor")
    assert done.exit_code == code, done.output
    found: list[tuple[str, str]] = []
    for line in done.stdout.splitlines():
        state, text = line[2:10].strip(), line[11:]
        if line.startswith("  ") and state:
            found.append((state, text))
        elif line.startswith("  "):
            found[-1] = (found[-1][0], f"{found[-1][1]} | {text}")
    return found


def find_text(found: list[tuple[str, str]], words: str) -> tuple[str, str]:
    (match,) = [(state, text) for state, text in found if words in text]
    return match


def test_wrong_rights_are_problems(house: Installation) -> None:
    secret = house.folder / "mail.secret"
    secret.write_text("hunter2")
    secret.chmod(0o644)
    house.change(mail={"sender": "ill@north.example", "user": "ill", "password": "file:mail.secret"})
    house.database.chmod(0o640)
    house.config.chmod(0o666)

    found = examine(house, 1)

    assert find_text(found, "every user of this machine can read this secret")[1].endswith(f"chmod o-rwx {secret}")
    assert find_text(found, "other users can read it, and it names patrons")[1].endswith(f"chmod 600 {house.database}")
    assert find_text(found, "every user of this machine can change it")[1].endswith(f"chmod o-w {house.config}")
    assert not any("hunter2" in text for _, text in found)


def test_safe_rights_are_told_too(house: Installation) -> None:
    found = examine(house, 0)

    assert ("ok", "settings, database and secrets have safe permissions") in found
    assert find_text(found, "no daemon is running")[0] == "warning"


def test_a_port_that_another_program_has(house: Installation, listened: socket.socket) -> None:
    port = listened.getsockname()[1]
    house.change(http={"port": port})

    state, text = find_text(examine(house, 1), "cannot listen on 127.0.0.1")

    assert state == "problem"
    assert f"port {port}: address already in use" in text.lower()
    assert f"Remedy: End the program that has it (`ss -ltnp 'sport = :{port}'`)" in text


def test_the_age_of_backups(house: Installation) -> None:
    folder = house.folder / "backups"
    folder.mkdir()
    assert find_text(examine(house, 0), "nobody watches the age of backups")[0] == "warning"

    house.change(store={"backups": "backups"})
    assert find_text(examine(house, 1), "no backup")[0] == "problem"

    copy = folder / "illgate-20260301T120000Z.db"
    copy.touch()
    assert find_text(examine(house, 0), "newest backup: 0 hours old")[0] == "ok"

    os.utime(copy, (0, time.time() - 3 * 86_400))
    assert find_text(examine(house, 1), "newest backup: 72 hours old")[0] == "problem"


def test_a_clock_that_is_behind_the_database(house: Installation) -> None:
    os.utime(house.database, (0, time.time() + 3_600))

    state, text = find_text(examine(house, 1), "the clock of this machine differs")

    assert state == "problem"
    assert "timedatectl set-ntp true" in text


def test_a_mail_server_that_cannot_be_reached(house: Installation) -> None:
    house.change(mail={"host": "127.0.0.1", "port": 1, "sender": "ill@north.example"})

    assert find_text(examine(house, 1), "mail server 127.0.0.1:1: ")[0] == "problem"


def test_a_database_that_is_not_there(house: Installation) -> None:
    house.database.unlink()

    assert "no database yet; `illgate init` creates one" in find_text(examine(house, 1), "illgate init")[1]


def test_settings_that_cannot_be_read(house: Installation) -> None:
    house.config.write_text("http: {port: none}\n")

    ((state, text),) = examine(house, 1)

    assert (state, "http.port" in text) == ("problem", True)


def read_readiness(house: Installation) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{house.port}/readyz", timeout=30) as answer:
        return str(answer.read().decode())


def test_what_a_running_daemon_says_of_itself(house: Installation) -> None:
    with house.serve():
        (house.folder / "profiles" / "broken.yml").write_text("extends: nowhere\n")
        while '"degraded": true' not in read_readiness(house):
            time.sleep(0.1)
        found = examine(house, 1)

    assert find_text(found, "the daemon answers at http://127.0.0.1:")[0] == "ok"
    assert find_text(found, "profiles: ")[0] == "warning"
    assert ("ok", "0 waiting, no dead letters") in found
