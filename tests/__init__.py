"""Under pytest, values are really frozen (gateway/domain/value.py); in the benchmarks they are as fast as in use."""

import os
import sys

if "pytest" in sys.modules:
    os.environ.setdefault("ILLGATE_FREEZE", "1")
