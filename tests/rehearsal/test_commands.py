"""`illgate mock` and `illgate conformance` as they are typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from demo.world import Site, make_installation
from gateway.cli import main
from tests.rehearsal.world import FJORDBY
from tests.support.scripted_supplier import ScriptedSupplier
from tests.support.yaml_files import write_yaml_file

Typed = Callable[..., Result]

KVELDSVIK = {
    "partner": {"symbols": ["ISIL:NO-0030102"], "channel": "tagged-mail", "email": "ill@kveldsvik.example"},
    "tagged_mail": {"language": "en"},
}
"""By mail."""

NORDBY = {"partner": {"symbols": ["ISIL:NO-0030103"], "channel": "iso-ill"}, "iso_ill": {}}
"""By TCP."""

LIBRARY: Mapping[str, object] = {"ncip": {}}
"""A library's system: nobody is let in."""

CLIENT: Mapping[str, object] = {"auth": [{"kind": "network", "networks": ["127.0.0.0/8"]}], "ncip": {}}
"""A system that asks us."""

DALEN: Mapping[str, object] = {
    "partner": {"symbols": ["ISIL:NO-0030104"], "channel": "mail", "email": "ill@dalen.example"}
}
"""By letter."""

SIGNED = {
    **FJORDBY,
    "auth": [{"kind": "network", "networks": ["127.0.0.7/32"]}],
    "peer_authentication": {"ours": {"issuer": "clarens", "subject": "CLK", "audience": "fjordby"}},
}

NOWHERE = "http://127.0.0.1:9/iso18626"


@pytest.fixture(scope="module")
def illgate(tmp_path_factory: pytest.TempPathFactory) -> Typed:
    folder = tmp_path_factory.mktemp("commands")
    config = make_installation(folder, Site("CLK", "Bibliothèque de Clarens", {}, {}), mail_port=25)
    for shipped in (folder / "profiles").glob("*.yml"):
        shipped.unlink()
    text = yaml.safe_dump(dict(FJORDBY), allow_unicode=True)
    (folder / "profiles" / "fjordby.yml").write_text(text, "utf-8")
    write_yaml_file(folder / "profiles" / "signed.yml", SIGNED)
    write_yaml_file(folder / "profiles" / "nordby.yml", NORDBY)
    write_yaml_file(folder / "profiles" / "our-library.yml", LIBRARY)
    write_yaml_file(folder / "profiles" / "their-system.yml", CLIENT)
    write_yaml_file(folder / "profiles" / "dalen.yml", DALEN)
    write_yaml_file(folder / "profiles" / "kveldsvik.yml", KVELDSVIK)

    def run_command(*words: str) -> Result:
        return CliRunner().invoke(main, ["--config", str(config), *words])

    return run_command


def test_scenarios_and_misbehaviours_are_listed(illgate: Typed) -> None:
    listed = illgate("mock", "fjordby", "--list")
    assert listed.exit_code == 0
    for word in ("renew-no", "asks-loan", "other-request-id"):
        assert word in listed.output


def test_a_scenario_says_whether_a_real_system_was_recorded(illgate: Typed) -> None:
    lines = {line.split()[0]: line for line in illgate("mock", "fjordby", "--list").output.splitlines() if line.strip()}
    assert lines["loaned"].endswith("(as recorded: illmock)")
    assert lines["crosslink-next"].endswith("(as recorded: crosslink-broker)")
    assert lines["slow"].endswith("(not recorded from a real system)")
    assert "(as recorded: crosslink-ncip)" in illgate("mock", "their-system", "--list").output
    for other in ("our-library", "nordby", "kveldsvik"):  # in protocols in which nobody was recorded
        listed = illgate("mock", other, "--list").output
        assert ("(not recorded from a real system)" in listed, "as recorded" in listed) == (True, False)


def test_of_a_librarys_system_its_own_scenarios_are_listed(illgate: Typed) -> None:
    listed = illgate("mock", "our-library", "--list")
    assert (listed.exit_code, "patron-blocked" in listed.output, "asks-loan" in listed.output) == (0, True, False)
    assert "koha-misspelling" in listed.output


def test_by_mail_there_are_no_misbehaviours(illgate: Typed) -> None:
    listed = illgate("mock", "kveldsvik", "--list")
    assert (listed.exit_code, "renew-no" in listed.output, "--misbehave" in listed.output) == (0, True, False)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("mock", "fjordbi"), "did you mean fjordby?"),
        (("mock", "fjordby", "--against", NOWHERE, "--scenario", "unfiled"), "did you mean unfilled?"),
        (("conformance", "fjordby"), "either --against ADDRESS or --ourselves is required"),
        (("conformance", "fjordby", "--ourselves", "--against", NOWHERE), "either --against ADDRESS or --ourselves"),
        (("conformance", "fjordby", "--ourselves", "--listen", "8099"), "the test receives what this gateway sends"),
        (("conformance", "our-library", "--against", NOWHERE, "--listen", "8099"), "only answers are tested"),
        (("conformance", "fjordby", "--against", NOWHERE, "--listen", "here"), "--listen: not HOST:PORT"),
        (
            ("conformance", "fjordby", "--against", NOWHERE, "--report", "x.pdf"),
            "--report: the file name must end in one of",
        ),
        (("conformance", "fjordby", "--against", NOWHERE, "--report", "nowhere/x.json"), "no such folder: nowhere"),
        (("conformance", "fjordby", "--against", "fjordby.example:80"), "--against: not an http or https URL"),
        (("conformance", "nordby", "--against", NOWHERE), "--against: not HOST:PORT"),
        (("mock", "fjordby", "--against", "127.0.0.1:9"), "--against: not an http or https URL"),
        (("mock", "kveldsvik", "--against", NOWHERE), "--against: not HOST:PORT"),
        (("mock", "dalen"), "profile dalen has no channel that can be simulated"),
        (("mock", "their-system", "--against", NOWHERE), "--value patron=NUMBER is required: the patron"),
        (("mock", "their-system", "--against", NOWHERE, "--value", "mood=good"), "allowed: patron ("),
        (("mock", "fjordby", "--against", NOWHERE, "--value", "patron=1"), "allowed: none"),
        (("mock", "our-library", "--scenario", "asks-loan"), "not a scenario of who is played here: asks-loan"),
        (
            ("mock", "our-library", "--against", NOWHERE),
            "--against: this simulation does not send messages",
        ),
    ],
)
def test_wrong_usage_is_told(illgate: Typed, words: tuple[str, ...], told: str) -> None:
    result = illgate(*words)
    assert result.exit_code == 2
    assert told in result.output


def test_a_partner_that_wants_signed_messages_is_tried_with_them(illgate: Typed, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    with ScriptedSupplier() as elm:
        words = ("conformance", "signed", "--against", elm.url, "--report", str(file))
        without_key = illgate(*words)
        assert (without_key.exit_code, elm.received) == (3, []), "unsigned, they would be refused with right"
        assert "create one with `illgate peer-key make`" in without_key.output
        assert illgate("peer-key", "make").exit_code == 0
        illgate(*words)

    tokens = [one.partition("Bearer ")[2] for one in elm.authorizations]
    assert len(tokens) > 5
    assert all(tokens)
    assert [one for one in tokens if one in file.read_text("utf-8")] == []


def test_a_misbehaviour_that_there_is_not_is_an_error_of_configuration(illgate: Typed) -> None:
    result = illgate("mock", "fjordby", "--against", NOWHERE, "--misbehave", "sulks")
    assert result.exit_code == 3
    assert "no misbehaviour called sulks" in result.output


def test_an_element_that_there_is_not_is_an_error_of_configuration(illgate: Typed, tmp_path: Path) -> None:
    said = "about: odd\nreactions: [{when: request, say: [{event: shipped, elements: {deliveryInfo/sentBy: Mail}}]}]\n"
    (tmp_path / "odd.yml").write_text(said, "utf-8")
    result = illgate("mock", "fjordby", "--against", NOWHERE, "--scenarios", str(tmp_path))
    assert result.exit_code == 3
    assert "scenario odd" in result.output
    assert "no message of ISO 18626 has such an element" in result.output


def test_a_report_is_written_to_a_file(illgate: Typed, tmp_path: Path) -> None:
    file = tmp_path / "fjordby.html"
    tried = illgate("conformance", "fjordby", "--against", NOWHERE, "--report", str(file))
    assert tried.exit_code == 1
    assert "confirmation (broken): not reached" in tried.output
    assert "not passed" in file.read_text("utf-8")
