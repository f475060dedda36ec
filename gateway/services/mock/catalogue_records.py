"""What a catalogue that is played has: a few made-up books in several scripts. Their ISBNs belong to no publisher."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from gateway.domain.library import RecordId
from gateway.domain.requests.citation import Citation, CitationType

_BOOKS = """
9780000020017|Fjorden om natten|Ingrid Åsgaard|Tromsø|Nordlys|1998
9780000020024|Das Haus am Deich|Grete Söhnlein|Husum|Wattverlag|2004
9780000020031|Les glaciers de Clarens|Aurélie Bossard|Vevey|Éditions du Quai|2011
9780000020048|Вишни за окном|Вера Лукова|Псков|Река|1987
9780000020055|山中书屋|欧阳思远|成都|竹林|2015
9780000020062|רחוב השקמים|נועה אלמוגי|חיפה|גלים|2009
9780000020079|بيت الياسمين|ليلى شمس|حلب|الربيع|1993
9780000020086|The three-body sonata|Maeve Corrigan|Sligo|Harbour Press|2019
9780000020093|Η βιβλιοθήκη του λιμανιού|Ελένη Καράβη|Βόλος|Άνεμος|2001
9780000020109|Pieśni znad jeziora|Zofia Łęcka|Ełk|Czapla|1976
"""


def _make_citation(number: int, line: str) -> Citation:
    isbn, title, author, place, publisher, year = line.split("|")
    return Citation(
        type=CitationType.BOOK,
        title=title,
        author=author,
        place=place,
        publisher=publisher,
        published=year,
        call_number=f"MOCK {number:03}",
        identifiers=(RecordId("local", f"mock{number:04}"), RecordId("isbn", isbn)),
    )


RECORDS: Sequence[Citation] = [_make_citation(n, line) for n, line in enumerate(_BOOKS.strip().splitlines(), start=1)]


def find_records(words: Sequence[str]) -> Sequence[Citation]:
    """Those in which each word is, without case and accents; marks that name a scenario are no words."""
    wanted = [_fold_text(word) for word in words if not word.casefold().startswith("mock:")]
    return [one for one in RECORDS if all(word in _text_of_record(one) for word in filter(None, wanted))]


def _text_of_record(record: Citation) -> str:
    numbers = " ".join(one.value for one in record.identifiers)
    said = (record.title, record.author, record.place, record.publisher, record.published, numbers)
    return " ".join(map(_fold_text, said))


def _fold_text(text: str) -> str:
    """Without hyphens either, as ISBNs are written with and without."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return re.sub(r"[-‐:;,./]", "", plain.casefold())
