"""`illgate send`: plays a partner."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from gateway.cli.installation import REFUSED, UNKNOWN, UNREACHABLE, Installation, pass_installation
from gateway.domain.profile import Profile
from gateway.domain.value import value_object
from gateway.ports.message_transport import HttpPlace, Place, SendTimeouts, TcpPlace, TransportReply
from gateway.ports.responder import ExchangeContext
from gateway.ports.tls import ClientTls
from gateway.secrets import resolve_secret
from gateway.settings import Settings
from gateway.web.message_texts import decode_body
from rehearsal.addresses import (
    ANY_HOST,
    build_daemon_url,
    find_playable_profile,
    format_host,
    make_sender_headers,
    parse_tcp_address,
    require_http_url,
    suggest_nearest,
)
from rehearsal.ports.adapter import find_rehearsal
from rehearsal.ports.partner_simulator import (
    InvalidParameter,
    MessageFate,
    PartnerService,
    PartnerSimulator,
    ServiceParameter,
    Values,
)

EXIT = {
    MessageFate.DONE: 0,
    MessageFate.REFUSED: REFUSED,
    MessageFate.FAILED: UNREACHABLE,
    MessageFate.UNKNOWN: UNKNOWN,
}


@click.command(
    name="send",
    short_help="Simulate a partner: build a message, send it, show the answer.",
    context_settings={"ignore_unknown_options": True},
)
@click.argument("profile")
@click.argument("service", required=False, default="")
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[--OPTION VALUE]...")
@click.option("--list", "listing", is_flag=True, help="List the services, or the options of SERVICE.")
@click.option("--url", help="URL to send to. Default: the daemon of this installation.")
@click.option(
    "--tcp",
    is_flag=False,
    flag_value="",
    metavar="[HOST:PORT]",
    help="Send over plain TCP. Default for HOST:PORT: the listener in gateway.yml for the profile.",
)
@click.option("--tls", is_flag=True, help="With --tcp HOST:PORT: use TLS.")
@click.option("--ca", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Trust this CA (PEM).")
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Client certificate with its key (PEM).",
)
@click.option("--timeout", type=click.FloatRange(min=0.1, max=3600), default=60.0, show_default=True, metavar="SECONDS")
@click.option("--raw", is_flag=True, help="Also print both messages as sent and received.")
@click.option("--dry-run", is_flag=True, help="Print the message without sending it.")
@pass_installation
@click.pass_context
def send_command(
    ctx: click.Context,
    installation: Installation,
    profile: str,
    service: str,
    options: tuple[str, ...],
    listing: bool,
    url: str | None,
    tcp: str | None,
    tls: bool,
    ca: Path | None,
    certificate: Path | None,
    timeout: float,
    raw: bool,
    dry_run: bool,
) -> None:
    """Simulate the partner of PROFILE: build a message of SERVICE, send it and show the answer.

    A profile without `auth`, such as koha-ncip, describes a system that we call. With such a profile the message is
    ours and is sent to --url or --tcp. Use --list to see the options of a service. Exit code 0: done; 1: refused; 4:
    not reached, or the answer cannot be parsed; 5: sent, but the outcome is unknown.

    \b
    Examples:
      illgate send illiad-alma --list
      illgate send illiad-alma accept-item --list
      illgate send ncip2 lookup-user --patron 21000000000017
      illgate send illiad-alma accept-item --patron 21000000000017 --request ILL-1001 \\
          --title 'The Three-Body Problem' --pickup MAIN
      illgate send ncip1 check-in --item ILL-1001 --tcp --raw
      illgate send ncip2 lookup-user --patron 21000000000017 --url https://ill.library.example/ncip
      illgate send koha-ncip lookup-user --patron 21000000000017 --url https://koha.library.example:3000
    """
    role = _choose_played_partner(installation, profile)
    if not service or (listing and not options):
        if not service and not listing:
            raise click.UsageError("SERVICE is required; --list shows the services")
        for line in _format_service_list(role, service):
            click.echo(line)
        return
    values = _parse_service_options(_find_partner_service(role, service), options)
    place = _choose_destination(installation.settings, role, url, tcp, ClientTls(ca, certificate), tls, timeout)
    try:
        body = role.partner.build(service, values, role.exchange_context)
    except InvalidParameter as error:
        raise click.UsageError(str(error)) from error
    if raw or dry_run:
        click.echo(f"--- to {_format_destination(place)}\n{decode_body(body)}")
    if dry_run:
        return
    reply = asyncio.run(role.partner.send_message(body, role.exchange_context, place))
    explanation = role.partner.explain(body, reply, role.exchange_context)
    if raw:
        click.echo(f"--- answer\n{decode_body(reply.raw)}\n---")
    for line in explanation.lines:
        click.echo(line)
    click.echo(f"({_format_reply_facts(reply)}, {_format_destination(place)})")
    ctx.exit(EXIT[explanation.fate])


@value_object
class _PlayedPartner:
    """The partner that is played."""

    profile: Profile
    protocol: str
    partner: PartnerSimulator
    exchange_context: ExchangeContext

    @property
    def services(self) -> tuple[PartnerService, ...]:
        return self.partner.services(self.exchange_context)


def _choose_played_partner(installation: Installation, name: str) -> _PlayedPartner:
    """Choose a partner; raises click.UsageError, ConfigurationError."""
    settings = installation.settings
    profile = find_playable_profile(installation, name)
    for protocol in profile.dialects:
        make = find_rehearsal(protocol).simulator
        if make is not None:
            library = settings.find_library(profile.library)
            now = installation.clock.now()
            exchange = ExchangeContext(profile, library.symbol, library.zone, library.currency, now)
            return _PlayedPartner(
                profile, protocol, make(lambda reference: resolve_secret(reference, settings.folder)), exchange
            )
    raise click.UsageError(f"profile {name} has no protocol that can be simulated")


# --- services and options ----------------------------------------------------------------------------------


def _find_partner_service(role: _PlayedPartner, name: str) -> PartnerService:
    """Find a service; raises click.UsageError with the nearest name."""
    names = {
        word.lower(): service for service in role.services for word in (service.name, service.wire, *service.aliases)
    }
    partner_service = names.get(name.lower())
    if partner_service is None:
        raise click.UsageError(f"service not found: {name}{suggest_nearest(name, names)}; --list shows them")
    return partner_service


def _parse_service_options(service: PartnerService, words: Sequence[str]) -> Values:
    """`--name value`, `--name=value` and flags. Raises click.UsageError."""
    parameters = {parameter.name: parameter for parameter in service.parameters}
    service_options: dict[str, tuple[str, ...]] = {}
    rest = iter(words)
    for word in rest:
        if not word.startswith("--") or word == "--":
            raise click.UsageError(f"'{word}' is not an option; put values with spaces in quotation marks")
        name, equals, value = word[2:].partition("=")
        parameter = parameters.get(name)
        if parameter is None:
            raise click.UsageError(f"{service.name} has no option --{name}{suggest_nearest(name, parameters, '--')}")
        text = _read_option_text(parameter, equals, value, rest)
        service_options[name] = (*service_options.get(name, ()), text)
    return service_options


def _read_option_text(parameter: ServiceParameter, equals: str, value: str, rest: Iterator[str]) -> str:
    if parameter.flag:
        if equals:
            raise click.UsageError(f"--{parameter.name} takes no value")
        return ""
    if equals:
        return value
    text = next(rest, None)
    if text is None:
        raise click.UsageError(f"--{parameter.name} needs a value, such as {parameter.example or 'TEXT'}")
    return text


def _format_service_list(role: _PlayedPartner, name: str) -> Iterator[str]:
    if not name:
        width = max(len(service.name) for service in role.services)
        for service in role.services:
            also = f" (also: {', '.join(service.aliases)})" if service.aliases else ""
            yield f"{service.name:<{width}}  {service.help}{also}"
        yield ""
        yield f"Options of one: illgate send {role.profile.name} SERVICE --list"
        return
    service = _find_partner_service(role, name)
    yield f"{service.name} ({service.wire}): {service.help}"
    width = max(len(parameter.name) for parameter in service.parameters)
    for parameter in service.parameters:
        yield f"  --{parameter.name:<{width}}  {_describe_parameter(parameter)}"


def _describe_parameter(parameter: ServiceParameter) -> str:
    parts = [parameter.help]
    if parameter.required:
        parts.append("required")
    if parameter.choices:
        parts.append(f"one of {', '.join(parameter.choices)}")
    if parameter.default:
        parts.append(f"else {parameter.default}")
    if parameter.repeatable:
        parts.append("may be repeated")
    if parameter.example:
        parts.append(f"such as {parameter.example!r}")
    return "; ".join(parts)


# --- where to ------------------------------------------------------------------------------------------------


def _choose_destination(
    settings: Settings,
    role: _PlayedPartner,
    url: str | None,
    tcp: str | None,
    tls: ClientTls,
    with_tls: bool,
    timeout: float,
) -> Place:
    """Choose where to send; raises click.UsageError."""
    timeouts = SendTimeouts(connect=min(10.0, timeout), read=timeout, total=timeout)
    if url is not None and tcp is not None:
        raise click.UsageError("use either --url or --tcp")
    if tcp is not None:
        return _choose_tcp_destination(settings, role, tcp, tls, with_tls, timeouts)
    if url is None:
        if not role.profile.auth:
            raise click.UsageError(
                f"profile {role.profile.name} accepts no senders (a system that we call): use --url or --tcp"
            )
        url = build_daemon_url(settings, role.protocol, role.profile.name, "--url")
    else:
        require_http_url(url, "--url")
    return HttpPlace(url, tls, timeouts, make_sender_headers(settings, url))


def _choose_tcp_destination(
    settings: Settings, role: _PlayedPartner, address: str, tls: ClientTls, with_tls: bool, timeouts: SendTimeouts
) -> TcpPlace:
    if address:
        host, port = parse_tcp_address(address, "--tcp")
        return TcpPlace(host, port, tls if with_tls else None, timeouts)
    ours = [tcp for tcp in settings.tcp if tcp.profile == role.profile.name and tcp.protocol == role.protocol]
    if not ours:
        raise click.UsageError(f"gateway.yml has no TCP listener for profile {role.profile.name}: use --tcp HOST:PORT")
    listener = ours[0]
    if not listener.port:
        raise click.UsageError("the listener's port is 0 in gateway.yml, so it is not known: use --tcp HOST:PORT")
    host = ANY_HOST.get(listener.host, listener.host)
    return TcpPlace(host, listener.port, tls if listener.tls.certificate else None, timeouts)


def _format_destination(place: Place) -> str:
    return place.url if isinstance(place, HttpPlace) else f"{format_host(place.host)}:{place.port}"


def _format_reply_facts(reply: TransportReply) -> str:
    status = f", HTTP {reply.status}" if reply.status else ""
    return f"{reply.seconds * 1000:.0f} ms{status}"
