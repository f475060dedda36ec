"""LibraryContext: one library with rules, partners, system, store and clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, tzinfo
from typing import TYPE_CHECKING

from gateway.domain.circulation_policy import DueDates
from gateway.domain.library import Item
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.calendar import Calendar
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.network_load import NOTHING, ReportedLoad
from gateway.domain.requests.partner_policy import PartnerPolicy, Workflow
from gateway.domain.requests.policy import RequestPolicy
from gateway.domain.requests.request import LibraryParty, Request, Role
from gateway.domain.requests.views import NotFound
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.catalogue import Catalogue
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import LibraryInfo
from gateway.ports.partner_channel import PartnerChannel, is_limited
from gateway.store.library_store import LibraryStore
from gateway.store.requests import requests

if TYPE_CHECKING:  # slow to load: profiles are asked for only where they are needed
    from gateway.profiles import LibraryPartners, ProfileSet

Network = Callable[[tuple[str, ...], RequestPolicy], ReportedLoad]
"""Report what the members of the library's network have open with the supplier that has these symbols."""

DESK = "desk"

PATRON = "patron"
"""Actor of what patrons do themselves."""


NOT_SERVED = write_sentence("the library is closed, or held back because of an error in its settings")

TAKES_NO_REQUESTS = write_sentence("This library takes no new requests.")


def report_no_load(_symbols: tuple[str, ...], _policy: RequestPolicy) -> ReportedLoad:
    """There is no network."""
    return NOTHING


@value_object(kw_only=True)
class LibraryContext(LibraryStore):
    """`profiles` and `policy` give what is in use now; `wake_outbox` wakes the outbox worker;
    `public_url`: where this gateway is reached from outside, for links; `writes_letters`: a mail server is set up, so
    patrons get notices; `network` gives what its members report about a supplier's load."""

    info: LibraryInfo
    system: LibrarySystem
    zone: tzinfo
    currency: str
    profiles: Callable[[], ProfileSet]
    policy: Callable[[], RequestPolicy]
    channels: Mapping[str, PartnerChannel]
    catalogue: Catalogue
    wake_outbox: Callable[[], None]
    public_url: str = ""
    writes_letters: bool = True
    network: Network = report_no_load
    takes_requests: bool = True

    def require_open(self) -> None:
        """Raise Refused(UNSUPPORTED_SERVICE) while the library is being closed: nothing new begins."""
        if not self.takes_requests:
            raise Refused(RefusalReason.UNSUPPORTED_SERVICE, TAKES_NO_REQUESTS)

    def today(self) -> date:
        """Return the day in the library's zone."""
        return self.now().astimezone(self.zone).date()

    @property
    def calendar(self) -> Calendar:
        return Calendar.from_policy(self.policy().calendar, self.zone)

    def own_profiles(self) -> LibraryPartners:
        """The partners and profiles that live for this library now."""
        return self.profiles().of_library(self.symbol)

    def profile(self, name: str) -> Profile | None:
        """None for one that isn't there, or is another library's."""
        return self.own_profiles().find_profile(name)

    def partner(self, name: str) -> PartnerPolicy | None:
        """Return the partner of a profile; None for one that isn't there or is no partner of requests."""
        profile = self.profile(name)
        return profile.partner if profile is not None else None

    def require_partner(self, name: str) -> tuple[Profile, PartnerPolicy]:
        """Return a partner; raises Refused(UNKNOWN_AGENCY)."""
        profile = self.profile(name)
        if profile is None or profile.partner is None:
            raise Refused(
                RefusalReason.UNKNOWN_AGENCY,
                write_sentence("Partner profile '%(name)s' not found.", name=name),
                about=MessagePart.RECEIVER,
                value=name,
            )
        return profile, profile.partner

    def partners(self) -> tuple[tuple[Profile, PartnerPolicy], ...]:
        """All profiles of partners with whom this library exchanges requests, by name. Another library may know the
        same partner by a profile of its own."""
        return self.own_profiles().partners

    def partner_names(self) -> Mapping[str, str]:
        """Return partners' names by the name of the profile; that name itself where a profile has no other."""
        return {profile.name: partner.name or profile.name for profile, partner in self.partners()}

    def name_of_partner(self, profile: str) -> str:
        """Return the partner's name; that of the profile where it has no other, or isn't there (any more)."""
        partner = self.partner(profile)
        return partner.name if partner is not None and partner.name else profile

    def partner_policies(self) -> Mapping[str, PartnerPolicy]:
        """Return policies by the name of the profile."""
        return {profile.name: partner for profile, partner in self.partners()}

    async def find_item(self, barcode: str) -> Item | None:
        """None: the library's system has no item with this barcode. Raises Refused for whatever else it says no to,
        Unavailable."""
        try:
            return await self.system.item_by_barcode(barcode)
        except Refused as refused:
            if refused.reason is not RefusalReason.UNKNOWN_ITEM:
                raise
            return None

    def reported_load(self, partner: PartnerPolicy) -> ReportedLoad:
        """Requests that other members of the network have open with this partner."""
        return self.network(partner.symbols, self.policy())

    def find_partner_by_symbol(self, symbol: str) -> Profile | None:
        """The partner that has this symbol, without case."""
        return self.own_profiles().find_by_symbol(symbol)

    def workflow(self, request: Request) -> Workflow:
        """Return the workflow without what the partner's channel has no message for: a renewal that nobody hears of is
        none. What we broker is told in a note then (`CarryWay.NOTE`)."""
        profile = self.profile(request.partner.profile)
        partner = profile.partner if profile is not None else None
        if profile is None or partner is None:
            return Workflow()
        channel, workflow = self.channels.get(partner.channel), partner.workflow_of_service(request.service)
        is_own = request.role is Role.BORROWING and request.other_leg is None
        if not is_own or not is_limited(channel):
            return workflow
        rules = workflow.borrowing
        renew = rules.renew and channel.has_message(EventKind.RENEW, request.role, profile)
        status_query = rules.status_query and channel.has_message(EventKind.STATUS_QUERY, request.role, profile)
        if (renew, status_query) == (rules.renew, rules.status_query):
            return workflow
        narrowed = rules.model_copy(update={"renew": renew, "status_query": status_query})
        return workflow.model_copy(update={"borrowing": narrowed})

    def due_dates(self, request: Request) -> DueDates:
        profile = self.profile(request.partner.profile)
        return profile.circulation.due_dates if profile is not None else DueDates()

    def party_of_partner(self, name: str) -> LibraryParty:
        """Make the party of a partner; raises Refused(UNKNOWN_AGENCY)."""
        profile, partner = self.require_partner(name)
        return LibraryParty(
            symbol=partner.symbol, profile=profile.name, name=partner.name, email=partner.email, address=partner.address
        )

    def add_addresses_of_profile(self, party: LibraryParty) -> LibraryParty:
        """A partner whose messages name no address, or whose addresses were forgotten, is written to where its profile
        says."""
        partner = self.partner(party.profile)
        if partner is None:
            return party
        return replace(party, email=party.email or partner.email, address=party.address or partner.address)

    def update_addresses(self, party: LibraryParty) -> LibraryParty:
        """A partner with the addresses that its profile names today, where it names any."""
        policy = self.partner(party.profile)
        if policy is None:
            return party
        return replace(party, email=policy.email or party.email, address=policy.address or party.address)

    @property
    def party(self) -> LibraryParty:
        """Our own library."""
        return LibraryParty(symbol=self.symbol, name=self.info.name, email=self.info.email, address=self.info.address)


def require_role(request: Request, role: Role) -> None:
    """Require a role; raises Refused(NOT_ALLOWED)."""
    if request.role is not role:
        raise Refused(
            RefusalReason.NOT_ALLOWED,
            write_sentence("This is a %(role)s request.", role=request.role.value),
            about=MessagePart.REQUEST,
        )


async def require_request(context: LibraryContext, request_id: str) -> Request:
    """Load a request; raises NotFound."""
    request = await context.store.read(lambda c: requests.load_request(c, context.symbol, request_id))
    if request is None:
        raise NotFound("request")
    return request


def find_library_context(contexts: Mapping[str, LibraryContext], library: str) -> LibraryContext:
    """Find a library's context; raises NotFound."""
    match = next((context for symbol, context in contexts.items() if symbol.casefold() == library.casefold()), None)
    if match is None:
        raise NotFound("library")
    return match
