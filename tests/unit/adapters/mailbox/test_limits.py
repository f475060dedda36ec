"""What taking a mail apart is limited to, and encoded words read without the standard library's function."""

from __future__ import annotations

import base64
import time

import pytest

from adapters.mailbox import mime_limits, mime_parts
from adapters.mailbox.mime_limits import MAX_FIELD_CHARS, MAX_FIELDS, MAX_PART_FIELD_CHARS, ParseBudget, parse_message
from adapters.mailbox.mime_parser import parse_mail
from adapters.mailbox.mime_text import conceal_secrets, decode_header_text, text_of_html, unwrap_flowed_text
from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.ports.incoming_mail import MAX_HEADER_BYTES, SecretPatterns, take_header
from tests.support.requests import START

SENDER = b"From: rl@tartu.example\r\n"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("Sult", "Sult"),
        ("=?utf-8?q?S=C3=B8lv?=", "Sølv"),
        ("=?UTF-8?B?U8O4bHY=?= og =?utf-8?q?gull?=", "Sølv og gull"),
        ("=?utf-8?q?Kj=C3=A6re?= =?utf-8?q?_venner?=", "Kjære venner"),  # the blank between words doesn't count
        ("=?utf-8?q?Kj=C3?=\r\n =?utf-8?q?=A6re?=", "Kjære"),  # a letter divided between two
        ("=?iso-8859-1?q?=C6r?= =?utf-8?q?=C3=A6r?=", "Æræ" + "r"),
        ("=?utf-8*nb?q?S=C3=B8lv?=", "Sølv"),  # RFC 2231 section 5
        ("=?utf-8?q?Hva_n=C3=A5?_?=", "Hva nå?"),  # a question mark that should have been coded
        ("=?utf-8?b?U8O4bHY?=", "Sølv"),  # without its padding
        ("=?utf-8?b?U?= Sult =?utf-8?q?=C3=B8?=", "=?utf-8?b?U?= Sult ø"),  # only the broken word stays
        ("=?utf-8?q?S=C3=B8lv", "=?utf-8?q?S=C3=B8lv"),
        ("1 =? 2 ?= 3", "1 =? 2 ?= 3"),
        ("Sult\r\n\tog gull", "Sult og gull"),
        (b"S\xc3\xb8lv".decode("ascii", "surrogateescape"), "Sølv"),
    ],
)
def test_a_field_is_read(field: str, text: str) -> None:
    assert decode_header_text(field) == text


@pytest.mark.parametrize(
    ("written", "deletes_space", "read"),
    [
        ("Kjære \nkolleger\nTBS", False, "Kjære kolleger\nTBS"),
        ("Fjern \nlån", True, "Fjernlån"),
        ("> sitert \n> tekst \nsvar", False, "> sitert \n> tekst \nsvar"),
        ("svar \n> sitert", False, "svar \n> sitert"),
        ("-- \nBergen", False, "-- \nBergen"),
        (" >ikke sitert", False, " >ikke sitert"),
        ("slutt ", False, "slutt "),
    ],
)
def test_flowed_text_is_unwrapped(written: str, deletes_space: bool, read: str) -> None:
    assert unwrap_flowed_text(written, deletes_space) == read


def test_a_field_is_cut_before_it_is_unfolded() -> None:
    content = SENDER + b"X-Long:" + b" " + b"a" * 60_000 + b"\r\n " * 2 + b"b" * 60_000 + b"\r\n\r\nTBS\r\n"

    field = str(parse_message(content, ParseBudget(len(content)))["X-Long"])

    assert MAX_FIELD_CHARS - 20 < len(field) <= MAX_FIELD_CHARS
    assert "b" in field


def test_fields_of_parts_are_cut_sooner() -> None:
    content = SENDER + b"Content-Type: text/plain" + b"; a=b" * 10_000 + b"\r\n\r\nTBS\r\n"

    assert len(str(parse_message(content, ParseBudget(len(content)))["Content-Type"])) <= MAX_PART_FIELD_CHARS
    assert parse_mail(content, START).mail.text == "TBS\n"


def test_too_many_fields_are_refused_wherever_they_stand() -> None:
    parts = b"--b\r\n" + b"X-A: 1\r\n" * (MAX_FIELDS // 2) + b"\r\nTBS\r\n"
    content = SENDER + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts * 2

    with pytest.raises(MalformedMessage, match=f"header: more than {MAX_FIELDS} fields") as raised:
        parse_mail(content, START)
    assert raised.value.fault is MalformationKind.TOO_LARGE


@pytest.mark.parametrize(
    ("limit", "body"),
    [
        ("MAX_LINES", b"\r\n" + b"x\r\n" * 120),
        ("MAX_PARTS", b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 120),
    ],
)
def test_what_takes_an_object_each_has_a_limit(monkeypatch: pytest.MonkeyPatch, limit: str, body: bytes) -> None:
    parse_mail(SENDER + body, START)
    monkeypatch.setattr(mime_limits, limit, 100)

    with pytest.raises(MalformedMessage, match="more than 100 ") as raised:
        parse_mail(SENDER + body, START)
    assert raised.value.fault is MalformationKind.TOO_LARGE


def test_the_time_grows_with_the_size_and_is_the_processors() -> None:
    now = 0.0
    budget = ParseBudget(8_000_000, lambda: now)
    now = mime_limits.SECONDS_PER_MAIL + 8 * mime_limits.SECONDS_PER_MEGABYTE
    budget.check_time()

    now += 0.01
    with pytest.raises(MalformedMessage, match="it takes more than 7 s to take apart"):
        budget.check_time()


def test_coded_parts_that_take_too_long_are_not_passed_as_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mime_limits, "SECONDS_PER_MAIL", -1.0)
    content = SENDER + b"Content-Transfer-Encoding: base64\r\n\r\nU0VTQU0tMFBFTi03\r\n"

    with pytest.raises(MalformedMessage, match="to take apart"):
        conceal_secrets(content, SecretPatterns(words=("SESAM-0PEN-7",)))


def test_of_a_servers_words_only_a_beginning_is_kept_and_no_address() -> None:
    words = b"550 5.1.1 " + b"kari.nordmann@ub.bergen.example " * 100_000
    content = b"From: mailer-daemon@bergen.example\r\nSubject: Undelivered mail\r\nReturn-Path: <>\r\n\r\n" + words

    bounce = parse_mail(content, START).bounce

    assert bounce is not None
    assert bounce.why.startswith("550 5.1.1 … …")
    assert "kari" not in bounce.why


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b"\r\r"])
def test_a_header_is_taken_without_its_body(end: bytes) -> None:
    assert take_header(b"From: a@b.example" + end + b"TBS") == b"From: a@b.example" + end
    assert len(take_header(b"X: " + b"a" * 1_000_000)) == MAX_HEADER_BYTES


@pytest.mark.parametrize("charset", ["utf-8", "utf-16-le", "utf-16", "gb18030", "shift_jis", "iso2022_jp"])
@pytest.mark.parametrize("line_end", ["\n", ""])
def test_a_long_text_is_read_wherever_it_is_cut(monkeypatch: pytest.MonkeyPatch, charset: str, line_end: str) -> None:
    """A character that is cut in two made all of the text one of another character set."""
    monkeypatch.setattr(mime_parts, "MAX_TEXT_CHARS", 5_000)
    line = ("図書館" if charset in ("shift_jis", "iso2022_jp") else "ä図😀") + line_end
    for before in ("", "x", "xx", "xxx"):
        text = before + line * (mime_parts.MAX_TEXT_CHARS * 5 // len(line.encode(charset)))
        head = f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode()

        mail = parse_mail(SENDER + head + base64.b64encode(text.encode(charset)), START).mail

        assert 1_000 < len(mail.text) <= mime_parts.MAX_TEXT_CHARS
        assert text.startswith(mail.text)


def test_what_nobody_looks_at_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mime_parts, "MAX_TEXT_CHARS", 5_000)
    head = SENDER + b"Content-Type: text/plain; charset=us-ascii\r\n\r\n"

    assert parse_mail(head + b"a" * 1_000 + "é".encode(), START).repaired
    assert parse_mail(head + b"a" * 20_000 + "é".encode(), START).repaired == ()


LONG = "a" * 5_000


@pytest.mark.parametrize(
    "page",
    [
        f"<p>Kjære</p><img alt='>' src='data:image/png;base64,{LONG}'><p>kolleger</p>",
        f'<p>Kjære</p><img src = "data:,{LONG}>" alt="a"/><p>kolleger</p>',
        f"<p>Kjære</p><!-- <b {LONG} --><p>kolleger</p>",
        f"<p>Kjære</p><!-- - -- <b {LONG}> x --><p>kolleger</p>",
        f"<p title='a'b'>Kjære</p><p {LONG}>kolleger</p>",
        f"<p {LONG} title='a' it's>Kjære</p><p>kolleger</p>",
    ],
)
def test_what_stands_around_a_long_tag_is_read(page: str) -> None:
    assert text_of_html(f"<html><body>{page}</body></html>").split() == ["Kjære", "kolleger"]


@pytest.mark.parametrize(
    "tag",
    [
        "<p " + " ".join(f"a{n}" for n in range(30_000)) + ">TBS",
        "<p " + " ".join(f"a{n}='>'" for n in range(30_000)) + ">TBS",
        "<p " + " ".join(f"<a{n}" for n in range(20_000)) + ">TBS",
        "<p/" + "/".join(f"a{n}" for n in range(30_000)) + ">TBS",
        "<!-- " * 30_000 + "-->TBS",
        "<a b='" * 20_000 + '<a b="' * 20_000,
        "<a =" * 40_000,
    ],
    ids=lambda tag: tag[:16],
)
def test_attributes_without_end_take_no_time(tag: str) -> None:
    began = time.process_time()
    text_of_html(tag)
    assert time.process_time() - began < 1
