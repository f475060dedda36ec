"""`illgate conformance`: tries whether a partner's system does what its protocol wants."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

import click

from gateway.cli.installation import REFUSED, Installation, pass_installation
from gateway.cli.send_command import find_daemon_address, find_playable_profile, parse_tcp_address, require_http_url
from gateway.domain.profile import Profile
from gateway.ports.adapter import ProtocolAdapter
from gateway.ports.rehearsal import ConformanceContext, ConformanceTrials, FindingWeight, TriedSide
from gateway.secrets import resolve_secret
from gateway.services.conformance.report import (
    FORMATS,
    ConformanceReport,
    ConformanceSubject,
    hold_conversations,
    write_report,
)
from gateway.services.conformance.report_signature import is_file_as_signed, load_report_signer, write_signed_file


@click.command(name="conformance")
@click.argument("profile", required=False, default="")
@click.option("--against", metavar="ADDRESS", help="Address of the partner's system: URL or HOST:PORT.")
@click.option(
    "--ourselves",
    is_flag=True,
    help="Test this gateway as the partner of PROFILE sees it. Without --against: the daemon of this installation.",
)
@click.option(
    "--value",
    "values",
    multiple=True,
    metavar="NAME=TEXT",
    help="Test data that may be used, such as patron=21000000000017 (NCIP: patron, item, pickup).",
)
@click.option(
    "--report",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a signed report: FILE.html, FILE.xml (JUnit) or FILE.json.",
)
@click.option(
    "--verify",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Only verify the signature of a report: FILE, with FILE.sig and FILE.pub beside it.",
)
@pass_installation
@click.pass_context
def conformance_command(
    ctx: click.Context,
    installation: Installation,
    profile: str,
    against: str | None,
    ourselves: bool,
    values: tuple[str, ...],
    file: Path | None,
    verify: Path | None,
) -> None:
    """Test whether a system conforms to its protocol by sending it valid and invalid messages.

    Ask the system's operator for permission first: the messages are marked as tests, and some are malformed on
    purpose. Exit code 1 means that the system violates the standard.

    \b
    Examples:
      illgate conformance fjordby --against https://test.fjordby.example/iso18626 --report fjordby.html
      illgate conformance fjordby --ourselves
      illgate conformance kystby-iso --against ill.kystby.example:1611
      illgate conformance koha-ncip --against https://koha.library.example:3000 --value patron=21000000000017
      illgate conformance --verify fjordby.html
    """
    if verify is not None:
        ctx.exit(0 if _verify_report(verify) else REFUSED)
    if not profile:
        raise click.UsageError("PROFILE is required")
    tried = find_playable_profile(installation, profile)
    adapter = _find_tried_protocol(installation, tried)
    if file is not None and file.suffix.lstrip(".") not in FORMATS:
        raise click.UsageError(
            f"--report: the file name must end in one of {', '.join(f'.{name}' for name in FORMATS)}"
        )
    if file is not None and not file.parent.is_dir():
        raise click.UsageError(f"--report: no such folder: {file.parent}")
    if against is None and not ourselves:
        raise click.UsageError("--against URL or --ourselves is required")
    if against is not None and adapter.over_http:
        require_http_url(against, "--against")
    elif against is not None:
        parse_tcp_address(against, "--against")
    assert adapter.trials is not None, "it was looked for"
    trials = adapter.trials()
    library = installation.settings.find_library(tried.library)
    context = ConformanceContext(
        profile=tried,
        tried=TriedSide.OURSELVES if ourselves else TriedSide.PARTNER,
        library=library.symbol,
        partner=tried.partner.symbol if tried.partner is not None else "",
        zone=library.zone,
        currency=library.currency,
        url=against or find_daemon_address(installation.settings, adapter, tried),
        run=f"T{secrets.token_hex(4)}",
        values=_parse_values(values, trials),
        clock=installation.clock,
        secrets=lambda reference: resolve_secret(reference, installation.settings.folder),
        folder=installation.settings.folder,
    )
    report = asyncio.run(_try_system(installation, context, adapter.name, trials, file))
    for line in _describe_report(report):
        click.echo(line)
    ctx.exit(0 if report.is_passed else REFUSED)


def _find_tried_protocol(installation: Installation, profile: Profile) -> ProtocolAdapter:
    """The first of the profile's sections that has trials. Raises click.UsageError."""
    protocols = installation.adapters.protocols
    found = (protocols[name] for name in profile.dialects if name in protocols)
    adapter = next((one for one in found if one.trials is not None), None)
    if adapter is None:
        raise click.UsageError(f"profile {profile.name} has no protocol that can be tested")
    return adapter


def _parse_values(words: tuple[str, ...], trials: ConformanceTrials) -> Mapping[str, str]:
    """Raises click.UsageError."""
    found = {}
    for word in words:
        name, equals, text = word.partition("=")
        if name not in trials.value_names or not equals or not text:
            known = ", ".join(f"{name} ({about})" for name, about in trials.value_names.items()) or "none"
            raise click.UsageError(f"--value: {word} is not NAME=TEXT; allowed: {known}")
        found[name] = text
    return found


async def _try_system(
    installation: Installation,
    context: ConformanceContext,
    protocol: str,
    trials: ConformanceTrials,
    file: Path | None,
) -> ConformanceReport:
    subject = ConformanceSubject(
        profile=context.profile.name,
        protocol=protocol,
        version=trials.describe_version(context.profile),
        url=context.url,
        library=context.library,
        program=f"illgate {version('illgate')}",
    )
    report = await hold_conversations(subject, trials.list_conversations(context), installation.clock)
    if file is not None:
        await _write_signed(installation, context.library, report, file)
    return report


async def _write_signed(installation: Installation, symbol: str, report: ConformanceReport, file: Path) -> None:
    body = write_report(report, file.suffix.lstrip("."))
    async with installation.open_current_store() as store:
        signer = await load_report_signer(store, symbol, installation.clock)
    await asyncio.to_thread(write_signed_file, file, body, signer)
    click.echo(f"{file}, signed: {file.name}.sig, public key: {file.name}.pub")


def _verify_report(file: Path) -> bool:
    try:
        is_valid = is_file_as_signed(file)
    except OSError as error:
        raise click.UsageError(f"--verify: {error.filename} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise click.UsageError(f"--verify: {file.name}.pub: {error}") from error
    click.echo("as it was signed" if is_valid else "changed since it was signed, or signed by another key")
    return is_valid


def _describe_report(report: ConformanceReport) -> Iterator[str]:
    for conversation in report.conversations:
        yield f"{'not passed' if conversation.has_broken else 'passed'}: {conversation.title}"
        for exchange in conversation.exchanges:
            for finding in exchange.findings:
                yield f"  {exchange.title}: {finding.check} ({finding.weight.value}): {finding.words}"
                yield f"    {finding.clause}"
    broken, advice = (len(report.list_findings(weight)) for weight in (FindingWeight.BROKEN, FindingWeight.ADVICE))
    yield f"{broken} against the standard, {advice} pieces of advice"
