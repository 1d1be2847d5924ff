# make demo · make build · make test · make bench · make check
# Rust and Node.js are given; what else the tests need, scripts/setup installs where it can and names otherwise.

TARGET  := $(or $(CARGO_TARGET_DIR),target)
CLIENT  := client-js/dist/served/manifest.json
SOURCES := $(shell find client-js/src client-js/published -type f) client-js/build.mjs client-js/package.json

.PHONY: demo build client test check test-rust test-client test-browser bench clean

demo: build
	$(TARGET)/release/freshwire demo

build: $(CLIENT)
	cargo build --locked --release -p freshwire

client: $(CLIENT)

$(CLIENT): client-js/node_modules/.package-lock.json $(SOURCES)
	cd client-js && npm run --silent build

%/node_modules/.package-lock.json: %/package-lock.json
	cd $* && npm ci --no-audit --no-fund
	touch $@

test: check test-client test-rust test-browser bench

check: $(CLIENT) tests/browser/node_modules/.package-lock.json
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cd client-js && npm run --silent check
	cd tests/browser && npm run --silent check

test-client: $(CLIENT)
	cd client-js && npm test

test-rust: $(CLIENT)
	scripts/setup sqlite3
	cargo test --locked --workspace

test-browser: $(CLIENT) tests/browser/node_modules/.package-lock.json
	scripts/setup chromium
	cargo build --locked -p freshwire
	cd tests/browser && export FRESHWIRE_BIN=$(abspath $(TARGET)/debug/freshwire) && npm test && npm run --silent walk

bench: $(CLIENT)
	cargo build --locked --release -p freshwire -p freshwire-bench
	$(TARGET)/release/freshwire-bench

clean:
	cargo clean
	rm -rf client-js/dist client-js/node_modules tests/browser/node_modules
