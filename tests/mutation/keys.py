"""Runs the mutation tests of keys: `python -m tests.mutation.keys [--minutes 60] [--seconds 20] [KEY …]`.

A mutant is a key of gateway.yml, requests.yml, profiles or a library system that nothing reads: whatever a file says,
it has its default. One process collects the tests and runs none. A fork of it notes which tests read which key with
another value than the default, once for each test; then each mutant gets a fork, which runs these tests, the quickest
first. tests/unit/settings/keys_tried.txt records what was found: a key and the test that notices it. Exit code 1: a
key that no test notices and that tests/unit/settings/test_keys_tried.py gives no reason for.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from tests.mutation.function_code import ROOT
from tests.mutation.services import HANGING, OPTIONS, run_in_fork
from tests.support.setting_keys import SettingKey, list_setting_keys
from tests.unit.settings.test_keys_tried import RECORD, read_record, read_unnoticed

TESTS = ("tests/unit", "tests/protocol", "tests/library_contract", "tests/interop/test_brokered_requests.py")
LEFT_OUT = ("tests/unit/docs/", "tests/unit/golden/", "tests/unit/settings/test_gateway_yml.py", "test_shipped.py::")
"""Which compare all keys with what is written of them: they would notice any."""

READ_BEFORE = {"domain.Profile.extends", "settings.Settings.defaults"}
"""Keys that are read before there is a model, so that no mutant changes them. Their tests were seen to fail where
the code that reads them was changed by hand."""

REACHED = ROOT / "mutants" / "keys-reached.json"


@dataclass
class ReadKeys:
    """`tests` by key; `seconds` by test, None for one that fails without any mutant."""

    tests: dict[str, list[str]]
    seconds: dict[str, float | None]

    def list_tests(self, key: str, items: Mapping[str, pytest.Item], most: float) -> dict[str, float]:
        """Those that shall notice a mutant of it, the quickest first, with their seconds."""
        seconds = {name: self.seconds[name] for name in self.tests.get(key, ()) if name in items}
        passing = {name: one for name, one in seconds.items() if one is not None}
        kept: dict[str, float] = {}
        for name in sorted(passing, key=lambda name: passing[name]):
            if kept and sum(kept.values()) + passing[name] > most:
                break
            kept[name] = passing[name]
        return kept


class KeyPlugin:
    """Takes the place of pytest's own loop."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.noticed: dict[str, str] = {}
        self.survivors: list[str] = []
        self._options = options
        self._failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.add(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Interrupted("the tests can't be collected")
        items = {one.nodeid: one for one in session.items if not any(part in one.nodeid for part in LEFT_OUT)}
        keys = [key for key in list_setting_keys() if str(key) not in READ_BEFORE]
        reached = self._note_reached(items, keys)
        until = time.monotonic() + 60 * self._options.minutes
        for key in keys:
            if time.monotonic() > until:
                break
            if not any(fnmatchcase(str(key), name) for name in self._options.keys or ["*"]):
                continue
            names = reached.list_tests(str(key), items, self._options.seconds)
            test = self._try_key(key, [items[name] for name in names], sum(names.values()))
            print(f"{key}: {test or f'SURVIVES {len(names)} tests'}", flush=True)
            if test:
                self.noticed[str(key)] = test.partition("[")[0]
            else:
                self.survivors.append(str(key))
        return True

    def _note_reached(self, items: Mapping[str, pytest.Item], keys: Iterable[SettingKey]) -> ReadKeys:
        """With what was noted in earlier runs."""
        reached = ReadKeys(**json.loads(REACHED.read_text(encoding="utf-8"))) if REACHED.exists() else ReadKeys({}, {})
        new = [item for name, item in items.items() if name not in reached.seconds]
        if not new:
            return reached
        REACHED.parent.mkdir(exist_ok=True)
        run_in_fork(lambda: self._note_tests(new, keys, reached), 24 * 3_600)
        return ReadKeys(**json.loads(REACHED.read_text(encoding="utf-8")))

    def _note_tests(self, items: Sequence[pytest.Item], keys: Iterable[SettingKey], reached: ReadKeys) -> int:
        read: set[str] = set()
        for key in keys:
            put_reader_in_place(key, lambda key, value: read.add(str(key)) or value)
        for item, following in zip(items, [*items[1:], None], strict=True):
            read.clear()
            begun = time.monotonic()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            seconds = time.monotonic() - begun
            reached.seconds[item.nodeid] = None if item.nodeid in self._failed else seconds
            for name in read:
                reached.tests.setdefault(name, []).append(item.nodeid)
            if following is None or len(reached.seconds) % 100 == 0:
                REACHED.write_text(json.dumps(vars(reached)), encoding="utf-8")
        return 0

    def _try_key(self, key: SettingKey, tests: Sequence[pytest.Item], seconds: float) -> str:
        """The test that notices it; empty: none does."""
        place = REACHED.with_name(f"key-{os.getpid()}")

        def run_tests() -> int:
            put_reader_in_place(key, _give_default)
            for item, following in zip(tests, [*tests[1:], None], strict=True):
                place.write_text(item.nodeid, encoding="utf-8")
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if item.nodeid in self._failed:
                    return 1
            return 0

        try:
            return place.read_text("utf-8") if tests and run_in_fork(run_tests, HANGING * seconds + 60) else ""
        finally:
            place.unlink(missing_ok=True)


def put_reader_in_place(key: SettingKey, read: Callable[[SettingKey, Any], Any]) -> None:
    """From now on who reads the key gets what `read` makes of its value, if that isn't the default. Validators of its
    model get what is written: what is refused is another matter."""
    decorators = key.model.__pydantic_decorators__
    validators = {
        getattr(getattr(one.func, "__func__", one.func), "__code__", None)
        for group in (decorators.model_validators, decorators.field_validators)
        for one in group.values()
    }

    def get_value(section: BaseModel) -> Any:
        value = vars(section).get(key.name, key.default)
        if type(section) is not key.model:  # a base class has this key as well
            return value
        if value == key.default or sys._getframe(1).f_code in validators:
            return value
        return read(key, value)

    def iterate_values(section: BaseModel) -> Iterator[tuple[str, Any]]:
        return ((name, getattr(section, name)) for name in type(section).model_fields)

    type.__setattr__(key.model, key.name, property(get_value))
    type.__setattr__(key.model, "__iter__", iterate_values)


def _give_default(key: SettingKey, value: Any) -> Any:
    """The default; of a key that has to be there another value of its kind."""
    if key.default is not PydanticUndefined:
        return key.default
    match value:
        case bool():
            return not value
        case Enum():
            return next(one for one in type(value) if one is not value)
        case str():
            return f"{value}x"
        case int() | float():
            return value + 1
        case tuple() | dict():
            return type(value)()
        case _:
            return None


def write_record(noticed: Mapping[str, str], survivors: Iterable[str]) -> None:
    """With what was recorded of other keys. `survivors`: of all tests."""
    record = {name: test for name, test in read_record().items() if name not in set(survivors)} | noticed
    RECORD.write_text("".join(f"{name} {record[name]}\n" for name in sorted(record)), encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.keys")
    parser.add_argument("keys", nargs="*", metavar="KEY", help="such as 'KohaOptions.*'; all if there is none")
    parser.add_argument("--minutes", type=float, default=24 * 60, help="no key is tried after so long")
    parser.add_argument("--seconds", type=float, default=20, help="of tests for each key, by what they took")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="those that may notice it")
    parser.add_argument("--quick", action="store_true", help="without slow tests")
    options = parser.parse_args(arguments)
    os.chdir(ROOT)
    plugin = KeyPlugin(options)
    quick = ("-m", "not slow and not long and not postgresql") if options.quick else ()
    if code := int(pytest.main([*OPTIONS, *quick, *options.tests], plugins=[plugin])):
        return code
    has_all_tests = not options.quick and options.tests == TESTS  # others may notice what survives a part of them
    write_record(plugin.noticed, plugin.survivors if has_all_tests else ())
    unexplained = sorted(set(plugin.survivors).difference(read_unnoticed()))
    print(f"\n{len(plugin.noticed)} of {len(plugin.noticed) + len(plugin.survivors)} keys are noticed")
    for name in unexplained:
        print(f"no test notices, and no reason says why: {name}")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
