.PHONY: run test test-quick bench demo-two format

run:
	python3 bootstrap.py run

test:
	python3 bootstrap.py test

test-quick:
	python3 bootstrap.py test-quick

bench:
	.venv/bin/python -m tests.bench

demo-two:
	.venv/bin/python -m demo.two

format:
	.venv/bin/ruff format . && .venv/bin/ruff check --fix .
