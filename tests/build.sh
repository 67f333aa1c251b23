#!/bin/sh
# How wwwd is built and installed: what it is made of needs no Makefile, and what `make install`
# puts where. Says "N passed, N failed, N skipped" at the end.
set -u
cd "$(dirname "$0")/.." || exit 1

passed=0 failed=0 skipped=0
top=$PWD
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

# check NAME COMMAND...: the command succeeds; what it says is shown where it does not
check() {
	name=$1
	shift
	if "$@" >"$scratch/said" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $name"
		sed 's/^/    /' "$scratch/said"
	fi
}

# ---- by a compiler alone ----

answers() {
	printf 'GET / HTTP/1.0\r\n\r\n' | "$1" -d www --quiet | grep -q '^HTTP/1.1 200 '
}

for compiler in cc gcc clang; do
	if ! command -v "$compiler" >/dev/null; then
		echo "skipped: there is no $compiler"
		skipped=$((skipped + 1))
		continue
	fi
	for std in '' -std=c11 -std=gnu2x; do
		# shellcheck disable=SC2086 # nothing, or an option
		check "$compiler $std builds it" "$compiler" $std -Wall -Wextra -Wconversion -Werror \
			-o "$scratch/plain" wwwd.c http.c
		check "$compiler $std, an answer" answers "$scratch/plain"
	done
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
