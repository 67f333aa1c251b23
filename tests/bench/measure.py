"""What is measured: processor time under load, throughput, memory, system calls."""

import contextlib
import os
import re
import resource
import signal
import socket
import time
from dataclasses import dataclass

from kit.connection import Connection, dial, pair, request
from kit.proc import family, memory, stat
from kit.run import KIB, MIB, TOP, Process, Rude, program

TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """
    User and system time of a server, with all its processes. Of those that live by their clocks,
    which give in ns the sum that /proc/PID/stat rounds to ticks in utime and stime; of those that
    ended, and were waited for, as cutime and cstime.
    """
    total = 0.0
    for process in family(pid):
        with contextlib.suppress(OSError):
            total += time.clock_gettime(~process << 3 | 2)  # the clock of clock_getcpuclockid(3)
            total += sum(map(int, stat(process)[13:15])) / TICK
    return total


# Load


@dataclass
class Found:
    requests: int
    seconds: float
    p99: float  # of a request, in seconds
    cpu: float  # seconds of processor time that the server spent on a request


def wrk(server, path, connections, seconds, *, close=False, pipeline=1, cpus=None, resets=False,
        lines=(), files=None):
    """
    Load by wrk, for a time that need not be whole seconds as its own option wants it. `resets`: a
    server may reset a connection behind a response, as busybox does behind that of a program.
    Where the processor time counts, a server has a CPU of its own, and the load another (`cpus`):
    on a common one what wrk touches would push the server's memory out of the caches, by the more
    the more connections there are.
    `lines` are header lines. With `files`, each request asks for one of so many, see wrk.lua.
    """
    command = [program("wrk"), "-t1", f"-c{connections}", "-d1h", "-s", TOP / "tests/bench/wrk.lua"]
    for line in [*lines, *["Connection: close"] * close]:
        command += ["-H", line]
    command += [f"http://127.0.0.1:{server.port}{path}"]
    command += ["--", "pipeline", pipeline] if pipeline > 1 else []
    command += ["--", "files", path, *files] if files else []
    before = cpu_seconds(server.pid)
    with Process(*command,
                 preexec_fn=lambda: os.sched_setaffinity(0, cpus or server.cpus)) as load:
        time.sleep(seconds)
        load.process.send_signal(signal.SIGINT)
        load.process.wait(10)
        said = load.said()
    found = re.search(r"^found (\d+) (\d+) (\d+) (\d+)$", said, re.M)
    assert found, f"wrk: {said.strip()[:200]}"
    requests, microseconds, p99, errors = map(int, found.groups())
    assert requests and (resets or not errors), f"{errors} errors in {requests} requests"
    time.sleep(0.02)  # the server has the last connections to close
    return Found(requests, microseconds / 1e6, p99 / 1e6,
                 (cpu_seconds(server.pid) - before) / requests)


# A large file


def large_file(server, path, size):
    """Bytes a second of one download, and by how much the server grows in the middle of it."""
    pid = server.pid
    before = largest = memory(pid)["Rss"]
    with dial(server.port) as client:
        client.settimeout(10)
        start = time.monotonic()
        client.sendall(request(path, "Connection: close"))
        # What follows the header is dropped by the kernel: the server is measured, not a copy.
        head = client.recv(4096)
        assert head.startswith(b"HTTP/1.1 200"), f"{path}: {head[:40]!r}"
        got = len(head)
        nothing = bytearray(MIB)
        while part := client.recv_into(nothing, 0, socket.MSG_TRUNC):
            if got // (size // 16) != (got + part) // (size // 16):
                largest = max(largest, memory(pid)["Rss"])
            got += part
        seconds = time.monotonic() - start
    assert got >= size, f"{path}: {got} bytes"
    return got / seconds, (largest - before) * KIB


# Idle connections


@contextlib.contextmanager
def idle(server, count):
    """
    So many connections that have had one response each; the bytes of the server's memory for one.
    """
    before, holders = memory(server.pid)["Pss"], []
    each = min(15000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100)  # from one address
    with contextlib.ExitStack() as stack:
        for i in range(0, count, each):
            holders.append(stack.enter_context(Rude(
                "keep", server.port, min(each, count - i), "/1k.html", f"127.1.0.{i // each + 1}",
                preexec_fn=lambda: os.sched_setaffinity(0, server.bench.client_cpus))))
            holders[-1].there(60)
        yield (memory(server.pid)["Pss"] - before) * KIB / count
        closed = count - sum(holder.deeds()["held"] for holder in holders)
        assert not closed, f"it closed {closed:,} of {count:,} idle connections"


def idle_connections(server, path, count, seconds):
    """Bytes an idle connection, and the p99 of a new one's request without and among them."""
    def p99():
        return wrk(server, path, 2, seconds, close=True, cpus=server.bench.client_cpus).p99

    without = p99()
    with idle(server, count) as each:
        return each, without, p99()


# The process of one connection


@contextlib.contextmanager
def handler(bench, command):
    """A handler at one end of a connection, the other end of which the block gets."""
    client, accepted = pair()
    with accepted:
        process = Process(*command, cwd=bench.work, stdin=accepted, stdout=accepted, **bench.user)
    with process:
        with client:
            yield process, client
        process.process.wait(5)


def private_memory(bench, command, path):
    """Private bytes in the middle of an answer that the client doesn't take."""
    with handler(bench, command) as (process, client):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(request(path, "Connection: close"))
        Connection(client).receive(1)
        time.sleep(0.1)
        return memory(process.pid)["Private"] * KIB


def calls(bench, command, path=None):
    """The names of the system calls a program makes, in order, for one request if any."""
    trace = bench.work / "trace"
    trace.write_bytes(b"")
    trace.chmod(0o666)
    with handler(bench, [program("strace"), "-qq", "-o", trace, *command]) as (_, client):
        if path:
            Connection(client).ask(path, "Connection: close")
    return [line.partition("(")[0] for line in trace.read_text().splitlines() if "(" in line]


def calls_from_main(bench, command, empty, path):
    """How many system calls there are from main() to exit: those of an empty main() don't count."""
    before = calls(bench, [empty])[:-1]  # the last one is its exit
    made = calls(bench, command, path)
    assert made[:len(before)] == before, "it doesn't begin as an empty main() does"
    return len(made) - len(before)
