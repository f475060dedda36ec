"""What the JSON API asks of the services behind it. `gateway.services.requests` has them; nothing is imported from
there, so that the two are joined in `runtime.daemon` alone.

Every method raises Unavailable (the store or a library system is away), and what its docstring says. All of them see
the rows of the library that is named and no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.domain.requests.events import EventDetails
from gateway.domain.requests.request import Attachment, Request
from gateway.domain.requests.rota import RotaExplanation
from gateway.domain.requests.views import (
    ActionRequest,
    BorrowingDraft,
    DeadLetter,
    FileUpload,
    HistoryLine,
    LendingDraft,
    NoticeView,
    PartnerLoad,
    PartnerView,
    PatronAction,
    PatronView,
    QuestionView,
    RequestFilter,
    RequestView,
    ResultPage,
    RotaView,
    StoredFile,
    TaskView,
)
from gateway.domain.value import value_object
from gateway.ports.catalogue import CatalogueQuery, ReceivedLink
from gateway.services.fulfilment import ResolvedLink
from gateway.services.letters import ResolvedLanguage
from gateway.services.searching.search import SearchableTarget, SearchOutcome


class Requests(Protocol):
    async def create_borrowing(self, library: str, draft: BorrowingDraft) -> Request:
        """Checked and submitted. Raises Refused (unknown or blocked patron, limit, duplicate, locally owned …)."""
        ...

    async def create_lending(self, library: str, draft: LendingDraft) -> Request:
        """Raises Refused (the requester's number is taken, closed, over the threshold …)."""
        ...

    async def listing(self, library: str, wanted: RequestFilter, limit: int, cursor: str) -> ResultPage[Request]:
        """Newest change first. Raises InvalidCursorError; Refused (INVALID_VALUE) for a task or state that doesn't
        exist."""
        ...

    async def show(self, library: str, request_id: str) -> RequestView:
        """Raises NotFound."""
        ...

    async def act(self, library: str, request_id: str, action: ActionRequest) -> Request:
        """The request after the event. Where the library's system must say yes first, its answer is awaited.

        Raises NotFound, VersionConflict, EventDenied, Refused, OutcomeUnknown.
        """
        ...

    async def attach(
        self, library: str, request_id: str, upload: FileUpload, actor: str, version: int | None
    ) -> tuple[Request, Attachment]:
        """Raises NotFound, VersionConflict, Refused."""
        ...

    async def attachment(self, library: str, request_id: str, attachment_id: str) -> StoredFile:
        """Raises NotFound."""
        ...

    async def reorder(
        self, library: str, request_id: str, partners: Sequence[str], actor: str, version: int | None
    ) -> Request:
        """Waiting lines of the rota in this order; partners that are new are added, those left out stay behind.

        Raises NotFound, VersionConflict, Refused (a partner that doesn't exist).
        """
        ...

    async def skip(
        self, library: str, request_id: str, partner: str, why: str, actor: str, version: int | None
    ) -> Request:
        """A waiting line of the rota is not asked. Raises NotFound (request or line), VersionConflict."""
        ...


class Partners(Protocol):
    async def partners(self, library: str) -> Sequence[PartnerView]: ...

    async def partner(self, library: str, profile: str) -> PartnerView:
        """Raises NotFound."""
        ...

    async def rotas(self, library: str) -> Sequence[RotaView]: ...

    async def rota(self, library: str, name: str) -> RotaView:
        """Raises NotFound."""
        ...

    async def loads(self, library: str) -> Sequence[PartnerLoad]: ...

    async def explain(self, library: str, request_id: str) -> RotaExplanation:
        """Whom a borrowing request would ask next, and why. Raises NotFound, Refused."""
        ...


class Desk(Protocol):
    """Staff's lists besides the requests themselves."""

    async def tasks(self, library: str) -> Sequence[TaskView]: ...

    async def dead_letters(self, library: str, limit: int, cursor: str) -> ResultPage[DeadLetter]:
        """Oldest first. Raises InvalidCursorError."""
        ...

    async def dead_letter(self, library: str, letter_id: str) -> DeadLetter:
        """Raises NotFound, also when it isn't dead any more."""
        ...

    async def release(self, library: str, letter_id: str, actor: str) -> None:
        """It is tried again at once. Raises NotFound."""
        ...

    async def edit(self, library: str, letter_id: str, payload: str, actor: str) -> None:
        """Raises NotFound; Refused (INVALID_VALUE) when the payload can't be what its kind needs."""
        ...

    async def skip(self, library: str, letter_id: str, reason: str, actor: str) -> None:
        """It is never sent; what comes after it in its lane goes on. Raises NotFound."""
        ...

    async def notices(self, library: str, request_id: str, limit: int, cursor: str) -> ResultPage[NoticeView]:
        """Newest first; `request_id` empty: of all requests. Raises InvalidCursorError."""
        ...


class Patrons(Protocol):
    """Patrons' own requests: those of others are not there. `language` empty: the one that is kept for the patron."""

    async def listing(
        self, library: str, patron_id: str, open_: bool | None, language: str, limit: int, cursor: str
    ) -> ResultPage[PatronView]:
        """Newest change first. Raises InvalidCursorError."""
        ...

    async def show(self, library: str, request_id: str, patron_id: str, language: str) -> PatronView:
        """Raises NotFound."""
        ...

    async def act(
        self,
        library: str,
        request_id: str,
        patron_id: str,
        act: PatronAction,
        details: EventDetails,
        version: int | None,
        language: str,
    ) -> PatronView:
        """Raises NotFound, VersionConflict, EventDenied, Refused."""
        ...


class Search(Protocol):
    """Other libraries' catalogues."""

    def targets(self, library: str) -> Sequence[SearchableTarget]: ...

    async def search(self, library: str, where: str, query: CatalogueQuery, records: int = 0) -> SearchOutcome:
        """A target that gives no answer is named with the reason. Raises NotFound: no such profile or group."""
        ...


class Links(Protocol):
    """OpenURLs."""

    async def resolve(self, library: str, link: ReceivedLink, patron: str = "") -> ResolvedLink:
        """What it cites and what the library can do for it. Raises MalformedMessage, Refused (unknown patron)."""
        ...


class Questions(Protocol):
    """Questions to patrons and partners behind signed links. InvalidLinkError: nobody of ours made the link."""

    async def question(self, token: str) -> QuestionView:
        """Raises InvalidLinkError."""
        ...

    async def answer(self, token: str, form: Mapping[str, str]) -> QuestionView:
        """Answers as the link says, with what was filled in, if the question is open; how it stands then. Raises
        InvalidLinkError, Refused."""
        ...

    def spoken(self, language: str) -> ResolvedLanguage:
        """The words of pages in this language, or in what stands in for it."""
        ...


class Feed(Protocol):
    async def after(self, library: str, cursor: str, limit: int) -> Sequence[HistoryLine]:
        """Events whose id sorts behind the cursor, oldest first; an empty cursor: from the first that is kept."""
        ...


@value_object(kw_only=True)
class Services:
    requests: Requests
    partners: Partners
    desk: Desk
    patrons: Patrons
    questions: Questions
    search: Search
    feed: Feed
    links: Links | None = None  # None: no adapter reads links
