"""Adapters are found by entry point; whatever is wrong with one is one error that names it."""

from importlib.metadata import EntryPoint, entry_points

import pytest

from gateway import adapter_registry
from gateway.adapter_registry import GROUP, SHIPPED, AdapterError, AdapterRegistry, has_adapter_name, load_adapters
from tests.unit.profiles.support import ADAPTERS

PLAIN = ADAPTERS.protocols["plain"]


HERE = "tests.unit.settings.test_adapters:PLAIN"


def installed(monkeypatch: pytest.MonkeyPatch, value: str, **others: str) -> None:
    points = [EntryPoint(name, text, GROUP) for name, text in {"mine": value, **others}.items()]
    monkeypatch.setattr(adapter_registry, "list_entry_points", lambda: points)


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
    installed(monkeypatch, value, good=HERE)

    found = load_adapters()

    assert found.protocols == {"plain": PLAIN}
    assert found.libraries.get("mine") is None
    (said,) = found.broken
    assert said.startswith(f"adapter 'mine' ({value}, entry point group {GROUP})")
    assert reason in said


def test_one_of_ours_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "adapters.no_such_module:adapter", good=HERE)

    with pytest.raises(AdapterError, match="can't be loaded: ModuleNotFoundError"):
        load_adapters()


def test_an_adapter_is_found_under_an_entry_point_of_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, HERE)

    found = load_adapters()

    assert found.protocols == {"plain": PLAIN}
    assert "plain" in found.protocols
    assert "mine" not in found.protocols
    assert "plain" not in found.libraries


def test_a_third_party_adapter_with_the_name_of_another_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, HERE, plain=HERE)

    found = load_adapters()

    assert list(found.sections) == ["plain"]
    assert found.broken == (f"two adapters are called 'plain' (entry point group {GROUP})",)


def test_two_adapters_of_one_name_are_refused() -> None:
    with pytest.raises(AdapterError, match="two adapters are called 'plain'"):
        AdapterRegistry.from_adapters(PLAIN, PLAIN)


def test_an_entry_point_of_ours_begins_with_the_name_of_its_adapter() -> None:
    shipped = [point for point in entry_points(group=GROUP) if point.value.startswith(SHIPPED)]

    assert [point.name for point in shipped if not has_adapter_name(point.name, {point.load().name})] == []


def test_adapters_of_ours_are_loaded_by_name_and_a_third_partys_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    iso = "adapters.iso_ill"
    ours = {"iso-ill": f"{iso}:protocol", "iso-ill-channel": f"{iso}:channel_adapter", "iso": "adapters.not_there:iso"}
    installed(monkeypatch, HERE, **ours)

    found = load_adapters({"iso_ill"})

    assert list(found.protocols) == ["iso_ill", "plain"]
    assert list(found.channels) == ["iso-ill"]
