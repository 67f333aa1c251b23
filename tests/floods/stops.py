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

from kit.check import same, until
from kit.connection import dial, request
from kit.proc import ESTABLISHED, family, sockets
from kit.run import CLIENT, Client, Server

ROUNDS = 5
LINE = re.compile(rb'127\.0\.0\.1 - - \[[^]]+\] "GET /[a-z]+\.[a-z]+\?(\d+-\d+) HTTP/1\.1" 200 \d+ '
                  rb'"-" "-"\n')


def load(port):
    return Client(sys.executable, CLIENT, "load", port)


def records(client):
    """Of all requests, and of those that were not answered."""
    found = json.loads(client.found())
    return found, [r for r in found if r["end"] != "ok 200"]


def is_served(s):
    with contextlib.suppress(OSError):
        s.sendall(request("/page.html", method="HEAD"))
        return s.recv(4096).startswith(b"HTTP/1.1 200")
    return False


def idle(port, count):
    """Connections that had one answer each, and are kept."""
    kept = [dial(port) for _ in range(count)]
    assert all(map(is_served, kept))
    return kept


def ending(s):
    """How that was closed."""
    try:
        with s:
            return "FIN" if s.recv(1) == b"" else "more"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


def stop_under_load(site, workers):
    """
    SIGTERM in the middle of it, ROUNDS times. Lost are requests whose first byte was sent before
    the stop, connections made before it, and anything that was begun and not ended.
    """
    requests, late, took = 0, [], []
    for _ in range(ROUNDS):
        with Server(site, "--quiet", "--workers", workers) as server, load(server.port) as clients:
            time.sleep(0.6)
            kept = idle(server.port, 20)
            began = time.monotonic()
            status, seconds = server.stop()
            time.sleep(0.1)
            found, bad = records(clients)

            def is_lost(r):
                return {"refused": r["done"] < began,
                        "nothing": r.get("said", 0) < began or r["first"] and r["connected"] < began
                        }.get(r["end"], True)

            lost = list(filter(is_lost, bad))
            assert not lost, f"{len(lost)} of {len(found)} lost: {lost[:3]}"
            same((status, Counter(map(ending, kept))), (0, {"FIN": 20}))
            assert seconds < 5, f"it took {seconds:.1f} s"
            assert any(r["manner"] == "slow" and r["end"] == "ok 200" and
                       r["said"] < began < r["done"] for r in found), "nothing was under way"
            requests += len(found) - len(bad)
            # begun after the signal, their handshakes were under way when the listener was closed
            late += [r for r in bad if r["end"] == "nothing" and r["first"]]
            took.append(seconds)
    assert len(late) <= ROUNDS, f"{len(late)} connected too late"
    return (f"{ROUNDS} stops, {requests} requests, each answered, {len(late)} connected too late; "
            f"at most {max(took):.2f} s")


def owned(pid, port):
    """How many connections a process has."""
    inodes = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            inodes.add(os.readlink(fd))
    return sum(f"socket:[{inode}]" in inodes for inode in sockets(port, ESTABLISHED))


def kill_worker(site, workers):
    """Only its own connections go, and there is another one in its place."""
    with Server(site, "--quiet", "--workers", workers) as server:
        def others(victim=None):
            pids = family(server.pid)[1:]
            return len(pids) == workers and victim not in pids and pids

        until(others, seconds=5)
        time.sleep(1.1)  # a worker that died at once would be let lie for a moment
        kept = idle(server.port, 60)
        mine, victim = max((owned(pid, server.port), pid) for pid in others())
        with load(server.port) as clients:
            time.sleep(0.5)
            began = time.monotonic()
            os.kill(victim, signal.SIGKILL)
            until(lambda: others(victim), seconds=5)
            took = time.monotonic() - began
            time.sleep(0.5)
            _, bad = records(clients)
        per_client = Counter(r["name"].partition("-")[0] for r in bad)
        assert max(per_client.values(), default=0) <= 1, f"more than the one it had: {bad[:5]}"
        assert not any(r["end"] == "refused" for r in bad), bad[:3]
        assert all(r["begun"] < began + 0.1 for r in bad), f"lost after it was over: {bad[:3]}"
        same(sum(map(is_served, kept)), len(kept) - mine)
        for s in kept:
            s.close()
        same(server.stop()[0], 0)
    return f"{mine} idle ones and {len(bad)} answers of it are lost, replaced in {took:.1f} s"


def restart(site, workers):
    """The listening socket is the supervisor's, and stays: every client is served by the next."""
    options = ("--quiet", "--workers", workers)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))
        server = stack.enter_context(Server(site, *options, listener=listener))
        clients = stack.enter_context(load(server.port))
        stops = []
        for _ in range(ROUNDS):
            time.sleep(0.5)
            kept = idle(server.port, 20)
            stops.append(time.monotonic())
            same(server.stop()[0], 0)
            server = stack.enter_context(Server(site, *options, listener=listener))
            same(Counter(map(ending, kept)), {"FIN": 20})
        time.sleep(0.5)
        found, closed = records(clients)
        # a kept connection may be closed just when its client asks again, who then asks elsewhere
        bad = [r for r in closed if r["first"] or r["end"] != "nothing" or
               not any(stop < r["said"] < stop + 1 for stop in stops)]
        assert not bad, f"{len(bad)} of {len(found)} lost: {bad[:3]}"
        same(server.stop()[0], 0)
    return f"{ROUNDS} restarts, {len(found) - len(closed)} requests, no client refused"


def rotate(site, workers):
    """The log is taken away and opened anew, again and again: a line, a whole one, an answer."""
    log = site.parent / "logs/log"
    log.parent.mkdir(exist_ok=True)
    log.parent.chmod(0o777)
    with Server(site, "--log", log, "--workers", workers) as server, load(server.port) as clients:
        for i in range(20):
            time.sleep(0.1)
            log.rename(f"{log}.{i}")
            server.process.send_signal(signal.SIGHUP)
            until(log.exists, seconds=2, pause=0.005)
        found, bad = records(clients)
        same(server.stop()[0], 0)
    parts = list(log.parent.iterdir())
    lines = [line for part in parts for line in part.read_bytes().splitlines(keepends=True)]
    for part in parts:
        part.unlink()
    torn = [line for line in lines if not LINE.fullmatch(line)]
    assert not torn, f"{len(torn)} of {len(lines)}: {torn[:3]}"
    named = Counter(LINE.fullmatch(line)[1].decode() for line in lines)
    asked = Counter(r["name"] for r in found)
    same((bad, named - asked, asked - named), ([], Counter(), Counter()))
    return f"{len(parts)} files, {len(lines)} lines, one for each answer"


STOPS = [
    ("SIGTERM under load", stop_under_load, 1),
    ("SIGTERM under load, 2 workers", stop_under_load, 2),
    ("SIGKILL of a worker", kill_worker, 3),
    ("restart, LISTEN_FDS", restart, 1),
    ("restart, LISTEN_FDS, 2 workers", restart, 2),
    ("SIGHUP under load", rotate, 1),
    ("SIGHUP under load, 2 workers", rotate, 2),
]


def check(tally, site):
    for name, function, workers in STOPS:
        with tally.check(name):
            print(f"# {function(site, workers)}")
