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
