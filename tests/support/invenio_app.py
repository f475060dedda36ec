"""A SIP2 server made of invenio-sip2, run by `tests.support.invenio_server` in an environment of its own.

Arguments: port, port of Redis, file of the library in memory (desk_library.py), file in which is written what was done.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from datetime import date
from pathlib import Path
from typing import Any

USER, PASSWORD = "terminal-7", "secret-of-7"
BRANCH = "MAIN"


def load_library(file: str) -> Any:
    spec = importlib.util.spec_from_file_location("desk_library", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules["desk_library"] = module
    spec.loader.exec_module(module)
    library = module.DeskLibrary()
    for number, name in (("P1", "Müller, Ana"), ("P2", "Папалазарова, Нина")):
        library.patrons[number] = module.FakePatron(number, name, "1234", date(2090, 1, 1), email=f"{number}@x.example")
    for barcode, title in (("I1", "Вишнёвый сад"), ("I2", "紅楼夢")):
        library.items[barcode] = module.FakeItem(barcode, title)
    return library


def main(port: int, redis_port: int, library_file: str, history_file: str) -> None:
    from flask import Flask
    from invenio_i18n import InvenioI18N
    from invenio_sip2 import InvenioSIP2, models
    from invenio_sip2.server import SocketServer

    library = load_library(library_file)

    def stamp(moment: Any) -> str:
        return moment.strftime("%Y%m%d   Z%H%M%S")

    def remember() -> None:
        Path(history_file).write_text(json.dumps(library.history), encoding="utf-8")

    def login(user: str, password: str, **_: Any) -> dict[str, Any]:
        ok = (user, password) == (USER, PASSWORD)
        return {
            "authenticated": ok,
            "terminal": user,
            "transaction_user_id": "1",
            "institution_id": BRANCH,
            "library_name": "Bücherei",
            "library_language": "eng",
        }

    def account(number: str, **_: Any) -> Any:
        patron = library.patrons.get(number)
        known = {"valid_patron": "Y", "email": patron.email} if patron else {}
        found = models.SelfcheckPatronInformation(
            patron_id=number, institution_id=BRANCH, patron_name=patron.name if patron else "", **known
        )
        found["charged_items"] = library.charged(number)
        return found

    def item(barcode: str, **_: Any) -> Any:
        one, loan = library.items.get(barcode), library.loans.get(barcode)
        if one is None:
            return models.SelfcheckItemInformation(item_id=barcode)
        more = {"due_date": stamp(loan.due)} if loan else {}
        return models.SelfcheckItemInformation(
            item_id=barcode,
            title_id=one.title,
            circulation_status={"03": "AVAILABLE", "04": "CHARGED"}[library.circulation_status(barcode)],
            permanent_location=one.branch,
            **more,
        )

    def said(answer: Any, done: Any) -> Any:
        if done.said:
            answer["screen_messages"].append(done.said)
        remember()
        return answer

    def checkout(_user: str, barcode: str, number: str, **_: Any) -> Any:
        done = library.check_out(number, barcode)
        due = {"due_date": stamp(library.loans[barcode].due)} if done.ok else {}
        return said(models.SelfcheckCheckout(title_id=library.items[barcode].title, checkout=done.ok, **due), done)

    def checkin(_user: str, barcode: str, **_: Any) -> Any:
        done = library.check_in(barcode, "")
        return said(models.SelfcheckCheckin(permanent_location=BRANCH, checkin=done.ok), done)

    def renew(_user: str, barcode: str, *_: str, **__: Any) -> Any:
        """invenio-sip2 doesn't say for whom."""
        loan = library.loans.get(barcode)
        done = library.renew(loan.patron if loan else "", barcode)
        due = {"due_date": stamp(loan.due)} if loan else {}
        return said(
            models.SelfcheckRenew(title_id=library.items[barcode].title, success=done.ok, renewal=done.ok, **due), done
        )

    app = Flask("sip")
    app.config.update(
        SECRET_KEY="for tests only",
        BABEL_DEFAULT_LOCALE="en",
        SIP2_DATASTORE_REDIS_URL=f"redis://127.0.0.1:{redis_port}/0",
        SIP2_REMOTE_ACTION_HANDLERS={
            "ils": {
                "login_handler": login,
                "system_status_handler": lambda *_, **__: {},
                "patron_handlers": {
                    "validate_patron": lambda number, **_: number in library.patrons,
                    "authorize_patron": lambda number, pin, **_: (
                        number in library.patrons and library.patrons[number].pin == pin
                    ),
                    "account": account,
                },
                "item_handlers": {"item": item},
                "circulation_handlers": {"checkout": checkout, "checkin": checkin, "renew": renew},
            }
        },
    )
    InvenioI18N(app)
    InvenioSIP2(app)
    with app.app_context():
        SocketServer(name="ils", host="127.0.0.1", port=port, remote="ils", process_id=os.getpid()).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])
