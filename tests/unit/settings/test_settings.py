from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.problems import ConfigurationError
from gateway.ports.adapter import LibraryAdapter, LibraryAdapterContext, ProtocolAdapter
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.responder import Responder
from gateway.settings import Settings, load_settings


class Options(ProfileSection):
    branch_style: str = "short"


async def never_opened(context: LibraryAdapterContext, options: Options) -> LibrarySystem:
    raise AssertionError("settings open no library")


def no_responder() -> Responder:
    raise AssertionError("settings need no responder")


ADAPTERS = AdapterRegistry.from_adapters(
    LibraryAdapter("embedded", Options, never_opened), ProtocolAdapter("ncip", ProfileSection, no_responder)
)

Load = Callable[[str], Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def from_text(text: str) -> Settings:
        (tmp_path / "gateway.yml").write_text(text, encoding="utf-8")
        return load_settings(tmp_path / "gateway.yml", ADAPTERS)

    return from_text


def wrong(load: Load, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    return [f"{problem.line}: {problem.key}: {problem.message}" for problem in caught.value.problems]


def test_an_empty_file_means_the_defaults(load: Load) -> None:
    settings = load("")

    assert settings.http.port == 8080
    assert settings.find_library().symbol == "DEMO"
    assert isinstance(settings.find_library().system.options, Options)


@pytest.mark.parametrize("address", ["", "Dept 5; 1234 City St.; Columbus"], ids=["none", "own-lines"])
def test_an_address_in_parts_has_lines_as_well(load: Load, address: str) -> None:
    parts = (
        "{line1: 1234 City St., line2: Room 7, locality: Columbus, postal_code: '43004', region: US-OH, country: US}"
    )
    info = load(f"libraries: [{{symbol: OH, address: '{address}', postal_address: {parts}}}]").libraries[0].info
    assert info.address == (address or "1234 City St.\nRoom 7\n43004 Columbus\nUS-OH\nUS")
    assert info.postal_address is not None
    assert info.postal_address.locality == "Columbus"


def test_an_address_without_parts_has_none(load: Load) -> None:
    assert load("libraries: [{symbol: OH, address: Columbus}]").libraries[0].info.postal_address is None


def test_paths_start_at_the_file(load: Load, tmp_path: Path) -> None:
    settings = load("profiles:\n  folder: partners\n")

    assert settings.profiles_folder == tmp_path / "partners"
    assert settings.resolve_store_url().database == str(tmp_path / "data" / "illgate.db")


def test_the_systems_own_keys_are_checked_by_its_adapter(load: Load) -> None:
    text = "libraries:\n  - symbol: NVD\n    system:\n      type: embedded\n      {key}: long\n"

    options = load(text.format(key="branch_style")).find_library("nvd").system.options
    assert isinstance(options, Options)
    assert options.branch_style == "long"
    assert wrong(load, text.format(key="branch_stile")) == ["5: libraries.0.system.branch_stile: unknown key"]


def test_an_unknown_system_names_those_that_there_are(load: Load) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load("libraries:\n  - system: {type: embeded}\n")

    assert str(caught.value).endswith(
        "gateway.yml:2: libraries.0.system.type: no such adapter, found 'embeded', allowed: embedded "
        "(did you mean 'embedded'?)"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("libraries: []\n", "1: libraries: expected more in this list"),
        (
            "libraries:\n  - {symbol: A, short: b}\n  - {symbol: a, short: c}\n",
            "3: libraries.1.symbol: is listed twice",
        ),
        (
            "libraries:\n  - time_zone: Europe/Zurch\n",
            "2: libraries.0.time_zone: not a time zone such as Europe/Zurich",
        ),
        (
            "store:\n  url: mysql://x/y\n",
            "2: store.url: the store must be sqlite:///FILE or postgresql://USER@HOST/NAME",
        ),
        (
            "store:\n  url: postgresql://me:pw@db/ill\n",
            "2: store.url: a password belongs into store.password, as env:NAME or file:PATH",
        ),
        (
            "store:\n  url: postgresql://me@db/ill?connect_timeout=5&options=-csearch_path%3Dx\n",
            "2: store.url: connect_timeout, options is unknown; allowed after '?' are application_name, host, "
            "prepared_statement_cache_size, ssl, ssl_max_protocol_version, ssl_min_protocol_version, sslcert, sslcrl, "
            "sslkey, sslmode, sslrootcert, target_session_attrs",
        ),
        (
            "store:\n  url: postgresql://me@db/ill?sslmode=on\n",
            "2: store.url: sslmode is one of disable, allow, prefer, require, verify-ca, verify-full",
        ),
        ("http:\n  tls:\n    certificate: a.pem\n", "2: http.tls: certificate and key go together"),
        (
            "http:\n  certificate_header: X-Client-Certificate\n",
            "1: http: certificate_header needs certificate_proxies: whose word is taken",
        ),
        (
            "http:\n  host: www.example.org\n",
            "2: http.host: not an IP address to listen on, such as 127.0.0.1, 0.0.0.0 or ::",
        ),
        ("http:\n  port: 70000\n", "2: http.port: input should be less than or equal to 65535"),
        ("tcp:\n  - {port: 8080, profile: x}\n", "2: tcp.0.port: port 8080 is listened on twice"),
        ("tcp:\n  - {port: 9000, profile: x, protocol: ncpi}\n", "2: tcp.0.protocol: no such adapter"),
        ("tcp:\n  - {port: 9000}\n", "2: tcp.0.profile: a listener for ncip needs a profile"),
        (
            "journal:\n  encryption_keys: [plain]\n",
            "2: journal.encryption_keys.0: must be env:NAME or file:PATH; the secret itself never stands here",
        ),
        (
            "journal:\n  keep_bodies_days: 10\n  keep_rows_days: 5\n",
            "1: journal: keep_bodies_days can't be more than keep_rows_days",
        ),
    ],
)
def test_wrong_settings_are_said_with_line_and_key(load: Load, text: str, problem: str) -> None:
    assert wrong(load, text) == [problem]


@pytest.mark.parametrize("key", ["password: hunter2", "url: postgresql://me:hunter2@db/ill", "url: me:hunter2@db"])
def test_a_password_never_shows(load: Load, key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(f"store:\n  {key}\n")

    assert "hunter2" not in str(caught.value)


def test_the_database_password_comes_from_its_reference(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "pw")

    settings = load("store:\n  url: postgresql://ill@db/ill\n  password: env:DB_PASSWORD\n")

    assert settings.resolve_store_url().password == "pw"
    assert "pw" not in repr(settings.store)


def test_a_library_is_found_by_symbol_or_when_it_is_the_only_one(load: Load) -> None:
    settings = load("libraries:\n  - symbol: A1\n  - symbol: B2\n")

    assert settings.find_library("b2").symbol == "B2"
    with pytest.raises(KeyError):
        settings.find_library()


def test_without_a_file_the_error_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="illgate init"):
        load_settings(tmp_path / "gateway.yml", ADAPTERS)


BOX = "  - {name: ill, host: mail.library.example, user: ill, password: env:ILL"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"mailboxes:\n{BOX}}}\n{BOX}}}\n", "two mailboxes have the same name"),
        (f"mailboxes:\n{BOX}, library: ELSEWHERE}}\n", "library must be one of those above, not 'ELSEWHERE'"),
        (f"mailboxes:\n{BOX}, security: none}}\n", "a password is not sent over an open connection"),
        (f"mailboxes:\n{BOX}, sign_in: ntlm}}\n", "sign_in"),
        ("mailboxes:\n  - {name: ill, host: x.example, user: ill, password: secret}\n", "password"),
    ],
)
def test_what_is_wrong_with_a_mailbox_is_said(load: Load, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        load(text)
    assert said in str(wrong.value)
    assert "secret'" not in str(wrong.value)
