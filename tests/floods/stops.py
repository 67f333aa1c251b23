"""Stop and restart under load: what must not be lost, and is not."""

import contextlib
import errno
import json
import os
import re
import signal
import socket
import sys
import time
from collections import Counter
from pathlib import Path

from kit import (ESTABLISHED, HERE, Client, Server, same, sockets, until)

ROUNDS = 5
LINE = re.compile(rb'127\.0\.0\.1 - - \[[^]]+\] "GET /[a-z]+\.[a-z]+\?(\d+-\d+) HTTP/1\.1" 200 \d+ '
                  rb'"-" "-"\n')


def load(port):
    return Client(sys.executable, HERE / "load.py", port)


def records(client):
    return json.loads(client.found())


def idle(port, count):
    """Connections that had one answer each, and are kept."""
    kept = []
    for _ in range(count):
        kept.append(socket.create_connection(("127.0.0.1", port), 10))
        kept[-1].sendall(b"HEAD /page.html HTTP/1.1\r\nHost: a\r\n\r\n")
        assert kept[-1].recv(4096).startswith(b"HTTP/1.1 200")
    return kept


def endings(kept):
    """How those were closed."""
    words = Counter()
    for s in kept:
        try:
            words["FIN" if s.recv(1) == b"" else "more"] += 1
        except OSError as error:
            words[errno.errorcode.get(error.errno, str(error))] += 1
        s.close()
    return dict(words)


def lost(found, stop):
    """
    Requests whose first byte was sent before the stop, connections made before it, and anything
    that was begun and not ended; `late`: connections that the kernel still made after it.
    """
    bad, late = [], 0
    for r in found:
        if r["end"].startswith("ok"):
            if r["end"] != "ok 200":
                bad.append(r)
        elif r["end"] == "cut" or r["end"] == "refused" and r["done"] < stop:
            bad.append(r)
        elif r["end"] == "nothing" and (r["said"] < stop or r["first"] and r["connected"] < stop):
            bad.append(r)
        elif r["end"] == "nothing" and r["first"]:
            late += 1
    return bad, late


def stop_under_load(work, workers):
    """SIGTERM in the middle of it, ROUNDS times."""
    requests = late = 0
    took = []
    for _ in range(ROUNDS):
        with Server(work, "--quiet", "--workers", str(workers)) as server, \
                load(server.port) as clients:
            time.sleep(0.6)
            kept = idle(server.port, 20)
            began = time.monotonic()
            status, seconds = server.stop()
            time.sleep(0.1)
            found = records(clients)
            bad, more = lost(found, began)
            assert not bad, f"{len(bad)} of {len(found)} lost: {bad[:3]}"
            same((status, endings(kept)), (0, {"FIN": 20}))
            assert seconds < 5, f"it took {seconds:.1f} s"
            assert any(r["manner"] == "slow" and r["end"] == "ok 200" and
                       r["said"] < began < r["done"] for r in found), "nothing was under way"
            requests += sum(r["end"] == "ok 200" for r in found)
            late += more
            took.append(seconds)
    # begun after the signal, their handshakes were under way when the listener was closed
    assert late <= ROUNDS, f"{late} connected to nobody"
    return (f"{ROUNDS} stops, {requests} requests, each answered, {late} connected too late; "
            f"at most {max(took):.2f} s")


def owned(pid, port):
    """The inodes of the connections that a process has."""
    inodes = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            inodes.add(os.readlink(fd))
    return {inode for inode in sockets(port, ESTABLISHED) if f"socket:[{inode}]" in inodes}


def kill_worker(work, _):
    """Only its own connections go, and there is another one in its place."""
    with Server(work, "--quiet", "--workers", "3") as server:
        until(server.workers, lambda pids: len(pids) == 3, 5)
        time.sleep(1.1)  # a worker that died at once would be let lie for a moment
        kept = idle(server.port, 60)
        victim = max(server.workers(), key=lambda pid: len(owned(pid, server.port)))
        mine = len(owned(victim, server.port))
        with load(server.port) as clients:
            time.sleep(0.5)
            began = time.monotonic()
            os.kill(victim, signal.SIGKILL)
            until(server.workers, lambda pids: victim not in pids and len(pids) == 3, 5)
            took = time.monotonic() - began
            time.sleep(0.5)
            found = records(clients)
        bad = [r for r in found if r["end"] != "ok 200"]
        per_client = Counter(r["name"].partition("-")[0] for r in bad)
        assert max(per_client.values(), default=0) <= 1, f"more than the one it had: {bad[:5]}"
        assert not any(r["end"] == "refused" for r in bad), bad[:3]
        assert all(r["begun"] < began + 0.1 for r in bad), f"lost after it was over: {bad[:3]}"
        same(still_served(kept), len(kept) - mine)
        same(server.stop()[0], 0)
    return f"{mine} idle ones and {len(bad)} answers of it are lost, replaced in {took:.1f} s"


def still_served(kept):
    answered = 0
    for s in kept:
        with contextlib.suppress(OSError):
            s.sendall(b"HEAD /page.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            answered += s.recv(4096).startswith(b"HTTP/1.1 200")
        s.close()
    return answered


def restart(work, workers):
    """The listening socket is the supervisor's, and stays: everybody is served by the next one."""
    options = ("--quiet", "--workers", str(workers))
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))
        server = stack.enter_context(Server(work, *options, listener=listener))
        clients = stack.enter_context(load(server.port))
        stops = []
        for _ in range(ROUNDS):
            time.sleep(0.5)
            kept = idle(server.port, 20)
            stops.append(time.monotonic())
            same(server.stop()[0], 0)
            server = stack.enter_context(Server(work, *options, listener=listener))
            same(endings(kept), {"FIN": 20})
        time.sleep(0.5)
        found = records(clients)
        # a kept connection may be closed just when its client asks again, who then asks elsewhere
        bad = [r for r in found if r["end"] != "ok 200" and
               (r["first"] or r["end"] != "nothing" or
                not any(stop < r["said"] < stop + 1 for stop in stops))]
        assert not bad, f"{len(bad)} of {len(found)} lost: {bad[:3]}"
        closed = len(found) - sum(r["end"] == "ok 200" for r in found)
        same(server.stop()[0], 0)
    return f"{ROUNDS} restarts, {len(found) - closed} requests, nobody refused"


def rotate(work, workers):
    """The log is taken away and opened anew, again and again: a line, a whole one, an answer."""
    log = work / "logs/log"
    with Server(work, "--log", str(log), "--workers", str(workers)) as server, \
            load(server.port) as clients:
        for i in range(20):
            time.sleep(0.1)
            log.rename(f"{log}.{i}")
            server.process.send_signal(signal.SIGHUP)
            until(log.exists, bool, 2, 0.005)
        found = records(clients)
        same(server.stop()[0], 0)
    parts = list(log.parent.iterdir())
    lines = [line for part in parts for line in part.read_bytes().splitlines(keepends=True)]
    for part in parts:
        part.unlink()
    torn = [line for line in lines if not LINE.fullmatch(line)]
    assert not torn, f"{len(torn)} of {len(lines)}: {torn[:3]}"
    named = Counter(LINE.fullmatch(line)[1].decode() for line in lines)
    asked = Counter(r["name"] for r in found if r["end"] == "ok 200")
    same((len(asked) == len(found), named - asked, asked - named), (True, Counter(), Counter()))
    return f"{len(parts)} files, {len(lines)} lines, one for each answer"


STOPS = [
    ("SIGTERM under load", stop_under_load, 1),
    ("SIGTERM under load, 2 workers", stop_under_load, 2),
    ("a worker is killed", kill_worker, 3),
    ("restart with the listener passed", restart, 1),
    ("restart with the listener passed, 2 workers", restart, 2),
    ("SIGHUP under load", rotate, 1),
    ("SIGHUP under load, 2 workers", rotate, 2),
]


def check(tally, work):
    for name, function, workers in STOPS:
        with tally.check(name):
            print(f"# {function(work, workers)}")
