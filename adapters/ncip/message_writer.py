"""Message to text in one partner's style and version. No tree is built: strings are joined.

Each structure class is compiled once for a style to one function for each field. Fields are written in schema
order unless the dialect names another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, tzinfo
from functools import lru_cache, partial
from operator import attrgetter, itemgetter
from typing import Any, get_type_hints
from xml.sax.saxutils import quoteattr

from adapters.ncip import code_lists, wire_dialect
from adapters.ncip.element_reader import value_type
from adapters.ncip.messages.declaration import (
    USER_ID_ELEMENT,
    V1_NAMES,
    V1_USER_ID_ELEMENT,
    Code,
    Element,
    RawElement,
    Structure,
    When,
    elements_of,
    is_in_version,
)
from adapters.ncip.messages.envelope import Extension, Message, Problem, Problems, Root, UserId
from adapters.ncip.messages.item_services import RequestItem
from adapters.ncip.messages.items import Amount, BibliographicRecordId, HoldingsSet, ItemInformation
from adapters.ncip.messages.user_services import LookupUser, LookupUserResponse
from adapters.ncip.messages.users import LoanedItem
from adapters.ncip.wire_dialect import AttributeStyle, Declaration, Extras, SchemeStyle, XmlDialect
from adapters.ncip.wire_values import (
    NAMESPACE,
    NO_CURRENCY,
    VERSION_MESSAGE_STRING,
    VERSION_STRINGS,
    NamespaceStyle,
    Version,
    escape_attribute,
    escape_text,
    recognise_version,
    to_ascii,
)
from gateway.domain.value import replace, value_object

Out = list[str]
Write = Callable[[Out, Any], None]

_FOREIGN_PREFIXES = ("ext", "ext2")
"""For elements of another namespace; the partner's own prefix for NCIP's must keep its meaning."""

_NOTHING_OWED = Amount(currency=Code(NO_CURRENCY), minor_units=0)


@value_object
class _WritingPlan:
    """The plan of writing the content of one structure: values in order, what writes each, and which are written."""

    values: Callable[[Structure], tuple[Any, ...]]
    steps: tuple[Write, ...]
    keep: Callable[[Iterable[tuple[Any, Write]]], Iterable[tuple[Any, Write]]]
    adapt: Callable[[Any], Structure] | None


_keep_filled = partial(filter, itemgetter(0))
"""Most fields of a structure are empty, and this passes them by without a step of Python."""


def _keep_filled_or_zero(parts: Iterable[tuple[Any, Write]]) -> Iterator[tuple[Any, Write]]:
    """Where a field is a number, nought is a value."""
    return ((part, step) for part, step in parts if part or part.__class__ is int)


def _skip_ext(out: Out, ext: tuple[RawElement, ...]) -> None:
    """Version 1 has no Ext, and a few structures of version 2 haven't."""


def _get_ext_only(value: Structure) -> tuple[Any, ...]:
    return (value.ext,)


_KEPT_CODES = frozenset({"BibliographicRecordIdentifierCode", "BibliographicItemIdentifierCode"})
"""A number of a record without its code would be the number of another."""


def _skip_unlisted(element: str, write: Write) -> Write:
    """Make a writer where codes name their lists: not a word of ours that the list doesn't have; what a partner has
    sent (`Code.scheme` is empty) comes back."""

    def write_listed(out: Out, code: Code) -> None:
        if (
            code.scheme is not None
            or not code_lists.has_list(element)
            or code_lists.find_listed_code(element, code.value)
        ):
            write(out, code)

    return write_listed


@lru_cache(maxsize=256)
def get_message_writer(dialect: XmlDialect, version: Version, root: Root, zone: tzinfo) -> MessageWriter:
    return MessageWriter(dialect, version, root, zone)


class MessageWriter:
    """Writes messages of one version and root in one partner's style; keeps what it has compiled."""

    def __init__(self, dialect: XmlDialect, version: Version, root: Root, zone: tzinfo) -> None:
        self._dialect = dialect
        self._version = version
        self._style = resolve_style(dialect, version, root)
        name = self._style.prefix + root
        self._start = f"{format_prolog(dialect, version, root)}<{name}{self._style.root_attributes}>"
        self._end = f"</{name}>"
        self._when = wire_dialect.make_date_writer(dialect.date_out, zone)
        self._day = wire_dialect.make_day_writer(dialect.date_out)
        self._order = {order.structure: order.elements for order in dialect.element_order}
        self._plans: dict[type[Structure], _WritingPlan] = {}

    # --- whole messages --------------------------------------------------------------------------------

    def write_message(self, message: Message) -> bytes:
        out: Out = [self._start]
        if message.in_ext:
            open_, close = self._make_tags("Ext")
            out.append(open_)
            self._write_body(out, message)
            out.append(close)
        else:
            self._write_body(out, message)
        out.append(self._end)
        text = "".join(out)
        return (to_ascii(text) if self._dialect.ascii_fold else text).encode(
            self._dialect.charset_out, "xmlcharrefreplace"
        )

    def _write_body(self, out: Out, message: Message) -> None:
        body = message.body
        if isinstance(body, Problems):
            write = self._make_problem_writer("MessagingError")
            for problem in body.problems:
                write(out, problem)
        elif isinstance(body, Extension):
            self._write_ext(out, body.ext)
        else:
            self._make_structure_writer(type(body), type(body).__name__)(out, body)

    # --- structures ------------------------------------------------------------------------------------

    def _make_tags(self, name: str) -> tuple[str, str]:
        name = self._style.prefix + (V1_NAMES.get(name, name) if self._version.is_v1 else name)
        return f"<{name}>", f"</{name}>"

    def _make_foreign_tags(self, cls: type[Structure], name: str) -> tuple[str, str]:
        prefix = next(foreign_prefix for foreign_prefix in _FOREIGN_PREFIXES if foreign_prefix != self._dialect.prefix)
        return f"<{prefix}:{name} xmlns:{prefix}={quoteattr(cls.namespace)}>", f"</{prefix}:{name}>"

    def _make_structure_writer(self, cls: type[Structure], name: str) -> Write:
        """Writes a structure; its plan is made when first needed, as structures may contain each other."""
        open_, close = self._make_foreign_tags(cls, name) if cls.namespace else self._make_tags(name)
        plan: _WritingPlan | None = None

        def write_structure(out: Out, value: Structure) -> None:
            nonlocal plan
            if plan is None:
                plan = self._get_plan(cls)
            out.append(open_)
            if plan.adapt is not None:
                value = plan.adapt(value)
            for part, step in plan.keep(zip(plan.values(value), plan.steps, strict=False)):
                step(out, part)
            out.append(close)

        return write_structure

    def _get_plan(self, cls: type[Structure]) -> _WritingPlan:
        plan = self._plans.get(cls)
        if plan is None:
            steps = [*self._make_steps(cls), ("ext", self._write_ext if self._has_ext(cls) else _skip_ext)]
            names = [name for name, _ in steps]
            values = attrgetter(*names) if len(names) > 1 else _get_ext_only
            has_number = any(value_type(hint) is int for hint in get_type_hints(cls).values())
            plan = _WritingPlan(
                values,
                tuple(step for _, step in steps),
                _keep_filled_or_zero if has_number else _keep_filled,
                choose_adaptation(cls, self._version),
            )
            self._plans[cls] = plan
        return plan

    def _make_steps(self, cls: type[Structure]) -> list[tuple[str, Write]]:
        hints = get_type_hints(cls)
        elements = elements_of(cls)
        steps = [
            (name, self._make_field_writer(cls, value_type(hints[name]), elements[name]))
            for name in self._order_fields(cls, elements)
            if self._is_written(elements[name])
        ]
        if cls is LookupUserResponse and self._version.is_v1:
            steps = self._wrap_in_transactions(steps)
        return steps

    def _is_written(self, element: Element) -> bool:
        if element.extra or (element.v1_only and not self._version.is_v1):
            return self._dialect.extra_elements is Extras.SEND
        return is_in_version(element, self._version)

    def _order_fields(self, cls: type[Structure], elements: dict[str, Element]) -> list[str]:
        names = list(elements)
        if self._version.is_v1 and "user_ids" in names:  # UserOptionalFields: INC has VisibleUserId first
            names.sort(key=lambda name: name != "user_ids")
        wanted = self._order.get(cls.__name__, ())
        by_element = {elements[name].name: name for name in names}
        moved = [by_element[element] for element in wanted if element in by_element]
        if not moved:
            return names
        first = min(names.index(name) for name in moved)
        before = [name for name in names[:first] if name not in moved]
        return before + moved + [name for name in names[first:] if name not in moved]

    # --- fields ----------------------------------------------------------------------------------------

    def _make_field_writer(self, cls: type[Structure], kind: Any, element: Element) -> Write:
        write = self._make_single_writer(cls, kind, element)
        if kind is Code and self._dialect.schemes and not element.required and element.name not in _KEPT_CODES:
            write = _skip_unlisted(element.name, write)
        if not element.many:
            return write
        if self._version in element.single_in:
            return lambda out, values: write(out, values[0])

        def write_repeated(out: Out, values: tuple[Any, ...]) -> None:
            for value in values:
                write(out, value)

        return write_repeated

    def _make_single_writer(self, cls: type[Structure], kind: Any, element: Element) -> Write:
        name = element.name
        if element.inside:
            open_, close = self._make_tags(name)
            inner = self._make_leaf_writer(kind, element.inside)

            def write_wrapped_value(out: Out, value: Any) -> None:
                out.append(open_)
                inner(out, value)
                out.append(close)

            return write_wrapped_value
        if element.day:
            return self._make_simple_writer(name, self._day)
        if self._version.is_v1:
            special = self._make_v1_writer(cls, kind, name)
            if special is not None:
                return special
        return self._make_leaf_writer(kind, name)

    def _make_leaf_writer(self, kind: Any, name: str) -> Write:
        if kind is Code:
            return self._make_code_writer(name)
        if kind is str:
            return self._make_text_writer(name)
        if kind is int:
            return self._make_simple_writer(name, str)
        if kind == When or kind is date:
            return self._make_simple_writer(name, self._when)
        if kind is bool:
            empty = self._make_tags(name)[0][:-1] + "/>"
            return lambda out, value: out.append(empty)
        if kind is Problem:
            return self._make_problem_writer("ProcessingError")
        return self._make_structure_writer(kind, name)

    def _make_simple_writer(self, name: str, form: Callable[[Any], str]) -> Write:
        open_, close = self._make_tags(name)

        def write_simple_value(out: Out, value: Any) -> None:
            out.append(f"{open_}{form(value)}{close}")

        return write_simple_value

    def _make_text_writer(self, name: str) -> Write:
        """Words of letters and digits, most texts of an answer, need no look at each character."""
        open_, close = self._make_tags(name)

        def write_text(out: Out, text: str) -> None:
            out.append(f"{open_}{text if text.isalnum() else escape_text(text)}{close}")

        return write_text

    def _make_code_writer(self, name: str, listed_as: str = "") -> Write:
        """`listed_as`: what the element is called whose list the words are of, where that isn't its name."""
        open_, close = self._make_tags(name)
        name = listed_as or name
        if self._style.schemes is SchemeStyle.CHILDREN:
            return self._make_nested_code_writer(name, open_, close)
        with_scheme = self._style.schemes is SchemeStyle.ATTRIBUTE
        start = f'{open_[:-1]} {self._style.attribute_prefix}Scheme="'
        listed = self._dialect.schemes and code_lists.has_list(name)

        def write_code(out: Out, code: Code) -> None:
            if listed and not code.scheme:
                code = code_lists.find_listed_code(name, code.value) or code
            text = code.value if code.value.isalnum() else escape_text(code.value)
            if code.scheme and with_scheme:
                out.append(f'{start}{escape_attribute(code.scheme)}">{text}{close}')
            else:
                out.append(f"{open_}{text}{close}")

        return write_code

    def _make_nested_code_writer(self, name: str, open_: str, close: str) -> Write:
        scheme_open, scheme_close = self._make_tags("Scheme")
        value_open, value_close = self._make_tags("Value")
        listed = self._dialect.schemes and code_lists.has_list(name)

        def write_nested_code(out: Out, code: Code) -> None:
            if listed and not code.scheme:
                code = code_lists.find_listed_code(name, code.value) or code
            scheme = escape_text(code.scheme or "")
            out.append(
                f"{open_}{scheme_open}{scheme}{scheme_close}{value_open}{escape_text(code.value)}{value_close}{close}"
            )

        return write_nested_code

    def _write_ext(self, out: Out, ext: tuple[RawElement, ...]) -> None:
        open_, close = self._make_tags("Ext")
        out.append(open_)
        out.extend(element.xml for element in ext)
        out.append(close)

    def _has_ext(self, cls: type[Structure]) -> bool:
        return cls.has_ext and not self._version.is_v1

    # --- version 1 -------------------------------------------------------------------------------------

    def _make_v1_writer(self, cls: type[Structure], kind: Any, name: str) -> Write | None:
        if name == "UserElementType":
            code = self._make_code_writer(name)
            return lambda out, value: code(
                out, Code(V1_USER_ID_ELEMENT, value.scheme) if value.value == USER_ID_ELEMENT else value
            )
        if kind is UserId and cls.__name__ == "UserOptionalFields":
            return self._make_visible_user_id_writer()
        if kind is UserId and cls is LookupUser:
            visible, unique = self._make_visible_user_id_writer(), self._make_leaf_writer(kind, name)
            return lambda out, user: (unique if user.agency_id or not user.identifier_type else visible)(out, user)
        return None

    def _make_visible_user_id_writer(self) -> Write:
        open_, close = self._make_tags("VisibleUserId")
        kind = self._make_code_writer("VisibleUserIdentifierType", "UserIdentifierType")
        if self._dialect.schemes:
            kind = _skip_unlisted("UserIdentifierType", kind)
        value = self._make_simple_writer("VisibleUserIdentifier", escape_text)

        def write_visible_user_id(out: Out, user: UserId) -> None:
            out.append(open_)
            if user.identifier_type is not None:
                kind(out, user.identifier_type)
            value(out, user.value)
            out.append(close)

        return write_visible_user_id

    def _wrap_in_transactions(self, steps: list[tuple[str, Write]]) -> list[tuple[str, Write]]:
        """Version 1 puts the lists of loans and requests into UserTransaction elements."""
        open_, close = self._make_tags("UserTransaction")

        def wrap_writer(write: Write) -> Write:
            def write_transaction(out: Out, values: Any) -> None:
                out.append(open_)
                write(out, values)
                out.append(close)

            return write_transaction

        listed = ("loaned_items", "requested_items")
        return [(name, wrap_writer(write) if name in listed else write) for name, write in steps]

    def _make_problem_writer(self, kind: str) -> Write:
        """`kind` is the element that version 1 wraps a problem in."""
        if not self._version.is_v1:
            return self._make_structure_writer(Problem, "Problem")
        open_, close = self._make_tags("Problem")
        inner_open, inner_close = self._make_tags(kind)
        type_ = self._make_code_writer(f"{kind}Type")

        def write_v1_problem(out: Out, problem: Problem) -> None:
            out.append(open_ + inner_open)
            if problem.type is not None:
                type_(out, problem.type)
            self._write_v1_element(out, kind, problem)
            out.append(inner_close + close)

        return write_v1_problem

    def _write_v1_element(self, out: Out, kind: str, problem: Problem) -> None:
        """The path as nested elements with the value innermost. The detail takes the place of an absent value:
        version 1 has no place for it (KOHA leaves it out, OCLC can't take it)."""
        open_, close = self._make_tags(f"{kind}Element")
        name_open, name_close = self._make_tags("ElementName")
        value_open, value_close = self._make_tags(f"{kind}Value")
        names = [name for name in (problem.element or "").split("/") if name]
        value = problem.value or problem.detail
        out.extend(f"{open_}{name_open}{escape_text(name)}{name_close}" for name in names)
        if value:
            out.append(f"{value_open}{escape_text(value)}{value_close}")
        out.append(close * len(names))


@value_object
class WritingStyle:
    """The style of names and attributes, resolved for one version and root. `prefix` ends in a colon."""

    version: Version
    prefix: str
    attribute_prefix: str
    schemes: SchemeStyle
    root_attributes: str


def resolve_style(dialect: XmlDialect, version: Version, root: Root) -> WritingStyle:
    """NCIPVersionMessage has no namespace, whatever the dialect says (facts/ncip.md 1.4)."""
    namespaces = NamespaceStyle.NONE if root is Root.VERSION_MESSAGE else dialect.namespace_style
    if namespaces is NamespaceStyle.STANDARD:
        namespaces = NamespaceStyle.NONE if version.is_v1 else NamespaceStyle.PREFIX
    prefix = f"{dialect.prefix}:"
    qualified = dialect.version_attribute is AttributeStyle.QUALIFIED and namespaces is not NamespaceStyle.NONE
    declared = ""
    if namespaces is NamespaceStyle.DEFAULT:
        declared = f' xmlns="{NAMESPACE}"'
    if namespaces is NamespaceStyle.PREFIX or (qualified and namespaces is NamespaceStyle.DEFAULT):
        declared += f' xmlns:{dialect.prefix}="{NAMESPACE}"'
    schemes = dialect.scheme_style
    if schemes is SchemeStyle.STANDARD:
        schemes = SchemeStyle.CHILDREN if version.is_v1 else SchemeStyle.ATTRIBUTE
    attribute_prefix = prefix if qualified else ""
    text = VERSION_MESSAGE_STRING if root is Root.VERSION_MESSAGE else _choose_version_string(dialect, version)
    return WritingStyle(
        version=version,
        prefix=prefix if namespaces is NamespaceStyle.PREFIX else "",
        attribute_prefix=attribute_prefix,
        schemes=schemes,
        root_attributes=f'{declared} {attribute_prefix}version="{escape_attribute(text)}"',
    )


def _choose_version_string(dialect: XmlDialect, version: Version) -> str:
    """The dialect's own string, unless it names another version than the one to be written."""
    if dialect.version_string and recognise_version(dialect.version_string) in (None, version):
        return dialect.version_string
    return VERSION_STRINGS[version]


def charset_name(codec: str) -> str:
    """Python's name of a codec -> the registered one that XML programs know: `iso8859-1` -> `ISO-8859-1`."""
    if codec.startswith("iso8859-"):
        return codec.replace("iso8859", "ISO-8859")
    if codec.startswith("cp125"):
        return codec.replace("cp", "windows-")
    if codec in ("ascii", "shift_jis"):
        return {"ascii": "US-ASCII", "shift_jis": "Shift_JIS"}[codec]
    return codec.upper().replace("_", "-")


def format_prolog(dialect: XmlDialect, version: Version, root: str) -> str:
    """XML declaration and DOCTYPE, as far as the dialect has them; no line end, since some programs choke on it."""
    text = ""
    if dialect.declaration is not Declaration.NONE:
        standalone = ' standalone="yes"' if dialect.declaration is Declaration.STANDALONE else ""
        text = f'<?xml version="1.0" encoding="{charset_name(dialect.charset_out)}"{standalone}?>'
    if dialect.doctype:
        text += f'<!DOCTYPE {root} PUBLIC "{escape_attribute(dialect.doctype)}" "{VERSION_STRINGS[version]}">'
    return text


def complete_loaned_item(item: LoanedItem) -> LoanedItem:
    """Complete an item: before 2.02 ReminderLevel (from 1) and Amount are required."""
    if item.reminder_level and item.amount is not None:
        return item
    return replace(item, reminder_level=item.reminder_level or 1, amount=item.amount or _NOTHING_OWED)


def reduce_request_item(request: RequestItem) -> RequestItem:
    """2.0 takes one item or one bibliographic id."""
    return replace(request, item_ids=()) if request.bibliographic_ids and request.item_ids else request


def drop_ext_beside_problem(part: HoldingsSet | ItemInformation) -> HoldingsSet | ItemInformation:
    """Drop Ext in the answer to LookupItemSet, where a Problem stands alone."""
    return replace(part, ext=()) if part.problems and part.ext else part


class _WrittenEmpty(str):
    """A text whose element is written even where it is empty."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return True


def keep_empty_identifier(record: BibliographicRecordId) -> BibliographicRecordId:
    """FOLIO takes an empty number for a sign that RequestId has the barcode."""
    return replace(record, identifier=_WrittenEmpty(record.identifier))


def choose_adaptation(cls: type[Structure], version: Version) -> Callable[[Any], Structure] | None:
    """Choose the change of a structure of this class before it is written in this version."""
    if cls is LoanedItem and version is not Version.V2_02:
        return complete_loaned_item
    if cls is RequestItem and version is Version.V2_0:
        return reduce_request_item
    if cls is BibliographicRecordId:
        return keep_empty_identifier
    return drop_ext_beside_problem if cls in (HoldingsSet, ItemInformation) else None
