"""The bound for LookupUser, and for ISO 18626: a bare aiohttp handler that parses a LookupUser and writes the same
answer with lxml. For a library system outside it makes that system's calls before, by aiohttp alone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web
from lxml import etree

from tests.support.daemon import free_port, process, wait_for

NS = "http://www.niso.org/2008/ncip"

Call = Mapping[str, Any]
"""What `ClientSession.request` takes: `method`, `url`, `headers`, `data`."""

Steps = Sequence[Sequence[Call]]
"""One after the other; the calls of a step are made at once."""

SESSION = web.AppKey("session", ClientSession)


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


async def ask_system(session: ClientSession, call: Call) -> object:
    async with session.request(**call) as answer:
        return await answer.json(content_type=None)


async def keep_session(app: web.Application) -> AsyncIterator[None]:
    async with ClientSession() as app[SESSION]:
        yield


def application(answer: bytes, steps: Steps = ()) -> web.Application:
    template = etree.fromstring(answer)
    path = f"{{{NS}}}LookupUser/{{{NS}}}UserId/{{{NS}}}UserIdentifierValue"
    user = f"{{{NS}}}LookupUserResponse/{{{NS}}}UserId/{{{NS}}}UserIdentifierValue"

    async def handle(request: web.Request) -> web.Response:
        message = etree.fromstring(await request.read())
        for step in steps:
            await asyncio.gather(*(ask_system(request.app[SESSION], call) for call in step))
        built = copy(template, None)
        built.find(user).text = message.findtext(path)
        body = etree.tostring(built, xml_declaration=True, encoding="UTF-8")
        return web.Response(body=body, content_type="application/xml", charset="utf-8")

    app = web.Application()
    app.cleanup_ctx.append(keep_session)
    app.router.add_post("/ncip", handle)
    return app


@contextlib.contextmanager
def run_bare_handler(folder: Path, answer: bytes, steps: Steps = ()) -> Iterator[tuple[int, int]]:
    """Port and id of a process of its own."""
    sample, calls, port = folder / "answer.xml", folder / "calls.json", free_port()
    sample.write_bytes(answer)
    calls.write_text(json.dumps(steps))
    command = [sys.executable, "-m", "tests.bench.bare", str(port), str(sample), str(calls)]
    with process(command, folder / "log-bare") as started:
        wait_for(port)
        yield port, started.pid


if __name__ == "__main__":
    with open(sys.argv[2], "rb") as file:
        sample = file.read()
    calls = json.loads(Path(sys.argv[3]).read_text())
    web.run_app(application(sample, calls), host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
