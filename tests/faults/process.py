"""The program under test, the calls of it that fail, and what it must not lose."""

import os
import re
import struct
import subprocess
import time
from pathlib import Path

from kit.check import until
from kit.connection import Connection, dial, pair
from kit.proc import descriptors
from kit.run import BUILD, Process

# struct shared of shim.c
HEADER = struct.Struct("=4Iq")
ARMED, HELD, GO_ON, LIVE = 0, 4, 8, 16
RULE = struct.Struct("=24s4I")
CALL = struct.Struct("=24sQ")
RULES, CALLS = 16, 80
COUNTS = HEADER.size + RULES * RULE.size
FAIL, SHORTEN, HOLD = 1, 2, 3

DEADLINE = 8  # seconds; only a failure takes so long
NOBODY = 65534


def rule(call, first=1, every=0, action=FAIL, error=0):
    return RULE.pack(call.encode(), action, error, first, every)


class Faults:
    """The file that shim.c shares with us."""

    def __init__(self, path):
        path.write_bytes(bytes(COUNTS + CALLS * CALL.size))
        path.chmod(0o666)
        self.path = path
        self.file = os.open(path, os.O_RDWR)

    def put(self, place, value):
        os.pwrite(self.file, struct.pack("=I", value), place)

    def arm(self, *rules):
        """From now on calls are counted, and fail as the rules say."""
        self.disarm()
        os.pwrite(self.file, bytes(12), HELD)
        os.pwrite(self.file, b"".join(rules).ljust(RULES * RULE.size, b"\0"), HEADER.size)
        os.pwrite(self.file, bytes(CALLS * CALL.size), COUNTS)
        self.put(ARMED, 1)

    def disarm(self):
        self.put(ARMED, 0)

    def live(self):
        return struct.unpack("=q", os.pread(self.file, 8, LIVE))[0]

    def counts(self):
        """How often each call was made since arm()."""
        rows = os.pread(self.file, CALLS * CALL.size, COUNTS)
        return {name.rstrip(b"\0").decode(): n for name, n in CALL.iter_unpack(rows) if n}

    def held(self):
        """Whether a call waits to be told to go on."""
        return any(os.pread(self.file, 4, HELD))

    def go_on(self):
        self.put(GO_ON, 1)

    def reset_memory(self):
        os.pwrite(self.file, bytes(8), LIVE)


class Child(Process):
    def said(self):
        text = super().said()
        error = re.search(r".*(ERROR: \w*Sanitizer|runtime error).*", text)
        assert not error, f"the sanitizer: {error[0]}"
        return text

    def finish(self, stop=False):
        """Its exit status; a signal, or no end at all, is wrong."""
        if stop and not self.ended():
            self.process.terminate()
        try:
            status = self.process.wait(DEADLINE + 4)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("it doesn't end") from None
        assert status >= 0, f"ended by signal {-status}: {self.said()[-100:]}"
        return status


class Program:
    """wwwd as it is run here, of this build or that."""

    def __init__(self, path, top):
        self.path = Path(path).resolve()
        self.top, self.site, self.log = top, top / "site", top / "logs/log"
        self.faults = Faults(top / "faults")
        # a sanitizer's library wants to be first; its memory isn't counted then, nor fails
        libraries = subprocess.run(["ldd", self.path], capture_output=True, text=True).stdout
        self.sanitizer = re.findall(r"/\S*/libasan\.so\S*", libraries)
        self.children = []

    def start(self, *options, shim=True, before=(), **more):
        environment = dict(os.environ)
        environment.pop("NOTIFY_SOCKET", None)
        if shim:
            environment["LD_PRELOAD"] = " ".join([*self.sanitizer, str(BUILD / "faults.so")])
            environment["WWWD_FAULTS"] = str(self.faults.path)
        self.faults.reset_memory()
        child = Child(*before, self.path, "-d", self.site, *options, env=environment, **more)
        self.children = [child, *(other for other in self.children if not other.ended())]
        return child

    def wait_start(self, child):
        """Until it waits for clients, or ends."""
        until(lambda: "epoll_pwait" in self.faults.counts() or child.ended(), pause=0.001)

    def end_all(self):
        for child in self.children:
            child.kill()


class Served:
    """A process that serves, and what it has at the moment."""

    def holds(self):
        """Descriptors, allocations."""
        return descriptors(self.child.pid), self.program.faults.live()

    def settle(self, count=None):
        """What it has, when it has seen all that was sent; so many descriptors, if given."""
        last = []

        def settled():
            last.append(self.holds())
            return len(last) >= 10 and len(set(last[-10:])) == 1 and count in (None, last[-1][0])

        until(settled, seconds=5, pause=0.01)
        return last[-1]

    def at_most(self, held):
        """It has no more than that, or a moment later, when it has seen the last connection end."""
        until(lambda: [now - then for now, then in zip(self.holds(), held)],
              lambda more: max(more) <= 0, 2, 0.001)


class Loop(Served):
    """A server that goes on from one case to the next."""

    def __init__(self, program, *options, log=None, **more):
        self.program = program
        self.child = program.start("-h", "127.0.0.1", "-p", "0", "--log", log or program.log,
                                   *options, **more)
        self.port = self.child.wait_for(r"http://\S*:(\d+)/")[1]

    def connect(self, **more):
        return Connection(dial(self.port), seconds=DEADLINE, **more)

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
        status = self.child.finish(stop=True)
        assert status == 0, f"exit status {status} of SIGTERM"
        self.child.said()


class One(Served):
    """A process that holds one conversation, over a socket or two pipes."""

    def __init__(self, program, kind):
        self.program = program
        if kind == "pipe":
            (from_us, our_out), (our_in, to_us) = os.pipe(), os.pipe()
            ours = [open(our_in, "rb", 0), open(our_out, "wb", 0)]
            theirs = [open(from_us, "rb", 0), open(to_us, "wb", 0)]
        else:
            client, server = pair()
            ours, theirs = [client], [server, server]
        self.line = Connection(*ours, seconds=DEADLINE)
        streams = {"stdin": theirs[0], "stdout": theirs[1]}
        options = ["--log", program.log]
        if kind == "inetd":
            streams["stderr"], options = theirs[1], []
        self.child = program.start(*options, **streams)
        for stream in theirs:
            stream.close()
