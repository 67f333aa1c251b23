#!/bin/sh
# curl, wget, zsync and apt, as they come, against a server that listens by itself, and curl against
# one that tcpserver starts for each connection.
# $WWWD names the program, ./wwwd otherwise. Says "N passed, N failed, N skipped" at the end.
set -eu

wwwd=$(realpath "${WWWD:-./wwwd}")
. "$(dirname "$0")/kit/check.sh"
top=$scratch
site=$top/site
server=
supervisor=

end() {
	status=$?
	for pid in $server $supervisor; do
		kill "$pid" || true
		wait "$pid" || true
	done
	rm -rf "$top"
	exit "$status"
}
trap end EXIT
trap 'exit 1' HUP INT TERM

# is NAME WANTED GOT
is() {
	check "$1: wanted '$2', got '$3'" [ "$2" = "$3" ]
}

# has NAME TEXT FILE: a line of the file has the text, in whatever case
has() {
	check "$1: no '$2'" grep -qiF -- "$2" "$3"
}

lacks() {
	check "$1: '$2' is there" no grep -qiF -- "$2" "$3"
}

no() {
	! "$@"
}

same() {
	check "$1: the bytes differ" cmp -s "$2" "$3"
}

# Only these options: no configuration of the user who runs this, and no proxy.
fetch() {
	curl -q --silent --show-error --noproxy '*' --max-time 10 "$@"
}

status() {
	fetch -o "$top/body" -w '%{http_code}' "$@"
}

get() {
	wget --no-config --no-proxy --quiet --tries=1 --timeout=10 "$@"
}

# wait_for PATTERN FILE: what a line of it has where the pattern has \(...\), once there is one
wait_for() {
	i=0
	while ! grep -qs "$1" "$2" && [ $i -lt 100 ]; do
		sleep 0.05
		i=$((i + 1))
	done
	sed -n "s|$1|\\1|p" "$2"
}

header() {
	sed -n "s/^$1: *//Ip" "$2" | tr -d '\r'
}

# ---- the site ----

mkdir -p "$site/folder" "$site/a b"
head -c 3000000 /dev/urandom >"$site/big.bin"
head -c 1500000 /dev/zero >"$top/too-much"
echo 'plain text' >"$site/plain.txt"
echo 'an odd name' >"$site/a b/100% & ü?.txt"
echo '<title>index</title>' >"$site/index.html"
i=0
while [ $i -lt 200 ]; do
	echo "line $i, which is much like all the others"
	i=$((i + 1))
done >"$site/page.txt"
gzip -k "$site/page.txt"

"$wwwd" -d "$site" -h 127.0.0.1 -p 0 --quiet 2>"$top/err" &
server=$!
url=$(wait_for '.* \(http://127[^ ]*\)/$' "$top/err")
[ -n "$url" ] || { cat "$top/err"; exit 1; }

# ---- curl ----

fetch -o "$top/got" "$url/big.bin"
same 'curl, download' "$site/big.bin" "$top/got"
is 'curl, checksum' "$(sha256sum <"$site/big.bin")" "$(fetch "$url/big.bin" | sha256sum)"

head -c 1000000 "$site/big.bin" >"$top/got"
is 'curl -C -, status' 206 \
	"$(fetch -C - -o "$top/got" -w '%{http_code}' "$url/big.bin")"
same 'curl -C -, resumed' "$site/big.bin" "$top/got"
# when there is nothing left to get, the server says so, and curl is content
check 'curl -C -, nothing left' fetch -C - -o "$top/got" "$url/big.bin"
same 'curl -C -, still whole' "$site/big.bin" "$top/got"

fetch -I "$url/big.bin" >"$top/head"
is 'curl -I, length' 3000000 "$(header content-length "$top/head")"
is 'curl -I, ranges' bytes "$(header accept-ranges "$top/head")"
has 'curl -I, date' 'last-modified: ' "$top/head"

is 'curl -d, a form' 200 "$(status -d 'name=value&other=1' "$url/plain.txt")"
same 'curl -d, the file' "$site/plain.txt" "$top/body"
is 'curl -d, no such file' 404 "$(status -d 'name=value' "$url/none")"
is 'curl -F, multipart' 200 "$(status -F "file=@$site/page.txt" "$url/plain.txt")"
is 'curl, chunked upload' 200 \
	"$(status -X POST -H 'Transfer-Encoding: chunked' -T - "$url/plain.txt" <"$site/page.txt")"
same 'curl, chunked upload, the file' "$site/plain.txt" "$top/body"
is 'curl, 1 MB is let in' 200 "$(head -c 1000000 "$top/too-much" |
	status --data-binary @- "$url/plain.txt")"
is 'curl, 1.5 MB is not' 413 "$(status --data-binary "@$top/too-much" "$url/plain.txt" || true)"
is 'curl, 1.5 MB without asking first' 413 \
	"$(status -H 'Expect:' --data-binary "@$top/too-much" "$url/plain.txt" || true)"
is 'curl, 1.5 MB in chunks' 413 "$(status -X POST -H 'Expect:' -H 'Transfer-Encoding: chunked' \
	-T - "$url/plain.txt" <"$top/too-much" || true)"
is 'curl -X PUT' 405 "$(status -T "$site/plain.txt" "$url/new.txt")"
is 'curl -X PUT, 1.5 MB' 405 "$(status -T "$top/too-much" "$url/new.txt" || true)"
is 'curl -X OPTIONS' 204 "$(status -X OPTIONS "$url/")"

fetch -v -o "$top/1" "$url/plain.txt" -o "$top/2" "$url/page.txt" -o "$top/3" "$url/none" \
	-o "$top/4" "$url/plain.txt" 2>"$top/log"
is 'curl, one connection for four' 3 "$(grep -ci 're-\?using.*connection' "$top/log")"
same 'curl, the fourth of them' "$site/plain.txt" "$top/4"

for coding in gzip br zstd; do
	case $coding in
	gzip) suffix=gz make="gzip -c" ;;
	br) suffix=br make="brotli -c" ;;
	zstd) suffix=zst make="zstd -qc" ;;
	esac
	if ! command -v "${make%% *}" >/dev/null ||
		! curl -V | grep -qi "${coding%zip}"; then
		skip "curl --compressed, $coding" "curl or ${make%% *} lacks it"
		continue
	fi
	cp "$site/page.txt" "$site/$coding.txt"
	$make "$site/$coding.txt" >"$site/$coding.txt.$suffix"
	fetch --compressed -D "$top/head" -o "$top/got" "$url/$coding.txt"
	same "curl --compressed, $coding" "$site/page.txt" "$top/got"
	is "curl --compressed, $coding, coding" "$coding" "$(header content-encoding "$top/head")"
	is "curl --compressed, $coding, size" "$(wc -c <"$site/$coding.txt.$suffix")" \
		"$(header content-length "$top/head")"
	has "curl --compressed, $coding, Vary" accept-encoding "$top/head"
	fetch -D "$top/head" -o "$top/got" "$url/$coding.txt"
	same "curl, not compressed, beside $coding" "$site/page.txt" "$top/got"
	lacks "curl, not compressed, beside $coding" content-encoding "$top/head"
done

tail -c +101 "$site/big.bin" | head -c 100 >"$top/want"
is 'curl -r, status' 206 "$(status -r 100-199 "$url/big.bin")"
same 'curl -r 100-199' "$top/want" "$top/body"
tail -c 50 "$site/big.bin" >"$top/want"
fetch -r -50 -o "$top/got" "$url/big.bin"
same 'curl -r -50' "$top/want" "$top/got"
fetch -r 2999950- -o "$top/got" "$url/big.bin"
same 'curl -r 2999950-' "$top/want" "$top/got"
fetch -r 0-1,5-5 -D "$top/head" -o "$top/got" "$url/plain.txt"
has 'curl -r, two' 'multipart/byteranges; boundary=' "$top/head"
is 'curl -r, out of reach' 416 "$(status -r 3000000- "$url/big.bin")"

is 'curl -z, unchanged' 304 "$(status -z "$site/plain.txt" "$url/plain.txt")"
is 'curl -z, changed' 200 "$(status -z 'Sun, 06 Nov 1994 08:49:37 GMT' "$url/plain.txt")"
fetch --etag-save "$top/etag" -o "$top/got" "$url/plain.txt"
is 'curl --etag-compare, unchanged' 304 "$(status --etag-compare "$top/etag" "$url/plain.txt")"
echo 'other text' >"$site/plain.txt"
is 'curl --etag-compare, changed' 200 "$(status --etag-compare "$top/etag" "$url/plain.txt")"

is 'curl, folder without a slash' 301 "$(status "$url/folder?a=b")"
is 'curl -L, where to' "200 $url/folder/?a=b" \
	"$(fetch -L -o "$top/got" -w '%{http_code} %{url_effective}' "$url/folder?a=b")"
is 'curl, percent names' 200 "$(status "$url/a%20b/100%25%20%26%20%C3%BC%3F.txt")"
same 'curl, percent names, the file' "$site/a b/100% & ü?.txt" "$top/body"
is 'curl --path-as-is, dot segments' 200 "$(status --path-as-is "$url/folder/.././plain.txt")"
is 'curl --path-as-is, above the root' 400 "$(status --path-as-is "$url/../../etc/passwd")"
is 'curl, none' 404 "$(status "$url/none")"

is 'curl --http1.0' 200 "$(status --http1.0 "$url/plain.txt")"
same 'curl --http1.0, the file' "$site/plain.txt" "$top/body"
is 'curl --http1.0, keep-alive' 200 \
	"$(status --http1.0 -H 'Connection: keep-alive' "$url/plain.txt")"
# the preface of HTTP/2, and an offer to switch to it
is 'curl --http2' 200 "$(status --http2 "$url/plain.txt")"
check 'curl --http2-prior-knowledge, refused' no \
	fetch --http2-prior-knowledge -o "$top/got" "$url/plain.txt" 2>/dev/null
is 'curl, and on' 200 "$(status "$url/plain.txt")"

# ---- wget ----

get -O "$top/got" "$url/big.bin"
same 'wget, download' "$site/big.bin" "$top/got"
head -c 1000000 "$site/big.bin" >"$top/big.bin"
(cd "$top" && get -c "$url/big.bin")
same 'wget -c, resumed' "$site/big.bin" "$top/big.bin"
check 'wget -c, nothing left' get -c -P "$top" "$url/big.bin"
check 'wget --spider' get --spider "$url/plain.txt"
check 'wget --spider, none' no get --spider "$url/none"
get -O "$top/got" --post-data 'name=value' "$url/plain.txt"
same 'wget --post-data' "$site/plain.txt" "$top/got"
get -P "$top/stamped" "$url/plain.txt"
is 'wget, the time' "$(stat -c %Y "$site/plain.txt")" "$(stat -c %Y "$top/stamped/plain.txt")"
wget --no-config --no-proxy --tries=1 --timeout=10 -N -P "$top/stamped" "$url/plain.txt" \
	2>"$top/log"
has 'wget -N, unchanged' 'not modified' "$top/log"
if wget --help | grep -q -- '--compression'; then
	get --compression=auto -O "$top/got" "$url/page.txt"
	same 'wget --compression=auto' "$site/page.txt" "$top/got"
fi
# by the listings' links: every file, and none from elsewhere; the pages of other orders aside
rm "$site/index.html"
get -r -l 5 -np -nH -R 'index.html*' -P "$top/mirror" "$url/"
for name in plain.txt big.bin 'a b/100% & ü?.txt'; do
	same "wget -r, $name" "$site/$name" "$top/mirror/$name"
done

# ---- zsync: what differs is fetched in one request of many ranges ----

if command -v zsync >/dev/null; then
	mkdir "$site/zsync" "$top/zsync"
	cp "$site/big.bin" "$site/zsync/new.bin"
	cp "$site/big.bin" "$top/zsync/old.bin"
	i=0
	while [ $i -lt 25 ]; do
		printf 'different' | dd of="$top/zsync/old.bin" bs=1 seek=$((i * 100000 + 50000)) \
			conv=notrunc status=none
		i=$((i + 1))
	done
	zsyncmake -u new.bin -o "$site/zsync/new.zsync" "$site/zsync/new.bin" 2>/dev/null
	synchronize() {
		(cd "$top/zsync" && env -u http_proxy zsync -i old.bin "$url/zsync/new.zsync") \
			>"$top/log" 2>&1
	}
	check zsync synchronize
	same 'zsync, the file' "$site/zsync/new.bin" "$top/zsync/new.bin"
	fetched=$(sed -n 's/.*fetched \([0-9]*\).*/\1/p' "$top/log")
	check "zsync, only what differs: ${fetched:-nothing} bytes" [ "${fetched:-3000000}" -lt 1000000 ]
else
	skip zsync 'it is not here'
fi

# ---- apt: of a flat repository it asks for /flat/./Packages ----

if command -v apt-get >/dev/null; then
	mkdir -p "$site/flat" "$top/apt/state/lists/partial" "$top/apt/cache/archives/partial"
	: >"$top/apt/status"
	head -c 1000 "$site/big.bin" >"$site/flat/trivial.deb"
	cat >"$site/flat/Packages" <<-END
		Package: trivial
		Version: 1
		Architecture: all
		Maintainer: none
		Filename: ./trivial.deb
		Size: 1000
		SHA256: $(sha256sum <"$site/flat/trivial.deb" | cut -d ' ' -f 1)
		Description: nothing
	END
	echo "deb [trusted=yes] $url/flat ./" >"$top/apt/sources"
	# all of it in a folder, and nothing of what this machine's apt has or does
	cat >"$top/apt/conf" <<-END
		Dir::Etc::Main "/dev/null";
		Dir::Etc::Parts "/dev/null";
		Dir::Etc::SourceList "$top/apt/sources";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State "$top/apt/state";
		Dir::State::Status "$top/apt/status";
		Dir::Cache "$top/apt/cache";
		Dir::Log "$top/apt";
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::http::Proxy::127.0.0.1 "DIRECT";
	END
	apt() {
		(cd "$top/apt" && LC_ALL=C APT_CONFIG="$top/apt/conf" apt-get "$@") \
			>"$top/log" 2>&1 || { cat "$top/log" && false; }
	}
	check 'apt-get update' apt update
	has 'apt-get update' "Get:" "$top/log"
	check 'apt-get update, again' apt update
	lacks 'apt-get update, again' "Packages [" "$top/log"
	check 'apt-get download' apt download trivial
	same 'apt-get download, the file' "$site/flat/trivial.deb" "$top/apt/trivial_1_all.deb"
else
	skip apt 'it is not here'
fi

# ---- tcpserver: files in several parts on one connection ----

if command -v tcpserver >/dev/null; then
	mkdir "$site/kept" "$top/kept"
	i=1
	while [ $i -le 20 ]; do
		tail -c +$((i * 1000)) "$site/big.bin" | head -c $((i * 3000)) >"$site/kept/$i.bin"
		i=$((i + 1))
	done
	tcpserver -1 -HRl0 127.0.0.1 0 "$wwwd" -d "$site" --quiet >"$top/port" 2>"$top/log" &
	supervisor=$!
	port=$(wait_for '^\([0-9]*\)$' "$top/port")
	is 'tcpserver, one connection for twenty' 1 "$(fetch -w '%{num_connects}\n' \
		-o "$top/kept/#1.bin" "http://127.0.0.1:$port/kept/[1-20].bin" | grep -c 1)"
	check 'tcpserver, the files' diff -r "$site/kept" "$top/kept"
	kill "$supervisor"
	wait "$supervisor" || true
	supervisor=
else
	skip tcpserver 'it is not here'
fi

# ---- the end ----

kill "$server"
code=0
wait "$server" || code=$?
server=
is 'the server, its end' 0 "$code"
tally
