"""LibraryServices: one library with all that can be done for it.

They are made once, when the gateway starts; what may change later (profiles, rules of requests) each asks its
`LibraryContext` for. Whoever comes in, by a page, the API, a command, a mail or a timer, finds the library first, and
then names none any more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from gateway.domain.problems import Unavailable
from gateway.domain.requests.views import NotFound
from gateway.domain.value import value_object
from gateway.services.desks.bulk_actions import BulkActionService
from gateway.services.desks.copies import CopyService
from gateway.services.desks.journaled_messages import JournaledMessageService
from gateway.services.desks.printing import PrintService
from gateway.services.desks.replay_jobs import ReplayJobs
from gateway.services.desks.request_marks import RequestMarkService
from gateway.services.desks.request_statistics import StatisticsService
from gateway.services.desks.saved_filters import SavedFilterService
from gateway.services.desks.scans import ScanService
from gateway.services.desks.staff_service import PartnerDirectory, StaffService
from gateway.services.mailbox.unmatched_mail import UnmatchedMailService
from gateway.services.operation.network_load import LibraryLoads
from gateway.services.operation.partner_probe import PartnerProbe
from gateway.services.outbox.webhooks import WebhookService
from gateway.services.patrons.patron_copies import PatronCopies
from gateway.services.patrons.patron_data import PatronDataService
from gateway.services.patrons.patron_requests import PatronRequestService
from gateway.services.people.api_keys import ApiKeyService
from gateway.services.people.users import UserService
from gateway.services.request_work.patron_notices import NoticeService
from gateway.services.request_work.request_reader import EventFeed
from gateway.services.request_work.request_service import RequestService
from gateway.services.requests.library_context import NOT_SERVED, LibraryContext
from gateway.services.requests.partner_closures import PartnerClosureService
from gateway.services.requests.request_messages import MessageService
from gateway.services.searching.fulfilment import FulfilmentService
from gateway.services.searching.search import CatalogueSearch


@value_object(kw_only=True)
class LibraryServices:
    """`offering` None: no adapter reads links. Each method of them raises Unavailable when the store or the library's
    system is away, and what its docstring says."""

    context: LibraryContext
    requests: RequestService
    patrons: PatronRequestService
    partners: PartnerDirectory
    desk: StaffService
    marks: RequestMarkService
    bulk: BulkActionService
    saved_filters: SavedFilterService
    statistics: StatisticsService
    patron_copies: PatronCopies
    patron_data: PatronDataService
    scans: ScanService
    messages: MessageService
    copies: CopyService
    closures: PartnerClosureService
    probe: PartnerProbe
    journaled: JournaledMessageService
    notices: NoticeService
    printing: PrintService
    feed: EventFeed
    search: CatalogueSearch
    mails: UnmatchedMailService
    replay_jobs: ReplayJobs
    users: UserService
    keys: ApiKeyService
    webhooks: WebhookService
    network: LibraryLoads
    offering: FulfilmentService | None

    @property
    def symbol(self) -> str:
        return self.context.symbol


class LibraryRegistry(dict[str, LibraryServices]):
    """The libraries that are served now, by symbol. `list_held_back`: symbols of the others: they are closed, or
    something in their settings is wrong."""

    def __init__(self, list_held_back: Callable[[], Collection[str]]) -> None:
        super().__init__()
        self._list_held_back = list_held_back

    @property
    def held_back(self) -> frozenset[str]:
        """Their symbols, case-folded."""
        return frozenset(symbol.casefold() for symbol in self._list_held_back())


def find_library(libraries: LibraryRegistry, symbol: str) -> LibraryServices:
    """Return the library that has this symbol, without case. Raises NotFound; Unavailable for one that is held back."""
    services = next((library for known, library in libraries.items() if known.casefold() == symbol.casefold()), None)
    if services is None and symbol.casefold() in libraries.held_back:
        raise Unavailable(NOT_SERVED)
    if services is None:
        raise NotFound("library")
    return services
