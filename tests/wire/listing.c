/* Listings: what they show, in which order, and what they don't let out. */
#include "wire.h"

#define POLICY "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'"
#define PAGE "Content-Type: text/html; charset=utf-8\n" POLICY
#define ORDER(label, query, ...) \
	CASE(label, GET("/order/" query, ""), KEPT, IS("200", .has = PAGE, .shows = __VA_ARGS__))
#define HIDES(label, text) \
	CASE(label, GET("/list/", ""), KEPT, IS("200", .shows = "a+b", .hides = text))
#define SHOWS(label, text) CASE(label, GET("/list/", ""), KEPT, IS("200", .shows = text))

/* clang-format off */
const struct wire_case wire_listing[] = {
	CASE("a page", GET("/order/", ""), KEPT, IS("200", .has = PAGE, .shows = "<!doctype html>\nalpha\n</html>", OR("200", .has = PAGE, .shows = "<!DOCTYPE html>\nalpha\n</html>"))),
	CASE("its header for HEAD", HEAD("/order/", ""), KEPT, IS("200", .head = true, .has = PAGE "\nContent-Length")),
	CASE("for POST", POST("/order/", "Content-Length: 5\r\n") "hello", KEPT, IS("200", .has = PAGE, .shows = "alpha")),
	CASE("of 1.0", "GET /order/ HTTP/1.0\r\n\r\n", CLOSED, IS("200", .has = PAGE, .shows = "alpha")),
	CASE("of nothing", GET("/bare/", ""), KEPT, IS("200", .has = PAGE)),
	CASE("of what isn't files", GET("/nothing-but-fifo/", ""), KEPT, IS("200", .has = PAGE)),
	CASE("of what isn't there", GET("/missing/", ""), KEPT, IS("404")),
	CASE("by way of two slashes", GET("//order//", ""), KEPT, IS("200", .shows = "alpha")),
	CASE("a way up", GET("/order/", ""), KEPT, IS("200", .shows = "href=\"../\"", OR("200", .shows = "href=\"..\""))),
	CASE("sizes", GET("/order/", ""), KEPT, IS("200", .shows = "alpha\n22\nbravo\n1\ncharlie\n33")),
	CASE("times", GET("/order/", ""), KEPT, IS("200", .shows = "alpha\n1994\nbravo")),

	/* orders: folders first whatever it is */
	ORDER("as it comes", "", "zulu\nalpha\nbravo\ncharlie"),
	ORDER("by name", "?sort=name", "zulu\nalpha\nbravo\ncharlie"),
	ORDER("by name, up", "?sort=name&order=asc", "zulu\nalpha\nbravo\ncharlie"),
	ORDER("by name, down", "?sort=name&order=desc", "zulu\ncharlie\nbravo\nalpha"),
	ORDER("by size", "?sort=size", "zulu\nbravo\nalpha\ncharlie"),
	ORDER("by size, up", "?sort=size&order=asc", "zulu\nbravo\nalpha\ncharlie"),
	ORDER("by size, down", "?sort=size&order=desc", "zulu\ncharlie\nalpha\nbravo"),
	ORDER("by time, up", "?sort=time&order=asc", "zulu\ncharlie\nbravo\nalpha"),
	ORDER("by time, down", "?sort=time&order=desc", "zulu\nalpha\nbravo\ncharlie"),
	ORDER("down, by size", "?order=desc&sort=size", "zulu\ncharlie\nalpha\nbravo"),
	ORDER("by something else", "?sort=colour", "zulu\nalpha\nbravo\ncharlie"),
	ORDER("by nothing", "?sort=", "zulu\nalpha\nbravo\ncharlie"),
	ORDER("in another order", "?sort=name&order=sideways", "zulu\nalpha\nbravo\ncharlie"),
	ORDER("with other parameters", "?a=b&&=&c", "zulu\nalpha\nbravo\ncharlie"),
	ORDER("with other parameters before", "?a=b&sort=size&order=desc&c=d", "zulu\ncharlie\nalpha\nbravo"),
	ORDER("by a name that begins alike", "?sort=sizes", "zulu\nalpha\nbravo\ncharlie"),
	ORDER("with another parameter's end", "?resort=size", "zulu\nalpha\nbravo\ncharlie"),
	ORDER("with a wrong escape", "?sort=%73ize%21", "zulu\nalpha\nbravo\ncharlie"),
	CASE("a script in the order isn't on the page", GET("/order/?sort=\"><script>" ECHOED, ""), KEPT, IS("200", .shows = "zulu\nalpha", .hides = "<script")),
	CASE("a script in another parameter isn't on the page", GET("/order/?x=%22%3e%3cscript%3e" ECHOED, ""), KEPT, IS("200", .hides = "<script")),
	CASE("a query of 5000 bytes", GET("/order/?{{5000*&}}sort=size", ""), KEPT, IS("200", .shows = "zulu")),
	CASE("a thousand orders", GET("/order/?{{400*sort=size&}}", ""), KEPT, IS("200", .shows = "zulu")),

	/* the plain form */
	CASE("as text", GET("/order/?format=text", ""), KEPT, IS("200", .has = "Content-Type:~text/plain", .shows = "zulu\nalpha\nbravo\ncharlie", .hides = "<\nhref")),
	CASE("as text, by size, down", GET("/order/?format=text&sort=size&order=desc", ""), KEPT, IS("200", .has = "Content-Type:~text/plain", .shows = "zulu\ncharlie\nalpha\nbravo")),
	CASE("as text for HEAD", HEAD("/order/?format=text", ""), KEPT, IS("200", .head = true, .has = "Content-Type:~text/plain\nContent-Length")),
	CASE("as text, of an index, is the index", GET("/sub/?format=text", ""), KEPT, IS("200", .body = "SUB INDEX")),

	/* names on the page */
	HIDES("no element from a name", "<img"),
	HIDES("no attribute from a name in double quotes", "\" onmouseover=\""),
	HIDES("no attribute from a name in single quotes", "' onmouseover='"),
	HIDES("no scheme from a name", "href=\"javascript:"),
	HIDES("no escape sequence from a name", "\x1b"),
	HIDES("no byte that isn't UTF-8", "\xff"),
	HIDES("no hidden name", ".hidden"),
	SHOWS("markup as text", "&lt;img src=x onerror=alert(1)&gt;"),
	SHOWS("an ampersand as text", "&amp;amp;"),
	SHOWS("UTF-8 as it is", "caf\xc3\xa9"),
	SHOWS("a folder's name as text", "folder &amp; &lt;more&gt;"),
	SHOWS("a folder's slash", "more%3E/\""),
	SHOWS("a percent sign in a link", "100%2525\""),
	SHOWS("a hash in a link", "hash%23mark\""),
	SHOWS("UTF-8 in a link", "caf%C3%A9\""),
	SHOWS("no UTF-8 in a link", "bad%FF%C3%FE\""),
	SHOWS("a newline in a link", "new%0Aline\""),
	SHOWS("a backslash in a link", "back%5Cslash\""),
	SHOWS("a space in a link", "%20space%20\""),
	CASE("of a folder with a strange name", GET("/%22%3E%3Cb%3E/", ""), KEPT, IS("200", .has = PAGE, .hides = "\"><b>")),
	CASE("of a folder with a line end in its name", GET("/new%0D%0AX-Evil:%201/", ""), KEPT, IS("200", .has = PAGE, .lacks = "X-Evil")),
	CASE("of a folder that isn't UTF-8", GET("/bad%FF/", ""), KEPT, IS("200", .has = PAGE, .hides = "\xff")),
	CASE("of redirects", GET("/moved/", ""), KEPT, IS("200", .has = PAGE, .shows = "<bdi>odd</bdi></a> <small>\xe2\x86\x92 https://new.example/caf\xc3\xa9/&quot;&lt;&gt;\\%20</small></td><td></td>\nsecure", .hides = "X-Evil\nto-link\nbad-port")),
	CASE("of redirects, for programs", GET("/moved/?format=text", ""), KEPT, IS("200", .shows = "-\t\n\tplain\thttp://new.example")),
	CASE("numbers count", GET("/numbers/", ""), KEPT, IS("200", .shows = ">99999999999999999999\n>100000000000000000000\n>File1\n>file2\n>file2a\n>file010\n>file10")),
	CASE("as JSON", GET("/order/?format=json", ""), KEPT, IS("200", .has = "Content-Type: application/json", .shows = "[ \n{ \"name\":\"zulu\", \"type\":\"directory\", \"mtime\":\"\n\" },\n{ \"name\":\"alpha\", \"type\":\"file\", \"mtime\":\"Sun, 06 Nov 1994 08:54:37 GMT\", \"size\":22 },\n{ \"name\":\"bravo\"\n\"charlie\"\n\"size\":33 }\n]")),
	CASE("JSON of nothing", GET("/bare/?format=json", ""), KEPT, IS("200", .body = "[\n]\n")),
	CASE("JSON for HEAD", HEAD("/order/?format=json", ""), KEPT, IS("200", .head = true, .has = "Content-Type: application/json")),
	CASE("JSON, sorted", GET("/order/?format=json&sort=size&order=desc", ""), KEPT, IS("200", .shows = "charlie\nbravo", OR("200", .shows = "zulu\ncharlie\nalpha\nbravo"))),
	CASE("JSON of odd names", GET("/list/?format=json", ""), KEPT, IS("200", .shows = "\"name\":\"\\\" onmouseover=\\\"alert(2)\"\n\"back\\\\slash\"", .hides = "\xff\n\x1b")),
	CASE("JSON of names that aren't UTF-8", GET("/list/?format=json", ""), KEPT, IS("200", .shows = "\"href\":\"bad%FF%C3%FE\"")),
	CASE("JSON of redirects", GET("/moved/?format=json", ""), KEPT, IS("200", .shows = "{ \"name\":\"plain\", \"type\":\"other\", \"mtime\":\"\n, \"location\":\"http://new.example\" }")),
	CASE("HTML by its name", GET("/order/?format=html", ""), KEPT, IS("200", .has = PAGE)),
	CASE("an unknown format", GET("/order/?format=xml", ""), KEPT, IS("400")),
	CASE("an empty format", GET("/order/?format=", ""), KEPT, IS("400")),
	CASE("a format where nothing is listed", GET("/ten.txt?format=xml", ""), KEPT, IS("200", .body = TEN)),
	CASE("the way to a folder", GET("/sub/deeper/", ""), KEPT, IS("200", .shows = "Index of <a href=\"../../\">/</a><a href=\"../\">sub/</a>deeper/</h1></nav>\n<main>\n<th scope=\"col\"\n</main>")),
	CASE("the way to the root", GET("/.well-known/acme-challenge/", ""), KEPT, IS("200", .shows = "<a href=\"../../\">/</a><a href=\"../\">.well-known/</a>acme-challenge/")),
	CASE("of .well-known: no hidden names there", GET("/.well-known/", ""), KEPT, IS("200 403 404", .hides = ".hidden")),
	{ .name = NULL },
};
