"""A partner that is played speaks to us alone."""

from __future__ import annotations

import pytest

from adapters.iso18626.dialect import Http, Iso18626Dialect
from gateway.domain.profile import Profile
from gateway.domain.requests.request import Role
from rehearsal.protocols.iso18626.conformance import Iso18626Trials
from rehearsal.protocols.iso18626.rehearsal import mirror_dialect

HERE = "http://127.0.0.1:8099/iso18626"
CORE, PLUGIN = "https://koha.example/core", "https://koha.example/plugin"


@pytest.mark.parametrize("role", Role)
def test_the_partner_who_is_played_is_nowhere_else_spoken_to(role: Role) -> None:
    koha = Iso18626Dialect(http=Http(url=CORE, lending_url=PLUGIN))
    mirrored = mirror_dialect(Profile(name="koha", dialects={"iso18626": koha}), HERE)
    assert mirrored.http.choose_url(role) == HERE


@pytest.mark.parametrize("role", Role)
def test_what_is_said_to_a_partner_that_is_aimed_elsewhere_goes_there(role: Role) -> None:
    aimed = Iso18626Trials().aim_section({"http": {"url": CORE, "lending_url": PLUGIN}}, HERE)
    assert Iso18626Dialect.model_validate(aimed).http.choose_url(role) == HERE
