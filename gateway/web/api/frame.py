"""The frame of the pages behind links in letters: small, without scripts, of use on a telephone, kept by nobody."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from aiohttp import hdrs, web

STYLE = (
    ":root{color-scheme:light dark;--ink:#1f2328;--soft:#59626c;--ground:#f5f4f0;--paper:#fff;--line:#d9d6cd;"
    "--edge:#868c94;--accent:#14506b;--on-accent:#fff;--wrong:#a3231c}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e6e3;--soft:#a9b0b7;--ground:#15181b;--paper:#1d2125;"
    "--line:#363c42;--edge:#7e868e;--accent:#8fc6dd;--on-accent:#10222b;--wrong:#ff9d94}}"
    "body{font:1.05rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:36rem;padding:1rem 1.25rem;color:var(--ink);"
    "background:var(--ground);overflow-wrap:anywhere}"
    "h1{font-size:1.4rem;line-height:1.25}dl{background:var(--paper);border:1px solid var(--line);"
    "border-radius:.4rem;margin:1rem 0;padding:.7rem 1rem .1rem}"
    "dt{color:var(--soft);font-size:.9rem}dd{margin:0 0 .6rem}"
    "blockquote{border-inline-start:4px solid var(--accent);margin:1rem 0;padding-inline-start:1rem}"
    "label,button{display:block}label{font-weight:600;margin-top:1rem}"
    "input,select,textarea{background:var(--paper);border:1px solid var(--edge);border-radius:.3rem;"
    "box-sizing:border-box;color:inherit;font:inherit;min-height:2.75rem;padding:.5rem;width:100%}"
    "[aria-invalid]{border-color:var(--wrong)}"
    "button{background:var(--accent);border:0;border-radius:.3rem;color:var(--on-accent);font:inherit;font-weight:600;"
    "margin:1.5rem 0;min-height:3rem;padding:.6rem 1.2rem;width:100%}"
    ":focus-visible{outline:3px solid var(--accent);outline-offset:2px}"
    ".fault{color:var(--wrong);font-weight:600;margin:.1rem 0 .3rem}"
)

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

HEADERS = {
    hdrs.SERVER: "illgate",
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
