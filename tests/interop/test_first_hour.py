"""What a new user does in the first hour, with the commands as they are printed, against a daemon of its own."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from lxml import etree

from adapters.ncip.wire_values import Version
from gateway.cli import main
from tests.bench import messages
from tests.support.answers import Watch, schema
from tests.support.daemon import Installation, free_port
from tests.support.looking import Nothing, exported, journal, library, look, tracebacks

ROOT = Path(__file__).parents[2]
PATRON = "21000000000017"
NEW_YEAR = "2099-12-31T23:59:00"

FAILURE = ("Problem", "Unknown", "Ineligible", "Item Not Checked Out", "Service is not known")
"""What the ILLiad addons search for in the text of an answer (facts/ncip.md section 2)."""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Only to be looked at."""
    return Installation.make_sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, answers: Watch | None) -> Iterator[Installation]:
    """With two partners more, who keep to the standard. At the end, whatever the daemon has answered must fit the
    schema, and its log must be quiet."""
    made = Installation.make_sample(tmp_path_factory.mktemp("first-hour"))
    for name in ("ncip1", "ncip2"):
        (made.folder / "partners" / f"{name}.yml").write_text(f"extends: {name}\n")
    made.change(tcp=[{"host": "127.0.0.1", "port": made.tcp_port, "profile": "ncip1"}])
    with made.serve_by_command():
        yield made
    if answers is not None:
        check_answers(made, answers.folder)
    log = made.log.read_text()
    assert tracebacks(made) == []
    assert PATRON not in log
    assert "Müller" not in log


def check_answers(made: Installation, specs: Path) -> None:
    rules = schema(specs, Version.V2_02)
    for row, body in exported(made, made.folder / "answers.jsonl", "--direction", "out"):
        if row["version"].startswith("2") and row["profile"]:
            assert rules.validate(etree.fromstring(body)), f"{rules.error_log}\n{body.decode()}"


def send(served: Installation, *words: str) -> str:
    """What `illgate send` shows. In this process, which is quicker; Nothing is raised unless its exit code is 0."""
    return look(served, "send", *words)


def newest(served: Installation) -> tuple[dict[str, Any], dict[str, Any]]:
    """The last question and its answer, as the journal lists them."""
    answer, question = journal(served)[:2]
    return question, answer


def facts(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def list_holds(installation: Installation, barcode: str) -> list[dict[str, Any]]:
    """The patron's holds of this item; other tests have left other ones."""
    return [hold for hold in library(installation, "patron", PATRON)["holds"] if hold["item_barcode"] == barcode]


# --- the first commands --------------------------------------------------------------------------------------


def test_init_says_who_and_what_can_be_tried_and_how_to_go_on(tmp_path: Path) -> None:
    said = CliRunner().invoke(main, ["init", str(tmp_path / "demo")], catch_exceptions=False).stdout

    assert "39 patrons" in said
    assert f"{PATRON}  in good standing" in said
    assert "'The Three-Body Problem' is record 1001, item 39000000000011" in said
    assert said.endswith(f"Next: illgate --config {tmp_path / 'demo' / 'gateway.yml'} serve\n")


def test_check_has_nothing_to_say(sample: Installation) -> None:
    assert look(sample, "check") == "no problems; 2 profiles, 0 examples run, 0 of them with their answer\n"


def test_the_daemon_is_ready(served: Installation) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{served.port}/readyz", timeout=10) as page:
        ready = json.load(page)

    assert ready["ready"]
    assert [part["name"] for part in ready["parts"]] == [
        "store",
        "store writing",
        "messages",
        "proxies",
        "profiles",
        f"listener http 127.0.0.1:{served.port}",
        f"listener tcp 127.0.0.1:{served.tcp_port} (ncip1)",
        "library DEMO",
    ]


def test_curl_as_the_page_says_it(served: Installation, tmp_path: Path) -> None:
    """The answer to a plain GET tells how to send a message; that line works as it is printed."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    with urllib.request.urlopen(f"http://127.0.0.1:{served.port}/ncip", timeout=10) as page:
        usage = page.read().decode()
    (line,) = [line for line in usage.splitlines() if line.strip().startswith("curl ")]
    (tmp_path / "message.xml").write_bytes(messages.lookup_user())

    words = shlex.split(line.replace("HOST:PORT/ncip", f"127.0.0.1:{served.port}/ncip/ncip2"))
    done = subprocess.run([*words, "--silent"], cwd=tmp_path, check=True, capture_output=True, text=True)

    assert "<ns1:LookupUserResponse>" in done.stdout
    assert "<ns1:Surname>Müller</ns1:Surname>" in done.stdout


def test_any_http_client_will_do(served: Installation) -> None:
    answer = etree.fromstring(served.post(messages.lookup_user()))

    assert answer.findtext(".//{*}UserIdentifierValue") == PATRON
    assert [row["service"] for row in newest(served)] == ["LookupUser", "LookupUser"]


def test_the_lines_of_the_readme(served: Installation, tmp_path: Path) -> None:
    """As printed, but for the place of the daemon and a password that isn't typed; those that send and look a second
    time, since whoever tries things does that."""
    readme = (ROOT / "README.md").read_text().replace("\\\n", " ")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) for line in block.splitlines()]
    calls = [
        shlex.split(line.strip().removeprefix(README_PROGRAM).removeprefix("illgate "))
        for line in lines
        if is_readme_call(line.strip())
    ]
    assert [call[2] for call in calls if call[0] == "send"] == ["accept-item", "check-out", "check-in", "lookup-user"]
    (account,) = [call for call in calls if call[:2] == ["user", "add"]]
    calls.remove(account)
    (tmp_path / "password.txt").write_text("a-long-one-that-nobody-guesses\n")

    look(served, *account, "--password-file", str(tmp_path / "password.txt"))
    answers = [look(served, *call) for call in calls * 2]
    outcomes = [row["outcome"] for row in journal(served, "--request", "ILL-1001", "--direction", "in")]
    assert outcomes == ["ok"] * len(outcomes)

    (shown,) = re.findall(r"```\n(AcceptItem: done\n.*?)```", readme, re.DOTALL)
    assert answers[0].splitlines()[:-1] == shown.splitlines()[:-1], "the last line has the time and the address"
    (shortcut,) = re.findall(r"^alias illgate='(.*)'$", readme, re.MULTILINE)
    assert f"{shortcut} " == README_PROGRAM


README_PROGRAM = ".venv/bin/illgate --config data/gateway.yml "


def is_readme_call(line: str) -> bool:
    return line.startswith(("illgate ", README_PROGRAM))


# --- an item's whole way, over HTTP --------------------------------------------------------------------------


def test_an_item_goes_its_whole_way(served: Installation) -> None:
    """AcceptItem, CheckOutItem, RenewItem, CheckInItem, DeleteItem, and what library and journal show after each."""
    accepted = served.run(
        "send", "ncip2", "accept-item", "--patron", PATRON, "--request", "ILL-2001",
        "--title", "The Three-Body Problem", "--pickup", "MAIN", "--raw",
    )  # fmt: skip
    assert "AcceptItem: done" in accepted.stdout
    raw = accepted.stdout.split("--- answer\n")[1].split("\n---\n")[0]
    assert "AcceptItemResponse" in raw
    assert [word for word in FAILURE if word in raw] == []
    item = library(served, "item", "ILL-2001")
    assert facts(item["item"], "status", "temporary", "hold_count") == ("in-transit", True, 1)
    assert facts(item, "request_id", "lender", "transit_to") == ("ILL-2001", "NCIP2", "MAIN")
    assert facts(item["bib"], "title", "suppressed") == ("The Three-Body Problem", True)
    (hold,) = list_holds(served, "ILL-2001")
    assert facts(hold, "item_barcode", "pickup", "status") == ("ILL-2001", "MAIN", "in-transit")
    question, answer = newest(served)
    assert facts(question, "direction", "profile", "service", "outcome") == ("in", "ncip2", "AcceptItem", "ok")
    assert facts(question, "request_id", "item_id", "transport") == ("ILL-2001", "ILL-2001", "http")
    assert facts(answer, "direction", "exchange", "status") == ("out", question["exchange"], 200)

    send(
        served, "ncip2", "check-out", "--patron", PATRON, "--item", "ILL-2001", "--request", "ILL-2001",
        "--due", "+1w",
    )  # fmt: skip
    item = library(served, "item", "ILL-2001")
    assert facts(item["item"], "status", "hold_count") == ("on-loan", 0)
    assert item["loan"]["renewals"] == 0
    assert list_holds(served, "ILL-2001") == []
    assert "ILL-2001" in {loan["item_barcode"] for loan in library(served, "patron", PATRON)["loans"]}
    assert facts(newest(served)[0], "service", "outcome", "request_id") == ("CheckOutItem", "ok", "ILL-2001")

    send(served, "ncip2", "renew", "--patron", PATRON, "--item", "ILL-2001")
    assert library(served, "item", "ILL-2001")["loan"]["renewals"] == 1
    assert facts(newest(served)[0], "service", "outcome") == ("RenewItem", "ok")

    send(served, "ncip2", "check-in", "--item", "ILL-2001")
    item = library(served, "item", "ILL-2001")
    assert item["loan"] is None
    assert facts(item["item"], "status", "current") == ("available", item["item"]["home"])  # waits to be sent back
    assert "ILL-2001" not in {loan["item_barcode"] for loan in library(served, "patron", PATRON)["loans"]}
    assert facts(newest(served)[0], "service", "outcome") == ("CheckInItem", "ok")

    send(served, "ncip2", "delete", "--item", "ILL-2001")
    with pytest.raises(Nothing, match="unknown-item"):
        library(served, "item", "ILL-2001")
    assert facts(newest(served)[0], "service", "outcome") == ("DeleteItem", "ok")
    services = [row["service"] for row in journal(served, "--item", "ILL-2001", "--direction", "in")]
    assert services == ["DeleteItem", "CheckInItem", "RenewItem", "CheckOutItem", "AcceptItem"]


def test_the_messages_of_a_real_addon(served: Installation, samples_folder: Path) -> None:
    """The four messages that the addon of VCU makes for a request borrowed and one lent."""
    for name, service in (
        ("accept-item", "AcceptItem"),
        ("check-in-item-borrowing", "CheckInItem"),
        ("check-out-item-lending", "CheckOutItem"),
        ("check-in-item-lending", "CheckInItem"),
    ):
        sent = (samples_folder / "ncip" / f"illiad-vcu-{name}.xml").read_bytes()
        answer = served.post(sent.replace(b"2026-12-31T23:59:00", NEW_YEAR.encode()), "illiad")
        if name != "check-in-item-borrowing":
            assert f"<ns1:{service}Response>" in answer.decode()
            assert [word for word in FAILURE if word in answer.decode()] == []
        if name == "accept-item":
            assert library(served, "item", "ILL-880001")["bib"]["title"] == "Über die Brücke and other tales"
    with pytest.raises(Nothing, match="unknown-item"):  # the addon sends no DeleteItem: its check-in ends the record
        library(served, "item", "ILL-880001")
    item = library(served, "item", "39000000000011")
    assert (item["loan"], item["item"]["status"], item["transit_to"]) == (None, "in-transit", "MAIN")  # on its way home


# --- the same in NCIP 1, over bare TCP -----------------------------------------------------------------------


def test_the_same_way_in_ncip_1_over_tcp(served: Installation) -> None:
    place = ("--tcp", f"127.0.0.1:{served.tcp_port}")

    accept = ("--patron", PATRON, "--request", "V-3302", "--title", "Kırmızı Saçlı Kadın")
    assert "AcceptItem: done" in served.run("send", "ncip1", "accept-item", *accept, *place).stdout
    item = library(served, "item", "V-3302")
    assert facts(item["item"], "status", "temporary") == ("in-transit", True)
    assert item["bib"]["title"] == "Kırmızı Saçlı Kadın"
    assert len(list_holds(served, "V-3302")) == 1
    question, answer = newest(served)
    assert facts(question, "profile", "service", "transport") == ("ncip1", "AcceptItem", "tcp")
    assert facts(answer, "version", "outcome", "status") == (question["version"], "ok", 0)

    for words, status, renewals in (
        (("check-out", "--patron", PATRON, "--due", "+1w"), "on-loan", 0),
        (("renew", "--patron", PATRON), "on-loan", 1),
        (("check-in",), "available", None),
    ):
        send(served, "ncip1", *words, "--item", "V-3302", *place)
        item = library(served, "item", "V-3302")
        assert item["item"]["status"] == status
        assert (item["loan"] or {}).get("renewals") == renewals
        assert facts(newest(served)[0], "item_id", "outcome", "transport") == ("V-3302", "ok", "tcp")

    send(served, "ncip1", "delete", "--item", "V-3302", *place)
    with pytest.raises(Nothing, match="unknown-item"):
        library(served, "item", "V-3302")


# --- when it does not work -----------------------------------------------------------------------------------


@pytest.fixture
def silent() -> Iterator[int]:
    """A port at which somebody listens and never answers: the system connects whom nobody has accepted."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_exit_codes_of_send_tell_causes_apart(served: Installation, silent: int) -> None:
    lookup = ("lookup-user", "--patron")
    settings = str(served.config)
    for code, words, config, call in (
        (0, "LookupUser: done", settings, ("ncip2", *lookup, PATRON)),
        (1, "refused (unknown-patron)", settings, ("ncip2", *lookup, "nobody")),
        (2, "did you mean ncip2?", settings, ("ncip3", *lookup, PATRON)),
        (3, "no such file", str(served.folder / "nowhere.yml"), ("ncip2", *lookup, PATRON)),
        (4, "not reached", settings, ("ncip2", *lookup, PATRON, "--tcp", f"127.0.0.1:{free_port()}")),
        (
            5,
            "no complete answer",
            settings,
            ("ncip2", *lookup, PATRON, "--tcp", f"127.0.0.1:{silent}", "--timeout", "1"),
        ),
    ):
        done = CliRunner().invoke(main, ["--config", config, "send", *call], catch_exceptions=False)
        assert (done.exit_code, words in done.output) == (code, True), done.output


def test_a_message_of_the_journal_is_shown_and_carried_out_again(served: Installation) -> None:
    """The hold shelf was cleared by mistake: the item's record is gone, and the message that made it is replayed."""
    accept = ("accept-item", "--patron", PATRON, "--request", "ILL-2002", "--title", "红楼梦", "--pickup", "NORTH")
    send(served, "illiad", *accept)
    first = newest(served)[0]["id"]
    shown = look(served, "journal", "show", first)
    assert f"<- AcceptItem  {first}" in shown
    assert "<ns1:Title>红楼梦</ns1:Title>" in shown
    assert "-> AcceptItem" in shown

    rehearsed = look(served, "replay", first, "--dry-run")
    assert "AcceptItem asks for AcceptItem" in rehearsed
    assert "红楼梦" in rehearsed
    assert f"It was carried out as {first}; the answer was:" in rehearsed
    assert newest(served)[0]["id"] == first  # a rehearsal leaves no trace

    again = served.run("replay", first).stdout
    assert again.startswith("ok\n")
    assert "AcceptItemResponse" in again
    question, _ = newest(served)
    assert facts(question, "replay_of", "transport", "outcome") == (first, "replay", "ok")
    assert library(served, "item", "ILL-2002")["item"]["hold_count"] == 1  # nothing is done twice
