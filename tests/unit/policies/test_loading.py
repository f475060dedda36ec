"""requests.yml of each library: the defaults without a file, and every mistake with file, line and key."""

import pytest

from gateway.domain.problems import ConfigurationError
from gateway.domain.requests.policy import RequestPolicy
from gateway.policies import load_policies
from tests.unit.policies.support import Place


def test_without_a_file_the_defaults_count(place: Place) -> None:
    assert load_policies(place.settings, place.profiles).for_library("DEMO") == RequestPolicy()


def test_an_empty_file_says_nothing(place: Place) -> None:
    place.requests("# nothing yet\n")

    assert load_policies(place.settings, place.profiles).for_library("DEMO") == RequestPolicy()


def test_a_file_that_is_named_must_be_there(place: Place) -> None:
    place.settings_are("libraries:\n  - symbol: DEMO\n    requests: rules.yml\n")

    assert place.problems() == ["gateway.yml:3: libraries.0.requests: no such file, found 'rules.yml'"]


def test_each_library_has_its_own(place: Place) -> None:
    place.settings_are("libraries: [{symbol: ONE}, {symbol: TWO, requests: two.yml}]\n")
    for name in ("warsaw", "kyoto", "asks-only", "mute"):
        (place.profiles_folder / f"{name}.yml").unlink()
    place.requests("retention: {anonymise_days: 1}\n")
    place.requests("retention: {anonymise_days: 2}\n", "two.yml")

    policies = load_policies(place.settings, place.profiles)

    assert [policies.for_library(symbol).retention.anonymise_days for symbol in ("ONE", "TWO")] == [1, 2]


def test_what_is_whole_is_there_though_another_librarys_is_not(place: Place) -> None:
    place.settings_are("libraries: [{symbol: ONE}, {symbol: TWO, requests: two.yml}]\n")
    for name in ("warsaw", "kyoto", "asks-only", "mute"):
        (place.profiles_folder / f"{name}.yml").unlink()
    place.requests("retention: {anonymise_days: 1}\n")
    place.requests("retention: [\n", "two.yml")

    loading = place.read()

    assert [one.library for one in loading.policies] == ["ONE"]
    with pytest.raises(ConfigurationError, match=r"two\.yml"):
        load_policies(place.settings, place.profiles)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "retentoin: {}\n",
            "requests.yml:1: retentoin: unknown key, allowed: brokering, calendar, ",
        ),
        (
            "intake:\n  duplicates:\n    action: refues\n",
            "requests.yml:3: intake.duplicates.action: found 'refues', allowed: refuse, warn, allow "
            "(did you mean 'refuse'?)",
        ),
        ("intake:\n  open_requests:\n    default: -1\n", "requests.yml:3: intake.open_requests.default:"),
        (
            "calendar:\n  closed_weekdays: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]\n",
            "requests.yml:2: calendar.closed_weekdays: one day of the week must be open",
        ),
        ('calendar:\n  yearly: ["25-12"]\n', "requests.yml:2: calendar.yearly.0: no such day in any year"),
        (
            "calendar:\n  closed:\n    - first: 2027-01-03\n      last: 2026-12-24\n",
            "requests.yml:3: calendar.closed.0: last is before first",
        ),
        ('numbers:\n  borrowing: "B{year}"\n', "requests.yml:2: numbers.borrowing: must contain {sequence} once"),
        (
            "intake:\n  mediation:\n    - cost_up_to: {amount: 10, currency: euro}\n      then: review\n",
            "requests.yml:3: intake.mediation.0.cost_up_to.currency:",
        ),
        ("rotas:\n  quick:\n    lines: []\n", "requests.yml:3: rotas.quick.lines: expected more in this list"),
        (
            "rotas:\n  quick:\n    lines:\n      - partner: kyoto\n      - partner: kyoto\n",
            "requests.yml:3: rotas.quick.lines: a partner stands in one line of a rota: kyoto",
        ),
        ("rules:\n  - services: [copy]\n", "requests.yml:2: rules.0.rota: is missing"),
    ],
)
def test_a_mistake_within_one_key(place: Place, text: str, problem: str) -> None:
    place.requests(text)

    (found,) = place.problems()

    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "rotas:\n  quick:\n    lines: [{partner: kyoto}]\nrules:\n  - services: [copy]\n    rota: quik\n",
            "requests.yml:6: rules.0.rota: no such rota, found 'quik', allowed: quick (did you mean 'quick'?)",
        ),
        ("default_rota: quick\n", "requests.yml:1: default_rota: no such rota, found 'quick'"),
        (
            "intake:\n  mediation:\n    - campuses: [nord]\n      then: review\ncampuses: {north: [SCI]}\n",
            "requests.yml:3: intake.mediation.0.campuses.0: no such campus in `campuses`, found 'nord', "
            "allowed: north (did you mean 'north'?)",
        ),
        (
            "intake:\n  mediation:\n    - then: review\n    - services: [copy]\n      then: straight-through\n",
            "requests.yml:4: intake.mediation.1: never reached: the rule in line 3 has no conditions",
        ),
        (
            "lending:\n  item_policies: [standard, dvd]\n  never: [dvd]\n",
            "requests.yml:3: lending.never.0: stands in item_policies too, which are lent, found 'dvd'",
        ),
    ],
)
def test_what_does_not_fit_within_the_file(place: Place, text: str, problem: str) -> None:
    place.requests(text)

    assert place.problems() == [problem]


@pytest.mark.parametrize(
    ("partner", "problem"),
    [
        ("kioto", "no such profile, found 'kioto', allowed: asks-only, kyoto, mute, warsaw (did you mean 'kyoto'?)"),
        ("family", "this profile is abstract, found 'family', allowed: asks-only, kyoto, mute, warsaw"),
        ("asks-only", "this partner is no supplier (`partner.roles` of its profile), found 'asks-only'"),
        ("mute", "this partner can't be asked: `partner.channel` of its profile is empty, found 'mute'"),
    ],
)
def test_a_rota_names_partners_that_can_be_asked(place: Place, partner: str, problem: str) -> None:
    place.requests(f"rotas:\n  quick:\n    lines:\n      - partner: {partner}\n")

    assert place.problems() == [f"requests.yml:4: rotas.quick.lines.0.partner: {problem}"]


def test_number_templates_and_loan_days_name_partners_too(place: Place) -> None:
    place.requests(
        """\
        numbers:
          partners:
            oslo: "{sequence}"
        lending:
          loan_days:
            categories: {abroad: 42, abraod: 10}
        """
    )

    assert place.problems() == [
        "requests.yml:3: numbers.partners.oslo: no such profile, found 'oslo', allowed: asks-only, kyoto, mute, warsaw",
        "requests.yml:6: lending.loan_days.categories.abraod: no partner has this category, found 'abraod', "
        "allowed: abroad (did you mean 'abroad'?)",
    ]


def test_a_partner_of_another_library_is_none_of_this_one(place: Place) -> None:
    place.settings_are("libraries: [{symbol: ONE}, {symbol: TWO, requests: two.yml}]\n")
    for name in ("asks-only", "mute", "kyoto"):
        (place.profiles_folder / f"{name}.yml").unlink()
    place.profile("warsaw", "library: TWO\npartner: {symbols: [A], channel: mail, email: a@buw.example}\n")
    place.requests("rotas:\n  quick:\n    lines: [{partner: warsaw}]\n")
    place.requests("rotas:\n  quick:\n    lines: [{partner: warsaw}]\n", "two.yml")

    (problem,) = place.problems()

    assert problem.startswith("requests.yml:3: rotas.quick.lines.0.partner: this profile belongs to another library")
