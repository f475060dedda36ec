"""Adapters are found by entry point; whatever is wrong with one is one error that names it."""

from importlib.metadata import EntryPoint

import pytest

from adapters.iso_ill.dialect import IsoIllDialect
from gateway import adapter_registry
from gateway.adapter_registry import GROUP, AdapterError, AdapterRegistry, find_adapters, load_adapters
from tests.unit.profiles.support import ADAPTERS

PLAIN = ADAPTERS.protocols["plain"]


HERE = "tests.unit.settings.test_adapters:PLAIN"


def installed(monkeypatch: pytest.MonkeyPatch, value: str, **others: str) -> None:
    points = [EntryPoint(name, text, GROUP) for name, text in {"mine": value, **others}.items()]
    monkeypatch.setattr(adapter_registry, "entry_points", lambda group: points)


def test_an_adapter_is_filed_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, HERE)

    assert load_adapters().protocols == {"plain": PLAIN}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no.such.module:adapter", "can't be loaded: ModuleNotFoundError"),
        ("gateway.adapter_registry:no_such_name", "can't be loaded: AttributeError"),
        (
            "gateway.adapter_registry:GROUP",
            "is a str, not one of LibraryAdapter, ProtocolAdapter, ChannelAdapter",
        ),
    ],
)
def test_one_of_a_third_party_that_fails_is_named_and_left_out(
    monkeypatch: pytest.MonkeyPatch, value: str, reason: str
) -> None:
    """All others are there, whichever way they are asked for."""
    installed(monkeypatch, value, good=HERE)

    for found in (load_adapters(), find_adapters()):
        assert found.protocols == {"plain": PLAIN}
        assert found.libraries.get("mine") is None
        (said,) = found.list_broken()
        assert said.startswith(f"adapter 'mine' ({value}, entry point group {GROUP})")
        assert reason in said


def test_one_of_ours_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "adapters.no_such_module:adapter", good=HERE)

    with pytest.raises(AdapterError, match="can't be loaded: ModuleNotFoundError"):
        load_adapters()
    with pytest.raises(AdapterError, match="can't be loaded: ModuleNotFoundError"):
        find_adapters().protocols.get("mine")


def test_an_adapter_under_an_entry_point_of_its_name_is_loaded_without_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed(monkeypatch, "no.such.module:adapter", plain=HERE)

    found = find_adapters()

    assert found.protocols["plain"] == PLAIN
    assert list(found.protocols) == ["plain"]


def test_a_section_and_a_channel_are_found_under_entry_points_that_begin_as_they_are_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed(monkeypatch, "no.such.module:adapter", **{"iso-ill": "adapters.iso_ill:protocol"})
    assert find_adapters().sections["iso_ill"] is IsoIllDialect
    assert find_adapters().channels.get("iso-ill") is None

    channel = {"iso-ill-channel": "adapters.iso_ill:channel_adapter"}
    installed(monkeypatch, "no.such.module:adapter", **channel)
    assert find_adapters().channels["iso-ill"].section == "iso_ill"
    assert find_adapters().channels.get("") is None


def test_an_adapter_is_found_under_an_entry_point_of_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, HERE)

    found = find_adapters()

    assert found.protocols == {"plain": PLAIN}
    assert "plain" in found.protocols
    assert "mine" not in found.protocols
    assert "plain" not in found.libraries


def test_a_third_party_adapter_with_the_name_of_another_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, HERE, plain=HERE)

    found = find_adapters()

    assert list(found.sections) == ["plain"]
    assert found.list_broken() == (f"two adapters are called 'plain' (entry point group {GROUP})",)


def test_two_adapters_of_one_name_are_refused() -> None:
    with pytest.raises(AdapterError, match="two adapters are called 'plain'"):
        AdapterRegistry.from_adapters(PLAIN, PLAIN)
