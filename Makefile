PY := .venv/bin/python
OUT ?= out/quickstart
TYPED = $(foreach file,$(filter-out %/__init__.py,$(wildcard endpoints/*.py experiments/*.py)),-m lossweep.$(subst /,.,$(basename $(file))))

.PHONY: quickstart test install lint

quickstart: install
	.venv/bin/lossweep run quickstart --out $(OUT)
	.venv/bin/lossweep plot $(OUT)
	.venv/bin/lossweep report $(OUT)
	@echo "plots: $(OUT)/plots   report: $(OUT)/report.html"

test: install
	$(PY) -m pytest

lint: install .types/lossweep
	.venv/bin/ruff check . && .venv/bin/ruff format --check .
	.venv/bin/mypy -p lossweep.sim -p lossweep.channels -p lossweep.endpoints.fec $(TYPED)

# A folder in which a type checker finds the import names.
.types/lossweep:
	mkdir -p $@
	for name in sim channels endpoints experiments; do ln -sfn ../../$$name $@/$$name; done
	ln -sfn ../../experiments/api/__init__.py $@/__init__.py

install: .venv/installed

.venv/installed: pyproject.toml
	test -x $(PY) || python3 -m venv .venv
	.venv/bin/pip install --disable-pip-version-check --quiet --editable '.[test]'
	touch $@
