#!/usr/bin/env python3
"""
polite.py PORT PATH: a page on a connection of its own, and one on a connection that is kept, some
40 times a second, until standard input ends. Prints how long they took and what was lost, as JSON.
"""

import http.client
import json
import select
import sys
import time

PATIENCE = 10


class Visitor:
    def __init__(self, port, path, source):
        self.port, self.path, self.source = port, path, (source, 0)
        self.times, self.lost, self.retried = [], [], 0
        self.kept = None
        self.body = None

    def fetch(self, connection):
        connection.request("GET", self.path)
        answer = connection.getresponse()
        body = answer.read()
        self.body = self.body or body
        if answer.status != 200 or body != self.body:
            raise http.client.HTTPException(f"{answer.status}, {len(body)} bytes")

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE,
                                          source_address=self.source)

    def again(self):
        """On the kept connection: if it was closed meanwhile, as it may be, on another."""
        fresh, self.kept = not self.kept, self.kept or self.connection()
        try:
            self.fetch(self.kept)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self.kept.close()
            self.kept = None
            if fresh:
                raise
            self.retried += 1
            self.again()
        except (OSError, http.client.HTTPException):
            self.kept.close()
            self.kept = None
            raise

    def once(self):
        connection = self.connection()
        try:
            self.fetch(connection)
        finally:
            connection.close()

    def visit(self, how):
        began = time.monotonic()
        try:
            how()
        except (OSError, http.client.HTTPException) as error:
            self.lost.append(f"{how.__name__}: {type(error).__name__}: {error}")
        self.times.append(time.monotonic() - began)

    def result(self):
        times = sorted(self.times)
        at = lambda part: round(1000 * times[min(len(times) - 1, int(part * len(times)))], 1)
        return {"visits": len(times), "median": at(0.5), "p99": at(0.99), "worst": at(1),
                "lost": len(self.lost), "retried": self.retried, "why": self.lost[:3]}


def main():
    visitor = Visitor(int(sys.argv[1]), sys.argv[2], sys.argv[3])
    while not select.select([sys.stdin], [], [], 0.02)[0]:
        visitor.visit(visitor.once)
        visitor.visit(visitor.again)
    print(json.dumps(visitor.result()))


main()
