/*
 * What takes too long, at a server that waits for one second (--header-time 1 --idle-time 1): 408 when
 * a request has begun (RFC 9110, 15.5.9), and silence when none has (RFC 9112, 9.5).
 */
#include "wire.h"

#define HURRIED CLOSED, .server = HASTY
#define SLOW(label, text, ...) CASE(label, text, HURRIED, __VA_ARGS__)
#define FORGOTTEN CLOSED, .server = HASTY, .silent = true
#define QUIET FORGOTTEN, .at_once = true
#define SILENT(label, text, ...) CASE(label, text, FORGOTTEN, __VA_ARGS__)

/* clang-format off */
const struct wire_case wire_time[] = {
	SILENT("nothing comes", "", IS("?")),
	SILENT("nothing comes after a request", GET("/ten.txt", ""), IS("200", .body = TEN)),
	SILENT("nothing comes after two requests", GET("/ten.txt", "") GET("/sub/", ""), IS("200", .body = TEN), IS("200", .body = "SUB INDEX")),
	SILENT("nothing comes after a request of 1.0 that stays", "GET /ten.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", IS("200", .body = TEN)),
	CASE("an empty line comes", "\r\n", QUIET, IS("?")),
	SLOW("one byte comes", "G", IS("408")),
	SLOW("half a request line comes", "GET /ten.txt HT", IS("408")),
	SLOW("a request line comes", "GET /ten.txt HTTP/1.1\r\n", IS("408")),
	SLOW("half a header comes", "GET /ten.txt HTTP/1.1\r\nHost: a\r\nX: y", IS("408")),
	SLOW("all but the last LF comes", "GET /ten.txt HTTP/1.1\r\nHost: a\r\n\r", IS("408")),
	SLOW("a request and half of another come", GET("/ten.txt", "") "GET /poi", IS("200", .body = TEN), IS("408")),
	SLOW("half a request line of HEAD comes", "HEAD /ten.txt HT", IS("408", .head = true)),
	SLOW("half a header of HEAD comes", "HEAD /ten.txt HTTP/1.1\r\nHost: a\r\nX: y", IS("408", .head = true)),
	SLOW("half a body of HEAD comes", HEAD("/poison.txt", "Content-Length: 5\r\n") "hel", IS("408", .head = true)),
	SLOW("no body comes", POST("/poison.txt", "Content-Length: 5\r\n"), IS("408")),
	SLOW("half a body comes", POST("/poison.txt", "Content-Length: 5\r\n") "hel", IS("408")),
	SLOW("half a chunk comes", POST("/poison.txt", "Transfer-Encoding: chunked\r\n") "5\r\nhel", IS("408")),
	SLOW("a chunk comes and no other", POST("/poison.txt", "Transfer-Encoding: chunked\r\n") "5\r\nhello\r\n", IS("408")),
	SLOW("half a trailer comes", POST("/poison.txt", "Transfer-Encoding: chunked\r\n") "0\r\nX: y", IS("408")),
	SLOW("100-continue, and nothing comes", POST("/poison.txt", "Content-Length: 5\r\nExpect: 100-continue\r\n"), IS("100"), IS("408")),
	/* the second is for the whole header, not for each byte of it */
	{ .name = "a header comes, a byte at a time", .server = HASTY, .end = CLOSED, .drip = 250, .send = { PART("GET /poison.txt HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n") }, .want = { IS("408") } },
	{ .name = NULL },
};
