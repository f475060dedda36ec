"""koha-ncip: what we send to Koha's NCIP server, and its answers as they were seen (docs/facts/ils-backends.md 1.6)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from lxml import etree

from gateway.cli import main
from tests.support.paths import ROOT
from tests.support.yaml_files import write_yaml_file

NCIP = "{http://www.niso.org/2008/ncip}"
HEAD = '<?xml version="1.0" encoding="UTF-8"?><NCIPMessage xmlns="http://www.niso.org/2008/ncip" version="http://www.niso.org/schemas/ncip/v2_0/imp1/xsd/ncip_v2_0.xsd">'
REFUSED = (
    f"{HEAD}<LookupUserResponse><Problem><ProblemType>{{}}</ProblemType><ProblemDetail>{{}}</ProblemDetail>"
    "<ProblemElement>{}</ProblemElement><ProblemValue>{}</ProblemValue></Problem></LookupUserResponse></NCIPMessage>"
)


class Koha:
    """Answers as it is told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer = ""
        self.asked: list[tuple[str, str, bytes]] = []
        koha = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                koha.asked.append((self.path, self.headers["Content-Type"], body))
                self.send_response(200)
                self.send_header("Content-Type", "application/xml; charset='utf-8'")
                self.end_headers()
                self.wfile.write(koha.answer.encode())

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def koha() -> Iterator[Koha]:
    peer = Koha()
    thread = threading.Thread(target=peer.server.serve_forever, daemon=True)
    thread.start()
    yield peer
    peer.server.shutdown()
    peer.server.server_close()
    thread.join()


def send(folder: Path, *words: str, **profile: object) -> Result:
    """By the shipped profile, or one that extends it."""
    (folder / "profiles").mkdir(exist_ok=True)
    (folder / "profiles" / "koha-ncip.yml").write_text((ROOT / "profiles" / "koha-ncip.yml").read_text())
    write_yaml_file(folder / "profiles" / "ours.yml", {"extends": "koha-ncip", **profile})
    (folder / "gateway.yml").write_text("libraries: [{symbol: NORD, name: Nord, time_zone: Europe/Oslo}]\n")
    command = ["--config", str(folder / "gateway.yml"), "send", "ours", *words]
    return CliRunner().invoke(main, command, catch_exceptions=False, env={"KOHA_NCIP_TOKEN": "t0ken"})


def test_we_ask_in_the_way_that_koha_reads(koha: Koha, tmp_path: Path) -> None:
    koha.answer = (
        f"{HEAD}<CheckOutItemResponse><ItemId><ItemIdentifierValue>39000000000019</ItemIdentifierValue></ItemId><UserId>"
        "<UserIdentifierValue>21000000000017</UserIdentifierValue></UserId><DateDue>2030-07-01T23:59:00</DateDue>"
        "</CheckOutItemResponse></NCIPMessage>"
    )
    words = ("check-out", "--patron", "21000000000017", "--item", "39000000000019", "--due", "2030-07-01")

    done = send(tmp_path, *words, "--url", koha.url)

    assert done.exit_code == 0, done.output
    assert "DateDue: 2030-07-01 23:59 CEST" in done.output
    ((path, content_type, body),) = koha.asked
    assert (path, content_type) == ("/", "application/xml; charset=utf-8")
    root = etree.fromstring(body)
    assert (root.tag, root.prefix) == (f"{NCIP}NCIPMessage", None)
    assert "v2_02" in root.get("version", "")
    texts = {etree.QName(one).localname: one.text for one in root.iter() if one.text and one.text.strip()}
    assert texts["DesiredDateDue"] == "2030-07-01T23:59:00+02:00"
    agencies = [
        one.text for one in root.iter(f"{NCIP}AgencyId") if one.getparent().tag.endswith(("FromAgencyId", "ToAgencyId"))
    ]
    assert agencies == ["NORD", "MAIN"]


def test_the_token_stands_behind_the_address(koha: Koha, tmp_path: Path) -> None:
    koha.answer = "It works!"
    auth = {"http": {"auth": {"kind": "path-key", "secret": "env:KOHA_NCIP_TOKEN"}}}

    refused = send(tmp_path, "lookup-user", "--patron", "2100", "--url", koha.url, ncip=auth)

    assert koha.asked[0][0] == "/t0ken"
    assert refused.exit_code == 1
    assert "rejected our token" in refused.output


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (("Unkown User", "User is not known", "UserId", "2100"), "LookupUser: refused (unknown-patron)"),
        (
            ("User Authentication Failed", "Barcode Id or Password are invalid", "Password", "4711"),
            "LookupUser: refused (patron-auth-failed)",
        ),
    ],
)
def test_its_refusals_are_understood_and_a_pin_is_shown_to_nobody(
    koha: Koha, tmp_path: Path, problem: tuple[str, ...], said: str
) -> None:
    koha.answer = REFUSED.format(*problem)

    refused = send(tmp_path, "lookup-user", "--input", "Barcode Id=2100", "--pin", "4711", "--url", koha.url)

    assert refused.exit_code == 1
    assert said in refused.output
    assert "4711" not in refused.output


@pytest.mark.parametrize(
    ("service", "words", "ids"),
    [
        (
            "CheckInItem",
            ("check-in", "--item", "I1"),
            "<UniqueItemId><ItemIdentifierValue>I1</ItemIdentifierValue></UniqueItemId>"
            "<ItemId><ItemIdentifierValue>I1</ItemIdentifierValue></ItemId>",
        ),
        (
            "DeleteItem",
            ("delete", "--item", "I1"),
            "<UniqueItemId><ItemIdentifierValue>I1</ItemIdentifierValue></UniqueItemId>",
        ),
    ],
)
def test_answers_that_no_schema_has_are_read(
    koha: Koha, tmp_path: Path, service: str, words: tuple[str, ...], ids: str
) -> None:
    koha.answer = f"{HEAD}<{service}Response>{ids}</{service}Response></NCIPMessage>"

    done = send(tmp_path, *words, "--url", koha.url)

    assert done.exit_code == 0, done.output
    assert "I1" in done.output


def test_it_is_not_played_against_ourselves(tmp_path: Path) -> None:
    refused = send(tmp_path, "lookup-user", "--patron", "2100")

    assert refused.exit_code == 2
    assert "accepts no senders (a system that we call): use --url or --tcp" in refused.output
