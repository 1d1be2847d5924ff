# make demo · make build · make test · make bench · make scale · make check
# Rust and Node.js are given; what else the tests need, scripts/setup installs where it can and names otherwise.

TARGET  := $(or $(CARGO_TARGET_DIR),target)
CLIENT  := client-js/dist/served/manifest.json
SOURCES := $(shell find client-js/src client-js/published -type f) $(wildcard client-js/*.mjs) client-js/package.json
MODULES := tests/browser/node_modules/.package-lock.json tests/apps/react/node_modules/.package-lock.json
# Of the property tests: each run tries the same cases, and another number gives others.
PROPTEST_RNG_SEED ?= 1
# What may wait for ever is ended, with all that it has started; at a terminal, Ctrl-C must reach it.
LIMITED := timeout $(shell [ -t 0 ] && echo --foreground) --kill-after=1m 15m
# Debian's servers are where a user's PATH may not lead.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin

.PHONY: demo build client test check test-rust test-client test-browser bench scale plots clean

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

check: $(CLIENT) $(MODULES)
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cd client-js && npm run --silent check
	cd tests/browser && npm run --silent check
	cd tests/apps/react && npm run --silent check

test-client: $(CLIENT)
	cd client-js && npm test

test-rust: $(CLIENT)
	scripts/setup sqlite3
	scripts/setup curl
	scripts/setup nats-server
	scripts/setup haproxy
	scripts/setup nginx
	scripts/setup caddy
	scripts/setup faketime
	PROPTEST_RNG_SEED=$(PROPTEST_RNG_SEED) cargo test --locked --workspace

test-browser: $(CLIENT) $(MODULES)
	scripts/setup chromium
	scripts/setup firefox-esr
	scripts/setup webkit2gtk-driver
	scripts/setup xvfb
	scripts/setup nats-server
	cargo build --locked -p freshwire
	cd tests/browser && export FRESHWIRE_BIN=$(abspath $(TARGET)/debug/freshwire) && \
		npm test && $(LIMITED) npm run --silent walk && npm run --silent behaviours

bench: $(CLIENT)
	cargo build --locked --release -p freshwire -p freshwire-bench
	$(LIMITED) $(TARGET)/release/freshwire-bench
	$(LIMITED) $(TARGET)/release/questions

# Some 15 minutes on a machine that does nothing else. Not a part of the tests: 48,000 sockets need their memory and files.
scale: $(CLIENT)
	scripts/setup nats-server
	cargo build --locked --release -p freshwire -p freshwire-bench
	env -u FRESHWIRE_BIN $(TARGET)/release/scale measure docs/scaling/measured.json
	$(TARGET)/release/scale draw docs/scaling/measured.json

# The plots and tables again, from the figures that are there.
plots: $(CLIENT)
	cargo build --locked --release -p freshwire-bench
	$(TARGET)/release/scale draw docs/scaling/measured.json

clean:
	cargo clean
	rm -rf client-js/dist client-js/node_modules tests/browser/node_modules tests/apps/react/node_modules
