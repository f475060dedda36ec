"""Which profiles a message may belong to."""

from itertools import combinations, product
from pathlib import Path

import pytest

from gateway.configuration import yaml_document
from gateway.profiles import MessageSender, ProfileSet, load_profiles
from tests.support import parsed_documents
from tests.support.processor_time import measure_processor_seconds
from tests.unit.profiles.support import ADAPTERS, SETTINGS, write


@pytest.fixture
def profiles(tmp_path: Path) -> ProfileSet:
    write(
        tmp_path,
        any="plain: {}\nmatch: [{}]\n",
        v1="plain: {}\nmatch: [{version: '1'}]\n",
        v2="plain: {}\nmatch: [{version: '2'}]\n",
        exact="plain: {}\nmatch: [{version: '2.02'}]\n",
        nordviken="plain: {}\nmatch: [{from_agency: NVD}, {from_agency: NVD, profile_type: ILL, version: '2'}]\n",
        network="plain: {}\nmatch: [{network: 192.0.2.0/24}, {network: '2001:db8::/32'}]\n",
        keyed="plain: {}\nauth: [{kind: bearer, name: Key, secret: env:X}]\nmatch: [{from_agency: KEY, credential: key}]\n",  # noqa: E501
        desk="plain: {}\nmatch: [{path: front}, {path: side, from_agency: NVD}]\n",
        elsewhere="other: {}\nmatch: [{from_agency: NVD}]\n",
        base="abstract: true\nplain: {}\n",
    )
    return load_profiles(tmp_path, ADAPTERS, SETTINGS)


def names(profiles: ProfileSet, sender: MessageSender) -> list[str]:
    return list(dict.fromkeys(candidate.profile.name for candidate in profiles.find_candidates(sender)))


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        (MessageSender("plain"), ["any"]),
        (MessageSender("plain", version="1.01"), ["v1", "any"]),
        (MessageSender("plain", version="2.02"), ["exact", "v2", "any"]),
        (MessageSender("plain", version="20"), ["any"]),
        (MessageSender("plain", from_agency="nvd"), ["nordviken", "any"]),
        (MessageSender("plain", from_agency="nvd", profile_type="ill", version="2.0"), ["nordviken", "v2", "any"]),
        (MessageSender("plain", network="192.0.2.200"), ["network", "any"]),
        (MessageSender("plain", network="::ffff:192.0.2.200"), ["network", "any"]),
        (MessageSender("plain", network="2001:db8::5"), ["network", "any"]),
        (MessageSender("plain", network="198.51.100.1"), ["any"]),
        (MessageSender("plain", from_agency="KEY"), ["keyed", "any"]),  # whether it has the key is not known yet
        (MessageSender("plain", from_agency="KEY", credential="KEY"), ["keyed", "any"]),
        (MessageSender("plain", from_agency="KEY", credential="other"), ["any"]),
        (MessageSender("other", from_agency="NVD"), ["elsewhere"]),
        (MessageSender("plain", path="front"), ["desk"]),
        (MessageSender("plain", path="side"), []),
        (MessageSender("plain", path="side", from_agency="NVD"), ["desk"]),
        (MessageSender("plain", path="nordviken"), ["nordviken"]),
        (MessageSender("plain", path="NordViken"), ["nordviken"]),
        (MessageSender("plain", path="FRONT"), ["desk"]),
        (MessageSender("plain", path="nordvi\u212aen"), []),  # Kelvin's sign, which is a k without case
        (MessageSender("plain", path="de\u017fk"), []),
        (MessageSender("plain", path="\u017fide", from_agency="NVD"), []),
        (MessageSender("plain", path="elsewhere"), []),
        (MessageSender("plain", path="base"), []),
        (MessageSender("plain", path="nobody", from_agency="NVD"), []),
    ],
)
def test_the_best_fitting_profile_comes_first(profiles: ProfileSet, sender: MessageSender, expected: list[str]) -> None:
    assert names(profiles, sender) == expected


def test_a_candidate_says_by_which_rule_it_fits(profiles: ProfileSet) -> None:
    first = profiles.find_candidates(MessageSender("plain", from_agency="NVD", profile_type="ILL", version="2.01"))[0]

    assert first.conditions == 3
    assert first.rule is not None
    assert first.rule.profile_type == "ILL"


def test_each_rule_that_fits_is_a_candidate_since_one_may_want_a_credential(tmp_path: Path) -> None:
    auth = "auth: [{kind: bearer, name: key, secret: env:X}]"
    write(tmp_path, one=f"plain: {{}}\n{auth}\nmatch: [{{from_agency: A, credential: key}}, {{from_agency: A}}]\n")

    found = load_profiles(tmp_path, ADAPTERS, SETTINGS).find_candidates(MessageSender("plain", from_agency="A"))

    assert [candidate.rule.credential for candidate in found if candidate.rule] == ["key", None]


def test_profiles_load_in_time_by_their_number_and_match_in_much_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_document, "parse_yaml", parsed_documents.parse_anew)  # reads anew what was read before
    write_partners(tmp_path / "few", 50)
    write_partners(tmp_path / "many", 500)
    few = measure_processor_seconds(lambda: load_profiles(tmp_path / "few", ADAPTERS, SETTINGS))
    many = measure_processor_seconds(lambda: load_profiles(tmp_path / "many", ADAPTERS, SETTINGS), times=1)
    profiles = load_profiles(tmp_path / "many", ADAPTERS, SETTINGS)
    senders = [
        MessageSender("plain", from_agency=f"ag{n}", version="2.02", network=f"10.1.{n % 250}.9") for n in range(500)
    ]

    found = [profiles.find_candidates(sender)[0].profile.name for sender in senders]
    matching = measure_processor_seconds(lambda: [profiles.find_candidates(sender) for sender in senders])

    assert len(profiles) == 501
    assert found == [f"partner{n}" for n in range(500)]
    assert many < 3 * 10 * few
    assert matching < many  # 5 ms for 500 messages, and half a second


def write_partners(folder: Path, count: int) -> None:
    places = "".join(f"      place {n}: code{n}\n" for n in range(50))
    folder.mkdir()
    write(folder, base=f"abstract: true\nplain: {{}}\ncirculation:\n  pickup:\n    map:\n{places}")
    for number in range(count):
        text = f"""
            extends: base
            description: partner {number}
            match:
              - {{from_agency: AG{number}, version: "2"}}
              - {{network: 10.{number // 250}.{number % 250}.0/24}}
            auth:
              - {{kind: network, networks: [10.{number // 250}.{number % 250}.0/24]}}
            plain: {{greeting: curt}}
            circulation:
              accept: {{title_prefix: "ILL {number}: ", trap_hold: at-check-in, policies: {{book: ill, dvd: ill}}}}
              pickup: {{default: code1, map: {{desk: code2}}}}
            examples:
              - {{name: lend, send: LEND 1 2, understood: {{service: LEND}}}}
            """
        write(folder, **{f"partner{number}": text})


@pytest.fixture
def partners(tmp_path: Path) -> ProfileSet:
    def profile(symbols: str, more: str = "") -> str:
        return f"plain: {{}}\npartner: {{symbols: [{symbols}]}}\n{more}"

    write(
        tmp_path,
        fjordby=profile("'NO:FJORDBY', FJB"),
        oslo=profile("'NO:BIB'"),
        bergen=profile("'SE:BIB'"),
        kyoto=profile("京都"),
        anybody="plain: {}\nmatch: [{network: 192.0.2.0/24}]\n",
        elsewhere="other: {}\npartner: {symbols: ['NO:ELSEWHERE']}\n",
    )
    return load_profiles(tmp_path, ADAPTERS, SETTINGS)


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [
        (("NO:FJORDBY",), ["fjordby"]),
        (("no:fjordby",), ["fjordby"]),
        (("FJORDBY",), ["fjordby"]),
        (("XX:FJB",), ["fjordby"]),  # written without an authority, it has none to be compared
        (("XX:FJORDBY",), []),
        (("BIB",), []),  # two have it: nobody can tell whose it is
        (("NO:BIB",), ["oslo"]),
        (("NO:BIB", "京都"), ["oslo", "kyoto"]),
        (("NO:ELSEWHERE",), []),
        ((), []),
    ],
)
def test_a_partner_is_known_by_its_symbols(partners: ProfileSet, symbols: tuple[str, ...], expected: list[str]) -> None:
    assert names(partners, MessageSender("plain", symbols=symbols)) == expected


def test_a_partners_symbol_says_more_than_where_it_comes_from(partners: ProfileSet) -> None:
    sender = MessageSender("plain", symbols=("NO:FJORDBY",), network="192.0.2.9")
    assert names(partners, sender) == ["fjordby", "anybody"]


def test_of_two_libraries_that_know_a_partner_the_one_spoken_to_comes_first(tmp_path: Path) -> None:
    partner = "plain: {}\npartner: {symbols: ['NO:FJORDBY']}\n"
    write(tmp_path, east=f"library: EAST\n{partner}", west=f"library: WEST\n{partner}")
    libraries = (SETTINGS.libraries[0].model_copy(update={"symbol": symbol}) for symbol in ("EAST", "WEST"))
    both = load_profiles(tmp_path, ADAPTERS, SETTINGS.model_copy(update={"libraries": tuple(libraries)}))

    for spoken_to, other in (("EAST", "WEST"), ("WEST", "EAST")):
        sender = MessageSender("plain", symbols=("NO:FJORDBY",), to_agency=spoken_to)
        assert names(both, sender) == [spoken_to.lower(), other.lower()]


CONDITIONS = {
    "from_agency": ("NVD", "FJB"),
    "to_agency": ("NORTH", "SOUTH"),
    "from_system": ("WSILL", "Relais"),
    "profile_type": ("ILL", "EZBORROW"),
    "version": ("2.02", "1.0"),
    "network": ("192.0.2.9", "198.51.100.1"),
    "credential": ("key", "other"),
}
"""What a sender says, as a rule wants it and otherwise."""


@pytest.mark.parametrize(("first", "second"), list(combinations(CONDITIONS, 2)))
def test_a_rule_of_two_conditions_wants_both(tmp_path: Path, first: str, second: str) -> None:
    wanted = {name: CONDITIONS[name][0] for name in (first, second)}
    rule = ", ".join(f"{name}: '{value}'" for name, value in wanted.items())
    write(tmp_path, both=f"plain: {{}}\nauth: [{{kind: bearer, name: key, secret: env:X}}]\nmatch: [{{{rule}}}]\n")
    profiles = load_profiles(tmp_path, ADAPTERS, SETTINGS)

    for fits in product((True, False), repeat=2):
        said = {name: CONDITIONS[name][0 if fit else 1] for name, fit in zip(wanted, fits, strict=True)}
        assert names(profiles, MessageSender("plain", **said)) == (["both"] if all(fits) else []), said


def test_names_of_any_length_are_not_remembered(profiles: ProfileSet) -> None:
    """Strangers could fill the memory with them."""
    found = profiles._matcher.find_remembered
    for number in range(50):
        sender = MessageSender("plain", from_agency=f"{number} " + "N" * 1_000_000, symbols=("NVD",))
        assert names(profiles, sender) == ["any"]
    assert found.cache_info().currsize == 0
    assert names(profiles, MessageSender("plain", from_agency="NVD")) == ["nordviken", "any"]
    assert found.cache_info().currsize == 1


@pytest.mark.parametrize(("ours", "theirs"), [("", ""), ("", "DEMO"), ("DEMO", ""), ("DEMO", "DEMO")])
def test_an_agency_is_another_profiles_whether_or_not_they_name_the_only_library(
    tmp_path: Path, ours: str, theirs: str
) -> None:
    write(
        tmp_path,
        ours=f"library: '{ours}'\nplain: {{}}\n",
        theirs=f"library: '{theirs}'\nplain: {{}}\nauth: [{{kind: none}}]\nmatch: [{{from_agency: NVD}}]\n",
    )
    profiles = load_profiles(tmp_path, ADAPTERS, SETTINGS)
    our_own, their_own = profiles.find_profile("ours"), profiles.find_profile("theirs")
    assert our_own is not None
    assert their_own is not None
    assert profiles.is_agency_of_another(our_own, "plain", "nvd")
    assert not profiles.is_agency_of_another(their_own, "plain", "nvd")
