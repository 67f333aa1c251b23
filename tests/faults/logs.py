"""The log on a disk that is full, in a file that may not grow, in a pipe that nobody reads."""

import errno
import os
import re
import resource
import signal
import time

from process import FAIL, SHORTEN, Loop, pair, rule
from talk import Line, Wrong

PART = "log"
LINE = re.compile(r'(127\.0\.0\.1|-) - - \[[^]]+\] "GET /small\.txt\?(\d+) HTTP/1\.1" 200 130 '
                  r'"-" "-"')
ROUNDS = 12


def ask(line, number, last=False):
    """One request that its line in the log is known by; whether it is answered."""
    line.send(f"GET /small.txt?{number} HTTP/1.1\r\nHost: test\r\n"
              f"{'Connection: close' + chr(13) + chr(10) if last else ''}\r\n".encode())
    while len(line.rest) < 130 or b"\r\n\r\n" not in line.rest[:-130]:
        came = line.receive()
        if not came:
            raise Wrong(f"request {number} is not answered")
        line.rest += came
    if not line.rest.startswith(b"HTTP/1.1 200 "):
        raise Wrong(f"request {number}: {line.rest[:30]!r}")
    line.rest = b""


def numbers(path, growing=False):
    """The requests that the log has, each line of it a whole one, but the last while it grows."""
    found, text = [], path.read_text()
    if growing:
        text = text[:text.rfind("\n") + 1]
    for line in text.splitlines():
        match = LINE.fullmatch(line)
        if not match:
            raise Wrong(f"a line that is none: {line!r}")
        found.append(int(match[2]))
    return found


def complaints(program):
    return [line for line in program.said() if "log lines may be lost" in line]


def wait_for_line(path, number):
    end = time.monotonic() + 5
    while number not in numbers(path, growing=True):
        if time.monotonic() > end:
            raise Wrong("the log doesn't go on")
        time.sleep(0.002)


def full_disk(program, first, size, error):
    """From the first write on there is room for `size` bytes, then for none, then again for all."""
    program.log.unlink(missing_ok=True)
    server = Loop(program)
    room = [rule("write", first + i, 0, SHORTEN) for i in range(size)]
    program.faults.arm(*room, rule("write", first + size, 1, FAIL, error))
    line = server.connect()
    for number in range(ROUNDS):
        ask(line, number)
    program.faults.disarm()
    ask(line, ROUNDS)
    wait_for_line(program.log, ROUNDS)
    line.close()
    server.stop()
    if numbers(program.log)[:first - 1] != list(range(first - 1)):
        raise Wrong("lines that there was room for are missing")
    if len(complaints(program)) != 1:
        raise Wrong(f"{len(complaints(program))} complaints: {program.said()}")


def no_device(program):
    """A log that never takes a byte."""
    log, program.log = program.log, "/dev/full"
    try:
        server = Loop(program)
    finally:
        program.log = log
    line = server.connect()
    for number in range(ROUNDS):
        ask(line, number)
    line.close()
    server.stop()
    if len(complaints(program)) != 1:
        raise Wrong(f"{len(complaints(program))} complaints")


def limit(size):
    def set_limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    return set_limit


def rotate(program, server, line, numbers):
    """A new log; what waited for one is written when two more requests are answered."""
    old = program.log.rename(f"{program.log}.{numbers[0]}")
    server.child.send_signal(signal.SIGHUP)
    end = time.monotonic() + 5
    while not program.log.exists() and time.monotonic() < end:
        time.sleep(0.002)
    for number in numbers:
        ask(line, number)
    return old


def limited_file(program, size):
    """RLIMIT_FSIZE: a partial write, then EFBIG and no signal. In new files the lines go on."""
    program.log.unlink(missing_ok=True)
    server = Loop(program, preexec_fn=limit(size))
    line, files, count = server.connect(), [], ROUNDS
    for number in range(ROUNDS):
        ask(line, number)
    while program.log.stat().st_size == size and len(files) < 10 * ROUNDS:
        files.append(rotate(program, server, line, (count, count + 1)))
        count += 2
    line.close()
    server.stop()
    found, halves = [], 0
    for file in [*files, program.log]:
        text = file.read_text()
        if len(text) > size:
            raise Wrong(f"{len(text)} bytes in a file of {size}")
        file.write_text(text[:text.rfind("\n") + 1])  # without room, the last is half a line
        halves += not text.endswith("\n")
        found += numbers(file)
        file.unlink()
    if found != sorted(found) or len(found) + halves != count:
        raise Wrong(f"{found} and {halves} halves of {count}")


def limited_one(program):
    """The same in the process of one connection: no signal ends it."""
    program.log.unlink(missing_ok=True)
    client, server = pair()
    child = program.start("--log", program.log, stdin=server, stdout=server,
                          preexec_fn=limit(250))
    finish_one(program, client, server, child)


def broken_pipe(program):
    """Whoever read the log from a pipe is gone: neither signal nor error ends a conversation."""
    client, server = pair()
    reader, writer = os.pipe()
    os.close(reader)
    child = program.start(stdin=server, stdout=server, stderr=writer)
    os.close(writer)
    finish_one(program, client, server, child)


def finish_one(program, client, server, child):
    server.close()
    line = Line(client)
    for number in range(ROUNDS):
        ask(line, number, last=number == ROUNDS - 1)
    if line.receive():
        raise Wrong("more than the last answer")
    line.close()
    if status := program.finish(child):
        raise Wrong(f"exit status {status}")


def run(program, tally):
    for name, error in (("ENOSPC", errno.ENOSPC), ("EIO", errno.EIO)):
        for first in (1, 4):
            for size in (0, 1, 2, 13):
                tally.check(PART, f"full:{first}:{size}:{name}",
                            lambda: full_disk(program, first, size, error), ("write", name))
    tally.check(PART, "/dev/full", lambda: no_device(program), ("write", "ENOSPC"))
    for size in (200, 250, 300, 351, 500):
        tally.check(PART, f"limited:{size}", lambda: limited_file(program, size),
                    ("write", "EFBIG"))
    tally.check(PART, "limited one", lambda: limited_one(program), ("write", "EFBIG"))
    tally.check(PART, "broken pipe", lambda: broken_pipe(program), ("write", "EPIPE"))
    tally.progress(PART)
