"""Options of citations and acts, and their values as the API's models take them, with the API's limits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any, TypeVar

import click
from pydantic import BaseModel, ValidationError

from gateway.domain.library import RecordId
from gateway.domain.requests.action_fields import ActionField, FieldType
from gateway.domain.requests.citation import CitationType
from gateway.domain.requests.event_catalogue import ACTS
from gateway.domain.requests.events import EventKind, LoanCondition, ReasonCodes, RequestEnding
from gateway.settings import LibrarySettings

F = TypeVar("F", bound=Callable[..., Any])
M = TypeVar("M", bound=BaseModel)

OptionValues = Mapping[str, Any]
"""Options by name, as click gives them."""

_MONEY = re.compile(r"\s*([0-9]{1,8}(?:\.[0-9]{1,4})?)\s*([A-Za-z]{3})?\s*", re.ASCII)


def option_of_name(name: str) -> str:
    """`retry_after` -> `--retry-after`"""
    return f"--{name.replace('_', '-')}"


def format_field_options(names: Iterable[str]) -> str:
    """List the options of an act's fields; a citation has none of its name."""
    return ", ".join("--title and the like" if name == "citation" else option_of_name(name) for name in names)


# --- values --------------------------------------------------------------------------------------------------


def parse_money(text: str, library: LibrarySettings) -> dict[str, str]:
    """`20 EUR`, `20EUR`, or `20` in the library's currency. Raises click.BadParameter."""
    match = _MONEY.fullmatch(text)
    if match is None:
        raise click.BadParameter(f"{text}: not an amount such as '20 {library.currency}'")
    return {"amount": match[1], "currency": (match[2] or library.currency).upper()}


def split_words(texts: Sequence[str]) -> list[str]:
    """Split texts that are given several times, or with commas."""
    return [word for text in texts for word in (part.strip() for part in text.split(",")) if word]


def _parse_day(text: str) -> str:
    """`20270331` -> `2027-03-31`. Raises click.BadParameter: a model would take a number for seconds since 1970."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise click.BadParameter(f"{text}: not a day such as 2027-03-31") from None


def _parse_due(text: str, library: LibrarySettings) -> str:
    """A day, or a moment; one without offset is the library's time. Raises click.BadParameter."""
    with suppress(click.BadParameter):
        return _parse_day(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text}: not a day or time such as 2027-03-31 or 2027-03-31T18:00") from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=library.zone)).isoformat()


def parse_field_value(field: ActionField, value: Any, library: LibrarySettings) -> Any:
    """Parse a value as the API's JSON has it. Raises click.BadParameter that names the option."""
    try:
        match field.type:
            case FieldType.MONEY:
                return parse_money(value, library)
            case FieldType.DAY:
                return _parse_day(value)
            case FieldType.DUE:
                return _parse_due(value, library)
            case FieldType.VOLUMES:
                return split_words(value)
    except click.BadParameter as error:
        error.param_hint = option_of_name(field.name)
        raise
    return value


def build_model(kind: type[M], given: Mapping[str, Any]) -> M:
    """Build a model; raises click.UsageError that names each option."""
    try:
        return kind.model_validate_json(json.dumps(given))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
        problems = dict.fromkeys(f"{_option_of_model_path(each['loc'])}: {each['msg']}" for each in wrong)
        raise click.UsageError("; ".join(problems)) from error


def _option_of_model_path(path: tuple[int | str, ...]) -> str:
    """The option that a place in the model comes from."""
    names = [part for part in path if isinstance(part, str)]
    if "identifiers" in names:
        return "--isbn, --issn, --doi or --identifier"
    inner = names[1:] if names[0] in ("citation", "dates", "patron") and len(names) > 1 else names
    if names[0] == "patron" and inner == ["identifier"]:
        return "--patron"
    return option_of_name(_RENAMED.get(inner[0], inner[0]))


# --- options of acts -----------------------------------------------------------------------------------------

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
_TYPES: Mapping[FieldType, click.ParamType[Any]] = {
    FieldType.CONDITIONS: click.Choice([condition.value for condition in LoanCondition]),
    FieldType.ENDING: click.Choice([ending.value for ending in RequestEnding]),
    FieldType.YES_NO: click.Choice(("yes", "no")),
    FieldType.TRUTH: click.BOOL,
}
_MORE_HELP = {
    FieldType.ATTACHMENT: " An id, or the name that it has on the request.",
    FieldType.REASON: f" Words: {', '.join(ReasonCodes)}, or another.",
}


def make_field_options(field: ActionField, required: bool) -> Iterator[click.Option]:
    """The option of one field of an act; a citation has many."""
    if field.type is FieldType.CITATION:
        yield from make_citation_options()
        return
    type_ = _TYPES.get(field.type)
    yield click.Option(
        [option_of_name(field.name), field.name],
        type=type_ or str,
        multiple=field.type in (FieldType.CONDITIONS, FieldType.VOLUMES),
        metavar=_METAVAR.get(field.type, "TEXT") if type_ is None else "yes|no" if type_ is click.BOOL else None,
        required=required,
        help=f"{field.help}{_MORE_HELP.get(field.type, '')}",
    )


def _format_field_usage(field: ActionField, required: bool) -> str:
    """`--reason WORD`, or `[--note TEXT]`"""
    if field.type is FieldType.CITATION:
        text = "--title TEXT … (as of `request create`)"
    else:
        text = f"{option_of_name(field.name)} {_METAVAR.get(field.type, 'WORD' if field.type in _TYPES else 'TEXT')}"
    return text if required else f"[{text}]"


def iter_fields(kind: EventKind) -> Iterator[tuple[ActionField, bool]]:
    """The fields of an act, each with whether it is needed."""
    yield from ((field, True) for field in ACTS[kind].required)
    yield from ((field, False) for field in ACTS[kind].optional)


def format_act_usage(kind: EventKind) -> str:
    """`unfilled --reason WORD [--note TEXT]`"""
    return " ".join((kind.value, *(_format_field_usage(field, required) for field, required in iter_fields(kind))))


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
    types = [kind.value for kind in CitationType]
    yield click.Option(["--type", "citation_type"], type=click.Choice(types), help="Type of work.")


def add_citation_options(function: F) -> F:
    """Attach them as click.option does it."""
    options = [*getattr(function, "__click_params__", ()), *reversed(tuple(make_citation_options()))]
    function.__click_params__ = options  # type: ignore[attr-defined]
    return function


def build_citation(values: OptionValues, identifiers_before: Sequence[RecordId] = ()) -> dict[str, Any]:
    """Build the API's JSON, with what was given alone. Numbers of other types than were given stay; an empty one
    takes out those of its type. Raises click.BadParameter."""
    citation = {attribute: values[option] for option, (attribute, _) in _TEXTS.items() if values[option] is not None}
    if values["citation_type"]:
        citation["type"] = values["citation_type"]
    numbers = [(name, values[name]) for name in _NUMBERS if values[name] is not None]
    numbers += map(_parse_identifier_option, values["identifiers"])
    if numbers:
        changed = {type_ for type_, _ in numbers}
        numbers = [(each.type, each.value) for each in identifiers_before if each.type not in changed] + numbers
        citation["identifiers"] = [{"type": type_, "value": number} for type_, number in numbers if number]
    return citation


def _parse_identifier_option(text: str) -> tuple[str, str]:
    type_, colon, value = text.partition(":")
    if not colon or not type_:
        raise click.BadParameter(f"{text}: not TYPE:NUMBER, such as oclc:123456", param_hint="--identifier")
    return type_.lower(), value
