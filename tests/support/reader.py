"""Somebody who reads letters, opens their links and presses buttons, as a browser does it: without scripts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import urljoin

import aiohttp
from lxml import html


@dataclass(frozen=True)
class Page:
    """What a browser shows."""

    status: int
    url: str
    text: str
    headers: Mapping[str, str]

    @property
    def document(self) -> html.HtmlElement:
        return html.document_fromstring(self.text)

    @property
    def title(self) -> str:
        return str(self.document.findtext(".//h1"))

    @property
    def fields(self) -> dict[str, str]:
        """Of its form, as they stand there; none: there is no form, or nothing to fill in."""
        forms = self.document.forms
        return {name: value or "" for name, value in forms[0].fields.items()} if forms else {}


def links(letter: EmailMessage) -> dict[str, str]:
    """What a letter's links for answers say, and where they lead."""
    body = letter.get_body(("html",))
    assert body is not None
    anchors = html.document_fromstring(body.get_content()).iterfind(".//li/a")
    return {str(one.text_content()): str(one.get("href")) for one in anchors}  # type: ignore[attr-defined]


async def opens(url: str) -> Page:
    return await fetch("GET", url)


async def presses(page: Page, **fields: str) -> Page:
    """The button of the page's form, with these fields filled in."""
    (form,) = page.document.forms
    assert form.method == "POST"
    assert set(fields) <= set(form.fields.keys()), form.fields.keys()
    data = {name: value or "" for name, value in form.fields.items()} | fields
    return await fetch("POST", urljoin(page.url, form.get("action") or page.url), data)


async def answers(letter: EmailMessage, says: str, **fields: str) -> Page:
    """By a link: opens it, then presses its button."""
    return await presses(await opens(links(letter)[says]), **fields)


async def fetch(method: str, url: str, data: Mapping[str, str] | bytes | None = None) -> Page:
    async with aiohttp.ClientSession() as session, session.request(method, url, data=data) as answer:
        return Page(answer.status, url, await answer.text(), answer.headers)


def write_reply(letter: EmailMessage, sender: str, text: str, pdf: bytes = b"") -> bytes:
    """As a mail program makes it, with the letter quoted below."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = sender, str(letter["From"])
    mail["Subject"] = f"Re: {letter['Subject']}"
    mail["Message-ID"] = f"<{hashlib.sha256(text.encode()).hexdigest()[:20]}@reader.example>"
    mail["In-Reply-To"] = str(letter["Message-ID"])
    body = letter.get_body(("plain",))
    assert body is not None
    quoted = "\n".join(f"> {line}" for line in body.get_content().splitlines())
    mail.set_content(f"{text}\n\nOn Monday you wrote:\n{quoted}\n")
    if pdf:
        mail.add_attachment(pdf, maintype="application", subtype="pdf", filename="scan.pdf")
    return mail.as_bytes()
