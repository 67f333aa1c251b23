"""Files and folders that change while they are sent: at each call that reads them, and no other."""

import os
import re
import select
import shutil
import time

from kit.check import same
from kit.connection import first_response, request
from process import DEADLINE, HOLD, Loop, One, rule
from talk import RANDOM, boundary_of, split

SMALL, LARGE = 10_000, 1_200_000  # one goes out with its head, one by several calls
OLD = {size: RANDOM.randbytes(size) for size in (SMALL, LARGE)}
NEW = {size: RANDOM.randbytes(size) for size in (SMALL, LARGE)}

RANGES = {
    "whole": lambda size: None,
    "range": lambda size: [(1000, size - 1001)],
    "parts": lambda size: [(0, 99), (5000, size - 1001), (size - 100, size - 1)],
}
ENTRIES = 300  # of a folder: more than are read in one turn


def grow(path):
    with open(path, "ab") as file:
        file.write(b"more" * 1000)


def rewrite(path):
    with open(path, "r+b") as file:
        file.write(NEW[path.stat().st_size])


def replace(path):
    other = path.with_suffix(".other")
    other.write_bytes(NEW[path.stat().st_size][:-1])
    other.rename(path)


FILE_CHANGES = {
    "emptied": lambda path: os.truncate(path, 0),
    "halved": lambda path: os.truncate(path, path.stat().st_size // 2),
    "one byte shorter": lambda path: os.truncate(path, path.stat().st_size - 1),
    "grown": grow,
    "rewritten": rewrite,
    "replaced": replace,
    "removed": os.unlink,
    "folder renamed": lambda path: path.parent.rename(path.parent.with_suffix(".away")),
}

FOLDER_CHANGES = {
    "removed": shutil.rmtree,
    "renamed": lambda path: path.rename(path.with_suffix(".away")),
    "emptied": lambda path: [entry.unlink() for entry in path.iterdir()],
    "grown": lambda path: [(path / f"new{i}").touch() for i in range(ENTRIES)],
    "turned to files": lambda path: [(entry.unlink(), entry.mkdir()) for entry in path.iterdir()],
}


def body_of(content, ranges, boundary):
    """What a request for these ranges is answered with."""
    if not ranges:
        return content
    if len(ranges) == 1:
        return content[ranges[0][0]:ranges[0][1] + 1]
    body = b""
    for first, last in ranges:
        body += (b"\r\n--%s\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes "
                 b"%d-%d/%d\r\n\r\n" % (boundary, first, last, len(content)))
        body += content[first:last + 1]
    return body + b"\r\n--%s--\r\n" % boundary


def asked(target, ranges):
    text = ",".join(f"{first}-{last}" for first, last in ranges or ())
    return request(target, *[f"Range: bytes={text}"] * bool(ranges))


def hear(line):
    """The next answer: its head, its body, and whether it is whole."""
    response = line.response()
    return (response.head, response.body, True) if response else (*split(line.rest), False)


def check_body(head, body, whole, size, ranges):
    """The bytes of the old file, from some place on of the one that was written over it."""
    if not head:
        return
    assert re.match(rb"HTTP/1\.1 20[06] ", head), f"an answer of {head[:30]!r}"
    old = body_of(OLD[size], ranges, boundary_of(head))
    new = body_of(NEW[size], ranges, boundary_of(head))
    length = re.search(rb"\r\nContent-Length: (\d+)", head)
    assert not length or int(length[1]) == len(old), f"{length[0]}, not {len(old)}"
    assert len(body) == len(old) or not whole and len(body) < len(old), "a wrong length"
    assert is_mixed(body, old, new), "bytes that are neither the old file's nor the new one's"


def is_mixed(body, old, new):
    """The beginning of one, the rest of the other."""
    low, high = 0, len(body)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if old.startswith(body[:middle]) else (low, middle - 1)
    return body[low:] == new[low:len(body)]


def check_list(head, body, whole):
    assert whole and re.match(rb"HTTP/1\.1 (200|404|500|503) ", head), f"an answer of {head[:30]!r}"
    rows = body.splitlines() if b" 200 " in head[:13] else ()
    assert all(re.fullmatch(rb"(\d+|-)\t[^\t]+\t\w+/?", row) for row in rows), "a bad list"


class Changes:
    """Cases of one way to send: in a server with a cache or without, or in a process of its own."""

    def __init__(self, program, way):
        self.program, self.way = program, way
        self.loop = None
        self.cases = 0

    def open(self):
        if self.loop:
            return self.loop.connect()
        self.one = One(self.program, self.way)
        return self.one.line

    def close(self, line):
        line.close()
        if not self.loop:
            same(self.one.child.finish(), 0)
        (self.loop or self.one).child.said()

    def converse(self, say):
        line = self.open()
        line.send(say)
        hear(line)
        self.close(line)

    def count(self, calls, say):
        """How often each of these calls is made for a request."""
        line = self.open()
        self.program.faults.arm()
        line.send(say)
        hear(line)
        self.program.faults.disarm()
        self.close(line)
        counts = self.program.faults.counts()
        return [(call, nth) for call in calls for nth in range(1, counts.get(call, 0) + 1)]

    def held(self, call, nth, say, change):
        """The answer to what was asked, with a change before that call; and the connection."""
        line = self.open()
        faults = self.program.faults
        faults.arm(rule(call, nth, 0, HOLD))
        try:
            line.send(say)
            watch = select.poll()
            watch.register(line.reader.fileno(), select.POLLIN)
            end = time.monotonic() + DEADLINE
            while (there := watch.poll(1)) or not faults.held():
                line.rest += line.receive() if there else b""
                # how many calls an answer takes depends on how much the kernel takes at a time
                if nth > 1 and first_response(line.rest):
                    break
                assert time.monotonic() < end, "the call never came"
            change()
        finally:
            faults.go_on()
        answer = hear(line)
        faults.disarm()
        if answer[2]:  # on with the next request
            response = line.ask("/small.txt", "Connection: close")
            assert response and response.status == 200 and not line.everything(), "the next request"
        self.close(line)
        return answer

    def file_case(self, size, ranges, call, nth, change):
        path, say = self.make_file(size, ranges)
        head, body, whole = self.held(call, nth, say, lambda: change(path))
        if call == "fstatat":  # it is found out that the file isn't what is remembered
            self.check_now(path, head, body, whole)
        else:
            check_body(head, body, whole, size, ranges)
        if self.loop:
            line = self.loop.connect()
            line.send(asked(f"/{path.parent.name}/file", None))
            self.check_now(path, *hear(line))
            line.close()

    @staticmethod
    def check_now(path, head, body, whole):
        """What is there now, or that there is nothing."""
        there = path.read_bytes() if path.exists() else None
        status = b"HTTP/1.1 404 " if there is None else b"HTTP/1.1 200 "
        assert whole and head.startswith(status) and there in (None, body), "not what is there now"

    def folder_case(self, call, nth, change):
        path = self.make_folder()
        for i in range(ENTRIES):
            (path / f"entry{i}").touch()
        check_list(*self.held(call, nth, request(f"/{path.name}/?format=text"),
                              lambda: change(path)))

    def make_folder(self):
        self.cases += 1
        folder = self.program.site / f"changing{self.cases}"
        folder.mkdir()
        return folder

    def make_file(self, size, ranges):
        """A file, and the request for it; where answers are remembered, this one is."""
        path = self.make_folder() / "file"
        path.write_bytes(OLD[size])
        say = asked(f"/{path.parent.name}/file", ranges)
        if self.way == "loop":
            time.sleep(0.06)  # what has just changed is not remembered
            self.converse(say)
        return path, say

    def cases_of(self):
        calls = ("pread", "sendfile", "fstatat" if self.way == "loop" else "")
        for size in (SMALL, LARGE):
            for what, choose in RANGES.items():
                ranges = choose(size)
                for call, nth in self.count(calls, self.make_file(size, ranges)[1]):
                    for name, change in FILE_CHANGES.items():
                        yield (f"{what} of {size}:{name}:{call}:{nth}", call, name, self.file_case,
                               (size, ranges, call, nth, change))
        for call, nth in (("fdopendir", 1), ("readdir", 1), ("readdir", 100), ("readdir", 270),
                          ("fstatat", 1), ("fstatat", 270), ("readdir", ENTRIES + 3)):
            for name, change in FOLDER_CHANGES.items():
                yield (f"folder:{name}:{call}:{nth}", call, name, self.folder_case,
                       (call, nth, change))

    def end_case(self, function, arguments):
        try:
            function(*arguments)
        finally:
            self.remove_folders()

    def remove_folders(self):
        for folder in self.program.site.glob("changing*"):
            shutil.rmtree(folder)

    def run(self, tally):
        part = f"{self.way}, changed"
        if self.way in ("loop", "uncached"):
            self.loop = Loop(self.program, *(("--cache", "0") if self.way == "uncached" else ()))
            self.loop.fill_spares()
        cases = list(self.cases_of())
        self.remove_folders()
        if self.way == "uncached":
            self.folder_case("readdir", 1, lambda path: None)  # which needs memory for good
            before = self.loop.settle()
        for name, call, change, function, arguments in cases:
            tally.check(part, name, lambda: self.end_case(function, arguments), (call, change))
        if self.way == "uncached":
            tally.check(part, "left", lambda: self.loop.at_most(before))
        if self.loop:
            self.loop.stop()
        tally.progress(part)
