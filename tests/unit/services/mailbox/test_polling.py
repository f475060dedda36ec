"""Nothing is read twice or skipped, whatever breaks between the steps; one bad mail holds up no other."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.letters.mail_format import PlainMailFormat
from demo.world import COPY
from gateway.domain.problems import Unavailable
from gateway.domain.profile import Profile
from gateway.ports.incoming_mail import IncomingMail, MailInterpretation
from gateway.services.mailbox.mail_application import MailApplication
from gateway.services.mailbox.mail_records import MailboxInfo
from gateway.store import mailbox
from gateway.store.mailbox import MailOutcome, MailPosition
from tests.support.mail_house import LIBRARY, MailHouse, mail, mail_rows
from tests.support.profile_sets import make_profile_set


async def notes(house: MailHouse, request_id: str) -> list[str]:
    shown = await house.managed.libraries[LIBRARY].requests.load_view(request_id)
    return [note.text for note in shown.request.notes]


@pytest.mark.parametrize("call", ["look", "fetch", "move"])
async def test_a_connection_that_goes_is_repaired_by_the_next_round(house: MailHouse, call: str) -> None:
    request = await house.asked()
    house.mailbox.breaks.append(call)

    with pytest.raises(Unavailable):
        await house.comes(house.reply("One"), house.reply("Two"))
    polled = await house.poll()

    assert await notes(house, request.id) == ["One", "Two"]
    assert house.mailbox.count("done") == 2
    assert polled.again == (2 if call == "move" else 0)


async def test_a_folder_that_is_numbered_anew_is_read_once(house: MailHouse) -> None:
    request = await house.asked()
    stays = house.another_poller(folders=dict.fromkeys(MailOutcome, ""))
    house.mailbox.deliver(house.reply("One"), house.reply("Two"))
    await stays.poll_mails(house.mailbox)

    house.mailbox.marked.clear()
    house.mailbox.made_anew()
    await house.comes(house.reply("Three"))

    assert await notes(house, request.id) == ["One", "Two", "Three"]
    assert house.mailbox.count("INBOX") == 0


async def test_two_nodes_at_once_take_a_mail_once(house: MailHouse) -> None:
    request = await house.asked()
    answer = house.reply("One")
    spot = MailPosition(LIBRARY, "ill", 7, 1)

    outcomes = [await house.boxes.processor.process(house.poller.box, spot, answer) for _ in range(2)]

    assert outcomes == [MailOutcome.DONE, MailOutcome.DONE]
    assert await notes(house, request.id) == ["One"]
    assert len(await mail_rows(house.store)) == 1


async def test_two_rounds_at_once_in_one_process_take_each_mail_once(house: MailHouse) -> None:
    """Staff read the mailbox at once while it is being read, or press the button twice."""
    request = await house.asked()
    house.mailbox.deliver(house.reply("One"), house.reply("Two"))

    polled = await asyncio.gather(house.poller.poll_if_leader(), house.poller.poll_if_leader())

    assert sorted((one.count, one.again) for one in polled if one is not None) == [(0, 0), (2, 0)]
    assert await notes(house, request.id) == ["One", "Two"]
    assert house.mailbox.count("done") == 2


async def test_a_defect_of_a_format_sets_one_mail_aside(house: MailHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    request = await house.asked()
    decode = PlainMailFormat.decode

    def broken(format_: PlainMailFormat, incoming: IncomingMail, profile: Profile) -> MailInterpretation:
        if "One" in incoming.text:
            raise ZeroDivisionError
        return decode(format_, incoming, profile)

    monkeypatch.setattr(PlainMailFormat, "decode", broken)

    await house.comes(house.reply("One"), house.reply("Two"))

    assert await notes(house, request.id) == ["Two"]
    (row,) = await house.waiting()
    assert row.reason.startswith("internal error: ZeroDivisionError broken:")


async def test_a_defect_of_ours_sets_one_mail_aside_and_changes_nothing(
    house: MailHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await house.asked()
    real = MailApplication.apply_events

    def broken(hand: MailApplication, *more: object) -> object:
        applied = real(hand, *more)  # type: ignore[arg-type]
        if "One" in hand.mail.text:
            raise ZeroDivisionError("with words of the mail")
        return applied

    monkeypatch.setattr(MailApplication, "apply_events", broken)
    await house.comes(house.reply("One"), house.reply("Two"))

    assert await notes(house, request.id) == ["Two"]
    (row,) = await house.waiting()
    assert row.reason.startswith("internal error: ZeroDivisionError broken:")
    assert "words of the mail" not in row.reason


async def test_no_more_is_in_memory_than_the_limit_says(house: MailHouse) -> None:
    await house.asked()
    house.mailbox.deliver(*(house.reply(f"{n} " + "x" * 3000) for n in range(20)))

    polled = await house.another_poller(max_bytes=10_000).poll_mails(house.mailbox)

    assert polled.taken[MailOutcome.DONE] == 20
    assert house.mailbox.most_at_once <= 10_000


async def test_mails_are_forgotten_on_schedule_but_not_those_that_wait(house: MailHouse) -> None:
    await house.asked()
    await house.comes(house.reply("One"), mail("Who am I?", sender="who@elsewhere.example"))
    later = house.managed.contexts[LIBRARY].now() + timedelta(days=1)

    gone = await house.store.write(lambda c: mailbox.prune_mails(c, later, 100))

    assert gone == 1
    assert [row.sender for row in await house.waiting()] == ["who@elsewhere.example"]


# --- the sender ------------------------------------------------------------------------------------------

PASSED = (
    "mx.demo.example; spf=pass smtp.mailfrom=x@ub.bergen.example; "
    "dkim=pass header.d=bergen.example; dmarc=pass header.from=ub.bergen.example"
)


@pytest.mark.parametrize(
    ("results", "trusted"),
    [
        (PASSED, True),
        (PASSED.replace("mx.demo.example", "mx.liar.example"), False),
        (PASSED.replace("dmarc=pass", "dmarc=fail"), False),
        (PASSED.replace("header.d=bergen.example", "header.d=liar.example"), False),
        (PASSED.replace("spf=pass smtp", "spf=fail (said spf=pass) smtp"), False),
        ("", False),
    ],
)
async def test_what_the_profile_requires_must_have_been_found_right(
    house: MailHouse, results: str, trusted: bool
) -> None:
    request = await house.asked()
    profile = house.managed.contexts[LIBRARY].profile("bergen")
    assert profile is not None
    assert profile.partner is not None
    partner = profile.partner.model_copy(
        update={"mail": profile.partner.mail.model_copy(update={"require": ("spf", "dkim", "dmarc")})}
    )
    strict = profile.model_copy(update={"partner": partner})
    processor = replace(house.boxes.processor, profiles=lambda: make_profile_set(strict))
    box = MailboxInfo(name="ill", library=LIBRARY, authserv_id="mx.demo.example")
    headers = {"Authentication_Results": results} if results else {}

    outcome = await processor.process(box, MailPosition(LIBRARY, "ill", 7, 1), house.reply("One", **headers))

    assert (outcome is MailOutcome.DONE) is trusted
    assert (await notes(house, request.id) == ["One"]) is trusted
    if not trusted:
        assert [row.reason.partition(":")[0] for row in await house.waiting()] == ["the sender may be forged"]


# --- files -----------------------------------------------------------------------------------------------


def scanner(folder: Path, code: int) -> tuple[str, ...]:
    script = folder / "scan.py"
    script.write_text(f"import sys\ndata = sys.stdin.buffer.read()\nsys.exit({code} if b'EICAR' in data else 0)\n")
    return (sys.executable, str(script))


def with_file(house: MailHouse, content: bytes) -> bytes:
    return (
        house.reply("A file")
        .replace(b"Content-Type: text/plain", b"Content-Type: multipart/mixed; boundary=b\r\nX-Was: text/plain")
        .replace(
            b"\r\n\r\nA file",
            b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nA file\r\n--b\r\nContent-Type: application/pdf\r\n"
            b"Content-Disposition: attachment; filename=a.pdf\r\n\r\n" + COPY + b"% " + content + b"\r\n--b--",
        )
    )


async def test_an_infected_file_is_set_aside(house: MailHouse, tmp_path: Path) -> None:
    request = await house.asked()
    house.take_files(scan_command=scanner(tmp_path, 1))

    polled = await house.comes(with_file(house, b"EICAR"), with_file(house, b"clean"))

    assert polled.taken == {MailOutcome.DONE: 1, MailOutcome.UNKNOWN: 0, MailOutcome.FAILED: 1}
    assert [row.reason for row in await house.waiting()] == ["the virus scanner reported it"]
    assert len((await house.show(request)).request.attachments) == 1


async def test_a_scanner_that_can_not_tell_lets_the_mail_wait(house: MailHouse, tmp_path: Path) -> None:
    await house.asked()
    house.take_files(scan_command=scanner(tmp_path, 2))

    with pytest.raises(Unavailable, match="exited with code 2"):
        await house.comes(with_file(house, b"EICAR"))

    assert house.mailbox.count("INBOX") == 1
    assert await mail_rows(house.store) == []
