"""Two libraries that were made empty lend to each other as the guide says: installed by `init --symbol --empty`, filled
by imports, joined by ISO ILL. A loan of two volumes goes there and back, volume by volume, and a patron without e-mail
is told in person. Daemons are processes of their own."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from pymarc import Field, Indicators, Record, Subfield

from tests.support.daemon import Installation, free_port, run_in_process
from tests.support.looking import tracebacks
from tests.support.paths import ROOT
from tests.support.yaml_files import write_yaml_file

PATIENCE_SECONDS = 90.0
CARD = "E-2041"
FIRST, SECOND = "F-77001", "F-77002"

SETUP = {
    "branches": {"MAIN": {"name": "Hovedbiblioteket", "pickup": True, "shelves": {"ill": "Fjernlån"}}},
    "categories": {"adult": {"name": "Voksne"}, "visitor": {"name": "Andre bibliotek"}},
    "policies": {
        "standard": {"name": "Vanlig lån"},
        "ill": {"name": "Fjernlån"},
        "ill-library-use": {"name": "Fjernlån, bare på lesesalen"},
    },
    "loan_rules": [{"loan_days": 28, "renewals": 2, "renewal_days": 28}],
}

PATRONS = (
    "barcode,surname,given,category,home_library,line1,locality,postal_code,language\n"
    f"{CARD},Ødegård,Åse,adult,MAIN,Strandgata 3,Elveby,9990,en\n"
)


@dataclass(frozen=True)
class NewLibrary:
    """An installation with its own symbol, listening for ISO ILL."""

    made: Installation
    symbol: str

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.made.tcp_port}"

    def run(self, *words: str) -> str:
        return self.made.run(*words).stdout

    def read(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json"))

    def listed(self, *words: str) -> list[Any]:
        """Of lists that come as one JSON value a line."""
        return [json.loads(line) for line in self.run(*words, "--json").splitlines()]

    def request(self, number: str) -> Any:
        return self.read("request", "show", number)["request"]

    def volumes(self, number: str) -> list[str]:
        return [one["state"] for one in self.request(number)["volumes"]]


def make_library(folder: Path, symbol: str, name: str) -> NewLibrary:
    port, tcp_port = free_port(), free_port()
    run_in_process("init", str(folder), "--empty", "--symbol", symbol, "--name", name, "--port", str(port))
    made = Installation(folder, port, tcp_port)
    checked = made.run("check")
    assert "\nno problems; " in f"\n{checked.stdout}", checked.stdout
    write_yaml_file(folder / "setup.yml", SETUP)
    made.run("library", "import", "setup", str(folder / "setup.yml"))
    return NewLibrary(made, symbol)


def introduce(ours: NewLibrary, theirs: NewLibrary, name: str) -> None:
    """The listener and the partner's profile, as docs/iso-ill.md has them, with the partner's symbol and addresses."""
    guide = (ROOT / "docs" / "iso-ill.md").read_text().split("## Set up a partner")[1].split("\n## ")[0]
    listener, profile = (yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL))
    (entry,) = listener["tcp"]
    ours.made.change(tcp=[{**entry, "host": "127.0.0.1", "port": ours.made.tcp_port}])
    profile["auth"] = [{"kind": "network", "networks": ["127.0.0.0/8"]}]
    profile["partner"] |= {"symbols": [theirs.symbol], "name": name}
    profile["iso_ill"]["symbols"]["ours"] = ours.symbol
    profile["iso_ill"]["transport"]["address"] = theirs.address
    profile["iso_ill"]["reply_to"] = ours.address
    file = ours.made.folder / "partners" / f"{theirs.symbol.lower()}.yml"
    write_yaml_file(file, profile)
    assert "no problems" in ours.run("check", theirs.symbol.lower())


def write_catalogue(file: Path) -> None:
    """One record with two volumes."""

    def field(tag: str, **values: str) -> Field:
        return Field(tag, Indicators(" ", " "), [Subfield(code, value) for code, value in values.items()])

    record = Record(force_utf8=True)
    record.add_field(Field("001", data="f-501"), Field("008", data="260302s1957    no            000 1 nno d"))
    record.add_field(field("245", a="Det store spelet"), field("100", a="Vesaas, Tarjei"))
    for barcode in (FIRST, SECOND):
        record.add_field(field("952", p=barcode, a="MAIN", y="standard", o="839.82 Ves"))
    file.write_bytes(record.as_marc())


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[NewLibrary, NewLibrary]]:
    """ELVEBY, which has a patron, and FJORDBY, which has the books. Their logs must be quiet at the end."""
    folder = tmp_path_factory.mktemp("new")
    elveby = make_library(folder / "elveby", "ELVEBY", "Elveby folkebibliotek")
    fjordby = make_library(folder / "fjordby", "FJORDBY", "Fjordby bibliotek")
    (folder / "patrons.csv").write_text(PATRONS, encoding="utf-8")
    elveby.run("library", "import", "patrons", str(folder / "patrons.csv"))
    write_catalogue(folder / "catalogue.mrc")
    fjordby.run("library", "import", "marc", str(folder / "catalogue.mrc"), "--items-from", "952")
    elveby.made.change(mail={"host": "mail.elveby.example", "sender": "ill@elveby.example"})
    introduce(elveby, fjordby, "Fjordby bibliotek")
    introduce(fjordby, elveby, "Elveby folkebibliotek")
    with elveby.made.serve(), fjordby.made.serve():
        yield elveby, fjordby
    for one in (elveby, fjordby):
        assert tracebacks(one.made) == []


def await_value(look: Callable[[], Any], wanted: Any) -> None:
    """Until the other side's message has come and been dealt with."""
    end = time.monotonic() + PATIENCE_SECONDS
    while (seen := look()) != wanted:
        assert time.monotonic() < end, f"still {seen}, not {wanted}"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_loan_of_two_volumes_goes_there_and_back(libraries: tuple[NewLibrary, NewLibrary]) -> None:
    elveby, fjordby = libraries

    # asked
    asked = elveby.run(
        "request", "create", "--patron", CARD, "--title", "Det store spelet", "--author", "Vesaas, Tarjei",
        "--type", "book", "--volumes", "Bind 1, Bind 2", "--partner", "fjordby", "--no-review",
    )  # fmt: skip
    number = asked.partition(":")[0]
    assert number.startswith("ELVEBY-B"), "no other library asks a broker by it"
    await_value(lambda: [one["state"] for one in fjordby.listed("request", "list")], ["located"])
    (lending,) = fjordby.listed("request", "list")
    theirs = lending["number"]
    assert [(one["id"], one["label"]) for one in fjordby.request(theirs)["volumes"]] == [
        ("1", "Bind 1"),
        ("2", "Bind 2"),
    ]

    # sent and received, volume by volume
    fjordby.run("request", "act", theirs, "shipped", "--barcode", FIRST, "--volumes", "1")
    await_value(lambda: elveby.volumes(number), ["shipped", "expected"])
    elveby.run("request", "act", number, "received", "--barcode", "E-ILL-1")
    assert (elveby.request(number)["state"], elveby.volumes(number)) == ("shipped", ["received", "expected"])
    fjordby.run("request", "act", theirs, "shipped", "--barcode", SECOND)
    await_value(lambda: elveby.volumes(number), ["received", "shipped"])
    elveby.run("request", "act", number, "received", "--barcode", "E-ILL-2")
    assert (elveby.request(number)["state"], elveby.volumes(number)) == ("received", ["received", "received"])
    await_value(lambda: fjordby.volumes(theirs), ["received", "received"])

    # told in person
    await_value(lambda: [one["number"] for one in elveby.listed("task", "show", "to-tell")], [number])
    notices = {one["letter"]: one for one in elveby.listed("request", "notices", number)}
    assert (notices["available"]["status"], notices["available"]["error"]) == (
        "not-sent",
        "the patron has no email address",
    )
    letter = elveby.run("request", "notices", number, notices["available"]["id"])
    assert "Åse Ødegård" in letter
    assert "Det store spelet" in letter
    elveby.run("request", "act", number, "patron-told", "--note", "by telephone")
    assert elveby.listed("task", "show", "to-tell") == []

    # lent, and back volume by volume
    elveby.run("request", "act", number, "loaned-to-patron")
    elveby.run("request", "act", number, "returned-by-patron", "--volumes", "1")
    elveby.run("request", "act", number, "returned", "--volumes", "1")
    assert (elveby.request(number)["state"], elveby.volumes(number)) == ("lent", ["returned", "lent"])
    await_value(lambda: fjordby.volumes(theirs), ["returned", "received"])
    fjordby.run("library", "check-in", FIRST)
    assert (fjordby.request(theirs)["state"], fjordby.volumes(theirs)) == ("shipped", ["checked-in", "received"])
    elveby.run("request", "act", number, "returned-by-patron")
    elveby.run("request", "act", number, "returned")
    await_value(lambda: fjordby.request(theirs)["state"], "returned")
    fjordby.run("library", "check-in", SECOND)
    await_value(lambda: elveby.request(number)["state"], "completed")

    # nothing is left
    assert (fjordby.request(theirs)["state"], fjordby.volumes(theirs)) == ("completed", ["checked-in", "checked-in"])
    assert elveby.volumes(number) == ["checked-in", "checked-in"]
    for library in libraries:
        assert library.listed("outbox", "list") == []
        assert library.listed("library", "loans") == []
    assert [one["barcode"] for one in elveby.listed("library", "items")] == []
    assert {one["status"] for one in fjordby.listed("library", "items")} == {"available"}

    # the journal has the conversation, as it went over the wire
    said = [row["service"] for row in elveby.listed("journal", "list", "--request", number, "--limit", "100")]
    about_items = ("ILL-Request", "Shipped", "Received", "Returned", "Checked-In")
    assert [one for one in reversed(said) if one in about_items] == [
        "ILL-Request",
        "Shipped",
        "Shipped",
        "Received",
        "Returned",
        "Returned",
        "Checked-In",
    ]
