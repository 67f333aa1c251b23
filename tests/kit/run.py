"""Programs of the tests: where they are, how they are started and stopped; folders for them."""

import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kit.check import until

TOP = Path(__file__).resolve().parent.parent.parent
BUILD = TOP / "build"
WWWD = Path(os.environ.get("WWWD", TOP / "wwwd")).resolve()
CLIENT = TOP / "tests/kit/client.py"
KIB = 1024
MIB = 1024 * KIB
# What systemd does for a socket's service: the process gets its number, and the listener as 3.
PASS_ON = 'exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'


class Missing(Exception):
    """A program that isn't installed here."""


def program(name):
    # The system's come first: those in a person's home may be closed to another user.
    path = shutil.which(name, path="/usr/bin:/usr/sbin:/sbin:" + os.environ["PATH"])
    if not path:
        raise Missing(f"{name} is not installed")
    return path


def interruptible():
    """SIGTERM and SIGHUP end a program as Ctrl-C does: with all that it has started."""
    for number in signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, lambda *_: sys.exit(1))


def raise_descriptors():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


@contextlib.contextmanager
def folder(memory=False):
    """A folder that every user may enter; in memory, if there is one, for many files."""
    place = "/dev/shm" if memory and os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="wwwd-", dir=place) as name:
        os.chmod(name, 0o755)
        yield Path(name)


def make_files(top, files):
    """Files by their names: of these bytes, of this text, or of so many bytes that are a hole."""
    for name, content in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, int):
            path.touch()
            os.truncate(path, content)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def on_free_port(start):
    """start(port); again if it fails, as another program may have taken the port meanwhile."""
    for tries in (2, 1, 0):
        try:
            return start(free_port())
        except AssertionError:
            if not tries:
                raise


class Process(contextlib.AbstractContextManager):
    """A program in a session of its own, which ends with the block, and what it prints."""

    def __init__(self, *command, **more):
        self.output = tempfile.TemporaryFile("ab+")
        streams = {"stdin": subprocess.DEVNULL, "stdout": self.output, "stderr": self.output}
        self.process = subprocess.Popen([str(word) for word in command],
                                        **{**streams, "start_new_session": True, **more})
        self.pid = self.process.pid

    def said(self):
        output = self.output.fileno()
        return os.pread(output, os.fstat(output).st_size, 0).decode(errors="replace")

    def wait_until(self, good, seconds=10):
        """The first true value of good(), which has to come before the program ends."""
        try:
            _, found = until(lambda: (self.ended(), good()), any, seconds, 0.002)
            assert found, f"{self.process.args[0]} has ended: {self.said()}"
            return found
        except BaseException:
            self.kill()
            raise

    def wait_for(self, pattern, seconds=10):
        """The match of the pattern in what it prints."""
        return self.wait_until(lambda: re.search(pattern, self.said(), re.M), seconds)

    def ended(self):
        return self.process.poll() is not None

    def stop(self, seconds=15):
        """SIGTERM; its exit status and the seconds that it took."""
        began = time.monotonic()
        self.process.terminate()
        return self.process.wait(seconds), time.monotonic() - began

    def kill(self):
        """SIGKILL to it and to all that it has started, if it hasn't ended by itself."""
        if not self.ended():
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()

    def __exit__(self, *_):
        self.kill()
        self.output.close()


class Server(Process):
    """wwwd on a port of its own, or on a listener that is passed as systemd does it."""

    def __init__(self, site, *options, files=None, listener=None):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

        command = [WWWD, "-d", site, *options]
        if listener:
            command = ["/bin/sh", "-c", PASS_ON, "sh", *command]
        else:
            command += ["-h", "127.0.0.1", "-p", "0"]
        super().__init__(*command, stdin=listener or subprocess.DEVNULL,
                         preexec_fn=few if files else None)
        self.port = int(listener.getsockname()[1] if listener else
                        self.wait_for(r"http://\S*:(\d+)/.*\n")[1])
        self.url = f"http://127.0.0.1:{self.port}"


class Client(Process):
    """A program that is a client until it is told to end, or has ended by itself."""

    def __init__(self, *command, **more):
        super().__init__(*command, stdin=subprocess.PIPE, **more)

    def there(self, seconds=30):
        """Waits until it says so."""
        self.wait_for("^there$", seconds)

    def found(self, wait=0, seconds=30):
        """The last line it prints; it has so long to end by itself, and then when it is told to."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            if wait:
                self.process.wait(wait)
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        status = self.process.wait(seconds)
        assert status == 0, f"{self.process.args} ended with {status}: {self.said()}"
        return self.said().splitlines()[-1]


class Rude(Client):
    """So many clients with one bad manner, see floods/rude.c."""

    def __init__(self, behaviour, port, count, path="/page.html", *source, **more):
        super().__init__(BUILD / "floods/rude", behaviour, port, count, path, *source, **more)

    def deeds(self, wait=0, seconds=30):
        """What became of them: a number of each word."""
        words = self.found(wait, seconds).split()
        return dict(zip(words[::2], map(int, words[1::2])))
