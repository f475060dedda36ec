"""Profiles that a message may belong to; profiles by partner symbol.

Each rule is filed under the rarest of its conditions; a look-up tries only the rules filed under what the message
says, then compares them whole.
"""

from __future__ import annotations

import ipaddress
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from gateway.domain.profile import Authentication, AuthKind, MatchRule, Profile
from gateway.domain.requests.brokered_requests import is_same_symbol
from gateway.domain.value import replace, value_object

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
Conditions = tuple[tuple[str, str], ...]

_EXACT = ("path", "from_agency", "from_system", "profile_type", "to_agency")
"""Conditions that are looked up by value. `version`, `network` and `credential` fit in other ways."""

REMEMBERED = 4096
"""Partners are few and say the same again and again: so many answers are kept."""

MAX_REMEMBERED_CHARS = 2_000
"""Of what a sender says; more is looked up anew each time, or strangers could fill the memory with names."""


@value_object
class MessageSender:
    """The facts known of a message before its profile is.

    `path`: what the URL or the listener names, a profile or a rule's path; then no other profile fits. `library`: the
    symbol of the library that the URL names; then profiles of no other fit. `network` is
    the sender's IP address. `credential`: name of the one in use, where known already; while it is empty a rule
    that wants one is kept, and whoever authenticates compares `ProfileCandidate.rule`. `symbols`: a partner that has
    one of them (`partner.symbols`) fits without a rule, as if by a rule of one condition.
    """

    protocol: str = ""
    path: str = ""
    library: str = ""
    from_agency: str = ""
    to_agency: str = ""
    profile_type: str = ""
    from_system: str = ""
    version: str = ""
    network: str = ""
    credential: str = ""
    symbols: tuple[str, ...] = ()

    def count_chars(self) -> int:
        """Count the characters of all that the sender itself may have chosen."""
        texts = (self.path, self.from_agency, self.to_agency, self.profile_type, self.from_system, self.version)
        return sum(map(len, texts)) + sum(map(len, self.symbols))


@value_object
class ProfileCandidate:
    """A profile that fits, by which rule; None: the message names the profile, or its partner. `is_ambiguous`: nothing
    says for which of the partner's libraries the message is; `profile` is then the first one's."""

    profile: Profile
    rule: MatchRule | None
    conditions: int
    is_ambiguous: bool = False


@value_object
class _IndexedRule:
    candidate: ProfileCandidate
    exact: Conditions
    version: str
    network: IpNetwork | None
    credential: str


def rule_conditions(rule: MatchRule) -> Conditions:
    """Return the conditions of a rule, in a form in which equal rules are equal."""
    conditions = []
    for name, value in rule:
        if value is not None:
            text = str(ipaddress.ip_network(value, strict=False)) if name == "network" else _fold_case(name, value)
            conditions.append((name, text))
    return tuple(conditions)


def _fold_case(name: str, value: str) -> str:
    """Fold a value's case; a path only as far as ASCII goes, as a proxy does that guards one: it doesn't take 'ſ' for
    's'."""
    return value if name == "path" and not value.isascii() else value.casefold()


class AgencyIndex:
    """Agencies that profiles name as their own: those of rules, and those in whose name credentials speak. A profile
    that admits this machine alone, as all are shipped, names none: it is nobody else's."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._owners: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        for profile in profiles:
            self._add_profile(profile)

    def _add_profile(self, profile: Profile) -> None:
        if profile.abstract or all(_is_this_machine(entry) for entry in profile.auth):
            return
        ruled = (rule.from_agency for rule in profile.match if rule.from_agency)
        for agency in (*ruled, *(agency for entry in profile.auth for agency in entry.agencies)):
            for protocol in profile.dialects:
                self._owners[protocol, agency.strip().casefold()].add((profile.library, profile.name))

    def is_of_another(self, profile: Profile, protocol: str, agency: str) -> bool:
        """A profile that names no library is of the only one that there is."""
        named = self._owners.get((protocol, agency.strip().casefold()), ())
        owners = {name for library, name in named if library == profile.library or "" in (library, profile.library)}
        return bool(owners) and profile.name not in owners


def _is_this_machine(entry: Authentication) -> bool:
    return entry.kind is AuthKind.NETWORK and all(
        ipaddress.ip_network(network, strict=False).is_loopback for network in entry.networks
    )


class ProfileMatcher:
    """Finds out who has sent a message first, then for which library it is: by its address, by the receiver that it
    names, or because the partner has only one. So it costs the same for a partner of one library and of three hundred,
    which `profiles` has once for each, by the same name and rules."""

    def __init__(self, profiles: Iterable[Profile], receivers: ReceiverIndex) -> None:
        self._receivers = receivers
        self._by_name: dict[str, Profile] = {}
        self._versions: dict[str, dict[str, Profile]] = defaultdict(dict)
        rules: list[_IndexedRule] = []
        self._partners = PartnerIndex()
        for profile in profiles:
            if profile.abstract:
                continue
            versions = self._versions[profile.name]
            versions[profile.library.casefold()] = profile
            if len(versions) > 1:
                continue
            self._by_name[profile.name.casefold()] = profile
            self._partners.add_profile(profile)
            rules += [_make_indexed_rule(profile, rule) for rule in profile.match]
        self._rest: list[_IndexedRule] = []
        self._exact: dict[tuple[str, str], list[_IndexedRule]] = defaultdict(list)
        self._networks: dict[tuple[int, int], dict[int, list[_IndexedRule]]] = defaultdict(lambda: defaultdict(list))
        self._index_rules(rules)
        self.find_remembered = lru_cache(maxsize=REMEMBERED)(self._find_candidates)

    def match(self, sender: MessageSender) -> tuple[ProfileCandidate, ...]:
        """Candidates, best first: most conditions, then by name."""
        if sender.count_chars() > MAX_REMEMBERED_CHARS:
            return self._find_candidates(sender)
        return self.find_remembered(sender)

    def has_address(self, path: str) -> bool:
        """Return whether an address is a profile's name, or the path of a rule."""
        return bool(self._list_profiles_at(path))

    def list_libraries_at(self, path: str) -> frozenset[str]:
        """List the symbols of the libraries that an address may mean: a profile's name, or the path of rules."""
        profiles = self._list_profiles_at(path)
        return frozenset(version.library for profile in profiles for version in self._versions[profile.name].values())

    def _list_profiles_at(self, path: str) -> list[Profile]:
        named = self._by_name.get(path.casefold()) if path.isascii() else None
        ruled = [rule.candidate.profile for rule in self._exact.get(("path", _fold_case("path", path)), ())]
        return [profile for profile in (named, *ruled) if profile is not None]

    def _index_rules(self, rules: list[_IndexedRule]) -> None:
        frequency = Counter(condition for rule in rules for condition in rule.exact)
        for rule in rules:
            path = [condition for condition in rule.exact if condition[0] == "path"]
            if rule.exact:
                self._exact[path[0] if path else min(rule.exact, key=frequency.__getitem__)].append(rule)
            elif rule.network is not None:
                net = rule.network
                self._networks[net.version, net.prefixlen][_network_prefix(net.network_address, net.prefixlen)].append(
                    rule
                )
            else:
                self._rest.append(rule)

    def _find_candidates(self, sender: MessageSender) -> tuple[ProfileCandidate, ...]:
        values = {name: _fold_case(name, value) for name in _EXACT if (value := getattr(sender, name))}
        address = _parse_ip_address(sender.network)
        if sender.path:
            return self._choose_versions(self._match_path(sender, values, address), sender)
        candidates = [
            rule.candidate
            for condition in values.items()
            for rule in self._exact.get(condition, ())
            if _is_rule_fulfilled(rule, sender, values, address)
        ]
        for rules in (self._find_network_rules(address), self._rest):
            candidates += [rule.candidate for rule in rules if _is_rule_fulfilled(rule, sender, values, address)]
        partners = self._match_symbols(sender, _profiles_of_candidates(candidates))
        matches = sorted((*partners, *_sort_candidates(candidates)), key=lambda candidate: -candidate.conditions)
        return self._choose_versions(matches, sender)

    def _choose_versions(
        self, candidates: Iterable[ProfileCandidate], sender: MessageSender
    ) -> tuple[ProfileCandidate, ...]:
        """Choose for which library each is; one that isn't that of the library that the URL names is left out."""
        chosen = (self._choose_version(candidate, sender) for candidate in candidates)
        return tuple(candidate for candidate in chosen if candidate is not None)

    def _choose_version(self, candidate: ProfileCandidate, sender: MessageSender) -> ProfileCandidate | None:
        versions = self._versions[candidate.profile.name]
        if sender.library:
            named = versions.get(sender.library.casefold()) or versions.get("")
            return replace(candidate, profile=named) if named is not None else None
        if len(versions) == 1:
            return candidate
        version = versions.get(self._receivers.find_library(sender.to_agency).casefold())
        return replace(candidate, is_ambiguous=True) if version is None else replace(candidate, profile=version)

    def _match_symbols(self, sender: MessageSender, profiles: list[Profile]) -> tuple[ProfileCandidate, ...]:
        """Match in the order of the symbols, but those of the library that is spoken to come first: two of an
        installation may know the same partner."""
        matches = [
            profile
            for profile in self._partners.find_by_symbol(sender.symbols)
            if profile not in profiles and _has_dialect(profile, sender.protocol)
        ]
        if sender.to_agency:
            matches.sort(key=lambda profile: not is_same_symbol(profile.library, sender.to_agency))
        return tuple(ProfileCandidate(profile, None, 1) for profile in matches)

    def _match_name(self, name: str, protocol: str) -> tuple[ProfileCandidate, ...]:
        profile = self._by_name.get(name.casefold()) if name.isascii() else None
        return (ProfileCandidate(profile, None, 0),) if profile and _has_dialect(profile, protocol) else ()

    def _match_path(
        self, sender: MessageSender, values: dict[str, str], address: Address | None
    ) -> tuple[ProfileCandidate, ...]:
        rules = self._exact.get(("path", values["path"]), ())
        candidates = [rule.candidate for rule in rules if _is_rule_fulfilled(rule, sender, values, address)]
        named = [
            candidate
            for candidate in self._match_name(sender.path, sender.protocol)
            if candidate.profile not in _profiles_of_candidates(candidates)
        ]
        return _sort_candidates([*candidates, *named])

    def _find_network_rules(self, address: Address | None) -> list[_IndexedRule]:
        if address is None:
            return []
        return [
            rule
            for (version, length), networks in self._networks.items()
            if version == address.version
            for rule in networks.get(_network_prefix(address, length), ())
        ]


def _profiles_of_candidates(candidates: list[ProfileCandidate]) -> list[Profile]:
    return [candidate.profile for candidate in candidates]


def _make_indexed_rule(profile: Profile, rule: MatchRule) -> _IndexedRule:
    asked = rule_conditions(rule)
    return _IndexedRule(
        ProfileCandidate(profile, rule, len(asked)),
        tuple(condition for condition in asked if condition[0] in _EXACT),
        (rule.version or "").casefold(),
        ipaddress.ip_network(rule.network, strict=False) if rule.network else None,
        (rule.credential or "").casefold(),
    )


def _is_rule_fulfilled(
    rule: _IndexedRule, sender: MessageSender, values: dict[str, str], address: Address | None
) -> bool:
    if any(values.get(name) != value for name, value in rule.exact):
        return False
    if rule.version and not f"{sender.version.casefold()}.".startswith(f"{rule.version}."):
        return False
    if rule.network is not None and (address is None or address not in rule.network):
        return False
    if rule.credential and sender.credential and sender.credential.casefold() != rule.credential:
        return False
    return _has_dialect(rule.candidate.profile, sender.protocol)


def _has_dialect(profile: Profile, protocol: str) -> bool:
    return not protocol or protocol in profile.dialects


def _sort_candidates(candidates: list[ProfileCandidate]) -> tuple[ProfileCandidate, ...]:
    return tuple(sorted(candidates, key=lambda candidate: (-candidate.conditions, candidate.profile.name)))


def _network_prefix(address: Address, length: int) -> int:
    return int(address) >> (address.max_prefixlen - length)


@lru_cache(maxsize=4096)
def _parse_ip_address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


class ReceiverIndex:
    """Libraries by all their symbols. Where one side has no authority, the rest decides, as long as only one library
    has it."""

    def __init__(self, symbols: Mapping[str, Iterable[str]]) -> None:
        self._whole = {symbol.casefold(): library for library, names in symbols.items() for symbol in names}
        bare = Counter(map(_strip_authority, self._whole))
        self._bare = {
            _strip_authority(symbol): library
            for symbol, library in self._whole.items()
            if bare[_strip_authority(symbol)] == 1
        }

    def find_library(self, receiver: str) -> str:
        """Find the symbol of the library's rows; empty: no library or several have this symbol."""
        folded = receiver.casefold()
        if folded in self._whole or not folded:
            return self._whole.get(folded, "")
        return self._whole.get(_strip_authority(folded), "") if ":" in folded else self._bare.get(folded, "")


class PartnerIndex:
    """The partners by every symbol in `partner.symbols`.

    A symbol that comes without its authority is that of the partner who has it with one, as long as only one has;
    one that comes with an authority also fits a partner whose symbol is written without.
    """

    def __init__(self) -> None:
        self._whole: dict[str, list[Profile]] = defaultdict(list)
        self._bare: dict[str, list[Profile]] = defaultdict(list)

    def add_profile(self, profile: Profile) -> None:
        for symbol in profile.partner.symbols if profile.partner is not None else ():
            self._whole[symbol.casefold()].append(profile)
            if ":" in symbol:
                self._bare[_strip_authority(symbol)].append(profile)

    def find_by_symbol(self, symbols: Iterable[str]) -> list[Profile]:
        profiles = (profile for symbol in symbols for profile in self._find_by_one_symbol(symbol))
        return list({profile.name: profile for profile in profiles}.values())

    def _find_by_one_symbol(self, symbol: str) -> list[Profile]:
        if not symbol:
            return []
        if exact := self._whole.get(symbol.casefold()):
            return exact
        if ":" in symbol:
            return self._whole.get(_strip_authority(symbol), [])
        profiles = self._bare.get(symbol.casefold(), [])
        partners = {profile.partner.symbols for profile in profiles if profile.partner is not None}
        return profiles if len(partners) == 1 else []


def _strip_authority(symbol: str) -> str:
    """Split at the first colon (facts/iso-ill-10161.md 12)."""
    authority, colon, rest = symbol.partition(":")
    return (rest if colon else authority).casefold()
