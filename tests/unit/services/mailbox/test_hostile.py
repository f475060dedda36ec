"""Mails as mail programs really make them (folder hostile/): each is understood, or set aside with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.letters.mail_format import PlainMailFormat
from adapters.mailbox.mime_parser import parse_mail
from gateway.domain.problems import MalformedMessage
from gateway.domain.profile import Profile
from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.domain.requests.views import RequestFilter
from gateway.services.mailbox.mail_reader import MailDestination, read_mail
from tests.support.mail_house import MailHouse, mail_rows
from tests.support.requests import START

FOLDER = Path(__file__).parent / "hostile"

TBS = "will-supply"
NOTED = "requested"

UNDERSTOOD = {
    "quoted-below": TBS,
    "quoted-above": TBS,
    "outlook-original": TBS,
    "introduced-quote": TBS,
    "signature-with-code": TBS,
    "html-only": TBS,
    "html-quoted": TBS,
    "html-broken": TBS,
    "html-deep": TBS,
    "html-empty": NOTED,
    "alternative-both": TBS,
    "soft-break-in-code": TBS,
    "qp-broken": TBS,
    "base64-body": TBS,
    "base64-no-padding": TBS,
    "base64-breaks-off": TBS,
    "base64-with-footer": TBS,
    "latin1-as-utf8": TBS,
    "cp1252-as-utf8": TBS,
    "cp1252-as-latin1": TBS,
    "utf8-as-ascii": TBS,
    "charset-unknown": TBS,
    "charset-is-a-codec": TBS,
    "utf16-body": TBS,
    "koi8-body": TBS,
    "flowed": NOTED,
    "mac-line-ends": TBS,
    "nul-bytes": TBS,
    "no-message-id": TBS,
    "no-subject": TBS,
    "sender-in-capitals": TBS,
    "raw-8bit-header": TBS,
    "encoded-word-broken": TBS,
    "folded-subject": TBS,
    "boundary-missing": NOTED,
    "boundary-never-ends": TBS,
    "too-deep": TBS,
    "several-replies": TBS,
    "contradicting": NOTED,
    "absence": NOTED,
    "bounce-without-standard": "requested",  # of the next supplier
    "file-name-with-folder": NOTED,
    "mail-in-mail": NOTED,
    "long-line": TBS,
    "rtl-and-invisible": NOTED,
}

SET_ASIDE = {
    "no-sender": ("unknown", "unknown sender"),
    "sender-is-no-address": ("unknown", "unknown sender"),
    "sender-in-name": ("unknown", "unknown sender"),
    "empty": ("failed", "cannot be read: header: there is no header"),
    "only-blank-lines": ("failed", "cannot be read: header: there is no header"),
    "binary-rubbish": ("failed", "cannot be read: header: there is no header"),
    "too-many-parts": ("failed", "cannot be read: more than 300 parts"),
}


def test_every_mail_of_the_folder_has_its_test() -> None:
    files = {path.stem for path in FOLDER.glob("*.eml")}
    assert files == set(UNDERSTOOD) | set(SET_ASIDE)
    assert len(files) >= 40


async def filled(house: MailHouse, name: str) -> bytes:
    """The mail of the folder, as an answer to a request of ours."""
    other = await house.asked()
    request = await house.asked()
    words = {
        b"@REF@": request.attempts[0].transaction,
        b"@OTHER@": other.attempts[0].transaction,
        b"@ID@": str(house.last_sent["Message-ID"]),
    }
    content = (FOLDER / f"{name}.eml").read_bytes()
    for word, value in words.items():
        content = content.replace(word, value.encode())
    await house.comes(content)
    return content


@pytest.mark.parametrize("name", UNDERSTOOD)
async def test_it_is_understood(house: MailHouse, name: str) -> None:
    await filled(house, name)

    ((outcome, reason),) = await mail_rows(house.store)
    page = await house.managed.libraries["DEMO"].requests.list_requests(RequestFilter(), 10, "")
    states = {one.number: one.state.value for one in page}
    assert outcome == "done", reason
    assert states[max(states)] == UNDERSTOOD[name], reason
    assert await house.waiting() == ()


@pytest.mark.parametrize("name", SET_ASIDE)
async def test_it_is_set_aside_with_a_reason_and_kept(house: MailHouse, name: str) -> None:
    content = await filled(house, name)

    assert await mail_rows(house.store) == [SET_ASIDE[name]]
    (row,) = await house.waiting()
    assert (await house.managed.libraries["DEMO"].mails.show_mail(row.id)).content == content
    assert house.mailbox.count(SET_ASIDE[name][0]) == 1


# --- whatever comes --------------------------------------------------------------------------------------

BERGEN = Profile(name="bergen", partner=PartnerPolicy(email="fjernlan@ub.bergen.example", channel="mail"))
HEADER = b"From: fjernlan@ub.bergen.example\r\nSubject: x\r\n"
LINES = st.sampled_from(
    [
        b"TBS", b"N/A", b"> O/L", b"-- ", b"--b", b"--b--", b"", b"Content-Type: text/plain; charset=utf-7",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b", b"Action: failed", b"Status: 5.x",
        b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: quoted-printable", b"=?utf-8?b?=",
        b"\xff\xfe", b"Content-Type: text/html", b"<p>&#0;<script>", b"Content-Type: message/rfc822", b"Message-ID: <>",
        b"Content-Disposition: attachment; filename*=x'y'%zz", b"Auto-Submitted: ;", b"From: <<>>@", b"To: a:b;,",
    ]
)  # fmt: skip


@settings(max_examples=400)
@given(st.one_of(st.binary(max_size=2000), st.lists(LINES, max_size=40).map(b"\r\n".join)), st.booleans())
def test_no_body_breaks_the_reading(body: bytes, with_header: bool) -> None:
    content = (HEADER if with_header else b"") + body
    try:
        parsed = parse_mail(content, START)
    except MalformedMessage:
        return  # set aside, as its reason says
    reading = read_mail(parsed, [BERGEN], {"letters": PlainMailFormat()}, MailDestination("DEMO"))
    decided = parsed.bounce is not None or reading.problem or reading.understood.events
    assert decided or parsed.automatic.value == "replied"
    assert "\x00" not in parsed.mail.text
