"""
link.py DELAY LOSS NAME=PID...: a cable to each of these network namespaces, with so many ms of delay and
such a share of packets that are lost. A tun device NAME is made at both ends. netem would do the same,
but not every kernel has it. "cut NAME" and "join NAME" on standard input take a cable out and put it in.
"""

import ctypes
import fcntl
import heapq
import itertools
import os
import random
import select
import struct
import sys
import time

IFF_TUN, IFF_NO_PI, TUNSETIFF, CLONE_NEWNET = 1, 0x1000, 0x400454CA, 0x40000000
PACKET = 65536


def open_tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def enter(path):
    fd = os.open(path, os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), f"setns {path}")
    os.close(fd)


def open_ends(names):
    """Each descriptor's other end, and its name."""
    home, others, owners = f"/proc/{os.getpid()}/ns/net", {}, {}
    for name, pid in names.items():
        near = open_tun(name)
        back = os.open(home, os.O_RDONLY)
        enter(f"/proc/{pid}/ns/net")
        far = open_tun(name)
        ctypes.CDLL(None).setns(back, CLONE_NEWNET)
        os.close(back)
        others.update({near: far, far: near})
        owners.update({near: name, far: name})
    return others, owners


def take(fd):
    """The packets that wait there."""
    for _ in range(64):
        try:
            yield os.read(fd, PACKET)
        except BlockingIOError:
            return


def forward(others, owners, delay, loss):
    chance, number, cut, waiting = random.Random(1), itertools.count(), set(), []
    while True:
        left = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select([0, *others], [], [], left)
        now = time.monotonic()
        for fd in ready:
            if fd == 0:
                words = os.read(0, 1000).decode().split()
                if not words:
                    return
                for what, name in zip(words[::2], words[1::2]):
                    (cut.add if what == "cut" else cut.discard)(name)
                continue
            for packet in take(fd):
                if owners[fd] not in cut and chance.random() >= loss:
                    heapq.heappush(waiting, (now + delay, next(number), others[fd], packet))
        while waiting and waiting[0][0] <= now:
            _, _, fd, packet = heapq.heappop(waiting)
            try:
                os.write(fd, packet)
            except OSError:  # its end is down, or full: one more that is lost
                pass


def main():
    delay, loss, *pairs = sys.argv[1:]
    others, owners = open_ends(dict(pair.split("=") for pair in pairs))
    print("linked", flush=True)
    forward(others, owners, float(delay) / 1000, float(loss))


main()
