"""The shipped profiles of mail partners: every example is understood, and a wrong one is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

import pytest
import yaml

from adapters.artemail.dialect import ArtemailDialect
from adapters.mailbox.mime_parser import parse_mail
from gateway.cli.installation import Installation
from gateway.domain.profile import ProfileExample
from gateway.domain.requests.events import EventKind
from gateway.profiles import LoadedProfile, ProfileSet, load_profiles
from gateway.services.operation.check.examples import MailExampleRunner
from tests.support.paths import ROOT

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
FORMATS = {"bldss": "artemail", "email-partner": "letters", "relais-gsm": "tagged_mail"}
CHANNELS = {"bldss": "artemail", "email-partner": "mail", "relais-gsm": "tagged-mail"}


@lru_cache(maxsize=1)
def installation() -> Installation:
    return Installation(ROOT / "gateway.yml")


@lru_cache(maxsize=1)
def shipped() -> ProfileSet:
    return load_profiles(ROOT / "profiles", installation().adapters, installation().settings)


def loaded(name: str) -> LoadedProfile:
    return shipped().loaded[name]


def runner(name: str) -> MailExampleRunner:
    return MailExampleRunner(loaded(name), parse_mail, installation().adapters.mail_formats[FORMATS[name]].make(), NOW)


@pytest.mark.parametrize("name", FORMATS)
def test_every_example_is_understood(name: str) -> None:
    examples = loaded(name).profile.examples

    problems = [str(one) for index, example in enumerate(examples) for one in runner(name).run(index, example).problems]

    assert len(examples) >= 3
    assert problems == []


@pytest.mark.parametrize("name", FORMATS)
def test_a_shipped_mail_partner_says_who_it_is_for(name: str) -> None:
    profile = loaded(name).profile

    assert profile.description
    assert profile.contact
    assert profile.partner is not None
    assert profile.partner.channel == CHANNELS[name]


def test_the_profile_of_a_peer_in_the_readme_can_be_read() -> None:
    readme = (ROOT / "adapters" / "artemail" / "README.md").read_text(encoding="utf-8")
    section = yaml.safe_load(readme.split("```yaml")[1].split("```")[0])["artemail"]

    dialect = ArtemailDialect.model_validate(section)

    assert {rule.kind for rule in dialect.replies.codes.values()} >= {
        EventKind.SHIPPED,
        EventKind.UNFILLED,
        EventKind.CHECKED_IN,
    }


MAIL = "From: a@b.example\nSubject: FILEREFNO B-1\n\nB-1 NOT\n"


@pytest.mark.parametrize(
    ("example", "complaint"),
    [
        (
            ProfileExample(name="x", send=MAIL, understood={"events.0.kind": "shipped"}),
            "expected 'shipped', understood",
        ),
        (ProfileExample(name="x", send=MAIL, understood={"events.0.colour": "red"}), "has no 'colour'"),
        (ProfileExample(name="x", send=MAIL, outcome="malformed"), "should be malformed, but it was read"),
        (ProfileExample(name="x", send=MAIL, answer_contains=("x",)), "has no answer"),
        (ProfileExample(name="x", send="no header"), "can't be read"),
        (ProfileExample(name="x", send="Subject: Hello\n\nHello"), "can't be read"),
    ],
)
def test_an_example_that_fails_is_a_problem(example: ProfileExample, complaint: str) -> None:
    (problem,) = runner("bldss").run(0, example).problems

    assert complaint in str(problem)


def test_a_mail_without_a_date_comes_now() -> None:
    late = replace(runner("bldss"), now=datetime(2027, 1, 4, tzinfo=UTC))
    example = ProfileExample(
        name="x",
        send="Subject: FILEREFNO B-1\n\nB-1 CAT*REAPPLY 1\n",
        understood={"events.0.details.retry_after": "2027-01-11"},
    )

    assert late.run(0, example).problems == ()
