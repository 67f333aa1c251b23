# What the test scripts share: a tally of checks, and a folder, which they remove at their end.
# shellcheck shell=sh

passed=0 failed=0 skipped=0
scratch=$(mktemp -d) || exit 1

# ok STATUS NAME [FILE]: the end of what is in the file is shown where it went wrong
ok() {
	if [ "$1" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $2"
		[ $# -lt 3 ] || tail -n 40 "$3" | sed 's/^/    /'
	fi
}

# check NAME COMMAND...: the command succeeds; what it says is shown where it does not
check() {
	name=$1 status=0
	shift
	"$@" >"$scratch/said" 2>&1 || status=$?
	ok $status "$name" "$scratch/said"
}

# skip NAME REASON
skip() {
	echo "skipped: $1: $2"
	skipped=$((skipped + 1))
}

# The line that tests/run reads; the exit status of the script.
tally() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
}
