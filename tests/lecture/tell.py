"""
How the lecture is printed: chapters, calls with their numbers and sentences, what is only counted,
what the tools saw.
"""

import collections
import os
import re
import shlex
import shutil
import sys
import textwrap
from dataclasses import dataclass, field

from trace import Marks, Trace, spelt, subject
from words import Words

WIDTH = 100
SENTENCE = 8  # columns before a sentence
LOADER = {"brk", "mmap", "munmap", "mprotect", "access", "openat", "read", "pread64", "fstat",
          "close", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64", "readlink",
          "getrandom", "futex"}
COUNTED = ("socket", "bind", "listen", "accept4", "connect", "recvfrom", "read", "openat2",
           "sendto", "sendfile", "write", "epoll_create1", "epoll_ctl", "epoll_pwait", "poll", "pselect6",
           "shutdown", "close", "clone", "execve", "wait4")
COLOURS = {"bold": "1", "dim": "2", "server": "32", "client": "36", "inetd": "33", "error": "31"}


@dataclass
class Story:
    """A process that is told about."""

    role: str  # server, client, inetd
    program: str
    phase: str  # loader, setup, told
    before: list = field(default_factory=list)  # calls of the loader, or of the preparations
    cache: str = None  # where ld.so.cache is mapped


def begins(call):
    """(role, program) of what is executed, or None if it isn't of the lecture."""
    words = re.findall(r'"((?:[^"\\]|\\.)*)"', call.args)
    names = [os.path.basename(word) for word in words]
    if "client.py" in names:
        return "client", "client"
    if "inetd.py" in names:
        return "inetd", "inetd"
    return {"wwwd": ("server", "wwwd"), "curl": ("client", "curl"),
            "wget": ("client", "wget")}.get(names[0].removesuffix("-static"))


class Teller:
    def __init__(self, tongue, top, out=sys.stdout):
        self.words = Words(tongue)
        self.out = out
        self.top = str(top)
        self.width = min(WIDTH, max(80, shutil.get_terminal_size((WIDTH, 24)).columns))
        self.colour = (out.isatty() and not os.environ.get("NO_COLOR")
                       and os.environ.get("TERM") != "dumb")
        self.trace = Trace()
        self.marks = Marks()
        self.stories = {}  # pid -> Story
        self.number = 0    # of the last call that was listed
        self.chapters = 0
        self.unexplained = []
        self.counts = collections.Counter()  # (name, role)
        self.all = 0
        self.pids = False
        self.limit = 3
        self.shown = collections.Counter()  # (role, rule), in this chapter
        self.listed = set()  # rules, in the chapters before
        self.port = None     # of the client whose connection was accepted last
        self.began = None
        self.memory = []   # calls for memory and signals, in this chapter
        self.more = []     # calls that were like others, since the last that was listed

    # ---- text ----

    def paint(self, text, colour):
        return f"\033[{COLOURS[colour]}m{text}\033[0m" if self.colour else text

    def line(self, text=""):
        print(text.replace("\N{NO-BREAK SPACE}", " "), file=self.out)

    def wrapped(self, text, head=""):
        """The lines of a text behind a head."""
        return textwrap.wrap(text, self.width, initial_indent=head, break_on_hyphens=False,
                             subsequent_indent=" " * len(head))

    def say(self, key, **values):
        for line in self.wrapped(self.words.text(key, **values)):
            self.line(line)
        self.line()

    def heading(self, text):
        for line in "", self.paint(text, "bold"), "=" * len(text), "":
            self.line(line)

    def title(self):
        self.heading(self.words.text("title"))
        for key in "intro-what", "intro-lines", "intro-order":
            self.say(key)

    def chapter(self, key, pids=False, limit=3, **values):
        """
        Begins a chapter; with `pids` the processes of a role are told apart, and what isn't
        listed more than three times anyway is listed up to the `limit`.
        """
        self.close()
        self.chapters += 1
        self.heading(self.words.text("chapter", number=self.chapters, title=self.words.text(key)))
        self.say(key + "-text", **values)
        self.pids = pids
        self.limit = limit

    def close(self):
        """Ends a chapter."""
        for pid, calls in by_process(self.memory):
            self.fold("fold-memory", pid, calls)
        if self.memory:
            self.line()
        self.memory = []
        self.began = None
        self.listed |= {rule for _, rule in self.shown}
        self.shown.clear()

    def command(self, *words):
        text = " ".join(shlex.quote(str(word)) for word in words)
        for line in textwrap.wrap("$ " + text, self.width - 4, subsequent_indent="    ",
                                  break_on_hyphens=False, break_long_words=False):
            self.line("    " + self.paint(line, "bold"))

    def table(self, rows):
        """What a tool printed, with as narrow columns as there can be."""
        widths = [max(map(len, column)) for column in zip(*rows)]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths))
            self.line(("    " + "  ".join(cells)).rstrip()[:self.width])
        self.line()

    # ---- calls ----

    def who(self, pid):
        name = self.role(self.stories[pid].role)
        return f"{name} {pid}" if self.pids else name

    def role(self, role):
        return self.words.text("inetd-role" if role == "inetd" else role)

    def calls(self, lines, start=False):
        """Tells the calls of these lines of strace; or, at a `start`, only counts them."""
        calls = filter(self.follow, self.trace.calls(lines))
        if start:
            self.count_start(list(calls))
        else:
            for call in calls:
                self.tell(call)
            self.flush()
        self.line()

    def follow(self, call):
        """Is it a call of a process of the lecture, and not of its start?"""
        if call.family == "execve" and call.number == 0:
            found = begins(call)
            if found:
                self.stories[call.pid] = Story(*found, "loader")
            else:
                self.stories.pop(call.pid, None)
        elif call.family == "clone" and call.pid in self.stories and call.number > 0:
            parent = self.stories[call.pid]
            self.stories[call.number] = Story(parent.role, parent.program, "told")
        if call.pid not in self.stories:
            return False
        self.all += 1
        self.marks.add(call)
        return not self.prepares(call, self.stories[call.pid])

    def prepares(self, call, story):
        """Is it a call of the loader, or, of a client, one before its first socket?"""
        if call.family == "execve":
            return False
        if story.phase == "loader":
            if call.family == "mmap" and "/etc/ld.so.cache>" in call.args:
                story.cache = call.result
            ours = call.family in LOADER
            if ours:
                story.before.append(call)
            if ours and not (story.cache and call.args.startswith(story.cache + ",")
                             and call.family == "munmap"):
                return True
            self.prepared(call.pid, "fold-loader")
            story.phase = "told" if story.role == "server" else "setup"
            if ours:
                return True
        if story.phase == "setup":
            if not (call.family == "socket" and call.args.startswith("AF_INET")):
                story.before.append(call)
                return True
            self.prepared(call.pid, "fold-setup")
            story.phase = "told"
        return False

    def prepared(self, pid, key):
        story = self.stories[pid]
        calls, story.before = story.before, []
        if not calls:
            return
        self.flush()
        opened = {call.result.partition("<")[2] for call in calls
                  if call.family == "openat" and ".so" in call.args and not call.failed
                  and "ld.so.cache" not in call.args}
        self.fold(key, pid, calls, libraries=len(opened), program=story.program)

    def count_start(self, calls):
        """A start that has been told in another chapter."""
        for call in calls:
            self.counts[call.name, self.stories[call.pid].role] += 1
        for pid, made in by_process(calls):
            self.fold("fold-start", pid, made)

    def tell(self, call):
        story = self.stories[call.pid]
        self.counts[call.name, story.role] += 1
        rule, values = self.words.rule(subject(f"{story.role}:{story.program}", call))
        if rule and rule.most == 0:
            self.memory.append(call)
            return
        if rule:
            if call.family == "accept":
                self.port = values.get("port", self.port)
            self.shown[story.role, rule] += 1
            if self.shown[story.role, rule] > self.most(rule):
                self.more.append(call)
                return
        self.flush()
        self.show(call, self.words.sentence(rule, {"pid": call.pid, **values}) if rule else None)

    def most(self, rule):
        """How often a call is listed in this chapter."""
        most = rule.again if rule in self.listed else rule.most
        return most if most > 3 else min(most, self.limit)

    def show(self, call, sentence):
        self.number += 1
        self.began = self.began or call.time
        head = f"{self.number:4} {(call.time - self.began) * 1000:9.3f}  {self.who(call.pid)}  "
        parts = spelt(call, self.top, self.width - len(head))
        role = self.stories[call.pid].role
        colour = "error" if call.failed else role
        self.line(self.paint(head, "dim") + self.paint(parts[0], colour))
        for part in parts[1:]:
            self.line(" " * (len(head) + 4) + self.paint(part, colour))
        if sentence is None:
            self.unexplained.append(str(call))
            return
        for line in self.wrapped(sentence, " " * SENTENCE):
            self.line(line)

    def flush(self):
        """Counts what was like others."""
        more, self.more = self.more, []
        for pid, calls in by_process(more):
            self.fold("fold-more", pid, calls)

    def fold(self, key, pid, calls, **values):
        text = self.words.text(key, n=len(calls), names=self.names(calls), **values)
        for line in self.wrapped(text, f"{'...':>4} {'':9}  {self.who(pid)}  "):
            self.line(self.paint(line, "dim"))

    def names(self, calls):
        """The most frequent names, with the bytes that they moved where that says something."""
        found = collections.Counter(call.name for call in calls)
        said = []
        for name, count in found.most_common(6):
            moved = sum(call.number for call in calls if call.name == name and call.number > 0)
            text = f"{name} {count}"
            if name in ("read", "write", "recvfrom", "sendto", "sendfile") and count > 1:
                text += f" ({self.words.text('bytes', n=moved)})"
            said.append(text)
        rest = len(calls) - sum(count for _, count in found.most_common(6))
        if rest:
            said.append(self.words.text("others", n=rest))
        return ", ".join(said)

    def end(self):
        self.close()
        self.heading(self.words.text("end"))
        self.say("end-table")
        roles = "server", "client", "inetd"
        rows = [["", *map(self.role, roles)]]
        for name in COUNTED:
            if any(self.counts[name, role] for role in roles):
                rows.append([name, *(str(self.counts[name, role] or "-") for role in roles)])
        self.table(rows)
        self.say("end-numbers", all=self.all, listed=self.number)
        if self.counts["pselect6", "client"] and self.counts["poll", "client"] \
                and self.counts["poll", "server"] and self.counts["epoll_pwait", "server"]:
            self.say("end-waiting")
        self.say("end-try")


def by_process(calls):
    found = {}
    for call in calls:
        found.setdefault(call.pid, []).append(call)
    return found.items()
