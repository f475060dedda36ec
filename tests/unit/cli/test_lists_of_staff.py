"""`illgate partner`, `rota` and `task`."""

from __future__ import annotations

import re

from tests.support.daemon import Installation
from tests.unit.cli.conftest import Typed, document, number_of, typed

ANA = "21000000000025"


def test_partners_with_what_is_open(own: Installation) -> None:
    desk = typed(own)
    number_of(desk("request", "lend-to", "ISIL:CH-SEE", "--title", "Heidi"))

    listed = desk("partner", "list").stdout.splitlines()
    shown = desk("partner", "show", "seeberg").stdout

    assert listed[0].split()[:2] == ["PROFILE", "SYMBOL"]
    assert [line.split()[0] for line in listed[1:]] == ["kyoto", "mute", "nordviken", "seeberg"]
    assert listed[-1].endswith("Bibliothek Seeberg")
    assert "  asked by it:     1 open\n" in shown
    assert "  costs:           8 EUR\n" in shown
    assert "  telephone:       +41 31 555 01 17\n" in shown
    assert "network:" not in shown
    assert document(desk("partner", "show", "seeberg", "--json"))["symbols"] == ["ISIL:CH-SEE"]
    assert "none: it can't be asked" in desk("partner", "show", "mute").stdout


def test_a_member_of_the_network_that_says_nothing(own: Installation) -> None:
    profile = own.folder / "profiles" / "mute.yml"
    profile.write_text(profile.read_text() + "  network: {url: 'http://127.0.0.1:1', key: 'env:ILLGATE_NO_SUCH_KEY'}\n")
    desk = typed(own)

    shown = desk("partner", "show", "mute")
    listed = desk("partner", "list")

    assert "  network:         member, it has not reported: its key can't be read\n" in shown.stdout
    assert "network.member_not_responding" in listed.stderr
    assert "BY OTHERS" in listed.stdout


def test_what_is_no_partner(desk: Typed) -> None:
    done = desk("partner", "show", "ncip2")

    assert done.exit_code == 2
    assert "partner not found" in done.stderr


def test_rotas(desk: Typed) -> None:
    assert "usual  ranked  nordviken, kyoto, seeberg  in our network" in desk("rota", "list").stdout
    assert desk("rota", "show", "usual").stdout.splitlines() == [
        "usual (ranked)  in our network",
        "  nordviken",
        "  kyoto  (last resort)",
        "  seeberg",
    ]
    assert desk("rota", "show", "none").exit_code == 2


def test_a_rota_is_explained_and_nothing_is_changed_by_it(desk: Typed) -> None:
    number = number_of(desk("request", "create", "--patron", ANA, "--title", "Peer Gynt"))
    before = document(desk("request", "show", number, "--json"))

    told = desk("rota", "explain", number).stdout.splitlines()

    assert told[0].startswith("rota usual (ranked, as the rules would give it); ")
    assert [line.split("  ")[0] for line in told[2:]] == ["seeberg", "kyoto", "nordviken"]
    assert "would be asked next  owns: listed" in told[2]
    assert "costs 8 EUR +4" in told[2]
    assert "after that" in told[3]
    assert "last resort" in told[3]
    assert "does not own it" in told[4]
    assert document(desk("request", "show", number, "--json")) == before


def test_the_explanation_is_what_the_search_then_does(desk: Typed) -> None:
    number = number_of(desk("request", "create", "--patron", ANA, "--title", "Brand", "--no-review"))
    would = desk("rota", "explain", number).stdout.splitlines()[2].split()[0]

    desk("outbox", "run")

    asked = document(desk("request", "show", number, "--json"))["request"]["attempts"][0]["partner"]
    assert asked == would == "seeberg"
    after = [line for line in desk("rota", "explain", number).stdout.splitlines()[2:] if line]
    assert "would be asked next" in after[0]
    assert after[0].startswith("kyoto")
    assert [line.split("  ")[0] for line in after if "was asked" in line] == ["seeberg"]


def test_whom_staff_named_comes_first(desk: Typed) -> None:
    number = number_of(desk("request", "create", "--patron", ANA, "--title", "Gengangere"))
    desk("request", "act", number, "assign", "--rota", "usual", "--partner", "nordviken")
    lines = document(desk("request", "show", number, "--json"))["request"]["rota"]

    told = desk("rota", "explain", number).stdout.splitlines()

    assert lines[0]["partner"] == "nordviken"
    assert told[2].startswith("nordviken")
    assert "manually" in told[2]


def test_a_lending_request_asks_nobody(desk: Typed) -> None:
    done = desk("rota", "explain", number_of(desk("request", "lend-to", "seeberg", "--title", "Bambi")))

    assert done.exit_code == 1
    assert done.stderr == "not-allowed: This is a lending request.\n"


def test_tasks_are_counted_and_listed(desk: Typed) -> None:
    number = number_of(desk("request", "create", "--patron", ANA, "--title", "Kalevala"))

    counted = {line.split()[0]: line.split() for line in desk("task", "list").stdout.splitlines()}
    listed = desk("task", "show", "awaiting-review").stdout

    assert counted["awaiting-review"][1] == "borrowing"
    assert int(counted["awaiting-review"][2]) == len(listed.splitlines()) - 1
    assert number in listed
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", counted["awaiting-review"][3]), "since when the oldest waits"
    assert "overdue-out" not in counted
    assert "overdue-out" in desk("task", "list", "--all").stdout


def test_a_task_that_does_not_exist(desk: Typed) -> None:
    assert "did you mean 'to-receive'?" in desk("task", "show", "to-recieve").stderr
    assert "illgate outbox list" in desk("task", "show", "dead-letters").stderr
