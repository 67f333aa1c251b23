"""What is measured: processor time under load, throughput, memory, system calls."""

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from servers import Failed, program

HERE = Path(__file__).parent
TICK = os.sysconf("SC_CLK_TCK")
PRIVATE = ("Private_Clean", "Private_Dirty")
MIB = 1 << 20


# Processes


def family(pid):
    """A process and all its descendants that live."""
    children = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            children[int(fields(stat)[1])].append(int(stat.parent.name))
    pids = [pid]
    for process in pids:
        pids += children[process]
    return pids


def fields(stat):
    """The fields of /proc/PID/stat from the third on: the second, a name, may hold anything."""
    return stat.read_text().rpartition(")")[2].split()


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
            ended = fields(Path(f"/proc/{process}/stat"))[13:15]
            total += sum(map(int, ended)) / TICK
    return total


def memory(pid, names=("Pss",)):
    """The bytes that smaps_rollup gives under these names, for all processes of a server."""
    total = 0
    for process in family(pid):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name in names:
                total += int(rest.split()[0]) * 1024
    return total


# Load


@dataclass
class Found:
    requests: int
    seconds: float
    p99: float  # of a request, in seconds


def wrk(server, path, connections, seconds, *, close=False, pipeline=1, cpus=None):
    """Load by wrk, for a time that need not be whole seconds as its own option wants it."""
    command = [program("wrk"), "-t1", f"-c{connections}", "-d1h", "-s", HERE / "wrk.lua"]
    command += ["-H", "Connection: close"] if close else []
    command += [f"http://127.0.0.1:{server.port}{path}"]
    command += ["--", "pipeline", pipeline] if pipeline > 1 else []
    with subprocess.Popen(
            [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, preexec_fn=lambda: os.sched_setaffinity(0, cpus or server.cpus)) as process:
        try:
            time.sleep(seconds)
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=10)
        finally:
            process.kill()
    found = re.search(r"^found (\d+) (\d+) (\d+) (\d+)$", said, re.M)
    if not found:
        raise Failed(f"wrk: {said.strip()[:200]}")
    requests, microseconds, p99, errors = map(int, found.groups())
    if errors or not requests:
        raise Failed(f"{errors} errors in {requests} requests")
    return Found(requests, microseconds / 1e6, p99 / 1e6)


def cpu_per_request(server, *load, **more):
    """
    Seconds of processor time that a server spends on one request. It has a CPU of its own, and
    the load another: on a common one what wrk touches would push the server's memory out of the
    caches, by the more the more connections there are.
    """
    before = cpu_seconds(server.process.pid)
    found = wrk(server, *load, cpus=server.bench.client_cpus, **more)
    time.sleep(0.02)  # it has the last connections to close
    return (cpu_seconds(server.process.pid) - before) / found.requests


# A large file


def request(path, *headers):
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def large_file(server, path, size):
    """Bytes a second of one download, and by how much the server grows in the middle of it."""
    pid = server.process.pid
    before = largest = memory(pid, ("Rss",))
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        start = time.monotonic()
        client.sendall(request(path, "Connection: close"))
        # What follows the header is dropped by the kernel: the server is measured, not a copy.
        head = client.recv(4096)
        if not head.startswith(b"HTTP/1.1 200"):
            raise Failed(f"{path}: {head[:40]!r}")
        got = len(head)
        nothing = bytearray(MIB)
        while part := client.recv_into(nothing, 0, socket.MSG_TRUNC):
            if got // (size // 16) != (got + part) // (size // 16):
                largest = max(largest, memory(pid, ("Rss",)))
            got += part
        seconds = time.monotonic() - start
    if got < size:
        raise Failed(f"{path}: {got} bytes")
    return got / seconds, largest - before


# Idle connections


@contextlib.contextmanager
def idle(server, path, size, count):
    """Connections that had one answer each, with a body of this size, and ask for nothing more."""
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(count):
            address = ("127.0.0.1", server.port)
            client = stack.enter_context(socket.create_connection(address, timeout=5))
            client.sendall(request(path))
            answer = b""
            while len(answer.partition(b"\r\n\r\n")[2]) < size:
                part = client.recv(4096)
                if not part:
                    raise Failed(f"it holds only {len(clients)} idle connections")
                answer += part
            clients.append(client)
        yield clients


def closed(clients):
    """How many of them the server has closed."""
    with select.epoll() as poller:
        for client in clients:
            poller.register(client, select.EPOLLRDHUP)
        return len(poller.poll(0, len(clients)))


def idle_connections(server, path, size, count, seconds):
    """Bytes an idle connection, and the p99 of a new one's request without and among them."""
    def p99():
        return wrk(server, path, 2, seconds, close=True, cpus=server.bench.client_cpus).p99

    without = p99()
    before = memory(server.process.pid)
    with idle(server, path, size, count) as clients:
        each = (memory(server.process.pid) - before) / count
        among = p99()
        if closed(clients):
            raise Failed(f"it closed {closed(clients)} of {count} idle connections")
    return each, without, among


# The process of one connection


@contextlib.contextmanager
def handler(bench, command):
    """A handler at one end of a connection, the other end of which the block gets."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), timeout=10)
        accepted, _ = listener.accept()
    with accepted, open(bench.work / "handler-log", "ab") as log:
        process = subprocess.Popen(
            [str(word) for word in command], cwd=bench.work, stdin=accepted, stdout=accepted,
            stderr=log, **bench.user)
    try:
        yield process, client
    finally:
        client.close()
        try:
            process.wait(5)
        finally:
            process.kill()


def private_memory(bench, command, path):
    """Private bytes in the middle of an answer that the client doesn't take."""
    with handler(bench, command) as (process, client):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(request(path, "Connection: close"))
        client.recv(1)
        time.sleep(0.1)
        return memory(process.pid, PRIVATE)


def calls(bench, command, path=None):
    """The names of the system calls a program makes, in order, for one request if any."""
    trace = bench.work / "trace"
    trace.write_bytes(b"")
    trace.chmod(0o666)
    with handler(bench, [program("strace"), "-qq", "-o", trace, *command]) as (_, client):
        if path:
            client.sendall(request(path, "Connection: close"))
            while client.recv(65536):
                pass
    return [line.partition("(")[0] for line in trace.read_text().splitlines() if "(" in line]


def calls_from_main(bench, command, empty, path):
    """How many system calls there are from main() to exit: those of an empty main() don't count."""
    before = calls(bench, [empty])[:-1]  # the last one is its exit
    made = calls(bench, command, path)
    if made[:len(before)] != before:
        raise Failed("it doesn't begin as an empty main() does")
    return len(made) - len(before)
