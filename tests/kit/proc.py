"""What /proc tells of processes and sockets."""

import contextlib
import os
import re
import threading
from collections import Counter
from pathlib import Path

CLOSE_WAIT, ESTABLISHED = 8, 1


def family(pid):
    """A process and all its descendants that live."""
    pids = [pid]
    for process in pids:
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                pids += map(int, children.read_text().split())
    return pids


def descriptors(pid):
    count = 0
    for process in family(pid):
        with contextlib.suppress(FileNotFoundError):  # it may just have ended
            count += len(os.listdir(f"/proc/{process}/fd"))
    return count


def memory(pid):
    """KiB of a server, all its processes together."""
    total = Counter(Rss=0, Pss=0, Private=0)
    for process in family(pid):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
            for name, size in re.findall(r"^(Rss|Pss|Private_\w+): +(\d+)", text, re.M):
                total[name.partition("_")[0]] += int(size)
    return dict(total)


def status(pid):
    """The fields of /proc/PID/status, each as a list of words."""
    text = Path(f"/proc/{pid}/status").read_text()
    return {name: value.split() for name, value in re.findall(r"^(\w+):(.*)$", text, re.M)}


def stat(pid):
    """The fields of /proc/PID/stat from the third on: the second, a name, may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def socket_memory():
    """KiB of all TCP sockets of this machine."""
    found = re.search(r"^TCP:.* (\d+)$", Path("/proc/net/sockstat").read_text(), re.M)
    return int(found[1]) * os.sysconf("SC_PAGE_SIZE") // 1024 if found else 0


def sockets(port, state):
    """The inodes of a server's own ends of connections in that state."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [int(row[9]) for row in rows
            if (int(row[1].split(":")[1], 16), int(row[3], 16)) == (port, state)]


class Peak(contextlib.AbstractContextManager):
    """The most memory that a server takes while the block lasts, in KiB."""

    def __init__(self, pid):
        self.pid = pid
        self.before = self.most = memory(pid)
        self.kernel = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self):
        before = socket_memory()
        while not self.over.wait(0.2):
            now = memory(self.pid)
            self.most = {name: max(self.most[name], now[name]) for name in now}
            self.kernel = max(self.kernel, socket_memory() - before)

    def grown(self):
        """By how much its private memory has grown at most."""
        return self.most["Private"] - self.before["Private"]

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
