"""Rights beyond a partner's own things: none as a default, and in what is shipped what its clients need and no more."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from gateway.adapter_registry import load_adapters
from gateway.domain.circulation_policy import ChangeablePatrons, CirculationPolicy
from gateway.profiles import read_profiles
from gateway.settings import Settings
from tests.support.paths import ROOT

LENDING = ("place-request", "check-out", "check-in")

SERVICES: Mapping[str, tuple[str, ...]] = {
    "crosslink": LENDING,
    "illiad-alma": ("check-out", "check-in"),
    "innreach": (*LENDING, "renew"),
    "navigator": LENDING,
    "relais-d2d": ("check-out", "check-in"),
    "reshare": LENDING,
    "worldshare": ("check-out", "check-in"),
}
"""By the name of the profile; all others have none."""

MOST_CHARGED = {"worldshare": Decimal(50)}


@pytest.fixture(scope="module")
def shipped() -> Mapping[str, CirculationPolicy]:
    loading = read_profiles(ROOT / "profiles", load_adapters(), Settings())
    return {name: one.profile.circulation for name, one in loading.profiles.loaded.items()}


def test_without_a_word_nothing_is_allowed() -> None:
    policy = CirculationPolicy()
    assert (policy.rights.library_services, policy.rights.max_charge, policy.rights.profiles) == ((), 0, ())
    assert policy.patrons.changeable is ChangeablePatrons.OWN
    assert policy.items.settable_statuses == ()


def test_shipped_profiles_allow_what_their_clients_need(shipped: Mapping[str, CirculationPolicy]) -> None:
    services = {name: policy.rights.library_services for name, policy in shipped.items()}
    assert {name: some for name, some in services.items() if some} == SERVICES
    charged = {name: policy.rights.max_charge for name, policy in shipped.items()}
    assert {name: most for name, most in charged.items() if most} == MOST_CHARGED
    for name, policy in shipped.items():
        assert policy.rights.profiles == (), name
        assert policy.patrons.changeable is ChangeablePatrons.OWN, name
        assert policy.items.settable_statuses == (), name
