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
#define TARGET(target, content) \
	CASE("target: " target, GET(target, ""), KEPT, IS("200", .body = content))
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
#define CHUNK_IS(line, status) CHUNKED(line "\r\n", CLOSED, status)
#define CHUNK(line, size) CHUNKED(line "\r\n{{" #size "*x}}\r\n0\r\n\r\n", KEPT, "200")
#define NO_CHUNK(line) CHUNKED(line "\r\nhello\r\n0\r\n\r\n", CLOSED, "400")
#define RANGED(value, ...) \
	CASE("Range: " value, GET("/ten.txt", "Range: " value "\r\n"), KEPT, __VA_ARGS__)
#define RANGE(value, where, content) \
	RANGED(value, IS("206", .body = content, .has = "Content-Range: bytes " where "/10"))
#define PARTS(value, pieces) RANGED(value, IS("206", .parts = pieces))
#define WHOLE(value) RANGED(value, IS("200", .body = TEN))
#define NO_RANGE(value) RANGED(value, IS("416", .has = "Content-Range: bytes */10"))
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
#define IF_RANGE(value, status)                                                                  \
	CASE("If-Range: " value, GET("/ten.txt", "Range: bytes=0-1\r\nIf-Range: " value "\r\n"), \
	     KEPT, IS(status))

/* clang-format off */
const struct wire_case wire_values[] = {
	/* Host (RFC 9110, 7.2): a name or an address, and a port */
	HOST("example.org"),
	HOST("EXAMPLE.org."),
	HOST("a-b_c~d"),
	HOST("192.0.2.1"),
	HOST("192.0.2.1:80"),
	HOST("a:0"),
	HOST("a:65535"),
	HOST("a:00080"),
	HOST("a!$&'()*+,;="),
	HOST("%41"),
	HOST("[::1]:80"),
	HOST("[::1]:"),
	HOST("[2001:db8:ffff:ffff:ffff:ffff:192.0.2.255]"),
	HOST("[FFFF:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:443"),
	NO_HOST(""),
	NO_HOST("a:65536"),
	NO_HOST("a:+1"),
	NO_HOST("a:b"),
	NO_HOST("a:99999999999999999999999"),
	NO_HOST("a@b"),
	NO_HOST("a\xc3\xa4"),
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
	HEADER("hOST: a\r\n", KEPT, "200"),
	HEADER("Hosts: a\r\n", CLOSED, "400"),
	HEADER("Hos: a\r\n", CLOSED, "400"),
	FIELD("cONNECTION: CLOSE\r\n", CLOSED, "200"),
	FIELD("Connectio: close\r\n", KEPT, "200"),
	FIELD("cONTENT-lENGTH: x\r\n", CLOSED, "400"),
	FIELD("Content_Length: x\r\n", KEPT, "200"),
	FIELD("tRANSFER-eNCODING: x\r\n", CLOSED, "400"),
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
	FIELD("iF-mODIFIED-sINCE: " TEN_DATE "\r\n", KEPT, "304"),
	FIELD("If-Modified-Sinc: " TEN_DATE "\r\n", KEPT, "200"),
	FIELD("iF-uNMODIFIED-sINCE: Thu, 01 Jan 1970 00:00:00 GMT\r\n", KEPT, "412"),
	FIELD("If-Unmodified-Sinc: Thu, 01 Jan 1970 00:00:00 GMT\r\n", KEPT, "200"),
	GZIP("x\r\naCCEPT-eNCODING: gzip"),
	PLAIN("x\r\nAccept-Encodin: gzip"),

	/* the target (RFC 9112, 3.2) */
	TARGET("/sub/in.txt", "IN SUB"),
	TARGET("/ten.txt?b", "0123456789"),
	TARGET("/ten.txt?b?c/d", "0123456789"),
	TARGET("//sub//in.txt", "IN SUB"),
	LINE_IS("GET /a:80/@b;c=d HTTP/1.1", KEPT, "404"),
	LINE_IS("GET /\xc3\xa4{}|^\"<>\\`[] HTTP/1.1", KEPT, "404"),
	TARGET("/%41.txt?%00%2f", "LETTER A"),
	TARGET("/?%", "ROOT INDEX"),
	LINE_IS("OPTIONS /a HTTP/1.1", KEPT, "204"),
	TARGET("HTTP://a:80/ten.txt?c", "0123456789"),
	TARGET("http://[::1]:443/ten.txt", "0123456789"),
	TARGET("http://a?b/c", "ROOT INDEX"),
	LINE_IS("OPTIONS ** HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET a HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET ?a HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET ../a HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET http: HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET http:// HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET https:// HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET http:///a HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET http://?a HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET http:/a HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET http://user@a/ HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET http://a:b/ HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET ftp://a/ HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET file:///etc/passwd HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET /a#b HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET /a b HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET /\x7f HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET /%4 HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET /%00 HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET /a%2fb HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET https://a HTTP/1.1", CLOSED, "421"),
	LINE_IS("GET HTTPS://a:443/b?c HTTP/1.1", CLOSED, "421"),
	LINE_IS("GET https://a:b/ HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET https:/// HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET https://user@a/b HTTP/1.1", CLOSED, "400"),
	LINE_IS("CONNECT a b HTTP/1.1", CLOSED, "400"),

	/* the request line (RFC 9112, 3) */
	CASE("HEAD of 1.0 of nothing", "HEAD /a HTTP/1.0\r\nHost: a\r\n\r\n", CLOSED, IS("404", .head = true)),
	LINE_IS("POST / HTTP/1.9", KEPT, "200"),
	LINE_IS("DELETE / HTTP/1.1", KEPT, "405"),
	LINE_IS("PATCH / HTTP/1.1", KEPT, "405"),
	LINE_IS("CONNECT a:443 HTTP/1.1", CLOSED, "405"),
	LINE_IS("get / HTTP/1.1", CLOSED, "501"),
	LINE_IS("GETS / HTTP/1.1", CLOSED, "501"),
	LINE_IS("GE / HTTP/1.1", CLOSED, "501"),
	LINE_IS("GET / HTTP/0.9", CLOSED, "505"),
	LINE_IS("PRI * HTTP/2.0", CLOSED, "505"),
	LINE_IS("  ", CLOSED, "400"),
	LINE_IS("GET /", CLOSED, "400"),
	LINE_IS("GET / ", CLOSED, "400"),
	LINE_IS("GET / HTTP/1.1 a", CLOSED, "400"),
	LINE_IS("GET\t/\tHTTP/1.1", CLOSED, "400"),
	LINE_IS("G\xc3\xa4T / HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET /\0 HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET /\r HTTP/1.1", CLOSED, "400"),
	LINE_IS("GET https://a/ HTTP/1.1", CLOSED, "421"),
	LINE_IS("GET / HTTP/a.1", CLOSED, "400"),
	LINE_IS("GET / HTTP/1.a", CLOSED, "400"),
	LINE_IS("GET / HTTP/1.\xb1", CLOSED, "400"),
	LINE_IS("GET / HTTP/.1.1", CLOSED, "400"),
	LINE_IS("GET / HTTP-1.1", CLOSED, "400"),
	LINE_IS("GET / XTTP/1.1", CLOSED, "400"),

	/* fields that may come once, and numbers that are digits (RFC 9110, 8.6) */
	HEADER("Host: a\r\nX: b\r\nX: b\r\n", KEPT, "200"),
	HEADER("HOST: a\r\nhost: b\r\n", CLOSED, "400"),
	HEADER("Host: a, b\r\n", CLOSED, "400"),
	HEADER("Host: http://a/\r\n", CLOSED, "400"),
	CASE("content-length:5", POST("/ten.txt", "content-length:5\r\n") "hello", KEPT, IS("200", .body = TEN)),
	LENGTH("5, 5", "400"),
	LENGTH("18446744073709551621", "413"),
	CASE("Content-Length: 0042", POST("/ten.txt", "Content-Length: 0042\r\n") "{{42*x}}", KEPT, IS("200", .body = TEN)),
	LENGTH("18446744073709551614", "413"),
	LENGTH("18446744073709551615", "413"),
	LENGTH("18446744073709551616", "413"),
	LENGTH("18446744073709551620", "413"),
	LENGTH("184467440737095516150", "413"),
	LENGTH("99999999999999999999999999999999999999", "413"),
	LENGTH("", "400"),
	LENGTH("0x1", "400"),
	LENGTH("1a", "400"),
	LENGTH("1,1", "400"),
	LENGTH("1.0", "400"),
	LENGTH("1e3", "400"),
	LENGTH("/", "400"),
	LENGTH(":", "400"),
	LENGTH("\xd9\xa1", "400"),

	/* Connection, Transfer-Encoding, Expect (RFC 9112, 6 and 9; RFC 9110, 10.1.1) */
	FRAMED("1", "Host: a\r\nConnection: x\r\nConnection: Close\r\n", CLOSED, "200"),
	FRAMED("0", "Connection: Keep-Alive, close\r\n", CLOSED, "200"),
	FRAMED("0", "Connection: x\r\n", CLOSED, "200"),
	FRAMED("1", "Host: a\r\nContent-Length: 99999999999999999999\r\n", CLOSED, "413"),
	CASE("transfer-encoding:CHUNKED ", POST("/ten.txt", "transfer-encoding:CHUNKED \r\n") "0\r\n\r\n", KEPT, IS("200", .body = TEN)),
	FRAMED("1", "Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", CLOSED, "400"),
	FRAMED("1", "Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: identity\r\n", CLOSED, "400"),
	FRAMED("1", "Host: a\r\nTransfer-Encoding: ,\r\n", CLOSED, "400"),
	FRAMED("1", "Host: a\r\nTransfer-Encoding: identity\r\n", CLOSED, "400"),
	FRAMED("1", "Host: a\r\nTransfer-Encoding: gzip\r\n", CLOSED, "400"),
	FRAMED("1", "Host: a\r\nTransfer-Encoding: xchunked\r\n", CLOSED, "400"),
	FRAMED("1", "Host: a\r\nTransfer-Encoding: chunkedx\r\n", CLOSED, "400"),
	FRAMED("1", "Host: a\r\nTransfer-Encoding: \"chunked\"\r\n", CLOSED, "400"),
	FRAMED("1", "Host: a\r\nTransfer-Encoding: chunked;q=1\r\n", CLOSED, "400"),
	FRAMED("1", "Host: a\r\nTransfer-Encoding: \x80 chunked\r\n", CLOSED, "400"),
	FRAMED("1", "Host: a\r\nTransfer-Encoding: chunked, gzip\r\n", CLOSED, "400"),
	FRAMED("1", "Host: a\r\nTransfer-Encoding: chunked, chunked\r\n", CLOSED, "400"),
	FRAMED("1", "Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", CLOSED, "400"),
	FRAMED("1", "Host: a\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", CLOSED, "501"),
	FRAMED("1", "Host: a\r\nTransfer-Encoding: , chunked\r\n", CLOSED, "400"),
	FRAMED("1", "Host: a\r\nTransfer-Encoding: chunked,\r\n", CLOSED, "400"),
	FRAMED("1", "Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", CLOSED, "400"),
	FRAMED("1", "Host: a\r\nExpect:\r\n", KEPT, "200"),
	FRAMED("1", "Host: a\r\nExpect: 100-continue, x\r\n", CLOSED, "417"),
	FRAMED("1", "Host: a\r\nExpect: 100-continue\r\nExpect: x\r\n", CLOSED, "417"),
	FRAMED("1", "Host: a\r\nExpect: 100-continue;a=b\r\n", CLOSED, "417"),
	FRAMED("0", "Expect: x\r\n", CLOSED, "200"),

	/* the size of a chunk, and its extensions (RFC 9112, 7.1) */
	CHUNK("F", 15),
	CHUNK("1aF", 431),
	CHUNK("0000000000000005", 5),
	CHUNK_IS("7fffffffffffffff", "413"),
	CHUNK("5;a", 5),
	CHUNK("5;a=b", 5),
	CHUNK("5;a=\"b;c=\\\"d\\\\\";e", 5),
	CHUNK("5;a=\"\"", 5),
	CHUNK("5;a;b;c=d", 5),
	CHUNK("5;a=\"\x80\t \"", 5),
	NO_CHUNK("5,5"),
	NO_CHUNK("10000000000000000"),
	NO_CHUNK("00000000000000005"),
	NO_CHUNK("fffffffffffffffff"),
	NO_CHUNK("5;"),
	NO_CHUNK("5; "),
	NO_CHUNK("5;;a"),
	NO_CHUNK("5;a=\t\"b\""),
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
	NO_CHUNK("5;a\0"),

	/* chunks, and trailers (RFC 9112, 7.1.2) */
	CHUNKED("4\r\n\r\n\r\n\r\n0\r\n\r\n", KEPT, "200"),
	CHUNKED("5;a=b\r\n\0\n\r\n0\r\n0;c=\"d\"\r\n\r\n", KEPT, "200"),
	CHUNKED("0\r\nA: b\r\nC:\r\n\r\n", KEPT, "200"),
	CHUNKED("0\r\nContent-Lengths: 5\r\nHosts: x\r\n\r\n", KEPT, "200"),
	CHUNKED("100001\r\n", CLOSED, "413"),
	CHUNKED("1\r\nx\r\n100000\r\n", CLOSED, "413"),
	CHUNKED("ffffffffffffffff\r\n", CLOSED, "413"),
	CHUNKED("1\r\nx\r\nffffffffffffffff\r\n", CLOSED, "413"),
	CHUNKED("5\r\nhellox\r\n0\r\n\r\n", CLOSED, "400"),
	CHUNKED("0\r\nContent-Length: 5\r\n\r\n", CLOSED, "400"),
	CHUNKED("0\r\nA: b\r\nhost: x\r\n\r\n", CLOSED, "400"),
	CHUNKED("0\r\nA b\r\n\r\n", CLOSED, "400"),
	CHUNKED("0\r\nA : b\r\n\r\n", CLOSED, "400"),
	CHUNKED("0\r\n A: b\r\n\r\n", CLOSED, "400"),
	CHUNKED("0\r\nA: b\n\r\n", CLOSED, "400"),
	CHUNKED("0\r\n\n", CLOSED, "400"),
	CHUNKED("0\r\nA: \0\r\n\r\n", CLOSED, "400"),

	/* ranges of ten bytes (RFC 9110, 14.1) */
	RANGE("bytes=3-5", "3-5", "345"),
	RANGE("bytes=5-18446744073709551615", "5-9", "56789"),
	RANGE("bytes=5-99999999999999999999999", "5-9", "56789"),
	RANGE("bytes=-99999999999999999999999", "0-9", "0123456789"),
	RANGE("BYTES=0-0", "0-0", "0"),
	RANGE("bytes= 0-0 ", "0-0", "0"),
	PARTS("bytes=0-0,2-2,9-9", "0-0/10=0 2-2/10=2 9-9/10=9"),
	PARTS("bytes=9-9 ,\t0-0", "9-9/10=9 0-0/10=0"),
	PARTS("bytes=,0-0,, 2-3,", "0-0/10=0 2-3/10=23"),
	RANGE("bytes=0-0,99-100", "0-0", "0"),
	RANGE("bytes=99-100,-0,3-3", "3-3", "3"),
	NO_RANGE("bytes=99999999999999999999999-"),
	NO_RANGE("bytes=99999999999999999999999-99999999999999999999999"),
	WHOLE("bytes"),
	WHOLE("bytes=a-b"),
	WHOLE("bytes=0-b"),
	WHOLE("bytes=--1"),
	WHOLE("bytes=0-0;1-1"),
	WHOLE("bytes=0-0,x"),
	WHOLE("bytes=99-100,x"),
	WHOLE("bytes =0-0"),
	WHOLE("bytes:0-0"),
	WHOLE("lines=0-0"),
	WHOLE("0-0"),
	WHOLE("bytes=0-5,5-9"),
	WHOLE("bytes=0-9,0-9"),
	WHOLE("bytes=0-,-1"),
	WHOLE("bytes=2-8,3-4"),
	WHOLE("bytes=3-4,2-8"),

	/* weights (RFC 9110, 12.4.2): half as much is taken as identity, and what is no weight is none */
	GZIP("gzip;q=0.05"),
	GZIP("gzip;q=0.05, br;q=0.049"),
	BROTLI("gzip;q=0.05, br;q=0.050"),
	GZIP("gzip;q=0.005"),
	GZIP("gzip;q=0.005, br;q=0.004"),
	BROTLI("gzip;q=0.005, br;q=0.005"),
	GZIP("gzip;q=0.123"),
	GZIP("gzip;q=0.123, br;q=0.122"),
	BROTLI("gzip;q=0.123, br;q=0.123"),
	GZIP("gzip;q=1."),
	GZIP("gzip; \tq=0.5"),
	GZIP("gzip; \tq=0.5, br;q=0.499"),
	BROTLI("gzip; \tq=0.5, br;q=0.500"),
	GZIP("gzip;Q=0.5"),
	GZIP("gzip;Q=0.5, br;q=0.499"),
	BROTLI("gzip;Q=0.5, br;q=0.500"),
	PLAIN("gzip;q=1.001"),
	PLAIN("gzip;q=2"),
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
	PLAIN("gzip;q=\"1\""),

	/* codings (RFC 9110, 12.5.3): of equals the better one */
	PLAIN(""),
	GZIP("GZip"),
	GZIP("x-gzip"),
	BROTLI("gzip, deflate, br, zstd"),
	BROTLI("gzip\r\nAccept-Encoding: br"),
	GZIP("gzip;q=1, br;q=0.5, zstd;q=0.7"),
	BROTLI("gzip;q=0.5, br;q=0.500"),
	BROTLI("gzip;q=0.000, br"),
	BROTLI("gzip;q=x, br"),
	BROTLI("*"),
	ZSTD("br;q=0, *"),
	GZIP("*;q=0.5, gzip"),
	PLAIN("gzip;q=0.5, identity"),
	BROTLI("gzip;q=0.5, br, identity;q=0.7"),
	GZIP("gzip;q=0.5, identity;q=0.5"),
	GZIP("gzip;q=0.001, identity;q=0"),
	GZIP("gzip ; q=0.5 , br ;\tq=0.4"),
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
	WEAK(" * ", "304"),
	STRONG("**", "412"),
	WEAK("**", "200"),
	STRONG("\"x\"", "412"),
	WEAK("\"x\"", "200"),
	STRONG("x", "412"),
	WEAK("x", "200"),
	STRONG("\"x", "412"),
	WEAK("\"x", "200"),
	STRONG("\"x\", {{etag /ten.txt}}", "200"),
	WEAK("\"x\", {{etag /ten.txt}}", "304"),
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
	WEAK("", "200"),
	STRONG("\"x\"\r\nIf-Match: {{etag /ten.txt}}", "200"),
	WEAK("\"x\"\r\nIf-None-Match: {{etag /ten.txt}}", "304"),
	STRONG("\"x\"\r\nIf-Match: W/{{etag /ten.txt}}\r\nIf-Match: \"y\"", "412"),
	WEAK("\"x\"\r\nIf-None-Match: W/{{etag /ten.txt}}\r\nIf-None-Match: \"y\"", "304"),

	/* a folder that is listed has neither tag nor date */
	LISTED("If-Match: *\r\n", "200"),
	LISTED("If-Match: \"\"\r\n", "412"),
	LISTED("If-Match:\r\n", "412"),
	CASE("a listing: If-None-Match: *", GET("/order/", "If-None-Match: *\r\n"), KEPT, IS("304", .lacks = "ETag")),
	LISTED("If-None-Match: \"\"\r\n", "200"),
	LISTED("If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n", "200"),
	CASE("HEAD of a listing, If-None-Match: *", HEAD("/order/", "If-None-Match: *\r\n"), KEPT, IS("304", .lacks = "ETag", .head = true)),
	CASE("POST of a listing, If-None-Match: \"x\"", POST("/order/", "If-None-Match: \"x\"\r\n"), KEPT, IS("200")),
	CASE("POST of a listing, If-Match: \"x\"", POST("/order/", "If-Match: \"x\"\r\n"), KEPT, IS("412")),

	/* If-Range (RFC 9110, 13.1.5) */
	IF_RANGE("\"x\"", "200"),
	IF_RANGE("\"x\", {{etag /ten.txt}}", "200"),
	IF_RANGE("{{etag /ten.txt}}\r\nIf-Range: {{etag /ten.txt}}", "200"),
	IF_RANGE("tomorrow", "200"),
	{ .name = NULL },
};
