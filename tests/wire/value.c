/*
 * Values: what may stand in a part of a request, and what comes of it exactly; each is its own name.
 * What a rule is about, and what surrounds it, is in the other tables.
 */
#include "wire.h"

#define HEADER(lines, then, status) \
	CASE("header: " lines, "GET /ten.txt HTTP/1.1\r\n" lines "\r\n", then ONCE, IS(status))
/* Those that close: what follows the last request may be cut off by a reset. */
#define ONCE , .at_once = true
#define FIELD(lines, then, status) \
	CASE("field: " lines, GET("/ten.txt", lines), then ONCE, IS(status))
#define HOST(value) \
	CASE("Host: " value, "GET /ten.txt HTTP/1.1\r\nHost: " value "\r\n\r\n", KEPT, IS("200"))
#define NO_HOST(value)                                                                            \
	CASE("Host: " value, "GET /ten.txt HTTP/1.1\r\nHost: " value "\r\n\r\n" SMUGGLED, CLOSED, \
	     IS("400"))
#define LINE_IS(line, then, status) \
	CASE("line: " line, line "\r\nHost: a\r\n\r\n", then, IS(status))
#define LENGTH(value, status)                                                                     \
	CASE("Content-Length: " value, POST("/ten.txt", "Content-Length: " value "\r\n"), CLOSED, \
	     IS(status))
#define FRAMED(minor, lines, then, status)                                                      \
	CASE("1." minor " " lines, "GET /ten.txt HTTP/1." minor "\r\n" lines "\r\n", then ONCE, \
	     IS(status))
#define CHUNKED(body, then, status)                                                          \
	CASE("chunks: " body, POST("/ten.txt", "Transfer-Encoding: chunked\r\n") body, then, \
	     IS(status))
#define CHUNK(line, size) CHUNKED(line "\r\n{{" #size "*x}}\r\n0\r\n\r\n", KEPT, "200")
#define NO_CHUNK(line) CHUNKED(line "\r\nhello\r\n0\r\n\r\n", CLOSED, "400")
#define RANGED(value, ...) \
	CASE("Range: " value, GET("/ten.txt", "Range: " value "\r\n"), KEPT, __VA_ARGS__)
#define RANGE(value, where, content) \
	RANGED(value, IS("206", .body = content, .has = "Content-Range: bytes " where "/10"))
#define WHOLE(value) RANGED(value, IS("200", .body = TEN))
#define CODED(value, content)                                                                      \
	CASE("Accept-Encoding: " value, GET("/page.html", "Accept-Encoding: " value "\r\n"), KEPT, \
	     IS("200", .body = content))
#define PLAIN(value) CODED(value, "PLAIN PAGE")
#define GZIP(value) CODED(value, "GZIP OF PAGE")
#define BROTLI(value) CODED(value, "BROTLI OF PAGE")
#define ZSTD(value) CODED(value, "ZSTD OF PAGE")
#define STRONG(value, status) \
	CASE("If-Match: " value, GET("/ten.txt", "If-Match: " value "\r\n"), KEPT, IS(status))
#define WEAK(value, status)                                                                  \
	CASE("If-None-Match: " value, GET("/ten.txt", "If-None-Match: " value "\r\n"), KEPT, \
	     IS(status))
#define LISTED(fields, status) CASE("a listing: " fields, GET("/order/", fields), KEPT, IS(status))

/* clang-format off */
const struct wire_case wire_values[] = {
	/* Host (RFC 9110, 7.2): a name or an address, and a port */
	HOST("192.0.2.1"),
	HOST("a:0"),
	HOST("a:65535"),
	HOST("a:00080"),
	HOST("a!$&'()*+,;="),
	HOST("%41"),
	HOST("[::1]:"),
	HOST("[2001:db8:ffff:ffff:ffff:ffff:192.0.2.255]"),
	HOST("[FFFF:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:443"),
	NO_HOST("a:65536"),
	NO_HOST("a:99999999999999999999999"),
	NO_HOST("%4"),
	NO_HOST("%00"),
	NO_HOST("a%2Fb"),
	NO_HOST("["),
	NO_HOST("]"),
	NO_HOST("[::1]80"),
	NO_HOST("[::1]]"),
	NO_HOST("[::1]:x"),
	NO_HOST("[1.2.3.4]"),
	NO_HOST("[::g]"),
	NO_HOST("[fe80::1%25eth0]"),
	NO_HOST("[v1.a]"),
	NO_HOST("[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]"),
	NO_HOST("[0000:0000:0000:0000:0000:ffff:255.255.255.255x]"),

	/* names of fields, in any case, and not a letter more or less */
	HEADER("Hosts: a\r\n", CLOSED, "400"),
	HEADER("Hos: a\r\n", CLOSED, "400"),
	FIELD("Connectio: close\r\n", KEPT, "200"),
	FIELD("Content_Length: x\r\n", KEPT, "200"),
	FIELD("Transfer-Encodin: x\r\n", KEPT, "200"),
	FIELD("eXPECT: x\r\n", CLOSED, "417"),
	FIELD("Expec: x\r\n", KEPT, "200"),
	FIELD("rANGE: bytes=0-0\r\n", KEPT, "206"),
	FIELD("Rang: bytes=0-0\r\n", KEPT, "200"),
	FIELD("Range: bytes=0-0\r\niF-rANGE: \"x\"\r\n", KEPT, "200"),
	FIELD("Range: bytes=0-0\r\nIf-Rang: \"x\"\r\n", KEPT, "206"),
	FIELD("iF-mATCH: \"x\"\r\n", KEPT, "412"),
	FIELD("If-Matc: \"x\"\r\n", KEPT, "200"),
	FIELD("iF-nONE-mATCH: *\r\n", KEPT, "304"),
	FIELD("If-None-Matc: *\r\n", KEPT, "200"),
	FIELD("If-Modified-Sinc: " TEN_DATE "\r\n", KEPT, "200"),
	FIELD("iF-uNMODIFIED-sINCE: Thu, 01 Jan 1970 00:00:00 GMT\r\n", KEPT, "412"),
	FIELD("If-Unmodified-Sinc: Thu, 01 Jan 1970 00:00:00 GMT\r\n", KEPT, "200"),
	PLAIN("x\r\nAccept-Encodin: gzip"),

	/* the target (RFC 9112, 3.2) */
	LINE_IS("GET /\xc3\xa4{}|^\"<>\\`[] HTTP/1.1", KEPT, "404"),
	LINE_IS("OPTIONS /a HTTP/1.1", KEPT, "204"),
	LINE_IS("GET http: HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET http:// HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET https:// HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET http://?a HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET http://user@a/ HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET file:///etc/passwd HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET https://a HTTP/1.1", CLOSED, "421"),
	LINE_IS("GET HTTPS://a:443/b?c HTTP/1.1", CLOSED, "421"),
	LINE_IS("GET https://a:b/ HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET https:/// HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET https://user@a/b HTTP/1.1", CLOSED, "400"),
	LINE_IS("CONNECT a b HTTP/1.1", CLOSED, "400"),

	/* the request line (RFC 9112, 3) */
	LINE_IS("  ", CLOSED, "400"),
	LINE_IS("GET / HTTP/a.1", CLOSED, "400"),
	LINE_IS("GET / HTTP/1.\xb1", CLOSED, "400"),
	LINE_IS("GET / HTTP/.1.1", CLOSED, "400"),
	LINE_IS("GET / HTTP-1.1", CLOSED, "400"),
	LINE_IS("GET / XTTP/1.1", CLOSED, "400"),

	/* fields that may come once, and numbers that are digits (RFC 9110, 8.6) */
	CASE("Content-Length: 0042", POST("/ten.txt", "Content-Length: 0042\r\n") "{{42*x}}", KEPT, IS("200", .body = TEN)),
	LENGTH("18446744073709551614", "413"),
	LENGTH("18446744073709551620", "413"),
	LENGTH("184467440737095516150", "413"),
	LENGTH("/", "400"),
	LENGTH(":", "400"),

	/* Connection, Transfer-Encoding, Expect (RFC 9112, 6 and 9; RFC 9110, 10.1.1) */
	FRAMED("0", "Connection: x\r\n", CLOSED, "200"),
	FRAMED("1", "Host: a\r\nTransfer-Encoding: ,\r\n", CLOSED, "400"),
	FRAMED("1", "Host: a\r\nExpect:\r\n", KEPT, "200"),
	FRAMED("1", "Host: a\r\nExpect: 100-continue\r\nExpect: x\r\n", CLOSED, "417"),
	FRAMED("0", "Expect: x\r\n", CLOSED, "200"),

	/* the size of a chunk, and its extensions (RFC 9112, 7.1) */
	CHUNK("0000000000000005", 5),
	CHUNK("5;a=\"b;c=\\\"d\\\\\";e", 5),
	CHUNK("5;a=\"\"", 5),
	CHUNK("5;a=\"\x80\t \"", 5),
	NO_CHUNK("00000000000000005"),
	NO_CHUNK("5;"),
	NO_CHUNK("5; "),
	NO_CHUNK("5;;a"),
	NO_CHUNK("5;a "),
	NO_CHUNK("5;a=b "),
	NO_CHUNK("5;a="),
	NO_CHUNK("5;=b"),
	NO_CHUNK("5;a b"),
	NO_CHUNK("5;a=b=c"),
	NO_CHUNK("5;a=\"b"),
	NO_CHUNK("5;a=\"b\\\""),
	NO_CHUNK("5;a=\"b\"c"),
	NO_CHUNK("5;a=\"\x01\""),
	NO_CHUNK("5;a=\"\x7f\""),
	NO_CHUNK("5;a=\"\r\""),

	/* chunks, and trailers (RFC 9112, 7.1.2) */
	CHUNKED("0\r\nContent-Lengths: 5\r\nHosts: x\r\n\r\n", KEPT, "200"),
	CHUNKED("1\r\nx\r\n100000\r\n", CLOSED, "413"),

	/* ranges of ten bytes (RFC 9110, 14.1) */
	RANGE("bytes= 0-0 ", "0-0", "0"),
	RANGE("bytes=99-100,-0,3-3", "3-3", "3"),
	WHOLE("bytes"),
	WHOLE("bytes=99-100,x"),
	WHOLE("bytes=3-4,2-8"),

	/* weights (RFC 9110, 12.4.2): half as much is taken as identity, and what is no weight is none */
	GZIP("gzip;q=0.05, br;q=0.049"),
	BROTLI("gzip;q=0.05, br;q=0.050"),
	GZIP("gzip;q=0.005, br;q=0.004"),
	BROTLI("gzip;q=0.005, br;q=0.005"),
	GZIP("gzip;q=0.123, br;q=0.122"),
	BROTLI("gzip;q=0.123, br;q=0.123"),
	GZIP("gzip;q=1."),
	GZIP("gzip; \tq=0.5, br;q=0.499"),
	BROTLI("gzip; \tq=0.5, br;q=0.500"),
	GZIP("gzip;Q=0.5, br;q=0.499"),
	BROTLI("gzip;Q=0.5, br;q=0.500"),
	PLAIN("gzip;q=1.001"),
	PLAIN("gzip;q"),
	PLAIN("gzip;"),
	PLAIN("gzip;q=.5"),
	PLAIN("gzip;q=0,5"),
	PLAIN("gzip;q=00.5"),
	PLAIN("gzip;q=0.5a"),
	PLAIN("gzip;q= 0.5"),
	PLAIN("gzip;q =0.5"),
	PLAIN("gzip;a=0.5"),
	PLAIN("gzipq=0.5"),
	PLAIN("gzip;q=0.5;a"),

	/* codings (RFC 9110, 12.5.3): of equals the better one */
	GZIP("x-gzip"),
	BROTLI("gzip, deflate, br, zstd"),
	BROTLI("gzip\r\nAccept-Encoding: br"),
	ZSTD("br;q=0, *"),
	GZIP("*;q=0.5, gzip"),
	BROTLI("gzip;q=0.5, br, identity;q=0.7"),
	GZIP("gzip;q=0.5, identity;q=0.5"),
	PLAIN("gzipped, xbr, br2"),

	/* lists over several lines (RFC 9110, 5.6.1), and lines of other names between them */
	GZIP(",\t, ,\r\nAccept-Encoding:\r\nAccept-Encoding: ,gzip ,\t,"),
	GZIP("a\r\nX: 2\r\nACCEPT-ENCODING:b, gzip\r\nY: 3"),
	GZIP("a \t\r\nAccept-Encoding: \t b\r\nAccept-Encoding: gzip"),
	PLAIN("a\r\nX: gzip\r\nAccept-Encoding: b"),
	PLAIN("a\r\nX-Accept-Encoding: gzip\r\nAccept-Encodings: gzip\r\nX: Accept-Encoding: gzip\r\nAccept-Encoding: b"),
	/* RFC 9110 8.8.3: no backslash escapes anything in an entity tag */
	WEAK("\"a\\\", {{etag /ten.txt}}", "304"),
	WEAK("\"a, b\r\nIf-None-Match: {{etag /ten.txt}}", "304"),
	CASE("a list ends with the header", "GET /page.html HTTP/1.1\r\nHost: a\r\nAccept-Encoding: a\r\nAccept-Encoding: b\r\n\r\nGET /page.html HTTP/1.1\r\nAccept-Encoding: gzip\r\nHost: a\r\n\r\n", KEPT, IS("200", .body = "PLAIN PAGE"), IS("200", .body = "GZIP OF PAGE")),

	/* entity tags (RFC 9110, 8.8.3): the strong comparison, and the weak one */
	STRONG("w/{{etag /ten.txt}}", "412"),
	STRONG(" * ", "200"),
	STRONG("**", "412"),
	WEAK("**", "200"),
	STRONG("x", "412"),
	STRONG("\"x", "412"),
	STRONG("\"x\" ,W/\"y\",, W/{{etag /ten.txt}}", "412"),
	WEAK("\"x\" ,W/\"y\",, W/{{etag /ten.txt}}", "304"),
	STRONG("W/{{etag /ten.txt}}, {{etag /ten.txt}}", "200"),
	WEAK("W/{{etag /ten.txt}}, {{etag /ten.txt}}", "304"),
	STRONG("\"x,{{etag /ten.txt}}", "412"),
	WEAK("\"x,{{etag /ten.txt}}", "200"),
	STRONG("\"x, {{etag /ten.txt}}, y\"", "412"),
	WEAK("\"x, {{etag /ten.txt}}, y\"", "200"),
	STRONG("{{etag /ten.txt}}x", "412"),
	WEAK("{{etag /ten.txt}}x", "200"),
	STRONG("{{etag /ten.txt}};q=1", "412"),
	WEAK("{{etag /ten.txt}};q=1", "200"),
	STRONG("W/W/{{etag /ten.txt}}", "412"),
	WEAK("W/W/{{etag /ten.txt}}", "200"),
	STRONG("", "412"),
	STRONG("\"x\"\r\nIf-Match: W/{{etag /ten.txt}}\r\nIf-Match: \"y\"", "412"),
	WEAK("\"x\"\r\nIf-None-Match: W/{{etag /ten.txt}}\r\nIf-None-Match: \"y\"", "304"),

	/* a folder that is listed has neither tag nor date */
	LISTED("If-Match: *\r\n", "200"),
	LISTED("If-Match: \"\"\r\n", "412"),
	LISTED("If-Match:\r\n", "412"),
	CASE("a listing: If-None-Match: *", GET("/order/", "If-None-Match: *\r\n"), KEPT, IS("304", .lacks = "ETag")),
	LISTED("If-None-Match: \"\"\r\n", "200"),
	CASE("HEAD of a listing, If-None-Match: *", HEAD("/order/", "If-None-Match: *\r\n"), KEPT, IS("304", .lacks = "ETag", .head = true)),
	CASE("POST of a listing, If-None-Match: \"x\"", POST("/order/", "If-None-Match: \"x\"\r\n"), KEPT, IS("200")),

	{ .name = NULL },
};
