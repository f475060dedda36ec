from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from tests.browser.visitor import CHROMIUM, FLAGS, PATRON, Browsing, Site
from tests.support import axe
from tests.support.daemon import Installation, free_port
from tests.support.installed import NotInstalled
from tests.support.looking import tracebacks
from tests.support.yaml_files import read_yaml_file, write_yaml_file

PARTNER = """
partner:
  symbols: [ISIL:NO-02030]
  name: Universitetsbiblioteket i Bergen
  email: fjernlan@ub.bergen.example
  channel: mail
  owns: everything
"""

MORE_PARTNERS = {"altenried": "Universität Altenried", "vaumarin": "Bibliothèque de Vaumarin"}
"""Asked by nobody but by hand: profile and name."""

RULES = {
    "intake": {"mediation_default": "straight-through", "duplicates": {"action": "allow"}},
    "rotas": {"usual": {"lines": [{"partner": "bergen"}]}},
    "default_rota": "usual",
    "services": {
        "links": [{"name": {"en": "Full text at the publisher", "de": "Volltext"}, "url": "https://doi.org/{doi}"}],
        "declaration": {"services": ["copy"]},
    },
}


def missing(why: str) -> None:
    """Where CI is set, what is missing is a failure."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


class Letters:
    """Keeps what it gets."""

    def __init__(self) -> None:
        self.recipients: list[str] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:
        self.recipients += getattr(envelope, "rcpt_tos", [])
        return "250 2.0.0 Ok"


@pytest.fixture(scope="session")
def letters() -> Iterator[tuple[Letters, int]]:
    """A mail server and its port."""
    handler, port = Letters(), free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


@pytest.fixture(scope="module")
def site(
    fresh_installation: Installation, tmp_path_factory: pytest.TempPathFactory, letters: tuple[Letters, int]
) -> Iterator[Site]:
    """A library with one partner, reached by mail, that is asked without staff looking first."""
    made = fresh_installation.copy(tmp_path_factory.mktemp("browser") / "illgate")
    (made.folder / "profiles" / "bergen.yml").write_text(PARTNER, encoding="utf-8")
    for profile, name in MORE_PARTNERS.items():
        text = f"partner: {{symbols: [XX-{profile}], name: {name}, email: ill@{profile}.example, channel: mail}}\n"
        (made.folder / "profiles" / f"{profile}.yml").write_text(text, encoding="utf-8")
    write_yaml_file(made.folder / "requests.yml", RULES)
    library = read_yaml_file(made.config)["libraries"][0]
    made.change(
        libraries=[{**library, "name": "Stadtbibliothek Bergstadt", "email": "ill@bergstadt.example"}],
        mail={"host": "127.0.0.1", "port": letters[1], "security": "none", "sender": "ill@bergstadt.example"},
    )
    with made.serve():
        yield Site(made, letters[0].recipients)
    log = made.log.read_text(encoding="utf-8")
    assert tracebacks(made) == []
    assert [word for word in (PATRON, "Müller", "fargen", "Шум дождя") if word in log] == []


@pytest.fixture(scope="module")
def browsing() -> Iterator[Browsing]:
    """Not for the whole session: while it is open an event loop runs, and tests of other modules start their own."""
    try:
        from playwright import sync_api
    except ImportError as error:
        missing(f"Playwright is not installed: {error}")
        raise AssertionError("unreachable: missing ends the test") from error
    if not Path(CHROMIUM).exists():
        missing(f"there is no {CHROMIUM}")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield Browsing(browser)
        browser.close()


@pytest.fixture(scope="session")
def axe_core() -> str:
    try:
        return axe.source()
    except NotInstalled as error:
        missing(str(error))
        raise AssertionError("unreachable: missing ends the test") from error
