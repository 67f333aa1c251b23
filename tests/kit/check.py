"""A tally of checks, and what their assertions are made of."""

import contextlib
import time


class Tally:
    """with tally.check("name"): passes unless something is raised."""

    def __init__(self, quiet=False):
        self.passed = self.failed = self.skipped = 0
        self.began = time.monotonic()
        self.quiet = quiet  # only failures are printed

    @contextlib.contextmanager
    def check(self, name, *details):
        began = time.monotonic()
        try:
            yield
        except Exception as error:  # any exception in a check is its failure
            self.fail(f"{name}: {type(error).__name__}: {error}", *details)
        else:
            self.passed += 1
            if not self.quiet:
                print(f"ok   {name} ({time.monotonic() - began:.1f} s)", flush=True)

    def expect(self, name, good, *details):
        if good:
            self.passed += 1
        else:
            self.fail(name, *details)

    def same(self, name, got, wanted):
        self.expect(name, got == wanted, f"{got!r}, not {wanted!r}")

    def fail(self, *lines):
        self.failed += 1
        print("FAIL " + "\n     ".join(map(str, lines)), flush=True)

    def skip(self, name, why, count=1):
        self.skipped += count
        print(f"skip {name}: {why}", flush=True)

    def seconds(self):
        return time.monotonic() - self.began

    def end(self):
        """Prints the line that tests/run reads; the exit status of the suite."""
        print(f"# {self.seconds():.0f} s")
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed or not self.passed + self.skipped else 0


def same(got, wanted):
    assert got == wanted, f"{got!r}, not {wanted!r}"


def until(get, good=bool, seconds=10, pause=0.05):
    """Waits until get() is that value, or what that function says is good; returns it."""
    end = time.monotonic() + seconds
    while True:
        got = get()
        if good(got) if callable(good) else got == good:
            return got
        assert time.monotonic() < end, f"{got!r} after {seconds} s"
        time.sleep(pause)
