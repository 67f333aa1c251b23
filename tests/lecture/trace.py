"""
What strace has written, as calls in the order of time, and how a call is spelt.

strace writes a line when a call is over, or two if something else happened between its beginning
and its end ("unfinished", "resumed"). A call that takes something in or waits (recvfrom, accept4,
epoll_wait) stands where it ended, any other where it began: so what one side sends stands before
what the other side receives.
"""

import re
from dataclasses import dataclass, field

FAMILIES = {
    "newfstatat": "fstat", "statx": "fstat", "stat": "fstat", "lstat": "fstat",
    "fstatat64": "fstat", "fstat64": "fstat",
    "epoll_pwait": "epoll_wait", "epoll_pwait2": "epoll_wait", "epoll_create1": "epoll_create",
    "accept4": "accept", "ppoll": "poll", "pselect6": "select", "_newselect": "select",
    "clock_nanosleep": "nanosleep", "clone3": "clone", "vfork": "clone", "fork": "clone",
    "dup2": "dup", "dup3": "dup", "getdents64": "getdents", "sendfile64": "sendfile",
    "signalfd4": "signalfd", "send": "sendto", "recv": "recvfrom", "fcntl64": "fcntl",
    "open": "openat", "mmap2": "mmap",
}
TAKING = {"epoll_wait", "poll", "select", "accept", "recvfrom", "recvmsg", "read", "wait4",
          "waitid", "nanosleep"}
LONG = 0.002  # seconds from which on a call is said to have waited

UNFINISHED = " <unfinished ...>"
LINE = re.compile(r"(\d+) +(\d+\.\d+) (.*)")
WHOLE = re.compile(r"(\w+)\((.*)\) += (.*?)(?: <(\d+\.\d+)>)?$", re.S)
STRING = re.compile(r'("(?:[^"\\]|\\.)*"(?:\.\.\.)?)')
DESCRIPTOR = re.compile(r"(AT_FDCWD|(?<![\w.])\d+)<((?:->|<[^<>]*>|[^<>])*)>")


@dataclass
class Call:
    pid: int
    name: str
    args: str
    result: str
    began: float
    ended: float
    line: int = 0            # where it stands, by the number of a line of strace
    marks: list = field(default_factory=list)

    @property
    def family(self):
        return FAMILIES.get(self.name, self.name)

    @property
    def taking(self):
        return self.family in TAKING

    @property
    def time(self):
        return self.ended if self.taking else self.began

    @property
    def failed(self):
        return self.result.startswith("-1 ")

    @property
    def number(self):
        """The result, where it is a number."""
        found = re.match(r"-?\d+", self.result)
        return int(found.group()) if found else -1

    def __str__(self):
        return f"{self.name}({self.args}) = {self.result}"


class Trace:
    """Lines in, calls out."""

    def __init__(self):
        self.count = 0
        self.open = {}  # pid -> what was unfinished: its text, when, at which line

    def calls(self, lines):
        """Those that are complete now, in their order."""
        found = []
        for text in lines:
            self.count += 1
            line = LINE.fullmatch(text)
            if not line:
                continue
            pid, when, rest = int(line.group(1)), float(line.group(2)), line.group(3)
            if rest.startswith(("+++", "---")):
                continue
            began, at, ended = when, self.count, None
            if rest.endswith(UNFINISHED):
                self.open[pid] = rest[:-len(UNFINISHED)], when, self.count
                continue
            if rest.startswith("<... "):
                head, began, at = self.open.pop(pid, ("", when, self.count))
                rest = head + rest.partition(" resumed>")[2]
                ended = when
            whole = WHOLE.fullmatch(rest)
            if not whole:
                continue
            name, args, result, took = whole.groups()
            ended = ended or began + float(took or 0)
            call = Call(pid, name, args, result.strip(), began, ended)
            call.line = self.count if call.taking else at
            found.append(call)
        return sorted(found, key=lambda call: call.line)


def outside(text, change):
    """Changes all but the strings."""
    return "".join(part if index % 2 else change(part)
                   for index, part in enumerate(STRING.split(text)))


# ---- how the sentences see a call ----

def thing(what):
    """A word for what strace says that a descriptor is."""
    if re.fullmatch(r"TCP(v6)?:\[.*->.*\]", what):
        return "connection"
    if re.fullmatch(r"TCP(v6)?:\[.*:\d+\]", what):
        return "listener"
    for word, beginning in (("socket", ("TCP", "socket")), ("unix", ("UNIX",)), ("pipe", ("pipe",)),
                            ("epoll", ("anon_inode:[eventpoll]",)),
                            ("signals", ("anon_inode:[signalfd]",)),
                            ("ruleset", ("anon_inode:[landlock",))):
        if what.startswith(beginning):
            return word
    return what.split("<")[0].replace(" ", "_")


def subject(who, call):
    """The call as the expressions of the file `calls` want it."""
    def name(found):
        return found.group(1) if found.group(1) == "AT_FDCWD" \
            else f"{found.group(1)}:{thing(found.group(2))}"

    text = outside(f"{call.family}({call.args}) = {call.result}",
                   lambda part: DESCRIPTOR.sub(name, part))
    return f"{who} {text} # {' '.join(call.marks)}"


class Marks:
    """What isn't in a call itself: how long it took, and what it was that epoll reported."""

    def __init__(self):
        self.watched = {}  # (pid, data) -> descriptor

    def add(self, call):
        if call.family == "epoll_ctl":
            found = re.match(r"\d+<.*?>, EPOLL_CTL_(\w+), (\d+)<((?:->|[^<>])*)>.*u64=(\d+)",
                             call.args)
            if found:
                self.watched[call.pid, found.group(4)] = f"{thing(found.group(3))}:{found.group(2)}"
        elif call.family == "epoll_wait":
            for data in re.findall(r"events=[^,}]+, data=\{u32=\d+, u64=(\d+)", call.args):
                call.marks.append("#" + self.watched.get((call.pid, data), "unknown:0"))
        elif call.family == "close":  # what has the number from now on is something else
            closed = re.match(r"\d+", call.args)
            for key, what in list(self.watched.items()):
                if closed and key[0] == call.pid and what.endswith(":" + closed.group()):
                    del self.watched[key]
        if call.ended - call.began >= LONG:
            call.marks.append(f"#slept={(call.ended - call.began) * 1000:.0f}")


# ---- how a person sees it ----

def without(top):
    """Leaves out of a call what says nothing: the folder we are in, 127.0.0.1 in < >, pointers."""
    def shorten(found):
        number, what = found.groups()
        if number == "AT_FDCWD":
            return number
        what = what.replace("127.0.0.1:", ":")
        if what.startswith(f"{top}/"):
            what = what[len(top) + 1:]
        return f"{number}<{what}>"

    def change(part):
        part = DESCRIPTOR.sub(shorten, part)
        part = re.sub(r"data=\{u32=\d+, u64=(\d+)\}", r"data={... u64=\1}", part)
        part = re.sub(r"(handled_access_fs=\w+\|\w+\|)[^,]*", r"\1...", part)
        part = re.sub(r"(sa_handler=SIG_IGN), sa_mask=[^}]*\}", r"\1, ...}", part)
        return re.sub(r"0x[0-9a-f]+ /\* (\d+ vars) \*/", r"... /* \1 */", part)
    return change


def cut(text, most):
    """Strings of so many characters at most, in strace's way."""
    def shorter(found):
        string = found.group(1)
        body = string[1:string.rindex('"')]
        # bytes that aren't text say nothing
        room = min(most, 40) if len(re.findall(r"\\[0-7]", body[:160])) > 8 else most
        if len(body) <= room:
            return string
        body = body[:room]
        # not in the middle of an escape such as \r or \377
        body = re.sub(r"(?<!\\)((?:\\\\)*)\\\d{0,2}$", r"\1", body)
        return f'"{body}"...'
    return STRING.sub(shorter, text)


def spelt(call, top, room, lines=4):
    """The call in so many lines at most, if cutting its strings can do that."""
    text = outside(str(call), without(top))
    # of a long list of descriptors the first two and the last
    one = r"\{fd=[^{}]*\}, "
    text = re.sub(rf"(\[{one}{one})(?:{one})+(\{{fd=)", r"\1... \2", text)
    for most in (400, 240, 160, 120, 90, 60, 50, 40):
        parts = wrap(cut(text, most), room)
        if len(parts) <= lines:
            break
    return parts


def wrap(text, room):
    """Lines of the room; further ones are four columns shorter. Breaks where there is a blank."""
    parts = []
    while len(text) > room:
        at = text.rfind(" ", 0, room + 1)
        if at < room // 2:
            at = room
        parts.append(text[:at].rstrip(" "))
        text = text[at:].lstrip(" ")
        room -= 4 if len(parts) == 1 else 0
    return parts + [text]
