# What one does with this tree. Each target says in a line what it is for; `make` alone lists them.

# Optimised, yet quick to build; the package builds use `release`.
PROFILE ?= quick
TARGET := $(or $(CARGO_TARGET_DIR),target)

help: ## lists the targets
	@sed -n 's/^\([a-z]*\):[^#]*## /make \1  /p' $(MAKEFILE_LIST)

run: ## builds everything and starts a demo daemon on its own folder, demo/; it prints what to do next
	cargo build --locked --profile $(PROFILE) -p anserd -p anser-client
	$(TARGET)/$(PROFILE)/anserd serve --demo --data-dir demo

check: ## formatting, lints, house rules, licences, and the direction of dependencies
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked -p anser-tests --all-targets --features planted -- -D warnings
	cargo test --locked --workspace --test tidy --test dependencies

test: ## all tests, then those that must find the planted faults, then a short run of the fuzzers
	cargo build --locked --workspace --bins
	cargo test --locked --workspace
	cargo test --locked -p anser-storage --features planted,simulation planted
	cargo test --locked -p anser-tests --features planted planted
	fuzz/run

bench: ## the table of figures, of the release programs, with the data on this folder's disk; PART=idle for a part
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
.PHONY: help run check test bench torture $(GOAL)
