"""The servers that are compared: how each is started, asked and stopped, and what it saw."""

import contextlib
import itertools
import os
import re
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
PATIENCE = 15  # seconds in which a stream is answered, on a machine that has other things to do
PAUSE = 0.001  # seconds between two pieces, so that most of them are read one by one

# Answers by which a server says that it didn't take a message (RFC 9112 2.2, 3, 6.3), and ends.
REFUSALS = {400, 408, 411, 413, 414, 417, 421, 431, 494, 505}


class Missing(Exception):
    """A server that isn't installed here."""


class Failed(Exception):
    """A server that doesn't start, doesn't answer or contradicts itself."""


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


@dataclass
class Answer:
    status: int
    fields: dict

    @property
    def closes(self):
        return self.fields.get("connection", "").lower() == "close"


# An address for each connection: wwwd's log and nginx's tell them apart by it.
addresses = (f"127.{a}.{b}.{c}" for a, b, c in
             itertools.product(range(1, 255), range(256), range(1, 255)))


def talk(port, source, pieces, patience):
    """All that comes back for the pieces, when nothing comes after them."""
    end = time.monotonic() + patience
    with socket.socket() as s:
        s.settimeout(patience)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.bind((source, 0))
        s.connect(("127.0.0.1", port))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for i, piece in enumerate(pieces):
                if i:
                    time.sleep(PAUSE)
                s.sendall(piece)
        with contextlib.suppress(OSError):
            s.shutdown(socket.SHUT_WR)
        back = []
        with contextlib.suppress(ConnectionResetError):
            while data := s.recv(65536):
                back.append(data)
                if time.monotonic() > end:
                    raise TimeoutError
        return b"".join(back)


def answers(back, heads=()):
    """The final answers in the bytes, one by one; `heads` are those that have no body."""
    count = 0
    while back:
        if back.startswith(b"<html>"):  # what nginx takes for HTTP/0.9 it refuses in that
            yield Answer(400, {"connection": "close"})
            return
        head, blank, back = back.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        match = re.fullmatch(r"HTTP/1\.1 (\d{3}) .*", lines[0])
        if not blank or not match:
            raise Failed(f"it answers {head[:200]!r}")
        fields = {name.lower(): value.strip(" \t") for name, _, value in
                  (line.partition(":") for line in lines[1:])}
        answer = Answer(int(match[1]), fields)
        if answer.status < 200:
            continue
        yield answer
        if answer.closes:  # the rest is its body, if it has one
            return
        if answer.status not in (204, 304) and count not in heads:
            length = int(fields.get("content-length", 0))
            if len(back) < length:
                raise Failed(f"{length - len(back)} bytes of a body are missing")
            back = back[length:]
        count += 1


class Server:
    """One server at work, stopped when the block is left."""

    def __init__(self, work):
        self.work, self.patience = work, PATIENCE

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def run(self, *command, **more):
        # A session of its own: what interrupts the tests doesn't stop a server that is being asked.
        self.process = subprocess.Popen([str(word) for word in command], start_new_session=True,
                                        stdin=subprocess.DEVNULL, text=True, **more)

    def stop(self):
        process = getattr(self, "process", None)
        if not process:
            return
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()

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
            if isinstance(back, Failed):
                raise back
            return self.read(back, said)
        except Failed as error:
            return error

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


def program(name):
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not path:
        raise Missing(f"{name} is not installed")
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def unescaped(text):
    return re.sub(r"\\x(..)", lambda match: chr(int(match[1], 16)), text)


class Wwwd(Server):
    """What wwwd took is in its log: a line for each answer."""

    name = "wwwd"
    line = re.compile(r'(\S+) - - \[[^]]*\] "(.*)" (\d{3}) \S+ ".*" ".*"')

    def start(self):
        site = self.work / "site"
        site.mkdir()
        (site / "index.html").write_text("<!doctype html>\n")
        self.run(os.environ.get("WWWD", TOP / "wwwd"), "-d", site, "-h", "127.0.0.1", "-p", 0,
                 "--log", self.work / "log", stderr=subprocess.PIPE)
        said = ""
        while not (match := re.match(r"wwwd: serving .*:(\d+)/$", said)):
            said = self.process.stderr.readline()
            if not said:
                raise Failed("wwwd doesn't start")
        self.port, self.what, self.log = int(match[1]), "wwwd", Log(self.work / "log")

    def settle(self):
        """The requests and statuses; the last request to come is the last in the log."""
        last = self.ask([b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"])[0]
        found, end = {}, time.monotonic() + PATIENCE
        while last not in found:
            for line in self.log.lines():
                source, request, status = self.line.fullmatch(line).groups()
                found.setdefault(source, []).append((unescaped(request), int(status)))
            if time.monotonic() > end:
                raise Failed("wwwd doesn't write its log")
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


class Peer(Server):
    """A server that is made to answer with "Seen: BODY-LENGTH METHOD TARGET"."""

    def read(self, back, said):
        seen, lengths, refused, closed = [], [], "", False
        for answer in answers(back):
            closed = answer.closes
            if "seen" not in answer.fields:
                refused = " ".join([str(answer.status), answer.fields.get("error", ""), *said])
                break
            length, method, target = answer.fields["seen"].split(" ", 2)
            seen.append((method, target))
            lengths.append(int(length))
        refused = refused or next((line for line in said if "prematurely" in line), "")
        return Verdict(tuple(seen), refused, closed, tuple(lengths))


class Node(Peer):
    name = "node"

    def start(self):
        self.run(program("node"), HERE / "server.js", stdout=subprocess.PIPE)
        port, _, self.what = self.process.stdout.readline().strip().partition(" ")
        if not port:
            raise Failed("node doesn't start")
        self.port = int(port)


class Nginx(Peer):
    """A proxy that reads the whole of a request first; behind it is one that answers."""

    name = "nginx"
    conf = """
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
        }}
    """
    line = re.compile(r".*?\*\d+ (client (?:sent|prematurely|intended).*?), client: (\S+?),.*")

    def start(self):
        self.what = subprocess.run([program("nginx"), "-v"], capture_output=True, text=True,
                                   check=True).stderr.partition(": ")[2].strip()
        for _ in range(3):  # between free_port() and now another may have taken the port
            self.serve(free_port())
            try:
                self.wait_until_it_serves()
                return
            except Failed as error:
                self.stop()
                failure = error
        raise failure

    def serve(self, port):
        conf, log = self.work / "nginx.conf", self.work / "nginx.log"
        conf.write_text(self.conf.format(work=self.work, port=port))
        (self.work / "answer").unlink(missing_ok=True)
        log.write_text("")
        self.port, self.log = port, Log(log)
        self.run(program("nginx"), "-c", conf, "-e", log, stderr=subprocess.DEVNULL)

    def wait_until_it_serves(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            back = self.ask([b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"])[1]
            if not isinstance(back, Failed) and back.startswith(b"HTTP/1.1 200 "):
                return
            time.sleep(0.02)
        raise Failed(f"nginx doesn't serve: {self.log.lines()[-1:]}")

    def settle(self):
        """Why it closed a connection, in its own words."""
        found = {}
        for line in self.log.lines():
            if match := self.line.fullmatch(line):
                found.setdefault(match[2], []).append(match[1])
        return found
