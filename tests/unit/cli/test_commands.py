"""send, journal and replay against a daemon in a process of its own, as an operator types them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result

from gateway.cli import main
from tests.support.daemon import Installation

PATRON = "21000000000017"
Illgate = Callable[..., Result]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    named = ("ncip1", "ncip2", "illiad-alma", "illiad-aleph", "crosslink")
    made = Installation.make(tmp_path_factory.mktemp("commands"), profiles=named)
    with made.serve():
        yield made


@pytest.fixture
def illgate(installation: Installation) -> Illgate:
    def run(*arguments: str, **more: Any) -> Result:
        command = ["--config", str(installation.config), *arguments]
        return CliRunner().invoke(main, command, catch_exceptions=False, **more)

    return run


def identifier(illgate: Illgate, *filters: str) -> str:
    """Of the newest message that came in."""
    listed = illgate("journal", "list", "--direction", "in", "--json", "--limit", "1", *filters)
    found: str = json.loads(listed.stdout.splitlines()[0])["id"]
    return found


def accept(illgate: Illgate, request: str, *more: str, profile: str = "illiad-alma") -> Result:
    return illgate("send", profile, "accept-item", "--patron", PATRON, "--request", request, "--pickup", "MAIN", *more)


# --- send ----------------------------------------------------------------------------------------------------


def test_an_item_goes_its_whole_way(illgate: Illgate) -> None:
    steps = (
        illgate(
            "send",
            "ncip2",
            "accept-item",
            "--patron",
            PATRON,
            "--request",
            "ILL-1001",
            "--pickup",
            "MAIN",
            "--item",
            "ILL-1001",
            "--title",
            "The Three-Body Problem",
        ),
        illgate("send", "ncip2", "check-out", "--patron", PATRON, "--item", "ILL-1001", "--due", "+1w"),
        illgate("send", "ncip2", "renew", "--patron", PATRON, "--item", "ILL-1001"),
        illgate("send", "ncip2", "check-in", "--item", "ILL-1001"),
        illgate("send", "ncip2", "delete", "--item", "ILL-1001"),
    )

    assert [step.exit_code for step in steps] == [0] * 5, [step.output for step in steps]
    names = ("AcceptItem", "CheckOutItem", "RenewItem", "CheckInItem", "DeleteItem")
    assert [step.output.splitlines()[0] for step in steps] == [f"{name}: done" for name in names]
    assert re.search(r"^  DateDue: \d{4}-\d\d-\d\d 23:59 CES?T$", steps[1].output, re.MULTILINE)
    assert re.search(r"^\(\d+ ms, HTTP 200, http://127.0.0.1:\d+/ncip/ncip2\)$", steps[0].output, re.MULTILINE)


def test_the_same_in_version_1_over_tcp(illgate: Illgate, installation: Installation) -> None:
    sent = [
        illgate("send", "ncip1", *words, "--tcp")
        for words in (
            ("accept-item", "--patron", PATRON, "--request", "V1-7", "--title", "Кобзарь", "--pickup", "SCI"),
            ("check-out", "--patron", PATRON, "--item", "V1-7", "--due", "+1w"),
            ("renew", "--patron", PATRON, "--item", "V1-7"),
            ("check-in", "--item", "V1-7"),
            ("delete", "--item", "V1-7"),
        )
    ]

    assert [one.exit_code for one in sent] == [0] * 5, [one.output for one in sent]
    assert f"127.0.0.1:{installation.tcp_port})" in sent[0].output


def test_an_address_can_be_named(illgate: Illgate, installation: Installation) -> None:
    lookup = ("send", "ncip2", "lookup-user", "--patron", PATRON)
    by_url = illgate(*lookup, "--url", f"http://127.0.0.1:{installation.port}/ncip/ncip2/")
    by_tcp = illgate("send", "ncip1", "lookup-user", f"--patron={PATRON}", f"--tcp=127.0.0.1:{installation.tcp_port}")

    assert (by_url.exit_code, by_tcp.exit_code) == (0, 0)
    assert "Surname: Müller" in by_url.output


def test_raw_shows_both_messages(illgate: Illgate) -> None:
    shown = illgate("send", "ncip2", "lookup-user", "--patron", PATRON, "--raw").output

    assert re.search(r"--- to http.*\n<\?xml.*<ns1:LookupUser>", shown)
    assert re.search(r"--- answer\n<\?xml.*<ns1:LookupUserResponse>", shown)


def test_a_dry_run_sends_nothing(illgate: Illgate) -> None:
    before = illgate("journal", "list", "--json").stdout

    shown = illgate("send", "ncip2", "lookup-user", "--patron", PATRON, "--dry-run")

    assert shown.exit_code == 0
    assert "<ns1:LookupUser>" in shown.output
    assert illgate("journal", "list", "--json").stdout == before


def test_a_refusal_has_exit_code_1(illgate: Illgate) -> None:
    refused = illgate("send", "ncip2", "lookup-user", "--patron", "nobody")

    assert refused.exit_code == 1
    assert "LookupUser: refused (unknown-patron)" in refused.output
    assert "ProblemValue: nobody" in refused.output


def test_what_is_not_reached_has_exit_code_4(illgate: Illgate) -> None:
    lookup = ("send", "ncip2", "lookup-user", "--patron", PATRON)

    assert illgate(*lookup, "--url", "http://no-such-host.invalid/ncip").exit_code == 4
    assert illgate(*lookup, "--tcp", "no-such-host.invalid:99").exit_code == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("ncip2",), "--list"),
        (("ncip3", "lookup-user"), "did you mean ncip"),
        (("ncip2", "lookup-usr"), "did you mean lookup-user?"),
        (("ncip2", "lookup-user", "--patrn", "1"), "did you mean --patron?"),
        (("ncip2", "lookup-user"), "needs --patron or --input"),
        (("ncip2", "lookup-user", "--patron"), "--patron needs a value"),
        (("ncip2", "lookup-user", "--loans=yes"), "--loans takes no value"),
        (("ncip2", "accept-item", "--request", "R", "--title", "Three", "Body"), "'Body' is not an option"),
        (("ncip2", "accept-item", "--request", "R", "--due", "soon"), "--due: not a day"),
        (("ncip2", "lookup-user", "--patron", "1", "--url", "ncip.example"), "--url: not an http or https URL"),
        (("ncip2", "lookup-user", "--patron", "1", "--tcp", "somewhere"), "--tcp: not HOST:PORT"),
        (("ncip2", "lookup-user", "--patron", "1", "--tcp"), "no TCP listener for profile ncip2"),
        (("ncip2", "lookup-user", "--patron", "1", "--tcp", "a:1", "--url", "http://a"), "use either --url or --tcp"),
    ],
)
def test_wrong_usage_is_told_with_what_was_meant(illgate: Illgate, words: tuple[str, ...], message: str) -> None:
    wrong = illgate("send", *words)

    assert wrong.exit_code == 2
    assert message in wrong.output


def test_services_and_options_are_listed(illgate: Illgate) -> None:
    services = illgate("send", "illiad-alma", "--list").output
    options = illgate("send", "illiad-alma", "accept", "--list").output

    assert re.search(r"^check-out-item +Check out an item\. \(also: check-out, checkout\)$", services, re.MULTILINE)
    assert re.search(r"^  --request +number of the request; required; such as 'ILL-1001'$", options, re.MULTILINE)
    assert re.search(r"^  --due .*else in four weeks", options, re.MULTILINE)


def test_what_the_profiles_version_lacks_is_not_offered(illgate: Illgate) -> None:
    assert "lookup-item-set" in illgate("send", "ncip2", "--list").output
    assert "lookup-item-set" not in illgate("send", "ncip1", "--list").output


@pytest.mark.parametrize("name", ["send", "replay"])
def test_help_has_examples(illgate: Illgate, name: str) -> None:
    assert f"illgate {name} " in illgate(name, "--help").output.split("Examples:")[1]


def test_partners_are_told_the_library_of_the_settings(illgate: Illgate) -> None:
    told = illgate("send", "ncip2", "lookup-agency", "--element", "Organization Name Information")

    assert "Demonstration Library" in told.output


def test_a_defect_is_logged_without_the_values_at_hand(illgate: Illgate, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_role: object, surname: str = "Çelik") -> None:
        try:
            raise KeyError(surname)
        except KeyError:
            structlog.get_logger().exception("it failed")

    monkeypatch.setattr("rehearsal.send.send_command._format_service_list", lambda role, _service: [fail(role)])

    logged = illgate("send", "ncip2", "--list").stderr

    assert "it failed" in logged
    assert "KeyError" in logged
    assert "Çelik" not in logged


# --- journal -------------------------------------------------------------------------------------------------


def test_the_list_shows_messages_without_whom_they_are_about(illgate: Illgate) -> None:
    illgate("send", "ncip2", "lookup-user", "--patron", PATRON)

    listed = illgate("journal", "list", "--since", "1h", "--limit", "4")

    heading, answer, question = listed.output.splitlines()[:3]
    assert heading.split() == ["TIME", "PROFILE", "SERVICE", "OUTCOME", "REQUEST", "ITEM", "MS", "ID"]
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+0[12]00  out  ncip2 +LookupUser +ok .*-2$", answer)
    assert question.endswith("-1")
    assert PATRON not in listed.output


def test_the_list_is_filtered_and_goes_on_at_a_cursor(illgate: Illgate) -> None:
    for number in (1, 2):
        accept(illgate, f"LIST-{number}")
    filters = ("journal", "list", "--service", "AcceptItem", "--direction", "in", "--outcome", "ok", "--limit", "1")

    first = illgate(*filters)
    cursor = first.stderr.split()[-1]
    second = illgate(*filters, "--cursor", cursor)

    assert "LIST-2" in first.stdout
    assert "LIST-1" in second.stdout
    assert len(illgate("journal", "list", "--request", "LIST-1", "--json").stdout.splitlines()) == 2
    assert illgate("journal", "list", "--item", "no such thing").output == "no messages\n"
    assert illgate("journal", "list", "--since", "whenever").exit_code == 2
    assert illgate("journal", "list", "--until", "2020-01-01").output == "no messages\n"
    assert illgate("journal", "list", "--library", "ELSEWHERE").exit_code == 2


def test_a_message_is_shown_with_its_answer_indented(illgate: Illgate) -> None:
    accept(illgate, "SHOW-1", "--title", "Ночь & день")
    found = identifier(illgate, "--request", "SHOW-1")

    shown = illgate("journal", "show", found).output

    assert f"<- AcceptItem  {found}" in shown
    assert re.search(r"^   request: +SHOW-1$", shown, re.MULTILINE)
    assert re.search(r"^ +<ns1:Title>Ночь &amp; день</ns1:Title>$", shown, re.MULTILINE)
    assert "-> AcceptItem" in shown
    assert "<ns1:AcceptItemResponse>" in shown
    assert illgate("journal", "show", found.removesuffix("-1")).output == shown
    question, answer = map(json.loads, illgate("journal", "show", found, "--json").stdout.splitlines())
    assert (question["id"], question["request_id"], answer["direction"]) == (found, "SHOW-1", "out")
    assert "Ночь" in base64.b64decode(question["body_base64"]).decode()
    assert illgate("journal", "show", "nothing").exit_code == 2


def test_raw_shows_the_bytes_alone(illgate: Illgate) -> None:
    illgate("send", "illiad-aleph", "accept-item", "--patron", PATRON, "--request", "RAW-1", "--pickup", "MAIN")

    raw = illgate("journal", "show", identifier(illgate, "--request", "RAW-1"), "--raw")

    assert raw.stdout_bytes.startswith(b"%3CNCIPMessage")


def test_an_export_keeps_every_byte(illgate: Illgate, tmp_path: Path) -> None:
    accept(illgate, "EXPORT-1")
    lines, folder = tmp_path / "messages.jsonl", tmp_path / "messages"
    folder.mkdir()

    told = illgate("journal", "export", "--request", "EXPORT-1", "--to", str(lines))
    illgate("journal", "export", "--request", "EXPORT-1", "--to", str(folder))

    assert "2 messages written" in told.output
    assert {json.loads(line)["request_id"] for line in lines.read_text().splitlines()} == {"EXPORT-1"}
    assert lines.stat().st_mode & 0o077 == 0
    files = sorted(folder.iterdir())
    assert [file.suffix for file in files] == [".xml", ".xml"]
    assert files[0].read_bytes().startswith(b"<?xml")
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)
    assert illgate("journal", "export", "--to", str(lines)).exit_code == 2
    assert illgate("journal", "export", "--to", str(lines), "--force").exit_code == 0


# --- replay --------------------------------------------------------------------------------------------------


def test_a_dry_run_shows_what_would_be_done(illgate: Illgate) -> None:
    illgate("send", "ncip2", "check-out", "--patron", PATRON, "--item", "REPLAY-1", "--due", "2030-01-31")
    before = identifier(illgate)

    shown = illgate("replay", before, "--dry-run")

    assert shown.exit_code == 0
    assert "CheckOutItem asks for CheckOut" in shown.output
    assert re.search(r"^  item\n    value: REPLAY-1$", shown.output, re.MULTILINE)
    assert "depends on the library system" in shown.output
    assert identifier(illgate) == before


def test_a_pin_is_not_shown(illgate: Illgate) -> None:
    illgate("send", "ncip2", "renew", "--item", "1", "--input", f"Barcode Id={PATRON}", "--pin", "98765")

    shown = illgate("replay", identifier(illgate, "--service", "RenewItem"), "--dry-run").output

    assert "98765" not in shown
    assert "which is never stored" in shown


def test_a_replay_is_carried_out_and_kept(illgate: Illgate) -> None:
    illgate("send", "illiad-alma", "check-out", "--patron", PATRON, "--item", "REPLAY-2")
    failed = identifier(illgate, "--service", "CheckOutItem")
    accept(illgate, "REPLAY-2")

    done = illgate("replay", failed)

    assert done.exit_code == 0, done.output
    assert done.output.startswith("ok\n")
    assert "<ns1:CheckOutItemResponse>" in done.output
    assert f"replay of:    {failed}" in illgate("journal", "show", identifier(illgate)).output


def test_what_is_refused_or_cannot_be_replayed_has_exit_code_1(illgate: Illgate) -> None:
    illgate("send", "ncip2", "check-in", "--item", "not in the catalogue")
    found = identifier(illgate)

    assert illgate("replay", found).exit_code == 1
    assert illgate("replay", "nothing").exit_code == 2
    assert illgate("replay").exit_code == 2
    assert illgate("replay", found, "--outcome", "refused").exit_code == 2
    assert "finished by the gateway" in illgate("replay", "--outcome", "pending").output


@pytest.mark.parametrize("row", ["-1", "-2", ""])
def test_a_message_is_named_by_its_own_id_or_that_of_its_answer_or_of_both(illgate: Illgate, row: str) -> None:
    illgate("send", "ncip2", "lookup-user", "--patron", PATRON)
    found = identifier(illgate).removesuffix("-1")

    done = illgate("replay", f"{found}{row}")

    assert done.exit_code == 0, done.output
    assert f"replay of:    {found}-1" in illgate("journal", "show", identifier(illgate)).output


def test_all_that_a_filter_finds_is_counted_shown_and_carried_out(illgate: Illgate) -> None:
    for item in ("MANY-1", "MANY-2", "MANY-3"):
        illgate("send", "crosslink", "check-out", "--patron", PATRON, "--item", item)
    illgate("send", "crosslink", "renew", "--item", "MANY-1", "--input", f"Barcode Id={PATRON}", "--pin", "98765")
    for item in ("MANY-1", "MANY-2"):
        accept(illgate, item, "--item", item, "--title", "Шум дождя", profile="crosslink")
    which = ("replay", "--outcome", "refused", "--profile", "crosslink", "--since", "2h")
    before = identifier(illgate)

    shown = illgate(*which, "--dry-run")
    asked = illgate(*which, input="n\n")

    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("4 messages, ")
    assert re.search(r"^3 +crosslink +CheckOutItem +refused: unknown-item$", shown.output, re.MULTILINE)
    assert shown.output.count("asks for CheckOut") == 3
    assert shown.output.count("can't be replayed: it needs the patron's PIN") == 1
    assert "Replay 4 messages? [y/N]" in asked.output
    assert asked.exit_code == 1
    assert identifier(illgate) == before, "nothing was done"

    done = illgate(*which, "--yes")

    assert done.exit_code == 1, done.output
    assert done.output.splitlines()[-1] == "2 ok, 1 refused, 1 can't be replayed"
    ended = re.findall(r"-1  CheckOutItem  (\w+)", done.output)
    assert ended == ["ok", "ok", "refused"], "in the order in which they came"
    again = illgate(*which, "--dry-run")
    assert again.output.startswith("2 messages, ")
    assert "2 more have been replayed since and are skipped" in again.output
    assert illgate(*which, "--item", "no such thing").output == "0 messages\n"
