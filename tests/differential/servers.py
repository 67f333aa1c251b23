"""The servers that are compared: how each is started, asked and stopped, and what it saw."""

import contextlib
import itertools
import re
import socket
import subprocess
import time
from dataclasses import dataclass

from kit.check import until
from kit.connection import Connection, ask, dial, first_response, request
from kit.run import TOP, Process, Server, make_files, on_free_port, program

PATIENCE = 15  # seconds in which a stream is answered, on a machine that has other things to do
PAUSE = 0.001  # seconds between two pieces, so that most of them are read one by one

# Answers by which a server says that it didn't take a message (RFC 9112 2.2, 3, 6.3), and ends.
REFUSALS = {400, 408, 411, 413, 414, 417, 421, 431, 494, 505}


class Failed(AssertionError):
    """A server that doesn't answer or contradicts itself."""


@dataclass(frozen=True)
class Verdict:
    """What a server made of a stream."""

    seen: tuple  # (method, target) of each request that was taken
    refused: str = ""  # why the one after them wasn't, if there was one
    closed: bool = False  # the last answer said that it closes the connection
    lengths: tuple = ()  # of the bodies, where the server told

    def __str__(self):
        text = [f"{method} {target}" for method, target in self.seen]
        end = f"refused: {self.refused}" if self.refused else "closed" if self.closed else "end"
        return " | ".join([*text, end])


# An address for each connection: wwwd's log and nginx's tell them apart by it.
addresses = (f"127.{a}.{b}.{c}" for a, b, c in
             itertools.product(range(1, 255), range(256), range(1, 255)))


def talk(port, source, pieces, patience):
    """All that comes back for the pieces, when nothing comes after them."""
    end = time.monotonic() + patience
    with Connection(dial(port, source), seconds=patience) as c:
        c.reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i, piece in enumerate(pieces):
            time.sleep(PAUSE if i else 0)
            c.send(piece)
        with contextlib.suppress(OSError):
            c.reader.shutdown(socket.SHUT_WR)
        while c.more():
            if time.monotonic() > end:
                raise TimeoutError
        return c.rest


def answers(back, heads=()):
    """The final answers in the bytes, one by one; `heads` are those that have no body."""
    count = 0
    while back:
        if back.startswith(b"<html>"):  # what nginx takes for HTTP/0.9 it refuses in that
            back = b"HTTP/1.1 400 \r\nConnection: close\r\n\r\n"
        found = first_response(back, count in heads)
        closes = found or first_response(back, bodiless=True)  # the rest is its body, if it has one
        if not closes or not found and not closes[0].closes or not back.startswith(b"HTTP/1.1 "):
            raise Failed(f"an incomplete answer: {back[:200]!r}")
        answer, back = closes
        if answer.status >= 200:
            yield answer
            count += 1
            if answer.closes:
                return


class Judge:
    """Asks a server, and says what it made of that."""

    patience = PATIENCE

    def ask(self, pieces):
        """The address it was asked from and all that it said, or what went wrong."""
        source = next(addresses)
        try:
            return source, talk(self.port, source, pieces, self.patience)
        except TimeoutError:
            self.patience = 1  # it has failed, and shall fail soon
            return source, Failed("no end of it")
        except OSError as error:
            return source, Failed(f"{type(error).__name__}: {error}")

    def judge(self, pool, streams):
        """What it made of each of the streams, which are lists of pieces."""
        asked = list(pool.map(self.ask, streams))
        said = self.settle()
        return [self.verdict(back, said.get(source, [])) for source, back in asked]

    def verdict(self, back, said):
        try:
            return back if isinstance(back, Failed) else self.read(back, said)
        except AssertionError as error:
            return Failed(error)

    def settle(self):
        """What it has written elsewhere since it was asked last: lists of things, by address."""
        return {}


class Log:
    """What is appended to a file, line by line."""

    def __init__(self, path):
        self.file, self.rest = open(path, encoding="latin-1", newline="\n"), ""

    def lines(self):
        *whole, self.rest = (self.rest + self.file.read()).split("\n")
        return whole


def unescaped(text):
    return re.sub(r"\\x(..)", lambda match: chr(int(match[1], 16)), text)


class Wwwd(Judge, Server):
    """What wwwd took is in its log: a line for each answer."""

    name = what = "wwwd"
    line = re.compile(r'(\S+) - - \[[^]]*\] "(.*)" (\d{3}) \S+ ".*" ".*"')

    def __init__(self, work):
        make_files(work / "site", {"index.html": "<!doctype html>\n"})
        super().__init__(work / "site", "--log", work / "log")
        self.log = Log(work / "log")

    def settle(self):
        """The requests and statuses; the last request to come is the last in the log."""
        last = self.ask([request("/")])[0]
        found = {}

        def written():
            for line in self.log.lines():
                source, asked, status = self.line.fullmatch(line).groups()
                found.setdefault(source, []).append((unescaped(asked), int(status)))
            return last in found

        until(written, seconds=PATIENCE, pause=0)
        return found

    def read(self, back, said):
        heads = [i for i, (line, _) in enumerate(said) if line.startswith("HEAD ")]
        got = list(answers(back, heads))
        if [answer.status for answer in got] != [status for _, status in said]:
            raise Failed(f"it answers {[answer.status for answer in got]} and logs {said}")
        seen, refused = [], ""
        for answer, (line, status) in zip(got, said):
            if status in REFUSALS or (status in (405, 501) and answer.closes):
                refused = str(status)
                break
            method, _, rest = line.partition(" ")
            seen.append((method, rest.rpartition(" ")[0] or rest))
        if len(seen) + bool(refused) != len(got):
            raise Failed(f"it answers after a refusal: {said}")
        return Verdict(tuple(seen), refused, bool(got) and got[-1].closes)


class Peer(Judge, Process):
    """A server that is made to answer with "Seen: BODY-LENGTH METHOD TARGET"."""

    def read(self, back, said):
        seen, lengths, refused, closed = [], [], "", False
        for answer in answers(back):
            closed = answer.closes
            seen_as = answer.field("Seen")
            if not seen_as:
                refused = " ".join([str(answer.status), answer.field("Error", ""), *said])
                break
            length, method, target = seen_as.split(" ", 2)
            seen.append((method, target))
            lengths.append(int(length))
        refused = refused or next((line for line in said if "prematurely" in line), "")
        return Verdict(tuple(seen), refused, closed, tuple(lengths))


class Node(Peer):
    name = "node"

    def __init__(self, _):
        super().__init__(program("node"), TOP / "tests/differential/server.js")
        self.port, self.what = self.wait_for(r"^(\d+) (.*)\n").groups()


class Nginx(Peer):
    """A proxy that reads the whole of a request first; behind it is one that answers."""

    name = "nginx"
    frame = """
        daemon off;
        master_process off;
        pid {work}/nginx.pid;
        error_log {work}/nginx.log info;
        events {{ worker_connections 512; }}
        http {{
            access_log off;
            client_max_body_size 0;
            large_client_header_buffers 4 64k;
            client_body_temp_path {work}/body;
            proxy_temp_path {work}/proxy;
            fastcgi_temp_path {work}/fastcgi;
            uwsgi_temp_path {work}/uwsgi;
            scgi_temp_path {work}/scgi;
            %s
        }}
    """
    conf = """
            upstream answer {{ server unix:{work}/answer; keepalive 8; }}
            server {{
                listen 127.0.0.1:{port};
                rewrite ^ /? break;
                location / {{
                    proxy_pass http://answer;
                    proxy_http_version 1.1;
                    proxy_method POST;
                    proxy_pass_request_headers off;
                    proxy_set_header Host a;
                    proxy_set_header Connection "";
                    proxy_set_header Saw "$request_method $request_uri";
                    proxy_ignore_client_abort on;
                    proxy_buffer_size 64k;
                    proxy_buffers 4 64k;
                    proxy_busy_buffers_size 64k;
                }}
            }}
            server {{
                listen unix:{work}/answer;
                keepalive_requests 1000000;
                add_header Seen "0$content_length $http_saw" always;
                return 200 "";
            }}
    """
    line = re.compile(r".*?\*\d+ (client (?:sent|prematurely|intended).*?), client: (\S+?),.*")

    def __init__(self, work):
        self.what = subprocess.run([program("nginx"), "-v"], capture_output=True, text=True,
                                   check=True).stderr.partition(": ")[2].strip()
        self.work = work
        on_free_port(self.serve)

    def serve(self, port):
        conf, log = self.work / "nginx.conf", self.work / "nginx.log"
        conf.write_text((self.frame % self.conf).format(work=self.work, port=port))
        (self.work / "answer").unlink(missing_ok=True)
        log.write_text("")
        self.port, self.log = port, Log(log)
        super().__init__(program("nginx"), "-c", conf, "-e", log)
        self.wait_until(self.is_there)

    def is_there(self):
        with contextlib.suppress(OSError):
            return ask(self.port, "/")

    def settle(self):
        """Why it closed a connection, in its own words."""
        found = {}
        for line in self.log.lines():
            if match := self.line.fullmatch(line):
                found.setdefault(match[2], []).append(match[1])
        return found
