"""
client.py WHAT ARGUMENTS...: clients in a process of their own, which prints what they found as
JSON. Those that have no end by themselves go on until standard input ends.
"""

import concurrent.futures
import contextlib
import json
import random
import socket
import struct
import sys
import threading
import time
from collections import Counter

sys.dont_write_bytecode = True
sys.path.insert(1, sys.path[0] + "/..")
from kit.connection import Connection, Response, dial, first_response, request

PAUSE = 0.002


def end_of_input():
    """An event: standard input has ended."""
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    return over


def parallel(count, function, items):
    with concurrent.futures.ThreadPoolExecutor(int(count)) as pool:
        return list(pool.map(function, items))


# ---- honest clients of a flooded server ----


def polite(port, path, source):
    """A page on a new connection, and one on a kept one, 40 times a second: how long they took."""
    times, lost = [], []
    kept = wanted = None
    retried = 0

    def fetch(connection, *lines):
        """Whether it was answered; a connection that was kept may be closed before that."""
        nonlocal wanted
        response = connection.ask(path, *lines)
        wanted = wanted or response and response.body
        assert response or not connection.rest, f"cut after {len(connection.rest)} bytes"
        assert not response or (response.status, response.body) == (200, wanted), response.head
        return response is not None

    def once():
        with Connection(dial(port, source)) as connection:
            assert fetch(connection, "Connection: close"), "no response"

    def again():
        nonlocal kept, retried
        fresh, connection = kept is None, kept or Connection(dial(port, source))
        kept = None
        with contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            if fetch(connection):
                kept = connection
                stack.pop_all()
                return
        assert not fresh, "no response"
        retried += 1
        again()

    over = end_of_input()
    print("there", flush=True)
    while not over.wait(0.02):
        for visit in once, again:
            began = time.monotonic()
            try:
                visit()
            except (OSError, AssertionError) as error:
                lost.append(f"{visit.__name__}: {type(error).__name__}: {error}")
            times.append(time.monotonic() - began)
    times.sort()
    at = lambda part: round(1000 * times[min(len(times) - 1, int(part * len(times)))], 1)
    return {"visits": len(times), "median": at(0.5), "p99": at(0.99), "worst": at(1),
            "lost": len(lost), "retried": retried, "why": lost[:3]}


def load(port):
    """Honest clients in parallel: a record of each request, when it was sent and how it ended."""
    over = end_of_input()

    def client(numbered):
        number, manner = numbered
        connection, records = None, []
        while not over.is_set():
            record = {"name": f"{number}-{len(records)}", "manner": manner,
                      "begun": time.monotonic(), "first": connection is None}
            records.append(record)
            now, connection = connection, None
            with contextlib.suppress(OSError):
                if now is None:
                    record["end"] = "refused"
                    now = Connection(dial(port, seconds=15))
                    record["connected"] = time.monotonic()
                connection = converse(now, record)
            record["done"] = time.monotonic()
            time.sleep(PAUSE)
        return records

    def converse(connection, record):
        """The connection, if it is kept."""
        slow, kept = record["manner"] == "slow", record["manner"] == "kept"
        record["end"] = "nothing"
        connection.send(request(f"/{'slow.bin' if slow else 'page.html'}?{record['name']}",
                                f"Connection: {'keep-alive' if kept else 'close'}"))
        record["said"] = time.monotonic()
        response = None
        try:
            while not (found := first_response(connection.rest)):
                time.sleep(0.01 if slow else 0)
                came = connection.receive(65536)
                if not came:
                    break
                connection.rest += came
            if found:
                response, connection.rest = found
        finally:
            if response:
                record["end"] = f"ok {response.status}"
            elif connection.rest:
                record["end"] = "cut"
            if not kept or not response or response.closes:
                connection.close()
        return connection if kept and response and not response.closes else None

    manners = ["fresh"] * 8 + ["kept"] * 4 + ["slow"] * 4
    return sum(parallel(len(manners), client, enumerate(manners)), [])


# ---- clients of a supervisor ----


def fetch(port, source=None):
    """One page on one connection: its status, or what went wrong, as a word."""
    try:
        with Connection(dial(port, source), seconds=10) as connection:
            connection.send(request("/", "Connection: close"))
            data = connection.everything()
    except OSError as error:
        return type(error).__name__
    found = first_response(data)
    if not found or found[1]:
        return "cut" if data else "nothing"
    return str(found[0].status)


def flood(port, connections, at_once, sources):
    """So many connections, so many at once, from so many addresses."""
    return Counter(parallel(at_once, lambda i: fetch(port, f"127.0.1.{1 + i % int(sources)}"),
                            range(int(connections))))


def fetches(port, connections, source, pause=0):
    """So many pages, one after the other."""
    return Counter(fetch(port, source) for _ in range(int(connections))
                   if time.sleep(float(pause)) is None)


def rate(port, seconds, at_once=2):
    """How many connections a second are answered."""
    end = time.monotonic() + float(seconds)

    def client(_):
        words = Counter()
        while time.monotonic() < end:
            words[fetch(port)] += 1
        return words

    return sum(parallel(at_once, client, range(int(at_once))), Counter())


def random_moments(idle, *ports):
    """A client for each port; half of its pauses are about as long as the server's idle time."""
    over = end_of_input()

    def client(port):
        words = Counter()
        while not over.is_set():
            words[fetch(port)] += 1
            about = float(idle) * random.choice((random.uniform(0.5, 1.5), random.uniform(0, 4)))
            time.sleep(about)
        return words

    return sum(parallel(len(ports), client, ports), Counter())


def slow(port, path, seconds):
    """A download that takes at least so long: its status, and the bytes that came of those promised."""
    with Connection(dial(port)) as connection:
        connection.send(request(path, "Connection: close"))
        while b"\r\n\r\n" not in connection.rest and connection.more():
            pass
        print("begun", flush=True)
        head, _, first = connection.rest.partition(b"\r\n\r\n")
        promised = int(Response(0, head, b"").field("Content-Length", 0))
        got = len(first)
        while came := connection.receive(promised // 100):
            got += len(came)
            time.sleep(float(seconds) * len(came) / promised)
    return head[9:12].decode(), got, promised


def patient(port):
    """Connects, asks for a page at the first line of standard input, leaves at its end."""
    with Connection(dial(port)) as connection:
        print("connected", flush=True)
        sys.stdin.readline()
        print(connection.ask("/").head.decode().partition("\r")[0], flush=True)
        sys.stdin.read()


def rude(port, connections, big):
    """So many clients, each with one bad manner, from 50 addresses."""
    whole, held = request(big), []
    post = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nx"

    def reset(s):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def hear(s):
        s.recv(1000)

    def half_close(s):
        s.shutdown(socket.SHUT_WR)

    def hold(s):
        held.append(s.dup())

    # what is sent, and what is done one after the other before the connection is closed
    manners = [(b"",), (whole[:20],), (whole[:20], reset), (whole, reset), (whole,), (whole, hear),
               (whole, hear, reset), (whole, half_close, hear), (whole, hold), (whole[:20], hold),
               (bytes(range(256)) * 4, hear), (b"GET /" + b"a" * 100000, hear), (post,),
               (post, reset)]

    def client(i):
        text, *deeds = manners[i % len(manners)]
        try:
            with dial(port, f"127.0.2.{1 + i % 50}") as s:
                s.settimeout(10)
                s.sendall(text)
                for deed in deeds:
                    deed(s)
            return "done"
        except OSError as error:
            return type(error).__name__

    found = Counter(parallel(50, client, range(int(connections))))
    for s in held:
        s.close()
    return found


def talk(host, port, big, digest, authority=None):
    """What every supervisor's wwwd must serve: each check's name, and "" or what was wrong."""
    import hashlib, http.client, ssl  # which take long to load

    def connection():
        if not authority:
            return http.client.HTTPConnection(host, int(port), timeout=30)
        context = ssl.create_default_context(cafile=authority)
        return http.client.HTTPSConnection(host, int(port), timeout=30, context=context)

    def ask(c, *asked, **more):
        c.request(*asked, **more)
        answer = c.getresponse()
        return answer.status, answer.read(), answer

    def get(method="GET", **more):
        status, body, _ = ask(connection(), method, "/", **more)
        assert (status, body[:15].lower()) == (200, b"<!doctype html>"), (status, body[:40])
        return body

    def head():
        status, none, answer = ask(connection(), "HEAD", "/")
        length = answer.getheader("Content-Length")
        assert (status, none, length) == (200, b"", str(len(get()))), (status, none, length)

    def post():
        get("POST", body=b"a=1&b=2" * 1000)

    def keep_alive():
        c = connection()
        first, kept = ask(c, "GET", "/"), c.sock
        second = ask(c, "GET", "/no-such-page")
        assert (first[0], second[0]) == (200, 404), (first[0], second[0])
        assert kept and c.sock in (kept, None), "the connection wasn't kept"

    def large():
        c = connection()
        c.request("GET", big)
        found = hashlib.sha256()
        answer = c.getresponse()
        for block in iter(lambda: answer.read(1 << 20), b""):
            found.update(block)
        assert found.hexdigest() == digest, "another checksum"

    found = {}
    for name, check in (("GET", get), ("HEAD", head), ("POST", post), ("keep-alive", keep_alive),
                        ("100 MB", large)):
        try:
            check()
            found[name] = ""
        except (AssertionError, OSError, http.client.HTTPException) as error:
            found[name] = f"{type(error).__name__}: {error}"
    return found


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
