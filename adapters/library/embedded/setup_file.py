"""The library's set-up as a YAML file.

Reading it replaces what is there under the same codes and adds what is new. Codes that the file doesn't name stay,
since patrons and items may have them; loan rules are replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import Table, delete, select

from adapters.library.embedded import tables
from adapters.library.embedded.library_session import LibrarySession, add_row
from adapters.library.embedded.loan_rules import ANY
from gateway.domain.circulation_policy import ProfileSection

MAX_VALUES = 100_000
"""Most values in a file, aliases and merges expanded: a few nested merges can ask for billions."""

Code = Annotated[str, Field(pattern=r"^\S{1,64}$")]
Count = Annotated[int, Field(ge=0)]
Limit = Annotated[int | None, Field(ge=0, description="empty: no limit")]
Amount = Annotated[Decimal, Field(ge=0, max_digits=14, decimal_places=4)]


class _SetupSection(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # few commands read the file


class BranchSetup(_SetupSection):
    name: str
    pickup: bool = False
    resource_sharing: bool = False
    closed_weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = ()
    closed_dates: tuple[date, ...] = ()
    shelves: dict[Code, str] = {}


class CategorySetup(_SetupSection):
    name: str
    loan_limit: Limit = None
    hold_limit: Limit = None
    fee_limit: Amount | None = None
    overdue_limit: Limit = None


class PolicySetup(_SetupSection):
    name: str
    circulates: bool = True
    holdable: bool = True
    renewable: bool = True
    recallable: bool = True


class RuleSetup(_SetupSection):
    category: str = ANY
    policy: str = ANY
    loan_days: Count | None = None
    loan_hours: Count | None = None
    renewals: Count = 0
    renewal_days: Count = 0
    fine_per_day: Amount = Decimal(0)
    shelf_days: Count = 7
    recall_days: Count = 7

    @model_validator(mode="after")
    def _check_one_period(self) -> RuleSetup:
        if (self.loan_days is None) == (self.loan_hours is None):
            raise ValueError("a rule says either loan_days or loan_hours")
        return self


class LibrarySetup(_SetupSection):
    branches: dict[Code, BranchSetup]
    categories: dict[Code, CategorySetup]
    policies: dict[Code, PolicySetup]
    loan_rules: tuple[RuleSetup, ...]

    @model_validator(mode="after")
    def _check_codes(self) -> LibrarySetup:
        seen = set()
        for n, rule in enumerate(self.loan_rules):
            for code, known, what in (
                (rule.category, self.categories, "category"),
                (rule.policy, self.policies, "policy"),
            ):
                if code != ANY and code not in known:
                    raise ValueError(f"loan rule {n + 1}: there is no {what} {code!r}")
            if (rule.category, rule.policy) in seen:
                raise ValueError(f"loan rule {n + 1}: there is another for {rule.category} and {rule.policy}")
            seen.add((rule.category, rule.policy))
        if sum(branch.resource_sharing for branch in self.branches.values()) > 1:
            raise ValueError("only one branch can be the resource-sharing branch")
        return self


class SetupFileError(Exception):
    """`problems`: 'line: key: reason'."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_setup_file(file: Path) -> LibrarySetup:
    """Read a file; raises SetupFileError."""
    try:
        text = file.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None:
            _count_values(node, {})
        value = yaml.safe_load(text)
    except UnicodeDecodeError as error:
        raise SetupFileError([f"1: the file is not UTF-8 ({error.reason})"]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise SetupFileError(
            [f"{mark.line + 1 if mark else 1}: not YAML: {getattr(error, 'problem', error)}"]
        ) from error
    try:
        return LibrarySetup.model_validate(value)
    except ValidationError as error:
        raise SetupFileError(
            [_format_setup_problem(node, each["loc"], each["msg"]) for each in error.errors()]
        ) from error


def _count_values(node: yaml.Node, counted: dict[int, int]) -> int:
    """Those below it too, aliases and merges expanded, each node looked at once. `counted`: how many there are below a
    node, by its id. Raises SetupFileError for too many, and for a node within itself."""
    if id(node) not in counted:
        counted[id(node)] = MAX_VALUES
        children = (child for _, child in _list_child_nodes(node))
        counted[id(node)] = 1 + sum(_count_values(child, counted) for child in children)
    if counted[id(node)] > MAX_VALUES:
        raise SetupFileError([f"{node.start_mark.line + 1}: more than {MAX_VALUES:,} values, or one within itself"])
    return counted[id(node)]


def _format_setup_problem(node: yaml.Node | None, path: tuple[int | str, ...], message: str) -> str:
    line = node.start_mark.line + 1 if node is not None else 1
    for step in path:
        inner = next((child for key, child in _list_child_nodes(node) if key == str(step)), None)
        if inner is None:
            break
        node, line = inner, inner.start_mark.line + 1
    place = ".".join(str(step) for step in path)
    reason = message.removeprefix("Value error, ")
    return f"{line}: {place}: {reason}" if place else f"{line}: {reason}"


def _list_child_nodes(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from ((key.value, child) for key, child in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((str(n), child) for n, child in enumerate(node.value))


# --- to and from the tables ------------------------------------------------------------------------------


def write_setup(session: LibrarySession, setup: LibrarySetup) -> None:
    for code, branch in setup.branches.items():
        row = branch.model_dump(exclude={"shelves", "closed_dates", "closed_weekdays"})
        row |= {
            "closed_weekdays": sorted(branch.closed_weekdays),
            "closed_dates": sorted(day.isoformat() for day in branch.closed_dates),
        }
        _insert_or_update(session, tables.branches, row, code=code)
        for shelf, name in branch.shelves.items():
            _insert_or_update(session, tables.shelves, {"name": name}, branch=code, code=shelf)
    for code, category in setup.categories.items():
        _insert_or_update(session, tables.categories, category.model_dump(), code=code)
    for code, policy in setup.policies.items():
        _insert_or_update(session, tables.policies, policy.model_dump(), code=code)
    session.connection.execute(delete(tables.loan_rules).where(tables.loan_rules.c.library == session.library))
    for rule in setup.loan_rules:
        add_row(session.connection, tables.loan_rules, {"library": session.library} | rule.model_dump())


def _insert_or_update(session: LibrarySession, table: Table, row: dict[str, Any], **key: str) -> None:
    is_it = [table.c.library == session.library, *(table.c[name] == value for name, value in key.items())]
    session.connection.execute(delete(table).where(*is_it))
    add_row(session.connection, table, {"library": session.library} | key | row)


def load_setup(session: LibrarySession) -> LibrarySetup:
    """Load what is set up now."""
    branches = {row["code"]: row | {"shelves": {}} for row in _load_table_rows(session, tables.branches)}
    for shelf in _load_table_rows(session, tables.shelves):
        branches[shelf["branch"]]["shelves"][shelf["code"]] = shelf["name"]
    return LibrarySetup.model_validate(
        {
            "branches": {code: _drop_column(row, "code") for code, row in branches.items()},
            "categories": _rows_by_code(_load_table_rows(session, tables.categories)),
            "policies": _rows_by_code(_load_table_rows(session, tables.policies)),
            "loan_rules": list(_load_table_rows(session, tables.loan_rules)),
        }
    )


def _load_table_rows(session: LibrarySession, table: Table) -> list[dict[str, Any]]:
    """Load rows in the order of their codes."""
    rows = session.connection.execute(
        select(table).where(table.c.library == session.library).order_by(*table.primary_key)
    )
    return [_drop_column(dict(row), "library") for row in rows.mappings()]


def _rows_by_code(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["code"]: _drop_column(row, "code") for row in rows}


def _drop_column(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def format_setup_yaml(setup: LibrarySetup) -> str:
    """Format what `read_setup_file` reads; what has its default is left out."""
    return yaml.safe_dump(
        _drop_defaults(setup.model_dump(exclude_defaults=True)), allow_unicode=True, sort_keys=False, width=120
    )


def _drop_defaults(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _drop_defaults(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [_drop_defaults(part) for part in value]
    return str(value) if isinstance(value, Decimal) else value


class EmbeddedOptions(ProfileSection):
    """The options: nothing but the type: who the library is stands beside it, how it works in its own tables."""
