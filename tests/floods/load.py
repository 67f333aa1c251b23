#!/usr/bin/env python3
"""
load.py PORT: honest clients in parallel, until standard input ends. Some take a connection for each
request, some keep theirs, some read a larger file slowly. Prints a line for each request, as JSON.
"""

import json
import socket
import sys
import threading
import time

PATIENCE = 15
MANNERS = ("fresh",) * 8 + ("kept",) * 4 + ("slow",) * 4
PAUSE = 0.002


class Client(threading.Thread):
    def __init__(self, number, manner, port, over):
        super().__init__(daemon=True)
        self.number, self.manner, self.port, self.over = number, manner, port, over
        self.socket, self.records = None, []

    def run(self):
        while not self.over.is_set():
            self.records.append(self.request(f"{self.number}-{len(self.records)}"))
            time.sleep(PAUSE)

    def request(self, name):
        """When it was connected, asked and answered, and how that went."""
        record = {"name": name, "manner": self.manner, "begun": time.monotonic(),
                  "first": self.socket is None}
        if self.socket is None:
            try:
                self.socket = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
            except OSError as error:
                return {**record, "end": "refused", "why": str(error),
                        "done": time.monotonic()}
            record["connected"] = time.monotonic()
        path = "/slow.bin" if self.manner == "slow" else "/page.html"
        connection = "keep-alive" if self.manner == "kept" else "close"
        try:
            self.socket.sendall(f"GET {path}?{name} HTTP/1.1\r\nHost: a\r\n"
                                f"Connection: {connection}\r\n\r\n".encode())
        except OSError as error:
            self.leave()
            return {**record, "end": "nothing", "why": type(error).__name__,
                    "said": time.monotonic()}
        return {**record, "said": time.monotonic(), **self.hear()}

    def hear(self):
        data, length, head, why = bytearray(), None, b"", "FIN"
        try:
            while length is None or len(data) < len(head) + 4 + length:
                part = self.socket.recv(65536)
                if not part:
                    break
                data += part
                if length is None and b"\r\n\r\n" in data:
                    head = bytes(data.partition(b"\r\n\r\n")[0])
                    length = int(head.lower().partition(b"content-length: ")[2].split()[0])
                if self.manner == "slow":
                    time.sleep(0.01)
        except OSError as error:
            why = type(error).__name__
        whole = length is not None and len(data) == len(head) + 4 + length
        if not whole or self.manner != "kept" or b"\r\nConnection: close" in head:
            self.leave()
        end = f"ok {head.split()[1].decode()}" if whole else "cut" if data else "nothing"
        return {"done": time.monotonic(), "end": end, "why": why}

    def leave(self):
        self.socket.close()
        self.socket = None


def main():
    over = threading.Event()
    clients = [Client(i, manner, int(sys.argv[1]), over) for i, manner in enumerate(MANNERS)]
    for client in clients:
        client.start()
    sys.stdin.read()
    over.set()
    for client in clients:
        client.join(2 * PATIENCE)
    print(json.dumps([record for client in clients for record in client.records]))


main()
