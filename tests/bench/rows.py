"""The tables of the benchmark: what is measured, of whom, and what is asked of wwwd."""

from dataclasses import dataclass, field

import measure
from servers import HANDLERS, PROGRAMS, built

PAGE = {"path": "/1k.html"}
LARGE = "/1g.bin"
GIB = 1 << 30
IDLE = 10000

# The figures.
CPU = "CPU time a request, µs"
RATE = "requests a second"
SPEED = "GiB a second"
GROWN = "memory grown meanwhile, KiB"
EACH = "memory a connection, bytes"
WITHOUT = "p99 of a new request without them, µs"
AMONG = "p99 of a new request among them, µs"
CALLS = "system calls from main() to exit"
PRIVATE = "private memory, KiB"
SIZE = "size of the program, KiB"
MORE_IS_BETTER = (RATE, SPEED)


def cpu(server, seconds, **load):
    cpus = server.bench.client_cpus
    return {CPU: 1e6 * measure.wrk(server, seconds=seconds, cpus=cpus, **load).cpu}


def rate(server, seconds, **load):
    found = measure.wrk(server, seconds=seconds, **load)
    return {RATE: found.requests / found.seconds}


def large_file(server, _):
    speed, grown = measure.large_file(server, LARGE, GIB)
    return {SPEED: speed / GIB, GROWN: grown / 1024}


def idle(server, seconds):
    with server.again() as fresh:  # memory that a server keeps would hide in the next run
        each, without, among = measure.idle_connections(fresh, **PAGE, count=IDLE, seconds=seconds)
    return {EACH: each, WITHOUT: without * 1e6, AMONG: among * 1e6}


def costs(program, _):
    bench = program.bench
    path, empty = built(bench, program.name), built(bench, program.empty)
    command = [path, "-d", bench.site]
    calls = measure.calls_from_main(bench, command, empty, **PAGE)
    private = measure.private_memory(bench, command, LARGE)
    return {CALLS: calls, PRIVATE: private / 1024, SIZE: path.stat().st_size / 1024}


@dataclass
class Row:
    name: str
    title: str
    what: str  # of servers.start()'s
    function: object
    seconds: tuple  # of one load, and of a quick one
    servers: tuple
    load: dict = field(default_factory=dict)
    repeats: tuple = (1, 1)  # runs in a round, in turns, where other work on the machine shows
    ours: str = "wwwd"  # the one that the others are compared with


PEERS = ("lighttpd", "nginx", "nginx, cache")
OTHERS = ("busybox", "mini-httpd", "python")  # have no keep-alive
OTHER_HANDLERS = ("micro-httpd", "busybox")
CGI = {"path": "/cgi-bin/page", "resets": True}
CGI_PEERS = ("lighttpd", "busybox", "mini-httpd")

ROWS = (
    Row("keep-alive", "1 KiB, keep-alive, 32 connections", "listener",
        cpu, (2, 0.3), ("canned", "wwwd", "wwwd, log on", "wwwd, rules", *PEERS),
        PAGE | {"connections": 32}),
    Row("1,000", "1 KiB, keep-alive, 1,000 connections", "listener",
        cpu, (4, 1), ("canned", "wwwd", "lighttpd", "nginx, cache"),
        PAGE | {"connections": 1000}),
    Row("close", "1 KiB, Connection: close, 32 connections", "listener",
        cpu, (2, 0.3), ("canned, close", "wwwd", *PEERS, *OTHERS),
        PAGE | {"connections": 32, "close": True}),
    Row("100 KiB", "100 KiB, keep-alive, 32 connections", "listener",
        cpu, (2, 0.3), ("canned, 100 KiB", "wwwd", *PEERS),
        {"path": "/100k.jpg", "connections": 32}),
    Row("pipelined", "1 KiB, 16 connections on 8 pipelined requests each", "listener",
        cpu, (2, 0.3), ("canned", "wwwd", "lighttpd", "nginx, cache"),
        PAGE | {"connections": 16, "pipeline": 8}),
    Row("1 GiB", "1 GiB, one connection", "listener",
        large_file, (1, 1), ("wwwd", "lighttpd", "nginx"), repeats=(3, 1)),
    Row("idle", "10,000 idle keep-alive connections", "listener",
        idle, (1, 0.4), ("wwwd", "nginx")),
    Row("process", "1 KiB, a process each connection, two at a time", "handler",
        rate, (0.5, 0.3), tuple(HANDLERS),
        PAGE | {"connections": 2, "close": True}, repeats=(4, 1), ours="wwwd, static"),
    Row("programs", "CGI: a C program that writes 1 KiB, 8 connections", "cgi",
        rate, (1, 0.3), ("wwwd", *CGI_PEERS),
        CGI | {"connections": 8}, repeats=(2, 1)),
    Row("programs, close", "the same with Connection: close", "cgi",
        rate, (1, 0.3), ("wwwd", *CGI_PEERS),
        CGI | {"connections": 8, "close": True}, repeats=(2, 1)),
    Row("costs", "A process for one connection, log and confinement on", "program",
        costs, (1, 1), tuple(PROGRAMS)),
)


def over(row, other, server="wwwd"):
    """The figure of a server, divided by that of another one in the same row."""
    return lambda f: f(row, server) / f(row, other)


def over_best(row):
    return lambda f: f(row, "wwwd") / f.least(row, PEERS + OTHERS)


# f(row, server) is the median of a figure, the row's first one if none is named; f.least, f.most
# are the lowest and the highest median of several servers, f.highest the highest of all its runs.
BARS = (
    ("keep-alive ÷ canned answer", over("keep-alive", "canned"), "≤", 1.12),
    ("Connection: close ÷ canned answer", over("close", "canned, close"), "≤", 1),
    ("100 KiB ÷ canned answer", over("100 KiB", "canned, 100 KiB"), "≤", 0.9),
    ("keep-alive ÷ best peer", over_best("keep-alive"), "≤", 1),
    ("keep-alive, 1,000 connections ÷ best peer", over_best("1,000"), "≤", 1),
    ("Connection: close ÷ best peer", over_best("close"), "≤", 1),
    ("100 KiB ÷ best peer", over_best("100 KiB"), "≤", 0.95),
    ("pipelined ÷ best peer", over_best("pipelined"), "≤", 1),
    ("keep-alive, 1,000 connections ÷ 32",
     lambda f: f("1,000", "wwwd") / f("keep-alive", "wwwd"), "≤", 1.15),
    ("pipelined ÷ keep-alive",
     lambda f: f("pipelined", "wwwd") / f("keep-alive", "wwwd"), "≤", 0.6),
    ("1 GiB, throughput ÷ nginx with sendfile", over("1 GiB", "nginx"), "≥", 0.95),
    ("1 GiB, memory grown meanwhile, KiB",
     lambda f: f("1 GiB", "wwwd", GROWN), "≤", 64),
    ("10,000 idle, memory each, bytes",
     lambda f: f("idle", "wwwd"), "≤", 1024),
    ("10,000 idle, p99 among them ÷ highest without",
     lambda f: f("idle", "wwwd", AMONG) / f.highest("idle", "wwwd", WITHOUT), "≤", 1),
    ("keep-alive, log on ÷ off", over("keep-alive", "wwwd", "wwwd, log on"), "≤", 1.3),
    ("keep-alive, hosts, clean URLs, five patterns ÷ none",
     over("keep-alive", "wwwd", "wwwd, rules"), "≤", 1.05),
    ("process, static ÷ null handler, static",
     over("process", "null, static", "wwwd, static"), "≥", 0.9),
    ("process, dynamic ÷ null handler, dynamic",
     over("process", "null, dynamic", "wwwd, dynamic"), "≥", 0.85),
    ("process, static ÷ best other handler",
     lambda f: f("process", "wwwd, static") / f.most("process", OTHER_HANDLERS), "≥", 2),
    ("programs ÷ best peer",
     lambda f: f("programs", "wwwd") / f.most("programs", CGI_PEERS), "≥", 1),
    ("programs, Connection: close ÷ best peer",
     lambda f: f("programs, close", "wwwd") / f.most("programs, close", CGI_PEERS), "≥", 1),
    ("process, static, system calls", lambda f: f("costs", "wwwd, static", CALLS), "≤", 20),
    ("process, dynamic, system calls", lambda f: f("costs", "wwwd, dynamic", CALLS), "≤", 20),
    ("process, static, private memory, KiB",
     lambda f: f("costs", "wwwd, static", PRIVATE), "≤", 300),
    ("process, dynamic, private memory, KiB",
     lambda f: f("costs", "wwwd, dynamic", PRIVATE), "≤", 300),
    ("process, static, size, KiB", lambda f: f("costs", "wwwd, static", SIZE), "≤", 150),
)
