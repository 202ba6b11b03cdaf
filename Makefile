# A menu. What needs more than a line is a subcommand of `mishap`, or a test.

.PHONY: help run test soak upgrade image bench

help:   ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

run:    ## Run everything here, on a private PostgreSQL and Redis
	cargo build --release --locked -p mishap-cli
	target/release/mishap dev

test:   ## Run all tests, on private servers
	cargo build --workspace --locked
	cargo test --workspace --locked

soak:   ## Break everything at random, under load, for ten minutes (SECONDS=600, SEED=number)
	cargo build --workspace --locked
	SOAK_SECONDS=$(or $(SECONDS),600) SOAK_SEED=$(SEED) \
		cargo test --workspace --locked --test it -- faults::soak --nocapture

upgrade: ## Run the programs of before the newest migration beside these, there and back, under load
	tests/before.sh
	cargo build --workspace --locked
	MISHAP_BEFORE=$(CURDIR)/target/before/debug \
		cargo test --workspace --locked --test it -- faults::upgrades

image:  ## Build the image into target/image/mishap.tar, twice, and try it
	deploy/build-image.sh
	cargo test --workspace --locked --test image

bench:  ## Measure what it costs, on private servers (ONLY="digest list" for some sections)
	cargo build --release --locked -p mishap-cli -p mishap-web -p mishap-worker -p mishap-beat
	cargo bench --locked -p mishap-tests --bench bench -- $(ONLY)
