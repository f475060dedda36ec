"""`illgate mail`, as staff type it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from click.testing import CliRunner, Result

from gateway.cli import main
from tests.support.daemon import Installation
from tests.support.mail_house import LIBRARY, MailHouse, mail, prepare


def typed(installation: Installation, *arguments: str, **more: bytes) -> Result:
    return CliRunner().invoke(main, ["--config", str(installation.config), *arguments], **more)  # type: ignore[arg-type]


def test_a_mail_is_explained_from_a_file_and_from_standard_input(installation: Installation, tmp_path: Path) -> None:
    prepare(installation)
    file = tmp_path / "answer.eml"
    file.write_bytes(mail("TBS", Subject="Hello"))

    from_file = typed(installation, "mail", "explain", str(file))
    from_input = typed(installation, "mail", "explain", "-", input=file.read_bytes())

    assert from_file.exit_code == 0, from_file.output
    assert "line begins with the code TBS" in from_file.stdout
    assert from_file.stdout.splitlines()[-1] == "for staff: 0 possible requests"
    assert from_input.stdout == from_file.stdout
    as_json = json.loads(typed(installation, "mail", "explain", str(file), "--json").stdout)
    assert as_json["explanation"] == from_file.stdout.splitlines()


def test_an_empty_list_says_so(installation: Installation) -> None:
    assert typed(installation, "mail", "unmatched", "list").stdout == "no unmatched email\n"


async def test_a_mail_that_waits_is_shown_as_text_beside_what_it_may_be_about(
    house: MailHouse, installation: Installation
) -> None:
    request = await house.asked()
    await house.comes(mail("Hvor er Brønnøysund?", sender="ingrid@home.example", Subject=f"Om {request.number}"))
    (row,) = await house.waiting()

    shown = await asyncio.to_thread(typed, installation, "mail", "unmatched", "show", row.id)
    original = await asyncio.to_thread(typed, installation, "mail", "unmatched", "show", row.id, "--raw")
    as_json = await asyncio.to_thread(typed, installation, "mail", "unmatched", "show", row.id, "--json")
    listed = await asyncio.to_thread(typed, installation, "mail", "unmatched", "list", "--json")

    opened = json.loads(as_json.stdout)
    assert opened.items() >= json.loads(listed.stdout).items() >= {"id": row.id, "sender": row.sender}.items()
    assert opened["text"].strip() == "Hvor er Brønnøysund?"
    assert [candidate["number"] for candidate in opened["candidates"]] == [request.number]
    assert shown.stdout.endswith("\n\nHvor er Brønnøysund?\n")
    assert f"  possible request {request.number}: the email contains {request.number}\n" in shown.stdout
    assert "Content-Transfer-Encoding: 8bit" in original.stdout


async def test_a_mail_that_was_decided_about_is_shown_without_its_text(
    house: MailHouse, installation: Installation
) -> None:
    await house.comes(mail("Hvor er boka?", sender="ingrid@home.example", Subject="?"))
    (row,) = await house.waiting()
    await house.managed.libraries[LIBRARY].mails.dismiss_mail(row.id, "staff:ada")

    shown = await asyncio.to_thread(typed, installation, "mail", "unmatched", "show", row.id)

    assert "  decided:   staff:ada\n" in shown.stdout
    assert "boka" not in shown.stdout


def test_what_is_not_there_is_said(installation: Installation) -> None:
    box = typed(installation, "mail", "poll", "nowhere")
    row = typed(installation, "mail", "unmatched", "show", "nothing")
    request = typed(installation, "mail", "preview", "nothing")

    assert (box.exit_code, row.exit_code, request.exit_code) == (2, 2, 2)
    assert "mailbox not found: nowhere; mailboxes in gateway.yml: none" in box.stderr
    assert "email not found" in row.stderr
    assert "request not found" in request.stderr


def test_a_server_that_is_away_is_exit_code_4(installation: Installation) -> None:
    (installation.folder / "password").write_text("made-up")
    box = {
        "name": "ill",
        "host": "127.0.0.1",
        "port": 1,
        "security": "none",
        "user": "ill",
        "password": "file:password",
    }
    installation.change(mailboxes=[box])

    away = typed(installation, "mail", "test", "ill")

    assert away.exit_code == 4
    assert "mailbox ill at 127.0.0.1:1: " in away.stderr
    assert "made-up" not in away.stderr
