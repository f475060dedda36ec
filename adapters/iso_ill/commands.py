"""`illgate iso`: reading APDUs, and saying which are spoken. What is only needed when it runs is imported then, so
that help comes at once."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from adapters.iso_ill.octets import octets_of


@click.group(name="iso")
def command() -> None:
    """Read APDUs of ISO ILL (ISO 10161), and show which are spoken."""


@command.command(name="decode")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, allow_dash=True, dir_okay=False, exists=True))
@click.option("--charset", default="iso-8859-1", show_default=True, help="Character set of texts that aren't UTF-8.")
def decode(file: Path, charset: str) -> None:
    """Show the APDUs of a file, or of standard input (-): BER, or its octets as hexadecimal digits.

    What is odd about one stands below it after an exclamation mark. Passwords are not shown.
    """
    from adapters.iso_ill.codec import ApduSplitter, Style
    from adapters.iso_ill.codec import decode as read
    from adapters.iso_ill.showing import lines
    from gateway.domain.problems import MalformedMessage

    data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    frames = ApduSplitter()
    try:
        frames.feed(octets_of(data))
        shown = 0
        while (apdu := frames.next()) is not None:
            if shown:
                click.echo()
            shown += 1
            for line in lines(read(apdu, Style(fallback=charset))):
                click.echo(line)
    except MalformedMessage as malformed:
        raise click.ClickException(f"not an APDU: {malformed}") from malformed
    except LookupError as error:
        raise click.UsageError(str(error)) from error
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    if frames.begun:
        raise click.ClickException(f"{frames.begun} octets at the end are not a whole APDU")
    if not shown:
        raise click.ClickException("there is nothing to be read")


@command.command(name="conformance")
def conformance() -> None:
    """Print, as Markdown, which APDUs and fields are spoken in which role; made from the code."""
    from adapters.iso_ill.conformance import table

    for line in table():
        click.echo(line)
