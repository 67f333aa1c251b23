/*
 * Behind a proxy: the header of the PROXY protocol before the first request, the fields in which trusted
 * proxies tell whose request it is (RFC 7239, and X-Forwarded-For), and --https-only.
 *
 * Every connection comes from 127.0.0.1; without a process from port 9, and there the log is compared.
 * The main server believes nothing. The fronted server trusts 127.0.0.1; at the proxied server the
 * address of the PROXY header is trusted or not.
 */
#include "wire.h"

#define NEAR "127.0.0.1 9"
#define CLOSE "Connection: close\r\n"
#define ASK(fields) GET("/ten.txt", fields CLOSE)
#define FOR(list) "X-Forwarded-For: " list "\r\n"
#define BY(proto) "X-Forwarded-Proto: " proto "\r\n"
#define FORWARDED(list) "Forwarded: " list "\r\n"

#define TEN_IS IS("200", .body = TEN)
#define HTTPS_IS IS("308", .has = "Location: https://a/ten.txt")

#define NAMED(clients_named) CLOSED, .clients = (clients_named)
#define ROW(label, bytes, which, names, ...) CASE_AT(which, label, bytes, NAMED(names), __VA_ARGS__)
/* The client that these fields name, at the fronted server. */
#define NAMES(label, fields, names) ROW(label, ASK(fields), FRONTED, names, HTTPS_IS)
/* They say that the client uses TLS, or not. */
#define SECURE(label, fields) ROW(label, ASK(fields), FRONTED, NULL, TEN_IS)
#define INSECURE(label, fields) ROW(label, ASK(fields), FRONTED, NULL, HTTPS_IS)
#define PROXY_IS(label, header, names, answer) ROW(label, header ASK(""), PROXIED, names, answer)
/* Closed without an answer; logged for the peer of the connection. */
#define TURNED_AWAY NAMED(NEAR), .silent = true, .turned_away = true
#define AWAY(label, bytes) CASE_AT(PROXIED, label, bytes, TURNED_AWAY, NO_ANSWER)
/* The same where the client ends it. */
#define CUT_SHORT TURNED_AWAY, .half_close = true
#define CUT_OFF(label, bytes) CASE_AT(PROXIED, label, bytes, CUT_SHORT, NO_ANSWER)

#define LINE "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n"
#define FAR "192.0.2.1 4711"

/* The binary header: what follows the signature, and then so many bytes as `length` says. */
#define BLOCK(command, length, rest) "\r\n\r\n\0\r\nQUIT\n" command length rest
#define PORTS      \
	"\x12\x67" \
	"\0\x50"
#define ADDRESS4     \
	"\xc0\0\2\1" \
	"\xc0\0\2\2" PORTS
#define TRUSTED4    \
	"\12\0\0\1" \
	"\xc0\0\2\2" PORTS
#define HALF6 "\x20\1\15\xb8\0\0\0\0\0\0\0\0"
#define MAPPED "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"
#define NONE6 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ADDRESS6 HALF6 "\0\0\0\1" HALF6 "\0\0\0\2" PORTS
#define PATHS "{{216*u}}"
#define TLS    \
	"\x20" \
	"\0\5" \
	"\1"   \
	"\0\0\0\0"
#define NO_TLS \
	"\x20" \
	"\0\5" \
	"\0"   \
	"\0\0\0\0"
#define EXTRA  \
	"\4"   \
	"\0\2" \
	"xx" /* five bytes that say nothing */

/* clang-format off */
const struct wire_case wire_front[] = {
	/* nothing is believed unless an option asks for it */
	ROW("forged fields", ASK(FOR("192.0.2.1") FORWARDED("for=192.0.2.1;proto=https") BY("https")), MAIN, NEAR, TEN_IS),
	ROW("a PROXY line that nobody asked for", LINE ASK(""), MAIN, NEAR, IS("400")),
	ROW("a binary PROXY header that nobody asked for", BLOCK("\x21\x11", "\0\14", ADDRESS4) ASK(""), MAIN, NULL, IS("400")),
	CASE("a trailer that names a client", POST("/ten.txt", "Transfer-Encoding: chunked\r\n") "0\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n", CLOSED, IS("400")),

	/* X-Forwarded-For, from the right */
	NAMES("one address", FOR("192.0.2.1"), "192.0.2.1 0"),
	NAMES("no field", "", NEAR),
	NAMES("an empty field", "X-Forwarded-For:\r\n", NEAR),
	NAMES("the client's own word before it", FOR("203.0.113.9, 192.0.2.1"), "192.0.2.1 0"),
	NAMES("no blank between them", FOR("203.0.113.9,192.0.2.1"), "192.0.2.1 0"),
	NAMES("empty elements", FOR(", 192.0.2.1, ,"), "192.0.2.1 0"),
	NAMES("two lines", FOR("203.0.113.9") "X: y\r\n" FOR("192.0.2.1"), "192.0.2.1 0"),
	NAMES("two lines, names in any case", "x-forwarded-FOR: 203.0.113.9\r\nX-FORWARDED-for: 192.0.2.1\r\n", "192.0.2.1 0"),
	NAMES("a trusted one behind it", FOR("203.0.113.9, 192.0.2.1, 10.1.2.3"), "192.0.2.1 0"),
	NAMES("trusted ones in two lines behind it", FOR("192.0.2.1, 10.1.2.3") FOR("10.9.9.9, 127.0.0.1"), "192.0.2.1 0"),
	NAMES("a trusted one of IPv6 behind it", FOR("192.0.2.1, 2001:db8:f:ffff::1"), "192.0.2.1 0"),
	NAMES("one beside the trusted network", FOR("192.0.2.1, 2001:db8:10::1"), "2001:db8:10::1 0"),
	NAMES("one beside the trusted network of IPv4", FOR("192.0.2.1, 11.0.0.0"), "11.0.0.0 0"),
	NAMES("a trusted one as IPv6 writes it", FOR("192.0.2.1, ::ffff:10.1.2.3"), "192.0.2.1 0"),
	NAMES("all are trusted", FOR("10.0.0.1, 10.0.0.2"), "10.0.0.1 0"),
	NAMES("as many trusted ones as are read", FOR("192.0.2.1{{31*, 10.0.0.1}}"), "192.0.2.1 0"),
	NAMES("more trusted ones than are read", FOR("192.0.2.1{{32*, 10.0.0.1}}"), "10.0.0.1 0"),
	NAMES("IPv6", FOR("2001:db8::1"), "2001:db8::1 0"),
	NAMES("IPv6 in brackets", FOR("[2001:db8::1]"), "2001:db8::1 0"),
	NAMES("IPv6 with a port", FOR("[2001:db8::1]:4711"), "2001:db8::1 4711"),
	NAMES("IPv4 with a port", FOR("192.0.2.1:4711"), FAR),
	NAMES("IPv4 with a port of no digits", FOR("192.0.2.1:"), "192.0.2.1 0"),
	NAMES("an obfuscated port that is no token", FOR("192.0.2.1:_x("), NEAR),
	NAMES("IPv4 as IPv6 writes it", FOR("::ffff:192.0.2.1"), "192.0.2.1 0"),
	NAMES("quoted", FOR("\"192.0.2.1\""), "192.0.2.1 0"),
	NAMES("quoted, with a port", FOR("\"[2001:db8::1]:4711\""), "2001:db8::1 4711"),
	/* what is no address leaves the peer's */
	NAMES("unknown", FOR("unknown"), NEAR),
	NAMES("a name", FOR("a.test"), NEAR),
	NAMES("unknown behind an address", FOR("192.0.2.1, unknown"), NEAR),
	NAMES("an unknown one behind an address, before a trusted one", FOR("192.0.2.1, unknown, 10.0.0.1"), NEAR),
	NAMES("a number too large", FOR("192.0.2.256"), NEAR),
	NAMES("three numbers", FOR("192.0.2"), NEAR),
	NAMES("a leading zero", FOR("192.0.2.01"), NEAR),
	NAMES("a port too large", FOR("192.0.2.1:65536"), NEAR),
	NAMES("a port that is a name", FOR("192.0.2.1:http"), NEAR),
	NAMES("a length behind it", FOR("192.0.2.1/32"), NEAR),
	NAMES("no bracket at the end", FOR("[2001:db8::1"), NEAR),
	NAMES("no colon behind the bracket", FOR("[2001:db8::1]4711"), NEAR),
	NAMES("IPv4 in brackets", FOR("[192.0.2.1]"), NEAR),
	NAMES("nine groups", FOR("1:2:3:4:5:6:7:8:9"), NEAR),
	NAMES("a zone", FOR("fe80::1%eth0"), NEAR),
	NAMES("the address of nobody", FOR("::"), NEAR),
	NAMES("the address of nobody with a port", FOR("[::]:1"), NEAR),
	NAMES("a quote without its end", FOR("\"192.0.2.1"), NEAR),
	NAMES("a quote before the client", FOR("\"203.0.113.9, 192.0.2.1"), NEAR),
	NAMES("a line of its own behind a quote", FOR("\"203.0.113.9") FOR("192.0.2.1"), "192.0.2.1 0"),
	NAMES("much of nothing", FOR("{{6000*1,}}192.0.2.1"), "192.0.2.1 0"),
	NAMES("an address of 300 digits", FOR("{{300*1}}"), NEAR),

	/* it is said per request */
	ROW("two clients on one connection", GET("/ten.txt", FOR("192.0.2.1")) GET("/ten.txt", FOR("192.0.2.2") BY("https")) ASK(""), FRONTED,
	    "192.0.2.1 0 192.0.2.2 0 " NEAR, HTTPS_IS, TEN_IS, HTTPS_IS),
	ROW("a request that is refused", GET("/ten.txt", FOR("192.0.2.1") "Transfer-Encoding: x\r\n"), FRONTED, "192.0.2.1 0", IS("400")),

	/* Forwarded */
	NAMES("for", FORWARDED("for=192.0.2.1"), "192.0.2.1 0"),
	NAMES("For, and other parameters", FORWARDED("by=10.0.0.1;For=192.0.2.1;host=a"), "192.0.2.1 0"),
	NAMES("blanks behind semicolons", FORWARDED("for=192.0.2.1; proto=http; by=10.0.0.1"), "192.0.2.1 0"),
	NAMES("from the right", FORWARDED("for=203.0.113.9, for=192.0.2.1, for=10.0.0.1"), "192.0.2.1 0"),
	NAMES("two lines of Forwarded", FORWARDED("for=203.0.113.9") FORWARDED("for=192.0.2.1;by=_x"), "192.0.2.1 0"),
	NAMES("IPv6 in quotes", FORWARDED("for=\"[2001:db8::1]\""), "2001:db8::1 0"),
	NAMES("IPv6 and a port in quotes", FORWARDED("for=\"[2001:db8::1]:4711\""), "2001:db8::1 4711"),
	NAMES("a port in quotes", FORWARDED("for=\"192.0.2.1:4711\""), FAR),
	NAMES("an obfuscated port", FORWARDED("for=\"192.0.2.1:_x.y\""), "192.0.2.1 0"),
	NAMES("a comma in quotes", FORWARDED("for=203.0.113.9, for=192.0.2.1;x=\"a,b\""), "192.0.2.1 0"),
	NAMES("all of Forwarded are trusted", FORWARDED("for=10.0.0.1, for=10.0.0.2"), "10.0.0.1 0"),
	NAMES("unknown in Forwarded", FORWARDED("for=192.0.2.1, for=unknown"), NEAR),
	NAMES("obfuscated", FORWARDED("for=192.0.2.1, for=_gazonk"), NEAR),
	NAMES("no for", FORWARDED("for=192.0.2.1, by=10.0.0.1"), NEAR),
	NAMES("for twice", FORWARDED("for=192.0.2.1;for=192.0.2.2"), NEAR),
	NAMES("no value", FORWARDED("for="), NEAR),
	NAMES("no sign", FORWARDED("for"), NEAR),
	NAMES("no name", FORWARDED("=192.0.2.1"), NEAR),
	NAMES("a blank before the sign", FORWARDED("for =192.0.2.1"), NEAR),
	NAMES("no semicolon", FORWARDED("for=192.0.2.1 proto=http"), NEAR),
	NAMES("IPv6 without quotes", FORWARDED("for=[2001:db8::1]"), NEAR),
	NAMES("a port without quotes", FORWARDED("for=192.0.2.1:80"), NEAR),
	NAMES("text behind quotes", FORWARDED("for=\"192.0.2.1\"x"), NEAR),
	NAMES("a client that opens a quote", FORWARDED("for=203.0.113.9;x=\", for=\"[2001:db8::1]\""), NEAR),
	NAMES("an escaped quote", FORWARDED("for=203.0.113.9;x=\"\\\", for=192.0.2.1"), "192.0.2.1 0"),

	/* both kinds: they have to agree */
	NAMES("both kinds, alike", FORWARDED("for=192.0.2.1") FOR("192.0.2.1"), "192.0.2.1 0"),
	NAMES("both kinds, one with a port", FORWARDED("for=\"192.0.2.1:4711\"") FOR("192.0.2.1"), "192.0.2.1 0"),
	NAMES("a forged Forwarded beside X-Forwarded-For", FORWARDED("for=203.0.113.9") FOR("192.0.2.1"), NEAR),
	NAMES("Forwarded of nobody beside X-Forwarded-For", FORWARDED("for=unknown") FOR("192.0.2.1"), NEAR),
	SECURE("https of a client without an address in both", FORWARDED("proto=https") BY("https")),
	INSECURE("a forged proto in Forwarded", FORWARDED("for=192.0.2.1;proto=https") FOR("192.0.2.1") BY("http")),
	INSECURE("a forged X-Forwarded-Proto", FORWARDED("for=192.0.2.1") BY("https")),
	SECURE("both kinds say https", FORWARDED("for=192.0.2.1;proto=https") FOR("192.0.2.1") BY("https")),

	/* how the client came */
	SECURE("https", BY("https")),
	SECURE("HTTPS", BY("HTTPS")),
	SECURE("https of a client", FOR("192.0.2.1") BY("https")),
	SECURE("https of a client behind two proxies", FOR("192.0.2.1, 10.0.0.1") BY("https, http")),
	SECURE("https that the second proxy passes on", FOR("192.0.2.1, 10.0.0.1") BY("https")),
	SECURE("https in Forwarded", FORWARDED("for=192.0.2.1;proto=https")),
	SECURE("https in quotes", FORWARDED("proto=\"https\"")),
	SECURE("https of an obfuscated client", FORWARDED("for=_x;proto=https, for=10.0.0.1;proto=http")),
	INSECURE("http", BY("http")),
	INSECURE("something else", BY("httpss")),
	INSECURE("the client's own https", FOR("192.0.2.1") BY("https, http")),
	INSECURE("the client's own https in Forwarded", FORWARDED("for=203.0.113.9;proto=https, for=192.0.2.1;proto=http")),
	INSECURE("proto twice", FORWARDED("proto=https;proto=https")),
	INSECURE("X-Forwarded-SSL, which is not read", "X-Forwarded-SSL: on\r\n"),

	/* --https-only */
	ROW("the same path and query", GET("//b/%41%20?c=%20d&e", CLOSE), FRONTED, NULL, IS("308", .has = "Location: https://a//b/%41%20?c=%20d&e")),
	ROW("bytes that a Location may not have", GET("/\"\xff<?\"", CLOSE), FRONTED, NULL, IS("308", .has = "Location: https://a/%22%FF%3C?%22")),
	ROW("a path above the root", GET("/../../x", CLOSE), FRONTED, NULL, IS("308", .has = "Location: https://a/../../x")),
	ROW("a name that does not exist", GET("/none", CLOSE), FRONTED, NULL, IS("308", .has = "Location: https://a/none", .hides = "404")),
	ROW("HEAD", HEAD("/ten.txt", CLOSE), FRONTED, NULL, IS("308", .has = "Location: https://a/ten.txt", .head = true)),
	ROW("POST with a body", POST("/ten.txt", "Content-Length: 5\r\n" CLOSE) "hello", FRONTED, NULL, HTTPS_IS),
	ROW("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n", FRONTED, NULL, IS("308", .has = "Location: https://a")),
	ROW("a method that is not served", "PUT /ten.txt HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n", FRONTED, NULL, IS("405")),
	ROW("a Host with a port", "GET / HTTP/1.1\r\nHost: a.test:8080\r\n" CLOSE "\r\n", FRONTED, NULL, IS("308", .has = "Location: https://a.test/")),
	ROW("a Host of IPv6", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n" CLOSE "\r\n", FRONTED, NULL, IS("308", .has = "Location: https://[::1]/")),
	ROW("absolute form: its host counts", "GET http://b:80/c?d HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n", FRONTED, NULL, IS("308", .has = "Location: https://b/c?d")),
	ROW("absolute form without a path", "GET http://b HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n", FRONTED, NULL, IS("308", .has = "Location: https://b/")),
	ROW("no Host", "GET / HTTP/1.0\r\n\r\n", FRONTED, NULL, IS("400")),
	ROW("an invalid Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", FRONTED, NULL, IS("400")),
	ROW("a challenge", GET("/.well-known/acme-challenge/none", CLOSE), FRONTED, NULL, IS("404")),
	ROW("a challenge, encoded", GET("/.well-known/%61cme-challenge/none", CLOSE), FRONTED, NULL, IS("404")),
	ROW("beside the challenges", GET("/.well-known/acme-challenge", CLOSE), FRONTED, NULL, IS("308")),
	ROW("out of the challenges", GET("/.well-known/acme-challenge/../../ten.txt", CLOSE), FRONTED, NULL, IS("308")),
	ROW("out of the challenges, encoded", GET("/.well-known/acme-challenge/%2e%2e/%2e%2e/ten.txt", CLOSE), FRONTED, NULL, IS("308")),
	ROW("https in absolute form, without TLS", "GET https://a/ten.txt HTTP/1.1\r\nHost: a\r\n\r\n", FRONTED, NULL, IS("421")),
	ROW("https in absolute form, by TLS", "GET https://a/ten.txt HTTP/1.1\r\nHost: a\r\n" BY("https") CLOSE "\r\n", FRONTED, NULL, TEN_IS),
	ROW("OPTIONS of https in absolute form", "OPTIONS https://a HTTP/1.1\r\nHost: a\r\n" BY("https") CLOSE "\r\n", FRONTED, NULL, IS("204")),

	/* the PROXY protocol, a line */
	PROXY_IS("TCP4", LINE, FAR, HTTPS_IS),
	PROXY_IS("TCP6", "PROXY TCP6 2001:db8::1 2001:db8::2 4711 80\r\n", "2001:db8::1 4711", HTTPS_IS),
	PROXY_IS("IPv4 as TCP6", "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 4711 80\r\n", FAR, HTTPS_IS),
	PROXY_IS("the largest and the smallest port", "PROXY TCP4 192.0.2.1 192.0.2.2 65535 0\r\n", "192.0.2.1 65535", HTTPS_IS),
	PROXY_IS("UNKNOWN", "PROXY UNKNOWN\r\n", NEAR, HTTPS_IS),
	PROXY_IS("UNKNOWN with addresses", "PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", NEAR, HTTPS_IS),
	PROXY_IS("a line of 107 bytes", "PROXY UNKNOWN {{91*x}}\r\n", NEAR, HTTPS_IS),
	ROW("one header for a connection", LINE GET("/ten.txt", "") ASK(""), PROXIED, FAR " " FAR, HTTPS_IS, HTTPS_IS),
	ROW("a second header", LINE LINE ASK(""), PROXIED, FAR, IS("400")),
	ROW("a field of a client that is not trusted", LINE ASK(FOR("203.0.113.9") BY("https")), PROXIED, FAR, HTTPS_IS),
	ROW("a field of a trusted one behind the proxy", "PROXY TCP4 10.0.0.1 192.0.2.2 4711 80\r\n" ASK(FOR("203.0.113.9") BY("https")), PROXIED, "203.0.113.9 0", TEN_IS),
	ROW("a field behind UNKNOWN is the trusted peer's", "PROXY UNKNOWN\r\n" ASK(FOR("203.0.113.9")), PROXIED, "203.0.113.9 0", HTTPS_IS),
	AWAY("a line of 108 bytes", "PROXY UNKNOWN {{92*x}}\r\n" ASK("")),
	AWAY("a line without an end", "PROXY UNKNOWN {{200*x}}"),
	AWAY("no CR", "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\n" ASK("")),
	AWAY("two blanks", "PROXY  TCP4 192.0.2.1 192.0.2.2 4711 80\r\n" ASK("")),
	AWAY("two blanks between addresses", "PROXY TCP4 192.0.2.1  192.0.2.2 4711 80\r\n" ASK("")),
	AWAY("a blank at the end", "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80 \r\n" ASK("")),
	AWAY("a word more", "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80 x\r\n" ASK("")),
	AWAY("a word less", "PROXY TCP4 192.0.2.1 192.0.2.2 4711\r\n" ASK("")),
	AWAY("tabs", "PROXY\tTCP4\t192.0.2.1\t192.0.2.2\t4711\t80\r\n" ASK("")),
	AWAY("lower case", "proxy TCP4 192.0.2.1 192.0.2.2 4711 80\r\n" ASK("")),
	AWAY("TCP5", "PROXY TCP5 192.0.2.1 192.0.2.2 4711 80\r\n" ASK("")),
	AWAY("UNKNOWNS", "PROXY UNKNOWNS\r\n" ASK("")),
	AWAY("no protocol", "PROXY \r\n" ASK("")),
	AWAY("TCP4 with IPv6", "PROXY TCP4 2001:db8::1 2001:db8::2 4711 80\r\n" ASK("")),
	AWAY("TCP6 with IPv4", "PROXY TCP6 192.0.2.1 192.0.2.2 4711 80\r\n" ASK("")),
	AWAY("an invalid source", "PROXY TCP4 192.0.2.256 192.0.2.2 4711 80\r\n" ASK("")),
	AWAY("an invalid destination", "PROXY TCP4 192.0.2.1 192.0.2 4711 80\r\n" ASK("")),
	AWAY("a NUL in an address", "PROXY TCP4 192.0.2.1\0 192.0.2.2 4711 80\r\n" ASK("")),
	AWAY("the client is nobody", "PROXY TCP6 :: ::1 4711 80\r\n" ASK("")),
	AWAY("a leading zero of a port", "PROXY TCP4 192.0.2.1 192.0.2.2 04711 80\r\n" ASK("")),
	AWAY("a signed port", "PROXY TCP4 192.0.2.1 192.0.2.2 +4711 80\r\n" ASK("")),
	AWAY("a source port too large", "PROXY TCP4 192.0.2.1 192.0.2.2 65536 80\r\n" ASK("")),
	AWAY("a destination port too large", "PROXY TCP4 192.0.2.1 192.0.2.2 4711 65536\r\n" ASK("")),
	AWAY("a request without a header", ASK("")),
	AWAY("an empty line first", "\r\n" LINE ASK("")),
	AWAY("TLS", "\x16\3\1\2\0\1\0\1\xfc\3\3"),
	CUT_OFF("the end within a line", "PROXY TCP4 192.0."),
	{ .name = "the end before the first byte", .send = { PART("") }, .end = CLOSED, .server = PROXIED, .clients = "", .silent = true, .half_close = true },
	CUT_OFF("the end after one byte", "P"),

	/* the binary header */
	PROXY_IS("TCP over IPv4", BLOCK("\x21\x11", "\0\14", ADDRESS4), FAR, HTTPS_IS),
	PROXY_IS("TCP over IPv6", BLOCK("\x21\x21", "\0\44", ADDRESS6), "2001:db8::1 4711", HTTPS_IS),
	PROXY_IS("IPv4 over IPv6", BLOCK("\x21\x21", "\0\44", MAPPED MAPPED PORTS), FAR, HTTPS_IS),
	PROXY_IS("LOCAL", BLOCK("\x20\0", "\0\0", ""), NEAR, HTTPS_IS),
	PROXY_IS("LOCAL with an address", BLOCK("\x20\x11", "\0\14", ADDRESS4), NEAR, HTTPS_IS),
	PROXY_IS("LOCAL with what nobody knows", BLOCK("\x20\xff", "\0\3", "xyz"), NEAR, HTTPS_IS),
	PROXY_IS("LOCAL with TLS, which is not the client's", BLOCK("\x20\0", "\0\10", TLS), NEAR, HTTPS_IS),
	PROXY_IS("no protocol of addresses", BLOCK("\x21\0", "\0\0", ""), NEAR, HTTPS_IS),
	PROXY_IS("UNIX sockets", BLOCK("\x21\x31", "\0\xd8", PATHS), NEAR, HTTPS_IS),
	PROXY_IS("datagrams over IPv4", BLOCK("\x21\x12", "\0\14", ADDRESS4), NEAR, HTTPS_IS),
	PROXY_IS("an extension", BLOCK("\x21\x11", "\0\21", ADDRESS4 EXTRA), FAR, HTTPS_IS),
	PROXY_IS("an extension of no bytes at the end", BLOCK("\x21\x11", "\0\17", ADDRESS4 "\4\0\0"), FAR, HTTPS_IS),
	PROXY_IS("TLS", BLOCK("\x21\x11", "\0\24", ADDRESS4 TLS), FAR, TEN_IS),
	PROXY_IS("TLS between extensions", BLOCK("\x21\x11", "\0\36", ADDRESS4 EXTRA TLS EXTRA), FAR, TEN_IS),
	PROXY_IS("TLS over IPv6", BLOCK("\x21\x21", "\0\54", ADDRESS6 TLS), "2001:db8::1 4711", TEN_IS),
	PROXY_IS("no TLS", BLOCK("\x21\x11", "\0\24", ADDRESS4 NO_TLS), FAR, HTTPS_IS),
	PROXY_IS("extensions of 4068 bytes", BLOCK("\x21\x11", "\x0f\xf0", ADDRESS4 "\4\x0f\xe1{{4065*x}}"), FAR, HTTPS_IS),
	ROW("TLS for two requests", BLOCK("\x21\x11", "\0\24", ADDRESS4 TLS) GET("/ten.txt", "") ASK(""), PROXIED, FAR " " FAR, TEN_IS, TEN_IS),
	ROW("https in absolute form behind TLS", BLOCK("\x21\x11", "\0\24", ADDRESS4 TLS) "GET https://a/ten.txt HTTP/1.1\r\nHost: a\r\n" CLOSE "\r\n", PROXIED, FAR, TEN_IS),
	ROW("TLS to a trusted proxy, but plain HTTP before it", BLOCK("\x21\x11", "\0\24", TRUSTED4 TLS) ASK(FOR("203.0.113.9") BY("http")), PROXIED, "203.0.113.9 0", HTTPS_IS),
	AWAY("a header of 4097 bytes", BLOCK("\x21\x11", "\x0f\xf1", ADDRESS4 "\4\x0f\xe2{{4066*x}}") ASK("")),
	AWAY("a header of 65,551 bytes", BLOCK("\x21\x11", "\xff\xff", "{{65535*x}}") ASK("")),
	AWAY("version 1", BLOCK("\x11\x11", "\0\14", ADDRESS4) ASK("")),
	AWAY("version 3", BLOCK("\x31\x11", "\0\14", ADDRESS4) ASK("")),
	AWAY("command 2", BLOCK("\x22\x11", "\0\14", ADDRESS4) ASK("")),
	AWAY("family 4", BLOCK("\x21\x41", "\0\14", ADDRESS4) ASK("")),
	AWAY("transport 3", BLOCK("\x21\x13", "\0\14", ADDRESS4) ASK("")),
	AWAY("a family without a transport", BLOCK("\x21\x10", "\0\14", ADDRESS4) ASK("")),
	AWAY("a transport without a family", BLOCK("\x21\1", "\0\0", "") ASK("")),
	AWAY("too short for IPv4", BLOCK("\x21\x11", "\0\13", "\xc0\0\2\1\xc0\0\2\2\x12\x67\0") ASK("")),
	AWAY("too short for IPv6", BLOCK("\x21\x21", "\0\14", ADDRESS4) ASK("")),
	AWAY("too short for a UNIX socket", BLOCK("\x21\x31", "\0\14", ADDRESS4) ASK("")),
	AWAY("an extension that is cut off", BLOCK("\x21\x11", "\0\16", ADDRESS4 "\4\0") ASK("")),
	AWAY("an extension longer than the header", BLOCK("\x21\x11", "\0\20", ADDRESS4 "\4\0\2x") ASK("")),
	AWAY("a TLS extension that is too short", BLOCK("\x21\x11", "\0\23", ADDRESS4 "\x20\0\4\1\0\0\0") ASK("")),
	AWAY("the address of nobody", BLOCK("\x21\x21", "\0\44", NONE6 NONE6 PORTS) ASK("")),
	AWAY("another signature", "\r\n\r\n\0\r\nQUIT\r" "\x21\x11\0\14" ADDRESS4 ASK("")),
	CUT_OFF("the end within the signature", "\r\n\r\n\0"),
	CUT_OFF("the end within a binary header", BLOCK("\x21\x11", "\0\14", "\xc0")),

	{ .name = NULL },
};
/* clang-format on */
