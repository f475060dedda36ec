"""`illgate conformance`: tries whether a partner's system does what its protocol wants."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from gateway.cli.installation import REFUSED, Installation, pass_installation
from gateway.domain.clock import Clock
from gateway.domain.profile import Profile
from gateway.domain.requests.trial_numbers import name_trial_run
from gateway.domain.value import replace
from gateway.ports.adapter import ProtocolAdapter
from gateway.ports.shared_store import Store
from gateway.secrets import resolve_secret
from gateway.services.exchange.peer_keys import PeerKeyRing, PeerTokenWriter
from gateway.store.api_access import CONFORMANCE_TRIALS, get_or_create_secret
from rehearsal.addresses import find_playable_profile, parse_tcp_address, require_http_url
from rehearsal.conformance.listening import TrialReception, make_trial_party
from rehearsal.conformance.report import (
    FORMATS,
    ConformanceReport,
    ConformanceSubject,
    hold_conversations,
    write_report,
)
from rehearsal.conformance.trial_gateway import (
    HERE,
    TrialPlan,
    open_trial_gateway,
    open_trial_lines,
    open_trial_site,
)
from rehearsal.ports.adapter import find_rehearsal
from rehearsal.ports.trials import ConformanceContext, ConformanceTrials, TriedSide


@click.command(name="conformance", short_help="Test whether a partner's system conforms to its protocol.")
@click.argument("profile")
@click.option("--against", metavar="ADDRESS", help="Address of the partner's system: URL or HOST:PORT.")
@click.option(
    "--ourselves",
    is_flag=True,
    help="Test this gateway as the partner of PROFILE sees it: with these settings, sample data and no partner.",
)
@click.option(
    "--listen",
    metavar="[HOST:]PORT",
    help="Also receive and judge what the system sends on its own. It must be configured to send it here.",
)
@click.option(
    "--wait",
    "wait_seconds",
    type=click.FloatRange(min=0.1, max=3600),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="With --listen: maximum time to wait for each message.",
)
@click.option(
    "--value",
    "values",
    multiple=True,
    metavar="NAME=TEXT",
    help="Test data that may be used. NCIP: patron, item, pickup, record; ISO 18626: record, request.",
)
@click.option(
    "--report",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a report: FILE.html or FILE.json.",
)
@pass_installation
@click.pass_context
def conformance_command(
    ctx: click.Context,
    installation: Installation,
    profile: str,
    against: str | None,
    ourselves: bool,
    listen: str | None,
    wait_seconds: float,
    values: tuple[str, ...],
    file: Path | None,
) -> None:
    """Test whether a system conforms to its protocol by sending it valid and invalid messages.

    Ask the system's operator for permission first: the messages are marked as tests, and some are malformed on
    purpose. With --ourselves they go to a gateway of their own that is started for the test: no list, no partner and no
    library system sees them. Exit code 1 means that the system violates the standard, or that not all could be tested.

    \b
    Examples:
      illgate conformance fjordby --against https://test.fjordby.example/iso18626 --report fjordby.html
      illgate conformance fjordby --against https://test.fjordby.example/iso18626 --listen 0.0.0.0:8099 --wait 60
      illgate conformance fjordby --ourselves
      illgate conformance kystby-iso --against ill.kystby.example:1611
      illgate conformance koha-ncip --against https://koha.library.example:3000 --value patron=21000000000017
    """
    tried = find_playable_profile(installation, profile)
    adapter, trials = _find_tried_protocol(installation, tried)
    if file is not None and file.suffix.lstrip(".") not in FORMATS:
        raise click.UsageError(
            f"--report: the file name must end in one of {', '.join(f'.{name}' for name in FORMATS)}"
        )
    if file is not None and not file.parent.is_dir():
        raise click.UsageError(f"--report: no such folder: {file.parent}")
    if (against is None) is not ourselves:
        raise click.UsageError("either --against ADDRESS or --ourselves is required")
    if against is not None and adapter.over_http:
        require_http_url(against, "--against")
    elif against is not None:
        parse_tcp_address(against, "--against")
    place = _parse_listen_address(listen, trials, ourselves=ourselves) if listen is not None else None
    library = installation.settings.find_library(tried.library)
    context = ConformanceContext(
        profile=tried,
        tried=TriedSide.OURSELVES if ourselves else TriedSide.PARTNER,
        library=library.symbol,
        partner=tried.partner.symbol if tried.partner is not None else "",
        zone=library.zone,
        currency=library.currency,
        url=against or "",
        run="",
        values=_parse_values(values, trials),
        clock=installation.clock,
        secrets=lambda reference: resolve_secret(reference, installation.settings.folder),
        folder=installation.settings.folder,
        wait_seconds=wait_seconds,
    )
    report = asyncio.run(_try_system(installation, context, adapter, trials, place, file))
    for line in _describe_report(report):
        click.echo(line)
    ctx.exit(0 if report.is_passed else REFUSED)


def _find_tried_protocol(installation: Installation, profile: Profile) -> tuple[ProtocolAdapter, ConformanceTrials]:
    """The first of the profile's sections that has trials. Raises click.UsageError."""
    protocols = installation.adapters.protocols
    for name in profile.dialects:
        make_trials = find_rehearsal(name).trials if name in protocols else None
        if make_trials is not None:
            return protocols[name], make_trials()
    raise click.UsageError(f"profile {profile.name} has no protocol that can be tested")


def _parse_values(words: tuple[str, ...], trials: ConformanceTrials) -> Mapping[str, str]:
    """Parse values; raises click.UsageError."""
    values = {}
    for word in words:
        name, equals, text = word.partition("=")
        if name not in trials.value_names or not equals or not text:
            known = ", ".join(f"{name} ({about})" for name, about in trials.value_names.items()) or "none"
            raise click.UsageError(f"--value: {word} is not NAME=TEXT; allowed: {known}")
        values[name] = text
    return values


def _parse_listen_address(listen: str, trials: ConformanceTrials, *, ourselves: bool) -> tuple[str, int]:
    """Host and port; without a host this machine alone. Raises click.UsageError."""
    if ourselves:
        raise click.UsageError("--listen: with --ourselves the test receives what this gateway sends in any case")
    if not trials.can_listen:
        raise click.UsageError("--listen: with this protocol, only answers are tested")
    return parse_tcp_address(listen if ":" in listen else f"{HERE}:{listen}", "--listen")


async def _try_system(
    installation: Installation,
    context: ConformanceContext,
    adapter: ProtocolAdapter,
    trials: ConformanceTrials,
    place: tuple[str, int] | None,
    file: Path | None,
) -> ConformanceReport:
    """`place`: where the system's own messages come in."""
    context = replace(context, run=await _name_run(installation, context))
    if context.tried is TriedSide.OURSELVES and trials.can_listen:
        place = (HERE, 0)
    async with AsyncExitStack() as stack:
        address = ""
        if place is not None:
            make_rehearsal = find_rehearsal(adapter.name).partner
            assert make_rehearsal is not None, "of a protocol in which both sides speak"
            party = make_trial_party(context, adapter.name, make_rehearsal())
            reception = TrialReception(party, adapter.responder())
            opened = open_trial_lines if not adapter.over_http else open_trial_site
            address = await stack.enter_async_context(opened(reception, context, *place))
            context = replace(context, arrivals=reception)
        if context.tried is TriedSide.OURSELVES:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="illgate-trial-")))
            loaded = installation.find_profile(f"{context.library}/{context.profile.name}")
            assert loaded is not None, "it was found before"
            plan = TrialPlan(tried=loaded, adapter=adapter, partner_address=address)
            url = await stack.enter_async_context(open_trial_gateway(installation.parts, plan, folder))
            context = replace(context, url=url)
        if context.tried is TriedSide.PARTNER and context.profile.peer_authentication.ours is not None:
            store = await stack.enter_async_context(installation.open_current_store())
            tokens = PeerTokenWriter(PeerKeyRing(store, context.clock), context.clock, lambda _profile: context.library)
            context = replace(context, make_peer_headers=tokens.make_headers)
        report = await _hold_conversations(context, adapter, trials, installation)
    if file is not None:
        await asyncio.to_thread(file.write_bytes, write_report(report, file.suffix.lstrip(".")))
        click.echo(str(file))
    return report


async def _name_run(installation: Installation, context: ConformanceContext) -> str:
    """One that the daemon knows, where the partner may speak of it to the daemon and there is a database."""
    nonce, file = secrets.randbits(62), installation.parts.database
    profile, is_partner = context.profile.name, context.tried is TriedSide.PARTNER
    if not is_partner or (file is not None and not file.exists()):
        return name_trial_run(nonce, profile, secrets.token_bytes())
    async with installation.open_current_store() as store:
        return name_trial_run(nonce, profile, await load_trial_secret(store, context.library, installation.clock))


async def load_trial_secret(store: Store, library: str, clock: Clock) -> bytes:
    """Load the secret by which the daemon knows the numbers of trials; made when it is asked for first. Raises
    Unavailable."""
    return await store.write(lambda c: get_or_create_secret(c, library, CONFORMANCE_TRIALS, clock.now()))


async def _hold_conversations(
    context: ConformanceContext, adapter: ProtocolAdapter, trials: ConformanceTrials, installation: Installation
) -> ConformanceReport:
    subject = ConformanceSubject(
        profile=context.profile.name,
        protocol=adapter.name,
        version=trials.describe_version(context.profile),
        url=context.url,
        library=context.library,
        program=f"illgate {version('illgate')}",
    )
    return await hold_conversations(subject, trials.list_conversations(context), installation.clock)


def _describe_report(report: ConformanceReport) -> Iterator[str]:
    for conversation in report.conversations:
        untried = any(exchange.untried for exchange in conversation.exchanges)
        passed = "not fully tried" if untried else "passed"
        yield f"{'not passed' if conversation.has_broken else passed}: {conversation.title}"
        for exchange in conversation.exchanges:
            if exchange.untried:
                yield f"  {exchange.title}: not tried: {exchange.untried}"
            for finding in exchange.findings:
                yield f"  {exchange.title}: {finding.check} ({finding.weight.value}): {finding.words}"
                yield f"    {finding.clause}"
    yield report.summary
