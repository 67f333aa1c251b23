/*
 * What the options of a site change: clean URLs, a fallback, fields by path, types, indexes, pages for
 * errors.
 */
#include "wire.h"

#define RULED_CASE(...) CASE_AT(RULED, __VA_ARGS__)
#define ASKED(label, target, fields, ...) \
	RULED_CASE(label, GET(target, fields), KEPT, IS(__VA_ARGS__))
#define BROWSER "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
#define APP                                                                               \
	"200", .body = "THE APP",                                                         \
	       .has = "Cache-Control: no-cache\nContent-Type: text/html; charset=utf-8\n" \
		      "Vary: Accept, Accept-Encoding\nX-Wire",                            \
	       .lacks = "Cache-Control: max-age=60"
#define TYPE_IS(label, name, type) \
	CASE(label, GET("/charset/" name, ""), KEPT, IS("200", .has = "Content-Type: " type))

/* clang-format off */
const struct wire_case wire_rule[] = {
	/* clean URLs */
	ASKED("a page by its clean name", "/about", "", "200", .body = "ABOUT US", .has = "Content-Type: text/html; charset=utf-8"),
	ASKED("and by its own", "/about.html", "", "200", .body = "ABOUT US"),
	ASKED("with a query", "/about?a=b", "", "200", .body = "ABOUT US"),
	ASKED("its sibling", "/about", "Accept-Encoding: gzip\r\n", "200", .body = "GZIP OF ABOUT", .has = "Content-Encoding: gzip"),
	ASKED("a range of it", "/about", "Range: bytes=0-4\r\n", "206", .body = "ABOUT"),
	ASKED("its tag", "/about", "If-None-Match: *\r\n", "304"),
	ASKED("its date", "/about", "If-Modified-Since: " TEN_DATE "\r\n", "304"),
	RULED_CASE("HEAD", HEAD("/about", ""), KEPT, IS("200", .head = true, .has = "Content-Length: 8")),
	RULED_CASE("POST", POST("/about", "Content-Length: 0\r\n"), KEPT, IS("200", .body = "ABOUT US")),
	ASKED("never with a slash", "/about/", "", "404", .body = "OUR 404"),
	ASKED("never with a slash, by a browser", "/about.html/", "Accept: text/plain\r\n", "404"),
	ASKED("the name itself comes first", "/both", "", "200", .body = "NAME ITSELF"),
	ASKED("then the page, then the folder", "/folder", "", "200", .body = "BESIDE THE FOLDER"),
	ASKED("the folder", "/folder/", "", "200", .body = "IN THE FOLDER"),
	ASKED("a folder without a page", "/sub", "", "301", .has = "Location: sub/"),
	ASKED("below a folder, and a pattern without a slash", "/sub/page", "", "200", .body = "BELOW", .has = "X-Path: below"),
	ASKED("a page that nobody may read", "/unreadable", "", "403", .body = "OUR 403"),
	ASKED("a hidden page", "/.secret", BROWSER, "404", .body = "OUR 404"),
	ASKED("a page that is a redirect", "/clean", "", "301", .has = "Location: https://new.example/clean"),
	RULED_CASE("and stays remembered as itself", GET("/about", "") GET("/about", "") GET("/about.html", "") GET("/both", "") GET("/folder", ""), KEPT,
		   IS("200", .body = "ABOUT US"), IS("200", .body = "ABOUT US"), IS("200", .body = "ABOUT US"), IS("200", .body = "NAME ITSELF"), IS("200", .body = "BESIDE THE FOLDER")),
	RULED_CASE("beside what is no file", GET("/pipe", "") GET("/pipe", "") GET("/piped/", "") GET("/piped/", ""), KEPT,
		   IS("200", .body = "BESIDE THE PIPE"), IS("200", .body = "BESIDE THE PIPE"), IS("200", .body = "A HOME WITH A PIPE"), IS("200", .body = "A HOME WITH A PIPE")),
	CASE("not without the option", GET("/page", ""), KEPT, IS("404")),

	/* a fallback */
	ASKED("what is missing, for a browser", "/route", BROWSER, APP),
	ASKED("deeper", "/user/7/edit", BROWSER, APP),
	ASKED("with a slash", "/user/7/", BROWSER, APP),
	ASKED("with a query", "/route?file=a.js", BROWSER, APP),
	ASKED("a dot before the last segment", "/v1.2/route", BROWSER, APP),
	RULED_CASE("for HEAD", HEAD("/route", BROWSER), KEPT, IS("200", .head = true, .has = "Content-Length: 7\nCache-Control: no-cache")),
	ASKED("its tag", "/route", BROWSER "If-None-Match: *\r\n", "304", .has = "Cache-Control: no-cache"),
	RULED_CASE("not for POST", POST("/route", BROWSER "Content-Length: 0\r\n"), KEPT, IS("404", .body = "OUR 404")),
	ASKED("not for a script", "/app.3f2a.js", "Accept: */*\r\n", "404", .body = "OUR 404"),
	ASKED("not for a name with a dot", "/missing.js", BROWSER, "404", .body = "OUR 404"),
	ASKED("not for what takes anything, and caches are told", "/route", "Accept: */*\r\n", "404", .has = "Vary: Accept"),
	ASKED("not without Accept", "/route", "", "404"),
	ASKED("caches are told of nothing else", "/ten.txt", BROWSER, "200", .has = "Vary: Accept-Encoding"),
	ASKED("not where HTML weighs nothing", "/route", "Accept: text/html;q=0, */*\r\n", "404"),
	ASKED("nor behind another parameter", "/route", "Accept: text/html;level=1;q=0\r\n", "404"),
	ASKED("another parameter alone does not matter", "/route", "Accept: text/html;level=1\r\n", "200"),
	ASKED("HTML in a second line", "/route", "Accept: text/plain\r\nAccept: text/HTML;q=0.1\r\n", APP),
	ASKED("not for a hidden name", "/.git", BROWSER, "404"),
	ASKED("not below a hidden name", "/.git/config", BROWSER, "404"),
	ASKED("not for what may not be read", "/unreadable.html", BROWSER, "403"),
	ASKED("by its own name it is a page", "/app.html", "", "200", .body = "THE APP", .has = "Cache-Control: max-age=60"),
	RULED_CASE("and what is there stays what it is", GET("/route", BROWSER) GET("/route", BROWSER) GET("/ten.txt", BROWSER), KEPT,
		   IS(APP), IS(APP), IS("200", .body = TEN, .has = "Cache-Control: max-age=60")),

	/* fields by path */
	ASKED("a field of all", "/ten.txt", "", "200", .has = "Cache-Control: max-age=60\nX-Wire"),
	ASKED("of a name's folder", "/assets/app.css", "", "200", .has = "Cache-Control: max-age=31536000, immutable", .hides = "max-age=60"),
	ASKED("on a part", "/assets/app.css", "Range: bytes=0-0\r\n", "206", .has = "Cache-Control: max-age=31536000, immutable"),
	ASKED("on 304", "/assets/app.css", "If-None-Match: *\r\n", "304", .has = "Cache-Control: max-age=31536000, immutable"),
	ASKED("on 416", "/assets/app.css", "Range: bytes=99-\r\n", "416", .has = "Cache-Control: max-age=31536000, immutable\nContent-Range: bytes */3", .body = "OUR 416"),
	ASKED("on 412", "/assets/app.css", "If-Match: \"x\"\r\n", "412", .has = "Cache-Control: max-age=31536000, immutable", .body = "OUR 412"),
	ASKED("on a redirect", "/assets/deeper", "", "301", .has = "Cache-Control: max-age=31536000, immutable"),
	ASKED("on what is missing", "/assets/missing", "", "404", .has = "Cache-Control: max-age=31536000, immutable"),
	ASKED("on a listing", "/assets/", "", "200", .has = "Cache-Control: max-age=31536000, immutable"),
	RULED_CASE("on a method that is not served", "PUT /assets/app.css HTTP/1.1\r\nHost: a\r\n\r\n", KEPT, IS("405", .has = "Cache-Control: max-age=31536000, immutable\nAllow", .body = "OUR 405")),
	RULED_CASE("on OPTIONS", "OPTIONS /assets/app.css HTTP/1.1\r\nHost: a\r\n\r\n", KEPT, IS("204", .has = "Cache-Control: max-age=31536000, immutable")),
	RULED_CASE("on a body that is too large", POST("/assets/app.css", "Content-Length: 99999999\r\n"), CLOSED, IS("413", .has = "Cache-Control: max-age=31536000, immutable")),
	RULED_CASE("on HEAD", HEAD("/assets/app.css", ""), KEPT, IS("200", .head = true, .has = "Cache-Control: max-age=31536000, immutable")),
	ASKED("the last that matches", "/assets/app.js.map", "", "200", .has = "Cache-Control: no-store", .hides = "immutable\nmax-age=60"),
	ASKED("by the decoded path", "/%61ssets/./x/../app.css", "", "200", .has = "Cache-Control: max-age=31536000, immutable"),
	ASKED("not by the query", "/ten.txt?/assets/x", "", "200", .has = "Cache-Control: max-age=60"),
	ASKED("of a folder's name", "/assets", "", "301", .has = "Cache-Control: max-age=60"),
	ASKED("a pattern of every path", "/", "", "200", .has = "X-Known"),
	RULED_CASE("which is not of a request without one", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", CLOSED, IS("204", .lacks = "X-Known"), IS("400", .lacks = "X-Known")),
	RULED_CASE("none stays for the next", GET("/sub/page", "") GET("/ten.txt", "") "GET / HTTP/9\r\n\r\n", CLOSED, IS("200", .has = "X-Path: below"), IS("200", .lacks = "X-Path"), IS("400", .lacks = "X-Path", .has = "Cache-Control: max-age=60", .body = "OUR 400")),
	RULED_CASE("remembered with its fields", GET("/assets/app.css", "") GET("/assets/app.css", "") GET("/ten.txt", ""), KEPT, IS("200", .has = "Cache-Control: max-age=31536000, immutable"), IS("200", .has = "Cache-Control: max-age=31536000, immutable"), IS("200", .has = "Cache-Control: max-age=60")),

	/* types and indexes */
	ASKED("a type that was said", "/a.md", "", "200", .has = "Content-Type: text/markdown; variant=GFM"),
	ASKED("that of names without an ending", "/none", "", "200", .has = "Content-Type: text/x-none"),
	ASKED("one that says nothing of a charset", "/a.shtml", "", "200", .has = "Content-Type: text/html"),
	ASKED("the first index", "/order/", "", "200", .body = "FIRST INDEX"),
	ASKED("the second, with the fields of its folder", "/sub/", "", "200", .body = "A HOME", .has = "X-Path: below"),
	ASKED("the third", "/readme/", "", "200", .body = "READ ME"),
	ASKED("and none", "/bare/", "", "200", .shows = "0 files"),
	ASKED("an index that is a redirect", "/moved-index/", "", "301", .has = "Location: https://new.example/index"),
	TYPE_IS("HTML is UTF-8", "plain.html", "text/html; charset=utf-8"),
	TYPE_IS("and says so", "utf8.html", "text/html; charset=utf-8"),
	TYPE_IS("or says otherwise", "latin.html", "text/html"),
	TYPE_IS("or as browsers once had it", "equiv.html", "text/html"),
	TYPE_IS("but not in a comment", "comment.html", "text/html; charset=utf-8"),
	TYPE_IS("a byte order mark comes first", "bom8.html", "text/html; charset=utf-8"),
	CASE("of another coding", HEAD("/charset/bom16.html", ""), KEPT, IS("200", .head = true, .has = "Content-Type: text/html")),
	TYPE_IS("what comes too late is not seen", "late.html", "text/html; charset=utf-8"),
	CASE("the same for HEAD", HEAD("/charset/latin.html", ""), KEPT, IS("200", .head = true, .has = "Content-Type: text/html")),
	CASE("and for a part", GET("/charset/latin.html", "Range: bytes=0-0\r\n"), KEPT, IS("206", .has = "Content-Type: text/html")),
	CASE("and for the sibling", GET("/charset/latin.html", "Accept-Encoding: gzip\r\n"), KEPT, IS("200", .has = "Content-Type: text/html\nContent-Encoding: gzip")),
	CASE("each of many", GET("/charset/latin.html", "") GET("/charset/plain.html", "") GET("/charset/latin.html", ""), KEPT,
	     IS("200", .has = "Content-Type: text/html", .body = "<meta charset=iso-8859-1>\n<p>"), IS("200", .has = "Content-Type: text/html; charset=utf-8"), IS("200", .has = "Content-Type: text/html", .body = "<meta charset=iso-8859-1>\n<p>")),

	/* pages for errors */
	ASKED("a page for 404", "/missing.txt", "", "404", .body = "OUR 404", .has = "Content-Type: text/html; charset=utf-8", .lacks = "ETag\nLast-Modified"),
	RULED_CASE("for HEAD", HEAD("/missing.txt", ""), KEPT, IS("404", .head = true, .has = "Content-Length: 7")),
	RULED_CASE("a page for 400", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", CLOSED, IS("400", .body = "OUR 400")),
	RULED_CASE("a page for 421", "GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n", CLOSED, IS("421", .body = "OUR 421")),
	RULED_CASE("a page for 501", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", CLOSED, IS("501", .body = "OUR 501")),
	RULED_CASE("none for 431", "GET / HTTP/1.1\r\nHost: a\r\nX: {{40000*x}}\r\n\r\n", CLOSED, IS("431", .shows = "431 Request Header Fields Too Large")),
	{ .name = NULL },
};
