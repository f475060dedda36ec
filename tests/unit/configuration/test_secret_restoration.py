"""A file that was shown with masks comes back: each mask gets its secret again, and no secret gets anywhere else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.configuration.secret_restoration import restore_written_secrets
from gateway.configuration.written_secrets import conceal_written_secrets
from gateway.domain.secret_reference import CONCEALED

FILE = """\
# old password: "Кот в мешке"
name: x
ncip:
  key: hunter2 # why not
  account: {id: ill, code: '4711'}
auth:
  - kind: basic
    user: ill
    secret: |
      first line
      second line
  - kind: bearer
    secret: hunter3
"""


def test_what_comes_back_as_it_was_shown_is_the_file_again() -> None:
    assert restore_written_secrets(conceal_written_secrets(FILE), FILE).text == FILE


def test_a_mask_follows_its_keys_wherever_they_stand() -> None:
    shown = conceal_written_secrets(FILE).splitlines(keepends=True)
    moved = "".join([*shown[5:], "max_bytes: 5000\n", *shown[:5]])
    written = FILE.splitlines(keepends=True)

    restored = restore_written_secrets(moved, FILE)

    assert restored.lines == ()
    assert restored.text == "".join([*written[5:], "max_bytes: 5000\n", *written[:5]])


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("  key: ********", "  other_key: ********", 4),
        ("user: ill", "user: eve", 9),  # another entry of the list
        ("  - kind: bearer", "  - kind: bearer\n    networks: [192.0.2.0/24]", 14),
        ("name: x", "name: ********", 2),
        ("# old password", "# very old password", 1),
        ("code: ********", "code: x********", 5),
    ],
)
def test_a_mask_at_another_place_stands_for_nothing(old: str, new: str, line: int) -> None:
    shown = conceal_written_secrets(FILE)
    assert old in shown

    assert line in restore_written_secrets(shown.replace(old, new), FILE).lines


def test_of_two_entries_that_look_alike_nobody_knows_which_is_meant() -> None:
    file = "auth:\n- {kind: bearer, secret: 'a'}\n- {kind: bearer, secret: 'b'}\n"

    assert restore_written_secrets(conceal_written_secrets(file), file).lines == (2, 3)


def test_stars_that_stand_in_the_file_stay() -> None:
    file = "# ******** ours ********\ndescription: wants ******** in names\nsecret: 'a'\n"
    edited = conceal_written_secrets(file).replace("wants", "likes")

    assert restore_written_secrets(edited, file).text == file.replace("wants", "likes")


def test_a_file_that_is_no_yaml_is_mended_by_its_lines() -> None:
    file = "name: x: y\npassword: hunter2\nauth:\n  secret: |\n    first line\n"
    mended = conceal_written_secrets(file).replace("x: y", "x")

    restored = restore_written_secrets(mended, file)

    assert restored.text.splitlines()[1] == "password: hunter2"
    assert restored.lines == (5,), "a mask alone in its line may stand for anything"


KEYS = st.sampled_from(["password", "api_key", "secret", "user", "token", "note"])
WORDS = st.text("abcXYZäКот🗝 0", min_size=1, max_size=12).map(str.strip).filter(bool)
VALUES = st.recursive(
    WORDS.map(lambda word: f'"{word}"'),
    lambda inner: st.one_of(
        st.dictionaries(KEYS, inner, min_size=1, max_size=3).map(
            lambda found: "{" + ", ".join(f"{key}: {value}" for key, value in found.items()) + "}"
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda found: "[" + ", ".join(found) + "]"),
    ),
    max_leaves=6,
)
FILES = st.dictionaries(KEYS, VALUES, min_size=1).map(
    lambda found: "".join(f"{key}: {value}\n" for key, value in found.items())
)


@settings(max_examples=25, deadline=None)
@given(FILES, FILES)
def test_no_mask_is_ever_written_and_no_secret_is_ever_seen(file: str, other: str) -> None:
    for shown in (conceal_written_secrets(file), conceal_written_secrets(file) + f"# {CONCEALED}\n"):
        restored = restore_written_secrets(shown, file)
        if not restored.lines:
            assert restored.text == file
    swapped = restore_written_secrets(conceal_written_secrets(other), file)
    if not swapped.lines:
        assert CONCEALED not in swapped.text
        assert conceal_written_secrets(swapped.text) == conceal_written_secrets(other)
