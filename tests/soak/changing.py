"""
Files that change while they are served, each in a way of its own, and a memory of what each was
when: so any answer can be held against what it may have been between its request and its end.
"""

import bisect
import contextlib
import hashlib
import random
import threading
import time

CHUNK = 8
CHUNKS = 4096
LINE = 10
GROWN = 200_000


class History:
    """What something was: states, with the moments at which each began to come and had come."""

    def __init__(self, state):
        self.lock = threading.Lock()
        self.begun, self.come, self.states = [0.0], [0.0], [state]

    @contextlib.contextmanager
    def change(self, state):
        with self.lock:
            self.begun.append(time.monotonic())
            self.come.append(float("inf"))
            self.states.append(state)
        yield
        self.come[-1] = time.monotonic()

    def between(self, start, end):
        """All that it may have been: from the last that had come before to the last that began."""
        with self.lock:
            first = bisect.bisect_right(self.come, start) - 1
            last = bisect.bisect_right(self.begun, end)
            return self.states[first:last]


def one_of(got, allowed, what):
    assert got in allowed, f"{what} is {got} and may be {allowed[:4]}"


SIZES = (0, 100, 3000, 15_000, 60_000, 300_000)


def write_version(name, version):
    """A body that says what it is."""
    payload = hashlib.shake_128(f"{name} {version}".encode()).digest(random.choice(SIZES))
    return f"{name} {version} {hashlib.sha1(payload).hexdigest()}\n".encode() + payload


def read_version(name, body):
    head, _, payload = body.partition(b"\n")
    said, version, digest = head.decode().split()
    assert said == name, f"{name} is {said}"
    assert digest == hashlib.sha1(payload).hexdigest(), f"{name} is no whole version"
    return int(version)


class Whole:
    """Rewritten as a new file that takes the name; if it `goes`, it is sometimes not there."""

    def __init__(self, site, path, goes=False):
        self.file, self.path, self.goes = site / path, path, goes
        self.version = 0
        self.history = History(None)
        self.file.parent.mkdir(exist_ok=True)

    def change(self):
        if self.goes and self.history.states[-1] and random.random() < 0.5:
            with self.history.change(None):
                self.file.unlink()
            return
        self.version += 1
        fresh = self.file.with_name(f".{self.file.name}.new")
        fresh.write_bytes(write_version(self.path, self.version))
        with self.history.change(self.version):
            fresh.rename(self.file)

    def targets(self):
        return [self.path]

    def check(self, path, status, body, start, end):
        version = read_version(path, body) if status == 200 else None
        one_of(version, self.history.between(start, end), path)
        return version


class Moving:
    """A file in a folder that has now one name, now another."""

    def __init__(self, site, *names):
        self.site, self.names = site, list(names)
        self.histories = {names[0]: History(1), names[1]: History(None)}
        (site / names[0]).mkdir()
        (site / names[0] / "file.txt").write_bytes(write_version(names[0], 1))
        self.name = names[0]

    def change(self):
        here, there = self.names
        with self.histories[here].change(None), self.histories[there].change(1):
            (self.site / here).rename(self.site / there)
        self.names.reverse()

    def targets(self):
        return [f"{name}/file.txt" for name in self.histories]

    def check(self, path, status, body, start, end):
        version = read_version(self.name, body) if status == 200 else None
        one_of(version, self.histories[path.partition("/")[0]].between(start, end), path)
        return version


class InPlace:
    """
    Small writes into a file that stays: nobody can be promised one version of the whole, but each
    byte is one that was there meanwhile, and there are as many as were said.
    """

    def __init__(self, site, path):
        self.path = path
        (site / path).parent.mkdir(exist_ok=True)
        self.file = open(site / path, "wb+", buffering=0)
        self.chunks = [History(self.chunk(0)) for _ in range(CHUNKS)]
        self.file.write(self.chunk(0) * CHUNKS)
        self.version = 0

    @staticmethod
    def chunk(version):
        return f"{version:0{CHUNK - 1}}\n".encode()

    def change(self):
        self.version += 1
        number, fresh = random.randrange(CHUNKS), self.chunk(self.version)
        with self.chunks[number].change(fresh):
            self.file.seek(number * CHUNK)
            self.file.write(fresh)

    def targets(self):
        return [self.path]

    def check(self, path, status, body, start, end):
        assert (status, len(body)) == (200, CHUNK * CHUNKS), f"{path} {status} {len(body)} bytes"
        for number, history in enumerate(self.chunks):
            now = body[number * CHUNK:(number + 1) * CHUNK]
            if now != history.states[-1] or len(history.states) > 1:
                one_of(now, history.between(start, end), f"{path}, piece {number},")


class Growing:
    """A log that another process writes: what is sent of it is its beginning, up to some moment."""

    def __init__(self, site, path):
        self.path = path
        (site / path).parent.mkdir(exist_ok=True)
        self.file = open(site / path, "wb", buffering=0)
        self.size = History(0)
        self.all = b""

    def change(self):
        if len(self.all) > GROWN:
            return
        count = len(self.all) // LINE
        more = b"".join(b"%09d\n" % n for n in range(count, count + random.randrange(1, 50)))
        self.all += more
        with self.size.change(len(self.all)):
            self.file.write(more)

    def targets(self):
        return [self.path]

    def check(self, path, status, body, start, end):
        sizes = self.size.between(start, end)
        assert status == 200, f"{path} {status}"
        assert self.all.startswith(body), f"{path} isn't how it begins"
        assert sizes[0] <= len(body) <= sizes[-1], f"{path} {len(body)} bytes, not {sizes}"


def make(site):
    """Some of each kind."""
    return ([Whole(site, f"whole/{i}.txt") for i in range(12)] +
            [Whole(site, f"goes/{i}.txt", goes=True) for i in range(6)] +
            [Moving(site, f"here{i}", f"there{i}") for i in range(3)] +
            [InPlace(site, f"place/{i}.bin") for i in range(3)] +
            [Growing(site, f"grow/{i}.log") for i in range(4)])
