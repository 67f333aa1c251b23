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
# what the kernel calls this machine, for the seccomp filter: AUDIT_ARCH_X86_64 ...
ARCH = AUDIT_ARCH_$(shell $(CC) -dumpmachine | sed 's/-.*//' | tr a-z A-Z)
LANGUAGE = -std=c11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DSECCOMP_ARCH=$(ARCH) $(WARNINGS)

# One process a connection: start-up is what counts, so nothing is linked, moved or mapped that
# need not be. musl's compiler doesn't see the kernel's headers by itself.
STATIC = -DWWWD_STATIC -Os -fstack-protector-strong -ffunction-sections -fdata-sections \
	-fno-asynchronous-unwind-tables -fno-pie -no-pie -static -s -Wl,--gc-sections,-z,noseparate-code \
	-idirafter /usr/include -idirafter /usr/include/$(shell $(CC) -print-multiarch)

SOURCES = wwwd.c http.c
TESTS = tests/check_http tests/check_wire tests/check_process

all: wwwd

wwwd: $(SOURCES) http.h Makefile
	$(CC) $(LANGUAGE) $(HARDENING) $(CFLAGS) $(RELRO) $(LDFLAGS) -o $@ $(SOURCES)

static: wwwd-static

wwwd-static: $(SOURCES) http.h Makefile
	$(MUSL_CC) $(LANGUAGE) $(STATIC) -o $@ $(SOURCES)

# Installs what is missing of a list of packages, and does nothing when nothing is.
deps:
	tests/deps tests/packages
deps-browser:
	tests/deps tests/packages-browser
deps-lint:
	tests/deps tests/packages-lint
deps-bench:
	tests/deps tests/bench/packages
deps-supervisors:
	tests/deps tests/supervisors/packages

run: wwwd
	./wwwd -d www -h 127.0.0.1 -p 0

clean:
	rm -rf wwwd wwwd-static $(TESTS) tests/fuzz_http tests/intruder.so build wwwd-$(VERSION).tar.gz

dist:
	git archive --prefix=wwwd-$(VERSION)/ -o wwwd-$(VERSION).tar.gz HEAD

.NOTPARALLEL:
.PHONY: all static deps deps-browser deps-lint deps-bench deps-supervisors run clean dist
