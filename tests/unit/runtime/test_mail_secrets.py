"""What profiles say of secrets in mails is worked out when profiles change, and passwords are those of the moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.artemail.dialect import ArtemailDialect
from gateway.adapter_registry import AdapterRegistry, load_adapters
from gateway.configuration.yaml_document import YamlDocument
from gateway.domain.profile import Profile
from gateway.profiles import LoadedProfile, ProfileSet
from gateway.runtime.mail_secrets import MailConcealer
from gateway.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "gateway.yml").write_text("http: {public_url: 'https://ill.example'}\n", "utf-8")
    return load_settings(tmp_path / "gateway.yml", load_adapters())


def make_profiles(code: str, password: str) -> ProfileSet:
    """One partner, where we are the customer with this code."""
    dialect = ArtemailDialect.model_validate({"customers": [{"code": code, "password": password}]})
    profile = Profile(name="art", dialects={"artemail": dialect})
    return ProfileSet({"art": LoadedProfile(profile, YamlDocument("art"), Path("art"))})


class CountedAdapters:
    """The adapters, of which `asked` counts how often ARTEmail was asked where its secrets are."""

    def __init__(self) -> None:
        self.asked = 0
        known = load_adapters()
        channel = known.channels["artemail"]
        mail_format = known.mail_formats["artemail"]
        references, pattern = channel.secrets, mail_format.secret_pattern
        assert references is not None
        assert pattern is not None

        def find_references(dialect: Any) -> Mapping[str, str]:
            self.asked += 1
            return references(dialect)

        def write_pattern(dialect: Any) -> str:
            self.asked += 1
            return pattern(dialect)

        self.registry: AdapterRegistry = replace(
            known,
            channels={**known.channels, "artemail": replace(channel, secrets=find_references)},
            mail_formats={**known.mail_formats, "artemail": replace(mail_format, secret_pattern=write_pattern)},
        )


def write_mail(text: str) -> bytes:
    return f"From: a@art.example\r\nSubject: Rejected\r\n\r\n{text}\r\n".encode()


def test_profiles_are_gone_through_once_for_many_mails_and_again_after_a_reload(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "old").write_text("SESAM-0PEN-7\n", "utf-8")
    (tmp_path / "new").write_text("ANEMONE-42\n", "utf-8")
    profiles = make_profiles("99-9999", "file:old")
    adapters = CountedAdapters()
    concealer = MailConcealer(settings, adapters.registry, lambda: profiles)
    mail = write_mail("SESAM-0PEN-7 and ANEMONE-42")

    for _ in range(5):
        assert concealer.conceal_received(mail) == write_mail("******** and ANEMONE-42")
        assert concealer.conceal_sent(mail) == write_mail("******** and ANEMONE-42")
    assert adapters.asked == 2, "for the channel and for the format"

    profiles = make_profiles("99-9999", "file:new")
    assert concealer.conceal_received(mail) == write_mail("SESAM-0PEN-7 and ********")
    assert adapters.asked == 4


def test_a_password_that_changes_without_a_reload_is_concealed(settings: Settings, tmp_path: Path) -> None:
    profiles = make_profiles("99-9999", "file:password")
    concealer = MailConcealer(settings, load_adapters(), lambda: profiles)
    assert concealer.conceal_received(write_mail("ANEMONE-42")) == write_mail("ANEMONE-42"), "there is none yet"

    (tmp_path / "password").write_text("ANEMONE-42\n", "utf-8")

    assert concealer.conceal_received(write_mail("ANEMONE-42")) == write_mail("********")


def test_tokens_of_links_are_concealed_in_our_mails_alone(settings: Settings) -> None:
    concealer = MailConcealer(settings, load_adapters(), lambda: make_profiles("99-9999", ""))
    mail = write_mail("https://ill.example/q/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789")

    assert concealer.conceal_received(mail) == mail
    assert b"AbCdEfGh" not in concealer.conceal_sent(mail)
