"""JSON as commands print it, those that adapters bring included.

A list is one object per line, and what is shown is one object. Times are in ISO 8601 with their offset, days and
amounts of money are text, as in the API.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import click
from pydantic_core import to_jsonable_python

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, in the format of the API. A list has one object per line."
)


def print_json(value: object) -> None:
    """Print one object: a model of the API, a value of the domain, or a mapping."""
    click.echo(json.dumps(to_jsonable_python(value), ensure_ascii=False, indent=2))


def print_json_lines(values: Iterable[object]) -> None:
    """Print a list: one object per line, and nothing if it is empty. See `print_json`."""
    for value in values:
        click.echo(json.dumps(to_jsonable_python(value), ensure_ascii=False))
