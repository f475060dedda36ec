"""Paper as PDF, as it comes out of a printer: drawn as pictures, on which a scanner finds the codes of every sheet."""

from __future__ import annotations

import ctypes.util
import os
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.events import EventKind, LoanCondition
from gateway.domain.requests.print_batches import PrintKind
from gateway.domain.requests.request import Request
from tests.protocol.pages.support import Running, running
from tests.protocol.staff.request_scenes import (
    RULES,
    act,
    add_partners,
    hear_partner,
    library_context,
    make_asked,
    make_lending,
    reload_request,
)
from tests.protocol.staff.support import Colleague, colleague
from tests.support.daemon import Installation

TITLES = (
    "مدن الملح: رحلة في خمسة أجزاء (1998)",
    "北の港の歴史",
)
DOTS_PER_INCH = 200
BY_DAY = (PrintKind.HOLD_SLIPS, PrintKind.PULL_SLIPS, PrintKind.ADDRESS_LABELS)
"""With a square and without, and several on a sheet; to write a file takes two seconds of a processor."""

OTHERS = (PrintKind.BOOK_STRAPS, PrintKind.SHIPPING_SLIPS, PrintKind.RETURN_SLIPS)
HAS_SQUARE = {PrintKind.HOLD_SLIPS, PrintKind.RETURN_SLIPS, PrintKind.SHIPPING_SLIPS, PrintKind.ADDRESS_LABELS}


def require_programs() -> None:
    """Where CI is set, what is missing is a failure."""
    missing = [name for name, there in (("pdftoppm", shutil.which("pdftoppm")), ("zbar", find_zbar())) if not there]
    if missing and os.environ.get("CI"):
        pytest.fail(f"not installed: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def find_zbar() -> str | None:
    return ctypes.util.find_library("zbar")


async def make_received(gateway: Running, title: str, number: int) -> Request:
    asked = await make_asked(gateway, citation=Citation(title=title, author="Оук, Анна"))
    await hear_partner(
        gateway,
        asked,
        EventKind.SHIPPED,
        barcode=f"3900011{number:03}",
        conditions=(LoanCondition.LIBRARY_USE_ONLY,),
        due=library_context(gateway).now().date() + timedelta(days=40),
    )
    received = await act(gateway, asked, EventKind.RECEIVED)
    return await act(gateway, received, EventKind.AT_PICKUP)


async def print_batch(gateway: Running, staff: Colleague, kind: PrintKind) -> bytes:
    """What is to be printed of this kind, as a file."""
    batch = await staff.post("/print", {"kind": kind.value}, follow=False)
    assert batch.status == 303, kind
    cookies = "; ".join(f"{name}={value}" for name, value in staff.browser.cookies.items())
    url = f"{gateway.url}{batch.headers['Location']}/pdf"
    async with staff.browser.session.get(url, headers={"Cookie": cookies}) as answer:
        assert (answer.status, answer.content_type) == (200, "application/pdf"), kind
        return await answer.read()


def draw_pages(pdf: bytes, folder: Path) -> list[Image.Image]:
    """Grey, as a printer of this resolution has them."""
    folder.mkdir()
    command = ["pdftoppm", "-r", str(DOTS_PER_INCH), "-gray", "-png", "-", str(folder / "page")]
    subprocess.run(command, input=pdf, check=True, timeout=120)
    return [Image.open(file) for file in sorted(folder.iterdir())]


def scan_pages(pages: Sequence[Image.Image]) -> dict[str, list[str]]:
    """By kind of code: what zbar reads."""
    from pyzbar import pyzbar

    found: dict[str, list[str]] = {"CODE128": [], "QRCODE": []}
    for page in pages:
        for one in pyzbar.decode(page, [pyzbar.ZBarSymbol.CODE128, pyzbar.ZBarSymbol.QRCODE]):
            found[one.type].append(one.data.decode())
    return found


async def print_papers(
    installation: Installation, kinds: Collection[PrintKind]
) -> Mapping[PrintKind, tuple[bytes, Sequence[str]]]:
    """Of each of these kinds: the file, and the numbers of the requests that it is of."""
    add_partners(installation)
    written: dict[PrintKind, tuple[bytes, Sequence[str]]] = {}
    async with (
        running(installation, rules=RULES, http={"public_url": "https://ill.bergstadt.example"}) as gateway,
        colleague(gateway, "ruth", "staff") as ruth,
    ):

        async def print_where_wanted(kind: PrintKind, numbers: Sequence[str]) -> None:
            if kind in kinds:
                written[kind] = (await print_batch(gateway, ruth, kind), numbers)

        borrowed = [await make_received(gateway, title, number) for number, title in enumerate(TITLES)]
        numbers = [one.number for one in borrowed]
        await print_where_wanted(PrintKind.HOLD_SLIPS, numbers)
        await print_where_wanted(PrintKind.BOOK_STRAPS, numbers)
        lent = await make_lending(gateway)
        await print_where_wanted(PrintKind.PULL_SLIPS, [lent.number])
        await act(gateway, lent, EventKind.WILL_SUPPLY)
        for one in borrowed:
            await act(gateway, await reload_request(gateway, one), EventKind.RETURNED)
        await print_where_wanted(PrintKind.SHIPPING_SLIPS, [lent.number])
        await print_where_wanted(PrintKind.RETURN_SLIPS, numbers)
        await print_where_wanted(PrintKind.ADDRESS_LABELS, [*numbers, lent.number])
    return written


@pytest.mark.slow
@pytest.mark.parametrize("kinds", [BY_DAY, pytest.param(OTHERS, marks=pytest.mark.long)], ids=["by-day", "others"])
async def test_a_scanner_finds_the_codes_of_every_sheet(
    installation: Installation, tmp_path: Path, kinds: Collection[PrintKind]
) -> None:
    require_programs()
    papers = await print_papers(installation, kinds)
    assert set(papers) == set(kinds)
    for kind, (pdf, numbers) in papers.items():
        codes = scan_pages(draw_pages(pdf, tmp_path / kind.value))

        assert sorted(codes["CODE128"]) == sorted(numbers), kind
        addresses = [f"https://ill.bergstadt.example/staff/requests/{number}" for number in numbers]
        assert sorted(codes["QRCODE"]) == (sorted(addresses) if kind in HAS_SQUARE else []), kind
