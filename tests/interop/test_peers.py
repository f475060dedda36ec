"""The peers of other tests are worth no more than their likeness: each answers as the real server was recorded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.peers import compare_with_recordings


@pytest.mark.parametrize("name", ["sip2-evergreen", "koha-ncip-server", "folio-mod-ncip"])
def test_a_peer_answers_as_the_real_server_did(peers_folder: Path, name: str) -> None:
    compared = re.search(r"(\d+) of (\d+) answers", compare_with_recordings(peers_folder, name))
    assert compared is not None
    assert int(compared[1]) == int(compared[2]) > 50


BROKER_CONVERSATIONS = (
    *("life-req-translucent", "life-req-alma", "life-sup-reshare", "life-transp-alma", "local-only-transparent"),
    *("next-req-transparent", "rota-end-req-transparent", "items-req-reshare", "copy-plain", "twice", "known_id"),
    *("cond-marker-plain", "cond-plain-req-alma", "refuse-to-supplier-plain", "refuse-to-broker-plain"),
    *("cancel-shipped-no-plain", "retry-cost-plain", "renew-recalled-plain", "fault-drop-plain"),
)
LIBRARY_CONVERSATIONS = (
    *("b-loan-oak", "b-loan-elm", "b-loan-straight-fir", "b-condition-yew", "b-price-elm", "b-retry-cost-fir"),
    *("b-item-block-two-oak", "b-copy-link-oak", "b-cancel-promise-yew", "l-loan-oak", "l-loan-elm", "l-price-fir"),
    *("l-condition-accepted-oak", "l-condition-refused-yew", "l-cancel-elm", "l-retry-oak", "n-two-items", "e-none"),
)
"""One of each kind: modes and vendors, the rota's end, conditions, a far side that is down. All of them take long."""


def test_crosslinks_broker_says_what_the_real_one_did(peers_folder: Path) -> None:
    said = compare_with_recordings(peers_folder, "crosslink-broker", *BROKER_CONVERSATIONS)
    assert f"{len(BROKER_CONVERSATIONS)} of {len(BROKER_CONVERSATIONS)} conversations" in said
    assert "0 differences" in said


@pytest.mark.long
def test_crosslinks_broker_says_what_the_real_one_did_in_every_conversation(peers_folder: Path) -> None:
    said = compare_with_recordings(peers_folder, "crosslink-broker")
    compared = re.search(r"(\d+) of (\d+) conversations", said)
    assert compared is not None
    assert int(compared[1]) == int(compared[2]) > 300


def test_a_crosslink_library_says_what_the_real_one_did(peers_folder: Path) -> None:
    said = compare_with_recordings(peers_folder, "crosslink-library", "--only", ",".join(LIBRARY_CONVERSATIONS))
    assert said.startswith(f"{len(LIBRARY_CONVERSATIONS)} conversations")
    assert "no difference" in said


@pytest.mark.long
def test_a_crosslink_library_says_what_the_real_one_did_in_every_conversation(peers_folder: Path) -> None:
    compared = re.match(
        r"(\d+) conversations.*no difference", compare_with_recordings(peers_folder, "crosslink-library")
    )
    assert compared is not None
    assert int(compared[1]) > 300
