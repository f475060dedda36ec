"""`illgate check` as a whole, and its report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import field
from pathlib import Path

from pydantic import BaseModel

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.clock import Clock
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, KeyPath, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.value import replace, value_object
from gateway.policies import PolicyLoadResult
from gateway.ports.adapter import SearchContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import ProbesItself, ProbeStep
from gateway.ports.outgoing_addresses import AllowedAddresses
from gateway.ports.responder import ExchangeContext
from gateway.profiles import LoadedProfile, ProfileLoadResult
from gateway.secrets import resolve_secret
from gateway.services.directory.pull import read_report
from gateway.services.operation.check import outside_systems
from gateway.services.operation.check.certificates import describe_ending_certificates
from gateway.services.operation.check.examples import ExampleExchange, ExampleRunner, MailExampleRunner, wants_answer
from gateway.services.operation.check.letter_templates import check_letter_templates, check_partner_templates
from gateway.services.operation.check.peer_keys import check_listed_keys, check_own_key, probe_published_keys
from gateway.services.operation.check.remarks import find_remarks, remark_unnamed_requesters
from gateway.services.operation.partner_probe import probe_address
from gateway.settings import LibrarySettings, Settings
from gateway.store.journal_records import BodyCipher
from gateway.store.postgresql import require_postgresql_extra


class UnknownProfileError(Exception):
    """A profile that is to be checked isn't there."""


@value_object
class CheckSubject:
    """The configuration that is checked. `libraries`: by symbol, those that could be opened; `closed`: why the others
    could not.

    `policies`: what came of reading requests.yml; None: it isn't looked at.

    `signing`: symbols of the libraries that have a key to sign messages with; None: that isn't looked at.

    `shipped`: folder of the profiles as they are shipped, which name patrons of the sample library; None: none is.

    `scratch` gives, for a profile and the symbol by which its library is called (empty: its own), what carries
    examples out; None: they are only decoded, and the report notes it.
    """

    settings: Settings
    loading: ProfileLoadResult
    adapters: AdapterRegistry
    clock: Clock
    libraries: Mapping[str, LibrarySystem] = field(default_factory=dict)
    closed: Mapping[str, str] = field(default_factory=dict)
    scratch: Callable[[Profile, str], AbstractAsyncContextManager[ExampleExchange]] | None = None
    live: bool = False
    policies: PolicyLoadResult | None = None
    signing: frozenset[str] | None = None
    shipped: Path | None = None


async def run_check(subject: CheckSubject, names: Iterable[str] = ()) -> CheckReport:
    """All profiles, or those named. Raises UnknownProfileError."""
    chosen_profiles = _ChosenProfiles(subject, tuple(names))
    secrets = _check_setting_secrets(subject.settings, subject.adapters)
    libraries = await _ask_libraries(subject, frozenset(problem.path for problem in secrets))
    profiles = [await _check_versions(subject, loaded, libraries.known) for loaded in chosen_profiles.loaded]
    versions = [version for loaded in chosen_profiles.loaded for version in loaded.versions]
    by_file = chosen_profiles.group_by_file()
    certificates = tuple(describe_ending_certificates(subject.settings, chosen_profiles.loaded, subject.clock.now()))
    findings = tuple(replace(check, problems=(*by_file.pop(check.file, ()), *check.problems)) for check in profiles)
    broken = tuple(ProfileFindings(file, file, tuple(problems)) for file, problems in by_file.items())
    alike = tuple(ProfileFindings(entry.profile.name, entry.document.file) for entry in chosen_profiles.alike)
    installation = (
        *(problem for library in subject.settings.libraries for problem in library.problems),
        *chosen_profiles.installation_problems(),
        *libraries.problems,
        *_check_sharing_branches(subject, versions, libraries.known),
        *secrets,
        *_check_extras(subject.settings, subject.adapters),
        *(subject.settings.make_problem((), reason) for reason in subject.adapters.broken),
        *check_letter_templates(subject.settings),
        *(await _probe_article_sources(subject) if subject.live else ()),
        *(problem for problem, has_ended in certificates if has_ended),
    )
    notes = (
        *libraries.notes,
        *_note_unanswered(subject, chosen_profiles.loaded),
        *_note_inert_files(subject.loading.profiles.inert),
        *_note_directory(subject.settings),
    )
    requests = _check_policies(subject, libraries.known) if chosen_profiles.everything else ()
    remarks = (
        *_remark_empty_libraries(subject, versions, libraries.known),
        *dict.fromkeys(find_remarks(versions, subject.settings, subject.adapters)),
        *(remark for remark, has_ended in certificates if not has_ended),
        *dict.fromkeys(remark for profile in profiles for remark in profile.remarks),
        *(_remark_brokering(subject, versions) if chosen_profiles.everything else ()),
    )
    return CheckReport(installation, (*findings, *alike, *broken), notes, requests, remarks, libraries.steps)


async def check_examples(subject: CheckSubject, loaded: LoadedProfile) -> tuple[ConfigurationProblem, ...]:
    """Run the examples of one profile, and return what doesn't come out as they expect."""
    return await _ProfileCheck(subject, loaded, {}).run_examples()


class _ChosenProfiles:
    """The profiles that are looked at, and which problems of loading concern them. `alike`: partners in a mesh of which
    others tell all that can be wrong."""

    def __init__(self, subject: CheckSubject, names: tuple[str, ...]) -> None:
        self.everything = not names
        self._problems = subject.loading.problems
        self._settings_file = subject.settings.make_problem((), "").file
        all_ = subject.loading.profiles.loaded
        broken = {problem.file for problem in self._problems}
        files = {name: _find_profile_file(name, all_, broken) for name in names}
        missing = [name for name, file in files.items() if file is None]
        if missing:
            raise UnknownProfileError(f"no such profile: {', '.join(missing)}; there are: {', '.join(all_)}")
        chosen = [loaded_profile for name, loaded_profile in all_.items() if not names or name in names]
        self.loaded, self.alike = _set_apart_alike(chosen)
        self._files = {str(file) for file in files.values()} | _parent_files(self.loaded) if names else None

    def group_by_file(self) -> dict[str, list[ConfigurationProblem]]:
        by_file: dict[str, list[ConfigurationProblem]] = {}
        for problem in self._problems:
            if problem.file != self._settings_file and (self._files is None or problem.file in self._files):
                by_file.setdefault(problem.file, []).append(problem)
        return by_file

    def installation_problems(self) -> list[ConfigurationProblem]:
        return [problem for problem in self._problems if problem.file == self._settings_file]


def _set_apart_alike(chosen: list[LoadedProfile]) -> tuple[list[LoadedProfile], list[LoadedProfile]]:
    """Take one partner in a mesh for each library: what may be wrong with one is wrong with all that it has there, and
    of three hundred libraries there are 89,700."""
    loaded, alike = [], []
    seen: set[str] = set()
    for entry in chosen:
        versions = [v for v in entry.versions if not entry.is_generated or v.profile.library not in seen]
        if entry.is_generated:
            seen |= entry.libraries
        if versions:
            loaded.append(replace(versions[0], others=tuple(versions[1:])))
        else:
            alike.append(entry)
    return loaded, alike


def _find_profile_file(name: str, loaded: Mapping[str, LoadedProfile], broken: set[str]) -> str | None:
    if name in loaded:
        return loaded[name].document.file
    return next((file for file in broken if file.replace("\\", "/").rpartition("/")[2] == f"{name}.yml"), None)


def _parent_files(loaded: list[LoadedProfile]) -> set[str]:
    return {place.file for loaded_profile in loaded for place in loaded_profile.document.places.values()}


@value_object
class _LibraryAnswers:
    known: Mapping[str, outside_systems.KnownCodes]
    problems: tuple[ConfigurationProblem, ...]
    notes: tuple[str, ...]
    steps: Mapping[str, tuple[ProbeStep, ...]]


async def _ask_libraries(subject: CheckSubject, secrets: Collection[KeyPath]) -> _LibraryAnswers:
    """`secrets`: paths of those that are not there, which is a problem already. A system whose secret is missing isn't
    asked; of one in which a step has failed it isn't said once more that it does not answer."""
    codes: dict[str, outside_systems.KnownCodes] = {}
    problems: list[ConfigurationProblem] = []
    notes: list[str] = []
    steps: dict[str, tuple[ProbeStep, ...]] = {}
    for index, library in enumerate(subject.settings.libraries):
        path: KeyPath = ("libraries", index, "system")
        lacks_secret = any(secret[:3] == path for secret in secrets)
        system = subject.libraries.get(library.symbol)
        if system is None:
            if library.symbol in subject.closed and not lacks_secret:
                notes.append(f"library {library.symbol} was not looked at: {subject.closed[library.symbol]}")
            continue
        if subject.live and isinstance(system, ProbesItself):
            steps[library.symbol] = await system.probe()
            found = _problems_of_steps(subject.settings, index, steps[library.symbol])
            problems += (problem for problem in found if problem.path not in secrets)
        if lacks_secret:
            continue
        try:
            async with asyncio.timeout(subject.settings.library_timeout_seconds):
                if subject.live and library.symbol not in steps:
                    await system.ping()
                codes[library.symbol] = await outside_systems.ask_library(system)
        except (Unavailable, TimeoutError) as error:
            if not any(step.problem for step in steps.get(library.symbol, ())):
                problems.append(subject.settings.make_problem(path, f"the library's system does not answer: {error}"))
    return _LibraryAnswers(codes, tuple(problems), tuple(notes), steps)


def _problems_of_steps(settings: Settings, index: int, steps: tuple[ProbeStep, ...]) -> Iterator[ConfigurationProblem]:
    for step in steps:
        if step.problem:
            path = ("libraries", index, *(_make_key_path("system", step.key) if step.key else ("system",)))
            yield settings.make_problem(path, f"{step.name}: {step.problem}")


def _check_sharing_branches(
    subject: CheckSubject, loaded: list[LoadedProfile], known: Mapping[str, outside_systems.KnownCodes]
) -> Iterator[ConfigurationProblem]:
    for index, library in enumerate(subject.settings.libraries):
        if library.symbol not in known or known[library.symbol].is_empty:
            continue
        needs = outside_systems.describe_missing_sharing_branch(
            known[library.symbol], _list_own_profiles(loaded, library.symbol)
        )
        if needs:
            message = f"none of the library's branches is marked by `resource_sharing: true` in its set-up: {needs}"
            yield subject.settings.make_problem(("libraries", index, "system"), message)


def _list_own_profiles(loaded: list[LoadedProfile], symbol: str) -> list[LoadedProfile]:
    """Those of this library that are no mere ground for others."""
    return [entry for entry in loaded if not entry.profile.abstract and entry.profile.library in ("", symbol)]


def _remark_empty_libraries(
    subject: CheckSubject, loaded: list[LoadedProfile], known: Mapping[str, outside_systems.KnownCodes]
) -> Iterator[ConfigurationProblem]:
    """One each, instead of a problem for each code that a profile names: nothing is wrong before it is set up."""
    settings, policies = subject.settings, subject.policies.policies if subject.policies is not None else ()
    for index, library in enumerate(settings.libraries):
        if library.symbol not in known or not known[library.symbol].is_empty:
            continue
        named = outside_systems.describe_named_codes(
            known[library.symbol],
            _list_own_profiles(loaded, library.symbol),
            (policy for policy in policies if policy.library == library.symbol),
        )
        if named:
            message = f"nothing is set up in this library yet; profiles and requests.yml name {named}"
            yield settings.make_problem(("libraries", index, "system"), message)


def _check_policies(
    subject: CheckSubject, known: Mapping[str, outside_systems.KnownCodes]
) -> tuple[ConfigurationProblem, ...]:
    """Check the policies: what was wrong in reading requests.yml, what the libraries don't know of it, and which
    profiles have no catalogue."""
    loading = subject.policies
    if loading is None:
        return ()
    problems = list(loading.problems)
    for policy in loading.policies:
        problems += outside_systems.check_policy_catalogues(policy, subject.loading.profiles, subject.adapters.searches)
        if policy.library in known and not known[policy.library].is_empty:
            problems += outside_systems.check_policy_codes(policy, known[policy.library].codes)
    return tuple(sorted(problems, key=lambda problem: (problem.file, problem.line)))


def _remark_brokering(subject: CheckSubject, loaded: Iterable[LoadedProfile]) -> Iterator[ConfigurationProblem]:
    loading = subject.policies
    return remark_unnamed_requesters(loading.policies, loaded, subject.adapters) if loading is not None else iter(())


def _check_setting_secrets(settings: Settings, adapters: AdapterRegistry) -> list[ConfigurationProblem]:
    paths: list[tuple[KeyPath, str]] = [(("store", "password"), settings.store.password)]
    paths += [(("mail", "password"), settings.mail.password)]
    paths += [(("mailboxes", i, "password"), mailbox.password) for i, mailbox in enumerate(settings.mailboxes)]
    paths += [(("directory", "sources", i, "token"), one.token) for i, one in enumerate(settings.directory.sources)]
    paths += [(("article_lookup", "keys", name), key) for name, key in settings.article_lookup.keys.items()]
    paths += [(("traces", "headers", name), key) for name, key in settings.traces.headers.items()]
    paths += [(("journal", "encryption_keys", i), key) for i, key in enumerate(settings.journal.encryption_keys)]
    for index, library in enumerate(settings.libraries):
        secrets = _list_system_secrets(adapters, library.system.type, library.system.options)
        paths += [(("libraries", index, *_make_key_path("system", key)), secret) for key, secret in secrets.items()]
    return [
        settings.make_problem(path, why) for path, reference in paths if (why := _secret_problem(reference, settings))
    ] + _check_journal_keys(settings)


def _check_extras(settings: Settings, adapters: AdapterRegistry) -> Iterator[ConfigurationProblem]:
    """Report what the settings need and isn't installed."""
    if settings.store.url.startswith("postgresql"):
        try:
            require_postgresql_extra()
        except Unavailable as missing:
            yield settings.make_problem(("store", "url"), str(missing))
    if lack := settings.traces.describe_missing_extra():
        yield settings.make_problem(("traces", "endpoint"), lack)
    if settings.mailboxes:
        for adapter in adapters.mailboxes.values():
            try:
                adapter.require()
            except Refused as refused:
                yield settings.make_problem(("mailboxes",), refused.detail)


def _check_journal_keys(settings: Settings) -> list[ConfigurationProblem]:
    """Check the keys; with one that is too short the gateway does not start."""
    problems = []
    for index, reference in enumerate(settings.journal.encryption_keys):
        if _secret_problem(reference, settings):
            continue
        try:
            BodyCipher([resolve_secret(reference, settings.folder)])
        except ValueError as error:
            problems.append(settings.make_problem(("journal", "encryption_keys", index), str(error)))
    return problems


def _list_system_secrets(adapters: AdapterRegistry, kind: str, options: BaseModel) -> dict[str, str]:
    """List secrets by key within the section of a library's system, those of systems nested in it too."""
    adapter = adapters.libraries[kind]
    system_secrets = dict(adapter.secrets(options)) if adapter.secrets is not None else {}
    for key, nested in zip(adapter.nested, adapter.list_nested(options), strict=True):
        if nested.options is not None:
            inner = _list_system_secrets(adapters, nested.type, nested.options)
            system_secrets |= {f"{key}.{name}": reference for name, reference in inner.items()}
    return system_secrets


async def _probe_article_sources(subject: CheckSubject) -> list[ConfigurationProblem]:
    folder = subject.settings.folder
    return await outside_systems.probe_article_sources(
        subject.settings, subject.adapters, lambda reference: resolve_secret(reference, folder), subject.clock
    )


def _make_key_path(section: str, key: str) -> KeyPath:
    return (section, *(int(part) if part.isdecimal() else part for part in key.split(".")))


def _secret_problem(reference: str, settings: Settings) -> str:
    if not reference:
        return ""
    try:
        resolve_secret(reference, settings.folder)
    except ConfigurationError as error:
        return error.problems[0].message
    return ""


def _note_unanswered(subject: CheckSubject, loaded: list[LoadedProfile]) -> list[str]:
    count = sum(len(loaded_profile.profile.examples) for loaded_profile in loaded)
    if subject.scratch is not None or not count:
        return []
    if count == 1:
        return ["1 example was decoded only; its answer was not looked at"]
    return [f"{count} examples were decoded only; their answers were not looked at"]


def _note_inert_files(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    are = "1 file in the profiles' folder is" if len(names) == 1 else f"{len(names)} files in the profiles' folder are"
    return [f"{are} as shipped and for none of the libraries in particular: there to be extended, not in use"]


def _note_directory(settings: Settings) -> Iterator[str]:
    """Note what the last pulls of the directory's sources didn't bring, and what waits for the office."""
    for source in settings.directory.sources:
        report = read_report(settings, source)
        if report.failure:
            yield f"directory {source.name}: the last pull failed, entries are as before: {report.failure}"
        elif report.pulled is None:
            yield f"directory {source.name}: not pulled yet; `illgate directory pull {source.name}` does it now"
        yield from (f"directory {source.name}: {problem}; as it was before" for problem in report.problems)
        for name, url in report.held.items():
            accept = f"`illgate directory pull {source.name} --accept {name}`"
            yield f"directory {source.name}: {name} has another endpoint, {url}, not in use before {accept}"


async def _check_versions(
    subject: CheckSubject, loaded: LoadedProfile, known: Mapping[str, outside_systems.KnownCodes]
) -> ProfileFindings:
    """Check a partner for each of its libraries. What is not wrong for all of them says for which."""
    checks = [await _ProfileCheck(subject, version, known).run() for version in loaded.versions]
    first = checks[0]
    is_one_of_several = loaded.is_generated and len(subject.loading.profiles.loaded[first.name].versions) > 1
    if len(checks) == 1 and not is_one_of_several:
        return first
    for_all = frozenset(first.problems).intersection(*(check.problems for check in checks[1:]))
    for_all = for_all if len(checks) > 1 else frozenset()
    problems = [problem for problem in first.problems if problem in for_all]
    for version, check in zip(loaded.versions, checks, strict=True):
        of_one = (problem for problem in check.problems if problem not in for_all)
        problems += [
            replace(problem, message=f"for {version.profile.library}: {problem.message}") for problem in of_one
        ]
    remarks = dict.fromkeys(remark for check in checks for remark in check.remarks)
    return replace(first, problems=tuple(problems), remarks=tuple(remarks))


class _ProfileCheck:
    def __init__(
        self, subject: CheckSubject, loaded: LoadedProfile, known: Mapping[str, outside_systems.KnownCodes]
    ) -> None:
        self._subject = subject
        self._loaded = loaded
        self._known = known
        self._problems: list[ConfigurationProblem] = []
        self._remarks: list[ConfigurationProblem] = []

    async def run(self) -> ProfileFindings:
        loaded, profile = self._loaded, self._loaded.profile
        library = self._find_library_settings()
        examples = answers = 0
        self._check_secrets()
        self._problems += check_partner_templates(loaded, self._subject.adapters, self._subject.settings)
        if library is not None and not profile.abstract:
            await self._check_library_codes(library)
        if library is not None:
            self._problems += check_own_key(loaded, library.symbol, self._subject.signing)
            examples, answers = await self._check_examples(library)
            self._problems += outside_systems.check_loan_to(
                loaded, self._known.get(library.symbol), self._subject.adapters
            )
        self._problems += check_listed_keys(loaded)
        if self._subject.live:
            await self._check_addresses()
            self._problems += await probe_published_keys(loaded, self._subject.clock)
            addresses = AllowedAddresses(self._subject.settings.api.webhook_networks)
            context = SearchContext(self._resolve_secret, addresses)
            self._problems += await outside_systems.probe_catalogues(loaded, self._subject.adapters.searches, context)
        return ProfileFindings(
            profile.name, loaded.document.file, tuple(self._problems), examples, answers, tuple(self._remarks)
        )

    async def run_examples(self) -> tuple[ConfigurationProblem, ...]:
        library = self._find_library_settings()
        if library is not None:
            await self._check_examples(library)
        return tuple(self._problems)

    def _find_library_settings(self) -> LibrarySettings | None:
        """None when it names none that there is: a problem that loading has found already."""
        try:
            return self._subject.settings.find_library(self._loaded.profile.library)
        except KeyError:
            return None

    def _check_secrets(self) -> None:
        for index, entry in enumerate(self._loaded.profile.auth):
            if why := _secret_problem(entry.secret, self._subject.settings):
                self._problems.append(self._loaded.make_problem(("auth", index, "secret"), why))
        if self._loaded.profile.abstract:  # to be extended with passwords of one's own
            return
        for channel in self._subject.adapters.channels.values():
            dialect = self._loaded.profile.dialects.get(channel.section)
            secrets = channel.secrets(dialect) if channel.secrets is not None and dialect is not None else {}
            for key, reference in secrets.items():
                if why := _secret_problem(reference, self._subject.settings):
                    self._problems.append(self._loaded.make_problem(_make_key_path(channel.section, key), why))

    def _resolve_secret(self, reference: str) -> str:
        """Resolve a secret; raises ConfigurationError."""
        return resolve_secret(reference, self._subject.settings.folder)

    async def _check_library_codes(self, library: LibrarySettings) -> None:
        codes = self._known.get(library.symbol)
        if codes is None or codes.is_empty:
            return
        try:
            async with asyncio.timeout(self._subject.settings.library_timeout_seconds):
                self._problems += outside_systems.check_codes(self._loaded, codes)
                problems = self._remarks if self._is_as_shipped() else self._problems
                async for problem in outside_systems.check_patrons(self._loaded, codes, live=self._subject.live):
                    problems.append(problem)
        except (Unavailable, TimeoutError) as error:
            self._problems.append(
                self._loaded.make_problem(("library",), f"the library's system does not answer: {error}")
            )

    def _is_as_shipped(self) -> bool:
        """Return whether nobody has set it up for a partner: its patrons are those of the sample library."""
        if self._subject.shipped is None:
            return False
        shipped = self._subject.shipped / f"{self._loaded.profile.name}.yml"
        return shipped.is_file() and shipped.read_bytes() == Path(self._loaded.document.file).read_bytes()

    async def _check_examples(self, library: LibrarySettings) -> tuple[int, int]:
        """Run the examples, and return how many were run, and how many of them up to the answer."""
        profile, scratch = self._loaded.profile, self._subject.scratch
        adapters = self._subject.adapters
        spoken = {*adapters.protocols, *adapters.mail_formats}
        if not profile.examples or not spoken.intersection(profile.dialects):
            return 0, 0
        exchanges: dict[str, ExampleExchange] = {}
        async with AsyncExitStack() as stack:
            for example in profile.examples:
                symbol = example.addressed_to
                if scratch is not None and wants_answer(example) and symbol not in exchanges:
                    exchanges[symbol] = await stack.enter_async_context(scratch(profile, symbol))
            return await self._run_examples(library, exchanges)

    async def _run_examples(
        self, library: LibrarySettings, exchanges: Mapping[str, ExampleExchange]
    ) -> tuple[int, int]:
        """`exchanges`: by the symbol by which examples call the library."""
        profile = self._loaded.profile
        exchange_context = ExchangeContext(
            profile, library.symbol, library.zone, library.currency, self._subject.clock.now()
        )
        protocols = self._subject.adapters.protocols
        spoken = [protocols[name] for name in profile.dialects if name in protocols]
        runners = [ExampleRunner(self._loaded, entry.responder(), exchange_context, entry.example) for entry in spoken]
        formats, mailboxes = self._subject.adapters.mail_formats, self._subject.adapters.mailboxes
        mails = [
            MailExampleRunner(self._loaded, mailbox.parse, formats[name].make(), exchange_context.now)
            for mailbox in list(mailboxes.values())[:1]
            for name in profile.dialects
            if name in formats
        ]
        answers = 0
        for index, example in enumerate(profile.examples):
            exchange = exchanges.get(example.addressed_to)
            tries = [await runner.run(index, example, exchange) for runner in runners]
            tries += [mail.run(index, example) for mail in mails]
            best = min(tries, key=lambda ran: len(ran.problems))  # an example doesn't say in which protocol it is
            self._problems += best.problems
            answers += best.answered
        return len(profile.examples), answers

    async def _check_addresses(self) -> None:
        paths: list[tuple[KeyPath, str]] = []
        for name, dialect in self._loaded.profile.dialects.items():
            protocol = self._subject.adapters.protocols.get(name)
            addresses = protocol.addresses if protocol is not None else None
            if addresses is not None:
                paths += [((name, *key.split(".")), address) for key, address in addresses(dialect).items()]
        for (path, address), why in zip(
            paths, await asyncio.gather(*(probe_address(address) for _, address in paths)), strict=True
        ):
            if why:
                self._problems.append(self._loaded.make_problem(path, why, address))


@value_object
class ProfileFindings:
    """The findings on one profile. `examples` were run, `answers` of them up to the answer; `remarks` as of the
    report."""

    name: str
    file: str
    problems: tuple[ConfigurationProblem, ...] = ()
    examples: int = 0
    answers: int = 0
    remarks: tuple[ConfigurationProblem, ...] = ()


@value_object
class CheckReport:
    """`installation`: problems of gateway.yml, its libraries and secrets; `requests`: of requests.yml; `notes`: what
    was not looked at, and why; `remarks`: what isn't wrong, but may be meant otherwise; `steps`: how each library's
    system was tried, by symbol."""

    installation: tuple[ConfigurationProblem, ...]
    profiles: tuple[ProfileFindings, ...]
    notes: tuple[str, ...] = ()
    requests: tuple[ConfigurationProblem, ...] = ()
    remarks: tuple[ConfigurationProblem, ...] = ()
    steps: Mapping[str, tuple[ProbeStep, ...]] = field(default_factory=dict)

    @property
    def problems(self) -> tuple[ConfigurationProblem, ...]:
        """Each once, though several profiles may share it."""
        of_profiles = (problem for profile in self.profiles for problem in profile.problems)
        all_ = [*self.installation, *self.requests, *of_profiles]
        return tuple(dict.fromkeys(all_))
