"""The sections of gateway.yml. Every key here is read by something; the shipped gateway.yml holds all of them with a
comment. Durations are in seconds or days as the key says, sizes in bytes.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, Field, PrivateAttr, SerializeAsAny, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from gateway import SETTINGS_FILE
from gateway.configuration.yaml_document import YamlDocument, nearest_match
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.database_urls import check_url_keys
from gateway.domain.library import PostalAddress
from gateway.domain.problems import ConfigurationProblem, KeyPath
from gateway.domain.profile import Network
from gateway.domain.profile_values import MailAddress, ZoneName
from gateway.domain.secret_reference import (
    SECRET_ERROR,
    FileName,
    SecretReference,
    UrlWithoutSecret,
    is_secret_name,
)
from gateway.domain.value import copy_fields
from gateway.ports.incoming_mail import MailboxServer, SignIn
from gateway.ports.library_system import LibraryInfo
from gateway.ports.outgoing_mail import LetterSender, MailSecurity, MailServer
from gateway.secrets import resolve_secret
from gateway.settings.article_lookup import ArticleLookupSettings, check_web_address
from gateway.settings.directory import DirectorySettings
from gateway.settings.library_brand import BrandSettings, LibraryLogo
from gateway.settings.patron_pages import PagesSettings, SignInSettings
from gateway.settings.staff_pages import LIBRARY, LibraryStaffSettings, StaffSettings

FILE = SETTINGS_FILE


def _check_store_url(text: str) -> str:
    """A URL that may hold a password by mistake is not shown."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise PydanticCustomError(SECRET_ERROR, "not a URL such as sqlite:///data/illgate.db") from error
    if url.password is not None:
        raise PydanticCustomError(SECRET_ERROR, "a password belongs into store.password, as env:NAME or file:PATH")
    if any(map(is_secret_name, url.query)):
        raise PydanticCustomError(SECRET_ERROR, "a URL whose parameters hold no password")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise ValueError("the store must be sqlite:///FILE or postgresql://USER@HOST/NAME")
    if url.get_backend_name() == "postgresql":
        check_url_keys(url.query)
    return text


def _check_listen_address(text: str) -> str:
    if text != "localhost":
        try:
            ipaddress.ip_address(text)
        except ValueError as error:
            raise ValueError("not an IP address to listen on, such as 127.0.0.1, 0.0.0.0 or ::") from error
    return text


ListenAddress = Annotated[str, AfterValidator(_check_listen_address)]
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class NoOptions(ProfileSection):
    """A library system that was not read from a file has none."""


class SystemSettings(ProfileSection):
    """The library's own system. `options` is the adapter's own model of all other keys of this section."""

    type: str = Field("embedded", description="adapter: embedded, or another installed one")
    options: SerializeAsAny[BaseModel] = Field(NoOptions(), exclude=True)


SecretPattern = Annotated[str, Field(pattern=r"^(env:[A-Za-z_*][A-Za-z0-9_]*\*?|file:.+)$")]

SYMBOL_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9:._-]*$"
"""Of a library, as settings name it."""


class PostalAddressSettings(ProfileSection):
    line1: str = Field("", description="street or post office box")
    line2: str = Field("", description="second line")
    locality: str = Field("", description="town")
    postal_code: str = ""
    region: str = Field("", description="state or province: its code of ISO 3166-2, such as US-OH, or its name")
    country: str = Field("", pattern=r"^([A-Z]{2})?$", description="ISO 3166-1 code, such as US")


LetterLanguage = Annotated[str, Field(pattern=r"^([a-z]{2,3}(-[a-z0-9]{2,8})*)?$")]


class LibraryLettersSettings(ProfileSection):
    """One library's own letters and texts of pages, before those of the installation."""

    folder: str = Field("", description="this library's templates and words, relative to this file; empty: none")
    language: LetterLanguage = Field("", description="language if the recipient's is unknown; empty: that of `letters`")

    @property
    def is_own(self) -> bool:
        return bool(self.folder or self.language)


class LibrarySettings(ProfileSection):
    symbol: str = Field("DEMO", pattern=SYMBOL_PATTERN, description="agency ID; identifies the rows of the library")
    short: str = Field(
        "",
        pattern=r"^([a-z0-9][a-z0-9._-]*)?$",
        description="short name for addresses and partner files; empty: the symbol without authority, in lower case",
    )
    symbols: tuple[Annotated[str, Field(pattern=SYMBOL_PATTERN)], ...] = Field(
        (), description="further symbols by which partners name the library, such as OCLC:AAA"
    )
    name: str = Field("Demonstration Library", description="name shown to partners and staff")
    state: Literal["open", "closing", "closed"] = Field(
        "open", description="open; closing: takes no new requests; closed: is not served, and its data are kept"
    )
    time_zone: ZoneName = Field("Europe/Zurich", description="for dates, and for times without a zone")
    currency: str = Field("EUR", pattern=r"^[A-Z]{3}$", description="ISO 4217 code for fees without one")
    address: str = Field("", description="postal address; empty: the lines of `postal_address`")
    postal_address: PostalAddressSettings = Field(
        PostalAddressSettings.model_construct(),
        description="the same address in parts, for partners whose messages have them (ISO 18626)",
    )
    email: str = Field("", description="for LookupAgency")
    phone: str = Field("", description="for LookupAgency")
    requests: str = Field("requests.yml", min_length=1, description="rules for managed requests; relative to this file")
    secrets: tuple[SecretPattern, ...] = Field(
        (),
        description="secrets and files that profiles of this library may name: env:NAME or file:PATH, each with * at "
        "its end for all that begin so; empty: with one library all but those of gateway.yml, else those of its folder",
    )
    sender: MailAddress = Field("", description="sender address of this library's letters; empty: that of `mail`")
    sender_name: str = Field("", description="sender name of its letters; empty: that of `mail`")
    reply_to: MailAddress = Field("", description="address for replies to its letters; empty: that of `mail`")
    lends: Literal["all", "loans", "copies", "off"] = Field(
        "all", description="what the other libraries of a mesh may request: all, loans, copies, or off"
    )
    mesh: bool = Field(True, description="take part in the meshes of groups.yml; false: neither lend nor borrow there")
    letters: LibraryLettersSettings = LibraryLettersSettings.model_construct()
    brand: BrandSettings = BrandSettings.model_construct()
    sign_in: SignInSettings = SignInSettings.model_construct()
    staff: LibraryStaffSettings = LibraryStaffSettings.model_construct()
    system: SystemSettings = SystemSettings.model_construct()
    _problems: tuple[ConfigurationProblem, ...] = PrivateAttr(())
    _folder: str = PrivateAttr("")
    _own_logo: LibraryLogo | None = PrivateAttr(None)

    @property
    def problems(self) -> tuple[ConfigurationProblem, ...]:
        """The mistakes in the section of one of several libraries, which is held back until they are mended; the keys
        that they are in have their default here. Empty: it is served."""
        return self._problems

    def hold_back(self, problems: tuple[ConfigurationProblem, ...]) -> None:
        self._problems = problems

    @property
    def is_served(self) -> bool:
        return not self._problems and self.state != "closed"

    @property
    def takes_requests(self) -> bool:
        """Return whether new requests begin here; those that are open are done in any case."""
        return self.state == "open"

    @property
    def folder(self) -> str:
        """The folder that has the library's files, relative to gateway.yml; empty: it is an entry of gateway.yml."""
        return self._folder

    def live_in(self, folder: str) -> None:
        self._folder = folder

    @property
    def own_logo(self) -> LibraryLogo | None:
        """The logo that `brand` names, as it was when the settings were read."""
        return self._own_logo

    def take_logo(self, logo: LibraryLogo) -> None:
        self._own_logo = logo

    @property
    def own_resources(self) -> tuple[str, ...]:
        """Patterns, as in `secrets`, of what is a library's own because it has a folder."""
        return (f"env:{self.environment_name}_*", f"file:{self.folder}/*") if self.folder else ()

    @property
    def short_name(self) -> str:
        return self.short or self.symbol.rpartition(":")[2].casefold() or self.symbol.casefold()

    @property
    def environment_name(self) -> str:
        """The short name as variables of the environment begin with it."""
        return re.sub(r"[^A-Z0-9]", "_", self.short_name.upper())

    @property
    def authorities(self) -> Mapping[str, str]:
        """Its symbols without their authority, by authority."""
        parts = (symbol.partition(":") for symbol in reversed((self.symbol, *self.symbols)))
        return {authority: rest for authority, colon, rest in parts if colon}

    def is_called(self, name: str) -> bool:
        """Return whether this is its symbol or its short name, without case."""
        return name.casefold() in (self.symbol.casefold(), self.short_name.casefold())

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def info(self) -> LibraryInfo:
        parts = copy_fields(PostalAddress, self.postal_address)
        address = self.address or parts.text
        return LibraryInfo(
            self.symbol,
            self.name,
            address,
            self.email,
            self.phone,
            parts if parts.text else None,
            self.sender,
            self.sender_name,
            self.reply_to,
            self.brand.home,
            self.brand.colour,
        )


class StoreSettings(ProfileSection):
    url: Annotated[str, AfterValidator(_check_store_url)] = Field(
        "sqlite:///data/illgate.db", description="sqlite:///FILE (relative to this file) or postgresql://USER@HOST/NAME"
    )
    password: SecretReference = Field("", description="password of the database user")
    backups: str = Field("", description="folder where backups are kept, for the metric of their age; empty: no metric")


class Tls(ProfileSection):
    """Files, relative to gateway.yml; without a certificate there is no TLS."""

    certificate: str = Field("", description="PEM file with the certificate and its chain")
    key: FileName = Field("", description="PEM file with its private key")
    client_ca: str = Field("", description="PEM file with CAs for client certificates")

    @model_validator(mode="after")
    def _check_key_pair(self) -> Self:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key go together")
        if self.client_ca and not self.certificate:
            raise ValueError("client_ca needs certificate and key")
        return self


class HttpSettings(ProfileSection):
    host: ListenAddress = "127.0.0.1"
    port: Port = Field(8080, description="0: any free port")
    public_url: UrlWithoutSecret = Field(
        "", pattern=r"^(https?://\S+)?$", description="public address, used for links in letters"
    )
    tls: Tls = Tls.model_construct()
    hsts_days: int = Field(180, ge=0, le=3650, description="days for which browsers must use HTTPS (HSTS); 0 clears it")
    max_concurrent: int = Field(
        200, ge=1, le=100_000, description="maximum number of messages processed at once; others are queued"
    )
    queue_seconds: Seconds = Field(60, description="maximum time in the queue")
    header_seconds: Seconds = Field(15, description="maximum time for receiving the headers")
    body_seconds: Seconds = Field(30, description="maximum time for receiving the body")
    connections: int = Field(5_000, ge=1, le=100_000, description="maximum number of connections; others are rejected")
    per_peer: int = Field(
        500,
        ge=1,
        le=100_000,
        description="maximum number of connections from one address; does not apply to trusted_proxies",
    )
    trusted_proxies: tuple[Network, ...] = Field((), description="reverse proxies whose X-Forwarded-For is used")
    certificate_proxies: tuple[Network, ...] = Field(
        (), description="proxies whose X-Client-Verify and X-Client-Subject are used"
    )
    certificate_header: str = Field(
        "",
        pattern=r"^[A-Za-z0-9-]*$",
        description="header with the whole client certificate, set by these proxies; replaces X-Client-Subject",
    )

    @model_validator(mode="after")
    def _check_certificate_header(self) -> Self:
        if self.certificate_header and not self.certificate_proxies:
            raise ValueError("certificate_header needs certificate_proxies: whose word is taken")
        return self


class TcpListener(ProfileSection):
    """A port at which a protocol is spoken over bare TCP. The profile is the one of every message there; without one
    each message says whose it is, which only some protocols can (iso_ill)."""

    host: ListenAddress = "127.0.0.1"
    port: Port
    protocol: str = "ncip"
    profile: str = ""
    tls: Tls = Tls.model_construct()
    connections: int = Field(200, ge=1, le=100_000, description="maximum number of connections; others are rejected")
    per_peer: int = Field(50, ge=1, le=100_000, description="maximum number of connections from one address")


class ProfilesSettings(ProfileSection):
    folder: str = Field("profiles", description="relative to this file")
    partners: str = Field("partners", min_length=1, description="folder of partners; it need not exist")
    groups: str = Field("groups.yml", min_length=1, description="file of groups of libraries; it need not exist")
    reload: bool = Field(True, description="load changed profiles while running; SIGHUP always loads them")


class JournalSettings(ProfileSection):
    body_limit: int = Field(100_000, ge=1, le=50_000_000, description="maximum bytes stored per message")
    keep_bodies_days: int = Field(30, ge=1, le=36_500, description="days until the content is deleted")
    keep_rows_days: int = Field(365, ge=1, le=36_500, description="days until the entry is deleted")
    encryption_keys: tuple[SecretReference, ...] = Field(
        (), description="secrets with at least 16 characters; the first encrypts, all decrypt; empty: no encryption"
    )

    @model_validator(mode="after")
    def _check_retention_order(self) -> Self:
        if self.keep_bodies_days > self.keep_rows_days:
            raise ValueError("keep_bodies_days can't be more than keep_rows_days")
        if "" in self.encryption_keys:
            raise ValueError("an encryption key is env:NAME or file:PATH")
        return self


class ApiSettings(ProfileSection):
    """The JSON API under /api/v1."""

    webhook_networks: tuple[Network, ...] = Field(
        (), description="private networks that webhooks and redirects of catalogues may use"
    )
    max_attachment_bytes: int = Field(50_000_000, ge=1000, le=500_000_000, description="maximum size of an attachment")


class OutboxSettings(ProfileSection):
    """Messages, letters and library calls that wait to be done (gateway.services.outbox.queue)."""

    max_tries: int = Field(50, ge=1, le=10_000, description="attempts until staff have to decide (dead letter)")
    first_seconds: Seconds = Field(10, description="maximum pause after the first failure; doubles with each failure")
    longest_seconds: float = Field(3600, gt=0, le=86_400, description="maximum pause")
    handler_seconds: Seconds = Field(60, description="maximum time for one attempt")
    concurrency: int = Field(16, ge=1, le=1000, description="maximum number of simultaneous attempts")
    per_target: int = Field(4, ge=1, le=1000, description="maximum number per partner or library system")
    breaker_failures: int = Field(
        5, ge=1, le=1000, description="messages in a row without any answer until a partner is paused; each counts once"
    )
    breaker_seconds: Seconds = Field(60, description="length of the pause; then one attempt tests the partner")

    @model_validator(mode="after")
    def _check_pause_order(self) -> Self:
        if self.first_seconds > self.longest_seconds:
            raise ValueError("first_seconds can't be more than longest_seconds")
        return self


class MailSettings(ProfileSection):
    """The mail server that takes our letters; without `host` none are sent."""

    host: str = Field("", description="empty: no email is sent")
    port: int = Field(587, ge=1, le=65535)
    security: MailSecurity = Field(MailSecurity.STARTTLS, description="starttls, tls (implicit) or none")
    ca: str = Field("", description="PEM file with trusted CAs; empty: those of the operating system")
    user: str = Field("", description="empty: no sign-in")
    password: SecretReference = Field("", description="password of the user")
    sender: MailAddress = Field("", description="sender address")
    name: str = Field("", description="sender name; empty: the name of the library")
    reply_to: MailAddress = Field("", description="address for replies; empty: the library's address, or the sender")
    timeout_seconds: Seconds = Field(30, description="maximum time for each answer of the server")

    @model_validator(mode="after")
    def _check_mail_complete(self) -> Self:
        if self.host and not self.sender:
            raise ValueError("with host, sender must be said: the address that letters come from")
        if bool(self.user) != bool(self.password):
            raise ValueError("user and password go together")
        if self.user and self.security is MailSecurity.NONE:
            raise ValueError("a password is not sent over an open connection: security must be starttls or tls")
        return self

    @property
    def letter_sender(self) -> LetterSender:
        return LetterSender(self.sender, self.name, self.reply_to)

    def make_mail_server(self, folder: Path) -> MailServer | None:
        """None: no mail is sent. Relative paths start at `folder`."""
        if not self.host:
            return None
        return MailServer(
            host=self.host,
            port=self.port,
            security=self.security,
            user=self.user,
            password=self.password,
            ca=folder / self.ca if self.ca else None,
            seconds=self.timeout_seconds,
        )


class MailboxFolders(ProfileSection):
    """The folders for mails once what they say is committed; a folder that lacks is made."""

    done: str = Field("ILL-done", description="folder for processed email; empty: the email stays and is marked")
    failed: str = Field(
        "ILL-failed", description="folder for broken, too large or infected email; empty: the email stays and is marked"
    )
    unknown: str = Field("ILL-unknown", description="folder for unmatched email; empty: the email stays and is marked")


class MailboxSettings(ProfileSection):
    """A mailbox that partners answer to; polled by one node, however many run."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9._-]*$", description="name for commands and logs; do not change it later"
    )
    library: str = Field("", description="symbol of the library; empty: the only one")
    host: str = Field(min_length=1)
    port: int = Field(993, ge=1, le=65535, description="993 for tls, 143 for starttls")
    security: MailSecurity = Field(MailSecurity.TLS, description="starttls, tls (implicit) or none")
    ca: str = Field("", description="PEM file with trusted CAs; empty: those of the operating system")
    sign_in: SignIn = Field(SignIn.LOGIN, description="login, plain, or xoauth2 (then the password is an access token)")
    user: str = Field(min_length=1)
    password: SecretReference = Field(min_length=1, description="env:NAME or file:PATH, read again at each sign-in")
    folder: str = Field("INBOX", min_length=1, description="folder for new email")
    folders: MailboxFolders = MailboxFolders.model_construct()
    poll_seconds: Seconds = Field(
        60, description="maximum time between checks; servers with IDLE report new email at once"
    )
    timeout_seconds: Seconds = Field(30, description="maximum time for each answer of the server")
    batch: int = Field(50, ge=1, le=1000, description="emails fetched at a time")
    max_bytes: int = Field(30_000_000, ge=1000, le=500_000_000, description="larger emails are not processed")
    authserv_id: str = Field("", description="authserv-id that the mail server writes in Authentication-Results")

    @model_validator(mode="after")
    def _check_mailbox_security(self) -> Self:
        if self.security is MailSecurity.NONE and self.host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError("a password is not sent over an open connection: security must be starttls or tls")
        return self

    def make_mailbox_server(self, folder: Path) -> MailboxServer:
        """Relative paths start at `folder`."""
        return MailboxServer(
            host=self.host,
            port=self.port,
            security=self.security,
            sign_in=self.sign_in,
            user=self.user,
            password=self.password,
            ca=folder / self.ca if self.ca else None,
            seconds=self.timeout_seconds,
            folder=self.folder,
        )


class LettersSettings(ProfileSection):
    folder: str = Field(
        "letters", description="your own templates, relative to this file; used before the shipped ones"
    )
    language: LetterLanguage = Field("en", min_length=1, description="language if the recipient's is unknown: en, de …")


class LogSettings(ProfileSection):
    format: Literal["console", "json"] = "console"
    level: Literal["debug", "info", "warning", "error"] = "info"


class TracesSettings(ProfileSection):
    """Spans for an OpenTelemetry collector; without `endpoint` there are none, and nothing of theirs is loaded."""

    endpoint: Annotated[str, AfterValidator(lambda text: text and check_web_address(text))] = Field(
        "", description="address of a collector for OTLP over HTTP, with its path (/v1/traces); empty: no traces"
    )
    headers: Mapping[str, SecretReference] = Field(
        default_factory=dict, description="header -> what the collector authenticates by, as env:NAME or file:PATH"
    )

    def describe_missing_extra(self) -> str:
        """Describe what must be installed; empty: nothing."""
        try:
            if self.endpoint:
                import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        except ImportError:
            return "OpenTelemetry is not installed: pip install 'illgate[traces]'"
        return ""


OWN_PARTNERS = "partners"
"""The folder of a library's own partners, in the library's folder."""


class Settings(ProfileSection):
    """One installation. `file` is where it was read from; relative paths in it start at `folder`."""

    libraries: tuple[LibrarySettings, ...] = Field((LibrarySettings(),), min_length=1)
    defaults: dict[str, object] = Field(
        {}, exclude=True, description="keys of `libraries[]` that each library has unless it has a value of its own"
    )
    store: StoreSettings = StoreSettings.model_construct()
    http: HttpSettings = HttpSettings.model_construct()
    tcp: tuple[TcpListener, ...] = ()
    profiles: ProfilesSettings = ProfilesSettings.model_construct()
    directory: DirectorySettings = DirectorySettings.model_construct()
    journal: JournalSettings = JournalSettings.model_construct()
    api: ApiSettings = ApiSettings.model_construct()
    pages: PagesSettings = PagesSettings.model_construct()
    article_lookup: ArticleLookupSettings = ArticleLookupSettings.model_construct()
    staff: StaffSettings = StaffSettings.model_construct()
    outbox: OutboxSettings = OutboxSettings.model_construct()
    mail: MailSettings = MailSettings.model_construct()
    mailboxes: tuple[MailboxSettings, ...] = ()
    letters: LettersSettings = LettersSettings.model_construct()
    log: LogSettings = LogSettings.model_construct()
    metrics: bool = Field(True, description="/metrics for Prometheus")
    traces: TracesSettings = TracesSettings.model_construct()
    shutdown_seconds: Seconds = Field(20, description="time to finish messages in progress when stopping")
    library_timeout_seconds: Seconds = Field(30, description="maximum time for one library system call")

    @model_validator(mode="after")
    def _check_oidc_public_url(self) -> Self:
        for library in self.libraries:
            if library.sign_in.oidc.issuer and not self.http.public_url:
                raise ValueError(f"{library.symbol}: sign_in.oidc needs http.public_url, where patrons come back")
        if self.staff.oidc.issuer and not self.http.public_url:
            raise ValueError("staff.oidc needs http.public_url, where staff come back")
        return self

    @model_validator(mode="after")
    def _check_grant_libraries(self) -> Self:
        for grant in self.staff.oidc.grants:
            is_named = LIBRARY in grant.value or any(library.is_called(grant.library) for library in self.libraries)
            if not (is_named or grant.counts_everywhere) and (grant.library or len(self.libraries) > 1):
                raise ValueError(f"staff.oidc.grants: {grant.value}: library must be one of those above")
        return self

    @model_validator(mode="after")
    def _check_lookup_address(self) -> Self:
        if self.article_lookup.sources and not self.article_lookup_email:
            raise ValueError("article_lookup.sources need article_lookup.email: the services ask whom to write to")
        return self

    @model_validator(mode="after")
    def _check_mailbox_libraries(self) -> Self:
        names = [mailbox.name for mailbox in self.mailboxes]
        if len(set(names)) != len(names):
            raise ValueError("two mailboxes have the same name")
        symbols = {library.symbol.casefold() for library in self.libraries}
        for mailbox in self.mailboxes:
            if mailbox.library.casefold() not in symbols and (mailbox.library or len(symbols) > 1):
                raise ValueError(f"mailbox {mailbox.name}: library must be one of those above, not '{mailbox.library}'")
        return self

    _file: Path = PrivateAttr(Path(FILE))
    _document: YamlDocument = PrivateAttr(YamlDocument(FILE))
    _copies: Path | None = PrivateAttr(None)

    def take_libraries(self, libraries: tuple[LibrarySettings, ...], document: YamlDocument) -> None:
        """Take other libraries, of the same files read anew: whoever has these settings meets all of them at once."""
        self.__dict__["libraries"] = libraries
        self._document = document

    @property
    def file(self) -> Path:
        return self._file

    @property
    def document(self) -> YamlDocument:
        """The text of the file, and the place of each key."""
        return self._document

    @property
    def folder(self) -> Path:
        return self._file.absolute().parent

    @property
    def served_libraries(self) -> tuple[LibrarySettings, ...]:
        """The libraries that are not closed, and in whose sections nothing is wrong."""
        return tuple(library for library in self.libraries if library.is_served)

    @property
    def article_lookup_email(self) -> str:
        """The address that services may write to that are asked about articles."""
        return self.article_lookup.email or self.libraries[0].email

    @property
    def profiles_folder(self) -> Path:
        return self.folder / self.profiles.folder

    @property
    def letters_folder(self) -> Path:
        """It needn't be there."""
        return self.folder / self.letters.folder

    def find_letters(self, library: LibrarySettings | None = None) -> tuple[tuple[Path, ...], str]:
        """Find the folders of letters and words, the first one first, and the usual language; None: for all."""
        own = library.letters if library is not None else LibraryLettersSettings()
        folders = (*([self.folder / own.folder] if own.folder else []), self.letters_folder)
        return folders, own.language or self.letters.language

    @property
    def partners_folder(self) -> Path:
        """It needn't be there."""
        return self.folder / self.profiles.partners

    def find_own_partners(self, library: LibrarySettings) -> Path | None:
        """Find the folder of a library's own partners, which needn't be there; None: the library has no folder."""
        return (self._copies or self.folder) / library.folder / OWN_PARTNERS if library.folder else None

    def find_owner_of_file(self, file: str) -> LibrarySettings | None:
        """Find the library in whose folder a file is, by the file's name in problems; None: it is the office's."""
        path = os.path.abspath(file)
        owned = (library for library in self.libraries if library.folder)
        return next((each for each in owned if path.startswith(f"{self.folder / each.folder}{os.sep}")), None)

    def read_own_partners_in(self, copies: Path) -> None:
        """Read the folders of libraries' own partners in a copy of them, which has them by the same names."""
        self._copies = copies

    @property
    def directory_folder(self) -> Path:
        """It has a folder for each source, which needn't be there before the first pull."""
        return self.folder / self.directory.folder

    def is_of_directory(self, file: str) -> bool:
        """Return whether a file, by its name in problems, is that of a directory's entry."""
        return bool(self.directory.sources) and Path(os.path.abspath(file)).is_relative_to(self.directory_folder)

    @property
    def groups_file(self) -> Path:
        """It needn't be there."""
        return self.folder / self.profiles.groups

    def find_library(self, symbol: str = "") -> LibrarySettings:
        """Find a library by symbol or short name, without case; the only one when none is said. Raises KeyError."""
        if not symbol and len(self.libraries) == 1:
            return self.libraries[0]
        for library in self.libraries:
            if library.is_called(symbol):
                return library
        raise KeyError(symbol)

    def resolve_store_url(self) -> URL:
        """Resolve the URL with an absolute file and the password. Raises ConfigurationError when the password isn't
        there."""
        url = make_url(self.store.url)
        if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
            return url.set(database=str(self.folder / str(url.database)))
        return url.set(password=resolve_secret(self.store.password, self.folder)) if self.store.password else url

    def make_problem(
        self, path: KeyPath, message: str, value: str = "", allowed: tuple[str, ...] = ()
    ) -> ConfigurationProblem:
        """Something wrong with a value of these settings, with its place in the file."""
        suggestion = nearest_match(value, allowed)
        return self._document.make_problem(path, message, f"'{value}'" if value else "", allowed, suggestion)
