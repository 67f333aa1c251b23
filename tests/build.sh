#!/bin/sh
# How wwwd is built and installed: what it is made of needs no Makefile, and what `make install`
# puts where. Says "N passed, N failed, N skipped" at the end.
set -u
cd "$(dirname "$0")/.." || exit 1

. tests/kit/check.sh
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

# ---- by a compiler alone ----

answers() {
	printf 'GET / HTTP/1.0\r\n\r\n' | "$1" -d www --quiet | grep -q '^HTTP/1.1 200 '
}

for compiler in cc gcc clang; do
	if ! command -v "$compiler" >/dev/null; then
		skip "$compiler" 'it is not here'
		continue
	fi
	for std in '' -std=c11 -std=gnu2x; do
		# shellcheck disable=SC2086 # nothing, or an option
		check "$compiler $std builds it" "$compiler" $std -Wall -Wextra -Wconversion -Werror \
			-o "$scratch/plain" wwwd.c http.c
		check "$compiler $std, an answer" answers "$scratch/plain"
	done
done

# ---- make install, from and to a folder with a space, by a compiler that only says it was there ----

tree="$scratch/a tree" to="$scratch/a root" local=usr/local
mkdir "$tree"
cp -r Makefile wwwd.c http.c http.h README LICENSE wwwd.8 systemd inetd "$tree"
cat >"$scratch/compiler" <<'EOF'
#!/bin/sh
while [ "$1" != -o ]; do shift; done
echo new >"$2"
EOF
chmod +x "$scratch/compiler"

# from_tree TARGET [VARIABLE=VALUE]...
from_tree() {
	make -C "$tree" CC="$scratch/compiler" MUSL_CC="$scratch/compiler" DESTDIR="$to" "$@"
}

# Files that may be executed, and those that may not.
modes() {
	(cd "$to" && find . -type f ! -perm 644 ! -path '*/bin/*' ! -path '*/tcps*' \
		! -path '*/s6-tcpserver') | diff - /dev/null &&
		(cd "$to" && find . ! -perm 755 ! -type f) | diff - /dev/null
}

check 'make install' from_tree install
check 'its program' cmp "$tree/wwwd" "$to/$local/bin/wwwd"
check 'its licence' cmp LICENSE "$to/$local/share/doc/wwwd/LICENSE"
check 'its unit' grep -q '^ExecStart=/usr/local/bin/wwwd ' "$to/$local/lib/systemd/system/wwwd@.service"
check 'its manual names the folders' grep -q '^.It Pa /usr/local/lib/systemd/system/wwwd.socket' \
	"$to/$local/share/man/man8/wwwd.8"
check 'its site' grep -q 'wwwd serves /srv/www' "$to/srv/www/index.html"
check 'its modes' modes

echo old >"$tree/wwwd-static"
touch -d 2001-01-01 "$tree/wwwd-static"
check 'make install, with a stale static build' from_tree install
check 'the static build is a new one' grep -q new "$to/$local/bin/wwwd-static"
check 'it is the one of the unit' grep -q '^ExecStart=/usr/local/bin/wwwd-static ' \
	"$to/$local/lib/systemd/system/wwwd@.service"
check 'the other unit has the dynamic one' grep -q '^ExecStart=/usr/local/bin/wwwd ' \
	"$to/$local/lib/systemd/system/wwwd-listen.service"

check 'make uninstall' from_tree uninstall
is_all() { [ "$(cd "$to" && find . -type f)" = "$1" ]; }
check 'it leaves the site alone' is_all ./srv/www/index.html

rm -rf "$to"
check 'make install SITE=, umask 077' sh -c 'umask 077 && "$@"' - \
	make -C "$tree" CC="$scratch/compiler" MUSL_CC="$scratch/compiler" DESTDIR="$to" SITE= install
check 'the modes all the same' modes
check 'no site is made' sh -c '! find "$1" -name index.html -o -name srv | grep .' - "$to"

check 'make install PREFIX=/usr' from_tree PREFIX=/usr SITE= install
check 'what it installs names /usr/local no more' \
	sh -c '! grep -r "/usr/local/\(bin/wwwd\|lib\|share\)" "$1" | grep -v /README:' - "$to/usr/share" \
	"$to/usr/lib"

# the line that strict.conf says it is installed by
line=$(sed -n "s|^# *\(install .*\) /etc|\1 '$to/etc|p" systemd/wwwd@.service.d/strict.conf)
check 'strict.conf by its own line' sh -c "umask 022 && cd '$to/$local/share/doc/wwwd' && $line'"
check 'the modes are right then too' modes

tally
