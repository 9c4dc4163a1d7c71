# make demo     install what is missing, build, start the daemon, segment a picture by two recipes, stop
# make test     everything that must hold; by the instructions of older processors too, if told to:
#               make test DSEG_INSTRUCTIONS=portable, or =avx2
# make build    the programs, optimised, into .build/release
# make trust    the daemon under attack, timed: what one caller sends must not harm another (long, idle machine)
# make soak     one daemon under a mixed load for SECONDS (120), and that the soak finds a leak and a hang
# make fuzz     each way in for strangers' bytes, fuzzed for 30 seconds each (or: make fuzz SECONDS=1200)
# make sanitize the tests with the sanitizers of addresses, undefined behaviour and threads (long)
# make lint     the style of .swift-format and .clang-format
# make arm      the kernels held against their definitions on emulated Arm processors
# make avx512   the same with AVX-512: on this processor or, some minutes long, an emulated one
# make readers  the Python, in .build/readers, by whose libraries tests read what dseg writes
# make install  programs, demo model, vocabularies, units, manual and completions below PREFIX; DESTDIR is put before
# make uninstall  takes away what install put there
# make manual   writes anew what the manual's pages repeat of the programs' help
# make deb      a Debian package, into .build
# make deb-check  lintian's word on it, and what it does where nothing but Debian is (some minutes, network)
# make boot     a virtual machine that boots with the package and tries its units (some minutes, network)
# make clean    forget all that was built

DESTDIR ?=
PREFIX ?= /usr/local
# The daemon reads /etc/dseg, wherever it lies itself.
SYSCONFDIR ?= /etc
UNITS ?= $(PREFIX)/lib/systemd/system
USERUNITS ?= $(PREFIX)/lib/systemd/user
SYSUSERS ?= $(PREFIX)/lib/sysusers.d
ZSHCOMPLETIONS ?= $(PREFIX)/share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
# Where the built programs lie.
PROGRAMS ?= .build/release
SHELL := /bin/bash

PACKAGES := \
	libopenblas-dev libprotobuf-c-dev libzstd-dev libxxhash-dev libpng-dev libjpeg62-turbo-dev libwebp-dev \
	zlib1g-dev pkg-config protobuf-c-compiler protobuf-compiler python3-protobuf python3-zstandard python3-venv \
	golang-go golang-github-containerd-ttrpc-dev systemd netpbm strace mandoc groff zsh fish bash-completion

# What `make arm` and `make avx512` need beside a compiler; the second an emulator where the processor has no AVX-512.
ARM_PACKAGES := gcc libc6-dev-arm64-cross gcc-aarch64-linux-gnu qemu-user-static
AVX512_PACKAGES := libopenblas-dev pkg-config $(if $(shell grep -w avx512dq /proc/cpuinfo),, \
	bochs bochs-term bochsbios vgabios isolinux syslinux-common xorriso cpio)

# What packages are made, looked at and booted with.
DEB_PACKAGES := dpkg-dev
CHECK_PACKAGES := lintian mmdebstrap
BOOT_PACKAGES := mmdebstrap qemu-system-x86 cpio

# $(call install_missing,packages)
define install_missing
	@missing=$$(for package in $(1); do \
		dpkg-query -W -f '$${Status}' $$package 2> /dev/null | grep -q 'ok installed' || echo $$package; done); \
	if [ -n "$$missing" ]; then \
		echo "make: installing" $$missing; \
		root=; if [ "$$(id -u)" != 0 ]; then root=sudo; fi; \
		$$root apt-get update -q && \
		$$root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; \
	fi
endef

# Swift's own libraries are linked in, dead parts of them left out: a program starts in
# milliseconds and runs where Swift is not installed.
RELEASE := -c release --static-swift-stdlib -Xlinker --gc-sections -Xlinker -s
BUILT := $(addprefix $(PROGRAMS)/,dseg dsegd dseg-bench)

READERS := .build/readers

.PHONY: setup readers build test trust soak fuzz sanitize demo lint arm avx512 install uninstall manual deb deb-check \
	boot clean

setup:
	@command -v swift > /dev/null || { \
		echo "make: swift is not on the PATH; install Swift 6.2 or later from https://swift.org/install" >&2; exit 1; }
	$(call install_missing,$(PACKAGES))
	@$(MAKE) --no-print-directory --silent readers

# The stamp is younger than the list of versions only where all of them were installed.
readers: $(READERS)/installed

$(READERS)/installed: Tests/Readers/requirements.txt
	@echo "make: installing" $$(cat $<) "into $(READERS)"
	rm -rf $(READERS)
	/usr/bin/python3 -m venv $(READERS)
	$(READERS)/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --requirement $<
	touch $@

build: setup
	swift build $(RELEASE) --product dsegd
	swift build $(RELEASE) --product dseg
	swift build $(RELEASE) --product dseg-bench

# The stories start the debug programs, so those are built too. What failed is said again at the end.
test: setup
	swift build --build-tests
	@swift test --skip-build 2>&1 | tee .build/test.log; status=$${PIPESTATUS[0]}; \
	if [ $$status != 0 ]; then echo "make: what failed:"; grep -a '✘' .build/test.log; fi; exit $$status

trust: build
	swift build --build-tests
	DSEG_TRUST=1 DSEG_PROGRAMS=$(CURDIR)/.build/release swift test --skip-build --no-parallel --filter TrustTests

# On whichever programs DSEG_PROGRAMS names, else the debug ones.
soak:
	swift build --build-tests
	DSEG_SOAK=$(or $(SECONDS),120) swift test --skip-build --no-parallel --filter SoakTests

fuzz: setup
	Tests/Fuzz/run.sh $(or $(SECONDS),30)

sanitize: setup
	Tests/Sanitizers/run.sh address
	Tests/Sanitizers/run.sh thread

demo: build
	Tests/demo.sh .build/release demo

lint:
	$(call install_missing,clang-format-14)
	swift format lint --strict --recursive --parallel Sources Tests Package.swift
	find Sources Tests -name '*.[ch]' ! -name '*.pb-c.*' -exec clang-format-14 --dry-run -Werror {} +

arm:
	$(call install_missing,$(ARM_PACKAGES))
	Tests/Targets/arm.sh

avx512:
	$(call install_missing,$(AVX512_PACKAGES))
	Tests/Targets/avx512.sh

FOLDERS := DESTDIR PREFIX SYSCONFDIR UNITS USERUNITS SYSUSERS ZSHCOMPLETIONS PROGRAMS

# Run `make build` first: root needs no compiler.
install: $(BUILT)
	@$(foreach folder,$(FOLDERS),$(folder)='$($(folder))') Packaging/install.sh install

uninstall:
	@$(foreach folder,$(FOLDERS),$(folder)='$($(folder))') Packaging/install.sh uninstall

manual: $(BUILT)
	/usr/bin/python3 Packaging/manual.py $(PROGRAMS)

deb: $(BUILT)
	$(call install_missing,$(DEB_PACKAGES))
	Packaging/deb.sh $(PROGRAMS)

deb-check: deb
	$(call install_missing,$(CHECK_PACKAGES))
	Packaging/check-deb.sh

boot: deb
	$(call install_missing,$(BOOT_PACKAGES))
	Packaging/boot.sh

$(BUILT):
	@echo "make: $@ is missing; run make build" >&2; exit 1

clean:
	rm -rf .build demo
