"""`illgate fake`: a library system in memory that a client can use at once."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from rehearsal.fakes.fake_command import FAKES, command, make_fake
from rehearsal.fakes.folio import FakeFolio
from tests.library_contract.folio_world import read_guide_permissions

ROOT = Path(__file__).resolve().parents[4]
PROGRAM = "from rehearsal.fakes.fake_command import command; command()"


@pytest.mark.parametrize(
    "name", ["koha", *(pytest.param(one, marks=pytest.mark.long) for one in FAKES if one != "koha")]
)
def test_it_answers_until_it_is_interrupted(name: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, name, "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", said)
            assert found is not None, said
            with urllib.request.urlopen(f"{found[0]}/fake/calls", timeout=10) as answer:
                assert json.load(answer) == []
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) == 0


def test_a_port_that_is_taken_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner().invoke(command, ["koha", "--port", str(port)])

    assert result.exit_code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in result.output


def test_folio_grants_what_the_guide_lists_and_what_is_allowed_besides() -> None:
    override = "circulation.override-patron-block.post"
    usual, wider = make_fake("folio"), make_fake("folio", [override])

    assert isinstance(usual, FakeFolio)
    assert isinstance(wider, FakeFolio)
    assert usual.granted == read_guide_permissions()
    assert usual.rules.permissions == set()
    assert wider.granted == read_guide_permissions() | {override}
    assert wider.rules.permissions == {override}


def test_permissions_are_allowed_in_folio_alone() -> None:
    result = CliRunner().invoke(command, ["koha", "--allow", "borrowers"])

    assert result.exit_code == 2
    assert "--allow is for folio only" in result.output
