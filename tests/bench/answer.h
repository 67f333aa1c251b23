#ifndef ANSWER_H
#define ANSWER_H

/* A 200 as long as the one that wwwd gives for such a file, and a body of 1 KiB. */

#define BODY_64 "The quick brown fox jumps over the lazy dog, and again, and on.\n"
#define BODY_256 BODY_64 BODY_64 BODY_64 BODY_64
#define BODY_1024 BODY_256 BODY_256 BODY_256 BODY_256

/* clang-format off */
#define ANSWER_HEAD(length, connection)                          \
	"HTTP/1.1 200 OK\r\n"                                    \
	"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"                \
	"Content-Type: text/html\r\n"                            \
	"Content-Length: " length "\r\n"                         \
	"Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n"       \
	"ETag: \"400-18866a3f5ad12b00-1234567\"\r\n"             \
	"Accept-Ranges: bytes\r\n"                               \
	"X-Content-Type-Options: nosniff\r\n"                    \
	"Connection: " connection "\r\n"                         \
	"\r\n"
/* clang-format on */

#endif
