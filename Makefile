# make demo · make build · make test · make test-all · make check · make bench · make scale
# Rust and Node.js are given; what else a part needs, scripts/setup installs where it can and names otherwise.

# What is called below may stand in a path with spaces: quoted in recipes, and never a prerequisite.
TARGET := $(or $(CARGO_TARGET_DIR),target)
CLIENT  := client-js/dist/served/manifest.json
SOURCES := $(shell find client-js/src client-js/published -type f) $(wildcard client-js/*.mjs) client-js/package.json
MODULES := $(addsuffix /node_modules/.package-lock.json,tests/browser tests/apps/react tests/apps/editors tests/apps/bundlers tests/apps/dialogs)
# Where nextest writes its report, whatever the target folder is.
NEXTEST := target/nextest/default/junit.xml
TOOLS   := $(addprefix tools-,build check client rust browser scale)
# Of the property tests: each run tries the same cases, and another number gives others.
PROPTEST_RNG_SEED ?= 1
# What may wait for ever is ended, with all that it has started; at a terminal, Ctrl-C must reach it.
LIMITED := timeout $(shell [ -t 0 ] && echo --foreground) --kill-after=1m 15m
# Debian's servers are where a user's PATH may not lead.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin

# Cargo, npm and browsers write to the home folder. Where that can't be, it is one beside what is built.
ifneq ($(shell test -w "$$HOME" && echo yes),yes)
  export RUSTUP_HOME := $(or $(RUSTUP_HOME),$(HOME)/.rustup)
  export HOME := $(shell mkdir -p "$(TARGET)/home" && cd "$(TARGET)/home" && pwd)
endif

.PHONY: demo build client modules packages crates test test-all test-build test-client test-rust test-browser test-behaviours test-demo
.PHONY: check check-format check-clippy bench scale plots clean $(TOOLS)

demo: build
	"$(TARGET)/release/freshwire" demo

build: tools-build $(CLIENT)
	cargo build --locked --release -p freshwire

client: $(CLIENT)

# What a part needs, before anything of it is built. Within `make test` it was seen to already, all at once.
$(TOOLS):
	@[ "$(FRESHWIRE_TOOLS)" = checked ] || scripts/setup $(@:tools-%=%)

$(CLIENT): client-js/node_modules/.package-lock.json $(SOURCES)
	cd client-js && npm run --silent build

%/node_modules/.package-lock.json: %/package-lock.json | tools-client
	cd $* && npm ci --no-audit --no-fund
	touch $@

# All of the tests, in stages side by side; a line a stage at the end.
test:
	scripts/setup
	@node scripts/test.mjs

# Also every behaviour in every browser, and the benches, which need a release build.
test-all:
	scripts/setup
	@node scripts/test.mjs --all

# --- the stages, and what belongs together -----------------------------------------------------------------------------

modules: $(CLIENT) $(MODULES)

# All that comes from elsewhere, at once.
packages:
	@$(MAKE) --jobs=4 crates modules

crates:
	cargo fetch --locked --target "$$(rustc -vV | sed -n 's/^host: //p')"

check: check-format check-clippy

check-format: tools-check modules
	cargo fmt --all --check
	cd client-js && npm run --silent check
	cd tests/browser && npm run --silent check
	cd tests/apps/react && npm run --silent check
	cd tests/apps/editors && npm run --silent check
	cd tests/apps/bundlers && ../../../client-js/node_modules/.bin/prettier --check .
	cd tests/apps/dialogs && npm run --silent check
	client-js/node_modules/.bin/prettier --config tests/browser/.prettierrc.json --check scripts

check-clippy: tools-check $(CLIENT)
	cargo clippy --locked --workspace --all-targets -- -D warnings

# Benches, examples and all: what is not run here must still be sound.
test-build: tools-build $(CLIENT)
	cargo build --locked --workspace --all-targets

test-client: tools-client $(CLIENT)
	cd client-js && npm run --silent test:built

test-rust: tools-rust $(CLIENT)
	cargo build --locked --workspace
	rm -f $(NEXTEST)
	PROPTEST_RNG_SEED=$(PROPTEST_RNG_SEED) cargo nextest run --locked --workspace || failed=1; \
		[ -z "$$TEST_REPORTS" ] || cp $(NEXTEST) "$$TEST_REPORTS/rust.xml"; exit $$failed

test-browser: test-behaviours test-demo

test-behaviours: tools-browser modules
	cargo build --locked --workspace
	bin=$$(cd "$(TARGET)" && pwd)/debug/freshwire && cd tests/browser && FRESHWIRE_BIN=$$bin npm test

# A walk through `freshwire demo`, as somebody would take it who sees it for the first time.
test-demo: tools-browser modules
	cargo build --locked --workspace
	bin=$$(cd "$(TARGET)" && pwd)/debug/freshwire && cd tests/browser && FRESHWIRE_BIN=$$bin $(LIMITED) npm run --silent walk

bench: tools-build $(CLIENT)
	cargo build --locked --release -p freshwire -p freshwire-bench
	$(LIMITED) "$(TARGET)/release/freshwire-bench"
	$(LIMITED) "$(TARGET)/release/questions"

# Some 15 minutes on a machine that does nothing else. Not a part of the tests: 48,000 sockets need their memory and files.
scale: tools-scale $(CLIENT)
	cargo build --locked --release -p freshwire -p freshwire-bench
	env -u FRESHWIRE_BIN "$(TARGET)/release/scale" measure docs/scaling/measured.json
	"$(TARGET)/release/scale" draw docs/scaling/measured.json

# The plots and tables again, from the figures that are there.
plots: tools-build $(CLIENT)
	cargo build --locked --release -p freshwire-bench
	"$(TARGET)/release/scale" draw docs/scaling/measured.json

clean:
	cargo clean
	rm -rf client-js/dist client-js/prompt client-js/react client-js/store client-js/vite
	rm -rf client-js/node_modules tests/browser/node_modules tests/apps/*/node_modules
