"""PDF of a page of ours by WeasyPrint (extra `pdf`), in a process of its own: a hundred slips keep it busy for seconds,
and what it does to a page can't touch the daemon. Nothing is fetched: styles come with the page.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import Sequence

from gateway.domain.problems import Unavailable
from gateway.domain.sentences import write_sentence
from gateway.secrets import make_child_environment

MAX_SECONDS = 60.0


def is_pdf_possible() -> bool:
    """Return whether the extra is installed."""
    return importlib.util.find_spec("weasyprint") is not None


async def write_pdf(html: str, styles: Sequence[str]) -> bytes:
    """Write a PDF; raises Unavailable: it took too long, or WeasyPrint could not be run."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=make_child_environment(),
    )
    document = json.dumps({"html": html, "styles": list(styles)}).encode()
    try:
        async with asyncio.timeout(MAX_SECONDS):
            written, complaints = await process.communicate(document)
    except TimeoutError as error:
        raise Unavailable(write_sentence("PDF creation timed out")) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0 or not written.startswith(b"%PDF-"):
        lines = complaints.decode(errors="replace").strip().splitlines()
        raise Unavailable(
            write_sentence(
                "the PDF could not be created: %(report)s", report=lines[-1] if lines else "no reason was given"
            )
        )
    return written


def _run_worker() -> None:
    """The other process: page and styles from standard input, the PDF to standard output."""
    from weasyprint import CSS, HTML, urls

    nothing = urls.URLFetcher(allowed_protocols=("none",))
    document = json.load(sys.stdin.buffer)
    styles = [CSS(string=style, url_fetcher=nothing) for style in document["styles"]]
    page = HTML(string=document["html"], url_fetcher=nothing)
    sys.stdout.buffer.write(page.write_pdf(stylesheets=styles))


if __name__ == "__main__":
    _run_worker()
