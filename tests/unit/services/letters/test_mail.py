"""A letter as a mail: what a reader's program makes of it again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.problems import RefusalReason, Refused
from gateway.ports.library_system import LibraryInfo
from gateway.ports.outgoing_mail import LetterSender, RenderedLetter, build_mail
from gateway.settings import LibrarySettings

SENDER = LetterSender("ill@northfield.example", "Northfield ILL")
LETTER = RenderedLetter(
    to="fernleihe@seeberg.example",
    subject="Request 17: 江南藏書樓小史",
    text="Grüße aus Łódź\n",
    html='<html lang="de"><p>Grüße aus Łódź</p></html>\n',
    message_id="0198-17",
    at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
)

printable = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=200).map(
    lambda text: " ".join(text.split())
)


def read(letter: RenderedLetter = LETTER, sender: LetterSender = SENDER) -> EmailMessage:
    raw = build_mail(letter, sender).as_bytes()
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    found = message_from_bytes(raw, policy=default)
    assert isinstance(found, EmailMessage)
    return found


def content(part: EmailMessage | None) -> str:
    """Without caring how lines end on the wire."""
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_headers() -> None:
    mail = read(replace(LETTER, language="de", in_reply_to="first@seeberg.example"))

    assert mail["From"] == "Northfield ILL <ill@northfield.example>"
    assert mail["To"] == "fernleihe@seeberg.example"
    assert mail["Subject"] == LETTER.subject
    assert mail["Date"] == "Mon, 02 Mar 2026 09:30:00 +0000"
    assert mail["Message-ID"] == "<0198-17@northfield.example>"
    assert mail["In-Reply-To"] == mail["References"] == "<first@seeberg.example>"
    assert mail["Content-Language"] == "de"
    assert mail["Auto-Submitted"] is None
    assert mail["Reply-To"] is None


def test_a_notice_says_that_no_person_wrote_it() -> None:
    assert read(replace(LETTER, automatic=True))["Auto-Submitted"] == "auto-generated"


def test_text_comes_first_and_html_is_the_alternative() -> None:
    parts = list(read().iter_parts())

    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert [content(part) for part in parts] == [LETTER.text, LETTER.html]


def test_a_copy_goes_along() -> None:
    name = "Über die Flößerei auf der Weichsel, S. 112–139, und 江南藏書樓小史.pdf"

    (file,) = read(replace(LETTER, attachments=((name, "application/pdf", b"%PDF-1.7 \xff"),))).iter_attachments()

    assert file.get_filename() == name
    assert file.get_content_type() == "application/pdf"
    assert file.get_content() == b"%PDF-1.7 \xff"


@pytest.mark.parametrize("media_type", ["text/html", "message/rfc822", "nonsense"])
def test_a_file_that_is_no_plain_file_goes_as_bytes(media_type: str) -> None:
    (file,) = read(replace(LETTER, attachments=(("a", media_type, b"\xe4\r\nb"),))).iter_attachments()

    assert file.get_content_type() == "application/octet-stream"
    assert file.get_content() == b"\xe4\r\nb"


@pytest.mark.parametrize(
    ("text", "charset"), [("Grüße", "iso-8859-1"), ("Grüße aus Łódź", "utf-8"), ("Größe: 20 €", "utf-8")]
)
def test_a_letter_that_does_not_fit_its_character_set_goes_in_utf_8(text: str, charset: str) -> None:
    mail = read(replace(LETTER, text=f"{text}\n", html="", charset="iso-8859-1"))

    assert mail.get_content_charset() == charset
    assert content(mail) == f"{text}\n"


@given(printable, printable)
def test_subject_and_text_come_through_in_any_script(subject: str, text: str) -> None:
    mail = read(replace(LETTER, subject=subject, text=f"{text}\n"))

    assert str(mail["Subject"]).split() == subject.split()
    assert content(mail.get_body(("plain",))) == f"{text}\n"


@pytest.mark.parametrize("breaking", ["a\r\nBcc: x@y.example", "a\nb", "a\x00b"])
def test_no_text_begins_a_header_of_its_own(breaking: str) -> None:
    mail = read(replace(LETTER, subject=breaking, message_id=breaking), LetterSender("a@b.example", breaking))

    assert mail["Bcc"] is None
    assert mail["To"] == LETTER.to


@pytest.mark.parametrize(
    "address", ["nobody", "a@b@c", "a b@c.example", "<a@b.example>", "a@b.example,c@d.example", "zoë@x.example"]
)
def test_what_is_no_address_is_refused_without_being_told(address: str) -> None:
    with pytest.raises(Refused) as caught:
        build_mail(replace(LETTER, to=address), SENDER)

    assert caught.value.reason is RefusalReason.INVALID_VALUE
    assert address not in str(caught.value)


def test_a_letter_to_nobody_is_refused() -> None:
    with pytest.raises(Refused, match="without the recipient's address"):
        build_mail(replace(LETTER, to=""), SENDER)


def test_a_domain_in_other_letters_is_written_as_dns_has_it() -> None:
    assert read(replace(LETTER, to="ill@bücherei.example"))["To"] == "ill@xn--bcherei-n2a.example"


def test_what_the_installation_does_not_say_is_the_librarys() -> None:
    library = LibraryInfo("NO-01", "Northfield", email="desk@northfield.example")

    assert LetterSender("a@b.example").fill_from_library(library) == LetterSender(
        "a@b.example", "Northfield", "desk@northfield.example"
    )
    assert LetterSender("a@b.example", "N", "r@b.example").fill_from_library(library) == LetterSender(
        "a@b.example", "N", "r@b.example"
    )


def test_what_a_library_says_of_its_letters_comes_before_what_the_installation_says() -> None:
    library = LibrarySettings(
        symbol="NO-01",
        name="Northfield",
        email="desk@northfield.example",
        sender="ill@northfield.example",
        sender_name="Fjernlån",
        reply_to="svar@northfield.example",
    )

    assert LetterSender("a@b.example", "N", "r@b.example").fill_from_library(library.info) == LetterSender(
        "ill@northfield.example", "Fjernlån", "svar@northfield.example"
    )
