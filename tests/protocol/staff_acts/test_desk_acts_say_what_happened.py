"""Acts with several requests at once, with paper and with files: what the page says is what the store has."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.print_batches import PrintBatch, PrintKind
from gateway.domain.requests.request import Request
from tests.protocol.pages.support import Answer
from tests.protocol.staff_acts.judging import judge_request
from tests.protocol.staff_acts.pages import Shown, read_page
from tests.protocol.staff_acts.presses import Press
from tests.protocol.staff_acts.scenes import SCENES
from tests.protocol.staff_acts.world import BY_POST, ActsTown, Facts, Scene, make_acts_template
from tests.support.blank_pdf import write_blank_pdf

pytestmark = pytest.mark.slow  # a PDF's pages are counted by another program

BY_NAME = {scene.name: scene for scene in SCENES}

PAIRS = (
    ("borrowing: shipped", "borrowing: received, on the hold shelf"),
    ("lending: shipped, renewal asked", "lending: cancel-pending"),
    ("borrowing: back", "borrowing: no mail: in transit"),
    ("borrowing: review", "borrowing: no mail: will-supply"),
    ("lending: new", "lending: shipped"),
)
"""Of requests that are in different states: some acts fit one of them alone."""

PRINTED = (
    "borrowing: requested",
    "borrowing: back",
    "lending: located",
    "borrowing: received, on the hold shelf",
    "borrowing: received, in transit",
    "borrowing: no mail: received",
    "lending: shipped",
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asyncio.run(make_acts_template(tmp_path_factory.mktemp("desk-acts"), brokered=False))


# --- several at once -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("partner", "pairs"),
    [
        ("iso18626", PAIRS[1:2]),
        (BY_POST, PAIRS[:1]),
        *(pytest.param(partner, PAIRS, marks=pytest.mark.long) for partner in ("iso18626", BY_POST, "letters")),
        pytest.param("artemail", (PAIRS[0], *PAIRS[2:4]), marks=pytest.mark.long),
    ],
)
async def test_what_is_said_of_several_requests_at_once_is_what_happened(
    template: Path, tmp_path: Path, partner: str, pairs: Sequence[tuple[str, str]]
) -> None:
    async with ActsTown(template, tmp_path) as town:
        run = BulkRun(town, partner)
        for pair in pairs:
            await run.press_all([BY_NAME[name] for name in pair])
    assert not run.faults, "\n".join(run.faults)
    assert run.pressed > len(pairs)


@dataclass
class BulkRun:
    town: ActsTown
    partner: str
    faults: list[str] = field(default_factory=list)
    pressed: int = 0

    async def press_all(self, scenes: Sequence[Scene]) -> None:
        town, place = self.town, scenes[0].side
        scenes = [_with_partner(scene, self.partner) for scene in scenes]
        first = await town.begin(scenes[0])
        second = await town.begin(scenes[1], beside=scenes[0].name)
        both = list(zip(scenes, (first, second), strict=True))
        before = [await town.look(one) for _, one in both]
        pages = [read_page(await town.get(f"/requests/{one.number}")) for _, one in both]
        chosen = [("query", ""), ("one", first.id), ("one", second.id)]
        form = await town.post(f"/{place}/bulk", [*chosen, ("do", "more")])
        for kind in map(str, form.tree.xpath("//input[@name='kind']/@value")):
            town.restore(scenes[1].name)
            town.clock.advance(timedelta(seconds=1))
            mails = len(town.mail.mails)
            answer = await town.post(f"/{place}/bulk/do", [*chosen, ("do", "more"), ("kind", kind), ("note", "")])
            said = await self._read_answer(answer)
            letters = [mail for mail in town.mail.mails[mails:] if not str(mail["To"]).startswith("ill@")]
            where = f"{self.partner}, {scenes[0].name} and {scenes[1].name}, {kind}: “{said}”"
            presses = []
            for (scene, request), was, page in zip(both, before, pages, strict=True):
                now = await town.look(request)
                after = read_page(await town.get(f"/requests/{request.number}"))
                presses.append(_make_press(scene, kind, was, now, page, after, letters))
            self.faults += [f"{where} {fault}" for fault in judge_bulk(said, EventKind(kind), presses)]
            self.pressed += 1

    async def _read_answer(self, answer: Answer) -> str:
        if answer.status == 303:
            return read_page(await self.town.follow(answer)).banner
        await self.town.later(minutes=3)
        said = answer.tree.xpath("//main//h1 | //main//p[@class='banner look']")
        return " ".join(" ".join(one.text_content().split()) for one in said)


def _with_partner(scene: Scene, partner: str) -> Scene:
    return replace(scene, partner=partner)


def _make_press(
    scene: Scene, kind: str, was: Facts, now: Facts, page: Shown, after: Shown, letters: Sequence[EmailMessage]
) -> Press:
    number = now.request.number
    mine = tuple(one for one in letters if number in str(one["Subject"]) + _read_text(one))
    return Press(scene=scene, name=kind, before=was, after=now, page_before=page, page=after, letters=mine)


def _read_text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""


_COUNTS = re.compile(r"(?P<done>\d+) done(?:, (?P<failed>\d+) failed)?\.?(?: (?P<hints>.*))?")


def judge_bulk(said: str, kind: EventKind, presses: Sequence[Press]) -> list[str]:
    """How many were done; of those, what staff have to do besides; and all that each request's page says."""
    counted = _COUNTS.fullmatch(said)
    if counted is None:
        return ["said without a claim"]
    done = [press for press in presses if press.was_done(kind.value)]
    faults = []
    if (int(counted["done"]), int(counted["failed"] or 0)) != (len(done), len(presses) - len(done)):
        faults.append(f"{len(done)} were done")
    hints = dict.fromkeys(hint for press in done if (hint := str(press.before.view.hints.get(kind, ""))))
    if " ".join(hints) != (counted["hints"] or ""):
        faults.append(f"to be done besides: {' '.join(hints) or 'nothing'}")
    for press in done:
        faults += [f"{press.scene.name}: {fault}" for fault in judge_request(press)]
    return faults


# --- paper -----------------------------------------------------------------------------------------------


_KINDS_OF_A_DAY = (PrintKind.PULL_SLIPS, PrintKind.RETURN_SLIPS, PrintKind.REQUEST_LETTERS)


@pytest.mark.parametrize(
    ("partner", "names", "kinds"),
    [
        ("iso18626", PRINTED[:3], _KINDS_OF_A_DAY),
        *(pytest.param(one, PRINTED, tuple(PrintKind), marks=pytest.mark.long) for one in ("iso18626", BY_POST)),
    ],
)
async def test_paper_of_a_request_is_what_the_page_says_and_changes_nothing(
    template: Path, tmp_path: Path, partner: str, names: Sequence[str], kinds: Sequence[PrintKind]
) -> None:
    faults: list[str] = []
    printed: set[PrintKind] = set()
    async with ActsTown(template, tmp_path) as town:
        for name in names:
            scene = _with_partner(BY_NAME[name], partner)
            request = await town.begin(scene)
            before = await town.look(request)
            shown = await town.get(f"/requests/{request.number}")
            offered = {str(one) for one in shown.tree.xpath("//main//form//*[@name='kind']/@value")} & set(PrintKind)
            for kind in kinds:
                where = f"{partner}, {name}, {kind.value}"
                town.restore(name)
                faults += [f"{where}: {fault}" for fault in await print_paper(town, request, kind, kind in offered)]
                after = await town.look(request)
                if (after.request, after.messages, after.letters) != (before.request, before.messages, before.letters):
                    faults.append(f"{where}: the request was changed")
                printed |= {kind} if kind in offered else set()
    assert not faults, "\n".join(faults)
    assert {PrintKind.PULL_SLIPS, PrintKind.RETURN_SLIPS} <= printed


async def print_paper(town: ActsTown, request: Request, kind: PrintKind, is_offered: bool) -> list[str]:
    """From the request's page, and whether it is so; then the batch is marked as printed."""
    was = await list_batches(town)
    answer = await town.post(f"/requests/{request.number}/print", [("kind", kind.value)])
    if answer.status != 303:
        return [f"{answer.status}"]
    page = await town.staff.browser.get(answer.headers["Location"])
    made = [one for number, one in (await list_batches(town)).items() if number not in was]
    if not made:
        faults = [f"offered, and not made: “{read_page(page).banner}”"] if is_offered else []
        return faults if read_page(page).banner else [*faults, "nothing is said"]
    (batch,) = made
    shown = " ".join(page.tree.xpath("//main")[0].text_content().split())
    faults = [] if is_offered else ["made, and not offered"]
    if batch.request_ids != (request.id,) or request.number not in shown or str(batch.number) not in shown:
        faults.append(f"the sheet says otherwise: {shown[:200]}")
    done = await town.post(f"/print/{batch.number}/printed", [])
    said = read_page(await town.staff.browser.get(done.headers["Location"])).banner
    kept = (await list_batches(town))[batch.number]
    if (said, kept.printed_at is not None) != (f"Batch {batch.number} is marked as printed.", True):
        faults.append(f"“{said}”, {kept.printed_at}")
    return faults


async def list_batches(town: ActsTown) -> Mapping[int, PrintBatch]:
    found = await town.town.gateway.managed.libraries["OAK"].printing.list_batches(50)
    return {one.number: one for one in found}


# --- files -----------------------------------------------------------------------------------------------

FILES: Mapping[str, tuple[tuple[tuple[str, bytes], ...], str, int]] = {
    "one": ((("sult.pdf", write_blank_pdf(3)),), "1 file was added.", 1),
    "two": ((("sult.pdf", write_blank_pdf(3)), ("noter.pdf", write_blank_pdf(1))), "2 files were added.", 2),
    "a page of the web": ((("sult.html", b"<html><script>1</script></html>"),), "“sult.html” was not added: ", 0),
    "cut off": ((("sult.pdf", write_blank_pdf(3)[:-20]),), "“sult.pdf” was not added: ", 0),
    "one of two": (
        (("sult.pdf", write_blank_pdf(3)), ("sult.html", b"<html></html>")),
        "“sult.html” was not added: ",
        1,
    ),
    "none": ((), "No file was chosen, so nothing was added.", 0),
}
"""What is sent, how the page begins, and how many files the request has then."""


@pytest.mark.parametrize(
    "names",
    [
        ("lending: copy digitising",),
        pytest.param(("borrowing: copy requested", "lending: completed"), marks=pytest.mark.long),
    ],
    ids=["open", "others"],
)
async def test_what_is_said_of_files_is_what_the_request_has(
    template: Path, tmp_path: Path, names: Sequence[str]
) -> None:
    faults: list[str] = []
    async with ActsTown(template, tmp_path) as town:
        for name in names:
            request = await town.begin(BY_NAME[name])
            before = await town.look(request)
            for case, (files, begins, count) in FILES.items():
                town.restore(name)
                answer = await town.post_files(f"/requests/{request.number}/files", *files)
                said = read_page(await town.staff.browser.get(answer.headers["Location"])).banner
                after = await town.look(request)
                added = len(after.request.attachments) - len(before.request.attachments)
                if not said.startswith(begins) or added != count:
                    faults.append(f"{name}, {case}: “{said}”, {added} added")
                if (after.messages, after.letters, after.request.state) != (
                    before.messages,
                    before.letters,
                    before.request.state,
                ):
                    faults.append(f"{name}, {case}: somebody was told")
    assert not faults, "\n".join(faults)
