"""kill -9 around the commit of a POST with an Idempotency-Key: after a restart a repeat is answered by what was done,
or carried out if nothing was; either way it is there once."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from gateway.store import api_records
from gateway.web.api.idempotency import IdempotentReplay
from tests.support.daemon import Installation, stopped_at_end, wait_for
from tests.support.forked_processes import ForkedProcess, run_illgate
from tests.support.looking import tracebacks

REQUEST = {"citation": {"type": "book", "title": "Doppler"}, "patron": {"identifier": "21000000000017"}}


def kill_self(*_arguments: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def serve_until_commit(config: Path) -> None:
    """The process ends when the key is written and the work done, just before both are committed."""
    api_records.note_reference = kill_self
    run_illgate("--config", str(config), "serve")


def serve_until_answer(config: Path) -> None:
    """The process ends when key and work are committed, just before the answer is kept."""
    IdempotentReplay.store_response = kill_self  # type: ignore[assignment,method-assign]
    run_illgate("--config", str(config), "serve")


def call(installation: Installation, key: str, method: str, body: object = None) -> tuple[int, Any, bool]:
    """Status, answer, and whether it is one that was given before."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{installation.port}/api/v1/requests",
        json.dumps(body).encode() if body is not None else None,
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Idempotency-Key": "k-1"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status, json.load(answer), "Idempotency-Replayed" in answer.headers


@pytest.mark.parametrize("serve", [serve_until_commit, serve_until_answer])
def test_a_post_is_done_once_and_answered_after_a_kill(installation: Installation, serve: Any) -> None:
    installation.change(tcp=[])
    made = installation.run("key", "create", "portal", "--scope", "requests:read", "--scope", "requests:write")
    key = made.stdout.strip()
    dying = ForkedProcess(serve, (installation.config,), installation.log)
    with stopped_at_end(dying):
        wait_for(installation.port, "/readyz")
        with pytest.raises((urllib.error.URLError, ConnectionError)):
            call(installation, key, "POST", REQUEST)
        assert dying.wait(30) == -signal.SIGKILL

    with installation.serve():
        status, first, is_replayed = call(installation, key, "POST", REQUEST)
        again = call(installation, key, "POST", REQUEST)
        _, listed, _ = call(installation, key, "GET")

    assert (status, is_replayed) == (201, serve is serve_until_answer)
    assert again == (201, first, True)
    assert [one["id"] for one in listed["items"]] == [first["id"]]
    assert tracebacks(installation) == []
