"""Every act of staff, in every state, on both sides: what the page says afterwards, its history, the lists and the
letters are compared with what the store and the library's system have (`claims`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.requests.event_catalogue import BY_HAND, EVENT_CATALOGUE
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.events import local_signal
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.state_machine import TABLES
from gateway.domain.requests.state_table import ForbiddenCell
from tests.protocol.ends.world import BROKERED, COLUMNS
from tests.protocol.staff_acts.judging import judge, judge_audience, judge_undoing
from tests.protocol.staff_acts.pages import Act, Shown, list_folded_acts, list_open_acts, read_act_form, read_page
from tests.protocol.staff_acts.presses import Press
from tests.protocol.staff_acts.scenes import SCENES
from tests.protocol.staff_acts.world import BY_POST, ActsTown, Facts, Scene, make_acts_template

pytestmark = pytest.mark.slow  # a PDF's pages are counted by another program


ALIKE = frozenset(
    {
        "answer", "citation", "close", "conditional", "damaged", "edit", "forwarded", "hold-placed", "lost", "message",
        "note", "patron-asked", "patron-message", "retry", "status-query", "unfilled", "unfilled: not-on-shelf",
    }
)  # fmt: skip
"""Acts that by day are pressed once on each side. Others are pressed once in each state, for a patron with and without
mail, of one and of several volumes; as `long`, all in every scene."""

NOT_HERE: Mapping[tuple[Role, K], str] = {
    (Role.BORROWING, K.SUBMIT): "made with the request",
    (Role.LENDING, K.BROKERED): "only with a rota of others, which another table has",
    (Role.LENDING, K.PATRON_TOLD): "only where an item is lent to another library's patron",
}
"""Acts of a side that no scene has, and why."""

_NEVER = {
    "artemail": ("lending", "it never orders from us"),
    "ncip": ("borrowing", "its suppliers are asked by other protocols"),
}


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Mapping[bool, Path]:
    """By whether requests are brokered."""

    async def make_both() -> Mapping[bool, Path]:
        folder = tmp_path_factory.mktemp("acts")
        return {key: await make_acts_template(folder / str(key), brokered=key) for key in (False, True)}

    return asyncio.run(make_both())


@pytest.mark.parametrize("side", list(Role))
async def test_what_pages_and_letters_say_of_an_act_is_what_happened(
    templates: Mapping[bool, Path], tmp_path: Path, side: Role
) -> None:
    scenes = [scene for scene in SCENES if scene.side == side.value]
    async with ActsTown(templates[False], tmp_path) as town:
        run = ActRun(town, _choose_by_day())
        await run.press_all(scenes)
    assert not run.write_faults(), run.write_faults()
    assert set(list_possible_kinds(side)) - run.kinds == {kind for role, kind in NOT_HERE if role is side} & set(
        list_possible_kinds(side)
    )


@pytest.mark.parametrize("name", ["lending: new, copies to choose from", "borrowing: offered"])
async def test_each_act_of_a_scene(templates: Mapping[bool, Path], tmp_path: Path, name: str) -> None:
    """Beside copies: once it is done no copy can be chosen any more, and the page still shows them. An offer: whoever
    made it is asked again."""
    scenes = [scene for scene in SCENES if scene.name == name]
    async with ActsTown(templates[False], tmp_path) as town:
        run = ActRun(town, lambda _scene, _state, _act: True)
        await run.press_all(scenes)
    assert run.kinds
    assert not run.write_faults(), run.write_faults()


@pytest.mark.parametrize("partner", [BY_POST, BROKERED])
async def test_what_is_said_where_the_partner_is_told_otherwise(
    templates: Mapping[bool, Path], tmp_path: Path, partner: str
) -> None:
    """One scene a state; all of them run as `long`."""
    names = ("requested", "conditional", "shipped", "returned", "new", "cancel-pending", "shipped, renewal asked")
    scenes = [scene for scene in list_scenes(partner) if scene.name.partition(": ")[2] in names]
    async with ActsTown(templates[partner == BROKERED], tmp_path) as town:
        run = ActRun(town, _choose_by_day())
        await run.press_all(scenes)
    assert not run.write_faults(), run.write_faults()


@pytest.mark.long
@pytest.mark.parametrize("partner", [*COLUMNS, BY_POST])
async def test_every_act_of_every_state_with_every_kind_of_partner(
    templates: Mapping[bool, Path], tmp_path: Path, partner: str
) -> None:
    async with ActsTown(templates[partner == BROKERED], tmp_path) as town:
        run = ActRun(town, lambda _scene, _state, _act: True)
        await run.press_all(list_scenes(partner))
    assert not run.write_faults(), run.write_faults()


def test_each_act_of_a_person_has_a_word_on_the_pages() -> None:
    assert [kind for kind in BY_HAND if not EVENT_CATALOGUE[kind].label] == []


def list_possible_kinds(role: Role) -> Iterable[K]:
    """What people can do on this side in some state, by the state tables."""
    table = TABLES[role]
    for kind in BY_HAND:
        cells = (table.find_cell(state, local_signal(kind)) for state in table.states)
        if any(not isinstance(cell, ForbiddenCell) for cell in cells):
            yield kind


def list_scenes(partner: str) -> list[Scene]:
    """Those that there can be with such a partner."""
    side, _ = _NEVER.get(partner, ("", ""))
    found = [replace(scene, partner=partner) for scene in SCENES if scene.side != side]
    if partner == "iso-ill":
        telephoned = [one for one in found if one.name in ("lending: new", "lending: shipped")]
        found += [replace(one, name=f"{one.name}, by telephone", is_telephoned=True) for one in telephoned]
    return [one for one in found if partner != BROKERED or not _needs_own_reader(one)]


def _needs_own_reader(scene: Scene) -> bool:
    """What we broker has no patron of ours, is sent on as soon as it is here, and ends with the other side's."""
    steps = {step.split()[-1] for step in scene.steps}
    return bool(steps & {"at-pickup", "arrived-at-branch", "elsewhere", "close", "patron-asked"}) or (
        scene.side == "lending" and bool(scene.steps)
    )


Wanted = Callable[[Scene, str, str], bool]
"""Whether an act is pressed: of a scene, in a state."""


def _choose_by_day() -> Wanted:
    seen: set[tuple[str, ...]] = set()

    def is_wanted(scene: Scene, state: str, act: str) -> bool:
        kind = (state, scene.service.value, scene.patron, str(len(scene.volumes)))
        key = (scene.side, act) if act in ALIKE else (scene.side, act, *kind)
        is_new = key not in seen
        seen.add(key)
        return is_new

    return is_wanted


@dataclass
class ActRun:
    """`kinds`: what was done, as events name it."""

    town: ActsTown
    is_wanted: Wanted
    kinds: set[K] = field(default_factory=set)
    _faults: list[str] = field(default_factory=list)

    def write_faults(self) -> str:
        return "\n".join(self._faults)

    async def press_all(self, scenes: Iterable[Scene]) -> None:
        for scene in scenes:
            request = await self.town.begin(scene)
            before = await self.town.look(request)
            answer = await self.town.get(f"/requests/{request.number}")
            today, barcode, state = self.town.clock.now().date(), self.town.barcodes[0], request.state.value
            acts = [one for one in list_open_acts(answer, today, barcode) if self.is_wanted(scene, state, one.name)]
            for path in list_folded_acts(answer):
                if self.is_wanted(scene, state, path.partition("?")[0].rpartition("/")[2]):
                    acts += read_act_form(await self.town.get(path), path, today, barcode)
            for act in acts:
                await self._press(scene, request, before, read_page(answer), act)

    async def _press(self, scene: Scene, request: Request, before: Facts, first: Shown, act: Act) -> None:
        town = self.town
        where = f"{scene.partner}, {scene.name}, {act.name}"
        town.restore(scene.name)
        town.clock.advance(timedelta(seconds=1))
        mails = len(town.mail.mails)
        answer = await town.press(act)
        if answer.status != 303:
            self._faults.append(f"{where}: {answer.status} {' '.join(read_page(answer).mistakes)}")
            return
        page = read_page(await town.follow(answer))
        press = await self._note_press(scene, request, act, before, first, page, mails)
        new = press.after.view.history[len(before.view.history) :]
        self.kinds |= {line.event.kind for line in new}
        self._faults += [f"{where}: “{page.banner}” ({press.state}) {fault}" for fault in judge(press)]
        self._faults += [f"{where}: “{act.audience}” ({press.state}) {fault}" for fault in judge_audience(press)]
        if page.undo:
            town.restore(scene.name)
            town.clock.advance(timedelta(seconds=1))
            mails = len(town.mail.mails)
            page = read_page(await town.follow(await town.undo(act, await town.press(act))))
            press = await self._note_press(scene, request, act, before, first, page, mails)
            self._faults += [f"{where}, undone: “{page.banner}” {fault}" for fault in judge_undoing(press)]

    async def _note_press(
        self, scene: Scene, request: Request, act: Act, before: Facts, first: Shown, page: Shown, mails: int
    ) -> Press:
        return Press(
            scene=scene,
            name=act.name,
            audience=act.audience,
            before=before,
            after=await self.town.look(request),
            page_before=first,
            page=page,
            letters=tuple(mail for mail in self.town.mail.mails[mails:] if not str(mail["To"]).startswith("ill@")),
        )
