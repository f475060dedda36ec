"""A town with two libraries that lend to each other, where everything may fail: see tests/faults/test_lifecycles.py."""
