/*
 * A folder asked for without its slash: where the client is sent, and where it is not. What it is
 * sent to is relative: nothing before the last segment of what it asked for can be wrong.
 */
#include "wire.h"

#define TO(label, target, location)        \
	CASE(label, GET(target, ""), KEPT, \
	     IS("301", .has = "Location: " location, .lacks = "X-Evil"))
#define NOT_FOUND(label, target) CASE(label, GET(target, ""), KEPT, IS("404", .lacks = "Location"))

/* clang-format off */
const struct wire_case wire_redirect[] = {
	TO("a folder", "/sub", "sub/"),
	TO("a folder in a folder", "/sub/deeper", "deeper/"),
	TO("an escaped letter", "/s%75b", "sub/|s%75b/"),
	TO("a query", "/sub?a=b", "sub/?a=b"),
	TO("an empty query", "/sub?", "sub/|sub/?"),
	TO("a query with all it may hold", "/sub?a=b&c=%20d/?:@", "sub/?a=b&c=%20d/?:@"),
	TO("a query with slashes", "/sub?//evil.example", "sub/?//evil.example"),
	TO("a query with a URL", "/sub?next=http://evil.example/", "sub/?next=http://evil.example/"),
	TO("a query with an escaped line end", "/sub?%0d%0aX-Evil:%201", "sub/?%0d%0aX-Evil:%201|sub/?%0D%0AX-Evil:%201"),
	TO("a query with an escaped NUL", "/sub?%00", "sub/?%00"),
	TO("two slashes first", "//sub", "sub/"),
	TO("many slashes first", "/////sub", "sub/"),
	TO("two slashes inside", "/sub//deeper", "deeper/"),
	TO("a host's name after two slashes", "//evil.example", "evil.example/"),
	TO("a host's name after three slashes", "///evil.example", "evil.example/"),
	TO("a host's name after many slashes, with a query", "////evil.example?a", "evil.example/?a"),
	CASE("a host's name and dots", GET("//evil.example/%2e%2e", ""), KEPT, IS("200", .body = "ROOT INDEX", .lacks = "Location")),
	CASE("a host's name and dots and a slash", GET("//evil.example/%2e%2e/", ""), KEPT, IS("200", .body = "ROOT INDEX", .lacks = "Location")),
	TO("two dots before", "/missing/../sub", "sub/"),
	TO("a dot segment before", "/sub/./deeper", "deeper/"),
	TO("a host's name after two dots", "/sub/..//evil.example", "evil.example/"),
	NOT_FOUND("a host that isn't a folder", "//evil.example/missing"),
	NOT_FOUND("a user and a host", "//a@evil.example"),
	TO("a host's name after a slash and a backslash", "/%5cevil.example", "%5Cevil.example/|%5cevil.example/"),
	TO("a host's name after a slash and a backslash as it is", "/\\evil.example", "%5Cevil.example/|%5cevil.example/"),
	NOT_FOUND("a host's name after two backslashes", "/\\\\evil.example"),
	NOT_FOUND("a host's name after a tab", "/%09/evil.example"),
	CASE("a host's name after an escaped slash", GET("/%2fevil.example", ""), EITHER, IS("400 404", .lacks = "Location")),
	CASE("a host's name after an escaped line end", GET("/%0d%0a/evil.example", ""), EITHER, IS("404", .lacks = "Location")),
	CASE("another Host", "GET /sub HTTP/1.1\r\nHost: " ECHOED ".example\r\n\r\n", KEPT, IS("301", .has = "Location: sub/")),
	CASE("another forwarded host", GET("/sub", "X-Forwarded-Host: " ECHOED "\r\nX-Forwarded-Proto: https\r\n"), KEPT, IS("301", .has = "Location: sub/")),
	CASE("the absolute form", "GET http://" ECHOED ".example/sub HTTP/1.1\r\nHost: a\r\n\r\n", KEPT, IS("301", .has = "Location: sub/")),
	CASE("the absolute form with a query", "GET http://b.example/sub?x HTTP/1.1\r\nHost: a\r\n\r\n", KEPT, IS("301", .has = "Location: sub/?x")),
	CASE("1.0", "GET /sub HTTP/1.0\r\n\r\n", CLOSED, IS("301", .has = "Location: sub/")),
	CASE("HEAD", HEAD("/sub?x", ""), KEPT, IS("301", .head = true, .has = "Location: sub/?x")),
	TO("a space", "/with%20space", "with%20space/"),
	TO("UTF-8, escaped", "/caf%C3%A9", "caf%C3%A9/"),
	TO("UTF-8 as it is", "/caf\xc3\xa9", "caf%C3%A9/|caf%c3%a9/"),
	TO("no UTF-8", "/bad%FF", "bad%FF/"),
	TO("no UTF-8 as it is", "/bad\xff", "bad%FF/|bad%ff/"),
	TO("an escape in the name", "/%2541", "%2541/"),
	TO("a line end in the name", "/new%0D%0AX-Evil:%201", "./new%0D%0AX-Evil:%201/|new%0D%0AX-Evil%3A%201/"),
	TO("a question mark in the name", "/what%3F", "what%3F/"),
	TO("a question mark in the name, and a query", "/what%3F?a=b", "what%3F/?a=b"),
	TO("a hash in the name", "/hash%23", "hash%23/"),
	TO("a colon in the name", "/a:b", "./a:b/|a%3Ab/"),
	TO("markup in the name", "/%22%3E%3Cb%3E", "%22%3E%3Cb%3E/"),
	TO("markup in the name as it is", "/\"><b>", "%22%3E%3Cb%3E/"),
	TO("a backslash in the name", "/back%5Cslash", "back%5Cslash/"),
	CASE("markup in the query isn't in the page", GET("/sub?<script>", ""), KEPT, IS("301", .has = "Location", .lacks = "X-Evil", .hides = "<script>")),
	CASE("quotes in the query aren't in the header as they are", GET("/sub?\"<x>", ""), KEPT, IS("301", .has = "Location: sub/?%22%3Cx%3E")),
	CASE("high bytes in the query aren't in the header as they are", GET("/sub?\xc3\xa9", ""), KEPT, IS("301", .has = "Location: sub/?%C3%A9|sub/?%c3%a9")),
	NOT_FOUND("a folder that isn't there", "/missing"),
	CASE("dots", GET("/sub/..", ""), KEPT, IS("200", .lacks = "Location")),
	CASE("a folder with its slash and a query", GET("/sub/?a=b", ""), KEPT, IS("200", .body = "SUB INDEX", .lacks = "Location")),
	{ .name = NULL },
};
