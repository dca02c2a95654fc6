PY := .venv/bin/python
OUT ?= out/quickstart

.PHONY: quickstart test install lint

quickstart: install
	.venv/bin/lossweep run quickstart --out $(OUT)
	.venv/bin/lossweep plot $(OUT)
	.venv/bin/lossweep report $(OUT)
	@echo "plots: $(OUT)/plots   report: $(OUT)/report.html"

test: install
	$(PY) -m pytest

lint: install
	.venv/bin/ruff check . && .venv/bin/ruff format --check .

install: .venv/installed

.venv/installed: pyproject.toml
	test -x $(PY) || python3 -m venv .venv
	.venv/bin/pip install --disable-pip-version-check --quiet --editable '.[test]'
	touch $@
