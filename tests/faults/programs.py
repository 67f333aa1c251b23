"""Programs and passwords while a call fails: in the loop, the broker, a connection's own process."""

import base64
import os
import re
from pathlib import Path

from kit.check import same, until
from kit.connection import request
from process import Loop

SCRIPT = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s:' \"$CONTENT_LENGTH\"; cat; echo oh >&2\n"
ELSEWHERE = "#!/bin/sh\nprintf 'Location: /small.txt\\n\\n'\n"
# ada's password is "secret"
USERS = "ada:$5$rounds=1000$wwwdwwwd$%s\n"
HASH = "zWV2dCLVAQw2qA8u4Cowgs5Cr309d459pKP0X8uKGL/"
WORD = "Authorization: Basic " + base64.b64encode(b"ada:secret").decode()
SMALL = b"a small file\n" * 10

# What is asked, and the right body.
TALKS = {
    "get": (request("/programs/echo", host="test"), b":"),
    "post": (request("/programs/echo", "Content-Length: 5", method="POST", host="test", body=b"hello"),
             b"5:hello"),
    "chunks": (request("/programs/echo", "Transfer-Encoding: chunked", method="POST", host="test",
                       body=b"5\r\nhello\r\n0\r\n\r\n"), b"5:hello"),
    "redirect": (request("/programs/elsewhere", host="test"), SMALL),
    "password": (request("/closed/small.txt", WORD, host="test"), SMALL),
    "both": (request("/closed/programs", WORD, host="test"), SMALL),
}
# What a call may fail with, beside what the tables of `run` say.
ERRORS = {
    "chdir": "EACCES EIO",
    "clone": "EAGAIN ENOMEM",
    "dup2": "EINTR EMFILE",
    "execve": "ENOMEM EACCES ENOENT",
    "fchdir": "EACCES EIO",
    "fopen": "ENOMEM EMFILE EIO",
    "fork": "EAGAIN ENOMEM",
    "pipe2": "EMFILE ENFILE",
    "ppoll": "EINTR ENOMEM",
    "recvmsg": "EINTR EAGAIN ENOMEM",
    "sendmsg": "EAGAIN EPIPE ENOBUFS",
    "socketpair": "EMFILE ENOMEM",
    "waitpid": "EINTR",
}


class Programs:
    PART = "programs"

    def __init__(self, program, errors_of):
        self.program, self.errors_of = program, errors_of

    def prepare(self):
        site = self.program.site
        for name, text in (("programs/echo", SCRIPT), ("programs/elsewhere", ELSEWHERE),
                           ("closed/programs", ELSEWHERE)):
            (site / name).parent.mkdir(exist_ok=True)
            (site / name).write_text(text)
            (site / name).chmod(0o755)
        (site / "closed/small.txt").write_bytes(SMALL)
        self.users = self.program.top / "users"
        self.users.write_text(USERS % HASH)

    def restart(self):
        self.server = Loop(self.program, "--cgi", "/programs/", "--cgi",
                           f"/closed/programs={self.program.site}/closed/programs",
                           "--auth", f"/closed={self.users}", "--idle-time", "0.1")
        pid = self.server.child.pid
        self.broker = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
        self.clean()
        self.held = self.holds()

    def holds(self):
        """Descriptors of the loop and of the broker, without the processes that they start."""
        return [len(os.listdir(f"/proc/{pid}/fd")) for pid in (self.server.child.pid, self.broker)]

    def talk(self, talk):
        """The status, 0 where the connection has ended within the response, and whether it is right."""
        asked, wanted = TALKS[talk]
        with self.server.connect() as line:
            line.send(asked.replace(b"Host: test\r\n", b"Host: test\r\nConnection: close\r\n"))
            heard = line.everything()
        return self.judge(heard, wanted)

    def talk_twice(self, talk):
        """The second time the process that served the first one may serve it."""
        return [self.talk(talk), self.talk(talk)]

    @staticmethod
    def judge(heard, wanted):
        head, _, body = heard.partition(b"\r\n\r\n")
        status = int(head[9:12] or 0)
        if b"Transfer-Encoding: chunked" in head:
            whole, body = body.endswith(b"0\r\n\r\n"), b"".join(
                re.findall(rb"(?:^|\r\n)[0-9a-f]+\r\n(.*?)(?=\r\n)", body, re.S))
        else:
            length = re.search(rb"Content-Length: (\d+)", head)
            whole = bool(length) and int(length[1]) == len(body)
        return (status if whole else 0), body == wanted

    def clean(self):
        for talk in TALKS:
            same((talk, self.talk(talk)), (talk, (200, True)))

    def case(self, talk, fault):
        faults = self.program.faults
        faults.arm(fault.rule())
        try:
            found = self.talk_twice(talk)
            reached = faults.counts().get(fault.call, 0) >= fault.nth
        finally:
            faults.disarm()
        for status, right in found:
            # a program that reads no more of its input than this is right to answer
            assert right or status != 200 or fault.call == "write", found
            assert status == 200 or status >= 500 or status in (0, 403, 404), found
        assert not self.server.child.ended(), "the server is gone"
        os.kill(self.broker, 0)
        self.clean()
        until(lambda: [now <= then for now, then in zip(self.holds(), self.held)], all, 5, 0.01)
        return reached

    def faults(self, talk):
        self.program.faults.arm()
        self.talk_twice(talk)
        until(lambda: len(self.children()), 0, 5, 0.01)
        self.program.faults.disarm()
        return self.errors_of(self.program.faults.counts(), ERRORS)

    def children(self):
        return Path(f"/proc/{self.broker}/task/{self.broker}/children").read_text().split()

    def run(self, tally):
        self.prepare()
        self.restart()
        for talk in TALKS:
            for fault in self.faults(talk):
                if not tally.check(self.PART, f"{talk}:{fault}", lambda: self.case(talk, fault),
                                   fault.kind()):
                    self.program.end_all()
                    self.restart()
            tally.progress(self.PART)
        self.server.stop()
