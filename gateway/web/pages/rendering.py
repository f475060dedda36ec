"""Templates filled in, and the headers that every page has."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import jinja2
from aiohttp import hdrs, web

from gateway.domain.frozen import frozen

HERE = Path(__file__).parent
ASSETS = "/openurl/_assets"
TYPES = {".css": "text/css", ".js": "text/javascript"}

_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@frozen
class Asset:
    content: bytes
    content_type: str
    version: str


@cache
def assets() -> Mapping[str, Asset]:
    """By name. They come from here and from nowhere else: a page loads nothing from other hosts."""
    found = {}
    for file in sorted((HERE / "assets").iterdir()):
        if file.suffix in TYPES:
            content = file.read_bytes()
            found[file.name] = Asset(content, TYPES[file.suffix], hashlib.sha256(content).hexdigest()[:12])
    return found


def _asset(name: str) -> str:
    return f"{ASSETS}/{name}?v={assets()[name].version}"


_environment.globals["asset"] = _asset


def render(template: str, values: Mapping[str, object]) -> str:
    return _environment.get_template(f"{template}.html.j2").render(values)


def policy(embed_in: tuple[str, ...]) -> str:
    """Content-Security-Policy: nothing but our own files, and no script or style in the page itself."""
    ancestors = " ".join(embed_in) or "'none'"
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
        f"base-uri 'none'; frame-ancestors {ancestors}"
    )


HEADERS = {
    hdrs.SERVER: "illgate",
    hdrs.CACHE_CONTROL: "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


def html(text: str, status: int, embed_in: tuple[str, ...]) -> web.Response:
    response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
    response.headers.update({**HEADERS, "Content-Security-Policy": policy(embed_in)})
    return response


async def serve_asset(request: web.Request) -> web.StreamResponse:
    found = assets().get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    headers = {hdrs.CACHE_CONTROL: "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return web.Response(body=found.content, content_type=found.content_type, charset="utf-8", headers=headers)
