"""The program under test, the calls of it that fail, and what it must not lose."""

import os
import re
import select
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

from talk import Line, Wrong

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
SHIM = TOP / "build/faults.so"

# struct shared of shim.c
HEADER = struct.Struct("=4Iq")
RULE = struct.Struct("=24s4I")
CALL = struct.Struct("=24sQ")
RULES, CALLS = 16, 80
SIZE = HEADER.size + RULES * RULE.size + CALLS * CALL.size
FAIL, SHORTEN, HOLD = 1, 2, 3

START_TIME = 10
NOBODY = 65534


def rule(call, first=1, every=0, action=FAIL, error=0):
    return RULE.pack(call.encode(), action, error, first, every)


class Faults:
    """The file that shim.c shares with us."""

    def __init__(self, path):
        path.write_bytes(bytes(SIZE))
        path.chmod(0o666)
        self.path = path
        self.file = os.open(path, os.O_RDWR)

    def arm(self, *rules):
        """From now on calls are counted, and fail as the rules say."""
        self.disarm()
        os.pwrite(self.file, bytes(12), 4)
        os.pwrite(self.file, b"".join(rules).ljust(RULES * RULE.size, b"\0"), HEADER.size)
        os.pwrite(self.file, bytes(CALLS * CALL.size), HEADER.size + RULES * RULE.size)
        os.pwrite(self.file, struct.pack("=I", 1), 0)

    def disarm(self):
        os.pwrite(self.file, bytes(4), 0)

    def hits(self):
        return struct.unpack("=I", os.pread(self.file, 4, 12))[0]

    def live(self):
        return struct.unpack("=q", os.pread(self.file, 8, 16))[0]

    def counts(self):
        """How often each call was made since arm()."""
        rows = os.pread(self.file, CALLS * CALL.size, HEADER.size + RULES * RULE.size)
        return {name.rstrip(b"\0").decode(): n for name, n in CALL.iter_unpack(rows) if n}

    def held(self):
        """Whether a call waits to be told to go on."""
        return struct.unpack("=I", os.pread(self.file, 4, 4))[0]

    def go_on(self):
        os.pwrite(self.file, struct.pack("=I", 1), 8)

    def reset_memory(self):
        os.pwrite(self.file, bytes(8), 16)


class Program:
    """wwwd as it is run here, of this build or that."""

    def __init__(self, path, top):
        self.path = Path(path).resolve()
        self.top, self.site = top, top / "site"
        self.log, self.error = top / "logs/log", top / "error"
        self.faults = Faults(top / "faults")
        # a sanitizer's library wants to be first; its memory isn't counted then, nor fails
        libraries = subprocess.run(["ldd", self.path], capture_output=True, text=True).stdout
        self.sanitizer = re.findall(r"/\S*/libasan\.so\S*", libraries)
        self.children = []

    def start(self, *options, shim=True, before=(), root=None, **streams):
        environment = dict(os.environ)
        environment.pop("NOTIFY_SOCKET", None)
        if shim:
            environment["LD_PRELOAD"] = " ".join([*self.sanitizer, str(SHIM)])
            environment["WWWD_FAULTS"] = str(self.faults.path)
        self.faults.reset_memory()
        streams.setdefault("stdin", subprocess.DEVNULL)
        streams.setdefault("stdout", subprocess.DEVNULL)
        with open(self.error, "wb") as error:
            streams.setdefault("stderr", error)
            child = subprocess.Popen(
                [*before, self.path, "-d", root or self.site, *options], env=environment,
                **streams)
        self.children.append(child)
        return child

    def said(self):
        """What it wrote to standard error, line by line."""
        text = self.error.read_text(errors="replace")
        if "Sanitizer" in text or "runtime error" in text:
            raise Wrong("the sanitizer: " + re.search(r".*(ERROR|runtime error).*", text)[0])
        return text.splitlines()

    def wait_start(self, child):
        """Until it waits for whoever comes, or ends."""
        end = time.monotonic() + START_TIME
        while "epoll_pwait" not in self.faults.counts() and child.poll() is None:
            if time.monotonic() > end:
                raise Wrong("it neither serves nor ends")
            time.sleep(0.001)

    def wait_port(self, child):
        """The port that a listener prints; None if it ends before."""
        end = time.monotonic() + START_TIME
        while time.monotonic() < end:
            found = re.search(rb"http://[^ ]*:(\d+)/", self.error.read_bytes())
            if found:
                return int(found[1])
            if child.poll() is not None:
                return None
            time.sleep(0.001)
        raise Wrong("it neither serves nor ends")

    def finish(self, child, *, stop=False):
        """Its exit status; a signal, or no end at all, is wrong."""
        if stop and child.poll() is None:
            child.send_signal(signal.SIGTERM)
        try:
            status = child.wait(START_TIME + 2)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise Wrong("it doesn't end") from None
        finally:
            self.children.remove(child)
        if status < 0:
            raise Wrong(f"ended by {signal.Signals(-status).name}: {self.said()[-1:]}")
        return status

    def end_all(self):
        for child in list(self.children):
            child.kill()
            child.wait()
            self.children.remove(child)


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def status_of(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return {name: value.split() for name, value in re.findall(r"^(\w+):(.*)$", text, re.M)}


def pair():
    """Both ends of a TCP connection, as a unit with NoDelay= makes it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    return client, server


class Loop:
    """A server that goes on from one case to the next."""

    def __init__(self, program, *options, **more):
        self.program = program
        self.child = program.start(
            "-h", "127.0.0.1", "-p", "0", "--log", program.log, *options, **more)
        self.port = program.wait_port(self.child)
        if not self.port:
            raise Wrong(f"it doesn't start: {program.said()}")

    def connect(self, **more):
        return Line(socket.create_connection(("127.0.0.1", self.port)), **more)

    def holds(self):
        """What it has at the moment: descriptors, allocations."""
        return descriptors(self.child.pid), self.program.faults.live()

    def settle(self, count=None):
        """What it has, when it has seen all that was sent; so many descriptors, if that is known."""
        last = []
        end = time.monotonic() + 5
        while len(set(last[-10:])) != 1 or len(last) < 10 or count not in (None, last[-1][0]):
            if time.monotonic() > end:
                raise Wrong(f"what it has doesn't settle: {last[-1]}, {count} descriptors")
            last.append(self.holds())
            time.sleep(0.01)
        return last[-1]

    def wait_for(self, held):
        """It has no more than that, or a moment later, when it has seen the last connection end."""
        end = time.monotonic() + 2
        while any(map(int.__gt__, now := self.holds(), held)) and time.monotonic() < end:
            time.sleep(0.001)
        if any(map(int.__gt__, now, held)):
            raise Wrong(f"{now[0] - held[0]:+} descriptors, {now[1] - held[1]:+} allocations")

    def fill_spares(self):
        """The server keeps the memory of requests for the next ones, up to a number of them."""
        before = descriptors(self.child.pid)
        lines = [self.connect() for _ in range(20)]
        for line in lines:
            line.send(b"GET / HTTP/1.1\r\n")
        self.settle(before + len(lines))
        for line in lines:
            line.close()
        self.settle(before)

    def stop(self):
        status = self.program.finish(self.child, stop=True)
        if status != 0:
            raise Wrong(f"exit status {status} of SIGTERM")
        self.program.said()

    def fell(self):
        return self.child.poll() is not None


class One:
    """A process that holds one conversation, over a socket or two pipes."""

    def __init__(self, program, kind, seconds):
        self.program = program
        if kind == "pipe":
            (from_us, our_out), (our_in, to_us) = os.pipe(), os.pipe()
            self.line = Line(open(our_in, "rb", 0), open(our_out, "wb", 0), seconds)
            theirs = [open(from_us, "rb", 0), open(to_us, "wb", 0)]
        else:
            client, server = pair()
            self.line, theirs = Line(client, None, seconds), [server, server]
        streams = {"stdin": theirs[0], "stdout": theirs[1]}
        options = ["--log", program.log]
        if kind == "inetd":
            streams["stderr"], options = theirs[1], []
        self.child = program.start(*options, **streams)
        for stream in theirs:
            stream.close()

    def holds(self):
        return descriptors(self.child.pid), self.program.faults.live()
