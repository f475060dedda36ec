.PHONY: run test test-long test-quick test-313 test-debian12 bench mutants mutants-services demo demo-two docs format release

run:
	python3 bootstrap.py run

test:
	python3 bootstrap.py test

test-long:
	python3 bootstrap.py test-long

test-quick:
	python3 bootstrap.py test-quick

test-313:
	python3 bootstrap.py test-313

test-debian12:
	python3 bootstrap.py test-debian12

bench:
	.venv/bin/python -m tests.bench

mutants:
	.venv/bin/pip install -q -c constraints.txt -e '.[mutation]'
	.venv/bin/python -m tests.mutation

mutants-services:
	.venv/bin/pip install -q -c constraints.txt -e '.[mutation]'
	.venv/bin/python -m tests.mutation.services

demo:
	python3 bootstrap.py demo

demo-two:
	python3 bootstrap.py demo-two

docs:
	python3 bootstrap.py docs

release:
	python3 bootstrap.py release

format:
	.venv/bin/ruff format . && .venv/bin/ruff check --fix .
