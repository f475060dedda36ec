"""Records of partners' items in the formats that libraries keep."""

from __future__ import annotations

from typing import Any

from lxml import etree

from adapters.library.alma.temporary_items import write_bib
from adapters.library.koha.temporary_items import write_record
from adapters.library.record_format import RecordFormat
from gateway.domain.library import Bib, Location, RecordId
from gateway.ports.library_system import TemporaryItem

BIB = Bib(title="За мостом", author="Söhnlein, Grete", identifiers=(RecordId("isbn", "9780000010018"),), language="rus")
ITEM = TemporaryItem("ILL-1", BIB, "REQ-1", Location("RS"), "ILL", suppressed=True)


def read_fields(xml: bytes) -> dict[str, str]:
    root: Any = etree.fromstring(xml)
    return {
        f"{field.get('tag')}${one.get('code')}": one.text or "" for field in root.iter("{*}datafield") for one in field
    }


def test_unimarc_has_fields_of_its_own() -> None:
    fields = read_fields(write_record(ITEM, "illgate:7", RecordFormat.UNIMARC))

    assert (fields["200$a"], fields["700$a"], fields["010$a"], fields["101$a"]) == (
        "За мостом",
        "Söhnlein, Grete",
        "9780000010018",
        "rus",
    )
    assert fields["300$a"] == "illgate:7"
    assert len(fields["100$a"]) == 36
    assert fields["100$a"][26:28] == "50"
    assert "245$a" not in fields


def test_alma_is_told_the_format() -> None:
    root: Any = etree.fromstring(write_bib(ITEM, "illgate:7", RecordFormat.KORMARC))

    assert root.findtext("record_format") == "kormarc"
    assert read_fields(etree.tostring(root))["245$a"] == "За мостом"
