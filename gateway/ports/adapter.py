"""Types of adapters: an adapter is an object of one of them under the entry point group `illgate.adapters`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import field
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny

from gateway.domain.clock import Clock
from gateway.domain.library import Item, Loan, Patron, RecordId
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, RefusalReason, Refused
from gateway.domain.value import value_object
from gateway.ports.article_lookup import ArticleSource, ArticleSourceContext
from gateway.ports.catalogue import LinkFormat, RecordSearch
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.incoming_mail import ConcealSecrets, MailboxClient, MailFormat, ParseMail, PartConcealer
from gateway.ports.library_changes import LibraryChanges
from gateway.ports.library_system import Capability, CheckedIn, LibraryInfo
from gateway.ports.outgoing_addresses import AllowedAddresses
from gateway.ports.outgoing_mail import (
    AnswerLinks,
    LetterSender,
    LetterStyle,
    Mailer,
    MailServer,
    PartnerLetters,
    offer_no_answers,
)
from gateway.ports.partner_channel import (
    NoPartnerConnections,
    PartnerChannel,
    PartnerConnections,
    PartnerMessage,
    ReceiveMessage,
    RecordSent,
    record_nothing,
)
from gateway.ports.peer_headers import MakePeerHeaders, refuse_peer_headers
from gateway.ports.responder import Responder
from gateway.ports.secrets import Secrets
from gateway.ports.shared_store import SchemaMigrations, Store

if TYPE_CHECKING:
    import click


class NestedSystem(BaseModel):
    """The section of another library system within that of an adapter (`LibraryAdapter.nested`). `options`: the model
    of all its other keys; the settings have read and checked them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str = Field(min_length=1, description="the adapter, as in `system.type`")
    options: SerializeAsAny[BaseModel] | None = Field(None, exclude=True)


OpenOtherSystem = Callable[["LibraryAdapterContext", NestedSystem], Awaitable[LibrarySystem]]
"""Opens a system of another kind for the same library. Raises as `LibraryAdapter.open`, ConfigurationError."""


async def refuse_other_systems(_context: LibraryAdapterContext, nested: NestedSystem) -> LibrarySystem:
    problem = ConfigurationProblem("", 0, (), "no other system can be opened here", nested.type)
    raise ConfigurationError([problem])


@value_object
class LibraryAdapterContext:
    """The parts that a library adapter is given to open the system of one library. `secrets` resolves what its options
    name as env:NAME or file:PATH and raises ConfigurationError; `changes` is for a system outside the store;
    `open_other` is for an adapter whose options nest other systems."""

    library: str  # symbol: the tenant whose rows these are
    store: Store
    clock: Clock
    zone: tzinfo
    currency: str
    folder: Path  # where gateway.yml is; relative paths in options start here
    info: LibraryInfo  # as gateway.yml has it: name and how to reach the library
    secrets: Secrets
    changes: LibraryChanges
    open_other: OpenOtherSystem = refuse_other_systems


@value_object
class OpenLibrary:
    """One library's system, opened for the time of a command."""

    context: LibraryAdapterContext
    options: Any  # the adapter's own model
    system: LibrarySystem


@value_object
class DeskAdvice:
    """The advice for whoever has scanned an item. `popup`: one line; `slip`: plain text to be printed and put into the
    item. Empty: nothing."""

    popup: str = ""
    slip: str = ""


class LibraryDesk(Protocol):
    """The gateway's part in what is done at a library's desk: requests that it manages follow."""

    async def notify_checked_out(self, loan: Loan, item: Item, patron: Patron) -> None:
        """Tell the desk of a loan; raises Unavailable."""
        ...

    async def notify_checked_in(self, done: CheckedIn) -> DeskAdvice:
        """Tell the desk of a check-in; told twice it changes nothing. Raises Unavailable."""
        ...

    async def notify_deleted(self, item: Item) -> None:
        """The record of a partner's item was removed: the item has gone back. Raises Unavailable."""
        ...


class CommandContext(Protocol):
    """The object that a library adapter's command finds as click's `ctx.obj`."""

    def library(self, symbol: str = "") -> AbstractAsyncContextManager[OpenLibrary]:
        """Open a library by symbol, without case; the only one when none is said. The store is there and up to date.

        Raises click.UsageError for an unknown symbol, ConfigurationError, Unavailable.
        """
        ...

    def desk(self, opened: OpenLibrary) -> LibraryDesk:
        """The desk of an open library. Raises ConfigurationError."""
        ...


@value_object
class LibraryAdapter:
    """A kind of library system: `open(context, options)` makes the port for one library.

    `options` is the pydantic model of its section in gateway.yml; `migrations` its own tables in the store, if it
    keeps any; `load_command` loads the click group shown as `illgate library`, whose `ctx.obj` is a CommandContext;
    `sample(context)` fills a new library with sample data and says in plain lines who and what can be tried
    (`illgate init`). `secrets(options)`: passwords by reference, by key within the section: looked for by
    `illgate check`. `ways`: what the system can do at best, and how, in a word or two; a certain library's may be able
    to do less (`LibrarySystem.capabilities`). `nested`: keys of its section that are sections of other systems; each is
    a `NestedSystem` in `options`.
    """

    name: str
    options: type[BaseModel]
    open: Callable[[LibraryAdapterContext, Any], Awaitable[LibrarySystem]]
    migrations: SchemaMigrations | None = None
    load_command: Callable[[], click.Group] | None = None
    sample: Callable[[LibraryAdapterContext], Awaitable[str]] | None = None
    secrets: Callable[[Any], Mapping[str, str]] | None = None
    ways: Mapping[Capability, str] = field(default_factory=dict)
    nested: tuple[str, ...] = ()

    def list_nested(self, options: Any) -> tuple[NestedSystem, ...]:
        """List the nested systems in the order of `nested`."""
        return tuple(getattr(options, key) for key in self.nested)


@value_object
class ProtocolAdapter:
    """A wire protocol: `dialect` is the pydantic model of its section in a profile (key = `name`).

    `responder` makes the answering side. `addresses(dialect)` says where a profile sends messages to, by key within
    the section, as URL or host:port (`illgate check --live` tries them). `example(text)`: the message that
    an example of a profile writes; raises ValueError. `over_http`: whether it is spoken by HTTP too; `post_only`: there
    by POST alone, other methods are refused; `for_all`: whether its messages say whose they are, so that one TCP
    listener serves all partners; `names_patrons`: whether a request in it can say for which patron of the partner's it
    is (`workflow.lending.loan_to`).
    """

    name: str
    dialect: type[BaseModel]
    responder: Callable[[], Responder]
    addresses: Callable[[Any], Mapping[str, str]] | None = None
    example: Callable[[str], bytes] = str.encode
    over_http: bool = True
    post_only: bool = False
    for_all: bool = False
    names_patrons: bool = False


@value_object
class ChannelLibrary:
    """The facts that a channel knows of a library whose requests it carries."""

    info: LibraryInfo
    zone: tzinfo
    currency: str


ReadFile = Callable[[str, str], Awaitable[bytes]]
"""The bytes of an attachment, by library and id. Raises KeyError when it isn't there (any more), Unavailable."""


@value_object(kw_only=True)
class ChannelContext:
    """The parts that a channel is given. `libraries` by symbol; `receive` takes what partners say (see
    `ports.partner_channel`); `mailer` and `sender` are the installation's; `folder` is where gateway.yml is: relative
    paths in a profile's section start there; `answers` makes links that answer a letter; `lines` are connections to
    partners. What goes out by `mailer` or `lines` is journaled there; a channel with a transport of its own tells
    `record` of each message once its answer is there, or its outcome is unknown. One that speaks HTTP adds
    `make_peer_headers` to each message."""

    libraries: Mapping[str, ChannelLibrary]
    clock: Clock
    secrets: Secrets
    folder: Path
    mailer: Mailer
    sender: LetterSender
    letters: PartnerLetters
    read_file: ReadFile
    receive: ReceiveMessage
    lines: PartnerConnections = NoPartnerConnections()
    answers: AnswerLinks = offer_no_answers
    record: RecordSent = record_nothing
    make_peer_headers: MakePeerHeaders = refuse_peer_headers

    async def load_copy_files(self, message: PartnerMessage) -> tuple[tuple[str, str, bytes], ...]:
        """Load the copy that the message brings. Raises Refused when it isn't there any more and there is no link."""
        wanted = message.details.attachment
        for attachment in message.request.attachments if wanted else ():
            if attachment.id == wanted:
                with suppress(KeyError):
                    content = await self.read_file(message.request.library, wanted)
                    return ((attachment.name, attachment.media_type, content),)
        if wanted and not message.details.link:
            raise Refused(RefusalReason.DATA_MISSING, "The copy to be sent no longer exists.")
        return ()


@value_object
class ChannelAdapter:
    """A way to tell partners about managed requests. `name`: as profiles and attempts call it (mail, loopback, …).

    `section` is the key of its own section in a profile, `dialect` that section's pydantic model; a protocol of the
    same name shares its section. `make(context)` makes the one channel of the installation. `style(dialect, folder)`:
    how its letters look, for a channel that writes some (`illgate check` renders them). `gathers`: its channel can send
    several messages in one mail (`gateway.ports.partner_channel.SendsBatches`). `secrets(dialect)`: passwords that
    stand in its messages, by reference, by key within the section: looked for by `illgate check`, and kept out of the
    journal when they come back in an answer. `by_mail(dialect)`: whether it writes to the partner's e-mail address;
    who has it has a dialect whose keys may all be left out. `by_connection(dialect)`: whether it speaks on
    `ChannelContext.lines`, which the daemon alone keeps; commands leave such messages to it. `names_other_side`: its
    messages can name the library on the other side of what we broker (`PartnerMessage.on_behalf_of`). `signs_messages`:
    it adds `ChannelContext.make_peer_headers` to each message.
    """

    name: str
    section: str
    dialect: type[BaseModel]
    make: Callable[[ChannelContext], PartnerChannel]
    style: Callable[[Any, Path], LetterStyle] | None = None
    gathers: bool = False
    secrets: Callable[[Any], Mapping[str, str]] | None = None
    by_mail: Callable[[Any], bool] | None = None
    by_connection: Callable[[Any], bool] | None = None
    names_other_side: bool = False
    signs_messages: bool = False


@value_object
class MailerAdapter:
    """A way to hand mail in."""

    name: str
    make: Callable[[MailServer, Secrets], Mailer]


@value_object
class MailFormatAdapter:
    """A format of partners' mails. `dialect` is the model of its section in a profile (key = `name`);
    `secret_pattern(dialect)`: where a password stands in its mails, whoever's it is (a pattern of RE2 with a group
    `secret`); `part_concealer`: what takes passwords out of those parts of its mails that aren't text."""

    name: str
    dialect: type[BaseModel]
    make: Callable[[], MailFormat]
    secret_pattern: Callable[[Any], str] | None = None
    part_concealer: PartConcealer | None = None


@value_object
class MailboxAdapter:
    """A way to fetch partners' mails, and to take them apart. `require` raises Refused when what it needs isn't
    installed; then no mailbox can be opened."""

    name: str
    make: Callable[[Secrets], MailboxClient]
    parse: ParseMail
    conceal: ConcealSecrets
    require: Callable[[], None] = lambda: None


@value_object
class SearchContext:
    """The parts that a search is given. `addresses`: where it may go when a server leads it elsewhere; to the server
    that a profile names it may go in any case."""

    secrets: Secrets
    addresses: AllowedAddresses


@value_object
class SearchAdapter:
    """A protocol in which catalogues are searched. `dialect` is the model of its section in a profile (key = `name`);
    `make(context)` makes the one search of the installation; `address(dialect)`: where it looks, as URL or
    host:port."""

    name: str
    dialect: type[BaseModel]
    make: Callable[[SearchContext], RecordSearch]
    address: Callable[[Any], str]


@value_object
class LinkAdapter:
    """A format of links that cite something."""

    name: str
    make: Callable[[], LinkFormat]


@value_object
class ArticleSourceAdapter:
    """A public service that knows articles. `name`: as `article_lookup.sources` of gateway.yml calls it; `url`: where
    it is, unless the settings name another place; `probe`: a number that may be asked about at any time, to see whether
    there is an answer (`illgate check --live`)."""

    name: str
    url: str
    make: Callable[[ArticleSourceContext], ArticleSource]
    probe: RecordId


Adapter = (
    LibraryAdapter
    | ProtocolAdapter
    | ChannelAdapter
    | MailerAdapter
    | MailFormatAdapter
    | MailboxAdapter
    | SearchAdapter
    | LinkAdapter
    | ArticleSourceAdapter
)
