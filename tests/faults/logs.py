"""The log on a disk that is full, in a file that may not grow, in a pipe that nobody reads."""

import errno
import os
import re
import resource
import signal

from kit.check import same, until
from kit.connection import Connection, pair
from process import DEADLINE, FAIL, SHORTEN, Loop, rule

PART = "log"
LINE = re.compile(r'(127\.0\.0\.1|-) - - \[[^]]+\] "GET /small\.txt\?(\d+) HTTP/1\.1" 200 130 '
                  r'"-" "-"')
ROUNDS = 12


def ask(line, number, last=False):
    """One request that its line in the log is known by; whether it is answered."""
    response = line.ask(f"/small.txt?{number}", *["Connection: close"] * last)
    assert response and (response.status, len(response.body)) == (200, 130), (number, response)


def numbers(path, growing=False):
    """The requests that the log has, each line of it a whole one, but the last while it grows."""
    found, text = [], path.read_text()
    if growing:
        text = text[:text.rfind("\n") + 1]
    for line in text.splitlines():
        match = LINE.fullmatch(line)
        assert match, f"a line that is none: {line!r}"
        found.append(int(match[2]))
    return found


def complaints(server):
    return server.child.said().count("log lines may be lost")


def rounds(program, *rules, **more):
    """A server with a new log, of which calls fail so, and a connection with ROUNDS requests."""
    program.log.unlink(missing_ok=True)
    server = Loop(program, **more)
    program.faults.arm(*rules)
    line = server.connect()
    for number in range(ROUNDS):
        ask(line, number)
    return server, line


def full_disk(program, first, size, error):
    """From the first write on there is room for `size` bytes, then for none, then again for all."""
    room = [rule("write", first + i, 0, SHORTEN) for i in range(size)]
    server, line = rounds(program, *room, rule("write", first + size, 1, FAIL, error))
    program.faults.disarm()
    ask(line, ROUNDS)
    until(lambda: ROUNDS in numbers(program.log, growing=True), seconds=5, pause=0.002)
    line.close()
    server.stop()
    assert numbers(program.log)[:first - 1] == list(range(first - 1)), "lines are missing"
    same(complaints(server), 1)


def no_device(program):
    """A log that never takes a byte."""
    server, line = rounds(program, log="/dev/full")
    line.close()
    server.stop()
    same(complaints(server), 1)


def limit(size):
    def set_limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    return set_limit


def rotate(program, server, line, numbers):
    """A new log; what waited for one is written when two more requests are answered."""
    old = program.log.rename(f"{program.log}.{numbers[0]}")
    server.child.process.send_signal(signal.SIGHUP)
    until(program.log.exists, seconds=5, pause=0.002)
    for number in numbers:
        ask(line, number)
    return old


def limited_file(program, size):
    """RLIMIT_FSIZE: a partial write, then EFBIG and no signal. In new files the lines go on."""
    server, line = rounds(program, preexec_fn=limit(size))
    files, count = [], ROUNDS
    while program.log.stat().st_size == size and len(files) < 10 * ROUNDS:
        files.append(rotate(program, server, line, (count, count + 1)))
        count += 2
    line.close()
    server.stop()
    found, halves = [], 0
    for file in [*files, program.log]:
        text = file.read_text()
        assert len(text) <= size, f"{len(text)} bytes in a file of {size}"
        file.write_text(text[:text.rfind("\n") + 1])  # without room, the last is half a line
        halves += not text.endswith("\n")
        found += numbers(file)
        file.unlink()
    same((sorted(found), len(found) + halves), (found, count))


def one(program, *options, **more):
    """The process of one connection: neither signal nor error ends a conversation."""
    program.log.unlink(missing_ok=True)
    client, server = pair()
    with server, Connection(client, seconds=DEADLINE) as line:
        child = program.start(*options, stdin=server, stdout=server, **more)
        server.close()
        for number in range(ROUNDS):
            ask(line, number, last=number == ROUNDS - 1)
        assert not line.everything(), "more than the last answer"
    same(child.finish(), 0)


def broken_pipe(program):
    """The process that read the log from a pipe is gone."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as log:
        one(program, stderr=log)


def run(program, tally):
    for name, error in (("ENOSPC", errno.ENOSPC), ("EIO", errno.EIO)):
        for first in (1, 4):
            for size in (0, 1, 2, 13):
                tally.check(PART, f"disk full:{first}:{size}:{name}",
                            lambda: full_disk(program, first, size, error), ("write", name))
    tally.check(PART, "/dev/full, ENOSPC", lambda: no_device(program), ("write", "ENOSPC"))
    for size in (200, 250, 300, 351, 500):
        tally.check(PART, f"RLIMIT_FSIZE:{size}", lambda: limited_file(program, size),
                    ("write", "EFBIG"))
    tally.check(PART, "RLIMIT_FSIZE, one connection", lambda: one(
        program, "--log", program.log, preexec_fn=limit(250)), ("write", "EFBIG"))
    tally.check(PART, "broken pipe, EPIPE", lambda: broken_pipe(program), ("write", "EPIPE"))
    tally.progress(PART)
