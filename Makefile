# What one does with this tree. Each target says in a line what it is for; `make` alone lists them.

# Optimised, yet quick to build; the package builds use `release`.
PROFILE ?= quick
TARGET := $(or $(CARGO_TARGET_DIR),target)

# Another processor than this machine's: needs its linker and C compiler, and programs of this machine for the manuals.
# docs/install.md has the commands.
CROSS := $(if $(TRIPLE),--target $(TRIPLE))
BUILT := $(TARGET)/$(if $(TRIPLE),$(TRIPLE)/)release
PACKAGED := $(if $(TRIPLE),ANSER_TARGET=$(TRIPLE) ANSER_MANUAL_PROGRAMS=$(TARGET)/release)

help: ## lists the targets
	@sed -n 's/^\([a-z]*\):[^#]*## /make \1  /p' $(MAKEFILE_LIST)

run: pages ## builds everything and starts a demo daemon on its own folder, demo/; it prints what to do next
	cargo build --locked --profile $(PROFILE) -p anserd -p anser-client
	$(TARGET)/$(PROFILE)/anserd serve --demo --data-dir demo

pages: ## the console and the Web IM into web/dist, where Node.js is there and something has changed
	@if [ ! -f web/package.json ] || ! command -v npm > /dev/null; then \
		echo "without Node.js (npm) the daemon is built without its pages"; \
	elif [ -z "$$(find web client/web -name node_modules -prune -o -name dist -prune -o -type f \
		-newer web/dist/.built -print 2> /dev/null | head -n 1)" ] && [ -f web/dist/.built ]; then :; \
	else (cd web && npm ci --no-audit --no-fund && npm run build) && touch web/dist/.built \
		|| { echo "the pages could not be built: see above" >&2; exit 1; }; fi

check: ## formatting, lints, house rules, licences, and the direction of dependencies
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo test --locked --workspace --test tidy --test dependencies

test: pages ## all tests, and a short run of the fuzzers
	cargo build --locked --workspace --bins
	tests/run
	cd client/web && npm ci --no-audit --no-fund && npm test
	cd web && npm run check && npm test
	fuzz/run

deb: pages ## the Debian package, optimised as far as it goes, into target/packages; TRIPLE=aarch64-… for another processor (untested)
	cargo build --locked --release $(CROSS) -p anserd -p anser-client
	$(PACKAGED) STRIP=$(or $(STRIP),strip) packaging/build deb $(BUILT) target/packages
	@! find target/packages -name '*.deb' -size +8M | grep . || { echo "a package has more than 8 MiB" >&2; exit 1; }

rpm: pages ## the same as an RPM
	cargo build --locked --release $(CROSS) -p anserd -p anser-client
	$(PACKAGED) STRIP=$(or $(STRIP),strip) packaging/build rpm $(BUILT) target/packages

bench: pages ## the table of figures, of the release programs, with the data on this folder's disk; PART=idle for a part
	cargo build --locked --release -p anserd -p anser-client
	ANSERD_BIN=$(abspath $(TARGET))/release/anserd ANSER_BIN=$(abspath $(TARGET))/release/anser \
		cargo run --locked -q -p anser-tests --bin bench -- $(TARGET)/bench $(PART)

# make torture g2 FROM=26 N=475
# FROM and N continue where the last run in tests/EVIDENCE.md ended; without them the CI figure runs.
GOAL := $(filter-out torture,$(MAKECMDGOALS))
torture: ## one goal of the evidence list, further than CI runs it: make torture g2 FROM=26 N=475
	@[ -n "$(GOAL)" ] || { echo "which one? make torture g2 FROM=26 N=475; tests/EVIDENCE.md lists them" >&2; exit 2; }
	cargo build --locked --workspace --bins --profile $(PROFILE)
	@cargo test --locked --workspace --profile $(PROFILE) -- --list | grep -q '\b$(GOAL)_.*: test$$' \
		|| { echo "there is no test of goal $(GOAL)" >&2; exit 2; }
	ANSER_TORTURE_FROM=$(FROM) ANSER_TORTURE_COUNT=$(N) \
		cargo test --locked --workspace --profile $(PROFILE) -- --nocapture --test-threads=1 $(GOAL)_

ifneq ($(filter torture,$(MAKECMDGOALS)),)
# The goal's name is no target of its own.
$(GOAL):
	@:
endif

# `bench` leaves nothing behind in its folder; `run` keeps demo/ for the next time.
.PHONY: help run pages check test deb rpm bench torture $(GOAL)
