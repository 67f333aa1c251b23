#!/bin/bash
# What the README says is true: its commands are run, its options are the program's.
# Ports 8080 to 8084 stand for free ones here.
set -u
cd "$(dirname "$0")/.." || exit 1

passed=0 failed=0
top=$PWD
scratch=$(mktemp -d) || exit 1
groups=()

finish() {
	for group in "${groups[@]}"; do
		kill -- "-$group" 2>/dev/null
	done
	wait 2>/dev/null
	rm -rf "$scratch"
}
trap finish EXIT

ok() {
	if [ "$1" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $2"
		[ $# -lt 3 ] || sed 's/^/    /' "$3"
	fi
}

# Starts a command in a group of its own and waits until it says where it serves.
background() {
	set -m
	bash -c "exec $1" </dev/null >"$2" 2>&1 &
	groups+=($!)
	set +m
	for _ in $(seq 100); do
		grep -qsE 'serving|Listening on' "$2" && return 0
		sleep 0.1
	done
	return 1
}

# Not the kernel's choice: of those it may give one to somebody else before it is used here.
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

# A copy of the sources, where commands find an apt-get that writes down what it is asked
# for, and packages that are all there or all missing ($1).
pretend() {
	mkdir -p "$scratch/a fresh tree" "$scratch/bin"
	cp -r Makefile wwwd.c http.c http.h tests www "$scratch/a fresh tree"
	echo "[ $1 = missing ] || echo install ok installed" >"$scratch/bin/dpkg-query"
	# shellcheck disable=SC2016 # their own variables
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
for port in 8080 8081 8082 8083 8084; do
	ports+=(-e "s/\b$port\b/$(free_port)/g")
done

# ---- the commands, in their order, in a folder where they find what they name ----

ln -s "$top/wwwd" "$top/www" "$scratch/"
n=0
while IFS= read -r command; do
	n=$((n + 1))
	case "$command" in
	*'make deps run')
		pretend missing
		cd "$scratch/a fresh tree" || exit 1
		PATH=$scratch/bin:$PATH background "bash -c '$command PORT=0'" "$scratch/$n"
		cd "$top" || exit 1
		url=$(sed -n 's|.* at \(http://[^ ]*\).*|\1|p' "$scratch/$n")
		curl -sf "$url" | grep -q wwwd
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
			>"$scratch/$n" 2>&1
		ok $? "$command" "$scratch/$n" ;;
	esac
done < <(sed -n 's/^    \$ //p' README)
[ "$n" -gt 15 ]
ok $? "README has commands: $n"

# ---- its form, and its options ----

! LC_ALL=C grep -nE '.{81}|[^ -~]' README
ok $? 'README is plain text within 80 columns'
options() { grep -oE -- '--[a-z-]+[a-z]' | sort -u; }
./wwwd --help | options >"$scratch/help"
sed -n '/^OPTIONS/,/^Signals/p' README | options >"$scratch/readme"
diff "$scratch/help" "$scratch/readme" >"$scratch/diff"
ok $? 'README has the options of --help' "$scratch/diff"
sed -n '/^\.It Fl/p' wwwd.8 | grep -oE 'Fl (d , |h , |p , )?-[a-z-]+' | sed 's/.* -/--/' | sort -u >"$scratch/page"
diff "$scratch/help" "$scratch/page" >"$scratch/diff"
ok $? 'wwwd.8 has the options of --help' "$scratch/diff"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
