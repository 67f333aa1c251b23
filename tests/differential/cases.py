"""
The streams that are sent: a table of them by name, and as many as one likes by seed and number.

Text stands for bytes (latin-1). Each stream ends with the marker, a plain request: who reads what
comes before it in another way doesn't see it, or sees something else before it.
"""

import random
import re
import shlex
from dataclasses import dataclass

MARKER = "GET /marker HTTP/1.1\r\nHost: a\r\n\r\n"
SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
CHUNKS = "5\r\nhello\r\n0\r\n\r\n"
LENGTH = "Content-Length: 5\r\n"
GOOD = "GET /good HTTP/1.1\r\nHost: a\r\n\r\n"
UPGRADE = "Connection: Upgrade\r\nUpgrade: "
H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"


@dataclass(frozen=True)
class Stream:
    name: str
    text: str
    again: str  # the command that repeats it

    @property
    def bytes(self):
        return self.text.encode("latin-1")


def request(line, fields="", body="", host="Host: a\r\n"):
    return f"{line}\r\n{host}{fields}\r\n{body}"


def get(fields="", target="/get", version="HTTP/1.1"):
    return request(f"GET {target} {version}", fields)


def post(fields, body="", version="HTTP/1.1"):
    return request(f"POST /post {version}", fields, body)


def chunk(body):
    return f"{len(body):x}\r\n{body}\r\n0\r\n\r\n"


# ---- the parts of the table: lines, values and bodies ----

# Lines that say chunked, or seem to: each of them alone, before and after a length.
CODINGS = [line.replace("%s", "Transfer-Encoding") for line in (
    "%s: chunked", "TRANSFER-ENCODING: CHUNKED", "tRANSFER-eNCODING: cHuNkEd", "%s:chunked",
    "%s:  chunked", "%s:\tchunked", "%s: chunked \t ", "%s:\x0bchunked", "%s: chunked\x0b",
    "%s: \x0cchunked", "%s: chunked\x0c", "%s: \x00chunked", "%s: chunked\x00", "%s:\rchunked",
    "%s: chunked\r", "%s:\nchunked", "%s: chunked\nX: y", "%s: chunked\x7f", "%s: \xa0chunked",
    "%s: chunked\xa0", "%s: chunked\x85", "%s: \xffchunked", '%s: "chunked"', "%s: 'chunked'",
    '%s: "chunked', "%s: chunked;q=1", '%s: chunked;a="b"', "%s: chunked;", "%s: xchunked",
    "%s: chunkedx", "%s: x chunked", "%s: chunked x", "%s: chunke", "%s: chunked-", "%s: chunked.",
    "%s: : chunked", "%s:: chunked", "%s: =chunked", "%s: [chunked]", "%s: chunked (really)",
    "%s:", "%s: \t ", "%s: identity", "%s: cow", "%s: gzip", "%s: chunked, identity",
    "%s: identity, chunked", "%s: gzip, chunked", "%s: chunked, gzip", "%s: chunked, chunked",
    "%s: chunked,chunked", "%s: xchunked, chunked", "%s: chunked,", "%s: ,chunked", "%s: , ,",
    "%s: gzip;chunked", "%s: chunked\r\n%s: chunked", "%s: x\r\n%s: chunked",
    "%s: chunked\r\n%s: x", "%s: identity\r\n%s: chunked",
    "%s: chunked\r\nTransfer-encoding: identity", "%s: gzip\r\n%s: chunked",
    "%s: chunked\r\n%s: gzip", "%s:\r\n%s: chunked", "%s: chunked\r\n%s:", "%s : chunked",
    "%s\t: chunked", "%s\x0b: chunked", "%s\x00: chunked", "%s\r: chunked", "%s\r\n: chunked",
    "%s\r\n : chunked", "%s chunked", "%s; chunked", "Transfer Encoding: chunked",
    "Transfer_Encoding: chunked", "Transfer.Encoding: chunked", "Transfer\x00-Encoding: chunked",
    "Transfer\x82-Encoding: chunked", '"%s": chunked', "\x00%s: chunked", "\xff%s: chunked",
    "\r%s: chunked", "\n%s: chunked", ":%s: chunked", " %s: chunked", "X: y\r\n %s: chunked",
    "X: y\r\n\t%s: chunked", "%s:\r\n chunked", "%s: \r\n\tchunked", "%s:\r\n \r\n chunked",
    "%s:\n chunked", "%s: chunked\r\n x", "%s: chunked\r\n ", "%s: gzip,\r\n chunked",
    "X: y\n%s: chunked", "X: y\r%s: chunked", "X: y\r\r\n%s: chunked", "X: y\n\r%s: chunked",
    "Content-Encoding: chunked", "TE: chunked", "Connection: %s\r\n%s: chunked",
)]

# Values of Content-Length, five bytes behind them.
LENGTHS = [
    "5", " 5", "  5 ", "\t5\t", "05", "0000000000000000000000005", "+5", "-5", "-0", "+0", "0x5",
    "5x", "5h", "x5", "5.0", "5e0", "5,", ",5", "5,5", "5, 5", "5, 6", "6, 5", "5;5", "5 5",
    "5\x0b", "\x0b5", "5\x0c", "\x0c5", "5\0", "\0005", "5\r", "\r5", "5\n", "\n5", "5\xa0",
    "\xa05", "5\x85", "\xb2", '"5"', "'5'", "(5)", "5()", "5_0", "1_0", "5\r\n ", "\r\n 5",
    "\r\n\t5", "5\r\n 5", "", " ", "five", "NaN", "chunked", "0", "00", "4", "6", "5%", "%35",
    "0b101", "0o5", "\\5", "\xd9\xa5", "4294967296", "4294967301", "4294967291",
    "9223372036854775807",
    "9223372036854775808", "18446744073709551615", "18446744073709551616", "18446744073709551621",
    "999999999999999999999999999999999999", "1000000", "1048577", "000" * 1000 + "5",
]

# Two or more lines that say a length.
TWO_LENGTHS = [lines.replace("%s", "Content-Length") for lines in (
    "%s: 5\r\n%s: 5", "%s: 5\r\nX: y\r\n%s: 5", "%s: 5\r\nCONTENT-LENGTH: 5", "%s: 5\r\n%s: 05",
    "%s: 0\r\n%s: 0", "%s: 5\r\n%s: 5\r\n%s: 5", "%s: 5\r\n%s: 39", "%s: 39\r\n%s: 5",
    "%s: 0\r\n%s: 5", "%s: 5\r\n%s: 0", "%s:\r\n%s: 5", "%s: 5\r\n%s:", "%s: x\r\n%s: 5",
    "%s: 5\r\n%s: x", "%s: 5\r\n%s: 5, 5", "%s: 0\r\n%s : 5", "%s: 0\r\n %s: 5", "%s: 0\n%s: 5",
    "%s: 0\r%s: 5", "%s: 0\r\n%s\x00: 5", "%s: 0\r\nContent_Length: 5",
    "%s: 0\r\nContent Length: 5",
)]

# What stands for the name of a field and its colon, and how lines end.
NAMES = [
    "%s :", "%s\t:", "%s  :", " %s:", "\t%s:", "%s\0:", "\0%s:", "%s\x0b:", "%s\r:", "%s\n:",
    "%s\r\n:", "%s", "%s;", "%s=", ":%s:", '"%s":', "%s\xa0:", "\xa0%s:", "%s\xff:", "(%s):",
    "%s,:", "%s/:", "%s@:", "[%s]:", "{%s}:", "%s\\:", "X:y\r\r%s:", "X: y\n%s:", "X: y\r%s:",
]
LINE_ENDS = [
    "\n", "\r", "\r\r\n", "\n\r", "\r\n\n", "\r \n", " \r\n", "\r\t\n", "\n\n", "\0\r\n", "\r\0\n",
    "\x0b\r\n", "\r\n ", "\r\n\t", "\x85", "\r\r", "\r\n\r",
]

# Sizes of a chunk of five bytes, with extensions; what comes behind such a chunk, with trailers.
CHUNK_SIZES = [
    "5", "0005", "0000000000000005", "00000000000000005", "0x5", "+5", "-5", " 5", "\t5", "5 ",
    "5\t", "5\x00", "5\x0b", "5g", "5h", "5.", "5,", '"5"', "5:", "5 5", "", ";a", "100000005",
    "8000000000000005", "ffffffffffffffff", "fffffffffffffffe", "10000000000000000",
    "10000000000000005", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "100001", "5\r", "5;a", "5;a=b", '5;a="b;c\\"d"', '5;a="\n"', '5;a="b', '5;a="b"c', "5;a=",
    '5;a=""', "5;", "5;=b", "5;a=b=c", '5;"a"=b', "5;a;b=c", "5;;a", "5;a;", "5 ;a", "5; a",
    "5 ; a = b", "5;\ta", "5;a ", '5;a="b" ', "5;a =b", "5;a= b", "5;a,b", "5 a", "5;a\x01",
    "5;a\x00", "5;a\x7f", "5;a\xe9", '5;a="\xe9"', '5;a="\x01"', '5;a="\t"', '5;a="\\\x01"',
]
CHUNK_ENDS = [
    "\r\n000\r\n\r\n", "\r\n0x0\r\n\r\n", "\r\n-0\r\n\r\n", "\r\n0 \r\n\r\n", "\n0\r\n\r\n",
    "\r0\r\n\r\n", "\r\r0\r\n\r\n", "XX0\r\n\r\n", "\rX0\r\n\r\n", "X\n0\r\n\r\n", "\n\n0\r\n\r\n",
    "\n\r0\r\n\r\n", "0\r\n\r\n", "\r\n\r\n0\r\n\r\n", "!\r\n0\r\n\r\n", "\r\n0\n\r\n",
    "\r\n0\r\r\n\r\n", "\r\n0\r\n\n", "\r\n0\n\n", "\r\n0\r\n\r", "\r\n0\r\n\r\r\n", "\r\n0\r\n",
    "\r\n", "\r\n\r\n", "\r\n0\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    "\r\n0\r\nhello\r\n\r\n", "\r\n0;a=b\r\n\r\n", "\r\n0\r\nX: y\r\n\r\n",
    "\r\n0\r\nX: y\r\nZ: \r\n\r\n", "\r\n0\r\nContent-Length: 34\r\n\r\n",
    "\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", "\r\n0\r\nHost: b\r\n\r\n",
    "\r\n0\r\nConnection: close\r\n\r\n", "\r\n0\r\nX\r\n\r\n", "\r\n0\r\nX : y\r\n\r\n",
    "\r\n0\r\n: y\r\n\r\n", "\r\n0\r\nX: y\r\n z\r\n\r\n", "\r\n0\r\n X: y\r\n\r\n",
    "\r\n0\r\nX: y\n\r\n", "\r\n0\r\nX: y\rz\r\n\r\n", "\r\n0\r\nX: y\x00\r\n\r\n",
    "\r\n0\r\nX: \x01\r\n\r\n", "\r\n0\r\nX: y\r\n\n",
]

# Bodies that are chunked, well or not. SMUGGLED shows to whom one ends too early.
# TERM.EXT and EXT.TERM: an extension with a line end that only one of two readers takes for one.
# SPILL.TERM and TERM.SPILL: bytes beyond a chunk's size, and a line end in their stead.
CHUNK_BODIES = {
    **{f"size {size[:70]!r}": f"{size}\r\nhello\r\n0\r\n\r\n" for size in CHUNK_SIZES},
    **{f"end {end!r}": f"5\r\nhello{end}" for end in CHUNK_ENDS},
    "no data": "0\r\n\r\n",
    "two": "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
    "a request in one": chunk(SMUGGLED),
    "upper case": f"{0xA:X}\r\n0123456789\r\n0\r\n\r\n",
    "300 zeros before": "0" * 300 + "5\r\nhello\r\n0\r\n\r\n",
    "an underscore": "1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
    "LF behind the size": "5\nhello\r\n0\r\n\r\n",
    "CR behind the size": "5\rhello\r\n0\r\n\r\n",
    "CR X behind the size": "5\rXhello\r\n0\r\n\r\n",
    "LF CR behind the size": "5\n\rhello\r\n0\r\n\r\n",
    "a byte too few": "5\r\nhell\r\n0\r\n\r\n",
    "LF everywhere": "5\nhello\n0\n\n",
    "CR everywhere": "5\rhello\r0\r\r",
    "an extension of CRLF in quotes": '5;a="\r\nhello\r\n0\r\n\r\n"\r\n',
    "an extension of 1000 bytes": f"5;{'a' * 1000}\r\nhello\r\n0\r\n\r\n",
    "an extension of 10000 bytes": f"5;{'a' * 10000}\r\nhello\r\n0\r\n\r\n",
    "an extension of 20000 bytes": f"5;{'a' * 20000}\r\nhello\r\n0\r\n\r\n",
    "1000 extensions": "1;abcdefghijklmnopqrst=uvwxyz0123456789abcd\r\na\r\n" * 1000 + "0\r\n\r\n",
    "EXT.TERM LF": f"5;\nhello\r\n{len(SMUGGLED):x}\r\n0\r\n\r\n{SMUGGLED}\r\n0\r\n\r\n",
    "EXT.TERM CR": f"5;\rhello\r\n{len(SMUGGLED):x}\r\n0\r\n\r\n{SMUGGLED}\r\n0\r\n\r\n",
    "EXT.TERM a LF": "2;a\nxx\r\n2a\r\n0\r\n\r\n" + SMUGGLED + "\r\n0\r\n\r\n",
    "EXT.TERM a CR": "2;a\rxx\r\n2a\r\n0\r\n\r\n" + SMUGGLED + "\r\n0\r\n\r\n",
    "EXT.TERM CR X": "2;a\rXxx\r\n0\r\n\r\n",
    "EXT.TERM CR CR LF": "2;a\r\r\nxx\r\n0\r\n\r\n",
    "TERM.EXT LF": f"2\n;\r\nxx\r\n2a\r\n0\r\n\r\n{SMUGGLED}\r\n0\r\n\r\n",
    "TERM.EXT CR": f"2\r;\r\nxx\r\n2a\r\n0\r\n\r\n{SMUGGLED}\r\n0\r\n\r\n",
    "TERM.EXT LF of the last": f"5\r\nhello\r\n0\n;a\r\n\r\n{SMUGGLED}",
    "SPILL.TERM": "5\r\nhelloXX\r\n22\r\n0\r\n\r\n" + SMUGGLED + "\r\n0\r\n\r\n",
    "SPILL.TERM one byte": "5\r\nhelloX2a\r\n0\r\n\r\n" + SMUGGLED + "\r\n0\r\n\r\n",
    "SPILL.TERM two bytes": "5\r\nhelloXX2a\r\n0\r\n\r\n" + SMUGGLED + "\r\n0\r\n\r\n",
    "SPILL.TERM LF": "5\r\nhelloX\n0\r\n\r\n" + SMUGGLED,
    "SPILL.TERM CR": "5\r\nhelloX\r0\r\n\r\n" + SMUGGLED,
    "TERM.SPILL LF": "5\r\nhello\n2a\r\n0\r\n\r\n" + SMUGGLED + "\r\n0\r\n\r\n",
    "TERM.SPILL CR": "5\r\nhello\r2a\r\n0\r\n\r\n" + SMUGGLED + "\r\n0\r\n\r\n",
    "TERM.SPILL none": "5\r\nhello2a\r\n0\r\n\r\n" + SMUGGLED + "\r\n0\r\n\r\n",
    "101 trailers": "5\r\nhello\r\n0\r\n" + "X: y\r\n" * 101 + "\r\n",
    "a trailer of 40000 bytes": f"5\r\nhello\r\n0\r\nX: {'y' * 40000}\r\n\r\n",
}

LINES = [
    "GET /a HTTP/1.1", "HEAD /a HTTP/1.1", "OPTIONS /a HTTP/1.1", "PUT /a HTTP/1.1",
    "DELETE /a HTTP/1.1", "PATCH /a HTTP/1.1", "TRACE /a HTTP/1.1", "PROPFIND /a HTTP/1.1",
    "QUERY /a HTTP/1.1", "BREW /a HTTP/1.1", "get /a HTTP/1.1", "Get /a HTTP/1.1",
    "GETT /a HTTP/1.1", "GE /a HTTP/1.1", "G /a HTTP/1.1", "M-SEARCH * HTTP/1.1",
    "SOURCE /a HTTP/1.1", "DESCRIBE /a HTTP/1.1", "ANNOUNCE rtsp://a/ RTSP/1.0", "PRI * HTTP/2.0",
    "PRI * HTTP/1.1", "GET;/a HTTP/1.1", "GE\x00T /a HTTP/1.1", "G\xc9T /a HTTP/1.1",
    "G(T /a HTTP/1.1", '"GET" /a HTTP/1.1', "GET\x0b/a HTTP/1.1", "GET\x0c/a HTTP/1.1",
    "GET\t/a HTTP/1.1", "GET  /a HTTP/1.1", "GET /a  HTTP/1.1", "GET /a\tHTTP/1.1",
    "GET \t/a HTTP/1.1", "GET /a HTTP/1.1 ", "GET /a HTTP/1.1\t", "GET /a HTTP/1.1\x0b",
    " GET /a HTTP/1.1", "\tGET /a HTTP/1.1", "\rGET /a HTTP/1.1", "\x00GET /a HTTP/1.1",
    "\xef\xbb\xbfGET /a HTTP/1.1", "GET /a b HTTP/1.1", "GET /a b c HTTP/1.1",
    "GET /a\rb HTTP/1.1", "GET /a\nb HTTP/1.1", "GET /a\x00 HTTP/1.1", "GET /a\x01 HTTP/1.1",
    "GET /a\x7f HTTP/1.1", "GET /a\x0b HTTP/1.1", "GET /a\x0c HTTP/1.1", "GET /a\xa0HTTP/1.1",
    "GET /\xe9 HTTP/1.1", "GET /\xc3\xa9 HTTP/1.1", "GET /\x80 HTTP/1.1", "GET /\xff HTTP/1.1",
    "GET  HTTP/1.1", "GET HTTP/1.1", "GET", "GET ", "GET /a", "GET /a ", "/a HTTP/1.1", "HTTP/1.1",
    "HTTP/1.1 200 OK", "GET /a HTTP/1.0", "GET /a HTTP/0.9", "GET /a HTTP/1.2", "GET /a HTTP/1.9",
    "GET /a HTTP/1.10", "GET /a HTTP/1.01", "GET /a HTTP/01.1", "GET /a HTTP/1", "GET /a HTTP/1.",
    "GET /a HTTP/.1", "GET /a HTTP/11", "GET /a HTTP/1,1", "GET /a HTTP/1.1.1", "GET /a HTTP/1.1a",
    "GET /a HTTP/1.x", "GET /a HTTP/2.0", "GET /a HTTP/2", "GET /a HTTP/3.0", "GET /a HTTP/0.0",
    "GET /a HTTP/9.9", "GET /a HTTP/-1.1", "GET /a HTTP/+1.1", "GET /a HTTP/1.-1",
    "GET /a http/1.1", "GET /a Http/1.1", "GET /a HTTP /1.1", "GET /a HTTP/ 1.1",
    "GET /a HTTP/1. 1", "GET /a HTTP\\1.1", "GET /a ICE/1.0", "GET /a HTTPS/1.1",
    "GET /a HTTP/1.1\x00", "GET /a RTSP/1.0", "GET /a XHTTP/1.1", "GET /a%00 HTTP/1.1",
    "GET /a%zz HTTP/1.1", "GET /a% HTTP/1.1", "GET /a%2fb HTTP/1.1", "GET /a?b%zz HTTP/1.1",
    "GET /a?b=%00 HTTP/1.1", "GET /a#b HTTP/1.1", "GET /a?b#c HTTP/1.1", "GET #a HTTP/1.1",
    "GET ?a HTTP/1.1", "GET a HTTP/1.1", "GET . HTTP/1.1", "GET .. HTTP/1.1", "GET /../a HTTP/1.1",
    "GET /../../../a HTTP/1.1", "GET /./a HTTP/1.1", "GET //a HTTP/1.1", "GET //a/b HTTP/1.1",
    "GET /a\\b HTTP/1.1", "GET \\a HTTP/1.1", "GET /a<b> HTTP/1.1", 'GET /a"b" HTTP/1.1',
    "GET /a{b}|c^`d HTTP/1.1", "GET /[a] HTTP/1.1", "GET /a;b HTTP/1.1", "GET * HTTP/1.1",
    "OPTIONS * HTTP/1.1", "POST * HTTP/1.1", "OPTIONS *a HTTP/1.1", "OPTIONS /* HTTP/1.1",
    "CONNECT a:80 HTTP/1.1", "CONNECT /a HTTP/1.1", "CONNECT a HTTP/1.1",
    "CONNECT [::1]:80 HTTP/1.1", "CONNECT http://a/ HTTP/1.1", "CONNECT * HTTP/1.1",
    "CONNECT a:80 HTTP/1.0", "CONNECT a: HTTP/1.1", "GET a:80 HTTP/1.1", "GET http://a/ HTTP/1.1",
    "GET http://a HTTP/1.1", "GET HTTP://A/ HTTP/1.1", "GET http://b/ HTTP/1.1",
    "GET http://b:80/a HTTP/1.1", "GET http://b:/a HTTP/1.1", "GET http://b:x/a HTTP/1.1",
    "GET http://b:99999/a HTTP/1.1", "GET http://b?a HTTP/1.1", "GET http://b#a HTTP/1.1",
    "GET http:///a HTTP/1.1", "GET http:// HTTP/1.1", "GET http:/a HTTP/1.1",
    "GET http:a HTTP/1.1", "GET http://u@b/ HTTP/1.1", "GET http://u:p@b/ HTTP/1.1",
    "GET http://b@c@d/ HTTP/1.1", "GET http://[::1]/ HTTP/1.1", "GET http://[::1/ HTTP/1.1",
    "GET http://[x]/ HTTP/1.1", "GET http://b c/ HTTP/1.1", "GET http://b\\c/ HTTP/1.1",
    "GET http://b%41/ HTTP/1.1", "GET http://b%zz/ HTTP/1.1", "GET http://b,c/ HTTP/1.1",
    "GET http://\xe9/ HTTP/1.1", "GET http://b/\xe9 HTTP/1.1", "GET https://b/ HTTP/1.1",
    "GET ftp://b/ HTTP/1.1", "GET ws://b/ HTTP/1.1", "GET file:///a HTTP/1.1", "GET x:y HTTP/1.1",
    "GET 1ttp://b/ HTTP/1.1", "GET h2tp://b/ HTTP/1.1", "GET javascript:a HTTP/1.1",
    "GET @b/a HTTP/1.1", "GET /@b HTTP/1.1", "GET /http://b/ HTTP/1.1",
]

HOSTS = {
    "none": "", "none but a Hosts": "Hosts: a\r\n", "twice": "Host: a\r\nHost: a\r\n",
    "two": "Host: a\r\nHost: b\r\n", "two, apart": "Host: a\r\nX: y\r\nhost: b\r\n",
    "empty": "Host:\r\n", "blank": "Host: \r\n", "empty and one": "Host:\r\nHost: a\r\n",
    "a list": "Host: a, b\r\n", "a space": "Host: a b\r\n", "a tab": "Host: a\tb\r\n",
    "a slash": "Host: a/b\r\n", "a backslash": "Host: a\\b\r\n", "a query": "Host: a?b\r\n",
    "a fragment": "Host: a#b\r\n", "a user": "Host: u@a\r\n", "a scheme": "Host: http://a\r\n",
    "a port": "Host: a:80\r\n", "an empty port": "Host: a:\r\n", "a bad port": "Host: a:x\r\n",
    "a port too large": "Host: a:65536\r\n", "two ports": "Host: a:80:81\r\n",
    "a port alone": "Host: :80\r\n", "a port with a sign": "Host: a:+80\r\n",
    "IPv4": "Host: 127.0.0.1\r\n", "IPv6": "Host: [::1]:80\r\n", "IPv6, open": "Host: [::1\r\n",
    "IPv6, not one": "Host: [a]\r\n", "IPv6, text behind": "Host: [::1]a\r\n", "bare IPv6":
    "Host: ::1\r\n", "a NUL": "Host: a\0b\r\n", "a high byte": "Host: \xe9\r\n",
    "a control byte": "Host: a\x01\r\n", "a quote": 'Host: "a"\r\n', "percent": "Host: a%41\r\n",
    "bad percent": "Host: a%zz\r\n", "a dot behind": "Host: a.\r\n", "dots": "Host: ..\r\n",
    "an underscore": "Host: a_b\r\n", "less": "Host: <a>\r\n", "a fold": "Host:\r\n a\r\n",
    "a blank before the colon": "Host : a\r\n",
    "one and one with a blank": "Host: a\r\nHost : b\r\n",
    "X-Forwarded-Host": "Host: a\r\nX-Forwarded-Host: b\r\n", "upper case": "HOST: A\r\n",
    "256 bytes": f"Host: {'a' * 256}\r\n", "a comma": "Host: a,\r\n",
}

CONNECTIONS = [
    "close", "Close", "CLOSE", "keep-alive", "Keep-Alive", "close, keep-alive",
    "keep-alive, close", "keep-alive\r\nConnection: close", "close\r\nConnection: keep-alive",
    "xclose", "closex", "xkeep-alive", "keep-alivex", "close x", "close,", ",close", "close;q=1",
    '"close"', "close\t", "\tclose", "", "x", "upgrade", "TE", "TE, close", "close, TE", "Host",
    "Content-Length", "keep-alive, upgrade", "close, upgrade", "clo\tse", "close\x0b", "close\x85",
    "keep-alive\r\nKeep-Alive: timeout=5, max=0", "close\r\nProxy-Connection: keep-alive",
    "keep-alive\r\nProxy-Connection: close",
]

EXPECTATIONS = [
    "100-continue", "100-Continue", "100-CONTINUE", " 100-continue ", "100-continue,",
    "100-continue, 100-continue", "100-continue\r\nExpect: 100-continue",
    "x\r\nExpect: 100-continue", "100-continue\r\nExpect: x", "100-continue, x", "", " ", "x",
    "100", "100-continu", "100-continuex", "y 100-continue", "100-continue y", "y=100-continue",
    "100-continue;a", '"100-continue"', "100-continue\x0b", "200-ok", "100_continue",
    "100 continue", "\0100-continue", "100-continue\0", "\t100-continue", "103-checkpoint",
]

UPGRADES = {
    "h2c": H2C, "h2c without settings": UPGRADE + "h2c\r\n", "websocket":
    UPGRADE + "websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: YWJjZGVm\r\n",
    "not named by Connection": "Upgrade: h2c\r\n", "Connection alone": "Connection: Upgrade\r\n",
    "TLS": UPGRADE + "TLS/1.0\r\n", "HTTP/2.0": UPGRADE + "HTTP/2.0\r\n", "empty": UPGRADE + "\r\n",
    "h2c and close": "Connection: close, Upgrade\r\nUpgrade: h2c\r\n",
    "two": "Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n",
}

# What may stand between two requests, or before the first.
BETWEEN = [
    "\r\n", "\r\n\r\n", "\r\n" * 4, "\r\n" * 8, "\r\n" * 9, "\r\n" * 30, "\n", "\n\n", "\r",
    "\r\r", "\r\r\n", "\n\r\n", "\r\n\n", " ", "\t", " \r\n", "\r\n ", "\0", "\0\r\n", "\x0b", "x",
    "x\r\n", "0\r\n\r\n", "hello", "\xff", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "PROXY TCP4 a b 1 2\r\n",
]

FIELDS = [
    "X: y", "X:y", "X:", "X: ", "X:\t", "X: y ", "X: \ty\t ", "x: Y", "X: y z", "X: y\tz",
    "X: \xe9", "X: y:z", "X:: y", "X: \"", 'X: "y', "X: (y", "X: \\", "X: y\x01", "X: y\x0b",
    "X: y\x0c", "X: y\0", "X: y\x1b[0m", "X: y\x7f", "X: y\x80", "X: \x85y", "X: y\xff",
    "!#$%&'*+-.^_`|~0aA: y", "X-1: y", "1: y", "-: y", "_: y", "X(: y", "X\"Y: y", "X,Y: y",
    "X/Y: y", "X;Y: y", "X<: y", "X=Y: y", "X?: y", "X@: y", "X[: y", "X\\: y", "X]: y", "X{: y",
    "X}: y", "X\x7f: y", "X\x80: y", "X\x01: y", "X Y: y", "X\tY: y", "X", ":", ": y", " : y",
    "X y", "X: y\r\n z", "X: y\r\n\tz", "X: y\r\n ", "X: y\r\n \r\n z", " X: y", "\tX: y", " ",
    "\t", "GET / HTTP/1.1", "Range: bytes=0-1", "Range: x", "Range: bytes=0-1\r\nRange: bytes=2-3",
    "If-Match: *", "If-None-Match: *", "If-Modified-Since: x", "Accept-Encoding: gzip",
    "Cookie: a=b; c", "Trailer: Content-Length", "TE: trailers", "TE: trailers, chunked",
    "Keep-Alive: 300", "Max-Forwards: 0", "Via: 1.0 a", "Content-Type: \0",
    "Content-Range: bytes 0-1/2", "X-HTTP-Method-Override: DELETE", "HTTP2-Settings: x", "Date: x",
    "Content-Length-X: 5", "X-Content-Length: 5", "Content-Lengt: 5", "ContentLength: 5",
    "Content-Length\xad: 5",
]

OLD = "HTTP/1.0"


def many(count, line="X: y\r\n"):
    return line * count


def codings():
    for line in CODINGS:
        name = ascii(line)
        line += "\r\n"
        yield f"TE, {name}", post(line, CHUNKS)
        yield f"TE, {name}, nothing behind", post(line, "0\r\n\r\n")
        yield f"TE.0, {name}", get(line) + SMUGGLED
        yield f"TE.CL, {name}", post(line + "Content-Length: 4\r\n", chunk(SMUGGLED))
        yield f"CL.TE, {name}", post("Content-Length: 6\r\n" + line, "0\r\n\r\nG")
        yield f"CL.TE, {name}, the right length", post("Content-Length: 15\r\n" + line, CHUNKS)
        yield f"TE of 1.0, {name}", post("Connection: keep-alive\r\n" + line, CHUNKS, OLD)


def lengths():
    for i, value in enumerate(LENGTHS):
        name = repr(value) if len(value) < 50 else f"number {i}"
        yield f"CL {name}", post(f"Content-Length:{value}\r\n", "hello")
        yield f"CL.0 {name}", get(f"Content-Length:{value}\r\n")
        yield f"0.CL {name}", get(f"Content-Length:{value}\r\n") + SMUGGLED
    for lines in TWO_LENGTHS:
        name = ascii(lines)
        yield f"CL.CL, {name}", post(lines + "\r\n", "hello")
        yield f"CL.CL, {name}, smuggled", post(lines + "\r\n", "hello" + SMUGGLED)
        yield f"CL.CL of GET, {name}", get(lines + "\r\n") + SMUGGLED


def names():
    for form in NAMES:
        for field, value, body in (("Content-Length", "5", "hello"), ("Host", "b", ""),
                                   ("Connection", "close", ""), ("X-Header", "y", ""),
                                   ("Expect", "100-continue", "")):
            line = f"{form % field} {value}\r\n"
            yield f"name {form!r} of {field}", post(line, body)
            yield f"name {form!r} of {field}, first", request("POST /post HTTP/1.1", "", body,
                                                              line + "Host: a\r\n")


def line_ends():
    for end in LINE_ENDS:
        yield f"end {end!r} of a line", request(f"GET /a HTTP/1.1{end}X: y")
        yield f"end {end!r} of the request line", f"GET /a HTTP/1.1{end}Host: a\r\n\r\n"
        yield f"end {end!r} of a field", get(f"X: y{end}Z: z\r\n")
        yield f"end {end!r} of a length", post(f"Content-Length: 5{end}X: y\r\n", "hello")
        yield f"end {end!r} of the last field", f"GET /a HTTP/1.1\r\nHost: a{end}\r\n"
        yield f"end {end!r} of the header", f"GET /a HTTP/1.1\r\nHost: a\r\n{end}"
        yield f"end {end!r} of all", f"GET /a HTTP/1.1{end}Host: a{end}{end}"
        yield f"end {end!r} of all of a body", end.join((
            "POST /a HTTP/1.1", "Host: a", "Content-Length: 5", "", "hello"))


def chunks():
    for name, body in CHUNK_BODIES.items():
        yield f"chunks, {name}", post(CHUNKED, body)
        yield f"chunks, {name}, smuggled", post(CHUNKED, body) + SMUGGLED
    for name in ("no data", "size '5'", r"end '\r\n0\r\nX: y\r\n\r\n'", "LF behind the size",
                 "size '5 '"):
        yield f"chunks of GET, {name}", get(CHUNKED) + CHUNK_BODIES[name]
        yield f"chunks of PUT, {name}", request("PUT /a HTTP/1.1", CHUNKED, CHUNK_BODIES[name])
        yield f"chunks of BREW, {name}", request("BREW /a HTTP/1.1", CHUNKED, CHUNK_BODIES[name])
        yield f"chunks of HEAD, {name}", request("HEAD /a HTTP/1.1", CHUNKED, CHUNK_BODIES[name])


def request_lines():
    for line in LINES:
        yield f"line {line!r}", request(line)
    for line in ("CONNECT a:80 HTTP/1.1", "TRACE /a HTTP/1.1", "OPTIONS * HTTP/1.1",
                 "DELETE /a HTTP/1.1", "HEAD /a HTTP/1.1", "PRI * HTTP/1.1", "BREW /a HTTP/1.1"):
        yield f"line {line!r} with a body", request(line, LENGTH, "hello")
        yield f"line {line!r} with a request for a body", request(
            line, f"Content-Length: {len(SMUGGLED)}\r\n", SMUGGLED)
        yield f"line {line!r} with chunks", request(line, CHUNKED, CHUNKS)
        yield f"line {line!r} and close", request(line, "Connection: close\r\n")
    yield "a line of 0.9", "GET /a\r\n"
    yield "a line of 0.9 and an empty one", "GET /a\r\n\r\n"
    yield "a line of 0.9 with fields", "GET /a\r\nHost: a\r\n\r\n"


def hosts():
    for name, lines in HOSTS.items():
        yield f"Host, {name}", request("GET /a HTTP/1.1", host=lines)
        yield f"Host, {name}, absolute", request("GET http://b/a HTTP/1.1", host=lines)
        yield f"Host, {name}, of 1.0", request(f"GET /a {OLD}", "Connection: keep-alive\r\n",
                                               host=lines)


def persistence():
    for value in CONNECTIONS:
        line = f"Connection: {value}\r\n"
        for version in ("HTTP/1.1", OLD, "HTTP/1.2"):
            yield f"Connection {value!r} of {version}", get(line, version=version)
        yield f"Connection {value!r} with a body", post(line + LENGTH, "hello")
        yield f"Connection {value!r} with chunks", post(line + CHUNKED, CHUNKS)
    for name, fields in UPGRADES.items():
        yield f"upgrade, {name}", get(fields)
        yield f"upgrade, {name}, and the preface", get(fields) + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        yield f"upgrade, {name}, with a body", post(fields + LENGTH, "hello")
        yield f"upgrade, {name}, with chunks", post(fields + CHUNKED, CHUNKS)
        yield f"upgrade, {name}, of 1.0", get(fields, version=OLD)


def expectations():
    for value in EXPECTATIONS:
        line = f"Expect: {value}\r\n"
        yield f"Expect {value!r}", get(line)
        yield f"Expect {value!r} with a body", post(line + LENGTH, "hello")
        yield f"Expect {value!r} with chunks", post(line + CHUNKED, CHUNKS)
        yield f"Expect {value!r}, 0.CL", get(
            f"{line}Content-Length: {len(SMUGGLED)}\r\n") + SMUGGLED
        yield f"Expect {value!r} of PUT", request("PUT /a HTTP/1.1", line + LENGTH, "hello")
        yield f"Expect {value!r} of 1.0", post(
            f"{line}{LENGTH}Connection: keep-alive\r\n", "hello", OLD)
    for form in NAMES:
        yield f"Expect, name {form!r}", post(f"{form % 'Expect'} 100-continue\r\n{LENGTH}", "hello")


def pipelines():
    kinds = {"GET": get(), "CL": post(LENGTH, "hello"), "TE": post(CHUNKED, CHUNKS),
             "HEAD": request("HEAD /a HTTP/1.1"), "bad": "GET /bad HTTP/1.1\r\nHost : a\r\n\r\n",
             "close": get("Connection: close\r\n"), "1.0": get(version=OLD)}
    for a, first in kinds.items():
        for b, second in kinds.items():
            yield f"pipeline {a}, {b}", first + second
            yield f"pipeline {a}, {b}, {a}", first + second + first
    yield "pipeline of 100", GOOD * 100
    yield "pipeline of 100 with bodies", (post(LENGTH, "hello") + post(CHUNKED, CHUNKS)) * 50
    yield "pipeline of 1000", GOOD * 999
    yield "pipeline of more than 1000", GOOD * 1005
    for text in BETWEEN:
        yield f"first {text!r}", text + get()
        yield f"between {text!r}", get() + text + get()
        yield f"behind a body {text!r}", post(LENGTH, "hello") + text
        yield f"behind chunks {text!r}", post(CHUNKED, CHUNKS) + text
        yield f"behind close {text!r}", get("Connection: close\r\n") + text
    for name, body in {"a request": SMUGGLED, "three": SMUGGLED * 3, "chunks": CHUNKS,
                       "empty lines": "\r\n\r\n", "NULs": "\0" * 10, "a line": "hello\r\n"}.items():
        yield f"body of {name}", post(f"Content-Length: {len(body)}\r\n", body)
        yield f"body of {name}, in two chunks", post(
            CHUNKED, f"{len(body) - 1:x}\r\n{body[:-1]}\r\n1\r\n{body[-1:]}\r\n0\r\n\r\n")
        yield f"body of {name}, one byte less", post(f"Content-Length: {len(body) - 1}\r\n", body)
        yield f"body of {name}, one byte more", post(f"Content-Length: {len(body) + 1}\r\n", body)


def limits():
    for size in (8000, 8170, 8200, 10000, 40000):
        yield f"a target of {size} bytes", get(target="/" + "a" * size)
        yield f"a query of {size} bytes", get(target="/?" + "a" * size)
        yield f"a method of {size} bytes", request("G" * size + " / HTTP/1.1")
        yield f"a value of {size} bytes", get(f"X: {'y' * size}\r\n")
        yield f"a name of {size} bytes", get(f"{'X' * size}: y\r\n")
    for count in (50, 98, 99, 100, 200, 1500):
        yield f"{count} fields", get(many(count))
        yield f"{count} fields and a length", post(many(count) + LENGTH, "hello")
        yield f"{count} lengths", post(many(count, LENGTH), "hello")
    for size in (100000, 1 << 20, (1 << 20) + 1):
        yield f"a body of {size} bytes", post(f"Content-Length: {size}\r\n", "a" * size)
        yield f"a chunk of {size} bytes", post(CHUNKED, f"{size:x}\r\n{'a' * size}\r\n0\r\n\r\n")


def fields():
    for line in FIELDS:
        yield f"field {line!r}", get(line + "\r\n")
        yield f"field {line!r} before Host", request("GET /a HTTP/1.1",
                                                     host=f"{line}\r\nHost: a\r\n")


def table():
    """The streams by name; no two have the same."""
    streams = {}
    for family in (codings, lengths, names, line_ends, chunks, request_lines, hosts, persistence,
                   expectations, pipelines, limits, fields):
        for name, text in family():
            assert name not in streams, name
            again = f"tests/differential/run --case {shlex.quote(name)}"
            streams[name] = Stream(name, text + MARKER, again)
    return streams


# ---- streams by seed and number ----


def choose_body(r):
    body = r.choice(("hello", "", SMUGGLED, "a\r\n\r\nb", "0\r\n\r\n", "x" * r.randrange(300)))
    kind = r.choice(("none", "length", "chunks"))
    if kind == "none":
        return "", ""
    if kind == "length":
        return f"Content-Length: {len(body)}\r\n", body
    text, at = "", 0
    while at < len(body):
        n = r.randint(1, len(body) - at)
        extension = r.choice(("", "", "", ";a", ";a=b", ';a="b"'))
        text += f"{n:x}{extension}\r\n{body[at:at + n]}\r\n"
        at += n
    trailers = r.choice(("", "", "", "X: y\r\n"))
    return CHUNKED, f"{text}0\r\n{trailers}\r\n"


def choose_request(r, number):
    method = r.choice(("GET", "GET", "HEAD", "OPTIONS", "PUT") * 3 + ("POST",) * 20 + ("BREW",))
    target = r.choice(("/%d", "/%d", "/%d?q", "http://b/%d", "http://a:80/%d")) % number
    version = r.choice(("HTTP/1.1",) * 30 + (OLD, OLD, "HTTP/1.2"))
    framing, body = choose_body(r)
    lines = [framing] + r.choices(("X: y\r\n", "Accept: */*\r\n", "Cookie: a=b\r\n") * 5 + (
        "Connection: keep-alive\r\n", "Expect: 100-continue\r\n", H2C), k=r.choice((0, 0, 1, 2)))
    r.shuffle(lines)
    return request(f"{method} {target} {version}", "".join(lines), body)


def change_line(r, text):
    """One line of the table for one of the stream's."""
    line = r.choice((
        lambda: r.choice(CODINGS),
        lambda: "Content-Length:" + r.choice(LENGTHS[:60]),
        lambda: r.choice(TWO_LENGTHS),
        lambda: f"{r.choice(NAMES) % r.choice(('Content-Length', 'Transfer-Encoding', 'Host'))} 5",
        lambda: r.choice(FIELDS),
        lambda: f"Connection: {r.choice(CONNECTIONS)}",
        lambda: f"Expect: {r.choice(EXPECTATIONS)}",
        lambda: r.choice(LINES),
    ))()
    lines = text.split("\r\n")
    at = r.randrange(len(lines))
    lines[at:at + r.choice((0, 1))] = [line]
    return "\r\n".join(lines)


def change_end(r, text):
    """Another end for one of the lines."""
    ends = [match.span() for match in re.finditer("\r\n", text)]
    begin, end = r.choice(ends or [(0, 0)])
    return text[:begin] + r.choice(LINE_ENDS) + text[end:]


def change_chunks(r, text):
    """Another body for one that is chunked."""
    at = text.find("\r\n\r\n", text.lower().find("transfer-encoding")) + 4
    name = r.choice([name for name, body in CHUNK_BODIES.items() if len(body) < 500])
    return text[:at] + CHUNK_BODIES[name] + (text[at:] if r.random() < 0.5 else "")


def change_byte(r, text):
    """A byte more, less or another."""
    at = r.randrange(len(text))
    byte = r.choice(("\r", "\n", "\0", " ", "\t", "\x0b", ":", ";", ",", '"', "0", "5", "a", "\x7f",
                     "\x80", "\xff", "\r\n", chr(r.randrange(256))))
    return text[:at] + r.choice((byte, "")) + text[at + r.choice((0, 1)):]


def change_number(r, text):
    """Another number for one of the stream's."""
    begin, end = r.choice([match.span() for match in re.finditer(r"[0-9]+", text)] or [(0, 0)])
    number = int(text[begin:end][:9] or 0)
    new = r.choice((str(number + 1), str(max(number - 1, 0)), f"0{number}", f"+{number}",
                    f"0x{number}", f"{number},{number}", f" {number} ", f"{number:x}", "0",
                    "99999999999999999999"))
    return text[:begin] + new + text[end:]


def change_between(r, text):
    """Something between two requests, or somewhere else."""
    ends = [match.end() for match in re.finditer("\r\n\r\n", text)]
    at = r.choice([0, len(text), *ends])
    return text[:at] + r.choice(BETWEEN) + text[at:]


CHANGES = (change_line, change_line, change_end, change_chunks, change_byte, change_number,
           change_between)


def generated(seed, number):
    """The stream of that number; the same for ever, whatever came before it."""
    r = random.Random(f"{seed}/{number}")
    text = "".join(choose_request(r, i) for i in range(r.choice((1, 1, 2, 3))))
    for _ in range(r.choice((0, 1, 1, 1, 2, 2, 3))):
        text = r.choice(CHANGES)(r, text)
    return Stream(f"seed {seed}, number {number}", text + MARKER, 
                  f"tests/differential/run --seed {seed} --only {number}")


def pieces(stream):
    """The same bytes in pieces, the same ones for ever."""
    r, data = random.Random(stream.name), stream.bytes
    cuts = sorted({0, len(data), *(r.randrange(len(data)) for _ in range(r.randint(1, 8)))})
    return [data[a:b] for a, b in zip(cuts, cuts[1:])]
