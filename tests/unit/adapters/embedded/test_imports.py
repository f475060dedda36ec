"""Records from MARC 21 and patrons from CSV."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pymarc import Field, Indicators, Record, Subfield

from gateway.domain.library import Bib, Patron, RecordId
from gateway.ports.library_system import BibHoldings, PatronKey
from tests.unit.adapters.embedded.installed import Installed


def field(tag: str, *pairs: tuple[str, str]) -> Field:
    return Field(tag=tag, indicators=Indicators(" ", " "), subfields=[Subfield(code, value) for code, value in pairs])


def record(number: str, title: str, *fields: Field) -> Record:
    made = Record(force_utf8=True)
    if number:
        made.add_field(Field(tag="001", data=number))
    made.add_field(Field(tag="008", data="260302s1998    gw            000 0 rus d"))
    if title:
        made.add_field(field("245", ("a", title)))
    for each in fields:
        made.add_field(each)
    return made


def write(path: Path, *parts: Record | bytes) -> str:
    path.write_bytes(b"".join(part if isinstance(part, bytes) else part.as_marc() for part in parts))
    return str(path)


def find(installed: Installed, type_: str, value: str) -> BibHoldings:
    async def work() -> BibHoldings:
        async with installed.library() as opened:
            bib = await opened.system.find_bib(RecordId(type_, value))
            return await opened.system.holdings(bib.id)

    return asyncio.run(work())


def search(installed: Installed, query: str) -> tuple[Bib, ...]:
    async def work() -> tuple[Bib, ...]:
        async with installed.library() as opened:
            return await opened.system.search_bibs(query)

    return asyncio.run(work())


FULL = record(
    "b100",
    "Мастер и Маргарита :",
    field("020", ("a", "0765382032 (hbk)")),
    field("035", ("a", "(OCoLC)ocm00012345")),
    field("100", ("a", "Булгаков, Михаил.")),
    field("264", ("a", "Москва :"), ("b", "Наука,"), ("c", "1998.")),
    field("300", ("a", "411 p. ;"), ("c", "21 cm")),
    field("952", ("p", "39111"), ("a", "MAIN"), ("c", "stacks"), ("y", "standard"), ("o", "891.7 Bul")),
    field("952", ("p", "39112"), ("a", "NORTH")),
)


def test_a_record_comes_in_with_its_items(installed: Installed, tmp_path: Path) -> None:
    done = installed.run("import", "marc", write(tmp_path / "x.mrc", FULL), "--items-from", "952")
    there = find(installed, "isbn", "978-0-7653-8203-0")

    assert done.exit_code == 0, done.output
    assert "1 records added, 0 replaced, 2 items added" in done.output
    assert there.bib.title == "Мастер и Маргарита"
    assert there.bib.author == "Булгаков, Михаил"
    assert (there.bib.place, there.bib.publisher, there.bib.published) == ("Москва", "Наука", "1998")
    assert (there.bib.pages, there.bib.language) == ("411 p.", "rus")
    assert [(i.barcode, i.home.library, i.home.shelf, i.policy) for i in there.items] == [
        ("39111", "MAIN", "stacks", "standard"),
        ("39112", "NORTH", "", "standard"),
    ]
    assert find(installed, "local", "b100") == there
    assert find(installed, "oclc", "12345") == there


def test_importing_again_replaces_and_doubles_nothing(installed: Installed, tmp_path: Path) -> None:
    installed.run("import", "marc", write(tmp_path / "x.mrc", FULL), "--items-from", "952")
    changed = record("b100", "Мастер и Маргарита: роман", *FULL.get_fields("020", "952"))
    done = installed.run("import", "marc", write(tmp_path / "y.mrc", changed), "--items-from", "952")

    assert "0 records added, 1 replaced, 0 items added" in done.output
    assert len(find(installed, "local", "b100").items) == 2
    assert [bib.title for bib in search(installed, "мастер маргарита")] == ["Мастер и Маргарита: роман"]
    assert search(installed, "Булгаков") == ()


def test_bad_records_are_named_by_position_and_the_rest_comes_in(installed: Installed, tmp_path: Path) -> None:
    broken = b"00050nam  2200049   4500" + b"x" * 25 + b"\x1d"
    no_branch = record("b3", "Third", field("952", ("p", "39113"), ("a", "NOWHERE")))
    file = write(
        tmp_path / "x.mrc", record("b1", "First"), broken, record("", "Nameless"), no_branch, record("b5", ""), FULL
    )
    done = installed.run("import", "marc", file, "--items-from", "952")

    assert done.exit_code == 1
    assert "3 records added" in done.output
    assert "record 2: " in done.output
    assert "record 3: it has no control number (001)" in done.output
    assert "record 4 (b3), 952 number 1: the library has no branch 'NOWHERE'" in done.output
    assert "record 5 (b5): it has no title (245 $a)" in done.output
    assert find(installed, "local", "b100").items


def test_marc8_is_read(installed: Installed, tmp_path: Path) -> None:
    made = record("b8", "PLACEHOLDER")
    raw = made.as_marc()
    marc8 = raw.replace(b"PLACEHOLDER", b"Br\xe8ucke neu").replace(b"a22", b" 22", 1)
    installed.run("import", "marc", write(tmp_path / "x.mrc", marc8))

    assert [bib.title for bib in search(installed, "brücke neu")] == ["Brücke neu"]


def test_the_original_script_is_found_too(installed: Installed, tmp_path: Path) -> None:
    linked = record("b9", "Hong lou meng /", field("880", ("6", "245-01"), ("a", "紅樓夢補")))
    installed.run("import", "marc", write(tmp_path / "x.mrc", linked))

    assert [bib.title for bib in search(installed, "紅樓夢補")] == ["Hong lou meng = 紅樓夢補"]
    assert search(installed, "hong lou")


@pytest.mark.parametrize("mapping", ["barcode=p", "barcode=p,branch=ab", "barcode=p,branch=a,colour=x"])
def test_a_wrong_mapping_is_a_usage_error(installed: Installed, tmp_path: Path, mapping: str) -> None:
    file = write(tmp_path / "x.mrc", FULL)
    done = installed.run("import", "marc", file, "--items-from", "952", "--subfields", mapping)

    assert done.exit_code == 2
    assert "--subfields" in done.output


# --- patrons ---------------------------------------------------------------------------------------------

HEADER = "barcode,surname,given,category,home_library,expires,email,pin,username\n"


def patron(installed: Installed, code: str, pin: str) -> Patron:
    async def work() -> Patron:
        async with installed.library() as opened:
            return await opened.system.authenticate(PatronKey(code), pin)

    return asyncio.run(work())


def csv(path: Path, *lines: str, header: str = HEADER) -> str:
    path.write_text(header + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def test_patrons_come_in_and_are_brought_up_to_date(installed: Installed, tmp_path: Path) -> None:
    first = csv(tmp_path / "a.csv", "2222,Ζωγράφου,Ελένη,adult,MAIN,2027-12-31,e@library.example,9876,zog")
    done = installed.run("import", "patrons", first)
    assert done.exit_code == 0, done.output
    assert "1 patrons added, 0 updated" in done.output
    assert patron(installed, "2222", "9876").name.inverted == "Ζωγράφου, Ελένη"

    second = csv(tmp_path / "b.csv", "2222,Ζωγράφου-Νέα,Ελένη,student,SCI,,,,")
    assert "0 patrons added, 1 updated" in installed.run("import", "patrons", second).output
    changed = patron(installed, "2222", "9876")
    assert (changed.name.surname, changed.category, changed.identifier("username")) == (
        "Ζωγράφου-Νέα",
        "student",
        "zog",
    )
    assert changed.contacts


def test_all_errors_are_named_by_line_and_column_and_nothing_comes_in(installed: Installed, tmp_path: Path) -> None:
    file = csv(
        tmp_path / "a.csv",
        "2222,Gut,Gerda,adult,MAIN,2027-12-31,,,",
        "2223,,Nameless,adult,MAIN,,,,",
        "2224,Falsch,Fritz,adult,MAIN,31.12.2027,no-mail,,",
        "2222,Gut,Gerda,adult,MAIN,,,,",
    )
    done = installed.run("import", "patrons", file)

    assert done.exit_code == 1
    assert f"{file}:3: surname: is empty" in done.output
    assert f"{file}:4: expires: '31.12.2027' is not a date such as 2027-12-31" in done.output
    assert f"{file}:4: email: has no @" in done.output
    assert f"{file}:5: barcode: also in line 2" in done.output
    assert installed.run("patrons", "2222").output == "none\n"


def test_codes_and_identifiers_are_checked_before_the_first_line_is_written(
    installed: Installed, tmp_path: Path
) -> None:
    file = csv(
        tmp_path / "a.csv",
        "2222,Gut,Gerda,adult,MAIN,,,,",
        "2223,Falsch,Fritz,emperor,NOWHERE,,,,",
        "2224,Falsch,Frieda,adult,MAIN,,,,reader01",
    )
    done = installed.run("import", "patrons", file)

    assert f"{file}:3: category: the library has no category emperor" in done.output
    assert f"{file}:3: home_library: the library has no branch NOWHERE" in done.output
    assert f"{file}:4: username: another patron has it" in done.output
    assert installed.run("patrons", "2222").output == "none\n"


def test_an_unknown_or_missing_column_is_named(installed: Installed, tmp_path: Path) -> None:
    done = installed.run("import", "patrons", csv(tmp_path / "a.csv", header="barcode,surname,kategorie\n"))

    assert "1: kategorie: unknown column; known are barcode" in done.output
    assert "1: category: column is missing" in done.output
