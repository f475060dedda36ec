"""The bound for LookupUser, and for ISO 18626: a bare aiohttp handler that parses a LookupUser and writes the same
answer with lxml."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from aiohttp import web
from lxml import etree

from tests.support.daemon import free_port, process, wait_for

NS = "http://www.niso.org/2008/ncip"


def copy(element: etree._Element, parent: etree._Element | None) -> etree._Element:
    """The same element, built anew as a handler would build its answer."""
    made = (
        etree.Element(element.tag, element.attrib, nsmap={"ns1": NS})
        if parent is None
        else etree.SubElement(parent, element.tag, element.attrib)
    )
    made.text = element.text
    for child in element:
        copy(child, made)
    return made


def application(answer: bytes) -> web.Application:
    template = etree.fromstring(answer)
    path = f"{{{NS}}}LookupUser/{{{NS}}}UserId/{{{NS}}}UserIdentifierValue"
    user = f"{{{NS}}}LookupUserResponse/{{{NS}}}UserId/{{{NS}}}UserIdentifierValue"

    async def handle(request: web.Request) -> web.Response:
        message = etree.fromstring(await request.read())
        built = copy(template, None)
        built.find(user).text = message.findtext(path)
        body = etree.tostring(built, xml_declaration=True, encoding="UTF-8")
        return web.Response(body=body, content_type="application/xml", charset="utf-8")

    app = web.Application()
    app.router.add_post("/ncip", handle)
    return app


@contextlib.contextmanager
def run_bare_handler(folder: Path, answer: bytes) -> Iterator[tuple[int, int]]:
    """Port and id of a process of its own."""
    sample, port = folder / "answer.xml", free_port()
    sample.write_bytes(answer)
    with process([sys.executable, "-m", "tests.bench.bare", str(port), str(sample)], folder / "log-bare") as started:
        wait_for(port)
        yield port, started.pid


if __name__ == "__main__":
    with open(sys.argv[2], "rb") as file:
        sample = file.read()
    web.run_app(application(sample), host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
