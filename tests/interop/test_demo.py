"""The story of a broker (`make demo`): ISO 18626, ISO ILL and ARTEmail, each over its real way."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo import brokered_requests
from demo.world import make_installation
from gateway.adapter_registry import load_adapters
from gateway.policies import read_policies
from gateway.profiles import read_profiles
from gateway.settings import load_settings


def test_the_libraries_of_the_story_are_set_up_without_a_problem(tmp_path: Path) -> None:
    ports = brokered_requests.find_free_ports(6)
    assert len(set(ports)) == 6
    symbols = list(brokered_requests.NAMES)
    adapters = load_adapters()
    for site in brokered_requests.list_sites(
        dict(zip(symbols, ports, strict=False)), dict(zip(symbols, ports[3:], strict=True))
    ):
        settings = load_settings(make_installation(tmp_path / site.symbol, site, mail_port=25), adapters)
        loading = read_profiles(settings.folder / "profiles", adapters, settings)
        assert loading.problems == ()
        assert read_policies(settings, loading.profiles).problems == ()


@pytest.mark.long
async def test_the_story_is_told_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await brokered_requests.play(tmp_path)

    told = capsys.readouterr().out
    assert "All in order" in told
    assert brokered_requests.PASSWORD not in told
    assert "| TXB2026-00001 S LOAN" in told
    assert "Eastern Library, L2026-00001: completed, asked by Southern Library" in told
    assert "ISO ILL over TCP, sent: 3" in told
