"""What is asked, what has to come of it, and the judge of what came."""

import os
import random
import re
from dataclasses import dataclass

from kit.connection import first_response, request
from kit.run import make_files

FILE_TIME = 1_000_000_000
FILE_DATE = "Sun, 09 Sep 2001 01:46:40 GMT"

RANDOM = random.Random(1)
SMALL = b"a small file\n" * 10
PAGE = b"<!doctype html><title>page</title>\n" * 40
PRESSED = RANDOM.randbytes(300)
LARGE = RANDOM.randbytes(80 << 10)  # more than is kept in memory,
HUGE = RANDOM.randbytes(1200 << 10)  # and more than is sent in one go
NOT_FOUND = b"<!doctype html><title>not here</title>\n"
INDEX = b"<!doctype html><title>index</title>\n"

FILES = {
    "small.txt": SMALL, "page.html": PAGE, "page.html.br": PRESSED, "large.bin": LARGE,
    "huge.bin": HUGE, "404.html": NOT_FOUND, "home/index.html": INDEX,
    "folder/a.txt": b"a", "folder/b&b.txt": b"bb", "folder/sub/c": b"c",
}


def make_site(site):
    make_files(site, FILES)
    os.symlink("a.txt", site / "folder/link")
    for path in [*site.rglob("*"), site]:
        os.utime(path, (FILE_TIME, FILE_TIME), follow_symlinks=False)


@dataclass(frozen=True)
class Ask:
    target: str
    status: int
    body: bytes = None  # None: a listing, or whatever is no file
    method: str = "GET"
    lines: tuple = ()
    content: bytes = b""
    bare: bool = False  # it is as right as it would be without 404.html and siblings

    def request(self):
        return request(self.target, *self.lines, method=self.method, host="test", body=self.content)


CLOSE = ("Connection: close",)
PARTS = ((0, 9), (70_000, 70_099), (len(LARGE) - 5, len(LARGE) - 1))
CHUNKED = b"5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n"

SMALL_ASK = Ask("/small.txt", 200, SMALL)
LISTING = Ask("/folder/", 200)
NONE = Ask("/none", 404, NOT_FOUND, bare=True)
PRESSED_ASK = Ask("/page.html", 200, PRESSED, lines=("Accept-Encoding: br, gzip",), bare=True)
PARTS_ASK = Ask("/large.bin", 206, lines=("Range: bytes=0-9,70000-70099,-5",))
POST_ASK = Ask("/small.txt", 200, SMALL, "POST", ("Content-Length: 11",), b"hello world")

# Talks: what is asked on one connection, one after the other or all at once.
TALKS = {
    "kept": (
        SMALL_ASK,
        Ask("/page.html", 200, PAGE),
        PRESSED_ASK,
        Ask("/large.bin", 200, b"", method="HEAD"),
        Ask("/large.bin", 206, LARGE[100:200], lines=("Range: bytes=100-199",)),
        PARTS_ASK,
        Ask("/page.html", 304, b"", lines=(f"If-Modified-Since: {FILE_DATE}",)),
        LISTING,
        Ask("/folder/?format=text&sort=size", 200),
        Ask("/folder", 301),
        Ask("/home/", 200, INDEX),
        NONE,
        Ask("/folder/none/", 404, NOT_FOUND, bare=True),
        POST_ASK,
        Ask("/page.html", 200, PAGE, "POST", ("Transfer-Encoding: chunked",), CHUNKED),
        Ask("/folder/link", 200, b"a"),
        SMALL_ASK,
        Ask("/large.bin", 200, LARGE, lines=CLOSE),
    ),
    "pipelined": (
        SMALL_ASK,
        NONE,
        Ask("/small.txt", 200, b"", method="HEAD"),
        POST_ASK,
        LISTING,
        PRESSED_ASK,
        PARTS_ASK,
        Ask("/large.bin", 200, LARGE),
        Ask("/folder/?format=text", 200, lines=CLOSE),
    ),
    "huge": (Ask("/huge.bin", 200, HUGE, lines=CLOSE),),
}


DATE = re.compile(rb"\r\nDate: ([^\r]*)")
BOUNDARY = re.compile(rb"boundary=([^\r]*)")
LENGTH = re.compile(rb"Content-Length: \d+")
FIELD = re.compile(rb"[A-Za-z-]+: [ -~]*[!-~]")
STATUS = re.compile(rb"HTTP/1\.1 (\d\d\d) [A-Za-z -]+")


def split(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


class Book:
    """The right answers, as they were where nothing failed."""

    def __init__(self):
        self.answers = {}

    def record(self, ask, answer, bare):
        """Takes an answer for right if it is what the files say."""
        head, body = split(answer)
        if bare and not ask.bare:
            return
        status = int(STATUS.match(head)[1])
        assert status == ask.status, f"{ask.target}: {status} where nothing failed"
        wanted = ask.body if not bare else PAGE if ask is PRESSED_ASK else None
        assert wanted in (None, body), f"{ask.target}: a wrong body where nothing failed"
        if b"multipart" in head:
            self.check_parts(head, body)
        names = (b"a.txt", b"b&amp;b.txt", b"link", b"sub/") if ask.target == LISTING.target else ()
        assert all(name in body for name in names), "a listing that isn't whole"
        answer = DATE.sub(b"\r\nDate: ", answer, count=1)
        if boundary := boundary_of(answer):
            answer = answer.replace(boundary, b"")
        self.answers.setdefault(ask, set()).add(answer)

    @staticmethod
    def check_parts(head, body):
        parts = body.split(b"\r\n--" + boundary_of(head))
        assert (parts[0], parts[-1], len(parts)) == (b"", b"--\r\n", len(PARTS) + 2), parts
        for (begin, end), part in zip(PARTS, parts[1:]):
            head, body = split(part)
            said = f"Content-Range: bytes {begin}-{end}/{len(LARGE)}".encode()
            assert said in head and body == LARGE[begin:end + 1], "a wrong part"

    def right(self, ask, got):
        """The right answers with the date and the boundary that came."""
        date, boundary = DATE.search(got), boundary_of(got)
        for answer in self.answers[ask]:
            if date:
                answer = answer.replace(b"\r\nDate: ", b"\r\nDate: " + date[1], 1)
            if boundary:
                answer = answer.replace(b"boundary=", b"boundary=" + boundary)
                head, body = split(answer)
                body = body.replace(b"\r\n--", b"\r\n--" + boundary)
                answer = LENGTH.sub(b"Content-Length: %d" % len(body), head) + b"\r\n\r\n" + body
            yield answer


def boundary_of(answer):
    found = BOUNDARY.search(split(answer)[0])
    return found[1] if found else b""


def failing_size(got, ask):
    """The size of a well-formed 5xx, None where there may be more to come."""
    head, blank, _ = got.partition(b"\r\n\r\n")
    if not blank:
        return None
    first, *fields = head.split(b"\r\n")
    assert STATUS.fullmatch(first) and all(map(FIELD.fullmatch, fields)), f"a bad head: {head!r}"
    lengths = sum(field.startswith(b"Content-Length: ") for field in fields)
    assert lengths == 1, f"an error of {lengths} lengths"
    found = first_response(got, ask.method == "HEAD")
    return len(got) - len(found[1]) if found else None


def judge(got, ask, book):
    """(how the answer is, its size); size None: so far it is right."""
    if got.startswith((b"HTTP/1.1 500 ", b"HTTP/1.1 503 ")):
        return "5xx", failing_size(got, ask)
    if b"HTTP/1.1 500 ".startswith(got) or b"HTTP/1.1 503 ".startswith(got):
        return "cut", None
    for answer in book.right(ask, got):
        if got.startswith(answer):
            return "right", len(answer)
        if answer.startswith(got):
            return "cut", None
    shown = next((i for i, pair in enumerate(zip(got, answer)) if pair[0] != pair[1]), len(answer))
    raise AssertionError(f"{ask.method} {ask.target}: wrong bytes at {shown} of {len(got)}: "
                         f"{got[max(0, shown - 20):shown + 60]!r}")


def hear(line, ask, book):
    """One answer: "right", "5xx", or "cut" by the end of the connection."""
    while True:
        how, size = judge(line.rest, ask, book) if line.rest else ("cut", None)
        if size is not None:
            answer, line.rest = line.rest[:size], line.rest[size:]
            if b"\r\nConnection: close\r\n" in split(answer)[0] + b"\r\n":
                assert not line.everything(), f"{ask.target}: more than the last answer"
                line.rest = None
            return how
        if not line.more():
            line.rest = None
            return "cut"


def converse(line, talk, book, before_last=None):
    """Says it all, and hears how it is answered: a word an answer, "cut" if the end came first."""
    asks, heard = TALKS[talk], []
    if talk == "pipelined":
        line.send(b"".join(ask.request() for ask in asks))
    for ask in asks:
        if line.rest is None:
            break
        if before_last and ask is asks[-1]:
            before_last()
        if talk != "pipelined":
            line.send(ask.request())
        heard.append(hear(line, ask, book))
    assert line.rest is None, "the connection was not closed"
    return heard


def record(line, talk, book, bare=False):
    """The same where nothing fails, for the book."""
    for ask in TALKS[talk]:
        line.send(ask.request())
        response = line.response(ask.method == "HEAD")
        assert response, f"{ask.target}: cut where nothing failed"
        book.record(ask, response.head + b"\r\n\r\n" + response.body, bare)
