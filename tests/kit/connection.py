"""Connections: how a request is written, and a response is read."""

import contextlib
import os
import re
import select
import socket
from typing import NamedTuple


def request(target, *lines, method="GET", host="localhost", body=b""):
    head = [f"{method} {target} HTTP/1.1", f"Host: {host}", *lines, "", ""]
    return "\r\n".join(head).encode("latin-1") + body


class Response(NamedTuple):
    status: int
    head: bytes
    body: bytes

    def field(self, name, default=None):
        found = re.search(rf"\r\n{name}:[ \t]*(.*?)[ \t]*(?=\r\n|$)".encode(), self.head, re.I)
        return found[1].decode("latin-1") if found else default

    @property
    def closes(self):
        return self.field("Connection", "").lower() == "close"


def first_response(data, bodiless=False):
    """The first response in the bytes and what follows it, or None if it hasn't come whole."""
    head, blank, rest = data.partition(b"\r\n\r\n")
    if not blank:
        return None
    status = re.match(rb"HTTP/1\.[01] (\d{3}) ", head)
    assert status, f"a response that begins with {head[:200]!r}"
    response = Response(int(status[1]), head, b"")
    if bodiless or response.status < 200 or response.status in (204, 304):
        return response, rest
    length = int(response.field("Content-Length", 0))
    if len(rest) < length:
        return None
    return response._replace(body=rest[:length]), rest[length:]


def dial(port, source=None, seconds=10):
    """A connection to a port of the loopback; it blocks, once it is made."""
    s = socket.create_connection(("127.0.0.1", int(port)), seconds, source and (source, 0))
    s.settimeout(None)
    return s


def pair():
    """Both ends of a TCP connection, as a unit with NoDelay= makes it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = dial(listener.getsockname()[1])
        server, _ = listener.accept()
    return client, server


class Connection(contextlib.AbstractContextManager):
    """Two descriptors, or one twice, and the bytes that have come and were not asked for yet."""

    def __init__(self, reader, writer=None, seconds=15, late=None):
        self.reader, self.writer = reader, writer or reader
        self.rest = b""
        self.seconds, self.late = seconds, late  # the latter is called once if nothing comes
        self.writable = True

    def send(self, data):
        """A peer that is gone doesn't read: what it said before may still have to be heard."""
        try:
            while data and self.writable:
                data = data[os.write(self.writer.fileno(), data):]
        except (BrokenPipeError, ConnectionResetError):
            self.writable = False

    def receive(self, most=1 << 20):
        """What comes next, b"" at the end."""
        watch = select.poll()
        watch.register(self.reader.fileno(), select.POLLIN)
        if self.late and not watch.poll(300):
            self.late, late = None, self.late
            late()
        if not watch.poll(self.seconds * 1000):
            raise TimeoutError(f"nothing came within {self.seconds} s")
        try:
            return os.read(self.reader.fileno(), most)
        except ConnectionResetError:
            return b""

    def more(self):
        """Whether more has come, which is put to the rest."""
        came = self.receive()
        self.rest += came
        return bool(came)

    def response(self, bodiless=False):
        """The next response; None if the end comes first, its beginning is the rest then."""
        while not (found := first_response(self.rest, bodiless)):
            if not self.more():
                return None
        response, self.rest = found
        return response

    def ask(self, target, *lines, **more):
        self.send(request(target, *lines, **more))
        return self.response(more.get("method") == "HEAD")

    def everything(self):
        """All that comes until the end."""
        while self.more():
            pass
        return self.rest

    def close(self):
        self.reader.close()
        self.writer.close()

    def __exit__(self, *_):
        self.close()


def ask(port, target, *lines, **more):
    """The response to one request on a connection of its own."""
    with Connection(dial(port)) as connection:
        return connection.ask(target, "Connection: close", *lines, **more)
