"""Conversations by ISO 18626 as real programs had them with a gateway, in the order in which they went over the wire.

Their folder isn't part of the repository: `samples_folder`, and in it `iso-18626`, whose README says what the index
holds. The far side's octets are sent as they stand, but for the numbers of the request: those of the recording are
replaced by those of the request that is running, in `requestingAgencyRequestId`, `supplyingAgencyRequestId` and
`requestingAgencyPreviousRequestId`, and nowhere else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from lxml import etree

_NUMBER = re.compile(
    rb"(<(?:\w+:)?(?:requestingAgencyRequestId|supplyingAgencyRequestId|requestingAgencyPreviousRequestId)>)([^<]+)(?=<)"
)


@dataclass(frozen=True)
class SpokenMessage:
    """What octets say, as far as it tells one message of a conversation from another. `word`: the action of a
    requester; the reason and the status of a supplier, such as `StatusChange Loaned`; of a request its type."""

    element: str
    word: str
    note: str
    number: str
    supplier_number: str
    supplier: str
    requester: str
    root: etree._Element

    @property
    def status(self) -> str:
        return self.word.rpartition(" ")[2]

    def text(self, path: str) -> str:
        """Of the first element of these names, one within the other with `/` between; empty where there is none."""
        return (self.root.findtext(".//{*}" + path.replace("/", "/{*}")) or "").strip()


def read_message(octets: bytes) -> SpokenMessage:
    root = etree.fromstring(octets.lstrip())
    inner = root if etree.QName(root).localname != "ISO18626Message" else root[0]
    say = SpokenMessage("", "", "", "", "", "", "", inner)
    element = etree.QName(inner).localname
    if element == "request":
        word = say.text("requestType") or "New"
        note = say.text("serviceInfo/note")
    elif element == "requestingAgencyMessage":
        word, note = say.text("action"), say.text("note")
    else:
        word = f"{say.text('reasonForMessage')} {say.text('statusInfo/status')}".strip()
        note = say.text("messageInfo/note")
    return SpokenMessage(
        element,
        word,
        note,
        say.text("requestingAgencyRequestId"),
        say.text("supplyingAgencyRequestId"),
        say.text("supplyingAgencyId/agencyIdValue"),
        say.text("requestingAgencyId/agencyIdValue"),
        inner,
    )


def replace_numbers(octets: bytes, numbers: Mapping[str, str]) -> bytes:
    """Numbers of a request that aren't among `numbers` stay."""
    return _NUMBER.sub(
        lambda match: match[1] + numbers.get(match[2].decode(), match[2].decode()).encode(),
        octets,
    )


@dataclass(frozen=True)
class RecordedAnswer:
    """`body` empty: the answer was lost on its way, or there was nothing in it (`status` of HTTP isn't 200 then)."""

    status: int
    body: bytes
    is_lost: bool = False


@dataclass(frozen=True)
class RecordedMessage:
    """`name`: of its file, without folder and ending. `answer`: what it got in the recording."""

    name: str
    at: datetime
    octets: bytes
    is_ours: bool
    answer: RecordedAnswer

    @property
    def spoken(self) -> SpokenMessage:
        return read_message(self.octets)

    @property
    def label(self) -> str:
        """As a table names it: its place, and a mark for its direction."""
        place, _, rest = self.name.removesuffix(".ours").partition("-")
        return f"{place} {'>' if self.is_ours else '<'} {rest.partition('-')[2]}"


@dataclass(frozen=True)
class RecordedConversation:
    """`role`: ours, borrower or lender. `mode` and `vendor`: of our entry at the broker, empty where there is none."""

    folder: str
    role: str
    mode: str
    vendor: str
    messages: tuple[RecordedMessage, ...]

    @property
    def system(self) -> str:
        return self.folder.partition("/")[0]

    @property
    def name(self) -> str:
        return self.folder.partition("/")[2]


@lru_cache(maxsize=1)
def _read_index(samples: Path) -> Mapping[str, tuple[dict[str, object], ...]]:
    rows: dict[str, list[dict[str, object]]] = {}
    for row in json.loads((samples / "iso-18626" / "index.json").read_text("utf-8")):
        rows.setdefault(str(row["file"]).rpartition("/")[0], []).append(row)
    return {folder: tuple(found) for folder, found in rows.items()}


@lru_cache(maxsize=1)
def list_recorded(samples: Path) -> Mapping[str, Mapping[str, object]]:
    """What `conversations.json` says of each, by its folder."""
    rows = json.loads((samples / "iso-18626" / "conversations.json").read_text("utf-8"))
    return {row["folder"]: row for row in rows}


def load_conversation(samples: Path, folder: str, role: str = "") -> RecordedConversation:
    """`role`: which side is ours, where the conversation was between others."""
    said = list_recorded(samples)[folder]
    files = _read_index(samples)[folder]
    ours = role or str(said.get("illgate") or {"supplier": "borrower", "requester": "lender"}[str(said["illmock"])])
    answers = {str(row["answers"]): row for row in files if row["kind"] == "answer"}
    start: datetime | None = None
    messages = []
    for row in files:
        if row["kind"] != "message":
            continue
        path = samples / "iso-18626" / str(row["file"])
        octets = path.read_bytes()
        if start is None:
            start = datetime.fromisoformat(read_message(octets).text("timestamp"))
        by = path.name.split("-")[1]
        is_ours = by == ("requester" if ours == "borrower" else "supplier") if role else bool(row.get("ours"))
        answer = answers.get(str(row["file"]))
        messages.append(
            RecordedMessage(
                path.stem,
                start + timedelta(seconds=float(str(row.get("seconds", 0.0)))),
                octets,
                is_ours,
                _read_answer(samples, row, answer),
            )
        )
    return RecordedConversation(
        folder, ours, str(said.get("mode") or ""), str(said.get("vendor") or ""), tuple(messages)
    )


def _read_answer(samples: Path, row: Mapping[str, object], answer: Mapping[str, object] | None) -> RecordedAnswer:
    if answer is not None:
        path = samples / "iso-18626" / str(answer["file"])
        return RecordedAnswer(int(str(answer.get("http", 200))), path.read_bytes())
    if "HTTP 500" in str(row.get("note", "")):
        return RecordedAnswer(500, b"")
    return RecordedAnswer(200, b"", is_lost=True)
