# The face of the build.  Meson and Ninja do the work; see `make help'.

# Which sanitizer: address (with undefined), undefined, thread, or none.
SAN =
# Where it is installed.  A prefix that is given changes the build's; without
# one, that of the first `make' stays.
PREFIX = /usr/local
DESTDIR =
# More for `meson setup', for example -Db_lto=true.
MESON_FLAGS =
# make test: which tests (a pytest -k expression; unit tests are left out then).
T =
# make bench: which rows.
ROWS =
# make fuzz: how long each target runs, and which.
SECONDS = 60
FUZZ =
# make torture: how many random operations each seed makes, and how many seeds.
OPS = 1000000
SEEDS = 1
# make demo KEEP=1: leave it running.
KEEP =

# The build directory says what is in it.
ifeq ($(SAN),)
san_dir =
san_flags = -Dbuildtype=release -Ddebug=true
else ifeq ($(SAN),address)
san_dir = -asan
san_flags = -Db_sanitize=address,undefined
else ifeq ($(SAN),undefined)
san_dir = -ubsan
san_flags = -Db_sanitize=undefined
else ifeq ($(SAN),thread)
san_dir = -tsan
san_flags = -Db_sanitize=thread
else
$(error SAN is address, undefined or thread)
endif
ifneq ($(SAN),)
san_flags += -Dbuildtype=debugoptimized -Doptimization=1 -Db_lundef=false
endif
ifneq ($(origin CC),default)
ifneq ($(notdir $(CC)),gcc)
ifneq ($(notdir $(CC)),cc)
cc_dir = -$(notdir $(CC))
endif
endif
export CC
endif
BUILD = build$(san_dir)$(cc_dir)

ifneq ($(filter-out /%,$(PREFIX)),)
$(error PREFIX is an absolute path without spaces, and not $(PREFIX))
endif
# Meson would take it as relative to the build directory.
ifneq ($(DESTDIR),)
ifeq ($(filter /%,$(firstword $(DESTDIR))),)
override DESTDIR := $(CURDIR)/$(DESTDIR)
endif
endif

all: build

# Compile everything.
build: $(BUILD)/build.ninja prefix
	@scripts/as-owner $(BUILD) ninja -C $(BUILD)

# A PREFIX from the command line or the environment is the build's from now on.
prefix: $(BUILD)/build.ninja
ifneq ($(origin PREFIX),file)
	@scripts/as-owner $(BUILD) scripts/set-prefix $(BUILD) '$(PREFIX)'
endif

$(BUILD)/build.ninja:
	@scripts/install-deps -n build
	scripts/as-owner $(BUILD) meson setup $(BUILD) --prefix $(PREFIX) \
	    $(san_flags) $(MESON_FLAGS)

deps-%:
	@scripts/install-deps $(subst -, ,$*)

# Two hosts, and our router between them.
demo: deps-build-demo
	@$(MAKE) --no-print-directory build
	@KEEP=$(KEEP) scripts/demo $(BUILD)

# All tests.  SAN=thread: the concurrent ones.
test: deps-build-test
	@$(MAKE) --no-print-directory build
	@scripts/test $(BUILD) "$(SAN)" "$(T)"

bench: deps-build-bench
	@$(MAKE) --no-print-directory build
	@scripts/sandbox bench/run --build $(BUILD) --rows '$(or $(ROWS),*)'

# Outside bytes at random into everything that parses them.
fuzz: deps-build-check build-fuzz/build.ninja
	@scripts/fuzz build-fuzz $(SECONDS) $(FUZZ)

build-fuzz/build.ninja:
	CC=clang meson setup build-fuzz -Dfuzz=true -Dbench=false \
	    -Dbuildtype=debugoptimized -Doptimization=1 \
	    -Db_sanitize=address,undefined -Db_lundef=false

# The interface layer against its oracle, for long; a failure is cut down.
torture: deps-build-test
	@$(MAKE) --no-print-directory build
	$(BUILD)/tests/sim/t_oracle --seed $$(date +%s) --seeds $(SEEDS) \
	    --ops $(OPS)

# Which lines and branches the unit and simulated tests reach.
coverage: deps-build-coverage build-cov/build.ninja
	@scripts/coverage build-cov

build-cov/build.ninja:
	meson setup build-cov -Db_coverage=true -Dbench=false \
	    -Dbuildtype=debug -Doptimization=0

# Format and lint, as CI does.
check: deps-build-check
	@scripts/check-format
	@scripts/lint

install: build
	@DESTDIR='$(DESTDIR)' meson install -C $(BUILD) --no-rebuild --quiet
	@scripts/as-owner $(BUILD) rm -f $(BUILD)/meson-logs/install-log.txt
	@scripts/after-install $(BUILD) '$(DESTDIR)'

# What `make install' with the same PREFIX and DESTDIR put there.
uninstall: prefix
	@scripts/uninstall $(BUILD) '$(DESTDIR)'

clean:
	rm -rf build build-*

help:
	@echo "make             build into build/"
	@echo "make demo        two hosts and our router between them, in half a minute"
	@echo "                 KEEP=1 leaves it running"
	@echo "make test        every test; SAN=address, undefined or thread for a"
	@echo "                 sanitizer's build, T=WORD for some end-to-end tests"
	@echo "make bench       the benchmarks; ROWS=PATTERN for some"
	@echo "make fuzz        fuzz what parses outside bytes; SECONDS=N for each target,"
	@echo "                 FUZZ=WORDS for some of text rtmsg command config filter ctl"
	@echo "                 server input tap capture undo"
	@echo "make torture     random operations against a simple oracle; OPS=N for each"
	@echo "                 of SEEDS=N seeds"
	@echo "make coverage    lines and branches of src/net and src/kern that tests reach"
	@echo "make check       format and lint"
	@echo "make install     into PREFIX (/usr/local when none is given), below DESTDIR;"
	@echo "                 make uninstall, with the same two, removes it"
	@echo "make clean       remove the build directories"
	@echo
	@echo "CC=clang builds with clang.  As root, demo, test and bench install the"
	@echo "Debian packages they miss; otherwise they say what to type."

.PHONY: all build prefix demo test bench fuzz torture coverage check install \
    uninstall clean help
