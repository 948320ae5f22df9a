# Run inside an activated virtual environment; see CONTRIBUTING.md for the three commands that make one.
.PHONY: setup fmt lint types layers test docs snapshots check

setup:     ; pip install -e '.[dev]' && pre-commit install
fmt:       ; ruff format && ruff check --fix
lint:      ; ruff format --check && ruff check && typos
types:     ; pyright
layers:    ; lint-imports
test:      ; pytest -n auto --dist worksteal -m "not gpu"
docs:      ; mkdocs build --strict
snapshots: ; GRMKIT_REFRESH=1 pytest tests/contracts -q -k committed && python docs/generate_reference.py
check:     lint types layers test docs
