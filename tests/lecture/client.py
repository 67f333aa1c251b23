"""
The clients that neither curl nor wget can play.

    client.py slow PORT PATH      sends its request in three pieces
    client.py late PORT           begins a request and never ends it
    client.py leave PORT PATH     asks for a file, reads a little of it, and leaves
    client.py many PORT PATH...   as many connections as paths, and then all the requests at once
"""

import select
import socket
import sys
import time


def request(path):
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()


def connect(port, room=None):
    connection = socket.socket()
    if room:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    connection.connect(("127.0.0.1", port))
    return connection


def slow(port, path):
    connection = connect(port)
    sys.stdin.buffer.raw.read(1)  # until the lecture has looked at the connection
    whole = request(path)
    for piece in whole[:12], whole[12:-2], whole[-2:]:
        connection.sendall(piece)
        time.sleep(0.3)
    while connection.recv(65536):
        pass
    connection.close()


def late(port):
    connection = connect(port)
    connection.sendall(b"GET / HT")
    while connection.recv(65536):
        pass
    connection.close()


def leave(port, path):
    connection = connect(port, room=4096)
    connection.sendall(request(path))
    connection.recv(1000)
    time.sleep(0.3)
    connection.close()


def many(port, *paths):
    connections = [connect(port) for _ in paths]
    time.sleep(0.3)
    for connection, path in zip(connections, paths):
        connection.sendall(request(path))
    poll = select.poll()
    open_ones = {connection.fileno(): connection for connection in connections}
    for descriptor in open_ones:
        poll.register(descriptor, select.POLLIN)
    while open_ones:
        for descriptor, _ in poll.poll():
            if not open_ones[descriptor].recv(1 << 20):
                poll.unregister(descriptor)
                open_ones.pop(descriptor).close()


PARTS = {"slow": slow, "late": late, "leave": leave, "many": many}
PARTS[sys.argv[1]](int(sys.argv[2]), *sys.argv[3:])
