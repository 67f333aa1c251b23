/* Ranges (RFC 9110, 14) of a file of ten bytes, of none, and of five gibibytes. */
#include "wire.h"

#define ASK(range) GET("/ten.txt", "Range: " range "\r\n")
#define HUGE(range) GET("/huge.bin", "Range: " range "\r\n")
#define TAG "{{etag /ten.txt}}"
#define PART_OF(label, range, where, content)        \
	CASE(label, ASK(range), KEPT,                \
	     IS("206", .body = content,              \
		.has = "Content-Range: bytes " where \
		       "/10\nETag\nLast-Modified\nContent-Type: text/plain; charset=utf-8"))
#define SEVERAL(label, range, pieces) CASE(label, ASK(range), KEPT, IS("206", .parts = pieces))
#define ALL(label, range) \
	CASE(label, ASK(range), KEPT, IS("200", .body = TEN, .has = "Content-Length: 10"))
#define NONE(label, range) \
	CASE(label, ASK(range), KEPT, IS("416", .has = "Content-Range: bytes */10"))
#define IF_RANGE(label, validator, ...)                                                       \
	CASE(label, GET("/ten.txt", "Range: bytes=0-1\r\nIf-Range: " validator "\r\n"), KEPT, \
	     __VA_ARGS__)
#define HOLDS IS("206", .body = "01")
#define FAILS IS("200", .body = TEN)

/* Sixty-four places of the large file, at each of which there is a 0: 0, 100000, 101000 ... */
#define SEVEN(AT, tens) \
	AT(tens "0000") \
	AT(tens "1000") \
	AT(tens "2000") AT(tens "3000") AT(tens "4000") AT(tens "5000") AT(tens "6000")
#define EIGHT(AT, tens) SEVEN(AT, tens) AT(tens "7000")
#define SIXTY_THREE(AT) \
	EIGHT(AT, "10") \
	EIGHT(AT, "11") \
	EIGHT(AT, "12") \
	EIGHT(AT, "13") EIGHT(AT, "14") EIGHT(AT, "15") EIGHT(AT, "16") SEVEN(AT, "17")
#define RANGE_AT(place) "," place "-" place
#define PART_AT(place) " " place "-" place "/320000=0"
#define MANY(more) GET("/large.bin", "Range: bytes=0-0" SIXTY_THREE(RANGE_AT) more "\r\n")
#define ALL_OF_MANY IS("200", .file = "large.bin")

/* clang-format off */
const struct wire_case wire_range[] = {
	/* one range */
	PART_OF("the first byte", "bytes=0-0", "0-0", "0"),
	PART_OF("the first five", "bytes=0-4", "0-4", "01234"),
	PART_OF("five in the middle", "bytes=3-7", "3-7", "34567"),
	PART_OF("one in the middle", "bytes=5-5", "5-5", "5"),
	PART_OF("the last by its number", "bytes=9-9", "9-9", "9"),
	PART_OF("from the last on", "bytes=9-", "9-9", "9"),
	PART_OF("from the middle on", "bytes=4-", "4-9", "456789"),
	PART_OF("all by numbers", "bytes=0-9", "0-9", TEN),
	PART_OF("all from the first on", "bytes=0-", "0-9", TEN),
	PART_OF("beyond the end", "bytes=5-10", "5-9", "56789"),
	PART_OF("far beyond the end", "bytes=0-999", "0-9", TEN),
	PART_OF("the last", "bytes=-1", "9-9", "9"),
	PART_OF("the last five", "bytes=-5", "5-9", "56789"),
	PART_OF("the last ten", "bytes=-10", "0-9", TEN),
	PART_OF("the last eleven", "bytes=-11", "0-9", TEN),
	PART_OF("the last 999", "bytes=-999", "0-9", TEN),
	PART_OF("an end of 2 to the 32", "bytes=0-4294967296", "0-9", TEN),
	PART_OF("an end of 2 to the 63", "bytes=5-9223372036854775808", "5-9", "56789"),
	PART_OF("an end of 2 to the 64", "bytes=5-18446744073709551616", "5-9", "56789"),
	PART_OF("an end of 2 to the 64 less 1", "bytes=0-18446744073709551615", "0-9", TEN),
	PART_OF("an end of 40 digits", "bytes=8-9999999999999999999999999999999999999999", "8-9", "89"),
	PART_OF("the last 2 to the 32", "bytes=-4294967297", "0-9", TEN),
	PART_OF("the last 2 to the 63", "bytes=-9223372036854775808", "0-9", TEN),
	PART_OF("the last 2 to the 64 and 1", "bytes=-18446744073709551617", "0-9", TEN),
	PART_OF("the last of 40 digits", "bytes=-9999999999999999999999999999999999999999", "0-9", TEN),
	PART_OF("leading zeros", "bytes=0000000000000000000000000000001-0002", "1-2", "12"),
	PART_OF("Bytes", "Bytes=0-1", "0-1", "01"),
	PART_OF("BYTES", "BYTES=0-1", "0-1", "01"),
	PART_OF("white space around it", "\t bytes=0-1 \t", "0-1", "01"),
	PART_OF("a comma after it", "bytes=0-1,", "0-1", "01"),
	PART_OF("bytes= 0-0 ", "bytes= 0-0 ", "0-0", "0"),
	PART_OF("bytes=99-100,-0,3-3", "bytes=99-100,-0,3-3", "3-3", "3"),
	CASE("a range for HEAD is ignored", HEAD("/ten.txt", "Range: bytes=0-1\r\n"), KEPT, IS("200", .head = true, .has = "Content-Length: 10", .lacks = "Content-Range")),
	CASE("a range that can't be, for HEAD", HEAD("/ten.txt", "Range: bytes=10-\r\n"), KEPT, IS("200", .head = true, .has = "Content-Length: 10")),
	CASE("a range of what isn't there", GET("/missing", "Range: bytes=0-1\r\n"), KEPT, IS("404")),
	CASE("a range of what isn't readable", GET("/unreadable.txt", "Range: bytes=0-1\r\n"), KEPT, IS("403")),
	CASE("a range of a folder without its slash", GET("/sub", "Range: bytes=0-1\r\n"), KEPT, IS("301", .lacks = "Content-Range")),
	CASE("a range of an index", GET("/", "Range: bytes=5-\r\n"), KEPT, IS("206", .body = "INDEX", .has = "Content-Range: bytes 5-9/10")),
	CASE("a range of a listing", GET("/order/", "Range: bytes=0-1\r\n"), KEPT, IS("200", .shows = "alpha")),
	CASE("a range of 1.0", "GET /ten.txt HTTP/1.0\r\nRange: bytes=0-1\r\n\r\n", CLOSED, IS("206", .body = "01")),
	CASE("a range across the large file's blocks", GET("/large.bin", "Range: bytes=65528-65551\r\n"), KEPT, IS("206", .body = "0008191\n0008192\n0008193\n")),
	CASE("the large file's last line", GET("/large.bin", "Range: bytes=-8\r\n"), KEPT, IS("206", .body = "0039999\n", .has = "Content-Range: bytes 319992-319999/320000")),
	CASE("all of the large file", GET("/large.bin", "Range: bytes=0-\r\n"), KEPT, IS("206", .file = "large.bin")),

	/* a range that can't be */
	NONE("from the end on", "bytes=10-"),
	NONE("beyond the end alone", "bytes=10-20"),
	NONE("far beyond the end alone", "bytes=999-"),
	NONE("the last none", "bytes=-0"),
	NONE("from 2 to the 32 on", "bytes=4294967296-"),
	NONE("from 2 to the 32 to more", "bytes=4294967296-4294967300"),
	NONE("from 2 to the 63 on", "bytes=9223372036854775808-"),
	NONE("from 2 to the 63 less 1 on", "bytes=9223372036854775807-"),
	NONE("from 2 to the 64 on", "bytes=18446744073709551616-"),
	NONE("from 2 to the 64 less 1 on", "bytes=18446744073709551615-"),
	NONE("from 2 to the 64 to more", "bytes=18446744073709551617-18446744073709551620"),
	NONE("from 40 digits on", "bytes=9999999999999999999999999999999999999999-"),
	NONE("two that can't be", "bytes=10-11,20-"),
	NONE("two that can't be, and the last none", "bytes=10-11,-0"),

	/* what isn't a range of bytes is ignored (14.2) */
	ALL("another unit", "lines=0-1"),
	ALL("another unit without numbers", "none"),
	ALL("a unit that begins with bytes", "bytesx=0-1"),
	ALL("a unit that ends with bytes", "xbytes=0-1"),
	ALL("byte", "byte=0-1"),
	ALL("seconds", "seconds=1.5-"),
	ALL("an end before its start", "bytes=5-4"),
	ALL("an end before its start by much", "bytes=9-0"),
	ALL("no ranges", "bytes="),
	ALL("a dash alone", "bytes=-"),
	ALL("a comma alone", "bytes=,"),
	ALL("a number alone", "bytes=5"),
	ALL("a word", "bytes=abc"),
	ALL("two dashes before", "bytes=--5"),
	ALL("two dashes between", "bytes=0--5"),
	ALL("two dashes after", "bytes=0--"),
	ALL("three numbers", "bytes=0-1-2"),
	ALL("a plus", "bytes=+0-1"),
	ALL("a plus before the end", "bytes=0-+1"),
	ALL("a minus before the start", "bytes=-1-2"),
	ALL("hexadecimal", "bytes=0x0-0x1"),
	ALL("a fraction", "bytes=0.0-1.0"),
	ALL("a letter after the end", "bytes=0-1x"),
	ALL("a letter after the start", "bytes=0x-1"),
	ALL("spaces around the dash", "bytes=0 - 1"),
	ALL("a space after the dash", "bytes=0- 1"),
	ALL("a space in a number", "bytes=0-1 2"),
	ALL("a semicolon", "bytes=0-1;2-3"),
	ALL("a slash", "bytes=0-1/10"),
	ALL("no equals sign", "bytes 0-1"),
	ALL("a colon for an equals sign", "bytes:0-1"),
	ALL("two equals signs", "bytes==0-1"),
	ALL("bytes", "bytes"),
	ALL("bytes=99-100,x", "bytes=99-100,x"),
	ALL("a space before the equals sign", "bytes =0-1"),
	ALL("quotes", "bytes=\"0-1\""),
	ALL("no unit", "=0-1"),
	ALL("no unit and no equals sign", "0-1"),
	ALL("nothing", ""),
	ALL("a good one and a bad one", "bytes=0-1,x"),
	ALL("a bad one and a good one", "bytes=5-4,0-1"),
	ALL("a good one and an end before its start", "bytes=0-1,5-4"),
	ALL("a good one and a dash", "bytes=0-1,-"),
	ALL("the unit again", "bytes=0-1,bytes=3-4"),
	ALL("full-width digits", "bytes=\xef\xbc\x90-\xef\xbc\x91"),
	CASE("two fields", GET("/ten.txt", "Range: bytes=0-1\r\nRange: bytes=3-4\r\n"), KEPT, IS("200", .body = TEN)),
	CASE("Request-Range isn't Range", GET("/ten.txt", "Request-Range: bytes=0-1\r\n"), KEPT, IS("200", .body = TEN)),

	/* several ranges */
	SEVERAL("two ranges", "bytes=0-1,8-9", "0-1/10=01 8-9/10=89"),
	SEVERAL("two ranges with spaces", "bytes=0-1, 8-9", "0-1/10=01 8-9/10=89"),
	SEVERAL("two ranges with tabs and spaces", "bytes=0-1\t , \t8-9", "0-1/10=01 8-9/10=89"),
	SEVERAL("two ranges and empty elements", "bytes=,0-1,, ,8-9,", "0-1/10=01 8-9/10=89"),
	SEVERAL("two ranges, the later first", "bytes=8-9,0-1", "8-9/10=89 0-1/10=01"),
	SEVERAL("the first and the last", "bytes=0-0,-1", "0-0/10=0 9-9/10=9"),
	SEVERAL("the first and the rest from the middle", "bytes=0-0,5-", "0-0/10=0 5-9/10=56789"),
	SEVERAL("three ranges", "bytes=0-0,2-2,4-4", "0-0/10=0 2-2/10=2 4-4/10=4"),
	SEVERAL("a range that goes beyond the end", "bytes=0-0,8-99", "0-0/10=0 8-9/10=89"),
	SEVERAL("two that can be and one that can't", "bytes=0-0,20-30,4-4", "0-0/10=0 4-4/10=4"),
	SEVERAL("Bytes, several", "Bytes=0-0,4-4", "0-0/10=0 4-4/10=4"),
	CASE("one that can be and one that can't", ASK("bytes=0-1,20-30"), KEPT, IS("206", .body = "01")),
	CASE("one that can't be and one that can", ASK("bytes=20-30,0-1"), KEPT, IS("206", .body = "01")),
	CASE("two that touch", ASK("bytes=0-4,5-9"), KEPT, IS("206", .parts = "0-4/10=01234 5-9/10=56789", OR("200 206", .body = TEN))),
	CASE("sixty-four of the large file", MANY(""), KEPT, IS("206", .parts = "0-0/320000=0" SIXTY_THREE(PART_AT))),
	CASE("sixty-four of the large file, and one that can't be", MANY(",900000-"), KEPT, ALL_OF_MANY),
	CASE("sixty-five of the large file", MANY(",200000-200000"), KEPT, ALL_OF_MANY),
	CASE("many of which the last two overlap", GET("/large.bin", "Range: bytes=0-0" SEVEN(RANGE_AT, "10") ",105999-106000\r\n"), KEPT, ALL_OF_MANY),
	ALL("two that overlap", "bytes=0-5,4-9"),
	ALL("the same twice", "bytes=0-1,0-1"),
	ALL("one within another", "bytes=0-9,3-4"),
	ALL("one within the next", "bytes=3-4,2-8"),
	ALL("the first and all", "bytes=0-0,0-"),
	ALL("the last and from the middle on", "bytes=-1,5-"),
	ALL("three of which two overlap", "bytes=0-1,5-6,6-7"),
	ALL("all, a hundred times", "bytes={{99*0-,}}0-"),
	ALL("a thousand of the first byte", "bytes={{999*0-0,}}0-0"),
	CASE("a thousand growing ones", GET("/large.bin", "Range: bytes=0-{{1000*,5-9}}\r\n"), EITHER, IS("200", .file = "large.bin", OR("400 416"))),

	/* If-Range (13.1.5) */
	IF_RANGE("if the tag", TAG, HOLDS),
	IF_RANGE("if the tag with white space", " \t" TAG " ", HOLDS),
	IF_RANGE("if then", TEN_DATE, HOLDS),
	IF_RANGE("if then, as RFC 850 wrote it", "Sunday, 06-Nov-94 08:49:37 GMT", IS("206", .body = "01", OR("200", .body = TEN))),
	IF_RANGE("if then, as asctime writes it", "Sun Nov  6 08:49:37 1994", IS("206", .body = "01", OR("200", .body = TEN))),
	IF_RANGE("if another tag", "\"other\"", FAILS),
	IF_RANGE("if the tag as a weak one", "W/" TAG, FAILS),
	IF_RANGE("if an empty tag", "\"\"", FAILS),
	IF_RANGE("if a star", "*", FAILS),
	IF_RANGE("if two tags", "\"other\", " TAG, FAILS),
	IF_RANGE("if the tag, twice", TAG "\r\nIf-Range: " TAG, FAILS),
	IF_RANGE("if the tag of another file", "{{etag /empty.txt}}", FAILS),
	IF_RANGE("if a word", "other", FAILS),
	IF_RANGE("if nothing", "", FAILS),
	IF_RANGE("if earlier", "Sat, 05 Nov 1994 08:49:37 GMT", FAILS),
	IF_RANGE("if a second earlier", "Sun, 06 Nov 1994 08:49:36 GMT", FAILS),
	IF_RANGE("if later: the date must be the same", "Mon, 07 Nov 1994 08:49:37 GMT", FAILS),
	IF_RANGE("if a second later", "Sun, 06 Nov 1994 08:49:38 GMT", FAILS),
	IF_RANGE("if 2100", "Fri, 31 Dec 2100 23:59:59 GMT", FAILS),
	IF_RANGE("if a date that isn't", "Sun, 31 Nov 1994 08:49:37 GMT", FAILS),
	CASE("If-Range without Range", GET("/ten.txt", "If-Range: " TAG "\r\n"), KEPT, FAILS),
	CASE("If-Range that fails, without Range", GET("/ten.txt", "If-Range: \"other\"\r\n"), KEPT, FAILS),
	CASE("If-Range before Range", GET("/ten.txt", "If-Range: " TAG "\r\nRange: bytes=0-1\r\n"), KEPT, HOLDS),
	CASE("If-Range, and a range that can't be", GET("/ten.txt", "If-Range: " TAG "\r\nRange: bytes=10-\r\n"), KEPT, IS("416")),
	CASE("If-Range that fails, and a range that can't be", GET("/ten.txt", "If-Range: \"other\"\r\nRange: bytes=10-\r\n"), KEPT, FAILS),
	CASE("If-Range, and two ranges", GET("/ten.txt", "If-Range: " TAG "\r\nRange: bytes=0-0,9-9\r\n"), KEPT, IS("206", .parts = "0-0/10=0 9-9/10=9")),
	CASE("If-Range that fails, and two ranges", GET("/ten.txt", "If-Range: \"other\"\r\nRange: bytes=0-0,9-9\r\n"), KEPT, FAILS),
	CASE("If-Range for HEAD", HEAD("/ten.txt", "If-Range: " TAG "\r\nRange: bytes=0-1\r\n"), KEPT, IS("200", .head = true)),
	CASE("If-Range, If-Match and Range", GET("/ten.txt", "If-Match: " TAG "\r\nIf-Range: " TAG "\r\nRange: bytes=0-1\r\n"), KEPT, HOLDS),
	CASE("If-Range that fails, If-Match and Range", GET("/ten.txt", "If-Match: *\r\nIf-Range: \"other\"\r\nRange: bytes=0-1\r\n"), KEPT, FAILS),

	/* a file of no bytes */
	CASE("the first of none", GET("/empty.txt", "Range: bytes=0-0\r\n"), KEPT, IS("416", .has = "Content-Range: bytes */0")),
	CASE("from the first of none on", GET("/empty.txt", "Range: bytes=0-\r\n"), KEPT, IS("416", .has = "Content-Range: bytes */0")),
	CASE("the last of none", GET("/empty.txt", "Range: bytes=-1\r\n"), KEPT, IS("416", .has = "Content-Range: bytes */0", OR("200", .body = ""))),
	CASE("the last none of none", GET("/empty.txt", "Range: bytes=-0\r\n"), KEPT, IS("416", .has = "Content-Range: bytes */0")),
	CASE("two of none", GET("/empty.txt", "Range: bytes=0-0,1-1\r\n"), KEPT, IS("416", .has = "Content-Range: bytes */0")),

	/* a file of 5 GiB */
	CASE("its size", HEAD("/huge.bin", ""), KEPT, IS("200", .head = true, .has = "Content-Length: 5368709120")),
	CASE("its start", HUGE("bytes=0-12"), KEPT, IS("206", .body = "START OF HUGE", .has = "Content-Range: bytes 0-12/5368709120")),
	CASE("its end", HUGE("bytes=-11"), KEPT, IS("206", .body = "END OF HUGE", .has = "Content-Range: bytes 5368709109-5368709119/5368709120")),
	CASE("from near its end on", HUGE("bytes=5368709109-"), KEPT, IS("206", .body = "END OF HUGE")),
	CASE("its last byte", HUGE("bytes=5368709119-5368709119"), KEPT, IS("206", .body = "E")),
	CASE("its end and beyond", HUGE("bytes=5368709116-99999999999999999999999"), KEPT, IS("206", .body = "HUGE")),
	CASE("around 2 GiB", HUGE("bytes=2147483640-2147483661"), KEPT, IS("206", .body = "AROUND 2 GiB....AROUND", .has = "Content-Range: bytes 2147483640-2147483661/5368709120")),
	CASE("around 4 GiB", HUGE("bytes=4294967288-4294967309"), KEPT, IS("206", .body = "AROUND 4 GiB....AROUND", .has = "Content-Range: bytes 4294967288-4294967309/5368709120")),
	CASE("behind 4 GiB", HUGE("bytes=4294967304-4294967309"), KEPT, IS("206", .body = "AROUND")),
	CASE("two that are 4 GiB apart", HUGE("bytes=0-4,4294967288-4294967293"), KEPT, IS("206", .parts = "0-4/5368709120=START 4294967288-4294967293/5368709120=AROUND")),
	CASE("three, the last first", HUGE("bytes=-4,2147483640-2147483645,0-4"), KEPT, IS("206", .parts = "5368709116-5368709119/5368709120=HUGE 2147483640-2147483645/5368709120=AROUND 0-4/5368709120=START")),
	CASE("from its size on", HUGE("bytes=5368709120-"), KEPT, IS("416", .has = "Content-Range: bytes */5368709120")),
	CASE("from 2 to the 64 and 5 on", HUGE("bytes=18446744073709551621-"), KEPT, IS("416", .has = "Content-Range: bytes */5368709120")),
	CASE("its start, since then", HUGE("bytes=0-4\r\nIf-Range: " TEN_DATE), KEPT, IS("206", .body = "START")),
	{ .name = NULL },
};
