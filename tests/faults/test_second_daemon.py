"""Two daemons on one SQLite file: the second says so and ends, and the first goes on."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from tests.bench import messages
from tests.faults.partner import is_success
from tests.support.daemon import Installation, forked_daemon
from tests.support.forked_processes import ForkedProcess
from tests.support.looking import find_tracebacks, tracebacks


def serve_beside(installation: Installation, config: Path, log: Path) -> AbstractContextManager[ForkedProcess]:
    """On ports of its own."""
    return forked_daemon(config, log, "--port", "0")


def test_a_second_daemon_on_one_file_says_so_and_ends(installation: Installation, tmp_path: Path) -> None:
    installation.change(tcp=[])
    log = tmp_path / "second.log"
    with installation.serve() as first:
        with serve_beside(installation, installation.config, log) as second:
            assert second.wait(60) == 4
        said = log.read_text()
        assert f"illgate.db is in use by another illgate (process {first.pid})" in said
        assert find_tracebacks(log) == []
        assert is_success(installation.post(messages.accept_item(0, "TWO")))
        assert "BARCODE" in installation.run("library", "patron", "21000000000017").stdout.upper(), (
            "commands work beside"
        )
    assert tracebacks(installation) == []


def test_a_link_to_the_file_is_the_same_file(installation: Installation, tmp_path: Path) -> None:
    installation.change(tcp=[])
    other = installation.copy(tmp_path / "other")
    other.change(tcp=[])
    other.database.unlink()
    other.database.symlink_to(installation.database)
    log = tmp_path / "second.log"
    with installation.serve(), serve_beside(other, other.config, log) as second:
        assert second.wait(60) == 4
    assert "is in use by another illgate" in log.read_text()


def test_after_a_kill_the_file_is_free(installation: Installation) -> None:
    with installation.serve() as first:
        first.kill()
        first.wait()
    with installation.serve():
        assert is_success(installation.post(messages.accept_item(1, "TWO")))
    with installation.serve():
        assert is_success(installation.post(messages.lookup_user()))
