"""Scenarios as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.domain.problems import ConfigurationError
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.events import EventKind
from rehearsal.scenarios.scenario import SHIPPED_SCENARIOS, PlayedRole, find_marked_name, load_scenarios
from tests.support.paths import ROOT


def test_each_shipped_scenario_says_what_it_is_about_and_does_something() -> None:
    scenarios = load_scenarios([SHIPPED_SCENARIOS])
    assert len(scenarios) >= 25
    for scenario in scenarios.values():
        assert scenario.about
        is_usual = scenario.name.endswith(("-answers", "-taken"))
        assert scenario.reactions or scenario.begin or scenario.ask or scenario.elements or is_usual
        assert not (scenario.abstract and scenario.named)
        assert bool(scenario.begin) is (scenario.role is PlayedRole.BORROWING and not scenario.abstract), scenario.name


def test_the_guide_names_each_shipped_scenario() -> None:
    guide = (ROOT / "docs" / "rehearsing.md").read_text("utf-8")
    scenarios = load_scenarios([SHIPPED_SCENARIOS]).values()
    assert [one.name for one in scenarios if not one.abstract and f"`{one.name}`" not in guide] == []


def test_what_a_scenario_extends_holds_where_it_says_nothing(tmp_path: Path) -> None:
    """Reactions to other events, what all answers are like, and elements that it doesn't name itself."""
    (tmp_path / "base.yml").write_text(
        "forgets_ended: true\nanswer: {after_seconds: 5}\nelements: {messageInfo/note: Hello, returnInfo/name: Home}\n"
        "reactions: [{when: cancel, say: [{event: cancel-accepted}]}]\n",
        "utf-8",
    )
    (tmp_path / "own.yml").write_text(
        "extends: base\nelements: {messageInfo/note: ~}\n"
        "reactions: [{when: request, answer: {status: 500}, say: [{event: will-supply}]}]\n",
        "utf-8",
    )
    own = load_scenarios([tmp_path])["own"]
    assert own.forgets_ended
    assert own.elements == {"messageInfo/note": None, "returnInfo/name": "Home"}
    answers = [own.choose_reaction(one, 1).answer for one in ("request", "cancel", "renew")]
    assert [(one.status, one.after_seconds) for one in answers] == [(500, 5.0), (0, 5.0), (0, 5.0)]


def test_a_folder_of_ones_own_adds_scenarios_and_replaces_some(tmp_path: Path) -> None:
    (tmp_path / "unfilled.yml").write_text(
        "about: in poor condition\nextends: supplier\n"
        "reactions:\n  - {when: request, say: [{event: unfilled, reason: poor-condition}]}\n",
        "utf-8",
    )
    (tmp_path / "twice-renewed.yml").write_text(
        "extends: loaned\nreactions:\n"
        "  - {when: renew, say: [{event: renew-accepted, due_days: 14}]}\n"
        "  - {when: renew, say: [{event: renew-refused}]}\n",
        "utf-8",
    )
    scenarios = load_scenarios([SHIPPED_SCENARIOS, tmp_path])

    assert scenarios["unfilled"].about == "in poor condition"
    own = scenarios["twice-renewed"]
    said = [reaction.say[0].event for n in (1, 2, 3) if (reaction := own.find_reaction(EventKind.RENEW, n))]
    assert said == [EventKind.RENEW_ACCEPTED, EventKind.RENEW_REFUSED, EventKind.RENEW_REFUSED]
    assert own.find_reaction(EventKind.RETURNED, 1) is not None  # of the supplier that `loaned` extends


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("extends: supplyer\n", "no such scenario: supplyer; did you mean supplier?"),
        ("extends: odd\n", "extends itself"),
        ("reactions: [{when: requst}]\n", "requst"),
        ("reactions: [{when: request, say: [{event: shipped, due_day: 3}]}]\n", "due_day"),
    ],
)
def test_a_mistake_is_named_with_its_file(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "odd.yml").write_text(text, "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_scenarios([SHIPPED_SCENARIOS, tmp_path])
    assert "odd.yml" in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("title", "name"),
    [("Sult mock:unfilled", "unfilled"), ("Sult (MOCK:Renew-No)", "renew-no"), ("Lost in mockery", "")],
)
def test_a_title_names_a_scenario(title: str, name: str) -> None:
    assert find_marked_name(Citation(title=title)) == name
