"""`illgate states` prints the tables as they work, and docs/requests-states.md shows the same."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.cli.profile_commands import HEAD, format_state_diagram, format_state_table
from gateway.domain.requests.request import Role
from gateway.domain.requests.state_machine import TABLES
from tests.support.paths import ROOT

GUIDE = ROOT / "docs" / "requests-states.md"
ROLES = pytest.mark.parametrize("role", Role)


def illgate(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["states", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def chapter(role: Role) -> str:
    text = GUIDE.read_text(encoding="utf-8")
    return text.split(f"\n## {role.value.title()}\n")[1].split("\n## ")[0]


def cells(line: str) -> list[str]:
    return re.split(r"\s{2,}", line.strip())


def test_both_tables_are_printed_with_what_follows() -> None:
    lines = illgate().splitlines()
    assert "# borrowing" in lines
    assert "# lending" in lines
    assert ["us:recall", "tell recall, letter recalled, library recall-loan, start lender-due"] in [
        cells(line)[1:] for line in lines if line.startswith("shipped ")
    ]
    granted = next(line for line in lines if "accepted by rule" in line)
    assert cells(granted)[-2:] == [
        "cancelled",
        "stop need-by, stop answer, start anonymise, library release-hold, tell cancel-accepted",
    ]


@ROLES
def test_one_side_is_printed_alone(role: Role) -> None:
    printed = illgate("--role", role.value)
    assert printed.rstrip("\n") == format_state_table(TABLES[role])
    assert cells(printed.splitlines()[0]) == list(HEAD)


@ROLES
def test_a_diagram_has_every_state_and_every_way(role: Role) -> None:
    lines = illgate("--role", role.value, "--format", "mermaid").splitlines()
    assert lines[0] == "stateDiagram-v2"
    names = {line.strip().split(" : ")[1] for line in lines if re.match(r"    \w+ : ", line)}
    assert names == {state.value for state in TABLES[role].states}
    assert not [
        line for line in lines[1:] if not re.match(r"    (\w+|\[\*\])( --> (\w+|\[\*\]))?( : [\w ,-]+)?$", line)
    ]


@ROLES
def test_the_guide_shows_the_diagram_as_it_is(role: Role) -> None:
    """When a table changes: put the output of `illgate states --format mermaid` into the guide."""
    diagram = re.search(r"```mermaid\n(.*?)\n```", chapter(role), re.DOTALL)
    assert diagram is not None
    assert diagram.group(1) == format_state_diagram(TABLES[role])


@ROLES
def test_the_guide_explains_every_state_in_the_order_of_the_table(role: Role) -> None:
    rows = [line for line in chapter(role).splitlines() if line.startswith("| `")]
    explained = [name for row in rows for name in re.findall(r"`([\w-]+)`", row.split("|")[1])]
    assert explained == [state.value for state in TABLES[role].states]
