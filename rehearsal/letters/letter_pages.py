"""Letters and the pages behind their links, as a mail program and a browser show them to a person, and mails that are
written back.

It knows nothing of how the gateway writes either: a link is what it says and where it leads, a form is what can be
filled in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP
from email.policy import default as mail_policy
from email.utils import format_datetime, formataddr, make_msgid, parseaddr
from urllib.parse import urljoin

from lxml import etree, html

from gateway.domain.problems import MalformedMessage
from gateway.domain.value import value_object
from rehearsal.letters.letter_reader import FormFilling, LetterAsShown, MailToWrite

MIN_NUMBER_CHARS = 4

COPY = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>> endobj\n2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>> endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>> endobj\nxref\n0 4\n0000000000 65535 f \n"
    b"0000000009 00000 n \n0000000053 00000 n \n0000000103 00000 n \ntrailer<</Size 4/Root 1 0 R>>\n"
    b"startxref\n167\n%%EOF\n"
)
"""A copy that is attached: a PDF of one empty page."""

_ADDRESS_LINE = re.compile(r"https?://\S+")


@value_object
class VisitedPage:
    url: str = field(repr=False)
    status: int
    body: bytes = field(default=b"", repr=False)


@value_object
class FilledForm:
    """`fields`: as a browser sends them."""

    action: str = field(repr=False)
    fields: Mapping[str, str]


def read_letter(content: bytes) -> LetterAsShown:
    """`content`: a mail as it travels. Raises MalformedMessage for what no mail program can show."""
    try:
        mail = BytesParser(_class=EmailMessage, policy=mail_policy).parsebytes(content)
        plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
        text = str(plain.get_content()) if plain is not None else ""
        links = _find_rich_links(str(rich.get_content())) if rich is not None else _find_plain_links(text)
        subject, sender = str(mail["Subject"] or ""), str(mail["Reply-To"] or mail["From"] or "")
        id_, language = str(mail["Message-ID"] or "").strip(), str(mail["Content-Language"] or "")
    except (MessageError, LookupError, ValueError, etree.ParserError) as error:
        raise MalformedMessage("mail", "it can't be shown") from error
    return LetterAsShown(
        id=id_,
        number=_find_number(subject) or id_,
        subject=subject,
        sender=parseaddr(sender)[1],
        text=text,
        language=language,
        links=links,
    )


def _find_number(subject: str) -> str:
    """The word with the most digits; empty: there is none."""
    words = (word.strip(".,:;()[]") for word in subject.split())
    found = [word for word in words if len(word) >= MIN_NUMBER_CHARS and any(map(str.isdigit, word))]
    return max(found, key=lambda word: sum(map(str.isdigit, word)), default="")


def _find_rich_links(text: str) -> Mapping[str, str]:
    document = html.document_fromstring(text)
    return {
        _squeeze_text("".join(map(str, element.itertext()))): str(element.get("href"))
        for element in document.iterfind(".//a[@href]")
    }


def _find_plain_links(text: str) -> Mapping[str, str]:
    """An address on a line of its own, with what it is for on the one before."""
    plain_links: dict[str, str] = {}
    before = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if _ADDRESS_LINE.fullmatch(line):
            plain_links[before.rstrip(": ")] = line
        before = line
    return plain_links


def fill_form(page: VisitedPage, filling: FormFilling) -> FilledForm | None:
    """Fill in what a person would put into the form of a page. None: it has none."""
    forms = _parse_page(page).forms
    if not forms:
        return None
    form = forms[0]
    fields = {name: _fill_field(one, filling) for one in form.inputs if (name := one.get("name"))}
    return FilledForm(urljoin(page.url, str(form.get("action") or "")), fields)


def _fill_field(element: html.HtmlElement, filling: FormFilling) -> str:
    is_needed = element.get("required") is not None
    if isinstance(element, html.SelectElement):
        return _choose_option(element, filling.choose, is_needed)
    if isinstance(element, html.TextareaElement):
        return filling.words or ("See what we have agreed on." if is_needed else "")
    if element.get("type") == "date":
        due = filling.due or (filling.else_due if is_needed else None)
        return due.isoformat() if due is not None else ""
    return str(element.get("value") or "")


def _choose_option(list_: html.HtmlElement, wanted: str, is_needed: bool) -> str:
    """Choose an option by its value or by what it says; else the first that there is, where one is needed."""
    options = [(str(one.get("value")), _squeeze_text(one.text_content())) for one in list_.iterfind("option")]
    fitting = [value for value, words in options if wanted and wanted in (value, words)]
    return next(iter(fitting), next((value for value, _ in options if value), "") if is_needed else "")


def read_page_text(page: VisitedPage) -> str:
    """Read what a person reads on the page, in one line."""
    document = _parse_page(page)
    for hidden in document.xpath("//style|//script|//head"):
        hidden.drop_tree()
    return _squeeze_text(" ".join(document.itertext()))


def _parse_page(page: VisitedPage) -> html.HtmlElement:
    """Parse a page; what shows nothing is a page without anything on it."""
    parser = html.HTMLParser(encoding="utf-8")
    try:
        return html.document_fromstring(page.body, parser=parser)
    except etree.ParserError:
        return html.document_fromstring(b"<html></html>", parser=parser)


def _squeeze_text(text: str) -> str:
    return " ".join(text.split())


def compose_mail(written: MailToWrite) -> EmailMessage:
    """Compose a mail as a mail program makes it, with the letter that is answered below."""
    sender, letter = written.sender, written.answers
    mail = EmailMessage(policy=SMTP)
    mail["From"] = formataddr((sender.name, sender.email))
    mail["To"] = written.receiver
    mail["Subject"] = written.subject
    mail["Date"] = format_datetime(written.at)
    mail["Message-ID"] = make_msgid(domain=sender.email.rpartition("@")[2])
    text = f"{written.words.rstrip()}\n"
    if letter is not None:
        mail["In-Reply-To"] = mail["References"] = letter.id
        text += "\n" + "".join(f"> {line}\n" for line in letter.text.splitlines())
    mail.set_content(text)
    if written.copy_name:
        mail.add_attachment(COPY, maintype="application", subtype="pdf", filename=written.copy_name)
    return mail
