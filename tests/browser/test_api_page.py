"""The API's page sends its operations with the reader's key, which it keeps nowhere."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, Request, expect

from tests.browser.staff import PageInspector
from tests.browser.visitor import PHONE, Browsing, Site
from tests.support.blank_pdf import write_blank_pdf

DOCS = "api/v1/docs"
DRAFT = {
    "citation": {"type": "book", "title": "Ο Ζορμπάς"},
    "requester": {"symbol": "ISIL:NO-02030", "profile": "bergen"},
    "service": {"type": "copy"},
}
SCOPES = ("requests:read", "requests:write", "lending", "events:read")


def make_key(site: Site) -> str:
    scopes = (word for scope in SCOPES for word in ("--scope", scope))
    match = re.search(r"ilg_\S+", site.command("key", "create", "Docs", *scopes))
    assert match is not None
    return match[0]


def send(page: Page, operation: str, body: str = "", **fields: str) -> Locator:
    """The section of the operation, once it is answered."""
    section = page.locator(f"#{operation}")
    if section.get_attribute("open") is None:
        section.locator("summary").first.click()
    for label, value in fields.items():
        section.get_by_label(label.replace("_", "-"), exact=True).fill(value)
    if body:
        section.get_by_label("Body").fill(body)
    section.get_by_role("button", name="Send").click()
    expect(section.get_by_role("status")).to_contain_text(re.compile("^[1-5]"))
    return section


def read_answer(section: Locator) -> dict:
    content = section.get_by_role("region", name="Answer")
    expect(content).to_have_text(re.compile(r"}\s*$"))  # it comes after the status
    return json.loads(content.inner_text())


def test_operations_are_sent_with_the_readers_key(site: Site, browsing: Browsing) -> None:
    key, sent = make_key(site), list[Request]()
    with browsing.page() as page:
        page.on("request", lambda request: sent.append(request))
        page.goto(site.url(DOCS))
        assert read_answer(send(page, "showKey"))["status"] == 401
        page.get_by_label("API key").fill(key)
        assert set(read_answer(send(page, "showKey"))["scopes"]) == set(SCOPES)

        events = send(page, "streamEvents").get_by_role("region", name="Answer")
        made = read_answer(send(page, "createLendingRequest", json.dumps(DRAFT), Idempotency_Key="once"))
        expect(events).to_contain_text(made["id"])
        assert read_answer(send(page, "showRequest", id=made["id"]))["request"]["citation"]["title"] == "Ο Ζορμπάς"

        upload = page.locator("#uploadAttachment")
        upload.locator("summary").click()
        scan = {"name": "scan.pdf", "mimeType": "application/pdf", "buffer": write_blank_pdf(1)}
        upload.get_by_label("Body").set_input_files(scan)
        file = read_answer(send(page, "uploadAttachment", id=made["id"], name="文.pdf", If_Match="*"))
        answer = send(page, "downloadAttachment", id=made["id"], file=file["id"])
        with page.expect_download() as download:
            answer.get_by_role("link", name="Save the answer").click()
        assert download.value.path().read_bytes() == write_blank_pdf(1)

        page.locator("#listRequests summary").first.click()
        page.locator("#listRequests select[name=state]").select_option(["review", "shipped"])
        assert "items" in read_answer(send(page, "listRequests"))

        assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
        page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")  # leaving, as a kept page sees it
        assert page.get_by_label("API key").input_value() == ""
    assert {urlsplit(request.url).netloc for request in sent} == {urlsplit(site.url("")).netloc}
    assert [request.url for request in sent if key in request.url] == []
    assert any("state=review&state=shipped" in request.url for request in sent)


def test_the_page_keeps_nobody_out(site: Site, browsing: Browsing, axe_core: str) -> None:
    with browsing.page(width=PHONE) as page:
        inspector = PageInspector(page, axe_core)
        page.goto(site.url(DOCS))
        page.get_by_label("API key").fill(make_key(site))
        send(page, "listRequests")
        inspector.look("the API's page with an answer")
    assert inspector.found == {}
