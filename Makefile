# Two commands: `make demo` shows a busy Saturday, `make test` proves the rest.
TOOLS := $(or $(THROUGHLINE_TOOLS),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/throughline-tools)/bin

.PHONY: demo test build lint bench fuzz sqlx fmt clean

# One build for everything: the same feature set and one set of binaries.
build: servers
	cargo build --workspace

.PHONY: servers
servers:
	@scripts/install-servers

demo: build
	target/debug/throughline demo

# Plain `cargo test`: one process a test binary, so that the tests of a binary share one private Postgres.
test: build
	cargo test --workspace

lint:
	@scripts/install-lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cd proto && $(TOOLS)/buf lint && $(TOOLS)/buf format --diff --exit-code
	PATH=$(TOOLS):$$PATH scripts/buf-breaking
	$(TOOLS)/cargo-machete
	$(TOOLS)/cargo-deny --log-level error check bans licenses sources

sqlx: servers
	scripts/sqlx check

bench: servers
	cargo build --workspace --release
	target/release/throughline bench

# Not a part of the tests: a minute for each decoder.
fuzz:
	scripts/fuzz

fmt:
	cargo fmt --all
	cd proto && $(TOOLS)/buf format -w

clean:
	cargo clean
