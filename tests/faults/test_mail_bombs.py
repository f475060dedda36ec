"""Mails that cost the reader far more than the sender: each takes time that grows with its size, no faster, and one
that takes too long is set aside with its reason while those behind it are read."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from adapters.artemail import password_line_pattern
from adapters.artemail.dialect import ArtemailDialect
from adapters.artemail.mail_format import ArtemailFormat
from adapters.letters.mail_format import PlainMailFormat
from adapters.mailbox import mime_limits
from adapters.mailbox.mime_parser import parse_mail
from adapters.mailbox.mime_text import conceal_secrets
from adapters.tagged_mail.mail_format import TaggedMailFormat
from gateway.domain.problems import MalformedMessage
from gateway.domain.profile import Profile
from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.ports.incoming_mail import MailFormat, SecretPatterns
from tests.support.daemon import Installation
from tests.support.forked_processes import ForkedProcess
from tests.support.mail_house import MailHouse, mail_house, mail_rows
from tests.support.processor_time import measure_processor_seconds
from tests.support.requests import START

SENDER = b"From: fjernlan@ub.bergen.example\r\nTo: ill@demo.example\r\n"
ORDERS = ArtemailDialect()
BERGEN = Profile(
    name="bergen",
    partner=PartnerPolicy(email="fjernlan@ub.bergen.example", channel="mail"),
    dialects={"artemail": ORDERS},
)
HIDDEN = SecretPatterns(words=("SESAM-0PEN-7",), patterns=(password_line_pattern(ORDERS),))
FORMATS: tuple[MailFormat, ...] = (ArtemailFormat(), TaggedMailFormat(), PlainMailFormat())

SMALL, FACTOR = 250_000, 4
UNMEASURED_SECONDS = 0.05
"""Less can't be told from what else the machine does."""


def in_field(name: str, unit: bytes) -> Callable[[int], bytes]:
    return lambda size: SENDER + name.encode() + b": " + unit * (size // len(unit)) + b"\r\n\r\nTBS\r\n"


def in_body(kind: str, unit: bytes, before: bytes = b"", after: bytes = b"") -> Callable[[int], bytes]:
    head = SENDER + f"Subject: Sult\r\nContent-Type: {kind}\r\n\r\n".encode()
    return lambda size: head + before + unit * (size // len(unit)) + after + b"\r\n"


def in_bounce(unit: bytes, before: bytes = b"") -> Callable[[int], bytes]:
    head = b"From: mailer-daemon@bergen.example\r\nSubject: Undelivered mail\r\nReturn-Path: <>\r\n\r\n"
    return lambda size: head + before + unit * (size // len(unit))


PLAIN, HTML = "text/plain; charset=utf-8", "text/html; charset=utf-8"
FLOWED = f"{PLAIN}; format=flowed"

BOMBS: dict[str, Callable[[int], bytes]] = {
    "encoded words": in_field("Subject", b"=?utf-8?q?=C3=A9?= "),
    "encoded words, folded": in_field("Subject", b"=?utf-8?b?w6k=?=\r\n "),
    "encoded words that never end": in_field("Subject", b"=?utf-8?q?"),
    "encoded names": in_field("To", b"=?utf-8?q?=C3=A9?= <a@b.example>, "),
    "one word in the subject": in_field("Subject", b"a"),
    "parameters": in_field("Content-Type", b"; a=b"),
    "format=flowed": in_body(FLOWED, b"Kj\xc3\xa6re kolleger, \r\n"),
    "format=flowed, delsp": in_body(f"{FLOWED}; delsp=yes", b"a \r\n"),
    "elements on one line": in_body(HTML, b"<b>a</b>"),
    "quotes in quotes": in_body(HTML, b"<blockquote>a"),
    "empty lines": in_body(PLAIN, b"\r\n"),
    "quoted empty lines": in_body(PLAIN, b">\n"),
    "a first line of an order": in_body(PLAIN, b"1", b"99-9999\nSESAM\nTX", b"! a"),
    "empty lines in a bounce": in_bounce(b"\n"),
    "one word in a bounce": in_bounce(b"a", b"550 5.1.1 "),
}

ORDINARY = in_body(PLAIN, b"Dear colleagues, could you lend us this book? Many thanks.\r\n")


def read_completely(content: bytes) -> None:
    """As `MailProcessor` does, before its transaction."""
    parsed = parse_mail(conceal_secrets(content, HIDDEN), START)
    for mail_format in FORMATS:
        try:
            mail_format.recognises(parsed.mail, BERGEN)
            mail_format.decode(parsed.mail, BERGEN)
        except MalformedMessage:
            continue


def seconds_to_read(content: bytes) -> float:
    return measure_processor_seconds(lambda: read_completely(content))


@pytest.mark.parametrize("name", BOMBS)
def test_reading_takes_time_by_the_size_and_not_by_its_square(name: str) -> None:
    small, large = (seconds_to_read(BOMBS[name](size)) for size in (SMALL, SMALL * FACTOR))

    assert large < 2 * FACTOR * max(small, UNMEASURED_SECONDS), f"{small:.3f} s, then {large:.3f} s"


@pytest.mark.parametrize("name", ["encoded words", "encoded words, folded", "format=flowed", "format=flowed, delsp"])
def test_a_megabyte_takes_about_as_long_as_one_of_an_ordinary_mail(name: str) -> None:
    assert seconds_to_read(BOMBS[name](1_000_000)) < 4 * seconds_to_read(ORDINARY(1_000_000))


# --- memory ----------------------------------------------------------------------------------------------

MOST = {4_000_000: 120_000_000, 30_000_000: 350_000_000}
"""Bytes that a mail of so many may take besides itself; 30 MB are the most that are read as shipped."""

COSTLY = ("signs of four bytes", "a page of signs of four bytes", "parts", "a secret in a text")
"""Those that took the most."""


def in_file(coding: str, content: bytes) -> Callable[[int], bytes]:
    """As most of a mail is that is large: a file, between a text and the end."""
    head = SENDER + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nTBS\r\n--b\r\n"
    head += f"Content-Type: application/pdf\r\nContent-Transfer-Encoding: {coding}\r\n\r\n".encode()
    return lambda size: head + content * (size // len(content)) + b"\r\n--b--\r\n"


LARGE: dict[str, Callable[[int], bytes]] = {
    "a file": in_file("base64", b"JVBERi0xLjcKJeLjz9MKMSAwIG9iago8PCAvVHlwZSAvQ2F0YWxvZyAvUGFnZXMgMiAwIFIgL0x\r\n"),
    "a file of bytes": in_file("8bit", b"\xe2\xe3\xcf\xd3\x00\x01" * 12 + b"\r\n"),
    "a file of signs": in_file("quoted-printable", b"=E2=E3=CF=D3" * 6 + b"=\r\n"),
    "lines of a letter": in_body(PLAIN, b"x\n"),
    "lines of 20 letters": in_body(PLAIN, b"abcdefghijklmnopqrs\n"),
    "signs of four bytes": in_body(PLAIN, "😀\n".encode()),
    "one line of signs of four bytes": in_body(PLAIN, "😀".encode()),
    "a page of signs of four bytes": in_body(HTML, "<p>😀é".encode()),
    "parts": in_body("multipart/mixed; boundary=b", b"--b\n\nx\n"),
    "mails": in_body("multipart/digest; boundary=b", b"--b\n\nA: x\n\nx\n"),
    "parts in parts": lambda size: nested_parts(size),
    "a secret in a file": in_file("base64", b"U0VTQU0tMFBFTi03IFNFU0FNLTBQRU4tNyBTRVNBTS0wUEVOLTcg\r\n"),
    "a secret in a text": in_body(f"{PLAIN}\r\nContent-Transfer-Encoding: quoted-printable", b"SESAM-0PEN-7 =C3=A9\n"),
}


def print_memory(name: str, size: int) -> None:
    """In a process of its own: how many bytes reading takes at most, besides the mail itself."""
    content = LARGE[name](size)
    before = read_memory()
    with contextlib.suppress(MalformedMessage):
        read_completely(content)
    sys.stdout.write(f"{read_memory(peak=True) - before}\n")
    sys.stdout.flush()


def read_memory(*, peak: bool = False) -> int:
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text("ascii").splitlines())
    return 1024 * int(fields["VmHWM" if peak else "VmRSS"].split()[0])


@pytest.mark.parametrize(
    ("name", "size"),
    [
        *((name, 4_000_000) for name in COSTLY),
        *(pytest.param(name, 30_000_000, marks=pytest.mark.long) for name in LARGE),
    ],
)
def test_reading_takes_a_few_times_the_memory_of_the_mail(name: str, size: int, tmp_path: Path) -> None:
    log = tmp_path / "memory"
    assert ForkedProcess(print_memory, (name, size), log).wait(300) == 0, log.read_text()

    assert int(log.read_text()) < MOST[size]


# --- the time of a mail is over --------------------------------------------------------------------------


def nested_parts(size: int) -> bytes:
    """Each line is compared with the boundaries of all parts around it."""
    parts = (f"--b{n}\r\nContent-Type: multipart/mixed; boundary=b{n + 1}\r\n\r\n".encode() for n in range(200))
    return SENDER + b"Content-Type: multipart/mixed; boundary=b0\r\n\r\n" + b"".join(parts) + b"x\r\n" * (size // 3)


@pytest.fixture
async def house(installation: Installation) -> AsyncIterator[MailHouse]:
    async with mail_house(installation) as opened:
        yield opened


async def test_a_mail_that_takes_too_long_is_set_aside_and_the_next_one_read(
    house: MailHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mime_limits, "SECONDS_PER_MAIL", 0.2)
    monkeypatch.setattr(mime_limits, "SECONDS_PER_MEGABYTE", 0.0)
    request = await house.asked()

    await house.comes(nested_parts(1_000_000), house.reply("TBS\n"))

    (aside, taken) = await mail_rows(house.store)
    assert aside == ("failed", "cannot be read: it takes more than 0.2 s to take apart")
    assert taken[0] == "done"
    assert (await house.show(request)).request.state.value == "will-supply"
    (row,) = await house.waiting()
    assert row.sender == "fjernlan@ub.bergen.example"
    assert house.mailbox.count("failed") == 1
    kept = (await house.managed.libraries["DEMO"].mails.show_mail(row.id)).content
    assert kept is not None
    assert kept.startswith(SENDER)


async def test_of_a_mail_in_which_passwords_cannot_be_looked_for_the_header_is_kept(
    house: MailHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mime_limits, "SECONDS_PER_MAIL", 0.2)
    monkeypatch.setattr(mime_limits, "SECONDS_PER_MEGABYTE", 0.0)
    processor = house.boxes.processor
    object.__setattr__(processor, "conceal", lambda content: conceal_secrets(content, HIDDEN))
    coded = nested_parts(1_000_000).replace(
        b"x\r\n", b"Content-Transfer-Encoding: base64\r\n\r\nU0VTQU0tMFBFTi03\r\n", 1
    )

    await house.comes(coded)

    assert await mail_rows(house.store) == [("failed", "cannot be read: it takes more than 0.2 s to take apart")]
    (row,) = await house.waiting()
    kept = (await house.managed.libraries["DEMO"].mails.show_mail(row.id)).content
    assert kept is not None
    assert kept.startswith(SENDER)
    assert b"U0VTQU0tMFBFTi03" not in kept
