/* Names and kinds of files: what is served, and what no request may reach. */
#include "wire.h"

#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A250 A50 A50 A50 A50 A50

#define FOUND(label, target, content)      \
	CASE(label, GET(target, ""), KEPT, \
	     IS("200", .body = content, .has = "ETag\nLast-Modified: " TEN_DATE))
#define NOT_FOUND(label, target) CASE(label, GET(target, ""), KEPT, IS("404"))
#define DENIED(label, target) CASE(label, GET(target, ""), KEPT, IS("403"))
#define A_TYPE(extension, type)                                               \
	CASE("the type of ." extension, GET("/types/x." extension, ""), KEPT, \
	     IS("200", .body = "a type", .has = "Content-Type: " type)),

/* clang-format off */
const struct wire_case wire_file[] = {
	/* sizes */
	FOUND("a small file", "/ten.txt", TEN),
	CASE("what a file's header says", HEAD("/ten.txt", ""), KEPT, IS("200", .head = true, .has = "Content-Type: text/plain; charset=utf-8\nContent-Length: 10\nLast-Modified: " TEN_DATE "\nETag\nAccept-Ranges: bytes\nX-Content-Type-Options: nosniff", .lacks = "Content-Encoding\nLocation\nAllow")),
	CASE("an empty file", GET("/empty.txt", ""), KEPT, IS("200", .body = "", .has = "Content-Length: 0\nContent-Type: text/plain; charset=utf-8\nETag")),
	CASE("an empty file for HEAD", HEAD("/empty.txt", ""), KEPT, IS("200", .head = true, .has = "Content-Length: 0")),
	CASE("a large file", GET("/large.bin", ""), KEPT, IS("200", .file = "large.bin", .has = "Content-Length: 320000\nContent-Type: application/octet-stream")),
	CASE("a large file of 1.0", "GET /large.bin HTTP/1.0\r\n\r\n", CLOSED, IS("200", .file = "large.bin")),
	CASE("a file of the epoch", GET("/old.txt", ""), KEPT, IS("200", .body = "EPOCH", .has = "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT")),

	/* names */
	FOUND("a space", "/with%20space.txt", "SPACE"),
	FOUND("quotes, escaped", "/quote%22%27.txt", "QUOTE"),
	FOUND("quotes", "/quote\"'.txt", "QUOTE"),
	FOUND("a percent sign", "/100%25.txt", "PERCENT"),
	FOUND("an escape in a name", "/%2541.txt", "PERCENT-41"),
	FOUND("that escape's letter", "/%41.txt", "LETTER A"),
	FOUND("UTF-8, escaped", "/caf%C3%A9.txt", "UTF-8"),
	FOUND("UTF-8, escaped in small letters", "/caf%c3%a9.txt", "UTF-8"),
	FOUND("UTF-8 as it is", "/caf\xc3\xa9.txt", "UTF-8"),
	FOUND("UTF-8 of three bytes", "/%e6%97%a5%e6%9c%ac.txt", "THREE BYTES"),
	FOUND("UTF-8 of four bytes", "/%f0%9f%98%80.txt", "FOUR BYTES"),
	FOUND("UTF-8 of four bytes as it is", "/\xf0\x9f\x98\x80.txt", "FOUR BYTES"),
	FOUND("no UTF-8, escaped", "/bad%ff%fe.txt", "NOT UTF-8"),
	FOUND("no UTF-8", "/bad\xff\xfe.txt", "NOT UTF-8"),
	FOUND("a newline", "/new%0aline.txt", "NEWLINE"),
	FOUND("a carriage return", "/return%0dhere.txt", "RETURN"),
	FOUND("a tab", "/tab%09here.txt", "TAB"),
	FOUND("a DEL", "/%7f.txt", "DELETE"),
	FOUND("a backslash, escaped", "/back%5cslash.txt", "BACKSLASH"),
	FOUND("a backslash", "/back\\slash.txt", "BACKSLASH"),
	FOUND("a hash, escaped", "/hash%23mark.txt", "HASH"),
	FOUND("a question mark, escaped", "/what%3f.txt", "QUESTION"),
	NOT_FOUND("a question mark", "/what?.txt"),
	FOUND("a semicolon, a colon and an at", "/semi;colon:at@.txt", "RESERVED"),
	FOUND("a semicolon, a colon and an at, escaped", "/semi%3bcolon%3aat%40.txt", "RESERVED"),
	FOUND("a plus, an ampersand and an equals sign", "/a+b&c=d.txt", "PLUS"),
	FOUND("a plus, an ampersand and an equals sign, escaped", "/a%2bb%26c%3dd.txt", "PLUS"),
	FOUND("a space beside the name with a plus", "/a%20b.txt", "NOT PLUS"),
	FOUND("angle brackets, escaped", "/%3cb%3e.txt", "ANGLE"),
	FOUND("angle brackets", "/<b>.txt", "ANGLE"),
	FOUND("two dots inside", "/a..b.txt", "DOTS INSIDE"),
	FOUND("a dot at the end", "/end.", "DOT AT THE END"),
	FOUND("a tilde", "/~tilde", "TILDE"),
	FOUND("a tilde, escaped", "/%7etilde", "TILDE"),
	FOUND("a dash first", "/-dash", "DASH"),
	FOUND("a star, escaped", "/%2a", "STAR"),
	FOUND("a name of 255 bytes", "/" A250 "abcde", "THE LONGEST NAME"),
	FOUND("a name of 254 bytes in a folder of 254 bytes", "/" A250 "fold/" A250 ".txt", "LONG IN LONG"),
	CASE("a name of 255 bytes, though its siblings' names are too long", GET("/" A250 "abcde", "Accept-Encoding: gzip, br, zstd\r\n"), KEPT, IS("200", .body = "THE LONGEST NAME")),
	NOT_FOUND("a name of 256 bytes", "/" A250 "abcdef"),
	NOT_FOUND("a name of 256 bytes as a folder", "/" A250 "abcdef/ten.txt"),
	NOT_FOUND("a name of 3000 bytes", "/{{3000*a}}"),
	NOT_FOUND("a path of 5000 bytes", "{{50*/" A50 A50 "}}"),
	NOT_FOUND("a name of 5000 bytes", "/{{5000*a}}"),
	NOT_FOUND("a folder whose name fits, and its index's doesn't", "/{{4090*a}}/"),
	NOT_FOUND("a path of a thousand folders", "{{1000*/a}}"),
	FOUND("a folder named like a file, with its slash", "/folder.txt/", "A FOLDER WITH AN EXTENSION"),
	CASE("a folder named like a file", GET("/folder.txt", ""), KEPT, IS("301", .has = "Location: folder.txt/")),

	/* dot names */
	NOT_FOUND("a hidden file", "/.secret"),
	NOT_FOUND("a hidden file, the dot escaped", "/%2esecret"),
	NOT_FOUND("a hidden file, twice the slash", "//.secret"),
	NOT_FOUND("a hidden file of two dots", "/..secret"),
	NOT_FOUND("a hidden file of three dots only", "/..."),
	NOT_FOUND("the passwords", "/.htpasswd"),
	NOT_FOUND("a hidden file that isn't there", "/.missing"),
	NOT_FOUND("a hidden folder", "/.git/"),
	NOT_FOUND("a hidden folder without its slash", "/.git"),
	NOT_FOUND("a file in a hidden folder", "/.git/config"),
	NOT_FOUND("a file in a hidden folder, the dot escaped", "/%2Egit/config"),
	NOT_FOUND("a hidden folder in a folder", "/sub/.git/config"),
	NOT_FOUND("a hidden folder in a folder without its slash", "/sub/.git"),
	FOUND("a file in .well-known", "/.well-known/security.txt", "CONTACT"),
	FOUND("a file in .well-known, the dot escaped", "/%2ewell-known/security.txt", "CONTACT"),
	CASE("a file in a folder in .well-known", GET("/.well-known/acme-challenge/token", ""), KEPT, IS("200", .body = "TOKEN", .has = "Content-Type: application/octet-stream")),
	CASE(".well-known without its slash", GET("/.well-known", ""), KEPT, IS("301", .has = "Location: .well-known/")),
	NOT_FOUND("a hidden file in .well-known", "/.well-known/.hidden"),
	NOT_FOUND("dots in .well-known", "/.well-known/../.secret"),
	NOT_FOUND("a name that begins with .well-known", "/.well-knownx/a.txt"),
	NOT_FOUND("a name that .well-known begins with", "/.well-know/a.txt"),
	NOT_FOUND(".WELL-KNOWN", "/.WELL-KNOWN/security.txt"),

	/* symbolic links: followed as long as they stay */
	FOUND("a symlink to a file", "/link-in", TEN),
	FOUND("a symlink to a symlink", "/link-twice", TEN),
	FOUND("a symlink up and back", "/sub/link-up-in", TEN),
	FOUND("a symlink to a folder", "/link-folder/in.txt", "IN SUB"),
	FOUND("the index by way of a symlink", "/link-folder/", "SUB INDEX"),
	CASE("a symlink to a folder without its slash", GET("/link-folder", ""), KEPT, IS("301", .has = "Location: link-folder/")),
	NOT_FOUND("a slash after a symlink to a file", "/link-in/"),
	NOT_FOUND("a symlink to a file outside", "/link-out"),
	NOT_FOUND("a symlink to a symlink to a file outside", "/link-out-twice"),
	NOT_FOUND("a symlink to a folder outside", "/link-out-folder"),
	NOT_FOUND("a symlink to a folder outside, with its slash", "/link-out-folder/"),
	NOT_FOUND("a file behind a symlink to a folder outside", "/link-out-folder/secret.txt"),
	NOT_FOUND("a file behind a symlink to the neighbour", "/link-beside/secret.txt"),
	NOT_FOUND("a symlink to the folder above", "/link-up"),
	NOT_FOUND("the folder above by a symlink", "/link-up/"),
	NOT_FOUND("a file in the folder above by a symlink", "/link-up/secret.txt"),
	NOT_FOUND("the root by a symlink to the folder above", "/link-up/site/ten.txt"),
	NOT_FOUND("a file above by two symlinks", "/link-folder/link-up-up/secret.txt"),
	NOT_FOUND("a symlink that goes out and comes back", "/link-through"),
	NOT_FOUND("a symlink to /", "/link-slash"),
	NOT_FOUND("a file behind a symlink to /", "/link-slash/etc/passwd"),
	NOT_FOUND("a symlink to a file by its absolute name", "/link-passwd"),
	NOT_FOUND("a symlink to a device", "/link-null"),
	NOT_FOUND("a symlink to proc", "/link-self-root/etc/passwd"),
	NOT_FOUND("a symlink to itself", "/link-loop"),
	NOT_FOUND("a file behind a symlink to itself", "/link-loop/ten.txt"),
	NOT_FOUND("two symlinks to each other", "/link-ping"),
	NOT_FOUND("a symlink to nothing", "/link-dangling"),
	NOT_FOUND("a file behind a symlink to nothing", "/link-dangling/ten.txt"),

	/* what isn't a file */
	NOT_FOUND("a FIFO", "/fifo"),
	NOT_FOUND("a symlink to a FIFO", "/link-fifo"),
	NOT_FOUND("a slash after a FIFO", "/fifo/"),
	NOT_FOUND("a socket", "/socket"),
	NOT_FOUND("a device", "/device"),
	CASE("HEAD of a FIFO", HEAD("/fifo", ""), KEPT, IS("404", .head = true)),
	CASE("POST of a FIFO", POST("/fifo", "Content-Length: 5\r\n") "hello", KEPT, IS("404")),
	CASE("POST of a device", POST("/device", "Content-Length: 5\r\n") "hello", KEPT, IS("404")),

	/* what nobody may read */
	DENIED("an unreadable file", "/unreadable.txt"),
	CASE("an unreadable file for HEAD", HEAD("/unreadable.txt", ""), KEPT, IS("403", .head = true)),
	DENIED("a folder that is closed", "/closed/"),
	DENIED("a file in a folder that is closed", "/closed/ten.txt"),
	DENIED("deeper in a folder that is closed", "/closed/x/y"),
	DENIED("a folder that can be entered and not read", "/enter-only/"),
	FOUND("a file in a folder that can be entered and not read", "/enter-only/known.txt", "KNOWN"),
	NOT_FOUND("a missing file in a folder that can be entered and not read", "/enter-only/missing.txt"),

	/* the index */
	FOUND("an index", "/sub/", "SUB INDEX"),
	FOUND("an index by its name", "/sub/index.html", "SUB INDEX"),
	CASE("the type of an index", GET("/sub/", ""), KEPT, IS("200", .has = "Content-Type: text/html|text/html; charset=utf-8")),
	FOUND("an index that is a symlink within", "/index-in/", "SUB INDEX"),
	CASE("an empty index", GET("/index-empty/", ""), KEPT, IS("200", .body = "", .has = "Content-Length: 0")),
	DENIED("an unreadable index", "/index-closed/"),
	/* as if it weren't there, or an error: it must end, and nothing must leak */
	CASE("an index that is a folder", GET("/index-folder/", ""), KEPT, IS("200 403 404")),
	CASE("an index that is a FIFO", GET("/index-fifo/", ""), KEPT, IS("200 403 404")),
	CASE("an index that is a symlink to outside", GET("/index-out/", ""), KEPT, IS("200 403 404")),
	NOT_FOUND("an index that is a FIFO, by its name", "/index-fifo/index.html"),
	NOT_FOUND("an index that is a symlink to outside, by its name", "/index-out/index.html"),

	/* pages of errors say nothing of what was asked */
	CASE("a script in a missing name", GET("/<script>" ECHOED "</script>", ""), KEPT, IS("404", .hides = "<script>")),
	CASE("a script in a missing name, escaped", GET("/%3Cscript%3E" ECHOED "%3C/script%3E", ""), KEPT, IS("404", .hides = "<script>")),
	CASE("a script in a query", GET("/missing?<script>" ECHOED, ""), KEPT, IS("404")),
	CASE("a script in a wrong target", GET("/%zz<script>" ECHOED, ""), CLOSED, IS("400")),
	CASE("a script in a wrong field", GET("/", "<script>" ECHOED ": y\r\n"), CLOSED, IS("400")),
	CASE("a script in a wrong version", "GET / " ECHOED "/1.1\r\nHost: a\r\n\r\n", CLOSED, IS("400")),
	CASE("a page for an error has a type", GET("/missing", ""), KEPT, IS("404", .has = "Content-Type:~text/", .lacks = "ETag\nLast-Modified\nAccept-Ranges: bytes")),
	{ .name = NULL },
};

/* a table of types is data: so are the cases */
const struct wire_case wire_type[] = {
	WIRE_TYPES(A_TYPE)
	CASE("the type of a file without an extension", GET("/~tilde", ""), KEPT, IS("200", .has = "Content-Type: application/octet-stream")),
	CASE("the type of a README", GET("/types/README", ""), KEPT, IS("200", .has = "Content-Type: text/plain; charset=utf-8")),
	CASE("the type of a Makefile", GET("/types/Makefile", ""), KEPT, IS("200", .has = "Content-Type: text/plain; charset=utf-8")),
	CASE("the type isn't the query's", GET("/~tilde?x.html", ""), KEPT, IS("200", .has = "Content-Type: application/octet-stream")),
	CASE("the type isn't the folder's", GET("/.well-known/acme-challenge/token", ""), KEPT, IS("200", .has = "Content-Type: application/octet-stream")),
	CASE("the type is of the name, not of what a symlink leads to", GET("/link-in", ""), KEPT, IS("200", .has = "Content-Type: application/octet-stream|text/plain; charset=utf-8")),
	CASE("the type is the same for HEAD", HEAD("/types/x.png", ""), KEPT, IS("200", .head = true, .has = "Content-Type: image/png\nX-Content-Type-Options: nosniff")),
	CASE("the type is the same for a 206", GET("/types/x.png", "Range: bytes=0-0\r\n"), KEPT, IS("206", .has = "Content-Type: image/png", .body = "a")),
	CASE("the type is the same for POST", POST("/types/x.png", "Content-Length: 0\r\n"), KEPT, IS("200", .has = "Content-Type: image/png")),
	{ .name = NULL },
};
