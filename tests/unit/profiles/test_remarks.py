"""Remarks of `illgate check`: who is let in without proof, whose mails are believed, who can't be reached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.ncip.services import SERVICES
from gateway.adapter_registry import load_adapters
from gateway.domain.clock import FixedClock
from gateway.profiles import read_profiles
from gateway.services.operation.check import CheckSubject, run_check
from gateway.services.operation.check.remarks import find_remarks
from gateway.settings import LibrarySettings, Settings
from tests.unit.profiles.support import NOW, write

ADAPTERS = load_adapters()

MAIL = {"host": "smtp.library.example", "sender": "ill@library.example"}
MAILBOX = {"name": "ill", "host": "imap.library.example", "user": "ill", "password": "env:HOME"}

FORGED = (
    "partner.mail.require: mails in its name are believed whoever sent them, and change its requests: say what the "
    "mail server must have found right about them, such as [dmarc]"
)
NO_MAIL = (
    "partner.channel: can't be reached: gateway.yml has no mail.host and mail.sender, so no mail is sent, found 'mail'"
)
NO_ADDRESS = "one.yml:5: partner.channel: can't be asked: section `iso_ill` has no address of it, found 'iso-ill'"

BERGEN = """
partner:
  symbols: [ISIL:NO-02030]
  name: Universitetsbiblioteket i Bergen
  channel: mail
  email: fjernlan@bergen.example
"""


def remarks_of_folder(folder: Path, settings: Settings) -> list[str]:
    loading = read_profiles(folder, ADAPTERS, settings)
    assert not loading.problems, [str(problem) for problem in loading.problems]
    found = find_remarks(loading.profiles.loaded.values(), settings, ADAPTERS)
    return [str(remark).replace(f"{folder}/", "") for remark in found]


def remarks(folder: Path, text: str, **settings: Any) -> list[str]:
    return remarks_of_folder(write(folder, one=text), Settings(**settings))


# --- proxies before us -----------------------------------------------------------------------------------

QUIET = "ncip: {}\nauth: [{kind: network, networks: [127.0.0.1]}]\n"
OUTSIDE = {"public_url": "https://ill.library.example"}


@pytest.mark.parametrize(
    ("http", "said"),
    [
        ({}, []),
        (OUTSIDE, ["so a proxy on this machine stands between"]),
        ({**OUTSIDE, "trusted_proxies": ["192.0.2.7"]}, ["so a proxy on this machine stands between"]),
        ({**OUTSIDE, "trusted_proxies": ["127.0.0.1"]}, []),
        ({**OUTSIDE, "trusted_proxies": ["127.0.0.0/8"]}, []),
        ({**OUTSIDE, "host": "0.0.0.0"}, ["but there is no http.tls, so a proxy stands between"]),
        ({**OUTSIDE, "host": "0.0.0.0", "trusted_proxies": ["192.0.2.7"]}, []),
        ({**OUTSIDE, "host": "0.0.0.0", "tls": {"certificate": "a.pem", "key": "a.key"}}, []),
        ({"public_url": "http://ill.library.example", "host": "0.0.0.0"}, []),
        ({"public_url": "http://127.0.0.1:8080"}, []),
        (
            {"trusted_proxies": ["192.0.2.0/24"], "certificate_proxies": ["192.0.2.7", "2001:db8::7"]},
            ["is refused as long as http.trusted_proxies doesn't name it too, found '2001:db8::7'"],
        ),
        ({"trusted_proxies": ["0.0.0.0/0"]}, ["can say to be somebody else, found '0.0.0.0/0'"]),
    ],
)
def test_proxies(tmp_path: Path, http: dict[str, Any], said: list[str]) -> None:
    found = remarks(tmp_path, QUIET, http=http)
    assert len(found) == len(said), found
    for remark, words in zip(found, said, strict=True):
        assert words in remark


def test_a_proxy_that_signs_patrons_in_is_named_as_one(tmp_path: Path) -> None:
    header = {"name": "X-Patron", "proxies": ["192.0.2.7"]}
    (remark,) = remarks(tmp_path, QUIET, libraries=[{"sign_in": {"header": header}}])
    assert "libraries.0.sign_in.header.proxies: what this proxy forwards is refused" in remark


@pytest.mark.parametrize(
    ("entry", "settings", "said"),
    [
        ("user: Fjord", {}, "auth.0.kind: lets nobody in: certificates are asked for by no listener"),
        ("user: Fjord", {"http": {"certificate_proxies": ["127.0.0.1"], "trusted_proxies": ["127.0.0.1"]}}, ""),
        (
            "user: Fjord, san: 'DNS:ill.fjord.example'",
            {"http": {"certificate_proxies": ["127.0.0.1"], "trusted_proxies": ["127.0.0.1"]}},
            "auth.0.san: lets nobody in: without http.certificate_header the proxy tells the subject alone",
        ),
        (
            "san: 'DNS:ill.fjord.example'",
            {
                "http": {
                    "certificate_proxies": ["127.0.0.1"],
                    "trusted_proxies": ["127.0.0.1"],
                    "certificate_header": "X-Client-Certificate",
                }
            },
            "",
        ),
        (
            "san: 'DNS:ill.fjord.example'",
            {"tcp": [{"port": 9180, "profile": "one", "tls": {"certificate": "a", "key": "b", "client_ca": "c"}}]},
            "",
        ),
    ],
)
def test_certificates_that_nobody_tells(tmp_path: Path, entry: str, settings: dict[str, Any], said: str) -> None:
    found = remarks(tmp_path, f"ncip: {{}}\nauth: [{{kind: certificate, {entry}}}]\n", **settings)
    assert len(found) == bool(said), found
    assert all(said in remark for remark in found)


# --- who is let in ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry",
    [
        "{kind: none}",
        "{kind: none, networks: [192.0.2.0/24, '::/0']}",
        "{kind: network, networks: [0.0.0.0/0]}",
    ],
)
def test_a_profile_that_lets_everybody_in_is_remarked_on(tmp_path: Path, entry: str) -> None:
    kind = entry.removeprefix("{kind: ").partition(",")[0].removesuffix("}")
    assert remarks(tmp_path, f"ncip: {{}}\nauth:\n  - {{kind: network, networks: ['::1']}}\n  - {entry}\n") == [
        "one.yml:4: auth.1.kind: lets everybody in who reaches this gateway, without any proof of who it is, "
        f"found '{kind}'"
    ]


@pytest.mark.parametrize(
    "entry",
    [
        "{kind: none, networks: [127.0.0.1]}",
        "{kind: network, networks: [192.0.2.0/24, '2001:db8::/32']}",
        "{kind: basic, user: navigator, secret: env:HOME}",
        "{kind: bearer, secret: env:HOME, networks: [0.0.0.0/0]}",
    ],
)
def test_an_entry_that_asks_for_something_is_not(tmp_path: Path, entry: str) -> None:
    assert remarks(tmp_path, f"ncip: {{}}\nauth:\n  - {entry}\n") == []


ROOT_PROFILE = "abstract: yes\nncip: {{services: [{services}]}}\n"
MANY = ", ".join(sorted(kind.__name__ for kind in SERVICES)[:15])
FEW = ", ".join(sorted(kind.__name__ for kind in SERVICES)[:14])
GUARDED = "auth: [{kind: network, networks: [192.0.2.7]}]\n"


@pytest.mark.parametrize(
    ("root", "text", "is_remarked"),
    [
        pytest.param(MANY, f"extends: root\n{GUARDED}", True, id="all that the root has"),
        pytest.param(FEW, f"extends: root\n{GUARDED}", False, id="of a root with few"),
        pytest.param(MANY, f"extends: root\nncip: {{services: [LookupUser]}}\n{GUARDED}", False, id="its own"),
        pytest.param(MANY, "extends: root\n", False, id="of whom nobody is let in"),
    ],
)
def test_a_profile_that_inherits_every_service_is_remarked_on(
    tmp_path: Path, root: str, text: str, is_remarked: bool
) -> None:
    folder = write(tmp_path, root=ROOT_PROFILE.format(services=root), one=text)

    found = [remark for remark in remarks_of_folder(folder, Settings()) if "inherits" in remark]

    said = "one.yml:1: extends: inherits 15 services: name those that this partner uses in ncip.services"
    assert len(found) == is_remarked
    assert all(remark.startswith(said) for remark in found), found


def test_an_abstract_profile_lets_nobody_in_and_what_extends_it_does(tmp_path: Path) -> None:
    write(tmp_path, base="abstract: true\nncip: {}\nauth:\n  - kind: none\n")
    assert remarks_of_folder(tmp_path, Settings()) == []

    write(tmp_path, aarhus="extends: base\n", oslo="extends: base\n")
    (remark,) = remarks_of_folder(tmp_path, Settings())
    assert remark.startswith("base.yml:4: auth.0.kind: lets everybody in")


# --- whose mails are believed ----------------------------------------------------------------------------


def test_a_partner_whose_mails_may_be_forged_is_remarked_on(tmp_path: Path) -> None:
    assert remarks(tmp_path, BERGEN, mail=MAIL, mailboxes=[MAILBOX]) == [f"one.yml:1: {FORGED}"]
    assert remarks(tmp_path, BERGEN, mail=MAIL) == [], "no mailbox is read"


def test_addresses_that_a_partner_writes_from_count_whatever_its_channel(tmp_path: Path) -> None:
    text = "partner:\n  symbols: [ISIL:NO-02030]\n  mail:\n    addresses: ['@bergen.example']\n"
    assert remarks(tmp_path, text, mailboxes=[MAILBOX]) == [f"one.yml:3: {FORGED}"]


def test_a_partner_without_an_address_has_no_mails_to_be_forged(tmp_path: Path) -> None:
    text = "ncip: {}\npartner:\n  symbols: [ISIL:NO-02030]\n"
    assert remarks(tmp_path, text, mailboxes=[MAILBOX]) == []


def test_checks_that_nobody_makes_are_remarked_on(tmp_path: Path) -> None:
    text = f"{BERGEN}  mail:\n    require: [spf, dkim]\n"
    assert remarks(tmp_path, text, mail=MAIL, mailboxes=[MAILBOX]) == [
        "one.yml:7: partner.mail.require: its mails all wait for staff: mailbox 'ill' in gateway.yml has no "
        "authserv_id, so nothing says what the mail server found, found 'spf, dkim'"
    ]
    checked = {**MAILBOX, "authserv_id": "mx.library.example"}
    assert remarks(tmp_path, text, mail=MAIL, mailboxes=[checked]) == []


def test_mailboxes_of_other_libraries_do_not_count(tmp_path: Path) -> None:
    libraries = (LibrarySettings(symbol="Bern"), LibrarySettings(symbol="ZH"))
    text = f"library: Bern\n{BERGEN}"
    of_zurich = {"libraries": libraries, "mail": MAIL, "mailboxes": [{**MAILBOX, "library": "ZH"}]}
    of_bern = {"libraries": libraries, "mail": MAIL, "mailboxes": [{**MAILBOX, "library": "Bern"}]}
    assert remarks(tmp_path, text, **of_zurich) == []
    assert len(remarks(tmp_path, text, **of_bern)) == 1


# --- who can't be reached --------------------------------------------------------------------------------


def test_a_partner_by_mail_without_a_mail_server_is_remarked_on(tmp_path: Path) -> None:
    assert remarks(tmp_path, BERGEN) == [f"one.yml:4: {NO_MAIL}"]
    assert remarks(tmp_path, BERGEN, mail=MAIL) == []


@pytest.mark.parametrize(
    ("address", "roles", "found"),
    [
        ("", "[supplier, requester]", [NO_ADDRESS]),
        ("", "[requester]", []),
        ("ill.bergen.example:1611", "[supplier]", []),
    ],
)
def test_a_supplier_by_iso_ill_needs_an_address(tmp_path: Path, address: str, roles: str, found: list[str]) -> None:
    text = f"iso_ill:\n  transport: {{address: '{address}'}}\npartner:\n  symbols: [ISIL:NO-02030]\n"
    assert remarks(tmp_path, f"{text}  channel: iso-ill\n  roles: {roles}\n") == found


def test_iso_ill_by_mail_needs_a_mail_server_and_no_address(tmp_path: Path) -> None:
    text = BERGEN.replace("channel: mail", "channel: iso-ill") + "iso_ill: {transport: {by: mail}}\n"
    assert remarks(tmp_path, text) == ["one.yml:4: " + NO_MAIL.replace("'mail'", "'iso-ill'")]


async def test_only_the_profiles_that_are_named_are_remarked_on(tmp_path: Path) -> None:
    write(tmp_path, one=BERGEN, two="ncip: {}\nauth:\n  - kind: none\n")
    loading = read_profiles(tmp_path, ADAPTERS, Settings())
    report = await run_check(CheckSubject(Settings(), loading, ADAPTERS, FixedClock(NOW)), ["two"])
    assert [remark.key for remark in report.remarks] == ["auth.0.kind"]
    assert report.problems == (), "a remark is none"
