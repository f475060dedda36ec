"""`illgate check`: is everything right before a partner's message finds out?

`check` looks at settings and profiles as loaded, at the library behind them, at secrets, and runs the examples.
Nothing is printed here; the report is a value.
"""

from gateway.services.operation.check.examples import ExampleAnswer, ExampleExchange
from gateway.services.operation.check.runner import (
    CheckReport,
    CheckSubject,
    ProfileFindings,
    UnknownProfileError,
    check_examples,
    run_check,
)

__all__ = [
    "CheckReport",
    "CheckSubject",
    "ExampleAnswer",
    "ExampleExchange",
    "ProfileFindings",
    "UnknownProfileError",
    "check_examples",
    "run_check",
]
