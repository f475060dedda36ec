"""`illgate peer-key`: keys that sign our messages."""

from __future__ import annotations

import json

import pytest

from gateway.services.exchange import peer_keys
from tests.support.daemon import Installation
from tests.support.yaml_files import write_yaml_file
from tests.unit.cli.conftest import typed


def test_a_key_is_made_listed_and_retired(own: Installation) -> None:
    illgate = typed(own)
    ours = {"issuer": "https://ill.library.example", "subject": "RIVER", "audience": "fjord-hub"}
    partner = {"symbols": ["ISIL:NO-FJORD"], "roles": ["requester"], "channel": "iso18626"}
    profile = {"partner": partner, "peer_authentication": {"ours": ours}}
    write_yaml_file(own.folder / "profiles" / "fjord.yml", profile)
    assert "illgate peer-key make" in illgate("peer-key", "list").stdout
    assert "peer_authentication.ours: no signing key" in illgate("check", "fjord").stdout

    made = illgate("peer-key", "make")
    first = made.stdout.strip()
    assert "published at https://ill.library.example/.well-known/jwks.json\nsigns from: now\n" in made.stderr
    assert "no signing key" not in illgate("check", "fjord").stdout
    second = illgate("peer-key", "make").stdout.strip()

    listed = [line.split() for line in illgate("peer-key", "list").stdout.splitlines()[1:]]
    assert [(line[0], line[3:]) for line in listed] == [(first, ["signs"]), (second, ["signs", "in", "60", "min"])]
    retired = illgate("peer-key", "retire", first)
    assert retired.stdout == f"retired: {first}\nkey in use: {second}\n"
    assert illgate("peer-key", "retire", first).exit_code == 1
    assert [json.loads(line)["signs"] for line in illgate("peer-key", "list", "--json").stdout.splitlines()] == [True]
    audit = illgate("audit", "list").stdout
    assert audit.index("peer-key-retired") < audit.index("peer-key-made")
    assert "staff:ada" in audit


def test_no_key_is_taken_for_an_option(own: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    thumbprints = iter(["-G2KNNY2ES9ypM6au2EVNsFqC8IYDWLk", "LNRuo2jFNGWg9VrsqjQiBTnKI4Bggc"])
    monkeypatch.setattr(peer_keys, "compute_thumbprint", lambda private: next(thumbprints))
    illgate = typed(own)
    made = illgate("peer-key", "make").stdout.strip()
    assert illgate("peer-key", "retire", made).stdout == f"retired: {made}\nkey in use: none\n"
