/* The tree that is served: every kind of file that a server can stumble over. */
#include "wire.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum kind { FILE_OF, FOLDER, LINK_TO, FIFO, SOCKET, DEVICE };

struct entry {
	enum kind kind;
	const char *path;
	const char *content; /* or the target of a link */
	long later;          /* seconds after TEN_STAMP */
	mode_t mode;         /* 0: 0644, folders 0755 */
};

#define EVERY_ANSWER "--header", "X-Wire: on every answer"

const char *const wire_folders[WIRE_SERVERS] = {
	[MAIN] = "site",     [SMALL] = "small",   [FRONTED] = "site", [PROXIED] = "site",
	[HOSTED] = "hosted", [STRICT] = "strict", [RULED] = "ruled",  [HASTY] = "site",
};

/* clang-format off */
const char *const wire_options[WIRE_SERVERS][WIRE_OPTIONS] = {
	[MAIN] = { EVERY_ANSWER },
	[SMALL] = { EVERY_ANSWER, "--no-listing", "--header", "Cache-Control: no-store" },
	[FRONTED] = { EVERY_ANSWER },
	[PROXIED] = { EVERY_ANSWER },
	[HOSTED] = { EVERY_ANSWER, "--hosts" },
	[STRICT] = { EVERY_ANSWER, "--hosts", "--no-listing" },
	[RULED] = { EVERY_ANSWER, "--clean-urls", "--fallback", "app.html",
		    "--index", "index.html", "--index", "home.html", "--index", "README",
		    "--type", "md=text/plain", "--type", "md=text/markdown; variant=GFM",
		    "--type", "=text/x-none", "--type", "shtml=text/html",
		    "--no-log", "/healthz", "--no-log", "/probe/*",
		    "--header", "Cache-Control: max-age=60",
		    "--header", "/assets/* Cache-Control: max-age=31536000, immutable",
		    "--header", "*.map Cache-Control: no-store",
		    "--header", "/sub* X-Path: below",
		    "--header", "/a*b/* X-Path: never",
		    "--header", "/* X-Known: path", },
	[HASTY] = { EVERY_ANSWER },
};
/* clang-format on */

#define TRUSTED                                                                                \
	"--forwarded-from", "127.0.0.1", "--forwarded-from", "10.0.0.0/8", "--forwarded-from", \
		"2001:db8:f::/48"

/* The options of each server that say nothing of its site; wire_options has the others. */
const char *const wire_limits[SERVED][WIRE_OPTIONS] = {
	[SMALL] = { "--line-max", "512", "--header-max", "2K", "--fields-max", "10", "--body-max",
		    "1K", "--requests-max", "3" },
	[FRONTED] = { "--https-only", TRUSTED },
	[PROXIED] = { "--https-only", "--proxy-protocol", TRUSTED },
};

/* A mode that is not 0, and permits nothing. */
#define NOBODYS S_IFMT

#define TYPE(extension, type) { FILE_OF, "site/types/x." extension, "a type", 0, 0 },

/* The folders that something is in are made for it; one that nobody may enter gets its mode at the end. */
static const struct entry tree[] = {
	{ FILE_OF, "outside/secret.txt", SECRET, 0, 0 },
	{ FILE_OF, "outside/index.html", SECRET, 0, 0 },
	{ FILE_OF, "secret.txt", SECRET, 0, 0 },
	{ FILE_OF, "site-beside/secret.txt", SECRET, 0, 0 },

	{ FILE_OF, "site/index.html", "ROOT INDEX", 0, 0 },
	{ FILE_OF, "site/ten.txt", TEN, 0, 0 },
	{ FILE_OF, "site/sentinel.txt", "SENTINEL", 0, 0 },
	{ FILE_OF, "site/poison.txt", POISON, 0, 0 },
	{ FILE_OF, "site/empty.txt", "", 0, 0 },
	{ FILE_OF, "site/old.txt", "EPOCH", -TEN_STAMP, 0 },
	{ FILE_OF, "site/sub/index.html", "SUB INDEX", 0, 0 },
	{ FILE_OF, "site/sub/in.txt", "IN SUB", 0, 0 },
	{ FILE_OF, "site/sub/deeper/file.txt", "DEEPER", 0, 0 },

	/* names */
	{ FILE_OF, "site/with space.txt", "SPACE", 0, 0 },
	{ FILE_OF, "site/quote\"'.txt", "QUOTE", 0, 0 },
	{ FILE_OF, "site/100%.txt", "PERCENT", 0, 0 },
	{ FILE_OF, "site/%41.txt", "PERCENT-41", 0, 0 },
	{ FILE_OF, "site/A.txt", "LETTER A", 0, 0 },
	{ FILE_OF, "site/caf\xc3\xa9.txt", "UTF-8", 0, 0 },
	{ FILE_OF, "site/\xe6\x97\xa5\xe6\x9c\xac.txt", "THREE BYTES", 0, 0 },
	{ FILE_OF, "site/\xf0\x9f\x98\x80.txt", "FOUR BYTES", 0, 0 },
	{ FILE_OF, "site/bad\xff\xfe.txt", "NOT UTF-8", 0, 0 },
	{ FILE_OF, "site/new\nline.txt", "NEWLINE", 0, 0 },
	{ FILE_OF, "site/return\rhere.txt", "RETURN", 0, 0 },
	{ FILE_OF, "site/tab\there.txt", "TAB", 0, 0 },
	{ FILE_OF, "site/back\\slash.txt", "BACKSLASH", 0, 0 },
	{ FILE_OF, "site/hash#mark.txt", "HASH", 0, 0 },
	{ FILE_OF, "site/what?.txt", "QUESTION", 0, 0 },
	{ FILE_OF, "site/semi;colon:at@.txt", "RESERVED", 0, 0 },
	{ FILE_OF, "site/a+b&c=d.txt", "PLUS", 0, 0 },
	{ FILE_OF, "site/a b.txt", "NOT PLUS", 0, 0 },
	{ FILE_OF, "site/<b>.txt", "ANGLE", 0, 0 },
	{ FILE_OF, "site/a..b.txt", "DOTS INSIDE", 0, 0 },
	{ FILE_OF, "site/end.", "DOT AT THE END", 0, 0 },
	{ FILE_OF, "site/~tilde", "TILDE", 0, 0 },
	{ FILE_OF, "site/-dash", "DASH", 0, 0 },
	{ FILE_OF, "site/*", "STAR", 0, 0 },
	{ FILE_OF, "site/\x7f.txt", "DELETE", 0, 0 },
	{ FILE_OF, "site/" A250 "abcde", "THE LONGEST NAME", 0, 0 },
	{ FILE_OF, "site/" A250 "fold/" A250 ".txt", "LONG IN LONG", 0, 0 },

	/* hidden */
	{ FILE_OF, "site/.secret", SECRET, 0, 0 },
	{ FILE_OF, "site/.htpasswd", SECRET, 0, 0 },
	{ FILE_OF, "site/..secret", SECRET, 0, 0 },
	{ FILE_OF, "site/...", SECRET, 0, 0 },
	{ FILE_OF, "site/.git/config", SECRET, 0, 0 },
	{ FILE_OF, "site/sub/.git/config", SECRET, 0, 0 },
	{ FILE_OF, "site/.well-known/security.txt", "CONTACT", 0, 0 },
	{ FILE_OF, "site/.well-known/.hidden", SECRET, 0, 0 },
	{ FILE_OF, "site/.well-known/acme-challenge/token", "TOKEN", 0, 0 },
	{ FILE_OF, "site/.well-knownx/a.txt", SECRET, 0, 0 },

	/* links */
	{ LINK_TO, "site/link-in", "ten.txt", 0, 0 },
	{ LINK_TO, "site/link-twice", "link-in", 0, 0 },
	{ LINK_TO, "site/sub/link-up-in", "../ten.txt", 0, 0 },
	{ LINK_TO, "site/link-folder", "sub", 0, 0 },
	{ LINK_TO, "site/link-out", "../outside/secret.txt", 0, 0 },
	{ LINK_TO, "site/link-out-twice", "link-out", 0, 0 },
	{ LINK_TO, "site/link-out-folder", "../outside", 0, 0 },
	{ LINK_TO, "site/link-beside", "../site-beside", 0, 0 },
	{ LINK_TO, "site/link-up", "..", 0, 0 },
	{ LINK_TO, "site/sub/link-up-up", "../..", 0, 0 },
	{ LINK_TO, "site/link-through", "../site/poison.txt", 0, 0 },
	{ LINK_TO, "site/link-slash", "/", 0, 0 },
	{ LINK_TO, "site/link-passwd", "/etc/passwd", 0, 0 },
	{ LINK_TO, "site/link-null", "/dev/null", 0, 0 },
	{ LINK_TO, "site/link-self-root", "/proc/self/root", 0, 0 },
	{ LINK_TO, "site/link-loop", "link-loop", 0, 0 },
	{ LINK_TO, "site/link-ping", "link-pong", 0, 0 },
	{ LINK_TO, "site/link-pong", "link-ping", 0, 0 },
	{ LINK_TO, "site/link-dangling", "nowhere", 0, 0 },
	{ LINK_TO, "site/link-fifo", "fifo", 0, 0 },

	/* not files */
	{ FIFO, "site/fifo", NULL, 0, 0 },
	{ SOCKET, "site/socket", NULL, 0, 0 },
	{ DEVICE, "site/device", NULL, 0, 0 },
	{ FILE_OF, "site/folder.txt/index.html", "A FOLDER WITH AN EXTENSION", 0, 0 },

	/* nobody's */
	{ FILE_OF, "site/unreadable.txt", SECRET, 0, NOBODYS },
	{ FOLDER, "site/closed", NULL, 0, NOBODYS },
	{ FOLDER, "site/enter-only", NULL, 0, 0311 },
	{ FILE_OF, "site/enter-only/known.txt", "KNOWN", 0, 0 },

	/* folders whose index.html is odd */
	{ FOLDER, "site/index-folder/index.html", NULL, 0, 0 },
	{ FIFO, "site/index-fifo/index.html", NULL, 0, 0 },
	{ LINK_TO, "site/index-out/index.html", "../../outside/index.html", 0, 0 },
	{ LINK_TO, "site/index-in/index.html", "../sub/index.html", 0, 0 },
	{ FILE_OF, "site/index-closed/index.html", SECRET, 0, NOBODYS },
	{ FILE_OF, "site/index-empty/index.html", "", 0, 0 },

	/* folders to be redirected to */
	{ FOLDER, "site/with space", NULL, 0, 0 },
	{ FOLDER, "site/caf\xc3\xa9", NULL, 0, 0 },
	{ FOLDER, "site/%41", NULL, 0, 0 },
	{ FOLDER, "site/new\r\nX-Evil: 1", NULL, 0, 0 },
	{ FOLDER, "site/what?", NULL, 0, 0 },
	{ FOLDER, "site/hash#", NULL, 0, 0 },
	{ FOLDER, "site/a:b", NULL, 0, 0 },
	{ FOLDER, "site/\"><b>", NULL, 0, 0 },
	{ FOLDER, "site/evil.example", NULL, 0, 0 },
	{ FOLDER, "site/back\\slash", NULL, 0, 0 },
	{ FOLDER, "site/\\evil.example", NULL, 0, 0 },
	{ FOLDER, "site/bad\xff", NULL, 0, 0 },

	/* a listing whose entries are tricks */
	{ FILE_OF, "site/list/<img src=x onerror=alert(1)>", "1", 0, 0 },
	{ FILE_OF, "site/list/\" onmouseover=\"alert(2)", "2", 0, 0 },
	{ FILE_OF, "site/list/' onmouseover='alert(3)", "3", 0, 0 },
	{ FILE_OF, "site/list/javascript:alert(4)", "4", 0, 0 },
	{ FILE_OF, "site/list/&amp;", "5", 0, 0 },
	{ FILE_OF, "site/list/100%25", "6", 0, 0 },
	{ FILE_OF, "site/list/what?a=b", "7", 0, 0 },
	{ FILE_OF, "site/list/hash#mark", "8", 0, 0 },
	{ FILE_OF, "site/list/caf\xc3\xa9", "9", 0, 0 },
	{ FILE_OF, "site/list/bad\xff\xc3\xfe", "10", 0, 0 },
	{ FILE_OF, "site/list/new\nline", "11", 0, 0 },
	{ FILE_OF, "site/list/back\\slash", "12", 0, 0 },
	{ FILE_OF, "site/list/ space ", "13", 0, 0 },
	{ FILE_OF, "site/list/a+b", "14", 0, 0 },
	{ FILE_OF, "site/list/\x1b[31mred", "15", 0, 0 },
	{ FILE_OF, "site/list/.hidden", SECRET, 0, 0 },
	{ FILE_OF, "site/list/folder & <more>/index.html", "16", 0, 0 },

	/* a listing to be sorted: no two sorts give the same order */
	{ FILE_OF, "site/order/alpha", "0123456789012345678901", 300, 0 },
	{ FILE_OF, "site/order/bravo", "1", 200, 0 },
	{ FILE_OF, "site/order/charlie", "012345678901234567890123456789012", 100, 0 },
	{ FOLDER, "site/order/zulu", NULL, 0, 0 },
	{ FOLDER, "site/bare", NULL, 0, 0 },
	{ FIFO, "site/nothing-but-fifo/fifo", NULL, 0, 0 },
	{ LINK_TO, "site/nothing-but-fifo/dangling", "nowhere", 0, 0 },

	/* precompressed siblings, which needn't be what they say for this */
	{ FILE_OF, "site/page.html", "PLAIN PAGE", 0, 0 },
	{ FILE_OF, "site/page.html.gz", "GZIP OF PAGE", 10, 0 },
	{ FILE_OF, "site/page.html.br", "BROTLI OF PAGE", 10, 0 },
	{ FILE_OF, "site/page.html.zst", "ZSTD OF PAGE", 10, 0 },
	{ FILE_OF, "site/gz.css", "PLAIN CSS", 0, 0 },
	{ FILE_OF, "site/gz.css.gz", "GZIP OF CSS", 0, 0 },
	{ FILE_OF, "site/stale.css", "PLAIN FRESH", 10, 0 },
	{ FILE_OF, "site/stale.css.gz", "STALE GZIP", 0, 0 },
	{ FILE_OF, "site/only.css.gz", "GZIP ALONE", 0, 0 },
	{ FILE_OF, "site/folder.css", "PLAIN", 0, 0 },
	{ FOLDER, "site/folder.css.gz", NULL, 0, 0 },
	{ FILE_OF, "site/fifo.css", "PLAIN", 0, 0 },
	{ FIFO, "site/fifo.css.gz", NULL, 0, 0 },
	{ FILE_OF, "site/out.css", "PLAIN", 0, 0 },
	{ LINK_TO, "site/out.css.gz", "../outside/secret.txt", 0, 0 },
	{ FILE_OF, "site/dangling.css", "PLAIN", 0, 0 },
	{ LINK_TO, "site/dangling.css.gz", "nowhere", 0, 0 },
	{ FILE_OF, "site/closed.css", "PLAIN", 0, 0 },
	{ FILE_OF, "site/closed.css.gz", SECRET, 10, NOBODYS },
	{ FILE_OF, "site/locked.css", SECRET, 0, NOBODYS },
	{ FILE_OF, "site/locked.css.gz", SECRET, 10, 0 },
	{ FILE_OF, "site/packed/index.html", "PLAIN INDEX", 0, 0 },
	{ FILE_OF, "site/packed/index.html.gz", "GZIP OF INDEX", 10, 0 },

	{ FILE_OF, "site/types/README", "READ ME", 0, 0 },
	{ FILE_OF, "site/types/Makefile", "all:", 0, 0 },
	WIRE_TYPES(TYPE)

	/* folders of hosts, each with a page of the same name, size and time */
	{ FILE_OF, "hosted/ten.txt", SECRET, 0, 0 },
	{ FILE_OF, "hosted/file.test", SECRET, 0, 0 },
	{ FILE_OF, "hosted/index.html", SECRET, 0, 0 },
	{ FILE_OF, "hosted/421.html", SECRET, 0, 0 },
	{ FILE_OF, "hosted/default/index.html", "DEFAULT INDEX", 0, 0 },
	{ FILE_OF, "hosted/default/sentinel.txt", "SENTINEL", 0, 0 },
	{ FILE_OF, "hosted/a.test/index.html", "A TEST", 0, 0 },
	{ FILE_OF, "hosted/a.test/page.css", "OF A.", 0, 0 },
	{ FILE_OF, "hosted/a.test/404.html", "NOT AT A", 0, 0 },
	{ FILE_OF, "hosted/a.test/405.html", "NO SUCH METHOD AT A", 0, 0 },
	{ FILE_OF, "hosted/a.test/list/one", "1", 0, 0 },
	{ LINK_TO, "hosted/a.test/list/inside", "../page.css", 0, 0 },
	{ LINK_TO, "hosted/a.test/list/across", "../../b.test/page.css", 0, 0 },
	{ LINK_TO, "hosted/a.test/across.css", "../b.test/page.css", 0, 0 },
	{ LINK_TO, "hosted/a.test/up", "..", 0, 0 },
	{ FILE_OF, "hosted/b.test/index.html", "B TEST", 0, 0 },
	{ FILE_OF, "hosted/b.test/page.css", "OF B.", 0, 0 },
	{ FILE_OF, "hosted/a-b/index.html", "A DASH B", 0, 0 },
	{ FILE_OF, "hosted/a_b/index.html", "A UNDERSCORE B", 0, 0 },
	{ FILE_OF, "hosted/[::1]/index.html", "IPV6", 0, 0 },
	{ FILE_OF, "hosted/127.0.0.1/index.html", "IPV4", 0, 0 },
	{ FILE_OF, "hosted/a.test:99/index.html", SECRET, 0, 0 },
	{ FILE_OF, "hosted/UPPER.test/index.html", SECRET, 0, 0 },
	{ FILE_OF, "hosted/" A250 "fives/index.html", "THE LONGEST", 0, 0 },
	{ FILE_OF, "hosted/-dash/index.html", SECRET, 0, 0 },
	{ FILE_OF, "hosted/.hidden/index.html", SECRET, 0, 0 },
	{ FILE_OF, "hosted/~tilde/index.html", SECRET, 0, 0 },
	{ FOLDER, "hosted/closed.test", NULL, 0, NOBODYS },
	{ LINK_TO, "hosted/www.a.test", "a.test", 0, 0 },
	{ LINK_TO, "hosted/below.test", "default/../b.test", 0, 0 },
	{ LINK_TO, "hosted/out.test", "../outside", 0, 0 },
	{ LINK_TO, "hosted/root.test", "/", 0, 0 },
	{ LINK_TO, "hosted/loop.test", "loop.test", 0, 0 },
	{ LINK_TO, "hosted/url.test", "https://evil.example/", 0, 0 },
	{ FILE_OF, "strict/421.html", "NOBODY HERE", 0, 0 },
	{ FILE_OF, "strict/a/index.html", "STRICTLY A", 0, 0 },
	{ FILE_OF, "strict/sentinel/sentinel.txt", "SENTINEL", 0, 0 },

	/* what options can say */
	{ FILE_OF, "ruled/sentinel.txt", "SENTINEL", 0, 0 },
	{ FILE_OF, "ruled/ten.txt", TEN, 0, 0 },
	{ FILE_OF, "ruled/index.html", "RULED INDEX", 0, 0 },
	{ FILE_OF, "ruled/app.html", "THE APP", 0, 0 },
	{ FILE_OF, "ruled/404.html", "OUR 404", 0, 0 },
	{ FILE_OF, "ruled/400.html", "OUR 400", 0, 0 },
	{ FILE_OF, "ruled/403.html", "OUR 403", 0, 0 },
	{ FILE_OF, "ruled/405.html", "OUR 405", 0, 0 },
	{ FILE_OF, "ruled/412.html", "OUR 412", 0, 0 },
	{ FILE_OF, "ruled/416.html", "OUR 416", 0, 0 },
	{ FILE_OF, "ruled/421.html", "OUR 421", 0, 0 },
	{ FILE_OF, "ruled/501.html", "OUR 501", 0, 0 },
	{ FILE_OF, "ruled/unreadable.html", SECRET, 0, NOBODYS },
	{ FILE_OF, "ruled/about.html", "ABOUT US", 0, 0 },
	{ FILE_OF, "ruled/about.html.gz", "GZIP OF ABOUT", 0, 0 },
	{ FILE_OF, "ruled/both", "NAME ITSELF", 0, 0 },
	{ FILE_OF, "ruled/both.html", "NOT THE NAME ITSELF", 0, 0 },
	{ FIFO, "ruled/pipe", NULL, 0, 0 },
	{ FILE_OF, "ruled/pipe.html", "BESIDE THE PIPE", 0, 0 },
	{ FIFO, "ruled/piped/index.html", NULL, 0, 0 },
	{ FILE_OF, "ruled/piped/home.html", "A HOME WITH A PIPE", 0, 0 },
	{ FILE_OF, "ruled/folder/index.html", "IN THE FOLDER", 0, 0 },
	{ FILE_OF, "ruled/folder.html", "BESIDE THE FOLDER", 0, 0 },
	{ FILE_OF, "ruled/sub/home.html", "A HOME", 0, 0 },
	{ FILE_OF, "ruled/sub/page.html", "BELOW", 0, 0 },
	{ FILE_OF, "ruled/sub/.html", SECRET, 0, 0 },
	{ FILE_OF, "ruled/readme/README", "READ ME", 0, 0 },
	{ FILE_OF, "ruled/order/index.html", "FIRST INDEX", 0, 0 },
	{ FILE_OF, "ruled/order/home.html", "SECOND INDEX", 0, 0 },
	{ FOLDER, "ruled/bare", NULL, 0, 0 },
	{ FILE_OF, "ruled/assets/app.css", "CSS", 0, 0 },
	{ FILE_OF, "ruled/assets/app.js.map", "MAP", 0, 0 },
	{ FOLDER, "ruled/assets/deeper", NULL, 0, 0 },
	{ FILE_OF, "ruled/a.md", "MARK", 0, 0 },
	{ FILE_OF, "ruled/a.shtml", "<meta charset=iso-8859-1>", 0, 0 },
	{ FILE_OF, "ruled/none", "NONE", 0, 0 },
	{ LINK_TO, "ruled/clean.html", "https://new.example/clean", 0, 0 },
	{ LINK_TO, "ruled/moved-index/index.html", "https://new.example/index", 0, 0 },
	{ FILE_OF, "ruled/.secret.html", SECRET, 0, 0 },

	/* links to other sites */
	{ LINK_TO, "site/moved/plain", "http://new.example", 0, 0 },
	{ LINK_TO, "site/moved/secure", "https://new.example/a/b", 0, 0 },
	{ LINK_TO, "site/moved/port", "https://new.example:8443/", 0, 0 },
	{ LINK_TO, "site/moved/query", "https://new.example/?a=b", 0, 0 },
	{ LINK_TO, "site/moved/fragment", "https://new.example/x#part", 0, 0 },
	{ LINK_TO, "site/moved/odd", "https://new.example/caf\xc3\xa9/\"<>\\%20", 0, 0 },
	{ LINK_TO, "site/moved/to-link", "plain", 0, 0 },
	{ LINK_TO, "site/moved/newline", "https://new.example/\r\nX-Evil: 1", 0, 0 },
	{ LINK_TO, "site/moved/blank", "https://new.example/a b", 0, 0 },
	{ LINK_TO, "site/moved/tab", "https://new.example/a\tb", 0, 0 },
	{ LINK_TO, "site/moved/no-host", "https:///evil", 0, 0 },
	{ LINK_TO, "site/moved/user", "https://a@new.example/", 0, 0 },
	{ LINK_TO, "site/moved/bad-port", "https://new.example:99999/", 0, 0 },
	{ LINK_TO, "site/moved/relative", "//evil.example/", 0, 0 },
	{ LINK_TO, "site/moved/script", "javascript:alert(1)", 0, 0 },
	{ LINK_TO, "site/moved/ftp", "ftp://new.example/", 0, 0 },
	{ LINK_TO, "site/moved/upper", "HTTPS://new.example/", 0, 0 },
	{ LINK_TO, "site/moved/.hidden", "https://new.example/" SECRET, 0, 0 },

	/* what pages say of their charset */
	{ FILE_OF, "site/charset/plain.html", "<p>plain", 0, 0 },
	{ FILE_OF, "site/charset/utf8.html", "<!DOCTYPE html><META CHARSET='UTF-8'>", 0, 0 },
	{ FILE_OF, "site/charset/latin.html", "<meta charset=iso-8859-1>\n<p>", 0, 0 },
	{ FILE_OF, "site/charset/latin.html.gz", "GZIP OF LATIN", 10, 0 },
	{ FILE_OF, "site/charset/equiv.html",
	  "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=windows-1251\">", 0, 0 },
	{ FILE_OF, "site/charset/comment.html", "<!-- <meta charset=iso-8859-1> --><p>", 0, 0 },
	{ FILE_OF, "site/charset/bom8.html", "\xef\xbb\xbf<meta charset=iso-8859-1>", 0, 0 },
	{ FILE_OF, "site/charset/bom16.html", "\xff\xfe<", 0, 0 },
	{ FILE_OF, "site/charset/late.html",
	  "<!--" A250 A250 A250 A250 A50 "--><meta charset=iso-8859-1>", 0, 0 },

	/* numbers in names */
	{ FILE_OF, "site/numbers/file10", "", 0, 0 },
	{ FILE_OF, "site/numbers/file2", "", 0, 0 },
	{ FILE_OF, "site/numbers/File1", "", 0, 0 },
	{ FILE_OF, "site/numbers/file010", "", 0, 0 },
	{ FILE_OF, "site/numbers/file2a", "", 0, 0 },
	{ FILE_OF, "site/numbers/99999999999999999999", "", 0, 0 },
	{ FILE_OF, "site/numbers/100000000000000000000", "", 0, 0 },

	/* the other site: its own page for what is missing */
	{ FILE_OF, "small/ten.txt", TEN, 0, 0 },
	{ FILE_OF, "small/sentinel.txt", "SENTINEL", 0, 0 },
	{ FILE_OF, "small/poison.txt", POISON, 0, 0 },
	{ FILE_OF, "small/404.html", "OUR OWN PAGE", 0, 0 },
	{ FILE_OF, "small/404.html.gz", "GZIP OF OUR OWN PAGE", 10, 0 },
	{ FILE_OF, "small/unreadable.txt", SECRET, 0, NOBODYS },
	{ FILE_OF, "small/bare/known.txt", "KNOWN", 0, 0 },
	{ FILE_OF, "small/indexed/index.html", "INDEXED", 0, 0 },
};

/* The files that are too large to be written out: a pattern, and one of 5 GiB with holes. */
static void make_large(void)
{
	static const struct {
		off_t at;
		const char *text;
	} marks[] = {
		{ 0, "START OF HUGE" },
		{ (1LL << 31) - 8, "AROUND 2 GiB....AROUND" },
		{ (1LL << 32) - 8, "AROUND 4 GiB....AROUND" },
		{ 5LL * (1 << 30) - 11, "END OF HUGE" },
	};
	FILE *large = fopen("site/large.bin", "we");
	int huge = open("site/huge.bin", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (!large || huge < 0)
		err(1, "large files");
	for (int i = 0; i < 40000; i++)
		fprintf(large, "%07d\n", i);
	if (fclose(large) != 0)
		err(1, "large.bin");
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (pwrite(huge, marks[i].text, strlen(marks[i].text), marks[i].at) < 0)
			err(1, "huge.bin");
	close(huge);
}

static void make_file(const char *path, const char *content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	size_t size = strlen(content);

	if (fd < 0 || write(fd, content, size) != (ssize_t)size)
		err(1, "%s", path);
	close(fd);
}

static void make_parents(const char *path)
{
	char parent[PATH_MAX];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
		if (mkdir(parent, 0755) != 0 && errno != EEXIST)
			err(1, "%s", parent);
	}
}

static void make_entry(const struct entry *entry)
{
	int failed = 0;

	make_parents(entry->path);
	switch (entry->kind) {
	case FILE_OF: make_file(entry->path, entry->content); break;
	case FOLDER: failed = mkdir(entry->path, 0755); break;
	case LINK_TO: failed = symlink(entry->content, entry->path); break;
	case FIFO: failed = mkfifo(entry->path, 0644); break;
	case SOCKET: failed = mknod(entry->path, S_IFSOCK | 0644, 0); break;
	case DEVICE:
		/* /dev/zero, where root runs this; elsewhere the name is missing, and as much 404 */
		(void)!mknod(entry->path, S_IFCHR | 0644, makedev(1, 5));
		break;
	}
	if (failed)
		err(1, "%s", entry->path);
}

static void set_time(const char *path, long when)
{
	/* half a second more, which Last-Modified can't say and If-Modified-Since must not mind */
	struct timespec time = { .tv_sec = when, .tv_nsec = 500000000 };
	struct timespec times[2] = { time, time };

	if (utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) != 0)
		err(1, "%s", path);
}

void wire_site_make(const char *top)
{
	size_t count = sizeof(tree) / sizeof(tree[0]);
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* the server may become nobody, who must get here too */
	if (here < 0 || chmod(top, 0755) != 0 || chdir(top) != 0)
		err(1, "%s", top);
	umask(022);
	for (size_t i = 0; i < count; i++)
		make_entry(&tree[i]);
	make_large();
	set_time("site/large.bin", TEN_STAMP);
	set_time("site/huge.bin", TEN_STAMP);
	for (size_t i = 0; i < count; i++) {
		if (tree[i].kind == FILE_OF)
			set_time(tree[i].path, TEN_STAMP + tree[i].later);
		if (tree[i].mode && chmod(tree[i].path, tree[i].mode & 07777) != 0)
			err(1, "%s", tree[i].path);
	}
	if (fchdir(here) != 0)
		err(1, "the current directory");
	close(here);
}

void wire_site_unlock(const char *top)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(tree) / sizeof(tree[0]); i++)
		if (tree[i].kind == FOLDER && tree[i].mode) {
			snprintf(path, sizeof(path), "%s/%s", top, tree[i].path);
			(void)!chmod(path, 0755);
		}
}
