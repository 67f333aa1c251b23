/* Limits: the defaults of the main server, and the small one's, which has options for each. */
#include "wire.h"

#define SMALL_CASE(...) CASE_AT(SMALL, __VA_ARGS__)
#define ENDS CLOSED, .half_close = true
#define HALF(label, text, is) CASE_AT(SMALL, label, text, ENDS, IS(is))
#define CHUNKS POST("/ten.txt", "Transfer-Encoding: chunked\r\n")

/* {{}} doesn't nest */
#define Y50 "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
#define Y500 Y50 Y50 Y50 Y50 Y50 Y50 Y50 Y50 Y50 Y50
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X256 X64 X64 X64 X64

/* clang-format off */
const struct wire_case wire_limit[] = {
	/* the request line: 8 KiB */
	CASE("a target of 8000 bytes", GET("/{{8000*a}}", ""), KEPT, IS("404")),
	CASE("a target of 8000 bytes in folders", GET("{{4000*/a}}", ""), KEPT, IS("404")),
	CASE("a query of 8000 bytes", GET("/ten.txt?{{8000*a}}", ""), KEPT, IS("200", .body = TEN)),
	CASE("a target of 9000 bytes", GET("/{{9000*a}}", "") SMUGGLED, CLOSED, IS("414")),
	CASE("a query of 9000 bytes", GET("/ten.txt?{{9000*a}}", "") SMUGGLED, CLOSED, IS("414")),
	CASE("a target of 20,000 bytes", GET("/{{20000*a}}", "") SMUGGLED, CLOSED, IS("414")),
	CASE("a target of 60,000 bytes", GET("/{{60000*a}}", "") SMUGGLED, CLOSED, IS("414")),
	CASE("a request line without an end", "GET /{{10000*a}}", CLOSED, IS("414")),
	CASE("a target that is too long after a good request", GET("/ten.txt", "") GET("/{{9000*a}}", "") SMUGGLED, CLOSED, IS("200", .body = TEN), IS("414")),
	CASE("a target of 9000 bytes of HEAD", HEAD("/{{9000*a}}", "") SMUGGLED, CLOSED, IS("414", .head = true)),
	CASE("a request line of HEAD without an end", "HEAD /{{10000*a}}", CLOSED, IS("414", .head = true)),

	/* the header: 32 KiB and 100 fields */
	CASE("a field of 8000 bytes", GET("/ten.txt", "X: {{8000*y}}\r\n"), KEPT, IS("200", .body = TEN)),
	CASE("a field of 30,000 bytes", GET("/ten.txt", "X: {{30000*y}}\r\n"), KEPT, IS("200", .body = TEN)),
	CASE("thirty fields of 1000 bytes", GET("/ten.txt", "{{30*X: " Y500 Y500 "\r\n}}"), KEPT, IS("200", .body = TEN)),
	CASE("a field of 40,000 bytes", GET("/poison.txt", "X: {{40000*y}}\r\n") SMUGGLED, CLOSED, IS("431")),
	CASE("a field of 60,000 bytes", GET("/poison.txt", "X: {{60000*y}}\r\n") SMUGGLED, CLOSED, IS("431")),
	CASE("a name of 40,000 bytes", GET("/poison.txt", "{{40000*X}}: y\r\n") SMUGGLED, CLOSED, IS("431")),
	CASE("a header without an end", "GET /poison.txt HTTP/1.1\r\nHost: a\r\nX: {{40000*y}}", CLOSED, IS("431")),
	CASE("a Host of 40,000 bytes", "GET /poison.txt HTTP/1.1\r\nHost: {{40000*a}}\r\n\r\n" SMUGGLED, CLOSED, IS("431")),
	CASE("90 fields of 500 bytes", GET("/poison.txt", "{{90*X: " Y500 "\r\n}}") SMUGGLED, CLOSED, IS("431")),
	CASE("100 fields", GET("/ten.txt", "{{99*X: y\r\n}}"), KEPT, IS("200", .body = TEN)),
	CASE("101 fields", GET("/poison.txt", "{{100*X: y\r\n}}") SMUGGLED, CLOSED, IS("431")),
	CASE("1000 fields", GET("/poison.txt", "{{1000*X: y\r\n}}") SMUGGLED, CLOSED, IS("431")),
	CASE("5000 fields without an end", "GET /poison.txt HTTP/1.1\r\nHost: a\r\n{{5000*X: y\r\n}}", CLOSED, IS("431")),
	CASE("101 fields of HEAD", HEAD("/poison.txt", "{{100*X: y\r\n}}") SMUGGLED, CLOSED, IS("431", .head = true)),

	/* the body: 1 MiB */
	CASE("a body of 1 MiB and 1 byte", POST("/poison.txt", "Content-Length: 1048577\r\n"), CLOSED, IS("413")),
	CASE("a body of 2 MB, of which 60,000 bytes come", POST("/poison.txt", "Content-Length: 2000000\r\n") "{{60000*x}}", CLOSED, IS("413")),
	CASE("a body of 5 GB", POST("/poison.txt", "Content-Length: 5000000000\r\n"), CLOSED, IS("413")),
	CASE("a chunk of 1 MiB and 1 byte", POST("/poison.txt", "Transfer-Encoding: chunked\r\n") "100001\r\nhello", CLOSED, IS("413")),
	CASE("a body of 2 MB of GET", GET("/poison.txt", "Content-Length: 2000000\r\n"), CLOSED, IS("413")),
	CASE("a body of 2 MB of what isn't there", POST("/missing", "Content-Length: 2000000\r\n"), CLOSED, IS("404 413")),
	CASE("a body of 2 MB of HEAD", HEAD("/poison.txt", "Content-Length: 2000000\r\n"), CLOSED, IS("413", .head = true)),
	/* the method comes first: a smaller body would not help */
	CASE("a body of 2 MB of PUT", "PUT /new.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n", CLOSED, IS("405", .has = "Allow: GET, HEAD, POST, OPTIONS")),
	CASE("a body of 2 MB of DELETE", "DELETE /ten.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n", CLOSED, IS("405")),
	CASE("a body of 2 MB of an unknown method", "BREW / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n", CLOSED, IS("501")),
	CASE("a chunk of 2 MB of PUT", "PUT /new.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\nhello", CLOSED, IS("405", .has = "Allow")),
	CASE("a chunk of 2 MB of an unknown method", "BREW / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\nhello", CLOSED, IS("501")),
	CASE("a body of 2 MB of PUT that waits for 100", "PUT /new.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n", CLOSED, IS("405")),
	CASE("another expectation of PUT", "PUT /new.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: more\r\n\r\nhello", CLOSED, IS("405")),
	CASE("an unknown coding of PUT", "PUT /new.txt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", CLOSED, IS("405")),
	CASE("two lengths of PUT", "PUT /new.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", CLOSED, IS("400")),
	CASE("a length and chunks of PUT", "PUT /new.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", CLOSED, IS("400")),
	CASE("a small body of PUT", "PUT /new.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", KEPT, IS("405")),

	/* who is refused and goes on sending, before it reads, gets the answer all the same */
	{ .name = "413, and the body comes", .deaf = true, .end = CLOSED, .send = { PART(POST("/poison.txt", "Content-Length: 2000000\r\n")), PART("{{18000*x}}"), PART("{{18000*x}}"), PART("{{18000*x}}") }, .want = { IS("413") } },
	{ .name = "414, and the header comes", .deaf = true, .end = CLOSED, .send = { PART("GET /{{9000*a}} HTTP/1.1\r\nHost: a\r\n"), PART("X: {{18000*y}}\r\n"), PART("X: {{18000*y}}\r\n\r\n"), PART(SMUGGLED) }, .want = { IS("414") } },
	{ .name = "431, and more comes", .deaf = true, .end = CLOSED, .send = { PART(GET("/poison.txt", "X: {{33000*y}}\r\n")), PART(SMUGGLED), PART("{{18000*x}}"), PART("{{18000*x}}") }, .want = { IS("431") } },
	{ .name = "400, and the body comes", .deaf = true, .end = CLOSED, .send = { PART(POST("/poison.txt", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")), PART("{{18000*x}}"), PART("{{18000*x}}"), PART("{{18000*x}}") }, .want = { IS("400") } },
	{ .name = "417, and the body comes", .deaf = true, .end = EITHER, .send = { PART(POST("/poison.txt", "Content-Length: 36000\r\nExpect: something\r\n")), PART("{{18000*x}}"), PART("{{18000*x}}") }, .want = { IS("417") } },
	{ .name = "505, and more comes", .deaf = true, .end = CLOSED, .send = { PART("GET / HTTP/2.0\r\n"), PART("Host: a\r\n\r\n"), PART(SMUGGLED), PART("{{18000*x}}") }, .want = { IS("505") } },

	/* --line-max 512 */
	SMALL_CASE("small: a target of 400 bytes", GET("/{{400*a}}", ""), EITHER, IS("404")),
	SMALL_CASE("small: a target of 600 bytes", GET("/{{600*a}}", "") SMUGGLED, CLOSED, IS("414")),
	SMALL_CASE("small: a method of 600 bytes", "{{600*X}} / HTTP/1.1\r\nHost: a\r\n\r\n" SMUGGLED, CLOSED, IS("414 501")),
	/* --header-max 2K --fields-max 10 */
	SMALL_CASE("small: a field of 1200 bytes", GET("/ten.txt", "X: {{1200*y}}\r\n"), KEPT, IS("200", .body = TEN)),
	SMALL_CASE("small: a field of 3000 bytes", GET("/poison.txt", "X: {{3000*y}}\r\n") SMUGGLED, CLOSED, IS("431")),
	SMALL_CASE("small: 10 fields", GET("/ten.txt", "{{9*X: y\r\n}}"), KEPT, IS("200", .body = TEN)),
	SMALL_CASE("small: 11 fields", GET("/poison.txt", "{{10*X: y\r\n}}") SMUGGLED, CLOSED, IS("431")),
	/* to the byte: a line of 512, a header of 2048 with its ends, trailers and extensions of as much */
	SMALL_CASE("small: a line of 512 bytes", GET("/ten.txt?{{490*a}}", ""), KEPT, IS("200", .body = TEN)),
	SMALL_CASE("small: a line of 513 bytes", GET("/ten.txt?{{491*a}}", "") SMUGGLED, CLOSED, IS("414")),
	SMALL_CASE("small: a header of 2048 bytes", GET("/ten.txt", "X: {{2034*y}}\r\n"), KEPT, IS("200", .body = TEN)),
	SMALL_CASE("small: a header of 2049 bytes", GET("/ten.txt", "X: {{2035*y}}\r\n") SMUGGLED, CLOSED, IS("431")),
	SMALL_CASE("small: a header of 2048 bytes in three fields", GET("/ten.txt", "X: {{1000*y}}\r\nY: {{1029*y}}\r\n"), KEPT, IS("200", .body = TEN)),
	SMALL_CASE("small: a header of 2049 bytes in three fields", GET("/ten.txt", "X: {{1000*y}}\r\nY: {{1030*y}}\r\n") SMUGGLED, CLOSED, IS("431")),
	SMALL_CASE("small: a method of 512 bytes", "{{512*X}} / HTTP/1.1\r\n", CLOSED, IS("501")),
	HALF("small: 512 bytes of a line, and the end", "GET /{{507*a}}", "400"),
	HALF("small: 512 bytes of a line, its CR, and the end", "GET /{{507*a}}\r", "400"),
	HALF("small: 514 bytes of a line, and the end", "GET /{{509*a}}", "414"),
	HALF("small: 514 bytes of a method, and the end", "{{514*X}}", "501"),
	HALF("small: 2048 bytes of a header, and the end", "GET / HTTP/1.1\r\nX: {{2045*y}}", "400"),
	HALF("small: 2048 bytes of a header, its CR, and the end", "GET / HTTP/1.1\r\nX: {{2045*y}}\r", "400"),
	HALF("small: 2050 bytes of a header, and the end", "GET / HTTP/1.1\r\nX: {{2047*y}}", "431"),
	SMALL_CASE("small: 10 trailers", CHUNKS "0\r\n{{10*X: y\r\n}}\r\n", KEPT, IS("200", .body = TEN)),
	SMALL_CASE("small: 11 trailers", CHUNKS "0\r\n{{11*X: y\r\n}}\r\n" SMUGGLED, CLOSED, IS("431")),
	SMALL_CASE("small: trailers of 2048 bytes", CHUNKS "0\r\nX: {{2045*y}}\r\n\r\n", KEPT, IS("200", .body = TEN)),
	SMALL_CASE("small: trailers of 2049 bytes", CHUNKS "0\r\nX: {{2046*y}}\r\n\r\n" SMUGGLED, CLOSED, IS("431")),
	SMALL_CASE("small: extensions of 2048 bytes beside 16 of a size", CHUNKS "1;a={{1028*b}}\r\nx\r\n1;a={{1044*b}}\r\nx\r\n0\r\n\r\n", KEPT, IS("200", .body = TEN)),
	SMALL_CASE("small: extensions of 2064 bytes beside 16 of a size", CHUNKS "1;a={{1028*b}}\r\nx\r\n1;a={{1045*b}}\r\nx\r\n0\r\n\r\n" SMUGGLED, CLOSED, IS("431")),
	SMALL_CASE("small: two bodies of 1024 bytes, and one of 1025", POST("/ten.txt", "Content-Length: 1024\r\n") "{{1024*x}}" CHUNKS "1\r\nx\r\n3ff\r\n{{1023*x}}\r\n0\r\n\r\n" CHUNKS "1\r\nx\r\n400\r\n" SMUGGLED, CLOSED, IS("200", .body = TEN), IS("200", .body = TEN), IS("413")),
	SMALL_CASE("small: two requests with 10 trailers", CHUNKS "0\r\n{{10*X: y\r\n}}\r\n" CHUNKS "0\r\n{{10*X: y\r\n}}\r\n", KEPT, IS("200", .body = TEN), IS("200", .body = TEN)),
	/* a line of chunked syntax: 4 KiB */
	CASE("4094 bytes of a chunk's line, and the rest", CHUNKS "1;{{4092*x}}\r\nx\r\n0\r\n\r\n", KEPT, IS("200", .body = TEN)),
	CASE("4097 bytes of a chunk's line", CHUNKS "1;{{4095*x}}", CLOSED, IS("431")),
	/* empty lines before a request: eight */
	CASE("eight empty lines before a request", "{{8*\r\n}}" GET("/ten.txt", ""), KEPT, IS("200", .body = TEN)),
	CASE("nine empty lines before a request", "{{9*\r\n}}" GET("/ten.txt", ""), CLOSED, IS("400")),
	CASE("eight empty lines before each of two requests", "{{8*\r\n}}" GET("/ten.txt", "") "{{8*\r\n}}" GET("/ten.txt", ""), KEPT, IS("200", .body = TEN), IS("200", .body = TEN)),
	/* ranges: 64 */
	CASE("64 ranges, of which one is there", GET("/ten.txt", "Range: bytes=0-0{{63*,99-}}\r\n"), KEPT, IS("206", .body = "0")),
	CASE("65 ranges, of which one is there", GET("/ten.txt", "Range: bytes=0-0{{64*,99-}}\r\n"), KEPT, IS("200", .body = TEN)),
	/* --body-max 1K */
	SMALL_CASE("small: a body of 1024 bytes", POST("/ten.txt", "Content-Length: 1024\r\n") "{{1024*x}}", KEPT, IS("200", .body = TEN)),
	SMALL_CASE("small: a body of 1025 bytes", POST("/poison.txt", "Content-Length: 1025\r\n") "{{1025*x}}" SMUGGLED, CLOSED, IS("413")),
	SMALL_CASE("small: a chunk of 1024 bytes", POST("/ten.txt", "Transfer-Encoding: chunked\r\n") "400\r\n{{1024*x}}\r\n0\r\n\r\n", KEPT, IS("200", .body = TEN)),
	SMALL_CASE("small: a chunk of 1025 bytes", POST("/poison.txt", "Transfer-Encoding: chunked\r\n") "401\r\n{{1025*x}}\r\n0\r\n\r\n" SMUGGLED, CLOSED, IS("413")),
	SMALL_CASE("small: chunks of 1024 bytes in all", POST("/ten.txt", "Transfer-Encoding: chunked\r\n") "{{4*100\r\n" X256 "\r\n}}0\r\n\r\n", KEPT, IS("200", .body = TEN)),
	SMALL_CASE("small: chunks of one byte, 1100 of them", POST("/poison.txt", "Transfer-Encoding: chunked\r\n") "{{1100*1\r\nx\r\n}}0\r\n\r\n" SMUGGLED, CLOSED, IS("413")),
	SMALL_CASE("small: a length over the limit with a 100-continue", POST("/poison.txt", "Content-Length: 1025\r\nExpect: 100-continue\r\n"), CLOSED, IS("413")),
	/* --requests-max 3 */
	SMALL_CASE("small: the third request is the last", GET("/ten.txt", "") GET("/ten.txt", "") GET("/ten.txt", "") SMUGGLED, CLOSED, IS("200", .body = TEN), IS("200", .body = TEN), IS("200", .body = TEN)),
	SMALL_CASE("small: two requests aren't", GET("/ten.txt", "") GET("/ten.txt", ""), KEPT, IS("200", .body = TEN), IS("200", .body = TEN)),
	SMALL_CASE("small: the third is the last though it's 404", GET("/ten.txt", "") GET("/missing", "") GET("/missing", "") SMUGGLED, CLOSED, IS("200", .body = TEN), IS("404"), IS("404")),
	/* --header, twice: the other one is looked for on every answer */
	SMALL_CASE("small: an added field on a 200", GET("/ten.txt", ""), KEPT, IS("200", .has = "Cache-Control: no-store")),
	SMALL_CASE("small: an added field on a 304", GET("/ten.txt", "If-None-Match: *\r\n"), KEPT, IS("304", .has = "Cache-Control: no-store")),
	SMALL_CASE("small: an added field on a 206", GET("/ten.txt", "Range: bytes=0-0\r\n"), KEPT, IS("206", .body = "0", .has = "Cache-Control: no-store")),
	SMALL_CASE("small: an added field on a 301", GET("/bare", ""), KEPT, IS("301", .has = "Cache-Control: no-store")),
	SMALL_CASE("small: an added field on a 400", GET("/%", ""), CLOSED, IS("400", .has = "Cache-Control: no-store")),
	SMALL_CASE("small: the site's page and an added field on a 404", GET("/missing", ""), KEPT, IS("404", .body = "OUR OWN PAGE", .has = "Cache-Control: no-store\nContent-Type:~text/html")),
	SMALL_CASE("small: an added field on a 405", "PUT / HTTP/1.1\r\nHost: a\r\n\r\n", EITHER, IS("405", .has = "Cache-Control: no-store")),
	SMALL_CASE("small: an added field on a 413", POST("/", "Content-Length: 2000\r\n"), CLOSED, IS("413", .has = "Cache-Control: no-store")),
	SMALL_CASE("small: an added field on a 416", GET("/ten.txt", "Range: bytes=10-\r\n"), KEPT, IS("416", .has = "Cache-Control: no-store")),
	SMALL_CASE("small: an added field on a 501", "X / HTTP/1.1\r\nHost: a\r\n\r\n", EITHER, IS("501", .has = "Cache-Control: no-store")),
	SMALL_CASE("small: an added field on a 505", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", CLOSED, IS("505", .has = "Cache-Control: no-store")),
	SMALL_CASE("small: an added field on OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", KEPT, IS("204", .has = "Cache-Control: no-store")),
	/* --no-listing, and a page for what is missing */
	SMALL_CASE("small: no listing", GET("/bare/", ""), KEPT, IS("404", .body = "OUR OWN PAGE")),
	SMALL_CASE("small: no listing of the root", GET("/", ""), KEPT, IS("404", .body = "OUR OWN PAGE")),
	SMALL_CASE("small: no listing as text", GET("/bare/?format=text", ""), KEPT, IS("404", .hides = "known.txt")),
	SMALL_CASE("small: no listing, and a file in the folder", GET("/bare/known.txt", ""), KEPT, IS("200", .body = "KNOWN")),
	SMALL_CASE("small: no listing, and an index", GET("/indexed/", ""), KEPT, IS("200", .body = "INDEXED")),
	SMALL_CASE("small: the site's page for HEAD", HEAD("/missing", ""), KEPT, IS("404", .head = true, .has = "Content-Length: 12")),
	SMALL_CASE("small: the site's page for POST", POST("/missing", "Content-Length: 37\r\n") SMUGGLED, EITHER, IS("404", .body = "OUR OWN PAGE")),
	SMALL_CASE("small: the site's page for a hidden name", GET("/.secret", ""), KEPT, IS("404", .body = "OUR OWN PAGE")),
	SMALL_CASE("small: the site's page isn't for a path above the root", GET("/../secret.txt", ""), CLOSED, IS("400", .hides = "OUR OWN PAGE")),
	SMALL_CASE("small: the site's page for a file with a slash", GET("/ten.txt/", ""), KEPT, IS("404", .body = "OUR OWN PAGE")),
	SMALL_CASE("small: the site's page has no ranges", GET("/missing", "Range: bytes=0-2\r\n"), KEPT, IS("404", .body = "OUR OWN PAGE", .lacks = "Content-Range")),
	SMALL_CASE("small: the site's page isn't unmodified", GET("/missing", "If-Modified-Since: " TEN_DATE "\r\n"), KEPT, IS("404", .body = "OUR OWN PAGE")),
	SMALL_CASE("small: the site's page doesn't match", GET("/missing", "If-None-Match: *\r\n"), KEPT, IS("404", .body = "OUR OWN PAGE")),
	SMALL_CASE("small: the site's page isn't coded without a word", GET("/missing", "Accept-Encoding: gzip\r\n"), KEPT, IS("404", .body = "OUR OWN PAGE", .lacks = "Content-Encoding", OR("404", .body = "GZIP OF OUR OWN PAGE", .has = "Content-Encoding: gzip"))),
	SMALL_CASE("small: the site's page by its name", GET("/404.html", ""), KEPT, IS("200", .body = "OUR OWN PAGE")),
	SMALL_CASE("small: the site's page isn't for 403, an added field is", GET("/unreadable.txt", ""), KEPT, IS("403", .hides = "OUR OWN PAGE", .has = "Cache-Control: no-store")),
	{ .name = NULL },
};
