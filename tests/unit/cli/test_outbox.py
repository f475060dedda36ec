"""`illgate outbox`: what could not be sent, without a mail server and then with one."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from click.testing import Result

from tests.support.daemon import Installation
from tests.support.smtp_sink import Sink, running
from tests.unit.cli.conftest import Typed, document, number_of, typed

ANA = "21000000000025"


def stuck(desk: Typed) -> tuple[str, str]:
    """A request for Seeberg that can't be sent: its number, and the id of the dead letter."""
    number = number_of(
        desk("request", "create", "--patron", ANA, "--title", "道德經", "--partner", "seeberg", "--no-review")
    )
    desk("outbox", "run")
    lines = [json.loads(line) for line in desk("outbox", "list", "--json").stdout.splitlines()]
    return number, next(line["id"] for line in lines if line["target"] == "seeberg")


def counted(result: Result) -> str:
    return result.stdout.partition("; ")[2].strip()


def test_what_could_not_be_sent_is_listed_and_shown(own: Installation) -> None:
    desk = typed(own)
    number, letter = stuck(desk)

    listed = desk("outbox", "list").stdout.splitlines()
    shown = desk("outbox", "show", letter)

    row = next(line for line in listed if letter in line)
    assert "partner" in row
    assert number in row
    assert "mail.sender" in row
    assert '"kind": "request"' in shown.stdout
    assert ANA not in shown.stdout
    assert "dead-letters" in desk("task", "list").stdout


def test_a_request_with_a_dead_letter_says_so_until_staff_decide(own: Installation) -> None:
    desk = typed(own)
    number, letter = stuck(desk)
    other = number_of(desk("request", "create", "--patron", ANA, "--title", "Pan Tadeusz", "--review"))

    def flags_by_number() -> dict[str, list[str]]:
        lines = [json.loads(line) for line in desk("request", "list", "--json").stdout.splitlines()]
        return {line["number"]: line["flags"] for line in lines}

    listed, shown = flags_by_number(), desk("request", "show", number)
    as_text = desk("request", "list").stdout
    assert listed == {number: ["dead-letter"], other: []}
    assert "dead-letter" in next(line for line in as_text.splitlines() if number in line)
    assert document(desk("request", "show", number, "--json"))["request"]["flags"] == ["dead-letter"]
    assert "dead-letter" in shown.stdout.partition("\n")[0]
    assert letter in shown.stdout

    desk("outbox", "skip", letter, "--reason", "told by telephone")
    assert flags_by_number()[number] == []


async def test_a_released_letter_goes_out(own: Installation) -> None:
    desk = typed(own)
    number, letter = await asyncio.to_thread(stuck, desk)
    async with running(Sink()) as sink:
        mail = {"host": "127.0.0.1", "port": sink.port, "security": "none", "sender": "ill@library.example"}
        own.change(mail=mail)

        released = await asyncio.to_thread(desk, "outbox", "release", letter)
        run = await asyncio.to_thread(desk, "outbox", "run")
        gone = await asyncio.to_thread(desk, "outbox", "show", letter)

    assert released.stdout == f"released: {letter}\n"
    assert "0 dead letters" in counted(run)  # without a mail server nothing was written to Ana
    assert [str(mail["To"]) for mail in sink.mails] == ["fernleihe@seeberg.example"]
    assert number in str(sink.mails[0]["Subject"])
    assert gone.exit_code == 2


def test_a_skipped_letter_is_never_sent(own: Installation) -> None:
    desk = typed(own)
    _, letter = stuck(desk)

    skipped = desk("outbox", "skip", letter, "--reason", "told by telephone")

    assert skipped.exit_code == 0
    assert letter not in desk("outbox", "list").stdout
    again = desk("outbox", "skip", letter, "--reason", "x")
    assert again.exit_code == 2
    assert "dead letter not found" in again.stderr


def test_an_edited_letter_is_tried_with_its_new_content(own: Installation, tmp_path: Path) -> None:
    desk = typed(own)
    _, letter = stuck(desk)
    content = tmp_path / "one.json"
    payload = document(desk("outbox", "show", letter, "--json"))["payload"]

    content.write_text("{}")
    useless = desk("outbox", "edit", letter, "--from", str(content))
    content.write_text(json.dumps(json.loads(payload)))
    same = desk("outbox", "edit", letter, "--from", str(content))
    content.write_text(payload.replace("道德經", "道德經 (王弼注)"))
    changed = desk("outbox", "edit", letter, "--from", str(content))
    desk("outbox", "run")

    assert (useless.exit_code, same.exit_code, changed.exit_code) == (1, 1, 0), changed.output
    assert "This is not valid data for 'partner'" in useless.stderr
    assert same.stderr == "nothing was changed\n"
    assert "王弼注" in document(desk("outbox", "show", letter, "--json"))["payload"]


def test_what_only_the_daemon_can_send_is_said_beforehand_and_left(own: Installation) -> None:
    (own.folder / "profiles" / "brasilia.yml").write_text(
        "extends: ipig\niso_ill: {transport: {address: '192.0.2.1:1611'}}\n"
        "partner: {symbols: ['ISIL:BR-DfB'], name: Biblioteca do Planalto, channel: iso-ill}\n"
    )
    desk = typed(own)
    number = number_of(
        desk("request", "create", "--patron", ANA, "--title", "Grande Sertão", "--partner", "brasilia", "--no-review")
    )
    desk("outbox", "run")  # asks brasilia

    runs = [desk("outbox", "run") for _ in range(3)]

    assert [run.stderr for run in runs] == ["left to the daemon (illgate serve): 1 message to brasilia\n"] * 3
    assert {run.stdout.partition(" ")[0] for run in runs} == {"0"}
    unfinished = document(desk("request", "show", number, "--json"))["unfinished"]
    assert [(one["target"], one["tries"]) for one in unfinished if one["kind"] == "partner"] == [("brasilia", 0)]


def test_a_running_daemon_does_what_commands_leave(pristine: Installation, tmp_path: Path) -> None:
    installation = pristine.copy(tmp_path / "served")
    desk = typed(installation)
    with installation.serve():
        number = number_of(desk("request", "create", "--patron", ANA, "--title", "Heimskringla"))
        assert desk("request", "act", number, "approve").exit_code == 0

        assert _comes_to(desk, number, "requested")
        received = desk("request", "act", number, "received")

    assert received.exit_code == 0, received.output
    assert received.stdout.startswith(f"{number}: received (in-transit)\n")


def _comes_to(desk: Typed, number: str, state: str) -> bool:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if document(desk("request", "show", number, "--json"))["request"]["state"] == state:
            return True
        time.sleep(0.2)
    return False
