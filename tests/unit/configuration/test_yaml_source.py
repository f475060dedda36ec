"""YAML to data: what it says, where it says it, and what is refused."""

from pathlib import Path

import pytest

from gateway.configuration.yaml_document import MAX_BYTES, SourcePosition, merge_documents, parse_yaml, read_yaml
from gateway.domain.problems import ConfigurationError


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse_yaml(text, "x.yml")
    return [str(problem) for problem in caught.value.problems]


def test_values_are_read_as_yaml_1_2_reads_them() -> None:
    document = parse_yaml(
        "a: no\nb: 23:59:00\nc: 2024-05-01\nd: 007\ne: 7\nf: true\ng: 1.5\nh: ~\ni:\nj: 図書館\n", "x.yml"
    )

    assert document.data == {
        "a": "no",
        "b": "23:59:00",
        "c": "2024-05-01",
        "d": "007",
        "e": 7,
        "f": True,
        "g": 1.5,
        "h": None,
        "i": None,
        "j": "図書館",
    }


def test_each_value_has_its_place() -> None:
    document = parse_yaml("one: 1\nlist:\n  - a\n  - key: b\n", "x.yml")

    assert document.find_position(("one",)) == SourcePosition("x.yml", 1, 6)
    assert document.find_position(("list",)) == SourcePosition("x.yml", 2, 1)
    assert document.find_position(("list", 0)) == SourcePosition("x.yml", 3, 5)
    assert document.find_position(("list", 1, "key")) == SourcePosition("x.yml", 4, 10)
    assert document.find_position(("list", 1, "absent")).line == 4  # the nearest that there is


def test_a_number_is_kept_as_it_was_written() -> None:
    assert parse_yaml("type: 2.00\n", "x.yml").texts == {("type",): "2.00"}


def test_a_key_that_stands_twice_is_an_error() -> None:
    assert problems("a: 1\nb:\n  c: 1\n  c: 2\n") == ["x.yml:4: b.c: stands twice; first in line 3"]


def test_anchors_and_merges_are_allowed() -> None:
    document = parse_yaml("base: &b {x: 1, y: 2}\ntop:\n  <<: *b\n  y: 3\nsame: *b\n", "x.yml")

    assert document.data["top"] == {"x": 1, "y": 3}
    assert document.data["same"] == {"x": 1, "y": 2}
    assert document.find_position(("top", "y")).line == 4


def test_anchors_that_ask_for_billions_of_values_are_refused() -> None:
    bomb = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for below, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{name}: &{name} [{', '.join(['*' + below] * 10)}]\n"

    assert problems(bomb) == ["x.yml: more than 100,000 values, or nested deeper than 40"]


@pytest.mark.parametrize(
    "source",
    [
        "{k: 1}",  # stands there already: nothing of it is taken, and it is gone through all the same
        "{}",
        "{<<: [" + ", ".join("1" * 50) + "]}",  # what can't be merged is a problem each time
    ],
)
def test_merges_that_ask_for_billions_of_values_are_refused(source: str) -> None:
    bomb = f"a: &a {source}\n"
    for below, name in zip("abcdefghijkl", "bcdefghijklm", strict=True):
        bomb += f"{name}: &{name} {{k: 1, <<: [{', '.join(['*' + below] * 20)}]}}\n"
    assert len(bomb) < 1_500

    assert problems(bomb) == ["x.yml: more than 100,000 values, or nested deeper than 40"]


@pytest.mark.parametrize(
    "source",
    [
        "{" + ", ".join(f"k{number}: 1" for number in range(1_000)) + "}",  # it is there once they were taken
        "{<<: [" + ", ".join("1" * 1_000) + "]}",  # none of it can be taken
    ],
)
def test_what_a_merge_goes_through_counts_whatever_is_taken_of_it(source: str) -> None:
    bomb = f"a: &a {source}\nb: {{<<: [{', '.join(['*a'] * 150)}]}}\n"

    assert problems(bomb) == ["x.yml: more than 100,000 values, or nested deeper than 40"]


@pytest.mark.parametrize("text", ["a: &a {b: *a}\n", "a: &a {<<: *a}\n", "a: &a {<<: [*a, *a, *a]}\n"])
def test_an_anchor_within_itself_is_refused(text: str) -> None:
    assert len(problems(text)) == 1


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("a: [1\nb: 2\n", "x.yml:2: not YAML: "),
        ("- a\n", "x.yml:1: expected `key: value` lines"),
        ("a: !!python/object:os.system x\n", "x.yml:1: a: the tag tag:yaml.org,2002:python/object:os.system"),
        ("a: 1\n---\nb: 2\n", "x.yml:2: not YAML: "),
        ("a: \x01\n", "x.yml"),
        ("? [a]\n: 1\n", "x.yml:1: a key must be text"),
        ("a: !!int x\n", "x.yml:1: a: is no int"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(text: str, start: str) -> None:
    assert problems(text)[0].startswith(start)


def test_an_empty_file_is_an_empty_mapping() -> None:
    assert parse_yaml("# nothing\n", "x.yml").data == {}


def test_a_file_must_be_utf_8_and_not_too_large(tmp_path: Path) -> None:
    latin, large = tmp_path / "latin.yml", tmp_path / "large.yml"
    latin.write_bytes(b"a: 1\nname: M\xfcller\n")
    large.write_bytes(b"#" * (MAX_BYTES + 1))

    with pytest.raises(ConfigurationError, match=r"latin\.yml:2: not UTF-8 text"):
        read_yaml(latin)
    with pytest.raises(ConfigurationError, match="larger than"):
        read_yaml(large)
    with pytest.raises(ConfigurationError, match="No such file"):
        read_yaml(tmp_path / "none.yml")


def test_merging_keeps_the_place_of_every_value() -> None:
    base = parse_yaml("a:\n  x: 1\n  y: 2\n  z: 3\nlist: [1, 2, 3]\n", "base.yml")
    top = parse_yaml("list: [4]\na:\n  y: 5\n  z: null\n", "top.yml")

    merged = merge_documents(base, top)

    assert merged.data == {"a": {"x": 1, "y": 5}, "list": [4]}
    assert merged.places[("a", "x")] == SourcePosition("base.yml", 2, 6)
    assert merged.places[("a", "y")] == SourcePosition("top.yml", 3, 6)
    assert merged.places[("list", 0)].file == "top.yml"
    assert ("list", 1) not in merged.places
    assert ("a", "z") not in merged.places
