"""Work of staff with lists and paper: bulk acts, filters, marks, scans, printing, statistics.

Built on `gateway.services.requests`, which knows nothing of this package.
"""
