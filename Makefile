.PHONY: run test bench format

run:
	python3 bootstrap.py run

test:
	python3 bootstrap.py test

bench:
	.venv/bin/python -m tests.bench

format:
	.venv/bin/ruff format . && .venv/bin/ruff check --fix .
