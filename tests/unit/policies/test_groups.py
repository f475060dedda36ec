"""Lines of rotas that name a group: which members each library asks, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date

import pytest

from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.domain.requests.rota import PartnerStanding, build_rota_lines, choose_next_line
from gateway.policies import PolicyLoadResult, read_policies
from gateway.runtime.last_good_configuration import LastGoodFiles
from tests.support.requests import borrowing, money
from tests.unit.policies.support import ADAPTERS, PARTNERS, Place

LIBRARIES = """
libraries:
  - {symbol: AAA, short: lib01}
  - {symbol: BBB, short: lib02, lends: "off"}
  - {symbol: CCC, short: lib03}
  - {symbol: DDD, short: lib04, mesh: false}
"""
GROUPS = "valley: {members: [lib01, lib02, lib03, lib04, warsaw], mesh: true}\nbare: {members: [lib01, lib02]}\n"
USUAL = """
rotas:
  usual:
    order: tiered
    lines:
      - {group: valley, services: [loan]}
      - {partner: kyoto, last_resort: true}
default_rota: usual
"""


@pytest.fixture
def valley(place: Place) -> Place:
    place.settings_are(LIBRARIES)
    (place.folder / "groups.yml").write_text(GROUPS)
    (place.folder / "partners").mkdir()
    for name in PARTNERS:
        (place.profiles_folder / f"{name}.yml").unlink()
    for name in ("warsaw", "kyoto"):
        (place.folder / "partners" / f"{name}.yml").write_text(PARTNERS[name])
    return place


def read(valley: Place, requests: str = USUAL) -> PolicyLoadResult:
    valley.requests(requests)
    return read_policies(valley.settings, valley.profiles)


def names_on_rota(result: PolicyLoadResult, library: str) -> Sequence[str]:
    return [line.partner for line in result.policies.for_library(library).rotas["usual"].lines]


def test_a_group_stands_for_its_members_that_the_library_can_ask(valley: Place) -> None:
    result = read(valley)

    assert result.problems == ()
    assert {symbol: names_on_rota(result, symbol) for symbol in ("AAA", "BBB", "CCC", "DDD")} == {
        "AAA": ["lib03", "warsaw", "kyoto"],
        "BBB": ["lib01", "lib03", "warsaw", "kyoto"],
        "CCC": ["lib01", "warsaw", "kyoto"],
        "DDD": ["warsaw", "kyoto"],
    }
    first = result.policies.for_library("AAA").rotas["usual"].lines[0]
    assert (first.group, [service.value for service in first.services]) == ("valley", ["loan"])


def test_a_partner_with_a_line_of_its_own_is_asked_by_that_one(valley: Place) -> None:
    result = read(valley, USUAL.replace("{partner: kyoto,", "{partner: warsaw,"))

    assert names_on_rota(result, "AAA") == ["lib03", "warsaw"]
    assert result.policies.for_library("AAA").rotas["usual"].lines[1].last_resort


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{group: vally}", "group: no such group in groups.yml, found 'vally', allowed: valley, bare (did you mean"),
        ("{group: bare}", "group: none of its members is a partner: its libraries have no `mesh: true`"),
        ("{group: valley, partner: warsaw}", " a line names a partner, a group, or a catalogue in `from`"),
        ("{last_resort: true}", " a line names a partner, a group, or a catalogue in `from`"),
    ],
)
def test_what_is_wrong_with_a_line_is_said_in_its_place(valley: Place, line: str, expected: str) -> None:
    problems = read(valley, USUAL.replace("{group: valley, services: [loan]}", line)).problems

    (problem,) = {str(problem) for problem in problems}
    place = problem.partition("requests.yml:")[2]
    assert place.startswith("6: rotas.usual.lines.0")
    assert expected in place


def test_of_a_tiered_rota_members_are_ranked_before_who_comes_after_the_group(valley: Place) -> None:
    policy = read(valley, USUAL.replace(", last_resort: true", "")).policies.for_library("BBB")
    partners = {profile.name: partner for profile, partner in valley.profiles.of_library("BBB").partners}
    template = policy.rotas["usual"]
    lines = build_rota_lines(template, borrowing(), partners)
    standings = {
        "lib01": PartnerStanding(open=9),
        "lib03": PartnerStanding(open=1),
        "warsaw": PartnerStanding(cost=money("4")),
        "kyoto": PartnerStanding(),
    }

    def choose(**changed: PartnerStanding) -> list[str]:
        waiting = replace(borrowing(), rota=lines)
        choice = choose_next_line(waiting, policy, template, {**standings, **changed}, date(2026, 11, 24), UTC)
        return [line.partner for line in choice.order]

    assert choose() == ["lib03", "warsaw", "lib01", "kyoto"]
    assert choose(lib03=PartnerStanding(open=1, overloaded=True)) == ["warsaw", "lib01", "kyoto", "lib03"]


def test_groups_are_among_the_files_that_count_while_one_is_wrong(valley: Place) -> None:
    read(valley)
    kept = LastGoodFiles(valley.settings, None, lambda: False)
    kept.copy_files()
    (valley.folder / "groups.yml").write_text("valley: {members: [nobody]}")

    before = kept.read_files(ADAPTERS)

    assert before is not None
    assert list(before.profiles.profiles.groups) == ["valley", "bare"]
    assert before.policies.policies.for_library("AAA").rotas["usual"].lines[0].partner == "lib03"


# --- holders of a union catalogue ------------------------------------------------------------------------


FROM_UNION = USUAL.replace("{group: valley, services: [loan]}", "{from: warsaw, groups: [valley], services: [loan]}")


def test_a_line_from_a_union_catalogue_waits_for_the_holders_among_the_members(valley: Place) -> None:
    result = read(valley, FROM_UNION)

    assert result.problems == ()
    rota = result.policies.for_library("AAA").rotas["usual"]
    members = {name: PartnerPolicy(symbols=(name,)) for name in ("lib03", "warsaw", "kyoto")}
    lines = build_rota_lines(rota, borrowing(), members)
    assert [(line.partner, line.catalogue) for line in lines] == [
        ("lib03", "warsaw"),
        ("warsaw", "warsaw"),
        ("kyoto", ""),
    ]
    assert rota.list_tiers() == {"lib03": 0, "warsaw": 0, "kyoto": 1}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{from: warsav, groups: [valley]}", "lines.0.from: no such profile, found 'warsav'"),
        ("{from: warsaw, groups: [valle]}", "lines.0.groups.0: no such group in groups.yml, found 'valle'"),
        ("{from: warsaw}", "`from` and `groups` go together"),
        ("{partner: kyoto, groups: [valley]}", "`from` and `groups` go together"),
        ("{from: warsaw, groups: [valley], partner: kyoto}", "a line names a partner, a group, or a catalogue"),
    ],
)
def test_a_wrong_line_from_a_union_catalogue_is_said(valley: Place, line: str, said: str) -> None:
    problems = read(valley, f"rotas: {{usual: {{lines: [{line}]}}}}").problems

    assert said in str(problems[0])
