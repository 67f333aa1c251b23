#!/bin/bash
# What the documents say is true: the commands of README are run, and print what README shows below
# them; the make targets of all READMEs exist; wwwd.8 has the options of --help, and their ranges.
# Ports 8080 to 8093 of README stand for free ports here.
set -u
cd "$(dirname "$0")/.." || exit 1

. tests/kit/check.sh
top=$PWD
chmod 711 "$scratch" # for the user that root becomes
groups=()

finish() {
	for group in "${groups[@]}"; do
		kill -- "-$group" 2>/dev/null
	done
	wait 2>/dev/null
	rm -rf "$scratch"
}
trap finish EXIT

# Starts a command in a group of its own and waits until it says where it serves.
background() {
	set -m
	bash -c "exec $1" </dev/null >"$2" 2>&1 &
	groups+=($!)
	set +m
	for _ in $(seq 600); do
		grep -qsE 'serving|Listening on' "$2" && return 0
		sleep 0.1
	done
	return 1
}

# The kernel does not choose the port: it may give a port that it has chosen to another process
# before that port is used here.
free_port() {
	local port pid
	while true; do
		port=$((10000 + RANDOM % 20000))
		rm -f "$scratch/port" # what was said of the last one
		"$top/wwwd" -d www -p $port 2>"$scratch/port" &
		pid=$!
		for _ in $(seq 100); do
			grep -qs wwwd: "$scratch/port" && break
			sleep 0.05
		done
		kill $pid 2>/dev/null
		wait $pid
		grep -q serving "$scratch/port" && break
	done
	echo $port
}

# A copy of the sources, where commands find an apt-get that only writes down what it is asked
# for, and packages that are all installed or all missing ($1).
pretend() {
	mkdir -p "$scratch/a fresh tree" "$scratch/bin"
	cp -r Makefile wwwd.c http.c http.h tests www "$scratch/a fresh tree"
	echo "[ $1 = missing ] || echo install ok installed" >"$scratch/bin/dpkg-query"
	# shellcheck disable=SC2016 # variables of the script that is written
	echo 'echo "$@" >>"$(dirname "$0")/../asked"' >"$scratch/bin/apt-get"
	# shellcheck disable=SC2016
	echo 'exec "$@"' >"$scratch/bin/sudo"
	sed -i '1i #!/bin/sh' "$scratch"/bin/*
	chmod +x "$scratch"/bin/*
	: >"$scratch/asked"
}

asked_for() {
	grep -q "^install .* $1\$" "$scratch/asked" || { cat "$scratch/asked"; return 1; }
}

ports=()
for port in {8080..8093}; do
	ports+=(-e "s/\b$port\b/$(free_port)/g")
done
first_port=$(sed "${ports[@]}" <<<8080)

# ---- what README shows below a command ----

# Lines without what differs from one machine and one moment to another.
plain() {
	sed -E -e 's/\r$//' -e 's/[[:blank:]]+/ /g' -e 's/^ //' -e 's/^ETag: .*/ETag/' \
		-e 's/[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT/DATE/' \
		-e 's/[0-9]{4}(-[0-9]{2}){2}T[0-9:]{8}Z/TIME/' -e 's|\[[0-9]{2}/[^]]*\]|[TIME]|' \
		-e 's/serving .* at /serving FOLDER at /' -e 's|curl/[0-9.]+|curl|'
}

# Standard input has the lines that README shows: all of them but "..." are in the file $1, in this
# order.
prints() {
	sed "${ports[@]}" | plain | grep -v '^\.\.\.$' >"$scratch/wanted"
	plain <"$1" | awk -v at=0 'NR == FNR { want[n++] = $0; next } at < n && $0 == want[at] { at++ }
		END { if (at < n) print "missing: " want[at]; exit at < n }' \
		"$scratch/wanted" - >"$scratch/compared"
}

# Of the command $1, counted from 1.
shown_below() {
	awk -v number="$1" '/^    \$ / { at++; on = 1; next } !/^    [^#]/ { on = 0 }
		on && at == number' README
}

# ---- the commands, in their order, in a folder where they find what they name ----

ln -s "$top/wwwd" "$top/www" "$scratch/"
n=0
while IFS= read -r command; do
	n=$((n + 1))
	case "$command" in
	*'make deps run')
		pretend missing
		cd "$scratch/a fresh tree" || exit 1
		PATH=$scratch/bin:$PATH background "bash -c '$command PORT=$first_port'" "$scratch/$n"
		cd "$top" || exit 1
		curl -A test -sf "http://127.0.0.1:$first_port/" | grep -q wwwd
		ok $? "$command" "$scratch/$n"
		asked_for make && asked_for 'gcc libc6-dev libsystemd-dev'
		ok $? 'it installs what building needs, and no more' "$scratch/asked" ;;
	*'make deps-check check')
		pretend missing
		# which is what runs this
		(cd "$scratch/a fresh tree" && PATH=$scratch/bin:$PATH &&
			bash -c "${command/make deps-check/make -n deps-check}") >"$scratch/$n" 2>&1
		ok $? "$command" "$scratch/$n"
		pretend there
		(cd "$scratch/a fresh tree" && PATH=$scratch/bin:$PATH &&
			bash -c "${command% check}") >"$scratch/$n" 2>&1 && [ ! -s "$scratch/asked" ]
		ok $? 'it installs nothing where nothing is missing' "$scratch/asked" ;;
	*'&')
		cd "$scratch" || exit 1
		background "$(sed "${ports[@]}" <<<"${command%&}")" "$scratch/$n"
		ok $? "$command" "$scratch/$n"
		cd "$top" || exit 1 ;;
	*)
		(cd "$scratch" && timeout 20 bash -o pipefail -c "$(sed "${ports[@]}" <<<"$command")") \
			>"$scratch/$n" 2>"$scratch/said"
		status=$?
		cat "$scratch/said" >>"$scratch/$n"
		ok $status "$command" "$scratch/$n" ;;
	esac
done < <(sed -n 's/^    \$ //p' README)
[ "$n" -gt 15 ]
ok $? "README has commands: $n"

shown=0
for ((i = 1; i <= n; i++)); do
	[ -n "$(shown_below "$i")" ] || continue
	shown=$((shown + 1))
	shown_below "$i" | prints "$scratch/$i"
	ok $? "what README shows below its command $i is printed" "$scratch/compared"
done
[ "$shown" -gt 5 ]
ok $? "README shows what commands print: $shown"
# a log line, which stands on two lines there; the server of the first command has written it
sed -n '/^    127\.0\.0\.1 - - /{N;s/\n */ /;p}' README >"$scratch/line"
[ -s "$scratch/line" ] && prints "$scratch/1" <"$scratch/line"
ok $? 'the log line of README is written' "$scratch/compared"

# ---- the targets of make that READMEs name ----

n=0
while IFS= read -r command; do
	n=$((n + 1))
	bash -c "make -n ${command#make}" >"$scratch/made" 2>&1
	ok $? "$command" "$scratch/made"
done < <(sed -nE 's/^    [#$] //p' README tests/README systemd/README | sed 's/ *&& */\n/g' |
	sed -n '/^make /{s/  .*//;p}' | sort -u)
[ "$n" -gt 15 ]
ok $? "READMEs have targets: $n"

# ---- the form of the documents, and the options ----

! LC_ALL=C grep -nE '.{81}|[^ -~]' README tests/README systemd/README
ok $? 'READMEs are plain text within 80 columns'
options() { grep -oE -- '--[a-z-]+[a-z]' | sort -u; }
./wwwd --help | options >"$scratch/help"
sed -n '/^\.It Fl/p' wwwd.8 | grep -oE 'Fl (d , |h , |p , )?-[a-z-]+' | sed 's/.* -/--/' | sort -u >"$scratch/page"
diff "$scratch/help" "$scratch/page" >"$scratch/diff"
ok $? 'wwwd.8 has the options of --help' "$scratch/diff"

# "range A to B" is what the program says of a number that is too large or too small.
n=0
while read -r option least most; do
	n=$((n + 1))
	for number in 0 9223372036854775808 32000000; do
		./wwwd "$option" "$number" -h 0.0.0.0:1 2>&1 | sed -n 's/.* out of range, which is //p'
	done | sort -u >"$scratch/range"
	echo "$least to $most" | diff - "$scratch/range" >"$scratch/diff"
	ok $? "the range of $option in wwwd.8" "$scratch/diff"
done < <(awk '/^\.It Fl -/ { option = "-" $3 } match($0, /[Rr]ange .* to .*\.$/) {
	split(substr($0, RSTART, RLENGTH - 1), word, " "); print option, word[2], word[4] }' wwwd.8)
[ "$n" -gt 10 ]
ok $? "wwwd.8 has ranges: $n"

tally
