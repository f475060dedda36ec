"""Files to profiles: inheritance, the place of every value, and every mistake with file and line."""

from pathlib import Path

import pytest

from gateway.domain.circulation_policy import BarcodeSource
from gateway.domain.problems import ConfigurationError
from gateway.profiles import load_profiles
from gateway.profiles.effective import source_of
from gateway.settings import Settings
from tests.unit.profiles.support import ADAPTERS, SETTINGS, TWO_LIBRARIES, PlainDialect, write


def wrong(folder: Path, settings: Settings = SETTINGS) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_profiles(folder, ADAPTERS, settings)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def test_a_profile_is_read_with_its_protocols_sections(tmp_path: Path) -> None:
    write(tmp_path, nordviken="description: Norðvíkin\nplain:\n  greeting: curt\nother:\n")

    profile = load_profiles(tmp_path, ADAPTERS, SETTINGS).find_profile("Nordviken")

    assert profile is not None
    assert profile.description == "Norðvíkin"
    assert profile.dialects == {"plain": PlainDialect(greeting="curt"), "other": PlainDialect()}


def test_a_profile_takes_over_what_it_does_not_say(tmp_path: Path) -> None:
    write(
        tmp_path,
        base="""
            abstract: true
            description: the group's habits
            plain: {greeting: curt}
            circulation:
              accept: {barcode_from: request-id, title_prefix: "ILL: "}
              pickup:
                map: {A: main, B: north}
              patrons: {lookup_by: [username, barcode]}
            """,
        one="""
            extends: base
            match: [{from_agency: ONE}]
            circulation:
              accept: {title_prefix: "[1] "}
              pickup:
                map: {B: null, C: main}
              patrons: {lookup_by: [external]}
            """,
        two="""
            extends: one
            plain: {address: "ill.example.org:9000"}
            """,
    )

    profiles = load_profiles(tmp_path, ADAPTERS, SETTINGS)
    two = profiles.find_profile("two")

    assert two is not None
    assert two.circulation.accept.barcode_from is BarcodeSource.REQUEST_ID
    assert two.circulation.accept.title_prefix == "[1] "
    assert two.circulation.pickup.map == {"A": "main", "C": "main"}  # null takes away
    assert two.circulation.patrons.lookup_by == ("external",)  # lists are replaced
    assert two.dialects["plain"] == PlainDialect(greeting="curt", address="ill.example.org:9000")
    assert (two.match, two.description, two.abstract) == ((), "", False)  # who it is it says itself


def test_the_place_of_every_value_is_known(tmp_path: Path) -> None:
    write(
        tmp_path,
        base="abstract: true\nplain: {}\ncirculation:\n  accept:\n    title_prefix: x\n",
        one="extends: base\ncirculation:\n  pickup:\n    default: main\n",
    )

    one = load_profiles(tmp_path, ADAPTERS, SETTINGS).loaded["one"]

    assert source_of(one.document, ("circulation", "accept", "title_prefix")).endswith("base.yml:5")
    assert source_of(one.document, ("circulation", "pickup", "default")).endswith("one.yml:4")
    assert source_of(one.document, ("circulation", "accept", "location")) == "default"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "plain: {}\ncirculation:\n  acept: {}\n",
            "one.yml:3: circulation.acept: unknown key, allowed: accept, agencies, as_success, check_in, check_out, "
            "delete, due_dates, fees, items, notifications, patrons, pickup, records, requests, rights (did you mean 'accept'?)",  # noqa: E501
        ),
        (
            "plain: {}\ncirculation:\n  accept:\n    trap_hold: at-acept\n",
            "one.yml:4: circulation.accept.trap_hold: found 'at-acept', allowed: at-accept, at-check-in "
            "(did you mean 'at-accept'?)",
        ),
        (
            "plain:\n  greeting: kindd\n",
            "one.yml:2: plain.greeting: found 'kindd', allowed: curt, kind (did you mean 'kind'?)",
        ),
        ("name: two\nplain: {}\n", "one.yml:1: name: must be the file's name, found 'two', allowed: one"),
        ("extends: one\nplain: {}\n", "one.yml:1: extends: goes in a circle: one -> one"),
        ("description: x\n", "one.yml: has no section of any protocol, such as `ncip: {}`, and no section `partner`"),
        (
            "abstract: true\nmatch: [{version: '2'}]\n",
            "one.yml:2: match: an abstract profile is never chosen, so it can't have rules",
        ),
        ("plain: {}\nlibrary: NVD\n", "one.yml:2: library: no such library in gateway.yml, found 'NVD', allowed: DEMO"),
        ("plain: {}\nauth:\n  - kind: basic\n", "one.yml:3: auth.0: kind basic needs user and secret"),
        ("plain: {}\nauth:\n  - kind: header\n", "one.yml:3: auth.0: kind header needs header and secret"),
        (
            "plain: {}\nauth:\n  - kind: certificate\n",
            "one.yml:3: auth.0: kind certificate needs user, san or fingerprint",
        ),
        (
            "plain: {}\nauth:\n  - {kind: basic, user: x, secret: env:X, san: 'DNS:ill.example'}\n",
            "one.yml:3: auth.0.san: is not used for kind basic",
        ),
        (
            "plain: {}\nauth:\n  - {kind: certificate, san: ill.example}\n",
            "one.yml:3: auth.0.san: not a subject alternative name such as DNS:ill.example, or email:, URI:, IP: with a value, found 'ill.example'",  # noqa: E501
        ),
        (
            "plain: {}\nauth:\n  - {kind: certificate, fingerprint: 'DA:39:A3:EE'}\n",
            "one.yml:3: auth.0.fingerprint: not a SHA-256 fingerprint, which has 64 hexadecimal digits, found 'DA:39:A3:EE'",  # noqa: E501
        ),
        ("plain: {}\nauth:\n  - {kind: none, secret: env:X}\n", "one.yml:3: auth.0.secret: is not used for kind none"),
        (
            "plain: {}\nauth:\n  - {kind: bearer, secret: hunter2}\n",
            "one.yml:3: auth.0.secret: must be env:NAME or file:PATH; the secret itself never stands here",
        ),
        (
            "plain: {}\nmatch: [{credential: kee}]\nauth: [{kind: bearer, name: key, secret: env:X}]\n",
            "one.yml:2: match.0.credential: no such name in auth, found 'kee', allowed: key (did you mean 'key'?)",
        ),
        (
            "plain: {}\ncirculation:\n  accept:\n    note: for {reqest}\n",
            "one.yml:4: circulation.accept.note: can't be filled in ('reqest'); it may contain {request}, {agency}, found 'for {reqest}'",  # noqa: E501
        ),
        (
            "plain: {}\ncirculation:\n  items:\n    rewrite: {pattern: '(a', replacement: b}\n",
            "one.yml:4: circulation.items.rewrite.pattern: not a regular expression of RE2: missing ): (a, found '(a'",
        ),
        (
            "plain: {}\ncirculation:\n  items:\n    rewrite: {pattern: 'a', replacement: '\\1'}\n",
            "one.yml:4: circulation.items.rewrite: \\1 names a group, but 'a' has 0",
        ),
        (
            "plain: {}\nmatch:\n  - network: 10.0.0/8x\n",
            "one.yml:3: match.0.network: not an IP address or network such as 192.0.2.0/24: 10.0.0/8x, found '10.0.0/8x'",  # noqa: E501
        ),
    ],
)
def test_a_mistake_is_said_with_file_line_key_and_what_is_allowed(tmp_path: Path, text: str, problem: str) -> None:
    write(tmp_path, one=text)

    assert wrong(tmp_path) == [problem]


def test_an_unknown_section_names_the_protocols(tmp_path: Path) -> None:
    write(tmp_path, one="plane: {}\n")

    (problem,) = wrong(tmp_path)
    assert problem.startswith("one.yml:1: plane: unknown key, allowed: name, ")
    assert problem.endswith("plain, other (did you mean 'plain'?)")


def test_a_missing_parent_may_be_an_own_profile_or_a_shipped_one(tmp_path: Path) -> None:
    write(tmp_path, one="extends: on\nplain: {}\n", two="extends: iliad-alma\nplain: {}\n")

    own, shipped = wrong(tmp_path)
    assert own.startswith("one.yml:1: extends: no such profile, found 'on', allowed: alma-18626, ")
    assert own.endswith("(did you mean 'one'?)")
    assert shipped.endswith("(did you mean 'illiad-alma'?)")


def test_a_longer_circle_is_found(tmp_path: Path) -> None:
    write(tmp_path, a="extends: b\nplain: {}\n", b="extends: c\n", c="extends: a\n")

    assert "c.yml:1: extends: goes in a circle: a -> b -> c -> a" in wrong(tmp_path)


def test_a_mistake_in_a_parent_is_said_once_and_where_it_is(tmp_path: Path) -> None:
    write(tmp_path, base="abstract: true\nplain:\n  greeting: rude\n", a="extends: base\n", b="extends: base\n")

    assert [problem.partition(": ")[0] for problem in wrong(tmp_path)] == ["base.yml:3"]


def test_the_same_rule_in_two_profiles_is_found(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="plain: {}\nmatch:\n  - from_agency: NVD\n    network: 192.0.2.7/24\n",
        b="plain: {}\nmatch:\n  - version: '2'\n  - {network: 192.0.2.0/24, from_agency: nvd}\n",
        c="other: {}\nmatch:\n  - {network: 192.0.2.0/24, from_agency: nvd}\n",  # another protocol
    )

    assert wrong(tmp_path) == [
        "b.yml:4: match.1: the same rule (from_agency: nvd, network: 192.0.2.0/24) as profile 'a' "
        f"at {tmp_path}/a.yml:3".replace(f"{tmp_path}/", "")
    ]


def test_with_several_libraries_a_profile_says_which(tmp_path: Path) -> None:
    write(tmp_path, one="plain: {}\n", two="plain: {}\nlibrary: SUD\n")

    assert wrong(tmp_path, TWO_LIBRARIES) == [
        "one.yml: library: must say which library, since there are several, allowed: NVD, SUD"
    ]


def test_a_tcp_listener_needs_a_profile_of_its_protocol(tmp_path: Path) -> None:
    write(tmp_path, one="other: {}\n", base="abstract: true\n")
    listeners = [{"port": 0, "protocol": "plain", "profile": name} for name in ("one", "base", "won")]
    settings = Settings.model_validate({"tcp": listeners})

    assert wrong(tmp_path, settings) == [
        "gateway.yml: tcp.0.profile: this profile has no section `plain`, found 'one'",
        "gateway.yml: tcp.1.profile: this profile is abstract, found 'base'",
        "gateway.yml: tcp.2.profile: no such profile, found 'won', allowed: base, one (did you mean 'one'?)",
    ]


def test_a_folder_that_is_not_there_and_a_file_with_the_wrong_ending(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("plain: {}\n")

    assert wrong(tmp_path) == ["one.yaml: a profile's file ends in .yml"]
    assert wrong(tmp_path / "none")[0].endswith("none: can't be read: No such file or directory")
