"""What a recorded conversation is to lead to, as tables that people write; `tests/protocol/iso18626/recorded`.

    == opaque-cancel                        the conversation; `as lender` says which side is ours where neither was
    wrong: …                                what is not so yet, and why; it must fail then
    act 05: shipped barcode=ITEM            what staff do there, where it isn't what the recording implies
    order: 01 03 07 05                      where messages crossed
    wait 08: 600                            seconds before it, besides those of the recording
    03 < WillSupply | will-supply | will-supply | - | -

The columns: message, our state, the status for the patron, the task lists, what went out; then, where it isn't OK, what
the message was answered with or why the act was denied. `*` is anything. Lines that begin with `#` say why.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.conversation_player import Step

COLUMNS = 5


@dataclass
class ExpectedConversation:
    system: str
    name: str
    role: str = ""
    wrong: str = ""
    unplayed: str = ""
    acts: dict[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    waits: dict[str, int] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)

    @property
    def folder(self) -> str:
        return f"{self.system}/{self.name}"

    @property
    def id(self) -> str:
        return f"{self.folder} as {self.role}" if self.role else self.folder


def read_tables(folder: Path) -> list[ExpectedConversation]:
    return [one for file in sorted(folder.glob("*.txt")) for one in _read_table(file)]


def _read_table(file: Path) -> list[ExpectedConversation]:
    found: list[ExpectedConversation] = []
    for line in file.read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("== "):
            name, _, role = line.removeprefix("== ").partition(" as ")
            found.append(ExpectedConversation(file.stem, name.strip(), role.strip()))
        elif match := re.match(r"act (\d\d): (.*)", line):
            found[-1].acts[match[1]] = match[2].strip()
        elif match := re.match(r"wait (\d\d): (\d+)", line):
            found[-1].waits[match[1]] = int(match[2])
        elif line.startswith("order: "):
            found[-1].order = tuple(line.removeprefix("order: ").split())
        elif line.startswith("wrong: "):
            found[-1].wrong = line.removeprefix("wrong: ")
        elif line.startswith("unplayed: "):
            found[-1].unplayed = line.removeprefix("unplayed: ")
        else:
            found[-1].steps.append(line)
    return found


def find_differences(expected: Sequence[str], steps: Sequence[Step]) -> list[str]:
    """Line by line what is and what should be."""
    lines = [f"should be {row}" for row in expected[len(steps) :]]
    for place, step in enumerate(steps):
        row = expected[place] if place < len(expected) else "nothing"
        if not _fits(row, str(step)):
            lines += [f"is        {step}", f"should be {row}"]
    return lines


def _fits(row: str, step: str) -> bool:
    wanted, found = ([cell.strip() for cell in one.split("|")] for one in (row, step))
    return len(wanted) == len(found) and all(one in ("*", other) for one, other in zip(wanted, found, strict=True))
