"""`illgate check --format`: the same findings as text, as annotations of GitHub's workflows and as JUnit's XML."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from gateway.cli.check_report import FORMATS
from gateway.domain.problems import ConfigurationProblem
from gateway.ports.library_system import ProbeStep
from gateway.services.operation.check import CheckReport
from gateway.services.operation.check.runner import ProfileFindings
from tests.support.daemon import Installation
from tests.unit.cli.conftest import document, typed

PICKUP = ConfigurationProblem("profiles/nv.yml", 12, ("circulation", "pickup"), "unknown code", "'A, B: 100 %'")
REPORT = CheckReport(
    installation=(),
    profiles=(
        ProfileFindings("nv", "profiles/nv.yml", (PICKUP,), examples=2, answers=1),
        ProfileFindings("se", "profiles/se.yml"),
    ),
    notes=("nobody was asked",),
    remarks=(ConfigurationProblem("requests.yml", 0, ("rotas",), "never used"),),
    steps={"DEMO": (ProbeStep("sign-in", 0.25, "", problem="HTTP 401"), ProbeStep("item", 0.5, "found"))},
)


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    FORMATS["text"](REPORT)

    assert capsys.readouterr().out.splitlines() == [
        "library DEMO:",
        "  sign-in     250 ms  HTTP 401",
        "  item        500 ms  found",
        "nv:",
        "  profiles/nv.yml:12: circulation.pickup: unknown code, found 'A, B: 100 %'",
        "remarks:",
        "  requests.yml: rotas: never used",
        "note: nobody was asked",
        "1 problem; 1 remark; 2 profiles, 2 examples run, 1 of them with their answer",
    ]


def test_annotations_stand_at_the_line_of_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    FORMATS["github"](REPORT)

    assert capsys.readouterr().out.splitlines() == [
        "::error file=profiles/nv.yml,line=12,title=circulation.pickup::"
        "circulation.pickup: unknown code, found 'A, B: 100 %25'",
        "::warning file=requests.yml,title=rotas::rotas: never used",
        "::notice::nobody was asked",
    ]


def test_a_test_report(capsys: pytest.CaptureFixture[str]) -> None:
    FORMATS["junit"](REPORT)

    suite = fromstring(capsys.readouterr().out)
    failed = {case.get("name"): case.find("failure").text for case in suite.findall("testcase[failure]")}
    assert (suite.get("tests"), suite.get("failures")) == ("6", "2")
    assert failed == {"nv": str(PICKUP), "sign-in": "HTTP 401"}
    assert [case.get("name") for case in suite.findall("testcase")] == [
        "installation", "requests", "nv", "se", "sign-in", "item"
    ]  # fmt: skip
    assert suite.findtext("system-out") == "requests.yml: rotas: never used\nnobody was asked"


def test_settings_that_cannot_be_read_are_a_finding(own: Installation) -> None:
    own.config.write_text("http: {port: none}\n")
    check = typed(own)

    text, annotated, junit = (check("check", "--format", name) for name in FORMATS)
    as_json = check("check", "--json")

    assert [done.exit_code for done in (text, annotated, junit, as_json)] == [1, 1, 1, 1]
    assert "note: gateway.yml cannot be used, so nothing else was looked at" in text.stdout
    assert annotated.stdout.startswith("::error file=")
    assert fromstring(junit.stdout).find("testcase[@name='installation']/failure") is not None
    as_json.exit_code = 0
    assert document(as_json)["problems"][0]["path"] == ["http", "port"]
