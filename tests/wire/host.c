/*
 * A folder for each host: whose it is, by which name, and that no other name reaches anything. RFC 9112
 * 3.2.2: the target's host comes before the Host field.
 */
#include "wire.h"

#define ASK(host, target, fields) "GET " target " HTTP/1.1\r\nHost: " host "\r\n" fields "\r\n"
#define INDEX(label, host, index) \
	CASE_AT(HOSTED, label, ASK(host, "/", ""), KEPT, IS("200", .body = index))
#define OTHERS(label, host) INDEX(label, host, "DEFAULT INDEX")
#define HOSTED_CASE(...) CASE_AT(HOSTED, __VA_ARGS__)
#define STRICT_CASE(...) CASE_AT(STRICT, __VA_ARGS__)

/* clang-format off */
const struct wire_case wire_host[] = {
	INDEX("its name", "a.test", "A TEST"),
	INDEX("another name", "b.test", "B TEST"),
	INDEX("upper case", "A.TesT", "A TEST"),
	INDEX("a port", "a.test:99", "A TEST"),
	INDEX("an empty port", "a.test:", "A TEST"),
	INDEX("a dot at the end", "a.test.", "A TEST"),
	INDEX("a dot at the end, and a port", "a.test.:8080", "A TEST"),
	OTHERS("two dots at the end", "a.test.."),
	INDEX("a dash", "a-b", "A DASH B"),
	INDEX("an underscore", "a_b", "A UNDERSCORE B"),
	OTHERS("a dot where others have a dash", "a.b"),
	INDEX("an IPv6 literal", "[::1]", "IPV6"),
	INDEX("an IPv6 literal with a port", "[::1]:80", "IPV6"),
	OTHERS("another IPv6 literal", "[::2]"),
	INDEX("an IPv4 address", "127.0.0.1:8080", "IPV4"),
	OTHERS("a host that has no folder", "c.test"),
	OTHERS("a folder of upper case", "UPPER.test"),
	OTHERS("the folder for others by its name", "default"),
	OTHERS("two dots", ".."),
	OTHERS("a dot", "."),
	OTHERS("an escaped dot", "%2e"),
	OTHERS("a name with an escaped slash at its end", "a.test%2e"),
	OTHERS("a hidden name", ".hidden"),
	OTHERS("a dash first", "-dash"),
	OTHERS("a byte that no name has", "~tilde"),
	OTHERS("a name that is a file's", "file.test"),
	INDEX("a name as long as any file's", "{{250*a}}fives", "THE LONGEST"),
	OTHERS("a name longer than any file's", "{{251*a}}fives"),
	OTHERS("a link that leads out", "out.test"),
	OTHERS("a link to /", "root.test"),
	OTHERS("a link in a circle", "loop.test"),
	OTHERS("a link to a URL", "url.test"),
	INDEX("a link to a host's folder", "www.a.test", "A TEST"),
	INDEX("a link through another folder", "below.test", "B TEST"),
	HOSTED_CASE("no host", "GET / HTTP/1.0\r\n\r\n", CLOSED, IS("200", .body = "DEFAULT INDEX")),
	HOSTED_CASE("an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", CLOSED, IS("400")),
	HOSTED_CASE("a slash in Host", ASK("a.test/..", "/", ""), CLOSED, IS("400")),
	HOSTED_CASE("a path in Host", ASK("../outside", "/", ""), CLOSED, IS("400")),
	HOSTED_CASE("the target's host comes first", "GET http://b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", KEPT, IS("200", .body = "B TEST")),
	HOSTED_CASE("of 1.0, too", "GET http://B.test.:80/ HTTP/1.0\r\n\r\n", CLOSED, IS("200", .body = "B TEST")),
	HOSTED_CASE("the target's host has no folder", "GET http://c.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", KEPT, IS("200", .body = "DEFAULT INDEX")),
	HOSTED_CASE("each request has its own", ASK("a.test", "/page.css", "") ASK("b.test", "/page.css", "") ASK("a.test", "/page.css", "") ASK("c.test", "/page.css", "") ASK("www.a.test", "/page.css", ""), KEPT,
		    IS("200", .body = "OF A."), IS("200", .body = "OF B."), IS("200", .body = "OF A."), IS("404"), IS("200", .body = "OF A.")),
	HOSTED_CASE("HEAD, POST", "HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\nPOST / HTTP/1.1\r\nHost: b.test\r\nContent-Length: 5\r\n\r\nhello", KEPT, IS("200", .head = true), IS("200", .body = "B TEST")),
	HOSTED_CASE("above its folder", ASK("a.test", "/../b.test/page.css", ""), CLOSED, IS("400")),
	HOSTED_CASE("a link to another's", ASK("a.test", "/across.css", ""), KEPT, IS("404", .body = "NOT AT A")),
	HOSTED_CASE("a link above it", ASK("a.test", "/up/b.test/page.css", ""), KEPT, IS("404", .body = "NOT AT A")),
	HOSTED_CASE("another's name below it", ASK("a.test", "/b.test/page.css", ""), KEPT, IS("404", .body = "NOT AT A")),
	HOSTED_CASE("its own page for what is missing", ASK("a.test", "/missing", ""), KEPT, IS("404", .body = "NOT AT A")),
	HOSTED_CASE("which another doesn't have", ASK("b.test", "/missing", ""), KEPT, IS("404", .hides = "NOT AT A")),
	HOSTED_CASE("its own page for a method", "PUT / HTTP/1.1\r\nHost: a.test\r\n\r\n", KEPT, IS("405", .has = "Allow", .body = "NO SUCH METHOD AT A")),
	HOSTED_CASE("a redirect", ASK("a.test", "/list", ""), KEPT, IS("301", .has = "Location: list/")),
	HOSTED_CASE("its listing", ASK("a.test", "/list/?format=text", ""), KEPT, IS("200", .shows = "inside\none", .hides = "across")),
	HOSTED_CASE("a listing's way up", ASK("a.test", "/list/", ""), KEPT, IS("200", .shows = "Index of <a href=\"../\">/</a>list/", .hides = "a.test")),
	HOSTED_CASE("a folder that nobody may read", ASK("closed.test", "/", ""), KEPT, IS("403")),
	HOSTED_CASE("no range of another's", ASK("b.test", "/page.css", "Range: bytes=3-4\r\n"), KEPT, IS("206", .body = "B.")),
	HOSTED_CASE("OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: c.test\r\n\r\n", KEPT, IS("204", .has = "Allow")),
	STRICT_CASE("without a folder for others", ASK("a", "/", ""), KEPT, IS("200", .body = "STRICTLY A")),
	STRICT_CASE("others are misdirected", ASK("b", "/", ""), KEPT, IS("421", .body = "NOBODY HERE")),
	STRICT_CASE("whatever they ask", ASK("b", "/missing/", ""), KEPT, IS("421", .body = "NOBODY HERE")),
	STRICT_CASE("by any method", "OPTIONS * HTTP/1.1\r\nHost: b\r\n\r\nHEAD / HTTP/1.1\r\nHost: b\r\n\r\n", KEPT, IS("421"), IS("421", .head = true)),
	STRICT_CASE("and keep the connection", "POST / HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\n\r\nhello", KEPT, IS("421")),
	STRICT_CASE("so are those without a name", "GET / HTTP/1.0\r\n\r\n", CLOSED, IS("421")),
	{ .name = NULL },
};
