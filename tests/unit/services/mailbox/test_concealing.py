"""Passwords in mails are made unreadable, however a part is coded; everything else stays as it came."""

from __future__ import annotations

import base64
import quopri
from datetime import date
from email import message_from_bytes
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.artemail import password_line_pattern
from adapters.artemail.dialect import ArtemailDialect
from adapters.iso_ill import mail_format_adapter
from adapters.iso_ill.codec import encode_apdu
from adapters.iso_ill.messages import StatusQuery
from adapters.iso_ill.messages.structures import Extension, Moment, ServiceDateTime, ShownCredentials, TransactionId
from adapters.mailbox.mime_text import conceal_secrets
from gateway.ports.incoming_mail import SecretPatterns

HOSTILE = sorted((Path(__file__).parent / "hostile").glob("*.eml"))

SECRET = "SESAM-0PEN-7"
ORDER = f"99-9999\n{SECRET}\n\n\n\nTXDEMO-2026-000417 S LOAN\nŻegluga\n\n\n\nNNNN\n"
HIDDEN = SecretPatterns(words=(SECRET,))
WHERE = SecretPatterns(patterns=(password_line_pattern(ArtemailDialect()),))


def coded(text: str, how: str, kind: str = "text/plain") -> bytes:
    body = {"7bit": str.encode, "base64": _base64, "quoted-printable": lambda t: quopri.encodestring(t.encode())}[how]
    head = f"From: a@art.example\r\nSubject: FILEREFNO F000017\r\nContent-Type: {kind}; charset=utf-8\r\n"
    return f"{head}Content-Transfer-Encoding: {how}\r\n\r\n".encode() + body(text)


def _base64(text: str) -> bytes:
    return base64.encodebytes(text.encode())


def readable(content: bytes) -> str:
    """All that anybody could read in it."""
    whole = content.decode()
    body = content.partition(b"\r\n\r\n")[2] or content.partition(b"\n\n")[2]
    try:
        decoded = base64.b64decode(body, validate=False).decode("utf-8", "replace")
    except ValueError:
        decoded = ""
    return whole + quopri.decodestring(body).decode("utf-8", "replace") + decoded


@pytest.mark.parametrize("hidden", [HIDDEN, WHERE], ids=["by its word", "by its place"])
@pytest.mark.parametrize("how", ["7bit", "base64", "quoted-printable"])
@pytest.mark.parametrize("mark", ["", "> ", "> > "])
def test_a_password_in_a_quoted_order_is_hidden(hidden: SecretPatterns, how: str, mark: str) -> None:
    quoted = "Your file was rejected\n" + "".join(f"{mark}{line}\n" for line in ORDER.splitlines())

    found = readable(conceal_secrets(coded(quoted, how), hidden))

    assert SECRET not in found
    assert "********" in found
    assert "TXDEMO-2026-000417 S LOAN" in found


@pytest.mark.parametrize("mark", ["", "> "])
def test_a_password_above_the_address_of_the_whole_file_is_hidden(mark: str) -> None:
    dialect = ArtemailDialect.model_validate({"layout": {"file_address": ":DELIVER ALL TO:"}})
    to_all = ORDER.replace("\n\n\n\nTX", "\n\n\n\n:DELIVER ALL TO:\n東京の図書館\nTX", 1)
    content = coded("".join(f"{mark}{line}\n" for line in to_all.splitlines()), "base64")

    found = readable(conceal_secrets(content, SecretPatterns(patterns=(password_line_pattern(dialect),))))

    assert SECRET not in found
    assert "東京の図書館" in found


def test_in_html_as_well() -> None:
    page = f"<p>99-9999<br>{SECRET}<br><br>TXDEMO-2026-000417</p>"

    assert readable(conceal_secrets(coded(page, "base64", "text/html"), HIDDEN)).count(SECRET) == 0


def test_a_short_password_is_not_looked_for_within_words() -> None:
    content = coded("2026\nDEMO-2026-000417 NOT\n30-04-2026\n", "7bit")

    assert conceal_secrets(content, SecretPatterns(words=("2026",))) == content.replace(
        b"\r\n\r\n2026\n", b"\r\n\r\n********\n"
    )


@pytest.mark.parametrize("file", HOSTILE, ids=[file.stem for file in HOSTILE])
def test_hostile_mails_come_back_byte_for_byte(file: Path) -> None:
    content = file.read_bytes()

    assert conceal_secrets(content, SecretPatterns(words=(SECRET,), patterns=WHERE.patterns)) == content


APDU = encode_apdu(
    StatusQuery(
        protocol_version=2,
        transaction_id=TransactionId(group_qualifier="2026-4", qualifier="1"),
        service_date_time=ServiceDateTime(this=Moment(day=date(2026, 3, 2))),
        extensions=(Extension.from_item(ShownCredentials("100-222", SECRET)),),
    )
)


@pytest.mark.parametrize("how", ["base64", "8bit"])
@pytest.mark.parametrize("kind", ["application/ISO-10161-ILL-1", 'application/octet-stream; name="Apdu.BER"'])
def test_in_messages_of_iso_ill_as_well(how: str, kind: str) -> None:
    assert mail_format_adapter.part_concealer is not None
    hidden = SecretPatterns(parts=(mail_format_adapter.part_concealer,))
    payload = {"base64": base64.encodebytes, "8bit": bytes}[how](APDU)
    head = f"From: ill@fjordby.example\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {how}\r\n\r\n"

    kept = message_from_bytes(conceal_secrets(head.encode() + payload, hidden))

    assert kept.get_payload(decode=True) == APDU.replace(SECRET.encode(), b"*" * len(SECRET))
    without = head.encode() + payload[:8]
    assert conceal_secrets(without, hidden) == without


@given(st.binary(max_size=400))
def test_whatever_comes_is_never_too_much(body: bytes) -> None:
    content = b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n" + body

    assert SECRET.encode() not in conceal_secrets(content, HIDDEN)
