# wwwd: build, run, check, bench, install.

VERSION = 1.0
PREFIX = /usr/local
BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man/man8
DOCDIR = $(PREFIX)/share/doc/wwwd
UNITDIR = $(PREFIX)/lib/systemd/system
SYSUSERSDIR = $(PREFIX)/lib/sysusers.d
SITE = /srv/www

CC = gcc
MUSL_CC = musl-gcc
CFLAGS = -O2 -g
LDFLAGS =
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion
HARDENING = -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
RELRO = -pie -Wl,-z,relro,-z,now
LANGUAGE = -std=c11 -DVERSION='"$(VERSION)"' $(WARNINGS)

# One process a connection: start-up is what counts, so nothing is linked, moved or mapped that
# need not be. Each page touched is a fault: data and small .bss share the fewest when they begin
# with a page, and nobody would apply RELRO. The place of this page is that of x86-64, whose programs
# begin at 0x400000; there is room for 256 KiB of text. musl's compiler doesn't see the kernel's
# headers.
MULTIARCH = $(shell $(CC) -print-multiarch)
DATA_AT_x86_64-linux-gnu = -Wl,--section-start=.init_array=0x440000
STATIC = -DWWWD_STATIC -Os -flto -flto-partition=one -fno-jump-tables -fstack-protector-strong \
	-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-pie -no-pie -static -s \
	-Wl,--gc-sections,--sort-section=name,-z,noseparate-code,-z,norelro \
	$(DATA_AT_$(MULTIARCH)) \
	-idirafter /usr/include -idirafter /usr/include/$(MULTIARCH)

SOURCES = wwwd.c http.c

all: wwwd

wwwd: $(SOURCES) http.h Makefile
	$(CC) $(LANGUAGE) $(HARDENING) $(CFLAGS) $(RELRO) $(LDFLAGS) -o $@ $(SOURCES)

static: wwwd-static

wwwd-static: $(SOURCES) http.h Makefile
	$(MUSL_CC) $(LANGUAGE) $(STATIC) -o $@ $(SOURCES)

# What is missing of what building needs, or what a check needs, is installed; nothing else ever
# installs anything.
deps: deps-build
deps-%:
	tests/deps $*

# A sample, at an address that is printed; make run PORT=0 for any free port.
PORT = 8080
run: wwwd
	./wwwd -d www -h 127.0.0.1 -p $(PORT)

# wwwd, curl and wget under strace, call by call, explained; in Russian where LANG says so.
lecture: wwwd
	@tests/lecture/run

# ---- tests: all of them print how many passed ----

# the first lines of http.h come before all others
TEST_LANGUAGE = $(LANGUAGE) -include http.h
TEST_CFLAGS = $(TEST_LANGUAGE) -O1 -g
CHECK = $(shell pkg-config --cflags --libs check)

BUILT = build/tests
# The tables of the wire suite are run without a process too.
CHECK_HTTP = tests/http/check.c tests/http/wire.c \
	$(filter-out %/check.c %/server.c,$(wildcard tests/wire/*.c))
$(BUILT)/check_http: $(CHECK_HTTP) $(wildcard tests/http/*.[ch] tests/wire/*.h) http.c http.h
	mkdir -p $(@D)
	$(CC) $(TEST_CFLAGS) -o $@ $(CHECK_HTTP) $(CHECK)

FUZZ = tests/fuzz/fuzz.c tests/fuzz/broker.c tests/wire/response.c
FUZZ_SOURCES = $(FUZZ) $(wildcard tests/fuzz/*.[ch]) tests/http/talk.h tests/wire/response.h \
	http.c http.h wwwd.c
$(BUILT)/fuzz: $(FUZZ_SOURCES)
	mkdir -p $(@D)
	$(CC) $(TEST_CFLAGS) -DFUZZ_ALONE -o $@ $(FUZZ)

$(BUILT)/check_wire: $(wildcard tests/wire/*.[ch]) tests/process/kit.c tests/process/process.h
	mkdir -p $(@D)
	$(CC) $(TEST_CFLAGS) -o $@ $(filter %.c,$^) $(CHECK)

$(BUILT)/check_process: $(filter-out %/intruder.c,$(wildcard tests/process/*.[ch])) \
		tests/wire/response.c tests/wire/response.h $(BUILT)/intruder.so
	$(CC) $(TEST_CFLAGS) -o $@ $(filter %.c,$^) $(CHECK)

$(BUILT)/intruder.so: tests/process/intruder.c
	mkdir -p $(@D)
	$(CC) $(TEST_CFLAGS) -fPIC -shared -o $@ $<

CHECKS = $(addprefix $(BUILT)/,check_http fuzz check_wire check_process)
# The slowest first, which mostly waits: the others run beside it.
QUICK_CHECKS = $(BUILT)/check_process $(filter-out %process,$(CHECKS)) \
	tests/build.sh tests/clients.sh tests/manual.sh

check: wwwd wwwd-static $(CHECKS)
	JOBS=2 tests/run $(QUICK_CHECKS)

# The same under the sanitizers: the program for those that look from outside, and the tests that
# hold http.c themselves.
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
build/asan/wwwd: $(SOURCES) http.h tests/sanitize.c Makefile
	mkdir -p build/asan
	$(CC) $(LANGUAGE) $(CFLAGS) $(SANITIZE) -o $@ $(SOURCES) tests/sanitize.c

check-asan: build/asan/wwwd $(BUILT)/check_wire $(BUILT)/check_process
	$(CC) $(TEST_CFLAGS) $(SANITIZE) -o build/asan/check_http $(CHECK_HTTP) $(CHECK)
	$(CC) $(TEST_CFLAGS) $(SANITIZE) -DFUZZ_ALONE -o build/asan/fuzz $(FUZZ)
	WWWD=build/asan/wwwd JOBS=2 tests/run $(BUILT)/check_process build/asan/check_http \
		build/asan/fuzz $(BUILT)/check_wire

# Other processors, by Debian's cross compilers; check-32 is the quick part of it.
PROCESSORS = amd64 i386 armhf arm64 riscv64 ppc64el s390x
check-processors: $(BUILT)/check_wire
	tests/cross/run $(PROCESSORS)
check-32: $(BUILT)/check_wire
	tests/cross/run --quick i386 armhf

# The kernels that Debian's archives have, in QEMU: wwwd as an only child, as process 1, and the wire
# suite over a virtio network. KERNELS names releases; all, if it is empty.
KERNELS =
build/kernels/init: tests/kernels/init.c tests/wire/site.c tests/wire/talk.c tests/wire/wire.h http.h
	mkdir -p $(@D)
	$(MUSL_CC) $(LANGUAGE) -include http.h -Os -static -s -idirafter /usr/include \
		-idirafter /usr/include/$(MULTIARCH) -o $@ $(filter %.c,$^)
check-kernels: wwwd-static build/kernels/init $(BUILT)/check_wire
	tests/kernels/run $(KERNELS)

# So many seconds in all. What is found goes to build/fuzz; fuzz-keep takes the little of it that
# covers as much into the repository.
fuzz fuzz-afl: TIME = 60
build/fuzz/libfuzzer/fuzz: $(FUZZ_SOURCES)
	mkdir -p $(@D)
	clang $(TEST_CFLAGS) $(SANITIZE) -fsanitize=fuzzer -o $@ $(FUZZ)
build/fuzz/afl/fuzz: $(FUZZ_SOURCES)
	mkdir -p $(@D)
	AFL_QUIET=1 AFL_USE_ASAN=1 AFL_USE_UBSAN=1 \
		afl-clang-fast $(TEST_CFLAGS) -fsanitize=fuzzer -o $@ $(FUZZ)

fuzz: build/fuzz/libfuzzer/fuzz
	tests/fuzz/run libfuzzer $(TIME)
fuzz-afl: build/fuzz/afl/fuzz
	tests/fuzz/run afl $(TIME)
fuzz-keep: build/fuzz/libfuzzer/fuzz
	tests/fuzz/run keep

# Fails below so many per cent of http.c's branches. Whatever else covers some of it is built into
# build/coverage, or runs the wwwd that is there, and is named with the others.
BRANCHES = 98
COUNT = gcc $(TEST_LANGUAGE) -O0 -g --coverage
WRAPS = -Wl,--wrap=syscall,--wrap=prctl,--wrap=setrlimit
COVERAGE_CHECKS = build/coverage/check_http build/coverage/fuzz $(BUILT)/check_wire
coverage: $(BUILT)/check_wire $(BUILT)/check_process wwwd wwwd-static
	rm -rf build/coverage
	mkdir -p build/coverage
	$(COUNT) -o build/coverage/check_http $(CHECK_HTTP) $(CHECK)
	$(COUNT) -DFUZZ_ALONE -o build/coverage/fuzz $(FUZZ)
	$(COUNT) $(WRAPS) -o build/coverage/wwwd $(SOURCES) tests/coverage.c
	WWWD=build/coverage/wwwd tests/coverage.sh http.c $(BRANCHES) $(COVERAGE_CHECKS)

# Every call fails in turn, and files change while they are sent.
check-faults: wwwd wwwd-static build/faults.so build/asan/wwwd
	tests/run tests/faults/run
	WWWD=build/asan/wwwd tests/run tests/faults/run

build/faults.so: tests/faults/shim.c
	mkdir -p build
	$(CC) $(TEST_CFLAGS) -Wno-pedantic -fPIC -shared -o $@ $<

# README's first commands on machines that have nothing; a suite may have an architecture behind it.
SUITES = bookworm
check-fresh:
	tests/fresh $(SUITES)
check-releases:
	tests/fresh bookworm trixie sid

check-browser: wwwd
	tests/run tests/browser.py

# Ten thousand pages of a generator, and a crawler.
check-site: wwwd
	tests/run tests/site.py

check-supervisors: wwwd wwwd-static
	tests/run tests/supervisors/run

# The packages: what is in them, and installed, upgraded, removed and purged under systemd.
check-deb:
	tests/run tests/supervisors/deb

# The image, run by podman, and as a quadlet under systemd.
check-image:
	tests/run tests/supervisors/image

# git, cgit, gitweb, PHP and fossil as programs.
check-programs: wwwd $(BUILT)/check_process
	LIGHTTPD=/usr/sbin/lighttpd CK_RUN_SUITE=programs CK_RUN_CASE='the table' \
		tests/run tests/programs/run $(BUILT)/check_process

# Rude clients, and stops and restarts under load: two and a half minutes.
build/floods/rude: tests/floods/rude.c
	mkdir -p build/floods
	$(CC) $(TEST_CFLAGS) -o $@ $<

check-floods: wwwd wwwd-static build/floods/rude
	tests/run tests/floods/run

# All kinds of clients for so many seconds, while the files change below them.
soak: TIME = 600
soak: wwwd build/floods/rude
	TIME=$(TIME) tests/run tests/soak/run
# Beside Node's parser and nginx's; more of it: tests/differential/run --streams 100000 --seed 2
check-differential: wwwd
	tests/run tests/differential/run

check-fronts: wwwd
	tests/run tests/fronts/run

check-lecture: wwwd
	tests/run tests/lecture/check

ANALYSED = $(SOURCES:%.c=build/%.analysed)
lint: $(ANALYSED)
	clang-format --dry-run --Werror http.h $(SOURCES) $(wildcard tests/*.[ch] tests/*/*.[ch])
	for source in $(SOURCES); do clang-tidy --quiet $$source -- -std=c11 || exit 1; done
	cppcheck --quiet --enable=warning,performance,portability --inline-suppr \
		--error-exitcode=1 $(SOURCES)
	! mandoc -T lint wwwd.8 2>&1 | grep -v 'referenced manual not found\|outdated mandoc.db'

$(ANALYSED): build/%.analysed: %.c http.h
	mkdir -p $(@D)
	$(CC) $(LANGUAGE) -O2 -fanalyzer -Werror -c -o $@ $<

# The null handlers it compares with are built as these two are.
bench: wwwd wwwd-static build/floods/rude
	CC='$(CC)' CFLAGS='$(HARDENING) $(CFLAGS)' LDFLAGS='$(RELRO) $(LDFLAGS)' \
	STATIC_CC='$(MUSL_CC)' STATIC_CFLAGS='$(STATIC)' tests/bench/run

# The same as something grows: idle connections up to a million, files, sizes, and so on.
bench-curves: wwwd build/floods/rude
	tests/run tests/bench/curves

# ---- install ----

# The static build is installed where there is one, rebuilt first if it is older than its sources.
STATIC_ONE := $(if $(wildcard wwwd-static)$(filter static,$(MAKECMDGOALS)),wwwd-static)

UNITS = $(notdir $(wildcard systemd/*.service systemd/*.socket systemd/*.slice))
INSTALL = DESTDIR='$(DESTDIR)' BINDIR='$(BINDIR)' MANDIR='$(MANDIR)' DOCDIR='$(DOCDIR)' \
	UNITDIR='$(UNITDIR)' SYSUSERSDIR='$(SYSUSERSDIR)' SITE='$(SITE)' systemd/install

install: wwwd $(STATIC_ONE)
	$(INSTALL) $(STATIC_ONE)

# What a person may have put into $(SITE) stays, and so does the user.
uninstall:
	rm -f "$(DESTDIR)$(BINDIR)/wwwd" "$(DESTDIR)$(BINDIR)/wwwd-static"
	rm -f "$(DESTDIR)$(MANDIR)/wwwd.8" "$(DESTDIR)$(SYSUSERSDIR)/wwwd.conf"
	rm -f $(foreach unit,$(UNITS),"$(DESTDIR)$(UNITDIR)/$(unit)")
	rm -rf "$(DESTDIR)$(DOCDIR)"

# Debian packages, in build/deb; an OCI image of the static build. The time of the files in them is that
# of the last commit, or in an archive of the sources that of the newest.
deb image: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || \
	stat -c %Y $(SOURCES) http.h Makefile README wwwd.8 | sort -n | tail -n 1)
deb:
	systemd/deb '$(VERSION)'

image: wwwd-static
	mkdir -p build
	systemd/image '$(VERSION)' wwwd-static build/wwwd.oci.tar

dist:
	git archive --prefix=wwwd-$(VERSION)/ -o wwwd-$(VERSION).tar.gz HEAD

clean:
	rm -rf wwwd wwwd-static build
	rm -f wwwd-$(VERSION).tar.gz

# What installs packages or removes files is done before anything else begins.
ifneq ($(filter deps% clean,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif
.PHONY: all static deps run lecture check check-32 check-asan check-browser check-deb check-site \
	check-differential check-faults check-floods check-fresh check-fronts check-image \
	check-lecture check-programs check-supervisors coverage fuzz fuzz-afl fuzz-keep soak \
	lint bench install uninstall deb image dist clean check-processors check-releases \
	bench-curves check-kernels
