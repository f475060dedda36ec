"""What a gateway that is only there for a trial of ourselves may do of its outbox: nothing that others hear."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.adapter_registry import load_adapters
from gateway.configuration.yaml_document import YamlDocument
from gateway.domain.profile import Profile
from gateway.domain.requests.state_table import FollowUp
from gateway.profiles import LoadedProfile
from gateway.services.requests.effects import LETTER, LIBRARY, PARTNER, WORK
from gateway.services.requests.lending import LOCATE
from gateway.settings import Settings
from gateway.settings.sections import LibrarySettings, MailSettings, SystemSettings
from gateway.store.requests.outbox import OutboxRow
from rehearsal.conformance.trial_gateway import TrialPlan, rewrite_settings, stays_in_trial

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def make_plan(channel: str = "iso18626", address: str = "http://127.0.0.1:9") -> TrialPlan:
    profile = Profile.model_validate(
        {"name": "fjordby", "partner": {"symbols": ["ISIL:NO-0030101"], "channel": channel}}
    )
    loaded = LoadedProfile(profile, YamlDocument("fjordby"), Path("fjordby.yml"))
    return TrialPlan(tried=loaded, adapter=load_adapters().protocols["iso18626"], partner_address=address)


@pytest.mark.parametrize(
    ("kind", "target", "is_done"),
    [
        (PARTNER, "fjordby", True),
        (PARTNER, "kystby", False),
        (WORK, FollowUp.REPORT_STATUS.value, True),
        (WORK, LOCATE, True),
        (WORK, FollowUp.FIND_SUPPLIER.value, False),
        (WORK, FollowUp.PATRON_ANSWER.value, False),
        (LIBRARY, "release-hold", True),
        (LETTER, "patron", False),
        ("webhook", "https://hooks.example", False),
    ],
)
def test_only_what_stays_in_the_trial_is_done(kind: str, target: str, is_done: bool) -> None:
    row = OutboxRow(library="CLK", id="1", lane="1", kind=kind, target=target, payload="{}", created=NOW, next_at=NOW)
    assert stays_in_trial(row, make_plan()) is is_done


@pytest.mark.parametrize(
    ("channel", "address", "speaks"),
    [("iso18626", "http://127.0.0.1:9", True), ("iso18626", "", False), ("mail", "http://127.0.0.1:9", False)],
)
def test_nothing_is_said_by_a_way_that_does_not_lead_to_the_trial(channel: str, address: str, speaks: bool) -> None:
    """A partner that is written letters or another protocol would be reached where it is."""
    assert make_plan(channel, address).speaks is speaks


def test_its_settings_lead_to_nobody_outside(tmp_path: Path) -> None:
    adapters = load_adapters()
    system = SystemSettings.model_construct(type="koha")
    library = LibrarySettings(symbol="OAK").model_copy(update={"system": system})
    settings = Settings(libraries=(library,), mail=MailSettings(host="mail.oak.example", sender="ill@oak.example"))
    parts: Any = SimpleNamespace(settings=settings, adapters=adapters)

    rewritten = rewrite_settings(parts, make_plan(), tmp_path)

    (sample,) = rewritten.libraries
    assert (sample.symbol, adapters.libraries[sample.system.type].sample is None) == ("OAK", False)
    assert rewritten.store.url == f"sqlite:///{tmp_path / 'trial.db'}"
    assert (rewritten.mail, rewritten.mailboxes) == (MailSettings(), ())
    assert rewritten.http.host == "127.0.0.1"
