"""
Where the lecture is played: a shell under strace, which starts the servers and the clients.

One strace follows all of them, so that the order of its lines is the order of what happened. What
strace writes is read chapter by chapter; nothing is left running at the end.
"""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from kit.check import until
from kit.proc import stat
from kit.run import TOP, WWWD, Missing, program

PATIENCE = 20  # seconds for anything that has to happen
STRACE = ["strace", "-f", "-ttt", "-T", "-yy", "-s", "600", "-q"]


class Trouble(Exception):
    """What a person should read instead of a traceback."""


def reachable(path):
    """May every user read the file?"""
    path = Path(path)
    return path.stat().st_mode & 0o004 and all(
        parent.stat().st_mode & 0o001 for parent in path.parents)


@dataclass(eq=False)
class Process:
    """One that the shell was asked to start."""

    pid: int
    said: Path
    port: int = None


class Stage:
    def __init__(self, scratch):
        self.scratch = Path(scratch)
        self.raw = self.scratch / "trace"
        self.read = 0  # bytes of the trace that chapters have had
        self.count = 0
        self.alive = []
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.scratch), "LC_ALL": "C"}
        self.strace = subprocess.Popen(
            [*STRACE, "-o", str(self.raw), "sh"], cwd=TOP, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True)
        if self.ask("echo ready") != "ready":
            self.strace.stdin.close()
            raise Trouble("strace cannot trace here: " + self.strace.stderr.read().strip())

    def ask(self, command):
        """The line with which the shell answers."""
        try:
            self.strace.stdin.write(command + "\n")
            self.strace.stdin.flush()
        except BrokenPipeError:
            return ""
        return self.strace.stdout.readline().strip()

    def start(self, command, stdin="/dev/null"):
        """Starts it in the background; what it says goes to self.said(process)."""
        self.count += 1
        said = self.scratch / f"said-{self.count}"
        said.touch()
        words = " ".join(shlex.quote(str(word)) for word in command)
        pid = int(self.ask(f"{words} <{stdin} >{said} 2>&1 & echo $!"))
        self.alive.append(Process(pid, said))
        return self.alive[-1]

    def serve(self, *options):
        """A wwwd, which is listening, and its port."""
        server = self.start([relative(WWWD), *options])
        server.port = self.wait_for(server, r":(\d+)/$")
        return server

    def wait_for(self, process, pattern):
        """The number in what it says."""
        return int(until(lambda: re.search(pattern, process.said.read_text(errors="replace"), re.M),
                         seconds=PATIENCE, pause=0.01)[1])

    def wait(self, process):
        """Its exit status."""
        status = int(self.ask(f"wait {process.pid}; echo $?"))
        self.alive.remove(process)
        return status

    def run(self, command):
        self.wait(self.start(command))

    def stop(self, process):
        os.kill(process.pid, signal.SIGTERM)
        return self.wait(process)

    def seen(self, process, call):
        """Waits until the trace has the call of the process."""
        pattern = re.compile(rf"^{process.pid} +\S+ {call}\(", re.M)
        until(lambda: pattern.search(self.raw.read_text(errors="replace"), self.read),
              seconds=PATIENCE, pause=0.01)

    def settled(self):
        """Waits until all that live do nothing, and strace has written all."""
        quiet = 0
        before = None
        while quiet < 5:
            time.sleep(0.02)
            now = self.raw.stat().st_size, [state(process.pid) for process in self.alive]
            quiet = quiet + 1 if now == before and set(now[1]) <= {"S"} else 0
            before = now

    def chapter(self):
        """The lines of the trace since the last chapter."""
        self.settled()
        with open(self.raw, "rb") as trace:
            trace.seek(self.read)
            new = trace.read()
        new = new[:new.rfind(b"\n") + 1]
        self.read += len(new)
        return new.decode("utf-8", "replace").splitlines()

    def close(self):
        for process in self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
        self.strace.stdin.close()
        try:
            self.strace.wait(2)  # what has just been started may not be known
        except subprocess.TimeoutExpired:
            os.killpg(self.strace.pid, signal.SIGKILL)
            self.strace.wait()


def state(pid):
    """S: it sleeps in a call."""
    try:
        return stat(pid)[0]
    except OSError:
        return "gone"


def relative(path):
    """As a person in the repository would name it."""
    path = Path(path)
    return f"./{path.relative_to(TOP)}" if path.is_relative_to(TOP) else str(path)


def script(name, *arguments):
    return [sys.executable, "-I", "-S", f"tests/lecture/{name}.py", *map(str, arguments)]


def look(name, *options):
    """What a tool prints, or None where it isn't installed."""
    try:
        return subprocess.run([program(name), *options], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"},
                              check=False, timeout=PATIENCE).stdout
    except Missing:
        return None
