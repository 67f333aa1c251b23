"""What is asked, what has to come of it, and the judge of what came."""

import os
import random
import re
import select
from dataclasses import dataclass

FILE_TIME = 1_000_000_000
FILE_DATE = "Sun, 09 Sep 2001 01:46:40 GMT"
DEADLINE = 8  # seconds; only a failure takes so long

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
    for name, content in FILES.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(content)
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
        lines = [f"{self.method} {self.target} HTTP/1.1", "Host: test", *self.lines, "", ""]
        return "\r\n".join(lines).encode() + self.content


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


class Wrong(Exception):
    """What must not be."""


class Line:
    """A connection: two descriptors, or one twice. Nothing on it takes longer than the deadline."""

    def __init__(self, reader, writer=None, seconds=DEADLINE, late=None):
        self.reader, self.writer = reader, writer or reader
        self.rest = b""
        self.seconds, self.late = seconds, late  # the latter is called once if nothing comes
        self.writable = True

    def send(self, data):
        """Whoever is gone doesn't read: what it said before may still have to be heard."""
        try:
            while data and self.writable:
                data = data[os.write(self.writer.fileno(), data):]
        except (BrokenPipeError, ConnectionResetError):
            self.writable = False

    def receive(self):
        """What comes next, b"" at the end."""
        watch = select.poll()
        watch.register(self.reader.fileno(), select.POLLIN)
        if self.late and not watch.poll(300):
            self.late, late = None, self.late
            late()
        if not watch.poll(self.seconds * 1000):
            raise Wrong("a hang")
        try:
            return os.read(self.reader.fileno(), 1 << 20)
        except ConnectionResetError:
            return b""

    def close(self):
        self.reader.close()
        self.writer.close()


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
        if (status := int(STATUS.match(head)[1])) != ask.status:
            raise Wrong(f"{ask.target}: {status} where nothing failed")
        wanted = ask.body if not bare else PAGE if ask is PRESSED_ASK else None
        if wanted is not None and body != wanted:
            raise Wrong(f"{ask.target}: a wrong body where nothing failed")
        if b"multipart" in head:
            self.check_parts(head, body)
        if LISTING.target == ask.target and not all(
                name in body for name in (b"a.txt", b"b&amp;b.txt", b"link", b"sub/")):
            raise Wrong("a listing that isn't whole")
        answer = DATE.sub(b"\r\nDate: ", answer, count=1)
        if boundary := boundary_of(answer):
            answer = answer.replace(boundary, b"")
        self.answers.setdefault(ask, set()).add(answer)

    @staticmethod
    def check_parts(head, body):
        parts = body.split(b"\r\n--" + boundary_of(head))
        if parts[0] or parts[-1] != b"--\r\n" or len(parts) != len(PARTS) + 2:
            raise Wrong("a multipart body of wrong parts")
        for (begin, end), part in zip(PARTS, parts[1:]):
            head, body = split(part)
            said = f"Content-Range: bytes {begin}-{end}/{len(LARGE)}".encode()
            if said not in head or body != LARGE[begin:end + 1]:
                raise Wrong("a wrong part")

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
    head, body = split(got)
    lines = head.split(b"\r\n")
    if b"\r\n\r\n" not in got:
        return None
    if not STATUS.fullmatch(lines[0]) or not all(map(FIELD.fullmatch, lines[1:])):
        raise Wrong(f"a head that is none: {head!r}")
    length = [int(line[16:]) for line in lines if line.startswith(b"Content-Length: ")]
    if len(length) != 1:
        raise Wrong("an error of no length")
    if ask.method == "HEAD":
        return len(head) + 4
    return len(head) + 4 + length[0] if len(body) >= length[0] else None


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
    raise Wrong(f"{ask.method} {ask.target}: wrong bytes at {shown} of {len(got)}: "
                f"{got[max(0, shown - 20):shown + 60]!r}")


def hear(line, ask, book):
    """One answer: "right", "5xx", or "cut" by the end of the connection."""
    while True:
        how, size = judge(line.rest, ask, book) if line.rest else ("cut", None)
        if size is not None:
            answer, line.rest = line.rest[:size], line.rest[size:]
            if b"\r\nConnection: close\r\n" in split(answer)[0] + b"\r\n":
                if line.rest or line.receive():
                    raise Wrong(f"{ask.target}: more than the last answer")
                line.rest = None
            return how
        came = line.receive()
        if not came:
            line.rest = None
            return "cut"
        line.rest += came


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
    if line.rest is not None:
        raise Wrong("the connection was not closed")
    return heard


def record(line, talk, book, bare=False):
    """The same where nothing fails, for the book."""
    for ask in TALKS[talk]:
        line.send(ask.request())
        while True:
            head, body = split(line.rest)
            length = re.search(rb"Content-Length: (\d+)", head)
            most = int(length[1]) if length and ask.method != "HEAD" else 0
            if b"\r\n\r\n" in line.rest and len(body) >= most:
                break
            came = line.receive()
            if not came:
                raise Wrong(f"{ask.target}: cut where nothing failed")
            line.rest += came
        size = len(head) + 4 + most
        book.record(ask, line.rest[:size], bare)
        line.rest = line.rest[size:]
