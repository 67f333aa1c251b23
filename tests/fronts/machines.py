"""
HAProxy in front of three wwwd, each in a network namespace of its own: own address, 5 ms of delay and 1 %
of lost packets each way. The files are copied with rsync -t. While sixteen clients ask without a pause,
all three are restarted one by one, one is killed, one is cut off, one is stopped. No request may be lost and no byte wrong; the longest
wait, and the time until requests are quick again, are printed.

HAProxy repeats a request for which nothing has come yet. A response that is cut off is for the client to
go on with, at another machine: with a range, and If-Range, for which the tags have to be the same.
"""

import contextlib
import ctypes
import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from kit.check import same, until
from kit.run import TOP, WWWD, Process, free_port, make_files, program

DELAY, LOSS = 5, 0.01
NAMES = "one", "two", "three"
CLIENTS = 16
QUICK = 1.5  # seconds: one lost packet of a new connection costs 1
FILES = {"index.html": "<!doctype html>\n<title>checked</title>\n",
         "page.html": "<!doctype html>\n<title>a page</title>\n" + "<p>One of many lines.\n" * 400,
         "large.bin": bytes(range(256)) * 800}


def call(*words):
    subprocess.run([str(word) for word in words], check=True)


class Machine:
    """A network namespace, and the wwwd in it."""

    def __init__(self, number, name, place, stack):
        self.name, self.address, self.stack = name, f"10.99.0.{number}", stack
        self.site, self.log = place / name, place / f"{name}.log"
        self.front = f"10.99.1.{number}"
        self.holder = stack.enter_context(Process("unshare", "-n", "sleep", "600"))
        home = os.readlink("/proc/self/ns/net")
        until(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != home)
        self.wwwd = None

    def enter(self, *words):
        return ["nsenter", "-t", str(self.holder.pid), "-n", *map(str, words)]

    def connect(self):
        """To the cable that link.py has made."""
        for inside, own, other in ((True, self.address, self.front), (False, self.front, self.address)):
            for words in (["ip", "addr", "add", own, "peer", other, "dev", self.name],
                          ["ip", "link", "set", self.name, "up"]):
                call(*(self.enter(*words) if inside else words))

    def start(self):
        self.wwwd = self.stack.enter_context(
            Process(*self.enter(WWWD, "-d", self.site, "-h", self.address, "-p", 8080,
                                "--proxy-protocol", "--log", self.log)))
        self.wwwd.wait_for("serving")

    def ask(self, path):
        """The head of a response, without the front."""
        done = subprocess.run([program("curl"), "-s", "-I", "--haproxy-protocol",
                               f"http://{self.address}:8080{path}"], capture_output=True, text=True)
        return done.stdout

    def answered(self):
        return self.log.read_text().count('"GET /') if self.log.exists() else 0


class Load(contextlib.AbstractContextManager):
    """Clients that ask without a pause: half of them on kept connections."""

    def __init__(self, port):
        self.port, self.over = port, threading.Event()
        self.records, self.lost, self.wrong, self.resumed = [], [], [], 0
        self.threads = [threading.Thread(target=self.client, args=(number,), daemon=True)
                        for number in range(CLIENTS)]
        self.bodies = {f"/{name}": text if isinstance(text, bytes) else text.encode()
                       for name, text in FILES.items()}

    def ask(self, connection, path):
        """The body; what is cut off is gone on with."""
        body, fields = b"", {}
        for _ in range(3):
            connection.request("GET", path, headers=fields)
            response = connection.getresponse()
            if response.status not in (200, 206) or (response.status == 200 and body):
                raise http.client.HTTPException(f"{response.status} after {len(body)} bytes")
            try:
                return body + response.read()
            except http.client.IncompleteRead as cut:
                body += cut.partial
                fields = {"Range": f"bytes={len(body)}-", "If-Range": response.getheader("ETag")}
                self.resumed += 1
                connection.close()
        raise http.client.HTTPException("cut three times")

    def client(self, number):
        kept, path = number % 2 == 0, "/large.bin" if number % 4 == 3 else "/page.html"
        connection = None
        while not self.over.is_set():
            began = time.monotonic()
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port,
                                                                      timeout=20)
                if self.ask(connection, path) != self.bodies[path]:
                    self.wrong.append(path)
                if not kept:
                    connection.close()
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(f"{path}: {type(error).__name__}: {error}")
                connection = None
            self.records.append((began, time.monotonic()))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(30)

    def report(self, since):
        """Of the requests that ended since then: how many, the longest, when the last slow one ended."""
        ended = [(end - since, end - began) for began, end in self.records if end >= since]
        slow = [when for when, took in ended if took > QUICK]
        return (f"{len(ended)} requests, the longest took {max(took for _, took in ended):.2f} s, "
                + (f"{len(slow)} more than {QUICK} s, the last {max(slow):.1f} s after it" if slow
                   else f"none more than {QUICK} s"))


def start_front(place, machines, stack):
    """The recipe, at one plain port, with a server line for each machine."""
    port = free_port()
    servers = "".join(f"    server {m.name} {m.address}:8080\n" for m in machines)
    text = (TOP / "inetd/haproxy.cfg").read_text()
    text = re.sub(r".*bind :443.*\n", "", text).replace("bind :80", f"bind 127.0.0.1:{port}")
    text = re.sub(r"    server one .*\n", servers, text)
    (place / "haproxy.cfg").write_text(text)
    front = stack.enter_context(Process(program("haproxy"), "-db", "-f", place / "haproxy.cfg"))
    front.port = port
    return front


def check_files(tally, machines):
    with tally.check("machines: a file copied with its times has the same strong ETag on all"):
        for path in "/page.html", "/large.bin":
            tags = {re.search(r"^ETag: (.*?)\r?$", m.ask(path), re.M | re.I)[1] for m in machines}
            same(len(tags), 1)
            assert tags.pop().startswith('"'), "a weak tag"
        inodes = {(m.site / "page.html").stat().st_ino for m in machines}
        same(len(inodes), len(machines))


def disturb(tally, name, load, machines, action, seconds, undo=None):
    """While the load goes on: nothing is lost from before the action until so long after it."""
    with tally.check(f"machines: {name}"):
        lost, began = len(load.lost), time.monotonic()
        action()
        before = [m.answered() for m in machines]
        time.sleep(seconds)
        report = load.report(began)
        served = [m.answered() - n for m, n in zip(machines, before)]
        if undo:
            undo()
            before = [m.answered() for m in machines]
            until(lambda: all(m.answered() > n for m, n in zip(machines, before)), seconds=20)
        print(f"     {report}; then by machine: {served}", flush=True)
        same(load.lost[lost:], [])
        same(load.wrong, [])


def roll(machines):
    for machine in machines:
        same(machine.wwwd.stop()[0], 0)
        time.sleep(1)
        machine.start()
        time.sleep(2)


def stay_together(tally, place, stack):
    machines = [Machine(i + 1, name, place, stack) for i, name in enumerate(NAMES)]
    make_files(place / "source", FILES)
    for path in (place / "source").iterdir():
        os.utime(path, (1e9, 1e9 + 0.123456789))
    for machine in machines:
        call("rsync", "-rt", f"{place}/source/", f"{machine.site}/")
    link = stack.enter_context(
        Process(sys.executable, Path(__file__).with_name("link.py"), DELAY, LOSS,
                *(f"{m.name}={m.holder.pid}" for m in machines), stdin=subprocess.PIPE))
    link.wait_for("linked")
    for machine in machines:
        machine.connect()
        machine.start()
    check_files(tally, machines)
    front = start_front(place, machines, stack)
    say = lambda words: (link.process.stdin.write(f"{words} ".encode()), link.process.stdin.flush())
    one, two, three = machines
    time.sleep(2)
    with Load(front.port) as load:
        disturb(tally, "nothing happens", load, machines, lambda: None, 3)
        disturb(tally, "a rolling restart of all three", load, machines, lambda: roll(machines), 2)
        disturb(tally, "one is killed (-9)", load, machines,
                lambda: os.kill(one.wwwd.pid, signal.SIGKILL), 4, one.start)
        disturb(tally, "one is cut off", load, machines, lambda: say("cut two"), 8,
                lambda: say("join two"))
        disturb(tally, "one is frozen (SIGSTOP)", load, machines,
                lambda: os.kill(three.wwwd.pid, signal.SIGSTOP), 8,
                lambda: os.kill(three.wwwd.pid, signal.SIGCONT))
    with tally.check("machines: no connection was without a PROXY header"):
        for machine in machines:
            assert '" 400 ' not in machine.log.read_text()
    print(f"     {len(load.records)} requests in all, {len(load.lost)} lost, {len(load.wrong)} "
          f"wrong, {load.resumed} cut off and resumed")


def unshare_network():
    if ctypes.CDLL(None, use_errno=True).unshare(0x40000000) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def run(tally, place):
    if os.geteuid() != 0 or not os.access("/dev/net/tun", os.W_OK):
        tally.skip("machines", "network namespaces and tun devices need root", 7)
        return
    unshare_network()
    call("ip", "link", "set", "lo", "up")
    with contextlib.ExitStack() as stack:
        stay_together(tally, place, stack)
