"""The frame of the pages behind links in letters: small, without scripts, of use on a telephone, kept by nobody."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from aiohttp import hdrs, web

STYLE = (
    "body{font:1.05rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:36rem;padding:1rem;color:#1b1b1b;"
    "background:#fff;overflow-wrap:anywhere}"
    "h1{font-size:1.4rem;line-height:1.25}dt{color:#555;font-size:.9rem}dd{margin:0 0 .6rem}"
    "label,button{display:block}label{margin-top:1rem}"
    "input,select,textarea{box-sizing:border-box;font:inherit;padding:.5rem;width:100%}"
    "button{background:#0b4f8a;border:0;border-radius:.3rem;color:#fff;font:inherit;margin:1.5rem 0;"
    "min-height:3rem;padding:.6rem 1.2rem;width:100%}"
    ".fault{color:#a30000;font-weight:bold}"
)

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

HEADERS = {
    hdrs.CACHE_CONTROL: "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}


def framed(status: int, title: str, body: str, language: str = "en", direction: str = "ltr") -> web.Response:
    """`body`: HTML, whatever it says escaped already; `title`: text."""
    text = (
        f'<!DOCTYPE html><html lang="{escape(language)}" dir="{escape(direction)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>\n"
    )
    return web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)
