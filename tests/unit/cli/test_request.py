"""`illgate request`, as staff type it: from the patron's wish to the book's return, and what is said when it can't."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.library.embedded.system import EmbeddedLibrary
from demo.world import COPY
from gateway.cli import main
from gateway.domain.problems import Unavailable
from tests.support.daemon import Installation
from tests.support.yaml_files import write_yaml_file
from tests.unit.cli.conftest import Typed, document, documents, number_of, typed

ANA = "21000000000025"

_COUNT = itertools.count(1)


def wish(desk: Typed, *more: str) -> str:
    """A new request of Ana for a book that nobody else asks for; its number."""
    title = f"Кобзарь, том {next(_COUNT)}"
    return number_of(desk("request", "create", "--patron", ANA, "--title", title, "--author", "Шевченко, Тарас", *more))


def asked_by_telephone(desk: Typed, *more: str) -> str:
    return number_of(desk("request", "lend-to", "seeberg", "--title", f"Der Zauberberg {next(_COUNT)}", *more))


def state(desk: Typed, number: str) -> str:
    found: str = document(desk("request", "show", number, "--json"))["request"]["state"]
    return found


# --- a whole way ---------------------------------------------------------------------------------------------


def test_a_loan_goes_its_whole_way(desk: Typed) -> None:
    number = wish(desk, "--type", "book", "--isbn", "978-3-16-148410-0", "--max-cost", "20 EUR")

    steps = [
        desk("request", "act", number, "approve", "--note", "looked at"),
        desk("outbox", "run"),
        desk("request", "act", number, "received", "--barcode", f"TMP-{number}"),
        desk("request", "act", number, "loaned-to-patron"),
        desk("request", "act", number, "returned-by-patron"),
        desk("request", "act", number, "returned", "--note", "mit Dank"),
    ]

    assert [step.exit_code for step in steps] == [0] * 6, [step.output for step in steps]
    assert [steps[n].stdout.splitlines()[0] for n in (0, 2, 3, 4, 5)] == [
        f"{number}: {state}" for state in ("sourcing", "received (in-transit)", "lent", "back", "returned")
    ]
    shown = document(desk("request", "show", number, "--json"))
    assert shown["request"]["attempts"][0]["partner"] == "seeberg"
    assert shown["request"]["volumes"][0]["barcode"] == f"TMP-{number}"
    assert [line["actor"] for line in shown["history"]] == ["staff:ada", "staff:ada", "rule", *["staff:ada"] * 4]


def test_lending_by_telephone(desk: Typed) -> None:
    number = asked_by_telephone(desk, "--transaction", f"SEE/{next(_COUNT)}")
    desk("outbox", "run")
    barcode = document(desk("library", "items", "--json", "--limit", "1"))["barcode"]

    steps = [
        desk("request", "act", number, "located", "--barcode", barcode),
        desk("request", "act", number, "will-supply", "--cost", "12.50", "--conditions", "library-use-only"),
        desk("request", "act", number, "shipped", "--due", "2027-02-01"),
        desk("request", "act", number, "checked-in"),
    ]

    assert [step.exit_code for step in steps] == [0] * 4, [step.output for step in steps]
    assert f"barcode: {barcode}\n" in steps[2].stdout
    assert "due at lender: 2027-02-01" in steps[2].stdout
    request = document(desk("request", "show", number, "--json"))["request"]
    assert request["state"] == "completed"
    assert request["costs"]["offered"] == {"amount": "12.50", "currency": "EUR"}
    assert request["terms"]["conditions"] == ["library-use-only"]


def test_what_is_to_be_fetched_is_shown_with_its_place_and_where_it_is_to_go(desk: Typed) -> None:
    number = asked_by_telephone(desk)
    desk("outbox", "run")
    found = documents(desk("library", "items", "--json", "--limit", "5"))
    item = next(one for one in found if one["status"] == "available" and one["call_number"])
    barcode, call_number = item["barcode"], item["call_number"]
    assert desk("request", "act", number, "located", "--barcode", barcode).exit_code == 0

    shown = desk("request", "show", number).stdout
    document_shown = document(desk("request", "show", number, "--json"))
    listed = desk("request", "list", "--task", "to-pull").stdout.splitlines()
    lines = [json.loads(line) for line in desk("request", "list", "--task", "to-pull", "--json").stdout.splitlines()]

    address = ["deliver to:      Fernleihe", *(" " * 17 + line for line in ("Dorfplatz 3", "3365 Seeberg", "Schweiz"))]
    assert "".join(f"  {line}\n" for line in address) in shown
    assert f"  its call no.:    {call_number}\n" in shown
    copy = document_shown["located_copy"]
    assert (copy["barcode"], copy["call_number"], copy["problem"]) == (barcode, call_number, "")
    assert copy["branch"]
    assert copy["place"]
    assert f"  its place:       {copy['place']} ({copy['branch']} {copy['shelf']}), available\n" in shown
    assert listed[0].split()[:5] == ["NUMBER", "ITEM", "CALL", "NUMBER", "PLACE"]
    (row,) = [line for line in listed if number in line]
    assert barcode in row
    assert call_number in row
    assert copy["place"] in row
    (line,) = [line for line in lines if line["number"] == number]
    assert line["located_copy"] == copy


def test_a_copy_is_attached_cleared_and_delivered(desk: Typed, tmp_path: Path) -> None:
    scan = tmp_path / "尋問.pdf"
    scan.write_bytes(COPY)
    number = asked_by_telephone(desk, "--service", "copy", "--type", "article", "--part-title", "Über Fernleihe")

    kept = desk("request", "attach", number, str(scan), "--pages", "17")
    early = desk("request", "act", number, "copy-delivered", "--attachment", scan.name)
    steps = [
        desk("request", "act", number, "digitised", "--attachment", scan.name),
        desk("request", "act", number, "cleared", "--reason", "UK-FairDealing"),
        desk("request", "act", number, "copy-delivered", "--attachment", scan.name),
    ]

    assert kept.exit_code == 0, kept.output
    assert early.exit_code == 1
    assert [step.exit_code for step in steps] == [0] * 3, [step.output for step in steps]
    assert state(desk, number) == "completed"


def test_what_is_no_scan_is_not_kept(desk: Typed, tmp_path: Path) -> None:
    number = asked_by_telephone(desk)
    page = tmp_path / "scan.pdf"
    page.write_text("<html>")

    done = desk("request", "attach", number, str(page))

    assert done.exit_code == 2
    assert "unknown file type" in done.stderr


def test_a_scan_is_kept_under_a_plain_name(desk: Typed, tmp_path: Path) -> None:
    number = asked_by_telephone(desk)
    page = tmp_path / "scan.pdf"
    page.write_bytes(COPY)

    done = desk("request", "attach", number, str(page), "--name", "../../chapter\u202efdp.exe")

    assert done.exit_code == 0, done.output
    (file,) = document(desk("request", "show", number, "--json"))["request"]["attachments"]
    assert file["name"] == "chapterfdp.pdf"


# --- what is refused -----------------------------------------------------------------------------------------


def test_it_is_closed_with_its_true_ending(desk: Typed) -> None:
    number = wish(desk)
    wrong = desk("request", "act", number, "close", "--ending", "lost-interest")
    done = desk("request", "act", number, "close", "--ending", "obtained-elsewhere")

    assert wrong.exit_code == 2
    assert "'own-stock', 'obtained-elsewhere'" in wrong.stderr
    assert done.exit_code == 0, done.output
    told = document(desk("request", "show", number, "--json"))["request"]
    assert (told["state"], told["ending"]) == ("cancelled", "obtained-elsewhere")


def test_what_the_state_does_not_allow_is_told_with_what_it_does(desk: Typed) -> None:
    number = wish(desk)

    done = desk("request", "act", number, "loaned-to-patron")

    assert done.exit_code == 1
    assert "'loaned-to-patron' is not possible while the request is in state 'review'" in done.stderr
    assert "Possible now: approve, edit, assign" in done.stderr
    assert state(desk, number) == "review"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("unfilled",), "Missing option --reason"),
        (("approve", "--reason", "other"), "No such option --reason"),
        (("assign",), "Error: at least one of these is needed: --partner, --rota"),
        (("edit",), "Error: at least one of these is needed: --title and the like, --need-by, --maximum-cost,"),
        (("aprove",), "No such command aprove. Did you mean approve?"),
        (("retry", "--retry-after", "soon"), "--retry-after: soon: not a day such as 2027-03-31"),
        (("renew", "--due", "31.3.2027"), "--due: 31.3.2027: not a day or time such as 2027-03-31"),
        (("renew", "--due", "2027"), "--due: 2027: not a day or time"),
        (("edit", "--need-by", "1798761600"), "--need-by: 1798761600: not a day"),
        (("message", "--note", "x", "--return-on-hold", "perhaps"), "perhaps is not a valid boolean"),
        (("patron-answered", "--answer", "maybe"), "maybe is not one of yes, no"),
        (("will-supply", "--cost", "1.2.3"), "--cost: 1.2.3: not an amount such as 20 EUR"),
        (("edit", "--identifier", "123456"), "--identifier: 123456: not TYPE:NUMBER"),
        (("edit", "--identifier", "o clc:1"), "--isbn, --issn, --doi or --identifier: "),
        (("digitised", "--attachment", "scan.pdf"), "--attachment scan.pdf: the request has no such file"),
    ],
)
def test_wrong_options_are_explained(desk: Typed, words: tuple[str, ...], message: str) -> None:
    number = wish(desk)

    done = desk("request", "act", number, *words)

    assert done.exit_code == 2, done.output
    assert message in done.stderr.replace("'", "")


@pytest.mark.parametrize(
    ("role", "words", "field", "value"),
    [
        ("borrowing", ("edit", "--pickup", "SCI"), "pickup", "SCI"),
        ("borrowing", ("assign", "--partner", "kyoto"), "partner", "kyoto"),
        ("borrowing", ("assign", "--rota", "usual"), "rota", "usual"),
        ("borrowing", ("edit", "--maximum-cost", "7EUR"), "maximum_cost", {"amount": "7", "currency": "EUR"}),
        ("lending", ("message", "--note", "x", "--return-on-hold", "yes"), "return_on_hold", True),
        ("lending", ("unfilled", "--reason", "on-loan"), "reason", "on-loan"),
        ("lending", ("will-supply", "--expected", "20300131"), "expected", "2030-01-31"),
    ],
)
def test_each_kind_of_field_reaches_the_history(
    desk: Typed, role: str, words: tuple[str, ...], field: str, value: object
) -> None:
    number = wish(desk) if role == "borrowing" else asked_by_telephone(desk)

    done = desk("request", "act", number, *words)

    assert done.exit_code == 0, done.output
    history = document(desk("request", "show", number, "--json"))["history"]
    assert [line["details"][field] for line in history if line["event"] == words[0]] == [value]


def test_a_question_to_the_patron_is_answered(desk: Typed) -> None:
    number = wish(desk)
    desk("request", "act", number, "patron-asked", "--reason", "wanted", "--note", "Still needed?")

    done = desk("request", "act", number, "patron-answered", "--answer", "no")

    assert done.exit_code == 0, done.output
    request = document(desk("request", "show", number, "--json"))["request"]
    assert request["query"]["answer"] == "no"


@pytest.mark.parametrize(("due", "moment"), [("2027-02-01T18:00", "2027-02-01T17:00:00Z"), ("2027-02-01", None)])
def test_a_moment_without_an_offset_is_the_librarys(desk: Typed, due: str, moment: str | None) -> None:
    number = wish(desk, "--partner", "seeberg", "--no-review")
    desk("outbox", "run")

    desk("request", "act", number, "received", "--due", due)

    terms = document(desk("request", "show", number, "--json"))["request"]["terms"]
    assert terms["lender_due"] == (moment or due)


def test_help_lists_all_actions_with_their_fields(desk: Typed) -> None:
    helped = " ".join(desk("request", "act", "--help").stdout.split())

    assert "unfilled --reason WORD [--note TEXT]" in helped
    assert "Barcode of the item." in desk("request", "act", "B1", "shipped", "--help").stdout


def test_a_number_that_does_not_exist(desk: Typed) -> None:
    done = desk("request", "show", "B1999-00001")

    assert done.exit_code == 2
    assert "request not found" in done.stderr


def test_nothing_is_done_to_another_version_than_was_seen(desk: Typed) -> None:
    number = wish(desk)
    version = document(desk("request", "show", number, "--json"))["request"]["version"]
    desk("request", "act", number, "note", "--note", "seen")

    done = desk("request", "act", number, "approve", "--version", str(version))

    assert done.exit_code == 1
    assert f"it is at version {version + 1} now" in done.stderr
    assert state(desk, number) == "review"


def test_rules_of_intake_count_unless_overridden(desk: Typed) -> None:
    again = ("request", "create", "--patron", ANA, "--title", "ვეფხისტყაოსანი", "--author", "რუსთაველი")
    assert desk(*again).exit_code == 0

    refused = desk(*again)
    taken = desk(*again, "--override")

    assert refused.exit_code == 1
    assert refused.stderr.startswith("duplicate-request: ")
    assert taken.exit_code == 0
    assert "  warning: " in taken.stdout


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--patron", "29999999999999", "--title", "Faust"), 1, "unknown-patron: "),
        (("--patron", ANA, "--title", "Faust", "--need-by", "soon"), 2, "--need-by: soon: not a day"),
        (("--patron", ANA, "--title", "Faust", "--max-cost", "a lot"), 2, "--max-cost: a lot: not an amount"),
        (("--title", "Faust", "--pickup", "MAIN"), 2, "--pickup requires --patron"),
        (("--patron", ANA, "--title", "x" * 501), 2, "--title: String should have at most 500 characters"),
    ],
)
def test_what_cannot_be_made(desk: Typed, words: tuple[str, ...], code: int, message: str) -> None:
    done = desk("request", "create", *words)

    assert done.exit_code == code, done.output
    assert message in done.stderr.replace("Invalid value for ", "")


def test_a_reader_of_another_library_is_lent_to_where_its_profile_says_so(desk: Typed) -> None:
    reader = ("--reader", "S-0042", "--reader-name", "Żeromska, Ewa")

    done = desk("request", "lend-to", "seeberg", "--title", "Faust", *reader)

    assert done.exit_code == 1
    assert done.stderr.startswith("not-allowed: Items are lent to the requesting library")


def test_a_reader_needs_a_name(desk: Typed) -> None:
    done = desk("request", "lend-to", "seeberg", "--title", "Faust", "--reader", "S-0042")

    assert done.exit_code == 2
    assert "--reader needs --reader-name 'SURNAME, GIVEN'" in done.stderr


def test_a_library_that_is_away_gets_the_act_later(desk: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_arguments: object, **_more: object) -> None:
        raise Unavailable("no answer")

    number = wish(desk, "--partner", "seeberg", "--no-review")
    desk("outbox", "run")
    with monkeypatch.context() as patched:
        patched.setattr(EmbeddedLibrary, "create_temporary_item", away)
        done = desk("request", "act", number, "received")

    assert done.exit_code == 4
    assert done.stderr.strip() == (
        "the library system cannot do this now; it will be retried (unavailable (1): no answer)"
    )
    assert state(desk, number) == "requested"
    shown = desk("request", "show", number)
    (step,) = [line for line in shown.stdout.splitlines() if "library desk:received" in line]
    assert step.split()[2] == "waiting"
    assert step.endswith("unavailable (1): no answer")


# --- changing ------------------------------------------------------------------------------------------------


def test_a_citation_is_corrected_in_parts(desk: Typed) -> None:
    number = wish(desk, "--isbn", "3-16-148410-0", "--identifier", "oclc:77")

    done = desk(
        "request", "act", number, "edit", "--isbn", "9783103481280", "--pages", "3-9", "--need-by", "2027-03-31"
    )

    assert done.exit_code == 0, done.output
    request = document(desk("request", "show", number, "--json"))["request"]
    assert request["citation"]["author"] == "Шевченко, Тарас"
    assert request["citation"]["pages"] == "3-9"
    assert {one["type"]: one["value"] for one in request["citation"]["identifiers"]} == {
        "oclc": "77",
        "isbn": "9783103481280",
    }
    assert request["dates"]["need_by"] == "2027-03-31"


def test_a_rota_is_ordered_by_hand(desk: Typed) -> None:
    number = wish(desk)

    ordered = desk("request", "reorder", number, "kyoto", "seeberg", "kyoto")
    skipped = desk("request", "skip", number, "kyoto", "--why", "on holiday")
    again = desk("request", "skip", number, "kyoto")

    assert ordered.stdout.splitlines() == ["waiting  kyoto  (manually)", "waiting  seeberg  (manually)"]
    assert skipped.stdout.splitlines() == ["skipped  kyoto  (on holiday)", "waiting  seeberg  (manually)"]
    assert again.exit_code == 2
    assert "rota line not found" in again.stderr


# --- looking -------------------------------------------------------------------------------------------------


def test_a_request_is_shown_without_the_patrons_name(desk: Typed) -> None:
    number = wish(desk, "--type", "book", "--published", "1840", "--note", "дуже терміново")
    name = document(desk("library", "patron", ANA, "--json"))["patron"]["name"]

    shown = desk("request", "show", number).stdout

    assert shown.startswith(f"{number}  borrowing, review\n")
    for line in (f"  patron:          {ANA} (", "  published:       1840", "staff:ada: дуже терміново"):
        assert line in shown
    assert "\nPossible actions" in shown
    assert "\n  assign [--partner PROFILE] [--rota NAME] [--note TEXT]\n" in shown
    everything = shown + desk("request", "show", number, "--json").stdout + desk("request", "list").stdout
    assert name["surname"] not in everything
    assert name["given"] not in everything


def test_what_a_partner_is_not_told_of_is_said_beforehand(own: Installation) -> None:
    profile = {"extends": "bldss", "partner": {"symbols": ["LOCAL:BSPA"], "name": "Boston Spa"}}
    write_yaml_file(own.folder / "profiles" / "boston.yml", profile)
    desk = typed(own)
    number = wish(desk, "--partner", "boston", "--no-review")
    desk("outbox", "run")

    shown = desk("request", "show", number).stdout

    assert (
        "\n      Boston Spa was not told because 'message' cannot be sent by artemail. Please write or phone.\n"
        in shown
    )


def test_lists_are_filtered(desk: Typed) -> None:
    one, other = wish(desk), asked_by_telephone(desk)
    closed = wish(desk)
    desk("request", "act", closed, "cancel")

    def listed(*words: str) -> set[str]:
        lines = desk("request", "list", "--limit", "200", *words).stdout.splitlines()
        return {line.split()[0] for line in lines} & {one, other, closed}

    assert listed() == {one, other}
    assert listed("--all") == {one, other, closed}
    assert listed("--role", "lending") == {other}
    assert listed("--state", "cancelled") == {closed}
    assert listed("--task", "awaiting-review") == {one}
    assert listed("--partner", "seeberg", "--role", "lending") == {other}
    assert listed("--text", one) == {one}


def test_a_request_is_shown_by_whatever_leads_to_it_alone(desk: Typed) -> None:
    number = number_of(
        desk("request", "create", "--patron", ANA, "--title", "Salz und Wege", "--isbn", "9780306406157")
    )
    lent = number_of(desk("request", "lend-to", "seeberg", "--title", "Salzwege im Norden", "--transaction", "SB-77/4"))

    def shown(text: str) -> str:
        done = desk("request", "show", text)
        assert done.exit_code == 0, done.output
        return done.stdout.split()[0]

    assert [shown(text) for text in (number.lower(), "0-306-40615-2", "wege salz")] == [number] * 3
    assert [shown(text) for text in ("sb 77 4", "salzwege")] == [lent] * 2

    several = desk("request", "show", "salz")
    assert several.exit_code == 2
    assert "several requests have it" in several.stderr
    assert number in several.stderr
    assert lent in several.stderr
    assert "request not found" in desk("request", "show", "Pfeffer").stderr
    found = desk("request", "list", "--find", "salz", "--json").stdout.splitlines()
    assert {json.loads(line)["number"] for line in found} == {number, lent}


def test_what_is_done_needs_a_number_of_the_request(desk: Typed) -> None:
    number = number_of(desk("request", "create", "--patron", ANA, "--title", "Pfade im Nebel"))
    assert "request not found" in desk("request", "act", ANA, "cancel").stderr
    assert f"'pfade nebel' finds {number} (Pfade im Nebel)" in desk("request", "act", "pfade nebel", "cancel").stderr
    assert state(desk, number) == "review"


def test_requests_are_marked_for_those_who_see_to_them(desk: Typed) -> None:
    one, other = wish(desk), wish(desk)
    version = document(desk("request", "show", one, "--json"))["request"]["version"]

    assert desk("request", "assign", one, "Ruth Okafor").stdout == f"{one}: Ruth Okafor\n"
    assert desk("request", "label", one, "rush", "Raum  B").stdout == f"{one}: rush, Raum B\n"
    assert desk("request", "label", one, "--remove", "rush").stdout == f"{one}: Raum B\n"
    shown = desk("request", "show", one).stdout
    assert "  assigned to:     Ruth Okafor\n" in shown
    assert "  labels:          Raum B\n" in shown
    assert document(desk("request", "show", one, "--json"))["request"]["version"] == version

    def listed(*words: str) -> set[str]:
        lines = desk("request", "list", "--limit", "200", *words).stdout.splitlines()
        return {line.split()[0] for line in lines} & {one, other}

    assert listed("--assignee", "Ruth Okafor") == listed("--label", "Raum B") == {one}
    assert listed("--unassigned") == {other}
    assert desk("request", "assign", one).stdout == f"{one}: not assigned\n"
    assert "40 printable characters" in desk("request", "label", one, "x" * 41).stderr


def test_a_list_goes_on_at_its_cursor(desk: Typed) -> None:
    wish(desk), wish(desk)

    first = desk("request", "list", "--limit", "1", "--json")
    cursor = first.stderr.strip().removeprefix("more: --cursor ")
    second = desk("request", "list", "--limit", "1", "--json", "--cursor", cursor)

    assert document(first)["number"] != document(second)["number"]
    assert desk("request", "list", "--cursor", "nonsense").exit_code == 2


def test_who_did_it(desk: Typed) -> None:
    number = wish(desk, "--as", "benoît")
    desk("request", "act", number, "note", "--note", "x", env={"ILLGATE_STAFF": None, "LOGNAME": "chiyo"})

    actors = [line["actor"] for line in document(desk("request", "show", number, "--json"))["history"]]
    assert actors == ["staff:benoît", "staff:chiyo"]


@pytest.mark.parametrize("name", ["list", "show", "create", "lend-to", "act", "attach"])
def test_help_needs_no_installation(name: str) -> None:
    done = CliRunner().invoke(main, ["--config", "nowhere.yml", "request", name, "--help"], catch_exceptions=False)

    assert done.exit_code == 0
    assert done.stdout.startswith("Usage: ")


# --- what can't be ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--pickup", "NOWHERE"), "bad-pickup-location: Pickup location not found. (NOWHERE)"),
        (("--need-by", "2020-02-29"), "invalid-date: The needed-by date is in the past. (2020-02-29)"),
    ],
)
def test_an_edit_is_refused_as_a_new_request_would_be(desk: Typed, options: tuple[str, ...], why: str) -> None:
    number = wish(desk)
    before = document(desk("request", "show", number, "--json"))["request"]

    done = desk("request", "act", number, "edit", *options, "--note", "by telephone")

    assert (done.exit_code, done.stderr.strip()) == (1, why)
    assert document(desk("request", "show", number, "--json"))["request"] == before


def test_words_that_find_a_request_name_it_and_do_nothing(desk: Typed) -> None:
    number = wish(desk, "--isbn", "978-2-07-036002-4")

    done = desk("request", "act", "9782070360024", "approve")

    assert done.exit_code == 2
    assert f"'9782070360024' finds {number} (" in done.stderr
    assert state(desk, number) == "review"
