"""Checks within a profile, between profiles and with the settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import TYPE_CHECKING, Protocol

from gateway.configuration.yaml_document import YamlDocument, nearest_match
from gateway.domain.circulation_policy import ManagedRole
from gateway.domain.problems import ConfigurationProblem, KeyPath
from gateway.domain.profile import Authentication, AuthKind, Profile
from gateway.domain.requests.catalogue_policy import LocatePolicy
from gateway.domain.requests.partner_policy import PartnerPolicy, PartnerRole
from gateway.ports.adapter import ChannelAdapter
from gateway.profiles.matching import rule_conditions
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.profiles.profile_set import LoadedProfile


_NEEDS: Mapping[AuthKind, tuple[str, ...]] = {
    AuthKind.NONE: (),
    AuthKind.NETWORK: ("networks",),
    AuthKind.BASIC: ("user", "secret"),
    AuthKind.BEARER: ("secret",),
    AuthKind.PATH_KEY: ("secret",),
    AuthKind.QUERY_KEY: ("secret", "parameter"),
    AuthKind.HEADER: ("header", "secret"),
    AuthKind.AGENCY_SECRET: ("secret",),
    AuthKind.SYSTEM_SECRET: ("secret",),
    AuthKind.CERTIFICATE: (),
    AuthKind.SIGNED_TOKEN: (),
}

_CERTIFICATE_KEYS = ("user", "san", "fingerprint")
"""Of these an entry for client certificates needs one, and what it says must all fit."""


class _ProfileCheckFunction(Protocol):
    def __call__(
        self, profile: Profile, document: YamlDocument, settings: Settings
    ) -> Iterable[ConfigurationProblem]: ...


def check_profile(profile: Profile, document: YamlDocument, settings: Settings) -> list[ConfigurationProblem]:
    """Check one profile."""
    return [problem for check in _CHECKS for problem in check(profile, document, settings)]


def check_profiles_together(loaded: Mapping[str, LoadedProfile], settings: Settings) -> Iterator[ConfigurationProblem]:
    """A rule that stands twice: it would be chance which profile a message gets. Partners in libraries' folders meet
    those of the same library alone, and go before shared ones."""
    seen: dict[tuple[str, str, object], tuple[str, str]] = {}
    for entry in loaded.values():
        for index, rule in enumerate(entry.profile.match):
            path: KeyPath = ("match", index)
            place = entry.find_position(path)
            for protocol in entry.profile.dialects:
                owner = entry.profile.library if entry.own_of else ""
                first = seen.setdefault(
                    (owner, protocol, rule_conditions(rule)), (entry.profile.name, f"{place.file}:{place.line}")
                )
                if first[1] != f"{place.file}:{place.line}":
                    asked = ", ".join(f"{name}: {value}" for name, value in rule_conditions(rule)) or "anything"
                    yield entry.make_problem(path, f"the same rule ({asked}) as profile '{first[0]}' at {first[1]}")


def check_path_rules(loaded: Mapping[str, LoadedProfile], settings: Settings) -> Iterator[ConfigurationProblem]:
    """A rule on a path that a profile of another library owns: it would take that library's messages. A path is owned
    by the profile that has its name, and by one with a rule of this path alone; several libraries may share one that is
    nobody's. A partner in a library's folder owns none, since it gets nothing that doesn't name its library."""
    if len(settings.libraries) == 1:
        return
    profiles = [loaded_profile for loaded_profile in loaded.values() if not loaded_profile.profile.abstract]
    owners: dict[str, LoadedProfile] = {}
    shared = [entry for entry in profiles if not entry.own_of]
    for entry in shared:
        for rule in entry.profile.match:
            if rule.path is not None and len(rule_conditions(rule)) == 1:
                owners.setdefault(rule.path.casefold(), entry)
    owners |= {loaded_profile.profile.name.casefold(): loaded_profile for loaded_profile in shared}
    for entry in profiles:
        for index, rule in enumerate(entry.profile.match):
            owner = owners.get(rule.path.casefold()) if rule.path is not None else None
            if owner is not None and owner.libraries != entry.libraries:
                of_whom = " and ".join(sorted(owner.libraries))
                message = f"this path is that of profile '{owner.profile.name}' of library {of_whom}"
                yield entry.make_problem(("match", index, "path"), message, rule.path or "")


def check_partner_names(
    loaded: Mapping[str, LoadedProfile], partners: Set[str], settings: Settings
) -> Iterator[ConfigurationProblem]:
    """A partner or its path that is called as a library is: the first part of an address would mean both. A profile of
    such a name, which was there before addresses named libraries, goes before the library. `partners`: names of the
    files of partners."""
    for entry in (loaded[name] for name in sorted(partners & loaded.keys())):
        names: list[tuple[KeyPath, str]] = [((), entry.profile.name)]
        names += [(("match", index, "path"), rule.path or "") for index, rule in enumerate(entry.profile.match)]
        for path, text in names:
            for library in settings.libraries:
                if library.is_called(text):
                    message = f"library {library.symbol} is called so, and addresses name libraries"
                    yield entry.make_problem(path, message, text)


def check_listeners(loaded: Mapping[str, LoadedProfile], settings: Settings) -> Iterator[ConfigurationProblem]:
    """Settings name profiles too: each TCP listener has one, but those for all partners."""
    for index, listener in enumerate(settings.tcp):
        path: KeyPath = ("tcp", index, "profile")
        if not listener.profile:
            continue
        loaded_profile = loaded.get(listener.profile)
        if loaded_profile is None:
            yield settings.make_problem(path, "no such profile", listener.profile, tuple(loaded))
        elif loaded_profile.profile.abstract:
            yield settings.make_problem(path, "this profile is abstract", listener.profile)
        elif listener.protocol not in loaded_profile.profile.dialects:
            yield settings.make_problem(path, f"this profile has no section `{listener.protocol}`", listener.profile)


def _check_profile_library(
    profile: Profile, document: YamlDocument, settings: Settings
) -> Iterator[ConfigurationProblem]:
    symbols = tuple(library.symbol for library in settings.libraries)
    if profile.library:
        if profile.library not in symbols:
            near = nearest_match(profile.library, symbols)
            yield document.make_problem(
                ("library",), "no such library in gateway.yml", f"'{profile.library}'", symbols, near
            )
    elif len(symbols) > 1 and not profile.abstract:
        yield document.make_problem(("library",), "must say which library, since there are several", "", symbols)


def _check_profile_role(profile: Profile, document: YamlDocument, settings: Settings) -> Iterator[ConfigurationProblem]:
    if profile.abstract and profile.match:
        yield document.make_problem(("match",), "an abstract profile is never chosen, so it can't have rules")
    if not profile.abstract and not profile.dialects and profile.partner is None:
        yield document.make_problem((), "has no section of any protocol, such as `ncip: {}`, and no section `partner`")


def _check_authentication(
    profile: Profile, document: YamlDocument, settings: Settings
) -> Iterator[ConfigurationProblem]:
    for index, entry in enumerate(profile.auth):
        path: KeyPath = ("auth", index)
        missing = [name for name in _NEEDS[entry.kind] if not getattr(entry, name)]
        if missing:
            yield document.make_problem(path, f"kind {entry.kind.value} needs {' and '.join(missing)}")
        if entry.kind is AuthKind.CERTIFICATE and not any(getattr(entry, name) for name in _CERTIFICATE_KEYS):
            yield document.make_problem(path, "kind certificate needs user, san or fingerprint")
        yield from _check_unused_keys(entry, path, document)
    yield from _check_signed_tokens(profile, document)


def _check_signed_tokens(profile: Profile, document: YamlDocument) -> Iterator[ConfigurationProblem]:
    theirs = profile.peer_authentication.theirs
    indexes = [index for index, entry in enumerate(profile.auth) if entry.kind is AuthKind.SIGNED_TOKEN]
    if theirs is None:
        for index in indexes:
            yield document.make_problem(("auth", index), "kind signed-token needs peer_authentication.theirs")
    elif not indexes and not profile.abstract:
        message = "no token is asked for: no entry of auth has kind signed-token"
        yield document.make_problem(("peer_authentication", "theirs"), message)


def _check_unused_keys(entry: Authentication, path: KeyPath, document: YamlDocument) -> Iterator[ConfigurationProblem]:
    used = _CERTIFICATE_KEYS if entry.kind is AuthKind.CERTIFICATE else _NEEDS[entry.kind]
    for name in ("user", "secret", "parameter", "header", "san", "fingerprint"):
        default = Authentication.model_fields[name].default
        if getattr(entry, name) != default and name not in used:
            yield document.make_problem((*path, name), f"is not used for kind {entry.kind.value}")


def _check_rule_credentials(
    profile: Profile, document: YamlDocument, settings: Settings
) -> Iterator[ConfigurationProblem]:
    names = tuple(entry.name for entry in profile.auth if entry.name)
    for index, rule in enumerate(profile.match):
        if rule.credential is not None and rule.credential.casefold() not in {name.casefold() for name in names}:
            path: KeyPath = ("match", index, "credential")
            near = nearest_match(rule.credential, names)
            yield document.make_problem(path, "no such name in auth", f"'{rule.credential}'", names, near)


def _check_example_names(
    profile: Profile, document: YamlDocument, settings: Settings
) -> Iterator[ConfigurationProblem]:
    seen: set[str] = set()
    for index, example in enumerate(profile.examples):
        if example.name in seen:
            yield document.make_problem(("examples", index, "name"), "stands twice", f"'{example.name}'")
        seen.add(example.name)


_CHECKS: tuple[_ProfileCheckFunction, ...] = (
    _check_profile_library,
    _check_profile_role,
    _check_authentication,
    _check_rule_credentials,
    _check_example_names,
)


def check_partners(
    loaded: Mapping[str, LoadedProfile], channels: Mapping[str, ChannelAdapter]
) -> Iterator[ConfigurationProblem]:
    """`channels`: those that are installed, by name; empty: none is looked at."""
    for loaded_profile in loaded.values():
        yield from check_partner(loaded_profile, channels)
    versions = (version for entry in loaded.values() if not entry.profile.abstract for version in entry.versions)
    partners = ((version, version.profile.partner) for version in versions)
    yield from _check_partner_symbols((entry, partner) for entry, partner in partners if partner is not None)


def check_partner(entry: LoadedProfile, channels: Mapping[str, ChannelAdapter]) -> Iterator[ConfigurationProblem]:
    """Check the partner of one profile; `channels` as for all of them."""
    if entry.profile.abstract:
        return
    if entry.profile.partner is not None:
        yield from _check_partner_channel(entry, entry.profile.partner, channels)
    yield from _check_own_tokens(entry, channels)
    yield from _check_managed_role(entry)


def _check_own_tokens(entry: LoadedProfile, channels: Mapping[str, ChannelAdapter]) -> Iterator[ConfigurationProblem]:
    """Check our tokens; whether any channel is installed is asked last, as for partners."""
    if entry.profile.peer_authentication.ours is None:
        return
    partner = entry.profile.partner
    used = channels.get(partner.channel) if partner is not None else None
    if (used is not None and used.signs_messages) or not channels:
        return
    able = tuple(name for name, channel in channels.items() if channel.signs_messages)
    message = "no token goes along: it needs a `partner.channel` that signs its messages"
    yield entry.make_problem(
        ("peer_authentication", "ours"), message, partner.channel if partner is not None else "", able
    )


def _check_partner_channel(
    entry: LoadedProfile, partner: PartnerPolicy, channels: Mapping[str, ChannelAdapter]
) -> Iterator[ConfigurationProblem]:
    """Check the partner's channel; whether any is installed is asked last: adapters may be loaded as they are asked
    for."""
    if not partner.symbols:
        yield entry.make_problem(
            ("partner", "symbols"), "a partner needs a symbol, so that its messages are known as its own"
        )
    if partner.channel and partner.channel not in channels and channels:
        yield entry.make_problem(("partner", "channel"), "no such channel", partner.channel, tuple(channels))
    if partner.channel in channels:
        yield from _check_channel_section(entry, channels[partner.channel])
    if partner.mail.gather is not None and not _can_batch_orders(partner, channels) and channels:
        able = tuple(name for name, channel in channels.items() if channel.gathers)
        yield entry.make_problem(
            ("partner", "mail", "gather"), "its channel sends one order at a time", partner.channel, able
        )
    if partner.brokered == "transparent" and not can_name_other_side(partner, channels) and channels:
        yield entry.make_problem(
            ("partner", "brokered"),
            "messages of its channel can't name the library on the other side",
            partner.channel,
            tuple(name for name, channel in channels.items() if channel.names_other_side),
        )
    for key in ("push_new", "push_states"):
        if getattr(partner, key) and not partner.channel:
            yield entry.make_problem(("partner", key), "needs a `channel` by which it is told")
    if is_written_by_mail(entry, partner, channels) and not partner.email:
        yield entry.make_problem(("partner", "email"), f"the channel {partner.channel} needs an e-mail address")


def check_connections(entry: LoadedProfile, channels: Mapping[str, ChannelAdapter]) -> Iterator[ConfigurationProblem]:
    """Check what a library has in its folder of a partner that is spoken to on connections: one connection serves all
    libraries."""
    sections = {channel.section for channel in channels.values() if channel.by_connection is not None}
    partner = entry.profile.partner
    if partner is None or not is_spoken_to_by_connection(entry.profile, partner, channels):
        return
    message = "its connections serve all libraries: put this into partners/, with `for`"
    if entry.own_of:
        yield entry.make_problem(("partner", "channel"), message)
    for path, place in entry.document.places.items():
        if place.file == entry.changed_by and (path[0] in sections or path == ("partner", "channel")):
            yield entry.make_problem(path, message)
            return


def is_written_by_mail(entry: LoadedProfile, partner: PartnerPolicy, channels: Mapping[str, ChannelAdapter]) -> bool:
    """Return whether its channel, as its profile has it, writes to its e-mail address."""
    channel = channels.get(partner.channel)
    if channel is None or channel.by_mail is None:
        return False
    return channel.by_mail(entry.profile.dialects.get(channel.section) or channel.dialect())


def is_spoken_to_by_connection(
    profile: Profile, partner: PartnerPolicy, channels: Mapping[str, ChannelAdapter]
) -> bool:
    """Return whether its channel, as its profile has it, needs the connections that the daemon keeps."""
    channel = channels.get(partner.channel)
    if channel is None or channel.by_connection is None:
        return False
    return channel.by_connection(profile.dialects.get(channel.section) or channel.dialect())


def can_name_other_side(partner: PartnerPolicy, channels: Mapping[str, ChannelAdapter]) -> bool:
    """Return whether messages of its channel can name the library on the other side of what we broker."""
    return partner.channel in channels and channels[partner.channel].names_other_side


def _can_batch_orders(partner: PartnerPolicy, channels: Mapping[str, ChannelAdapter]) -> bool:
    return partner.channel in channels and channels[partner.channel].gathers


def _check_channel_section(loaded_profile: LoadedProfile, channel: ChannelAdapter) -> Iterator[ConfigurationProblem]:
    """A channel whose section must say something, such as an address, can't do without it."""
    required = [name for name, field in channel.dialect.model_fields.items() if field.is_required()]
    if required and channel.section not in loaded_profile.profile.dialects:
        message = f"needs the section `{channel.section}` with {' and '.join(required)}"
        yield loaded_profile.make_problem(("partner", "channel"), message, channel.name)


def _check_managed_role(loaded_profile: LoadedProfile) -> Iterator[ConfigurationProblem]:
    """Requests of a broker are lent to a partner."""
    if loaded_profile.profile.circulation.requests.managed is not ManagedRole.LENDING:
        return
    path: KeyPath = ("circulation", "requests", "managed")
    partner = loaded_profile.profile.partner
    if partner is None:
        yield loaded_profile.make_problem(path, "needs the section `partner`: to whom is lent", "lending")
    elif PartnerRole.REQUESTER not in partner.roles:
        yield loaded_profile.make_problem(path, "needs the role requester in `partner.roles`", "lending")


def _check_partner_symbols(partners: Iterable[tuple[LoadedProfile, PartnerPolicy]]) -> Iterator[ConfigurationProblem]:
    """A symbol that two partners of one library have: it would be chance whose message it is."""
    seen: dict[tuple[str, str], str] = {}
    for loaded_profile, partner in partners:
        for index, symbol in enumerate(partner.symbols):
            path: KeyPath = ("partner", "symbols", index)
            first = seen.setdefault((loaded_profile.profile.library, symbol.casefold()), loaded_profile.profile.name)
            if first != loaded_profile.profile.name:
                yield loaded_profile.make_problem(path, f"profile '{first}' has this symbol too", symbol)


def locate_sections(profile: Profile, searches: Iterable[str]) -> tuple[str, ...]:
    """The profile's sections of protocols in which catalogues are searched, `locate.by` alone where it says one."""
    protocol = profile.locate.by if profile.locate is not None and not profile.locate.target else ""
    return tuple(name for name in searches if name in profile.dialects and protocol in ("", name))


def check_locate_policies(
    loaded: Mapping[str, LoadedProfile], searches: Iterable[str]
) -> Iterator[ConfigurationProblem]:
    """`searches`: the protocols that are installed; empty: only targets are looked at."""
    known = tuple(searches)
    for loaded_profile in loaded.values():
        locate = loaded_profile.profile.locate
        if locate is not None and not loaded_profile.profile.abstract:
            yield from _check_locate_target(loaded_profile, locate, loaded) if locate.target else ()
            yield from _check_locate_section(loaded_profile, locate, loaded, known) if known else ()


def _find_target(
    entry: LoadedProfile, locate: LocatePolicy, loaded: Mapping[str, LoadedProfile]
) -> LoadedProfile | None:
    """Find the profile of a catalogue: the library's own before a shared one."""
    own = (each for each in loaded.values() if each.own_of and each.libraries == entry.libraries)
    named = {each.profile.name: each for each in own}
    return named.get(locate.target) or loaded.get(locate.target)


def _check_locate_target(
    loaded_profile: LoadedProfile, locate: LocatePolicy, loaded: Mapping[str, LoadedProfile]
) -> Iterator[ConfigurationProblem]:
    path = ("locate", "target")
    target = _find_target(loaded_profile, locate, loaded)
    if target is None:
        yield loaded_profile.make_problem(path, "no such profile", locate.target, tuple(loaded))
    elif target.profile.abstract:
        yield loaded_profile.make_problem(path, "this profile is abstract", locate.target)
    elif target.libraries and not loaded_profile.libraries <= target.libraries:
        yield loaded_profile.make_problem(path, "this profile belongs to another library", locate.target)


def _check_locate_section(
    entry: LoadedProfile, locate: LocatePolicy, loaded: Mapping[str, LoadedProfile], known: tuple[str, ...]
) -> Iterator[ConfigurationProblem]:
    """The section that says where the catalogue is."""
    target = _find_target(entry, locate, loaded) if locate.target else entry
    if target is None or target.profile.abstract:
        return  # said already
    if locate.by and locate.by not in known:
        yield entry.make_problem(("locate", "by"), "no such protocol of catalogues", locate.by, known)
        return
    there = tuple(name for name in known if name in target.profile.dialects)
    whose = f"profile '{target.profile.name}'" if locate.target else "this profile"
    if locate.by and locate.by not in there:
        yield entry.make_problem(("locate", "by"), f"{whose} has no section `{locate.by}`", locate.by, there)
    elif not there:
        yield entry.make_problem(
            ("locate",), f"{whose} has no section that says where its catalogue is: {', '.join(known)}"
        )
    elif not locate.by and len(there) > 1:
        yield entry.make_problem(("locate",), f"{whose} has several catalogues: `by` must say which", "", there)
