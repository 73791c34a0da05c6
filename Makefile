# qdedup: what can be done from here. `make help` lists it.

SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
BENCH_ARGS ?=
SECONDS ?= 60

STATIC := .build/static
PROGRAM := $(STATIC)/release/qdedup
SHARE := .build/share
BUILD_OPTIONS := --quiet -c release --static-swift-stdlib --scratch-path $(STATIC) \
  --disable-local-rpath -Xlinker -z -Xlinker now
# Debug information takes the compiler a tenth of its time, and a test names its line without it.
TEST_OPTIONS := -c release --explicit-target-dependency-import-check error -Xswiftc -gnone
SOURCES := Package.swift $(shell find Sources -type f)
NEED_SWIFT = command -v $(SWIFT) >/dev/null || { echo 'Swift 6.2 or newer is needed:' \
  'https://www.swift.org/install/linux' >&2; exit 1; }

.DEFAULT_GOAL := help
.PHONY: help demo demo-versions test crash-matrix check build install uninstall bench bench-micro fuzz clean

help: ## list the targets
	@echo 'qdedup: targets of this Makefile'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'
	@echo 'Variables: SWIFT=$(SWIFT) PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) BENCH_ARGS=$(BENCH_ARGS)' \
	  'SECONDS=$(SECONDS)'

demo: build ## make a disk image, convert it, check the result with qemu-img
	@.ci/install-packages demo
	@QDEDUP=$(PROGRAM) benchmarks/demo

demo-versions: build ## keep ten nightly images in one file, and look at what that takes
	@.ci/install-packages demo
	@QDEDUP=$(PROGRAM) benchmarks/demo-versions

test: ## run every test; compile the benchmarks of the parts
	@.ci/install-packages build test
	@$(NEED_SWIFT)
	@.ci/run-tests $(SWIFT) test $(TEST_OPTIONS)
	@.ci/check-benchmarks

crash-matrix: ## put every state that a crash may leave of a file with versions through qemu-img check
	@.ci/install-packages build test
	@$(NEED_SWIFT)
	@QDEDUP_CRASH_MATRIX=all $(SWIFT) test $(TEST_OPTIONS) --filter CrashTests 2>&1 \
	  | grep -E '^crash states|^failing operations|issue|Test run|error:'

check: ## check format, imports, folders, file lengths and the benchmarks' tables
	@$(NEED_SWIFT)
	@$(SWIFT) format lint --strict --parallel --recursive Sources Tests Package.swift benchmarks/micro
	@.ci/test-checks
	@.ci/check-imports
	@.ci/check-folders
	@.ci/check-length
	@benchmarks/suite/render --check
	@echo 'Format, imports, folders, file lengths and tables are in order.'

build: $(PROGRAM) $(SHARE)/qdedup.1 ## build the program and its manual page

# Where things go: shell words, so that a name may hold any character.
export DESTDIR PREFIX
ROOT = "$$DESTDIR$$PREFIX"
MAN = $(ROOT)/share/man/man1/qdedup.1
BASH_COMPLETION = $(ROOT)/share/bash-completion/completions/qdedup
ZSH_COMPLETION = $(ROOT)/share/zsh/site-functions/_qdedup
FISH_COMPLETION = $(ROOT)/share/fish/vendor_completions.d/qdedup.fish
DOC = $(ROOT)/share/doc/qdedup

install: build ## install under PREFIX
	install -D -s -m 755 $(PROGRAM) $(ROOT)/bin/qdedup
	install -D -m 644 $(SHARE)/qdedup.1 $(MAN)
	install -D -m 644 $(SHARE)/qdedup.bash $(BASH_COMPLETION)
	install -D -m 644 $(SHARE)/qdedup.zsh $(ZSH_COMPLETION)
	install -D -m 644 $(SHARE)/qdedup.fish $(FISH_COMPLETION)
	install -d $(DOC)/Documentation
	install -m 644 Documentation/*.json $(DOC)/Documentation
	@.ci/check-program $(ROOT)/bin/qdedup

uninstall: ## remove what install put under PREFIX
	rm -f $(ROOT)/bin/qdedup $(MAN) $(BASH_COMPLETION) $(ZSH_COMPLETION) $(FISH_COMPLETION)
	rm -rf $(DOC)

bench: $(PROGRAM) ## time it against qemu-img; options: make bench BENCH_ARGS=--quick
	@.ci/install-packages bench
	@QDEDUP=$(PROGRAM) benchmarks/suite/run $(BENCH_ARGS)

bench-micro: ## time the parts: the hash store, digests, tables; needs Swift 6.3
	@.ci/install-packages build
	@$(NEED_SWIFT)
	@$(SWIFT) package --package-path benchmarks/micro benchmark --no-progress $(BENCH_ARGS)

fuzz: ## feed the decoders damaged input for SECONDS in all
	@.ci/install-packages build fuzz
	@$(NEED_SWIFT)
	@SWIFT=$(SWIFT) Tests/Fuzzing/run $(SECONDS)

clean: ## remove all that was built
	rm -rf .build benchmarks/micro/.build

# The program, with Swift's own libraries linked in, so that it runs where no Swift is installed.
$(PROGRAM): $(SOURCES)
	@$(NEED_SWIFT)
	@.ci/install-packages build
	@echo 'Building qdedup (the first time takes a few minutes)'
	@$(SWIFT) build $(BUILD_OPTIONS) --product qdedup
	@.ci/check-program $@
	@touch -c $@

# The manual page, by the generator that swift-argument-parser brings, and the shells' completions.
$(SHARE)/qdedup.1: $(PROGRAM) .ci/manual-page
	@echo 'Writing the manual page and the completions'
	@$(SWIFT) build $(BUILD_OPTIONS) --product generate-manual
	@mkdir -p $(SHARE)
	@for shell in bash zsh fish; do \
	  $(PROGRAM) --generate-completion-script $$shell >$(SHARE)/qdedup.$$shell || exit 1; done
	@$(STATIC)/release/generate-manual $(PROGRAM) --output-directory $(SHARE) \
	  --date "$$(git log -1 --format=%cs 2>/dev/null || date +%F)"
	@.ci/manual-page $@ >$@.new
	@mv $@.new $@
