"""What a library writes of the connection to its system is what the system is called by, whichever it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.library.alma import client as alma
from adapters.library.circuit_breaker import BreakerOptions, CircuitBreaker
from adapters.library.folio import client as folio
from adapters.library.koha import client as koha
from adapters.library.rest_client import RestEndpoint
from gateway.domain.clock import SystemClock
from tests.library_contract.alma_world import make_alma_options
from tests.library_contract.folio_world import make_options as make_folio_options
from tests.library_contract.koha_world import make_koha_options

URL = "https://ils.example"
SETTINGS: dict[str, Any] = {
    "ca": "tls/ca.pem",
    "certificate": "tls/ours.pem",
    "connections": 7,
    "max_bytes": 99_999,
    "seconds": {"connect": 1.5, "look_up": 2.5, "change": 3.5, "idle": 4.5},
    "breaker": {"failures": 2, "seconds": 77},
}
SYSTEMS: dict[str, tuple[Any, Callable[..., Any]]] = {
    "koha": (
        koha,
        lambda folder: koha.KohaClient(
            make_koha_options(URL, {**SETTINGS, "acting_library": "ILL"}), folder, str, SystemClock()
        ),
    ),
    "folio": (
        folio,
        lambda folder: folio.FolioClient(make_folio_options(URL, SETTINGS), folder, str, SystemClock(), "diku"),
    ),
    "alma": (alma, lambda folder: alma.AlmaClient(make_alma_options(URL, SETTINGS), folder, str, SystemClock())),
}


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_is_called_as_its_settings_say(system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, make_client = SYSTEMS[system]
    made: list[tuple[RestEndpoint, BreakerOptions]] = []

    def keep_client(
        place: RestEndpoint, _key: object, _breaker: CircuitBreaker, *_more: object, **_named: object
    ) -> None:
        made.append((place, breakers[-1]))

    breakers: list[BreakerOptions] = []
    monkeypatch.setattr(module, "CircuitBreaker", lambda _name, options: breakers.append(options))
    monkeypatch.setattr(module, "RestClient", keep_client)
    make_client(tmp_path)

    ((place, breaker),) = made
    assert (place.tls.ca, place.tls.certificate) == (tmp_path / "tls/ca.pem", tmp_path / "tls/ours.pem")
    assert (place.connections, place.max_bytes) == (7, 99_999)
    assert (place.seconds.connect, place.seconds.look_up, place.seconds.change, place.seconds.idle) == (
        1.5,
        2.5,
        3.5,
        4.5,
    )
    assert (breaker.failures, breaker.seconds) == (2, 77)
    assert place.headers == ({"x-koha-library": "ILL"} if system == "koha" else {})
