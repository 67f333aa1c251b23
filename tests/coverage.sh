#!/bin/sh
# tests/coverage.sh SOURCE LEAST PROGRAM... - runs the programs of the measured build, which is in
# build/coverage, and prints how much of SOURCE they have covered, and each branch that none of them
# took. Fails if one of them does, or if fewer than LEAST per cent of the branches were taken.
set -eu

source=$1 least=$2
shift 2
build=$PWD/build/coverage
# Root's children become nobody, who may not look into every checkout, nor make a file beside it:
# what is counted goes to files that are there before, and that all of them may write.
counts=$(mktemp -d)
trap 'rm -rf "$counts"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$counts"
for notes in "$build"/*.gcno; do
	name=$(basename "$notes" .gcno)
	rm -f "$build/$name.gcda"
	: >"$counts/$name.gcda"
	chmod 666 "$counts/$name.gcda"
done
export GCOV_PREFIX="$counts" GCOV_PREFIX_STRIP=99
tests/run "$@"
# what a program and a password need runs in processes of its own
for suite in programs passwords files; do
	CK_RUN_SUITE=$suite tests/run build/tests/check_process
done
unset GCOV_PREFIX GCOV_PREFIX_STRIP
find "$counts" -type f -size +0 -exec cp {} "$build" \;

# what lcov's Perl has to say of itself is of no use, unless it fails
lcov="lcov --rc lcov_branch_coverage=1"
if ! {
	$lcov --quiet --capture --directory "$build" --output-file "$build/all.info" &&
		$lcov --quiet --extract "$build/all.info" "$PWD/$source" \
			--output-file "$build/$source.info"
} 2>"$build/lcov.log"; then
	cat "$build/lcov.log"
	exit 1
fi
echo
$lcov --summary "$build/$source.info" 2>/dev/null | sed '/^Reading/d; /^Summary/d'

awk -v source="$source" -v least="$least" -F '[:,]' '
	FNR == NR { text[FNR] = $0; next }
	/^BRDA:/ { total[$2]++; all++; if ($5 + 0 == 0) { missed[$2]++; none++ } }
	/^BRDA:/ && $2 > last { last = $2 }
	END {
		for (line = 1; line <= last; line++)
			if (missed[line]) {
				sub(/^[ \t]*/, "", text[line])
				printf "%s:%d: %d of %d never taken: %s\n", source, line,
					missed[line], total[line], text[line]
			}
		printf "%d of %d branches taken, %d never: %.2f%%, and %s%% is the least\n",
			all - none, all, none, 100 * (all - none) / all, least
		exit !(all && 100 * (all - none) >= least * all)
	}' "$source" "$build/$source.info"
