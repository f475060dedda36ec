"""Under pytest, values are really frozen (gateway/domain/value.py); in the benchmarks, and in the programs that tests
start, they are as fast as in use."""

import os
import sys

if "pytest" in sys.modules:
    os.environ["ILLGATE_FREEZE"] = "1"
    import gateway.domain.value  # noqa: F401 - it looks once

    del os.environ["ILLGATE_FREEZE"]
