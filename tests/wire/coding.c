/* Precompressed siblings and Accept-Encoding (RFC 9110, 8.4 and 12.5.3). */
#include "wire.h"

#define PAGE(value) GET("/page.html", "Accept-Encoding:" value "\r\n")
#define CSS(value) GET("/gz.css", "Accept-Encoding:" value "\r\n")

/* /page.html has three siblings, /gz.css one. */
#define AS_PLAIN                                           \
	.body = "PLAIN PAGE", .lacks = "Content-Encoding", \
	.has = "Vary:~Accept-Encoding\nContent-Type:~text/html"
#define AS_GZIP .body = "GZIP OF PAGE", .has = "Content-Encoding: gzip\nContent-Type:~text/html"
#define AS_BROTLI .body = "BROTLI OF PAGE", .has = "Content-Encoding: br\nContent-Type:~text/html"
#define AS_ZSTD .body = "ZSTD OF PAGE", .has = "Content-Encoding: zstd\nContent-Type:~text/html"

#define PLAIN(label, value) CASE(label, PAGE(value), KEPT, IS("200", AS_PLAIN))
#define GZIP(label, value) CASE(label, PAGE(value), KEPT, IS("200", AS_GZIP))
#define BROTLI(label, value) CASE(label, PAGE(value), KEPT, IS("200", AS_BROTLI))
#define ZSTD(label, value) CASE(label, PAGE(value), KEPT, IS("200", AS_ZSTD))
#define CSS_PLAIN                                         \
	.body = "PLAIN CSS", .lacks = "Content-Encoding", \
	.has = "Vary:~Accept-Encoding\nContent-Type: text/css; charset=utf-8"
#define CSS_GZIP               \
	.body = "GZIP OF CSS", \
	.has = "Content-Encoding: gzip\nVary:~Accept-Encoding\nContent-Type: text/css; charset=utf-8"
/* A name whose sibling won't do. */
#define ALONE(label, target, content)                                         \
	CASE(label, GET(target, "Accept-Encoding: gzip, br, zstd\r\n"), KEPT, \
	     IS("200", .body = content, .lacks = "Content-Encoding"))

/* clang-format off */
const struct wire_case wire_coding[] = {
	CASE("no Accept-Encoding", GET("/page.html", ""), KEPT, IS("200", AS_PLAIN)),
	GZIP("gzip", " gzip"),
	BROTLI("br", " br"),
	ZSTD("zstd", " zstd"),
	GZIP("GZIP", " GZIP"),
	BROTLI("Br", " Br"),
	GZIP("gzip without a space", "gzip"),
	GZIP("gzip with white space", " \tgzip \t"),
	BROTLI("gzip, br", " gzip, br"),
	BROTLI("br and gzip of the same weight", " br;q=0.5,gzip;q=0.5"),
	GZIP("gzip, deflate", " gzip, deflate"),
	GZIP("deflate, gzip", " deflate, gzip"),
	GZIP("gzip after empty elements", " ,, gzip ,"),
	GZIP("gzip before br", " br;q=0.5, gzip;q=1.0"),
	BROTLI("br before gzip", " gzip;q=0.5, br;q=0.9"),
	ZSTD("zstd before both", " gzip;q=0.1, br;q=0.2, zstd;q=0.3"),
	GZIP("a weight of three digits", " br;q=0.998, gzip;q=0.999"),
	GZIP("a weight of a thousandth less", " br;q=0.001, gzip;q=0.002, identity;q=0"),
	GZIP("gzip;q=1", " gzip;q=1"),
	GZIP("gzip;q=1.000", " gzip;q=1.000"),
	GZIP("white space around the semicolon", " gzip ; q=1"),
	GZIP("a tab after the semicolon", " gzip;\tq=1.0"),
	PLAIN("nothing", ""),
	PLAIN("identity", " identity"),
	PLAIN("deflate", " deflate"),
	PLAIN("compress", " compress"),
	PLAIN("an unknown coding", " foo"),
	PLAIN("a word that begins with gzip", " gzipx"),
	PLAIN("a word that ends with gzip", " xgzip"),
	PLAIN("a part of gzip", " gz"),
	PLAIN("gzip in another's parameter", " foo;gzip"),
	PLAIN("gzip;q=0", " gzip;q=0"),
	PLAIN("gzip;q=0.0", " gzip;q=0.0"),
	PLAIN("gzip;q=0.000", " gzip;q=0.000"),
	PLAIN("gzip;q=0.", " gzip;q=0."),
	PLAIN("gzip;Q=0", " gzip;Q=0"),
	PLAIN("gzip ; q=0", " gzip ; q=0"),
	PLAIN("GZIP;q=0", " GZIP;q=0"),
	PLAIN("all three refused", " gzip;q=0, br;q=0, zstd;q=0"),
	BROTLI("gzip refused, br not", " gzip;q=0, br"),
	GZIP("br refused, gzip not", " br;q=0, gzip"),
	BROTLI("gzip refused in another field", " gzip;q=0\r\nAccept-Encoding: br"),
	GZIP("gzip in another field", " foo\r\nAccept-Encoding: gzip"),
	BROTLI("a star of half the weight", " *;q=0.5"),
	PLAIN("a star refused", " *;q=0"),
	GZIP("gzip, a star refused", " gzip, *;q=0"),
	GZIP("a star refused, gzip", " *;q=0, gzip"),
	PLAIN("identity, a star refused", " identity, *;q=0"),
	CASE("a star, gzip refused", PAGE(" *, gzip;q=0"), KEPT, IS("200", AS_PLAIN, OR("200", AS_BROTLI, OR("200", AS_ZSTD)))),
	CASE("a star, all three refused", PAGE(" *, gzip;q=0, br;q=0, zstd;q=0"), KEPT, IS("200", AS_PLAIN)),
	PLAIN("identity before gzip", " identity;q=1, gzip;q=0.5"),
	PLAIN("identity before a star", " identity;q=1.0, *;q=0.5"),
	GZIP("gzip before identity", " identity;q=0.5, gzip;q=1.0"),
	GZIP("gzip, identity refused", " identity;q=0, gzip"),
	GZIP("gzip of small weight, identity refused", " gzip;q=0.1, identity;q=0"),
	BROTLI("identity refused, a star", " identity;q=0, *"),
	/* nothing is acceptable: 12.5.3 would rather have no coding than no answer */
	CASE("identity refused alone", PAGE(" identity;q=0"), KEPT, IS("200", AS_PLAIN, OR("406"))),
	CASE("everything refused", PAGE(" identity;q=0, *;q=0"), KEPT, IS("200", AS_PLAIN, OR("406"))),
	/* malformed: what is no weight takes nothing */
	PLAIN("a weight above one", " gzip;q=1.5"),
	PLAIN("a weight far above one", " gzip;q=99999999999"),
	PLAIN("a negative weight", " gzip;q=-1"),
	PLAIN("an empty weight", " gzip;q="),
	PLAIN("a weight that's a word", " gzip;q=high"),
	PLAIN("a weight of four digits", " gzip;q=0.1234"),
	PLAIN("a weight in quotes", " gzip;q=\"0.5\""),
	PLAIN("two weights", " gzip;q=0;q=1"),
	PLAIN("gzip twice, once refused", " gzip, gzip;q=0"),
	PLAIN("a semicolon alone", " ;"),
	PLAIN("a coding with a space", " gzip br"),
	GZIP("a hundred codings", " {{100*foo;q=0.1, }}gzip"),
	/* half as much is taken as identity, and what is no weight (12.4.2) is none */
	GZIP("gzip;q=0.05, br;q=0.049", " gzip;q=0.05, br;q=0.049"),
	BROTLI("gzip;q=0.05, br;q=0.050", " gzip;q=0.05, br;q=0.050"),
	GZIP("gzip;q=0.005, br;q=0.004", " gzip;q=0.005, br;q=0.004"),
	BROTLI("gzip;q=0.005, br;q=0.005", " gzip;q=0.005, br;q=0.005"),
	GZIP("gzip;q=0.123, br;q=0.122", " gzip;q=0.123, br;q=0.122"),
	BROTLI("gzip;q=0.123, br;q=0.123", " gzip;q=0.123, br;q=0.123"),
	GZIP("gzip;q=1.", " gzip;q=1."),
	GZIP("gzip; \tq=0.5, br;q=0.499", " gzip; \tq=0.5, br;q=0.499"),
	BROTLI("gzip; \tq=0.5, br;q=0.500", " gzip; \tq=0.5, br;q=0.500"),
	GZIP("gzip;Q=0.5, br;q=0.499", " gzip;Q=0.5, br;q=0.499"),
	BROTLI("gzip;Q=0.5, br;q=0.500", " gzip;Q=0.5, br;q=0.500"),
	PLAIN("gzip;q=1.001", " gzip;q=1.001"),
	PLAIN("gzip;q", " gzip;q"),
	PLAIN("gzip;", " gzip;"),
	PLAIN("gzip;q=.5", " gzip;q=.5"),
	PLAIN("gzip;q=0,5", " gzip;q=0,5"),
	PLAIN("gzip;q=00.5", " gzip;q=00.5"),
	PLAIN("gzip;q=0.5a", " gzip;q=0.5a"),
	PLAIN("gzip;q= 0.5", " gzip;q= 0.5"),
	PLAIN("gzip;q =0.5", " gzip;q =0.5"),
	PLAIN("gzip;a=0.5", " gzip;a=0.5"),
	PLAIN("gzipq=0.5", " gzipq=0.5"),
	PLAIN("gzip;q=0.5;a", " gzip;q=0.5;a"),
	/* of equals the better one */
	GZIP("x-gzip", " x-gzip"),
	BROTLI("gzip, deflate, br, zstd", " gzip, deflate, br, zstd"),
	BROTLI("gzip\r\nAccept-Encoding: br", " gzip\r\nAccept-Encoding: br"),
	ZSTD("br;q=0, *", " br;q=0, *"),
	GZIP("*;q=0.5, gzip", " *;q=0.5, gzip"),
	BROTLI("gzip;q=0.5, br, identity;q=0.7", " gzip;q=0.5, br, identity;q=0.7"),
	GZIP("gzip;q=0.5, identity;q=0.5", " gzip;q=0.5, identity;q=0.5"),
	PLAIN("gzipped, xbr, br2", " gzipped, xbr, br2"),
	/* lists over several lines (5.6.1), and lines of other names between them */
	GZIP(",\t, ,\r\nAccept-Encoding:\r\nAccept-Encoding: ,gzip ,\t,", " ,\t, ,\r\nAccept-Encoding:\r\nAccept-Encoding: ,gzip ,\t,"),
	GZIP("a\r\nX: 2\r\nACCEPT-ENCODING:b, gzip\r\nY: 3", " a\r\nX: 2\r\nACCEPT-ENCODING:b, gzip\r\nY: 3"),
	GZIP("a \t\r\nAccept-Encoding: \t b\r\nAccept-Encoding: gzip", " a \t\r\nAccept-Encoding: \t b\r\nAccept-Encoding: gzip"),
	PLAIN("a\r\nX: gzip\r\nAccept-Encoding: b", " a\r\nX: gzip\r\nAccept-Encoding: b"),
	PLAIN("a\r\nX-Accept-Encoding: gzip\r\nAccept-Encodings: gzip\r\nX: Accept-Encoding: gzip\r\nAccept-Encoding: b", " a\r\nX-Accept-Encoding: gzip\r\nAccept-Encodings: gzip\r\nX: Accept-Encoding: gzip\r\nAccept-Encoding: b"),
	PLAIN("x\r\nAccept-Encodin: gzip", " x\r\nAccept-Encodin: gzip"),
	CASE("a list ends with the header", "GET /page.html HTTP/1.1\r\nHost: a\r\nAccept-Encoding: a\r\nAccept-Encoding: b\r\n\r\nGET /page.html HTTP/1.1\r\nAccept-Encoding: gzip\r\nHost: a\r\n\r\n", KEPT, IS("200", .body = "PLAIN PAGE"), IS("200", .body = "GZIP OF PAGE")),

	/* one sibling */
	CASE("one sibling: gzip", CSS(" gzip"), KEPT, IS("200", CSS_GZIP)),
	CASE("one sibling: gzip and better ones", CSS(" br, zstd, gzip;q=0.1"), KEPT, IS("200", CSS_GZIP, OR("200", CSS_PLAIN))),
	CASE("one sibling: br", CSS(" br"), KEPT, IS("200", CSS_PLAIN)),
	CASE("one sibling: none", GET("/gz.css", ""), KEPT, IS("200", CSS_PLAIN)),
	CASE("one sibling: for HEAD", HEAD("/gz.css", "Accept-Encoding: gzip\r\n"), KEPT, IS("200", .head = true, .has = "Content-Encoding: gzip\nContent-Length: 11\nVary:~Accept-Encoding")),
	CASE("one sibling: none, for HEAD", HEAD("/gz.css", ""), KEPT, IS("200", .head = true, .has = "Content-Length: 9\nVary:~Accept-Encoding", .lacks = "Content-Encoding")),
	CASE("one sibling: for 1.0", "GET /gz.css HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n", CLOSED, IS("200", CSS_GZIP)),
	CASE("one sibling: for POST", POST("/gz.css", "Accept-Encoding: gzip\r\nContent-Length: 0\r\n"), KEPT, IS("200", CSS_GZIP, OR("200", .body = "PLAIN CSS", .lacks = "Content-Encoding"))),
	CASE("one sibling: with a query", GET("/gz.css?v=1", "Accept-Encoding: gzip\r\n"), KEPT, IS("200", CSS_GZIP)),
	CASE("one sibling: by its own name", GET("/gz.css.gz", ""), KEPT, IS("200", .body = "GZIP OF CSS", .has = "Content-Type: application/gzip", .lacks = "Content-Encoding")),
	CASE("one sibling: by its own name, with gzip", GET("/gz.css.gz", "Accept-Encoding: gzip\r\n"), KEPT, IS("200", .body = "GZIP OF CSS", .has = "Content-Type: application/gzip", .lacks = "Content-Encoding")),
	CASE("the index's sibling", GET("/packed/", "Accept-Encoding: gzip\r\n"), KEPT, IS("200", .body = "GZIP OF INDEX", .has = "Content-Encoding: gzip\nContent-Type:~text/html")),
	CASE("the index without its sibling", GET("/packed/", ""), KEPT, IS("200", .body = "PLAIN INDEX", .has = "Vary:~Accept-Encoding", .lacks = "Content-Encoding")),

	/* siblings that won't do */
	ALONE("no sibling", "/ten.txt", TEN),
	ALONE("a sibling that is older", "/stale.css", "PLAIN FRESH"),
	ALONE("a sibling that is a folder", "/folder.css", "PLAIN"),
	ALONE("a sibling that is a FIFO", "/fifo.css", "PLAIN"),
	ALONE("a sibling that is a symlink to outside", "/out.css", "PLAIN"),
	ALONE("a sibling that is a symlink to nothing", "/dangling.css", "PLAIN"),
	ALONE("a sibling that is unreadable", "/closed.css", "PLAIN"),
	CASE("a sibling of what is unreadable", GET("/locked.css", "Accept-Encoding: gzip\r\n"), KEPT, IS("403", .lacks = "Content-Encoding")),
	CASE("a sibling of nothing", GET("/only.css", "Accept-Encoding: gzip\r\n"), KEPT, IS("404", .lacks = "Content-Encoding")),
	CASE("a folder's sibling", GET("/sub", "Accept-Encoding: gzip\r\n"), KEPT, IS("301", .lacks = "Content-Encoding")),
	CASE("no sibling for a page of an error", GET("/missing", "Accept-Encoding: gzip\r\n"), KEPT, IS("404", .lacks = "Content-Encoding")),
	CASE("no sibling for a listing", GET("/order/", "Accept-Encoding: gzip\r\n"), KEPT, IS("200", .shows = "alpha", .lacks = "Content-Encoding")),

	/* each representation has its own tag */
	CASE("the plain tag, and gzip wanted", GET("/gz.css", "Accept-Encoding: gzip\r\nIf-None-Match: {{etag /gz.css}}\r\n"), KEPT, IS("200", CSS_GZIP)),
	CASE("gzip's tag, and gzip wanted", GET("/gz.css", "Accept-Encoding: gzip\r\nIf-None-Match: {{etag /gz.css gzip}}\r\n"), KEPT, IS("304", .has = "ETag\nVary:~Accept-Encoding")),
	CASE("gzip's tag, and gzip not wanted", GET("/gz.css", "If-None-Match: {{etag /gz.css gzip}}\r\n"), KEPT, IS("200", CSS_PLAIN)),
	CASE("the plain tag, and gzip not wanted", GET("/gz.css", "If-None-Match: {{etag /gz.css}}\r\n"), KEPT, IS("304", .has = "ETag\nVary:~Accept-Encoding")),
	CASE("br's tag, and gzip wanted", GET("/page.html", "Accept-Encoding: gzip\r\nIf-None-Match: {{etag /page.html br}}\r\n"), KEPT, IS("200", AS_GZIP)),
	CASE("either tag, and gzip wanted", GET("/gz.css", "Accept-Encoding: gzip\r\nIf-None-Match: {{etag /gz.css}}, {{etag /gz.css gzip}}\r\n"), KEPT, IS("304")),
	CASE("match: the plain tag, and gzip wanted", GET("/gz.css", "Accept-Encoding: gzip\r\nIf-Match: {{etag /gz.css}}\r\n"), KEPT, IS("412")),
	CASE("match: gzip's tag, and gzip wanted", GET("/gz.css", "Accept-Encoding: gzip\r\nIf-Match: {{etag /gz.css gzip}}\r\n"), KEPT, IS("200", CSS_GZIP)),

	/* a range is of the representation that its answer names */
	CASE("a range, and gzip wanted", GET("/gz.css", "Accept-Encoding: gzip\r\nRange: bytes=0-3\r\n"), KEPT,
	     IS("206", .body = "GZIP", .has = "Content-Encoding: gzip\nContent-Range: bytes 0-3/11", OR("206", .body = "PLAI", .has = "Content-Range: bytes 0-3/9", .lacks = "Content-Encoding", OR("200", CSS_GZIP)))),
	CASE("a range, and gzip not wanted", GET("/gz.css", "Range: bytes=0-3\r\n"), KEPT, IS("206", .body = "PLAI", .has = "Content-Range: bytes 0-3/9\nVary:~Accept-Encoding", .lacks = "Content-Encoding")),
	CASE("a range if the plain tag, and gzip wanted", GET("/gz.css", "Accept-Encoding: gzip\r\nRange: bytes=0-3\r\nIf-Range: {{etag /gz.css}}\r\n"), KEPT,
	     IS("200", CSS_GZIP, OR("200", CSS_PLAIN, OR("206", .body = "PLAI", .has = "Content-Range: bytes 0-3/9", .lacks = "Content-Encoding")))),
	CASE("a range if gzip's tag, and gzip wanted", GET("/gz.css", "Accept-Encoding: gzip\r\nRange: bytes=0-3\r\nIf-Range: {{etag /gz.css gzip}}\r\n"), KEPT,
	     IS("206", .body = "GZIP", .has = "Content-Encoding: gzip\nContent-Range: bytes 0-3/11", OR("200", CSS_GZIP, OR("200", CSS_PLAIN)))),
	CASE("a range if gzip's tag, and gzip not wanted", GET("/gz.css", "Range: bytes=0-3\r\nIf-Range: {{etag /gz.css gzip}}\r\n"), KEPT, IS("200", CSS_PLAIN)),
	CASE("a range beyond the plain size, and gzip wanted", GET("/gz.css", "Accept-Encoding: gzip\r\nRange: bytes=10-\r\n"), KEPT,
	     IS("206", .body = "S", .has = "Content-Encoding: gzip", OR("416", .has = "Content-Range: bytes */9", .lacks = "Content-Encoding"))),
	/* and there is none for other methods than GET (RFC 9110, 14.2) */
	CASE("a range for POST, and gzip wanted", POST("/gz.css", "Accept-Encoding: gzip\r\nRange: bytes=0-3\r\n"), KEPT, IS("200", CSS_GZIP)),
	CASE("a range for HEAD, and gzip wanted", HEAD("/gz.css", "Accept-Encoding: gzip\r\nRange: bytes=0-3\r\n"), KEPT, IS("200", .head = true, .has = "Content-Encoding: gzip\nContent-Length: 11")),
	{ .name = NULL },
};
