"""A server to be rude to, what is known of it, and a tally of checks."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
BUILD = TOP / "build/floods"
WWWD = Path(os.environ.get("WWWD", TOP / "wwwd")).resolve()
KIB = 1024
MIB = 1024 * KIB
CLOSE_WAIT, ESTABLISHED = 8, 1
# What systemd does for a socket's service: it gives the process its number, and the listener as 3.
PASS_ON = 'exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'
PAGE = b"<!doctype html>\n<title>a page</title>\n" + b"<p>One of many lines.\n" * 180


class Tally:
    """with tally.check("name"): passes unless something is raised."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.began = time.monotonic()

    @contextlib.contextmanager
    def check(self, name):
        began = time.monotonic()
        try:
            yield
        except Exception as error:  # whatever a check trips over is its failure
            self.failed += 1
            print(f"FAIL {name}: {type(error).__name__}: {error}", flush=True)
        else:
            self.passed += 1
            print(f"ok   {name} ({time.monotonic() - began:.1f} s)", flush=True)

    def skip(self, name, why):
        self.skipped += 1
        print(f"skip {name}: {why}", flush=True)

    def end(self):
        print(f"# {time.monotonic() - self.began:.0f} s")
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0


def same(got, wanted):
    assert got == wanted, f"{got!r}, not {wanted!r}"


def until(get, good, seconds, pause=0.05):
    """Waits until good(get()), and returns what it was."""
    end = time.monotonic() + seconds
    while not good(got := get()):
        assert time.monotonic() < end, f"{got!r} after {seconds} s"
        time.sleep(pause)
    return got


def interruptible():
    """SIGTERM ends a program as Ctrl-C does: with all that it has started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def raise_descriptors():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


@contextlib.contextmanager
def workplace():
    """A folder in memory, if there is one: a hundred thousand files are made in it."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="wwwd-floods-", dir=memory) as name:
        work = Path(name)
        work.chmod(0o755)  # for whom root becomes
        (work / "site").mkdir()
        (work / "logs").mkdir()
        (work / "logs").chmod(0o777)
        yield work


# Processes


def family(pid):
    """A process and its workers, those that live."""
    pids = [pid]
    for process in pids:
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{process}/task/{process}/children").read_text()
            pids += map(int, children.split())
    return pids


def descriptors(pid):
    return sum(len(os.listdir(f"/proc/{process}/fd")) for process in family(pid))


def memory(pid):
    """KiB of a server, all its processes together."""
    total = {"Rss": 0, "Pss": 0, "Private": 0}
    for process in family(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
                name, _, rest = line.partition(":")
                name = "Private" if name in ("Private_Clean", "Private_Dirty") else name
                if name in total:
                    total[name] += int(rest.split()[0])
    return total


def socket_memory():
    """KiB of all TCP sockets of this machine."""
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            return int(line.split()[-1]) * os.sysconf("SC_PAGE_SIZE") // KIB
    return 0


def sockets(port, state):
    """The inodes of a server's own ends of connections in that state."""
    found = []
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].split(":")[1], 16) == port and int(fields[3], 16) == state:
            found.append(int(fields[9]))
    return found


class Peak(contextlib.AbstractContextManager):
    """The most memory that a server takes while the block lasts, in KiB."""

    def __init__(self, server):
        self.server = server
        self.most = memory(server.pid)
        self.kernel = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self):
        before = socket_memory()
        while not self.over.wait(0.2):
            now = memory(self.server.pid)
            self.most = {name: max(self.most[name], now[name]) for name in now}
            self.kernel = max(self.kernel, socket_memory() - before)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


class Server(contextlib.AbstractContextManager):
    """wwwd on a port of its own, or on a listener that is passed as systemd does it."""

    def __init__(self, work, *options, files=None, listener=None):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

        self.words = work / "words"
        self.words.write_text("")
        command = [str(WWWD), "-d", str(work / "site"), *options]
        if listener is None:
            command += ["-h", "127.0.0.1", "-p", "0"]
        else:
            command = ["/bin/sh", "-c", PASS_ON, "sh", *command]
        with self.words.open("a") as words:
            self.process = subprocess.Popen(
                command, stdin=listener or subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=words,
                preexec_fn=few if files else None)
        self.pid = self.process.pid
        self.port = listener.getsockname()[1] if listener else self.find_port()

    def find_port(self):
        try:
            said = until(self.words.read_text, lambda text: "http://" in text and
                         text.endswith("\n") or self.process.poll() is not None, 10, 0.005)
            return int(said.partition("http://")[2].partition(":")[2].partition("/")[0])
        except (AssertionError, ValueError):
            self.kill()
            raise AssertionError(f"it doesn't start: {self.words.read_text()}") from None

    def workers(self):
        return family(self.pid)[1:]

    def stop(self, seconds=15):
        """SIGTERM; its exit status and the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds), time.monotonic() - began

    def kill(self):
        for process in family(self.pid) if self.process.poll() is None else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.wait()

    def __exit__(self, *_):
        self.kill()


class Client(contextlib.AbstractContextManager):
    """A program that is rude or polite until it is told to end, or has ended by itself."""

    def __init__(self, *command):
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def there(self, seconds=30):
        """Wait until it says so."""
        timer = threading.Timer(seconds, self.process.kill)
        timer.start()
        said = self.process.stdout.readline()
        timer.cancel()
        assert said == "there\n", f"{self.process.args} never came: {said}"

    def found(self, wait=0):
        """What it has found; `wait`: if it isn't over by itself after so many seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            if wait:
                self.process.wait(wait)
        timer = threading.Timer(30, self.process.kill)
        timer.start()
        self.process.stdin.close()
        said = self.process.stdout.read().splitlines()
        timer.cancel()
        same((self.process.wait(), len(said)), (0, 1))
        return said[0]

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def polite(port, path="/page.html", source="127.0.0.1"):
    return Client(sys.executable, HERE / "polite.py", port, path, source)


def visits(client):
    return json.loads(client.found())


def rude(behaviour, port, count, path="/page.html"):
    return Client(BUILD / "rude", behaviour, port, count, path)


def deeds(client, wait=0):
    words = client.found(wait).split()
    return {name: int(number) for name, number in zip(words[::2], words[1::2])}
