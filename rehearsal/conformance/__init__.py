"""`illgate conformance`: trials of a system, and reports of them."""
