"""The bound for LookupUser: a bare aiohttp handler that parses the message and writes the same answer with lxml."""

from __future__ import annotations

import sys

from aiohttp import web
from lxml import etree

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


if __name__ == "__main__":
    with open(sys.argv[2], "rb") as file:
        sample = file.read()
    web.run_app(application(sample), host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
