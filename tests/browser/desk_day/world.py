"""Three libraries that lend to each other, each a daemon with staff at its desks: Elveby and Fjordby by ISO ILL, both
with Holmvik by tagged mail, through an SMTP server and a Dovecot."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from aiosmtpd.controller import Controller
from pymarc import Field, Indicators, Record, Subfield

from gateway.domain.requests.search_terms import fold_number
from tests.browser.staff import make_user
from tests.browser.visitor import Site
from tests.support.daemon import Installation, free_port, run_in_process
from tests.support.dovecot import PASSWORD, Dovecot
from tests.support.looking import Database, tracebacks
from tests.support.paths import ROOT
from tests.support.smtp_sink import Sink
from tests.support.yaml_files import write_yaml_file

PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.1

CARD, PIN = "E-2041", "1957"
"""Of a reader of Elveby, who collects at the branch WEST."""

NAMES = {"elveby": "Elveby folkebibliotek", "fjordby": "Fjordby bibliotek", "holmvik": "Holmvik boksamling"}
MAIL_DOMAIN = "library.example"

MAIN = {"name": "Hovedbiblioteket", "pickup": True, "resource_sharing": True, "shelves": {"ill": "Fjernlån"}}
WEST = {"name": "Filialen i Vestbyen", "pickup": True, "shelves": {"ill": "Fjernlån"}}
SETUP = {
    "categories": {"adult": {"name": "Voksne"}, "visitor": {"name": "Andre bibliotek"}},
    "policies": {
        "standard": {"name": "Vanlig lån"},
        "ill": {"name": "Fjernlån"},
        "ill-library-use": {"name": "Fjernlån, bare på lesesalen"},
    },
    "loan_rules": [{"loan_days": 28, "renewals": 2, "renewal_days": 28}],
}

PATRONS = (
    "barcode,surname,given,category,home_library,pin,email,line1,locality,postal_code,language\n"
    f"{CARD},Ødegård,Åse,adult,WEST,{PIN},aase@readers.example,Strandgata 3,Elveby,9990,en\n"
)

WORKS = (
    ("Det store spelet", "Vesaas, Tarjei"),
    ("Шум дождя", "Озёрная, Вера"),
    ("مكتبات الأندلس وخزائنها", "الحداد، سلمى"),
    ("海东方言词典", "林秀英"),
    ("מפות הים התיכון בימי הביניים", "ברקת, רחל"),
    ("Gezeitenkunde", "Föhrmann, Hinrich"),
)
"""On the shelves of Fjordby and Holmvik: title and author, each with two copies."""

USERS = {"ruth": ("staff",), "sigrid": ("staff", "clearance"), "bjarne": ("patron-services@WEST",)}
"""Who works in each library."""

REQUESTS = {"intake": {"duplicates": {"action": "allow"}}, "desks": {"undo_seconds": 0}}
"""Partners hear at once of what is scanned."""
LENDING = {"workflow": {"lending": {"renew": "staff"}}}


@dataclass(frozen=True)
class DeskLibrary:
    """A library and its site. `mailed`: to whom anybody has sent mail."""

    name: str
    site: Site

    @property
    def symbol(self) -> str:
        return self.name.upper()

    @property
    def shown_name(self) -> str:
        return NAMES[self.name]

    @property
    def readers_address(self) -> str:
        return self.site.url(f"openurl/{self.symbol}")

    @property
    def works(self) -> tuple[tuple[str, str], ...]:
        """Title and author of what is on its shelves."""
        return WORKS

    @property
    def made(self) -> Installation:
        return self.site.installation

    def ask_database(self, statement: str, *values: object) -> Any:
        """The first value; None: there is no row."""
        found = Database(self.made.database).column(statement, *values)
        return found[0] if found else None

    def state(self, number: str) -> str | None:
        found: str | None = self.ask_database("SELECT state FROM request WHERE number = ?", number)
        return found

    def tasks(self, number: str) -> list[str]:
        """The lists of work that it is on."""
        return str(self.ask_database("SELECT tasks FROM request WHERE number = ?", number)).split()

    def volumes(self, number: str) -> list[str]:
        """Their states."""
        document = json.loads(self.ask_database("SELECT document FROM request WHERE number = ?", number))
        return [one.get("state", "expected") for one in document["volumes"]]  # a default isn't written

    def wait_for_dead_letters(self, count: int) -> None:
        statement = "SELECT count(*) FROM outbox WHERE status = 'dead'"
        self.wait_until("dead letters", lambda: self.ask_database(statement), count)

    def wait_until(self, what: str, look: Callable[[], Any], wanted: Any) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while (seen := look()) != wanted:
            assert time.monotonic() < end, f"{self.name}, {what}: still {seen}, not {wanted}"
            time.sleep(LOOK_SECONDS)

    def wait_for_state(self, number: str, wanted: str) -> None:
        """Until the other side's message has come and been dealt with."""
        self.wait_until(number, lambda: self.state(number), wanted)

    def wait_for_task(self, number: str, task: str) -> None:
        self.wait_until(f"{number} on {task}", lambda: task in self.tasks(number), True)

    def wait_for_value(self, number: str, path: str, wanted: Any) -> None:
        """A value of the request's document, by its path there."""
        statement = "SELECT json_extract(document, ?) FROM request WHERE number = ?"
        self.wait_until(f"{number} {path}", lambda: self.ask_database(statement, path, number), wanted)

    def wait_for_request(self, asked: str) -> str:
        """Number of the lending request that another library's request `asked` has become."""
        statement = "SELECT number FROM request WHERE role = 'lending' AND terms LIKE ?"
        theirs = f"%partner {fold_number(asked)}%"
        self.wait_until(f"request for {asked}", lambda: bool(self.ask_database(statement, theirs)), True)
        return str(self.ask_database(statement, theirs))


@dataclass(frozen=True)
class DeskWorld:
    """`sink`: the mail server of all; what it refuses comes back at once."""

    libraries: Mapping[str, DeskLibrary]
    sink: Sink

    @property
    def elveby(self) -> DeskLibrary:
        return self.libraries["elveby"]


@contextmanager
def open_world(folder: Path) -> Iterator[DeskWorld]:
    """Raises NotInstalled where there is no Dovecot. Logs must be quiet at the end."""
    with ExitStack() as stack:
        dovecot = Dovecot()
        stack.callback(dovecot.stop)
        sink = Sink(deliver=lambda user, mail: dovecot.deliver(user, mail) if user in NAMES else None)
        controller = Controller(sink, hostname="127.0.0.1", port=free_port())
        controller.start()
        stack.callback(controller.stop)

        made = {name: _make_installation(folder / name, name) for name in NAMES}
        (folder / "patrons.csv").write_text(PATRONS, encoding="utf-8")
        made["elveby"].run("library", "import", "patrons", str(folder / "patrons.csv"))
        for name in ("fjordby", "holmvik"):
            _write_catalogue(folder / f"{name}.mrc", name)
            made[name].run("library", "import", "marc", str(folder / f"{name}.mrc"), "--items-from", "952")
        for name, installation in made.items():
            _configure_mail(installation, name, controller.port, dovecot.port)
            write_yaml_file(installation.folder / "requests.yml", REQUESTS)
        for ours, theirs in (("elveby", "fjordby"), ("fjordby", "elveby")):
            _introduce_by_iso_ill(made[ours], ours, made[theirs], theirs)
        for one in ("elveby", "fjordby"):
            _introduce_by_mail(made[one], "holmvik")
            _introduce_by_mail(made["holmvik"], one)
        for installation in made.values():
            for user, roles in USERS.items():
                make_user(Site(installation, []), user, *roles)
        with ThreadPoolExecutor(len(made)) as threads:
            for served in threads.map(_start_serving, made.values()):
                stack.push(served.__exit__)
        yield DeskWorld({name: DeskLibrary(name, Site(one, [])) for name, one in made.items()}, sink)
        for installation in made.values():
            assert tracebacks(installation) == []


def _make_installation(folder: Path, name: str) -> Installation:
    """Without partners."""
    made = Installation(folder, free_port(), free_port())
    named = ("--symbol", name.upper(), "--name", NAMES[name], "--port", str(made.port))
    run_in_process("init", str(folder), "--empty", *named)
    made.change(http={"public_url": f"http://127.0.0.1:{made.port}"})
    setup = {"branches": {"MAIN": MAIN, **({"WEST": WEST} if name == "elveby" else {})}, **SETUP}
    write_yaml_file(folder / "setup.yml", setup)
    made.run("library", "import", "setup", str(folder / "setup.yml"))
    return made


def _start_serving(made: Installation) -> AbstractContextManager[object]:
    """Entered already."""
    served = made.serve()
    served.__enter__()
    return served


def _write_catalogue(file: Path, name: str) -> None:
    """Each work with two volumes, whose barcodes are F-1-1, F-1-2 …"""

    def field(tag: str, **values: str) -> Field:
        return Field(tag, Indicators(" ", " "), [Subfield(code, value) for code, value in values.items()])

    records = []
    for number, (title, author) in enumerate(WORKS, 1):
        record = Record(force_utf8=True)
        record.add_field(
            Field("001", data=f"{name}-{number}"), Field("008", data="260302s1957    no            000 1 nno d")
        )
        record.add_field(field("245", a=title), field("100", a=author))
        for piece in (1, 2):
            barcode = f"{name[0].upper()}-{number}-{piece}"
            record.add_field(field("952", p=barcode, a="MAIN", y="standard", o=f"839.82 {number}"))
        records.append(record.as_marc())
    file.write_bytes(b"".join(records))


def _configure_mail(made: Installation, name: str, smtp_port: int, imap_port: int) -> None:
    (made.folder / "mail-password").write_text(PASSWORD, encoding="utf-8")
    mailbox = {
        "name": "ill",
        "host": "127.0.0.1",
        "port": imap_port,
        "security": "none",
        "user": name,
        "password": "file:mail-password",
        "poll_seconds": 1,
    }
    sender = f"{name}@{MAIL_DOMAIN}"
    made.change(
        mail={"host": "127.0.0.1", "port": smtp_port, "security": "none", "sender": sender}, mailboxes=[mailbox]
    )


def _introduce_by_iso_ill(ours: Installation, our_name: str, theirs: Installation, their_name: str) -> None:
    """The listener and the partner's profile, as docs/iso-ill.md has them, with the partner's symbol and addresses."""
    guide = (ROOT / "docs" / "iso-ill.md").read_text(encoding="utf-8")
    guide = guide.split("## Set up a partner")[1].split("\n## ")[0]
    listener, profile = (yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL))
    (entry,) = listener["tcp"]
    ours.change(tcp=[{**entry, "host": "127.0.0.1", "port": ours.tcp_port}])
    profile["auth"] = [{"kind": "network", "networks": ["127.0.0.0/8"]}]
    profile["partner"] |= {"symbols": [their_name.upper()], "name": NAMES[their_name], **LENDING}
    profile["iso_ill"]["symbols"]["ours"] = our_name.upper()
    profile["iso_ill"]["transport"]["address"] = f"127.0.0.1:{theirs.tcp_port}"
    profile["iso_ill"]["reply_to"] = f"127.0.0.1:{ours.tcp_port}"
    _write_profile(ours, their_name, profile)


def _introduce_by_mail(ours: Installation, their_name: str) -> None:
    partner = {"symbols": [their_name.upper()], "name": NAMES[their_name], "email": f"{their_name}@{MAIL_DOMAIN}"}
    _write_profile(ours, their_name, {"extends": "relais-gsm", "partner": {**partner, **LENDING}})


def _write_profile(ours: Installation, name: str, profile: dict[str, Any]) -> None:
    text = yaml.safe_dump(profile, allow_unicode=True)
    (ours.folder / "partners" / f"{name}.yml").write_text(text, encoding="utf-8")
