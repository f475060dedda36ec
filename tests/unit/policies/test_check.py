"""`illgate check` compares requests.yml with what the library knows, and shows its problems with the rest."""

from pathlib import Path

from gateway.cli.installation import Installation
from gateway.ports.library_system import LibraryCodes
from gateway.services.operation.check import CheckReport, CheckSubject, run_check
from gateway.services.operation.check.outside_systems import check_policy_codes
from tests.unit.policies.support import Place

CODES = LibraryCodes(
    branches=frozenset({"MAIN", "SCI"}),
    item_policies=frozenset({"standard", "reference"}),
    patron_categories=frozenset({"graduate", "undergraduate"}),
)

WITH_MISTAKES = """\
numbers:
  branches: {SIC: "S{sequence}"}
campuses:
  north: [SCI, ENG]
intake:
  open_requests:
    categories: {gradaute: 10}
  mediation:
    - patron_categories: [graduate, faculty]
      branches: [LAW]
      then: review
lending:
  item_policies: [standard]
  never: [refernce]
  loan_days:
    item_policies: {dvd: 7}
"""


def said(place: Place, codes: LibraryCodes) -> list[str]:
    (one,) = place.read().policies
    return [str(problem).rpartition(f"{place.folder}/")[2] for problem in check_policy_codes(one, codes)]


def test_codes_that_the_library_does_not_know(place: Place) -> None:
    place.requests(WITH_MISTAKES)

    assert sorted(said(place, CODES), key=lambda text: int(text.split(":")[1])) == [
        "requests.yml:2: numbers.branches.SIC: unknown branch, found 'SIC', allowed: MAIN, SCI (did you mean 'SCI'?)",
        "requests.yml:4: campuses.north.1: unknown branch, found 'ENG', allowed: MAIN, SCI",
        "requests.yml:7: intake.open_requests.categories.gradaute: unknown patron category, "
        "found 'gradaute', allowed: graduate, undergraduate (did you mean 'graduate'?)",
        "requests.yml:9: intake.mediation.0.patron_categories.1: unknown patron category, "
        "found 'faculty', allowed: graduate, undergraduate",
        "requests.yml:10: intake.mediation.0.branches.0: unknown branch, found 'LAW', allowed: MAIN, SCI",
        "requests.yml:14: lending.never.0: unknown item policy, found 'refernce', "
        "allowed: reference, standard (did you mean 'reference'?)",
        "requests.yml:16: lending.loan_days.item_policies.dvd: unknown item policy, found 'dvd', "
        "allowed: reference, standard",
    ]


def test_a_system_that_lists_no_codes_says_nothing_against_them(place: Place) -> None:
    place.requests(WITH_MISTAKES)

    assert said(place, LibraryCodes()) == []


async def report_on(folder: Path, *names: str) -> CheckReport:
    installation = Installation(folder / "gateway.yml")
    subject = CheckSubject(
        settings=installation.settings,
        loading=installation.profiles,
        adapters=installation.adapters,
        clock=installation.clock,
        policies=installation.policies,
    )
    return await run_check(subject, names)


async def test_the_report_has_a_part_for_it(place: Place) -> None:
    place.requests("rotas: {quick: {lines: [{partner: kioto}]}}\n")

    report = await report_on(place.folder)

    assert [problem.key for problem in report.requests] == ["rotas.quick.lines.0.partner"]
    assert report.requests[0] in report.problems


async def test_a_check_of_one_profile_leaves_it_out(place: Place) -> None:
    place.requests("rotas: {quick: {lines: [{partner: kioto}]}}\n")

    assert (await report_on(place.folder, "kyoto")).problems == ()


async def test_suppliers_that_do_not_hear_for_whom_a_broker_asks(place: Place) -> None:
    place.profile("tartu", "partner: {symbols: [ISIL:EE-1], channel: iso18626, brokered: transparent}\niso18626: {}\n")
    place.requests(
        "rotas: {others: {lines: [{partner: tartu}, {partner: kyoto}]}}\nbrokering: {rota: others, what: everything}\n"
    )

    found = [remark for remark in (await report_on(place.folder)).remarks if "for whom we ask" in remark.message]

    assert [(one.key, one.message) for one in found] == [
        ("rotas.others.lines.1.partner", "doesn't hear for whom we ask: messages of its channel mail name us alone")
    ]
    place.requests("rotas: {others: {lines: [{partner: kyoto}]}}\nbrokering: {rota: others, requesters: [warsaw]}\n")
    assert "for whom we ask" not in " ".join(one.message for one in (await report_on(place.folder)).remarks)
