"""Options of citations and actions, and their values as the API's models take them, with the API's limits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any, TypeVar

import click
from pydantic import BaseModel, ValidationError

from gateway.domain.library import Money
from gateway.domain.requests.action_fields import ACTS, ActionField, FieldType
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.events import EventKind, LoanCondition, ReasonCodes, RequestEnding
from gateway.domain.value import value_object

F = TypeVar("F", bound=Callable[..., Any])
M = TypeVar("M", bound=BaseModel)

Said = Mapping[str, Any]
"""Options by name, as click gives them."""

_MONEY = re.compile(r"\s*([0-9]{1,8}(?:\.[0-9]{1,4})?)\s*([A-Za-z]{3})?\s*", re.ASCII)


def option_of_name(name: str) -> str:
    """`retry_after` -> `--retry-after`"""
    return f"--{name.replace('_', '-')}"


# --- values --------------------------------------------------------------------------------------------------


@value_object
class ValueContext:
    """What values are read by: the library's zone and currency."""

    zone: tzinfo
    currency: str


def parse_money(text: str, here: ValueContext) -> Money:
    """`20 EUR`, `20EUR`, or `20` in the library's currency. Raises click.BadParameter."""
    found = _MONEY.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text}: not an amount such as '20 {here.currency}'")
    return Money(Decimal(found[1]), (found[2] or here.currency).upper())


def parse_day(text: str, _here: ValueContext) -> str:
    """Raises click.BadParameter."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise click.BadParameter(f"{text}: not a day such as 2027-03-31") from None


def parse_due(text: str, here: ValueContext) -> str:
    """A day, or a moment; one without offset is the library's time. Raises click.BadParameter."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text}: not a day or time such as 2027-03-31 or 2027-03-31T18:00") from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=here.zone)).isoformat()


def split_words(texts: tuple[str, ...], _here: ValueContext) -> list[str]:
    """Said several times, or with commas."""
    return [word for text in texts for word in (part.strip() for part in text.split(",")) if word]


def _keep_option_value(value: Any, _here: ValueContext) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _parse_truth_value(text: str, _here: ValueContext) -> bool:
    return text == "yes"


_READ: Mapping[FieldType, Callable[[Any, ValueContext], Any]] = {
    FieldType.DAY: parse_day,
    FieldType.DUE: parse_due,
    FieldType.VOLUMES: split_words,
    FieldType.TRUTH: _parse_truth_value,
}


def parse_field_value(type_: FieldType, said: Any, here: ValueContext, name: str) -> Any:
    """As the API's JSON has it. Raises click.BadParameter that names the option."""
    with errors_named_after(option_of_name(name)):
        return _READ.get(type_, _keep_option_value)(said, here)


@contextmanager
def errors_named_after(option: str) -> Iterator[None]:
    """A value that can't be read is told with the option that it was said for."""
    try:
        yield
    except click.BadParameter as error:
        error.param_hint = option
        raise


def build_model(kind: type[M], given: Mapping[str, Any]) -> M:
    """Raises click.UsageError that names each option."""
    try:
        return kind.model_validate_json(json.dumps(given))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        raise click.UsageError(
            "; ".join(f"{_option_of_model_path(one['loc'])}: {one['msg']}" for one in wrong)
        ) from error


def _option_of_model_path(path: tuple[int | str, ...]) -> str:
    """The option that a place in the model comes from."""
    names = [part for part in path if isinstance(part, str)]
    if "identifiers" in names:
        return "--isbn, --issn, --doi or --identifier"
    inner = names[1:] if names[0] in ("citation", "dates", "patron") and len(names) > 1 else names
    if names[0] == "patron" and inner == ["identifier"]:
        return "--patron"
    return option_of_name(_RENAMED.get(inner[0], inner[0]))


# --- options of actions --------------------------------------------------------------------------------------

_METAVAR = {
    FieldType.DAY: "DAY",
    FieldType.DUE: "DAY|TIME",
    FieldType.MONEY: "'AMOUNT CUR'",
    FieldType.PARTNER: "PROFILE",
    FieldType.ROTA: "NAME",
    FieldType.REASON: "WORD",
    FieldType.VOLUMES: "ID[,ID]",
    FieldType.ATTACHMENT: "FILE",
    FieldType.LOCATION: "CODE",
}
_CHOICES = {
    FieldType.CONDITIONS: tuple(one.value for one in LoanCondition),
    FieldType.ENDING: tuple(one.value for one in RequestEnding),
    FieldType.YES_NO: ("yes", "no"),
    FieldType.TRUTH: ("yes", "no"),
}
_MORE_HELP = {
    FieldType.ATTACHMENT: " An id, or the name that it has on the request.",
    FieldType.REASON: f" Words: {', '.join(ReasonCodes)}, or another.",
}
_SEVERAL = (FieldType.CONDITIONS, FieldType.VOLUMES)


def make_field_options(field: ActionField, note: str = "") -> Iterator[click.Option]:
    """Of one field of an action; a citation has many. `note` stands behind the help."""
    if field.type is FieldType.CITATION:
        yield from make_citation_options()
        return
    choices = _CHOICES.get(field.type)
    help_ = f"{field.help}{_MORE_HELP.get(field.type, '')}"
    yield click.Option(
        [option_of_name(field.name), field.name],
        type=click.Choice(choices) if choices else str,
        multiple=field.type in _SEVERAL,
        metavar=None if choices else _METAVAR.get(field.type, "TEXT"),
        help=f"{help_}{note}",
    )


def format_action_usage(kind: EventKind) -> str:
    """`unfilled --reason WORD [--note TEXT]`"""
    fields = ACTS[kind]
    needed = [" ".join(_iter_placeholders(field)) for field in fields.required]
    free = [f"[{one}]" for field in fields.optional for one in _iter_placeholders(field)]
    return " ".join((kind.value, *needed, *free))


def _iter_placeholders(field: ActionField) -> Iterator[str]:
    if field.type is FieldType.CITATION:
        yield "--title TEXT … (as of `request create`)"
        return
    for option in make_field_options(field):
        yield f"{option.opts[0]} {option.metavar or 'WORD'}"


# --- options of citations ------------------------------------------------------------------------------------

_TEXTS: Mapping[str, tuple[str, str]] = {
    "title": ("title", "Of the book or journal."),
    "subtitle": ("subtitle", ""),
    "author": ("author", "Of the book."),
    "part_title": ("component_title", "Of the article or chapter."),
    "part_author": ("component_author", "Of the article or chapter."),
    "series": ("series", ""),
    "edition": ("edition", ""),
    "publisher": ("publisher", ""),
    "place": ("place", "Of publication."),
    "published": ("published", "As cited: 1987, 2014-03."),
    "volume": ("volume", "Of the journal."),
    "issue": ("issue", "Of the journal."),
    "pages": ("pages", "Pages that are wanted."),
    "language": ("language", "Of the work: de, ja …"),
}
"""Option -> attribute of Citation, and help."""

_RENAMED = {attribute: option for option, (attribute, _) in _TEXTS.items()}
_NUMBERS = ("isbn", "issn", "doi")

CITATION_OPTIONS = frozenset({*_TEXTS, *_NUMBERS, "identifiers", "citation_type"})


def make_citation_options() -> Iterator[click.Option]:
    for option, (_, help_) in _TEXTS.items():
        yield click.Option([option_of_name(option), option], metavar="TEXT", help=help_)
    for option in _NUMBERS:
        yield click.Option([option_of_name(option), option], metavar="NUMBER", help="")
    yield click.Option(
        ["--identifier", "identifiers"],
        multiple=True,
        metavar="TYPE:NUMBER",
        help="Further number, such as oclc:123456. Can be repeated.",
    )
    types = [one.value for one in CitationType]
    yield click.Option(["--type", "citation_type"], type=click.Choice(types), help="Type of work.")


def add_citation_options(function: F) -> F:
    for option in reversed(tuple(make_citation_options())):
        _attach_option(function, option)
    return function


def _attach_option(function: Any, option: click.Option) -> None:
    """As click.option does it."""
    function.__click_params__ = [*getattr(function, "__click_params__", ()), option]


def build_citation(said: Said, before: Citation | None = None) -> dict[str, Any]:
    """As the API's JSON has it: what `before` says, where nothing else is said; an empty text takes it out.

    Raises click.BadParameter.
    """
    found = _dump_citation(before) if before is not None else {}
    for option, (attribute, _) in _TEXTS.items():
        if said.get(option) is not None:
            found[attribute] = said[option]
    if said.get("citation_type"):
        found["type"] = said["citation_type"]
    wanted = [(name, said[name]) for name in _NUMBERS if said.get(name) is not None]
    wanted += map(_parse_identifier_option, said.get("identifiers") or ())
    kinds = {type_ for type_, _ in wanted}
    numbers = [one for one in found.pop("identifiers", ()) if one["type"] not in kinds]
    numbers += [{"type": type_, "value": value} for type_, value in wanted if value]
    return {**found, "identifiers": numbers}


def _parse_identifier_option(text: str) -> tuple[str, str]:
    type_, colon, value = text.partition(":")
    if not colon or not type_:
        raise click.BadParameter(f"{text}: not TYPE:NUMBER, such as oclc:123456", param_hint="--identifier")
    return type_.lower(), value


def _dump_citation(citation: Citation) -> dict[str, Any]:
    from gateway.web.api.models.values import CitationOut  # whoever shows requests as text needs no models

    return CitationOut.model_validate(citation).model_dump(mode="json")
