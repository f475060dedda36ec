"""`illgate upgrade --files`: an installation in which all shipped profiles lived becomes one of partners, and back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from gateway.ports.responder import OutcomeClass
from gateway.store.engine import open_store
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalEnding, JournalOpening, JournalOptions
from tests.support.daemon import Installation
from tests.support.shipped_profiles import copy_shipped_profiles

OWN = {
    "our-illiad": """\
# yaml-language-server: $schema=schema.json
# The university's.
extends: illiad-alma
description: ILLiad of the university
match: [{from_agency: UNI}]
auth: [{kind: network, networks: [192.0.2.0/24]}]
""",
    "ours": "extends: ncip2\nabstract: true\ncontact: the desk\n",
    "town": "extends: ours\n",
    "region": "extends: ncip2\ndescription: lives, and is extended\n",
    "valley": "extends: region\n",
}
"""Files of the library's own, by name."""

AT = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def old(installation: Installation) -> Installation:
    """With all shipped profiles, a listener that names ncip1, and one message from ReShare."""
    copy_shipped_profiles(installation.folder)
    for name, text in OWN.items():
        write_profile(installation, name, text)
    asyncio.run(add_message(installation, "reshare"))
    return installation


def write_profile(installation: Installation, name: str, text: str) -> None:
    (installation.folder / "profiles" / f"{name}.yml").write_text(text)


async def add_message(installation: Installation, profile: str) -> None:
    store = open_store(f"sqlite:///{installation.database}")
    journal = Journal(store, JournalOptions(), "node")
    opening = JournalOpening("DEMO", AT, b"x", "ncip", "http", profile=profile)
    await journal.record_exchange(opening, JournalEnding(AT, OutcomeClass.OK, b"y"))
    await store.close()


def upgrade(installation: Installation, *options: str) -> tuple[dict[str, str], list[str]]:
    """What is said of each file, and the lines about all."""
    folder = f"{installation.folder}/"
    lines = installation.run("upgrade", "--files", *options).stdout.replace(folder, "").splitlines()
    said = [line.split(": ", 1) for line in lines if line.startswith(("profiles/", "partners/"))]
    return dict(said), lines[len(said) :]


def read_files(installation: Installation) -> Mapping[str, bytes]:
    return {
        file.relative_to(installation.folder).as_posix(): file.read_bytes()
        for folder in ("profiles", "partners")
        for file in (installation.folder / folder).glob("*")
    }


def show(installation: Installation, name: str) -> list[str]:
    """All values of a profile, but its library and its examples."""
    values = installation.run("profile", "show", name).stdout.partition("\nexamples:")[0]
    return [line for line in values.splitlines() if not line.startswith("library:")]


def test_a_sentence_for_each_file_and_the_same_values_for_each_partner(old: Installation) -> None:
    living = ("reshare", "ncip1", "our-illiad", "town", "region", "valley", "dnb-sru")
    values = {name: show(old, name) for name in living}

    said, ending = upgrade(old)

    removed = {name: text for name, text in said.items() if text.startswith("removed: an unchanged copy")}
    assert removed["profiles/ipig.yml"].endswith(", in use by itself for nobody")
    assert removed["profiles/illiad-alma.yml"].endswith(", without messages in the journal and named in no file")
    used = "an unchanged copy, in use: partners/{}.yml extends what the program has"
    copies = ("bnf-sru", "dnb-sru", "k10plus-sru", "loc-z3950", "ncip1", "reshare")
    assert {name: text for name, text in said.items() if name not in removed} == {
        **{f"profiles/{name}.yml": used.format(name) for name in copies},
        "profiles/our-illiad.yml": "moved to partners/our-illiad.yml",
        "profiles/ours.yml": "stays: a profile to be extended",
        "profiles/region.yml": "stays, as a partner too: it is extended by valley",
        "profiles/town.yml": "moved to partners/town.yml",
        "profiles/valley.yml": "moved to partners/valley.yml",
    }
    assert ending[0].endswith(": a copy of the files as they were before")
    assert ending[1].startswith("Restart the daemon")
    assert {name: show(old, name) for name in living} == values
    assert sorted(read_files(old)) == [
        *(f"partners/{name}.yml" for name in sorted((*copies, "our-illiad", "town", "valley"))),
        "profiles/ours.yml",
        "profiles/region.yml",
        "profiles/requests.schema.json",
        "profiles/schema.json",
    ]
    assert "no problems; " in old.run("check").stdout


def test_a_file_that_moves_keeps_its_comments_and_rights(old: Installation) -> None:
    (old.folder / "profiles" / "our-illiad.yml").chmod(0o600)

    upgrade(old)

    moved = old.folder / "partners" / "our-illiad.yml"
    assert moved.read_text() == OWN["our-illiad"].replace("$schema=schema", "$schema=../profiles/schema")
    assert moved.stat().st_mode & 0o777 == 0o600


def test_a_copy_in_use_keeps_its_rules(old: Installation) -> None:
    upgrade(old)

    written = (old.folder / "partners" / "reshare.yml").read_text().splitlines()
    assert written[:5] == [
        "# yaml-language-server: $schema=../profiles/schema.json",
        "extends: reshare",
        "description: ReShare, NCIP 2",
        "match:",
        "  - path: reshare",
    ]
    assert written[5].startswith("  - profile_type: EZBORROW ")
    assert len(written) == 6


def test_a_dry_run_says_the_same_and_changes_nothing(old: Installation) -> None:
    before = read_files(old)

    said, ending = upgrade(old, "--dry-run")

    assert ending == ["Nothing was changed."]
    assert read_files(old) == before
    assert list(old.folder.glob("files-before-*")) == []
    assert upgrade(old)[0] == said


def test_a_second_run_changes_nothing(old: Installation) -> None:
    upgrade(old)
    after = read_files(old)

    said, ending = upgrade(old)

    assert sorted(said) == ["profiles/ours.yml", "profiles/region.yml"]
    assert ending == ["Nothing to do: the files are in the present layout."]
    assert read_files(old) == after
    assert len(list(old.folder.glob("files-before-*"))) == 1


def test_the_way_back_is_the_copy(old: Installation) -> None:
    before = read_files(old)
    upgrade(old)
    (old.folder / "partners" / "town.yml").write_text("extends: ours\ncontact: edited since\n")

    said, _ = upgrade(old, "--undo")

    assert (said["partners/town.yml"], said["profiles/town.yml"]) == ("removed", "is there again")
    assert read_files(old) == before
    (kept,) = old.folder.glob("files-before-undo-*")
    assert "edited since" in (kept / "partners" / "town.yml").read_text()
    assert upgrade(old, "--undo")[1][-1] == "Nothing to do."


def test_there_is_no_way_back_from_nothing(old: Installation) -> None:
    refused = old.run("upgrade", "--files", "--undo", check=False)
    assert (refused.returncode, "there is no copy from before an upgrade" in refused.stderr) == (2, True)
    refused = old.run("upgrade", "--undo", check=False)
    assert (refused.returncode, "--dry-run and --undo are for --files" in refused.stderr) == (2, True)


def test_a_file_in_which_something_is_wrong_stays_and_keeps_no_other(old: Installation) -> None:
    write_profile(old, "broken", "extends: ncip2\ncircelation: {}\n")

    said, _ = upgrade(old)

    assert said["profiles/broken.yml"].startswith("stays until this is fixed: profiles/broken.yml:2: circelation:")
    assert said["profiles/town.yml"] == "moved to partners/town.yml"


def test_a_name_that_a_partner_cannot_have_stays_a_profile(old: Installation) -> None:
    """A library is called so: the first part of an address would mean both."""
    write_profile(old, "demo", "extends: ncip2\n")

    said, _ = upgrade(old)

    assert said["profiles/demo.yml"] == "stays: library DEMO is called so, and addresses name libraries"
    assert (old.folder / "profiles" / "demo.yml").exists()


def test_of_several_libraries_each_keeps_its_partners(old: Installation) -> None:
    """Copies that name none were there to be extended alone."""
    for name in OWN:
        (old.folder / "profiles" / f"{name}.yml").unlink()
    write_profile(old, "seeberg", "library: NORTH\nextends: iso18626-2017\npartner: {symbols: [SEE]}\n")
    north = {"symbol": "NORTH", "name": "North", "system": {"type": "embedded"}}
    demo = {"symbol": "DEMO", "name": "Demo", "system": {"type": "embedded"}}
    old.change(libraries=[demo, north], tcp=[])
    values = show(old, "seeberg")

    said, _ = upgrade(old)

    assert said.pop("profiles/seeberg.yml") == "moved to partners/seeberg.yml"
    assert set(said.values()) == {"removed: an unchanged copy, in use by itself for nobody"}
    assert show(old, "seeberg") == values
    assert "library: NORTH\n" in (old.folder / "partners" / "seeberg.yml").read_text()
