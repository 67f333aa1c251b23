"""The servers that are measured: how each is started, and how it is stopped."""

import contextlib
import os
import pwd
import re
import resource
from dataclasses import dataclass

from kit.connection import Connection, dial, request
from kit.run import Missing, Process, on_free_port, program

CONNECTIONS = 12000  # what each server must be able to hold
REQUESTS = 10**6  # on one connection, so that none closes it in the middle of a run
PAGE = b"The quick brown fox jumps over the lazy dog, and again, and on.\n" * 16  # as answer.h's
IDLE = 60  # seconds that an idle connection is kept


class Bench:
    """Where a run of the benchmark takes place; the connections are those of each worker."""

    def __init__(self, work, site, connections=CONNECTIONS, workers=1, idle=IDLE):
        self.work, self.site = work, site
        self.connections, self.workers, self.idle = connections, workers, idle
        # Listeners have one CPU; the many processes of a super-server have all.
        cpus = sorted(os.sched_getaffinity(0))
        self.all_cpus, self.server_cpus, self.client_cpus = set(cpus), {cpus[-1]}, {cpus[0]}
        # Servers run as nobody, so that root measures the same as everyone else does.
        self.user = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self.user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(work, nobody.pw_uid, nobody.pw_gid)


def built(bench, name):
    path = bench.work / name
    if not path.exists():
        raise Missing(f"{name} is not built")
    return path


def wwwd(bench, port, *more):
    return [built(bench, "wwwd"), "-d", bench.site, "-h", "127.0.0.1", "-p", port,
            "--workers", bench.workers, "--connections-max", bench.connections,
            "--requests-max", REQUESTS, "--idle-time", bench.idle, *more]


def nginx(bench, port, cache=""):
    work = bench.work / f"nginx-{port}"
    work.mkdir(mode=0o777)
    work.chmod(0o777)
    reuse = "reuseport" if bench.workers > 1 else ""
    (work / "conf").write_text(f"""
        daemon off;
        worker_processes {bench.workers};
        error_log {work}/error crit;
        pid {work}/pid;
        events {{ worker_connections {bench.connections}; }}
        http {{
            access_log off;
            sendfile on;
            tcp_nopush on;
            keepalive_requests {REQUESTS};
            keepalive_timeout {bench.idle};
            client_body_temp_path {work}/body;
            proxy_temp_path {work}/proxy;
            fastcgi_temp_path {work}/fastcgi;
            uwsgi_temp_path {work}/uwsgi;
            scgi_temp_path {work}/scgi;
            types {{ text/html html; image/jpeg jpg; }}
            {cache}
            server {{ listen 127.0.0.1:{port} {reuse}; root {bench.site}; }}
        }}
    """)
    return [program("nginx"), "-c", work / "conf", "-e", work / "error"]


def lighttpd(bench, port, more=""):
    conf = bench.work / f"lighttpd-{port}.conf"
    conf.write_text(f"""
        server.bind = "127.0.0.1"
        server.port = {port}
        server.document-root = "{bench.site}"
        server.max-worker = {bench.workers if bench.workers > 1 else 0}
        server.max-connections = {bench.connections}
        server.max-fds = {resource.getrlimit(resource.RLIMIT_NOFILE)[0]}
        server.max-keep-alive-requests = {REQUESTS}
        server.max-keep-alive-idle = {bench.idle}
        mimetype.assign = ( ".html" => "text/html", ".jpg" => "image/jpeg" )
        {more}
    """)
    return [program("lighttpd"), "-D", "-f", conf]


def tcpserver(bench, port, *handler):
    return [program("tcpserver"), "-RHq", "-l0", "-b128", "-c64", "127.0.0.1", port, *handler]


@dataclass
class Kind:
    command: object  # a function of the bench and a port
    note: str = ""


# The site is that of all hosts, and none of the patterns is that of a page.
RULES = ("--hosts", "--clean-urls", *(
    word for path in ("/assets/*", "/img/*.jpg", "/api/*", "*.js", "/private/*")
    for word in ("--header", f"{path} Cache-Control: max-age=86400")))

# Of each, logging off and one worker.
LISTENERS = {
    "canned": Kind(
        lambda b, p: [built(b, "canned"), p, "1024"], "an epoll loop: one read, one write"),
    "canned, close": Kind(lambda b, p: [built(b, "canned"), p, "1024", "close"]),
    "canned, 100 KiB": Kind(lambda b, p: [built(b, "canned"), p, "102400"]),
    "wwwd": Kind(lambda b, p: wwwd(b, p, "--quiet")),
    "wwwd, rules": Kind(lambda b, p: wwwd(b, p, "--quiet", *RULES, "-d", b.site.parent)),
    "wwwd, log on": Kind(lambda b, p: wwwd(b, p, "--log", b.work / "access.log")),
    "nginx": Kind(nginx, "sendfile on"),
    "nginx, cache": Kind(
        lambda b, p: nginx(b, p, "open_file_cache max=1000;"), "sendfile and open_file_cache on"),
    "lighttpd": Kind(lighttpd),
    "busybox": Kind(
        lambda b, p: [program("busybox"), "httpd", "-f", "-p", f"127.0.0.1:{p}", "-h", b.site],
        "a lower bound: the time of children that are never waited for is nowhere in /proc"),
    "mini-httpd": Kind(
        lambda b, p: [program("mini_httpd"), "-D", "-h", "127.0.0.1", "-p", p, "-d", b.site]),
    "python": Kind(
        lambda b, p: [program("python3"), "-m", "http.server", "-b", "127.0.0.1", "-d", b.site, p],
        "http.server, its log thrown away: it can't be turned off"),
}

MOD_CGI = """
        server.modules = ( "mod_cgi" )
        $HTTP["url"] =~ "^/cgi-bin/" { cgi.assign = ( "" => "" ) }
"""

# The same program, by CGI.
CGI = {
    "wwwd": Kind(lambda b, p: wwwd(b, p, "--quiet", "--cgi", "/cgi-bin/")),
    "lighttpd": Kind(lambda b, p: lighttpd(b, p, MOD_CGI), "mod_cgi"),
    "busybox": LISTENERS["busybox"],
    "mini-httpd": Kind(lambda b, p: [*LISTENERS["mini-httpd"].command(b, p), "-c", "cgi-bin/*"]),
}

# Under one and the same super-server.
HANDLERS = {
    "null, static": Kind(
        lambda b, p: tcpserver(b, p, built(b, "null-static")), "one read, one write, exit"),
    "wwwd, static": Kind(
        lambda b, p: tcpserver(b, p, built(b, "wwwd-static"), "-d", b.site, "--quiet")),
    "null, dynamic": Kind(
        lambda b, p: tcpserver(b, p, built(b, "null")), "the same, linked as wwwd is"),
    "wwwd, dynamic": Kind(lambda b, p: tcpserver(b, p, built(b, "wwwd"), "-d", b.site, "--quiet")),
    "micro-httpd": Kind(lambda b, p: tcpserver(b, p, program("micro-httpd"), b.site)),
    "busybox": Kind(
        lambda b, p: tcpserver(b, p, program("busybox"), "httpd", "-i", "-h", b.site)),
}

PROGRAMS = {
    "wwwd, static": ("wwwd-static", "empty-static"),
    "wwwd, dynamic": ("wwwd", "empty"),
}

VERSIONS = {
    "nginx": ["nginx", "-v"],
    "lighttpd": ["lighttpd", "-v"],
    "busybox": ["busybox"],
    "mini-httpd": ["mini_httpd", "-V"],
    "python": ["python3", "--version"],
}

NOT_MEASURED = "mini-httpd as a handler (has no inetd mode), althttpd and tipidee (not in Debian)"


class Server(Process):
    """One server at work, stopped when the block is left."""

    def __init__(self, bench, name, kind, cpus):
        self.bench, self.name, self.kind, self.cpus = bench, name, kind, cpus
        on_free_port(self.start)

    def again(self):
        return Server(self.bench, self.name, self.kind, self.cpus)

    def start(self, port):
        self.port = port
        super().__init__(*self.kind.command(self.bench, port), cwd=self.bench.work,
                         **self.bench.user, preexec_fn=lambda: os.sched_setaffinity(0, self.cpus))
        self.wait_until(self.serves, 3)

    def serves(self):
        """Whether it serves the page: the speed of an error says nothing."""
        with contextlib.suppress(OSError), Connection(dial(self.port), seconds=5) as connection:
            connection.send(request("/1k.html", "Connection: close"))
            while not connection.rest.endswith(PAGE) and connection.more():
                pass
            answer = connection.rest
            assert re.match(rb"HTTP/1.[01] 200 ", answer) and answer.endswith(PAGE), answer[:100]
            return True


@dataclass
class Program:
    """A program to be started for one connection, and an empty one that is linked alike."""

    bench: Bench
    name: str
    empty: str


def start(bench, stack):
    """All that there is to measure, by what it is and its name; why instead, where it can't be."""
    return {
        "listener": start_all(bench, stack, LISTENERS),
        "handler": start_all(bench, stack, HANDLERS, bench.all_cpus),
        "cgi": start_all(bench, stack, CGI, bench.all_cpus),
        "program": {name: Program(bench, *names) for name, names in PROGRAMS.items()},
    }


def start_all(bench, stack, kinds, cpus=None):
    servers = {}
    for name, kind in kinds.items():
        try:
            servers[name] = stack.enter_context(
                Server(bench, name, kind, cpus or bench.server_cpus))
        except (Missing, AssertionError, OSError) as error:
            servers[name] = error
    return servers
