"""Octets of ISO 2709: whatever the leader says about characters, and whatever is broken."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pymarc import Record

from adapters.marc.dialect import Records
from adapters.marc.marc_records import read_iso2709
from adapters.marc.record_reader import record_from_bytes
from tests.support import catalogue
from tests.unit.adapters.marc.support import iso2709, of, read

UTF_8 = b"00000nam a2200000   4500"
MARC_8 = b"00000nam  2200000   4500"

CARTA_MARC_8 = b"10$aCarta de Jos\xe2e B\xe8uchner"  # combining signs stand before their letter
CYRILLIC_MARC_8 = b"10$a\x1b(NsAD\x1b(B"


@pytest.mark.parametrize(
    ("leader", "title", "charset", "expected", "problem"),
    [
        (UTF_8, of("10$aŻółte okręty"), "auto", "Żółte okręty", ""),
        (MARC_8, CARTA_MARC_8, "auto", "Carta de José Büchner", ""),
        (MARC_8, of("10$aŻółte okręty"), "auto", "Żółte okręty", "it calls itself MARC-8 and is UTF-8"),
        (UTF_8, CARTA_MARC_8, "auto", "Carta de José Büchner", "it calls itself UTF-8 and is not; read as MARC-8"),
        (UTF_8, "10$aMöörsee".encode("latin-1"), "iso8859-1", "Möörsee", ""),
        (MARC_8, "10$aMöörsee".encode("latin-1"), "iso8859-1", "Möörsee", ""),
        (UTF_8, CARTA_MARC_8, "marc-8", "Carta de José Büchner", ""),
        (MARC_8, of("10$a灯塔"), "utf-8", "灯塔", ""),
        (MARC_8, b"10$aPlain", "auto", "Plain", ""),
    ],
)
def test_characters_are_read_as_they_are_whatever_the_leader_says(
    leader: bytes, title: bytes, charset: str, expected: str, problem: str
) -> None:
    found = read(iso2709(("245", title), leader=leader), charset=charset)

    assert (found.citation.title, found.problem) == (expected, problem)


def test_marc_8_changes_sets_within_a_subfield() -> None:
    found = read(iso2709(("245", CYRILLIC_MARC_8), leader=MARC_8))

    assert found.citation.title == "Сад"


def test_old_unimarc_says_that_its_characters_are_a_guess() -> None:
    found = read(iso2709(("200", b"1 $aL'\xe2et\xe2e oubli\xe2e"), leader=MARC_8), "unimarc")

    assert found.citation.title == "L'été oublié"
    assert found.problem == "its character set, perhaps ISO 5426, was read as MARC-8"


# --- damage ----------------------------------------------------------------------------------------------

WHOLE = iso2709(("001", b"mk1"), ("100", b"1 $aQuenby, Tobias"), ("245", b"10$aThe slow gardens"))


def test_a_bad_entry_of_the_directory_costs_its_field_only() -> None:
    found = read(WHOLE.replace(b"100001", b"100xx1", 1))

    assert found.citation.title == "The slow gardens"
    assert found.citation.author == ""
    assert found.problem == "1 entries of its directory can't be read"


def test_a_record_that_is_cut_off_shows_what_there_is() -> None:
    found = read(WHOLE[:-9])

    assert found.citation.author == "Quenby, Tobias"
    assert found.citation.title.startswith("The slow")
    assert found.problem == "it is cut off"


def test_a_wrong_base_address_is_found_by_the_end_of_the_directory() -> None:
    assert read(WHOLE[:12] + b"99999" + WHOLE[17:]).citation.title == "The slow gardens"


@pytest.mark.parametrize("octets", [b"", b"short", b"x" * 200, WHOLE[:24]])
def test_what_is_no_record_says_so_and_keeps_its_octets(octets: bytes) -> None:
    found = read(octets)

    assert found.problem.startswith("no ISO 2709 record")
    assert found.raw == octets


@given(st.binary(max_size=400))
@example(WHOLE.replace(b"$", b"\x80"))
def test_no_octets_make_it_raise(octets: bytes) -> None:
    for syntax in ("marc21", "unimarc", "xml", "sutrs"):
        record_from_bytes(syntax, octets, 1, Records())


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=4))
def test_no_damage_makes_it_raise(at: int, octets: bytes) -> None:
    record_from_bytes("marc21", WHOLE[:at] + octets + WHOLE[at + len(octets) :], 1, Records())


def test_it_reads_what_pymarc_reads() -> None:
    for made in catalogue.records(200):
        octets = made.as_marc()
        ours = read_iso2709(octets, "auto").record
        theirs = Record(data=octets)

        assert ours is not None
        assert [(one.tag, one.subfields) for one in ours.fields] == [
            (one.tag, [(sub.code, sub.value) for sub in one.subfields]) for one in theirs.fields
        ]
        assert [one.text for one in ours.fields if one.tag < "010"] == [
            one.data for one in theirs.fields if one.tag < "010"
        ]
        assert [one.indicators for one in ours.fields if one.tag >= "010"] == [
            "".join(one.indicators) for one in theirs.fields if not one.control_field
        ]
