"""Files before they are kept: scanned by a real program, their pages counted by another."""

from __future__ import annotations

import asyncio
import io
import itertools
import struct
import sys
import time
import zlib
from pathlib import Path

import pytest
from pypdf import PdfWriter

from gateway.domain.problems import Refused, Unavailable
from gateway.domain.requests.attachments import FileType
from gateway.domain.requests.policy import CopyRules
from gateway.domain.requests.views import FileUpload
from gateway.services.request_work.attachments import check_upload, count_pages, run_program, scan_file

SCANNER = """
import sys
content = sys.stdin.buffer.read()
if b"TEST-VIRUS" in content:
    print("stream: Test.Virus FOUND")
    sys.exit(1)
sys.exit(2 if b"TEST-TROUBLE" in content else 0)
"""


def pdf(pages: int, password: str = "") -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(200, 300)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def upload(content: bytes, pages: int | None = None) -> FileUpload:
    return FileUpload(name="скан.pdf", media_type="image/png", content=content, pages=pages)


@pytest.fixture
def scanner(tmp_path: Path) -> tuple[str, ...]:
    program = tmp_path / "scanner.py"
    program.write_text(SCANNER)
    return (sys.executable, str(program))


# --- the scanner -----------------------------------------------------------------------------------------


async def test_a_clean_file_passes(scanner: tuple[str, ...]) -> None:
    await scan_file(scanner, pdf(1), 30)


async def test_an_infected_one_is_refused(scanner: tuple[str, ...]) -> None:
    with pytest.raises(Refused, match="virus scanner"):
        await scan_file(scanner, b"%PDF-1.7 TEST-VIRUS", 30)


async def test_a_scanner_in_trouble_says_nothing_about_the_file(scanner: tuple[str, ...]) -> None:
    with pytest.raises(Unavailable, match="exited with code 2"):
        await scan_file(scanner, b"%PDF-1.7 TEST-TROUBLE", 30)


async def test_a_scanner_that_is_not_there_lets_nothing_pass(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="could not be started"):
        await scan_file((str(tmp_path / "none"),), pdf(1), 30)


async def test_one_that_hangs_is_ended_in_time(tmp_path: Path) -> None:
    left = tmp_path / "left"
    program = f"import pathlib, time; time.sleep(3); pathlib.Path({str(left)!r}).touch()"
    began = time.monotonic()
    with pytest.raises(Unavailable, match=r"0\.5 seconds"):
        await scan_file((sys.executable, "-c", program), pdf(1), 0.5)
    assert time.monotonic() - began < 2.5
    await asyncio.sleep(3)
    assert not left.exists()


async def test_one_that_does_not_read_it_all_may_say_so_all_the_same() -> None:
    ended = await run_program((sys.executable, "-c", "raise SystemExit(1)"), bytes(5_000_000), 30)
    assert ended.code == 1


async def test_it_inherits_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a file does to the program that looks at it: passwords of the gateway are not there to be had."""
    monkeypatch.setenv("KOHA_PASSWORD", "SESAM-0PEN-7")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    program = "import os, sys; sys.stdout.write(repr(dict(os.environ)))"

    ended = await run_program((sys.executable, "-c", program), b"", 30)

    assert ended.code == 0
    assert b"SESAM" not in ended.output
    assert b"KOHA" not in ended.output
    assert b"'LC_ALL': 'C.UTF-8'" in ended.output
    assert b"'PATH': " in ended.output


# --- pages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "content", "pages"),
    [
        (FileType.PDF, pdf(17), 17),
        (FileType.PNG, b"\x89PNG\r\n\x1a\n", 1),
        (FileType.TIFF, b"II*\x00", None),
    ],
    ids=["pdf", "png", "tiff"],
)
async def test_pages_are_counted_where_they_can_be(kind: FileType, content: bytes, pages: int | None) -> None:
    assert await count_pages(kind, content) == pages


@pytest.mark.parametrize(
    "content",
    [b"%PDF-1.7\n% damaged\n", pdf(0), pdf(3)[:-40], pdf(3)[:300], pdf(3, password="hemmelig"), b"%PDF-"],
    ids=["damaged", "no pages", "cut off", "cut short", "locked", "head"],
)
async def test_a_pdf_that_nobody_can_read_is_refused(content: bytes) -> None:
    """No patron gets it, and staff are told why."""
    with pytest.raises(Refused, match="The PDF cannot be read"):
        await check_upload(upload(content, pages=9), CopyRules())


async def test_a_pdf_that_opens_without_a_password_is_none_that_is_locked() -> None:
    writer = PdfWriter(io.BytesIO(pdf(2)))
    writer.encrypt("", "owner", algorithm="RC4-128")
    written = io.BytesIO()
    writer.write(written)

    assert (await check_upload(upload(written.getvalue()), CopyRules())).pages == 2


async def test_a_pdf_that_takes_too_long_to_read_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows that anything is wrong with it; what its sender says of its pages counts."""
    monkeypatch.setattr("gateway.services.request_work.attachments.SECONDS", 0.001)

    assert (await check_upload(upload(pdf(2), pages=9), CopyRules())).pages == 9


async def test_a_pdf_that_is_too_large_to_unpack_is_kept() -> None:
    """Whatever is wrong is wrong with us."""
    content = write_packed_pdf(unpacked_bytes=80_000_000)
    assert len(content) < 100_000

    assert (await check_upload(upload(write_packed_pdf(0), pages=9), CopyRules())).pages == 1
    assert (await check_upload(upload(content, pages=9), CopyRules())).pages == 9


def write_packed_pdf(unpacked_bytes: int) -> bytes:
    """One page, whose objects are in a stream of so many bytes and some more."""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
    )
    starts = itertools.accumulate(map(len, objects[:-1]), initial=0)
    head = b" ".join(b"%d %d" % (number, start) for number, start in enumerate(starts, 1)) + b" "
    packed = zlib.compress(head + b"".join(objects) + b" " * unpacked_bytes)
    pdf_head = b"%PDF-1.5\n"
    stream = b"4 0 obj<</Type/ObjStm/N 3/First %d/Filter/FlateDecode/Length %d>>stream\n" % (len(head), len(packed))
    body = pdf_head + stream + packed + b"\nendstream endobj\n"
    places = [(0, 0, 0), (2, 4, 0), (2, 4, 1), (2, 4, 2), (1, len(pdf_head), 0), (1, len(body), 0)]
    table = b"".join(struct.pack(">BIB", *place) for place in places)
    index = b"5 0 obj<</Type/XRef/Size 6/W[1 4 1]/Root 1 0 R/Length %d>>stream\n" % len(table)
    return body + index + table + b"\nendstream endobj\nstartxref\n%d\n%%%%EOF\n" % len(body)


# --- all of it -------------------------------------------------------------------------------------------


async def test_what_the_file_says_counts_before_what_its_sender_says(scanner: tuple[str, ...]) -> None:
    found = await check_upload(upload(pdf(2), pages=9), CopyRules(scan_command=scanner))
    assert (found.media_type, found.pages) == ("application/pdf", 2)


async def test_a_scanner_may_take_so_long() -> None:
    slow = (sys.executable, "-c", "import time; time.sleep(3)")
    with pytest.raises(Unavailable):
        await check_upload(upload(pdf(2)), CopyRules(scan_command=slow, scan_seconds=0.2))


async def test_what_is_not_taken_is_never_shown_to_the_scanner(tmp_path: Path) -> None:
    rules = CopyRules(scan_command=(str(tmp_path / "none"),))
    with pytest.raises(Refused, match="The file type is unknown"):
        await check_upload(upload(b"MZ\x90\x00"), rules)
