#!/usr/bin/env python3
"""
filter.py COMPILER RUN LOG [TRACE]: what the seccomp filter in LOG (which dump.c wrote) lets through, call
by call, on the processor that COMPILER builds for: by the numbers that its kernel's headers have, not by
those that wwwd was built with. RUN is a shell command that runs a program of that processor. The calls of
TRACE (of qemu -strace) from the first epoll_pwait on have to be let through too.

The tables below say by name what the event loop may call. Says "N passed, N failed, 0 skipped".
"""

import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

EPERM = 0x00050000 | 1  # SECCOMP_RET_ERRNO
ALLOW = 0x7FFF0000

# On all processors that have them.
CALLS = """epoll_pwait recvfrom openat2 openat close pread64 accept4 epoll_ctl shutdown write getdents64
    readlinkat munmap mremap madvise brk read getsockopt setsockopt writev dup3 futex restart_syscall
    exit_group getpid pwritev2 send recv""".split()
# Where a long has 64 bits, and where it has 32.
LONG = "newfstatat fstat sendfile fcntl clock_gettime lseek ppoll".split()
WIDE = "fstatat64 statx sendfile64 fcntl64 clock_gettime64 _llseek ppoll_time64".split()
# Those whose arguments count.
CHECKED = ["sendto", "mmap", "mmap2", "socketcall"]
# What must not be there on any processor, whatever the tables above say.
NEVER = """execve execveat connect socket bind listen mprotect ptrace kill tgkill clone clone3 fork vfork
    unlink unlinkat rename renameat renameat2 mkdir mkdirat creat truncate ftruncate ftruncate64 chmod fchmod
    setuid setuid32 io_uring_setup io_uring_enter process_vm_writev pidfd_getfd sendmsg sendmmsg wait4 ioctl
    open prctl seccomp bpf""".split()
# Of socketcall(2), by linux/net.h: those that it hides behind its number.
SOCKETCALLS = {"send": 9, "recv": 10, "sendto": 11, "recvfrom": 12, "shutdown": 13, "setsockopt": 14,
               "getsockopt": 15, "sendmsg": 16, "accept4": 18}
SOCKETCALL_MOST = 20

PROGRAM = """#include <asm/unistd.h>
#include <linux/audit.h>
#include <stdio.h>
int main(void) {
%s
#ifdef __s390x__
	puts("mmap_in_memory 1");
#endif
	printf("arch %%ld\\nbig %%d\\n", (long)%s, __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}
"""
ARCHITECTURES = {"__x86_64__": "X86_64", "__i386__": "I386", "__aarch64__": "AARCH64", "__arm__": "ARM",
                 "__riscv": "RISCV64", "__powerpc64__": "PPC64LE", "__s390x__": "S390X"}


def ask_headers(compiler, run):
    """The numbers of all calls, and what else the headers say, by a program of that processor."""
    macros = subprocess.run([*compiler.split(), "-E", "-dM", "-xc", "-"], text=True, check=True,
                            input="#include <asm/unistd.h>\n", capture_output=True).stdout
    names = re.findall(r"^#define __NR_([a-z_0-9]+) ", macros, re.M)
    architecture = next(name for macro, name in ARCHITECTURES.items() if f"#define {macro} " in macros)
    lines = "".join(f'\tprintf("call {name} %ld\\n", (long)__NR_{name});\n' for name in names)
    with tempfile.TemporaryDirectory() as place:
        program = Path(place, "numbers")
        subprocess.run([*compiler.split(), "-static", "-o", program, "-xc", "-"], text=True, check=True,
                       input=PROGRAM % (lines, f"AUDIT_ARCH_{architecture}"))
        said = subprocess.run(f"{run} {program}", shell=True, text=True, check=True,
                              capture_output=True).stdout
    facts = dict(re.findall(r"^(\w+) (-?\d+)$", said, re.M))
    numbers = {name: int(number) for name, number in re.findall(r"^call (\w+) (\d+)$", said, re.M)}
    return numbers, int(facts["arch"]) & 0xFFFFFFFF, facts["big"] == "1", "mmap_in_memory" in facts


def run_filter(steps, data):
    """The verdict, by the few instructions that a filter of wwwd has; `data` as the kernel lays it out."""
    at = accumulator = 0
    while True:
        code, jump_true, jump_false, k = steps[at]
        at += 1
        if code == 0x20:  # BPF_LD | BPF_W | BPF_ABS
            accumulator = data[k]
        elif code == 0x54:  # BPF_ALU | BPF_AND | BPF_K
            accumulator &= k
        elif code == 0x15:  # BPF_JMP | BPF_JEQ | BPF_K
            at += jump_true if accumulator == k else jump_false
        elif code == 0x06:  # BPF_RET | BPF_K
            return k
        else:
            raise ValueError(f"step {at - 1}: {code:#x}")


class Filter:
    def __init__(self, steps, arch, big):
        self.steps, self.arch, self.order = steps, arch, ">" if big else "<"

    def allows(self, number, arguments=(), arch=None):
        """Whether the call is let through; struct seccomp_data is {int nr; u32 arch; u64 ip, args[6]}."""
        values = (list(arguments) + [0] * 6)[:6]
        raw = struct.pack(self.order + "II7Q", number, self.arch if arch is None else arch, 0, *values)
        words = struct.unpack(self.order + f"{len(raw) // 4}I", raw)
        verdict = run_filter(self.steps, {4 * i: word for i, word in enumerate(words)})
        if verdict not in (ALLOW, EPERM):
            raise ValueError(f"call {number}: verdict {verdict:#x}")
        return verdict == ALLOW


def judge(steps, numbers, arch, big, mmap_in_memory):
    """Each row: what is asked, and whether it is as it should be."""
    check = Filter(steps, arch, big)
    wide = "fcntl64" in numbers
    wanted = {name for name in CALLS + (WIDE if wide else LONG) if name in numbers}
    lacking = [name for name in (WIDE if wide else LONG) if name not in numbers]
    yield f"the headers have {' '.join(lacking) or 'the calls of this size'}", not lacking
    for name, number in sorted(numbers.items()):
        if name not in CHECKED:
            yield f"{name} ({number})", check.allows(number) == (name in wanted)
            yield f"{name}, all arguments", check.allows(number, [2**64 - 1] * 6) == (name in wanted)
    for name in NEVER:
        if name in numbers:
            yield f"never {name}", not check.allows(numbers[name])
    known = set(numbers.values())
    others = [n for n in [*range(1024), 2**30, 2**30 + 1, 2**32 - 1] if n not in known]
    yield "no number without a name", not any(check.allows(n) for n in others)
    yield "of no other processor", not any(check.allows(n, arch=arch ^ 1) for n in range(1024))

    # sendto(fd, bytes, size, flags, address, its size): without an address only
    sendto = numbers.get("sendto")
    if sendto is not None:
        yield "sendto without an address", check.allows(sendto, [9, 1, 1, 0, 0, 0])
        yield "sendto with one", not check.allows(sendto, [9, 1, 1, 0, 1, 16])
        yield "sendto, the lower half", check.allows(sendto, [9, 1, 1, 0, 0, 16 << 32])
    # mmap(address, size, protection, ...)
    name = "mmap2" if wide else "mmap"
    for protection, good in ((3, True), (7, False), (4, False), (5, False), (3 | 4 << 32, True)):
        seen = check.allows(numbers[name], [0, 4096, protection, 34, 2**64 - 1, 0])
        yield f"{name} with protection {protection:#x}", seen == (good or mmap_in_memory)
    if wide and "mmap" in numbers:
        yield "not the old mmap", not check.allows(numbers["mmap"], [0, 4096, 3])
    if "socketcall" in numbers:
        for number in range(SOCKETCALL_MOST + 3):
            good = number in SOCKETCALLS.values()
            yield f"socketcall {number}", check.allows(numbers["socketcall"], [number, 1]) == good


def traced(path, names_of):
    """The names of the calls of the event loop, as qemu says them."""
    said = re.findall(r"^\d+ (?:([a-z_]\w+)\(|Unknown syscall (\d+))", path.read_text(errors="replace"),
                      re.M)
    names = [name or names_of[int(number)] for name, number in said]
    return sorted(set(names[names.index("epoll_pwait"):]))


def main():
    compiler, run, log, *trace = sys.argv[1:]
    numbers, arch, big, mmap_in_memory = ask_headers(compiler, run)
    steps = [tuple(map(int, words)) for words in
             re.findall(r"^step (\d+) (\d+) (\d+) (\d+)$", Path(log).read_text(errors="replace"), re.M)]
    rows = list(judge(steps, numbers, arch, big, mmap_in_memory)) if steps else [("a filter", False)]
    names_of = {number: name for name, number in numbers.items()}
    for path in trace:
        check = Filter(steps, arch, big)
        rows += [(f"the loop calls {name}", name in CHECKED or check.allows(numbers[name]))
                 for name in traced(Path(path), names_of)]
    failed = [name for name, good in rows if not good]
    for name in failed:
        print(f"FAILED: {name}")
    print(f"{len(rows) - len(failed)} passed, {len(failed)} failed, 0 skipped")
    sys.exit(bool(failed))


main()
