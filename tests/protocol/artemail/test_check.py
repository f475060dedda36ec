"""What `illgate check` finds in a profile for a service that is ordered from by ARTEmail."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.installation import Installation
from gateway.domain.clock import FixedClock
from gateway.profiles import read_profiles
from gateway.services.operation.check import CheckSubject, run_check
from tests.support.art import ART, NOON, art
from tests.support.paths import ROOT
from tests.support.yaml_files import write_yaml_file

SHIPPED = ROOT / "profiles"


async def found(folder: Path, profile: dict[str, object]) -> list[str]:
    (folder / "profiles").mkdir()
    (folder / "gateway.yml").write_text("{}")
    (folder / "profiles" / "bldss.yml").write_text((SHIPPED / "bldss.yml").read_text(encoding="utf-8"))
    write_yaml_file(folder / "profiles" / f"{ART}.yml", profile)
    opened = Installation(folder / "gateway.yml")
    loading = read_profiles(folder / "profiles", opened.adapters, opened.settings)
    subject = CheckSubject(
        settings=opened.settings, loading=loading, adapters=opened.adapters, clock=FixedClock(NOON), libraries={}
    )
    report = await run_check(subject, [ART])
    return [f"{'.'.join(map(str, problem.path))}: {problem.message}" for problem in report.problems]


async def test_a_customers_password_must_be_where_it_should(tmp_path: Path) -> None:
    assert await found(tmp_path, art({"at": ["11:30"]})) == [
        "artemail.customers.0.password: no secret at file:art-password: No such file or directory"
    ]


async def test_a_customers_password_that_is_there_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "art-password").write_text("SESAM")

    assert await found(tmp_path, art({"at": ["11:30"]})) == []


async def test_only_a_channel_that_can_do_it_gathers(tmp_path: Path) -> None:
    profile = art({"at": ["11:30"]})
    (tmp_path / "art-password").write_text("SESAM")
    profile["partner"]["channel"] = "mail"

    assert await found(tmp_path, profile) == ["partner.mail.gather: its channel sends one order at a time"]


@pytest.mark.parametrize("gather", [{}, {"at": ["24:00"]}, {"at": ["11:30"], "number": "Nr {sequence}"}])
async def test_a_rule_that_can_not_be_kept_is_a_problem(tmp_path: Path, gather: dict[str, object]) -> None:
    profile = art(None)
    profile["partner"]["mail"]["gather"] = gather

    assert any(line.startswith("partner.mail.gather") for line in await found(tmp_path, profile))
