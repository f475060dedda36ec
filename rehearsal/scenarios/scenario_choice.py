"""Choice of the scenario that a message gets, where a system is played that only answers.

One that a text of the message names (`mock:patron-blocked`) counts, also for later messages about the same request or
item; else those that were chosen are taken in turn, a new one for each request or item. Names of scenarios of other
roles pass: a title may be meant for somebody who is played elsewhere.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence

from gateway.domain.value import value_object
from rehearsal.mock.mock_log import ShownRequest
from rehearsal.scenarios.scenario import ANY_MESSAGE, MockReaction, MockScenario, PlayedRole, find_mark

MAX_SUBJECTS = 1_000


@value_object
class ChosenReaction:
    """`subject`: the request or item that the message is about; empty: none."""

    scenario: MockScenario
    reaction: MockReaction
    subject: str = ""


class _SubjectScenario:
    """A scenario as far as it has come with one request or item."""

    def __init__(self, scenario: MockScenario) -> None:
        self.scenario = scenario
        self._counts: Counter[str] = Counter()

    def choose_reaction(self, word: str) -> MockReaction:
        has_own = self.scenario.find_reaction(word, 1) is not None
        key = word if has_own else ANY_MESSAGE
        self._counts[key] += 1
        return self.scenario.choose_reaction(key, self._counts[key])


class ScenarioChoice:
    """`chosen`: in the order in which requests get them; `default`: where none was chosen. `misbehaviours`: all of
    the protocol; a scenario with another one is passed over, too."""

    def __init__(
        self,
        role: PlayedRole,
        scenarios: Mapping[str, MockScenario],
        chosen: Sequence[MockScenario],
        default: str,
        misbehaviours: Iterable[str],
    ) -> None:
        self._role = role
        known = frozenset(misbehaviours)
        self._scenarios = {name: entry for name, entry in scenarios.items() if entry.list_misbehaviours() <= known}
        self._chosen = [scenario for scenario in chosen if scenario.role is role] or [scenarios[default]]
        self._turn = 0
        self._subjects: OrderedDict[str, _SubjectScenario] = OrderedDict()

    def choose_reaction(self, word: str, text: str, subjects: Sequence[str] = ()) -> ChosenReaction:
        """`word`: what has come; `text`: of the whole message; `subjects`: ids that it is about."""
        keys = tuple(filter(None, subjects)) or ("",)
        marked = self._find_marked(text)
        active = next((self._subjects[key] for key in keys if key in self._subjects), None)
        if marked is not None and (active is None or active.scenario is not marked):
            active = _SubjectScenario(marked)
        if active is None:
            active = _SubjectScenario(self._take_turn())
        if marked is None or keys != ("",):  # a mark alone says nothing about messages that have none
            for key in keys:
                self._keep_subject(key, active)
        return ChosenReaction(active.scenario, active.choose_reaction(word), keys[0])

    def list_requests(self) -> Sequence[ShownRequest]:
        """List requests by the first id that each had."""
        first_ids: dict[_SubjectScenario, str] = {}
        for key, subject in self._subjects.items():
            if key:
                first_ids.setdefault(subject, key)
        return [ShownRequest(transaction=key, scenario=talk.scenario.name) for talk, key in first_ids.items()]

    def _find_marked(self, text: str) -> MockScenario | None:
        scenario = self._scenarios.get(find_mark(text))
        return scenario if scenario is not None and scenario.role is self._role and not scenario.abstract else None

    def _take_turn(self) -> MockScenario:
        scenario = self._chosen[self._turn % len(self._chosen)]
        self._turn += 1
        return scenario

    def _keep_subject(self, key: str, active: _SubjectScenario) -> None:
        self._subjects[key] = active
        while len(self._subjects) > MAX_SUBJECTS:
            self._subjects.popitem(last=False)
