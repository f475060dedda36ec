"""Files that pages load (styles, scripts), and the headers that every page carries.

A page loads nothing from other hosts, and has no script or style in itself: the policy says so to the browser.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from aiohttp import hdrs, web

from gateway.domain.value import value_object

FOLDER = Path(__file__).parent / "assets"
"""Of what all pages share."""

TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}

IMMUTABLE = "public, max-age=31536000, immutable"

HEADERS = {
    hdrs.CACHE_CONTROL: "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
"""Of every page."""


@value_object
class PageAsset:
    """`version` changes with the content, and stands in the address."""

    content: bytes
    content_type: str
    version: str


class PageAssets:
    """Those of some folders, served below `root`, such as /openurl/_assets. No two have the same name."""

    def __init__(self, root: str, folders: Iterable[Path]) -> None:
        self._root = root
        self._folders = tuple(folders)

    @cached_property
    def by_name(self) -> Mapping[str, PageAsset]:
        """Read once, when the first is asked for."""
        assets: dict[str, PageAsset] = {}
        for file in sorted(file for folder in self._folders for file in folder.iterdir() if file.suffix in TYPES):
            assets[file.name] = make_asset(file.read_bytes(), TYPES[file.suffix])
        return assets

    def make_url(self, name: str) -> str:
        """Make the URL of an asset; raises KeyError for one that isn't there."""
        return f"{self._root}/{name}?v={self.by_name[name].version}"

    def register(self, app: web.Application) -> None:
        app.router.add_get(f"{self._root}/{{name}}", self.serve_asset)

    async def serve_asset(self, request: web.Request) -> web.StreamResponse:
        asset = self.by_name.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        return asset_response(request, asset)


def make_asset(content: bytes, content_type: str) -> PageAsset:
    return PageAsset(content, content_type, hashlib.sha256(content).hexdigest()[:12])


def asset_response(request: web.Request, asset: PageAsset) -> web.StreamResponse:
    """Make a response for what pages load. What is asked for without its version, as scripts name each other, is asked
    for again each time."""
    is_this_version = request.query.get("v", "") == asset.version
    headers = {
        hdrs.CACHE_CONTROL: IMMUTABLE if is_this_version else "no-cache",
        hdrs.ETAG: f'"{asset.version}"',
    }
    if request.headers.get(hdrs.IF_NONE_MATCH) == headers[hdrs.ETAG]:
        return web.Response(status=304, headers=headers)
    return web.Response(
        body=asset.content,
        content_type=asset.content_type,
        charset=None if asset.content_type == TYPES[".png"] else "utf-8",
        headers=headers,
    )


OURSELVES = ("'self'",)
"""Of a policy: pages of this host."""


def content_security_policy(embed_in: tuple[str, ...] = (), frames: tuple[str, ...] = ()) -> str:
    """Content-Security-Policy: nothing but our own files, and no script or style in the page itself. `embed_in`: sites
    that may show the page in a frame; `frames`: sites whose pages it may show in one."""
    ancestors = " ".join(embed_in) or "'none'"
    frame_source = f" frame-src {' '.join(frames)};" if frames else ""
    return (
        f"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';{frame_source} "
        f"form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    )


def html_response(text: str, status: int, embed_in: tuple[str, ...] = (), frames: tuple[str, ...] = ()) -> web.Response:
    response = web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
    response.headers.update({**HEADERS, "Content-Security-Policy": content_security_policy(embed_in, frames)})
    return response


def redirect_response(path: str) -> web.Response:
    """Redirect after something was done: to a page that can be loaded again without doing it again."""
    return web.Response(status=303, headers={**HEADERS, hdrs.LOCATION: path})


def file_headers(name: str) -> dict[str, str]:
    """Make headers of a file that is never shown in place: one from elsewhere must not run as a page of ours."""
    return {
        hdrs.CONTENT_DISPOSITION: f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }


def json_file_response(document: Mapping[str, object], name: str) -> web.Response:
    """Make a response to be saved under this name."""
    return web.Response(
        body=json.dumps(document, ensure_ascii=False, indent=2).encode(),
        headers={
            **HEADERS,
            hdrs.CONTENT_TYPE: "application/json; charset=utf-8",
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"',
        },
    )
