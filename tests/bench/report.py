"""The figures, and how they are shown to a person and to a program."""

import os
import re
import statistics
import subprocess
from pathlib import Path

from kit.run import Missing, program
from rows import BARS, MORE_IS_BETTER, ROWS
from servers import HANDLERS, LISTENERS, NOT_MEASURED, VERSIONS


class Figures:
    def __init__(self):
        self.runs = {}  # (row, server) -> {figure -> [a run's, ...]}
        self.failed = {}  # (row, server) -> why there are none

    def add(self, row, server, found):
        if (row, server) not in self.failed:
            for figure, value in found.items():
                self.runs.setdefault((row, server), {}).setdefault(figure, []).append(value)

    def fail(self, row, server, why):
        self.failed[row, server] = why
        self.runs.pop((row, server), None)

    def names(self, row, server):
        return list(self.runs.get((row, server), ()))

    def all(self, row, server, figure=None):
        figures = self.runs[row, server]  # a KeyError says that there are none
        return figures[figure or next(iter(figures))]

    def __call__(self, row, server, figure=None):
        return statistics.median(self.all(row, server, figure))

    def highest(self, row, server, figure):
        return max(self.all(row, server, figure))

    def measured(self, row, servers):
        return [self(row, server) for server in servers if (row, server) in self.runs]

    def least(self, row, servers):
        return min(self.measured(row, servers))

    def most(self, row, servers):
        return max(self.measured(row, servers))


def number(value):
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def tables(figures):
    yield f"{'':<24}{'median':>10} {'lowest':>10} {'highest':>10}"
    for row in ROWS:
        measured = [server for server in row.servers if (row.name, server) in figures.runs]
        for figure in figures.names(row.name, measured[0]) if measured else ():
            better = "more" if figure in MORE_IS_BETTER else "less"
            yield f"\n{row.title}: {figure}, {better} is better"
            yield from (line(figures, row, server, figure) for server in measured)
        for server in row.servers:
            if (row.name, server) in figures.failed:
                yield f"    {server}: no figure: {figures.failed[row.name, server]}"


def line(figures, row, server, figure):
    runs = figures.all(row.name, server, figure)
    median = figures(row.name, server, figure)
    text = f"    {server:<20}{number(median):>10} {number(min(runs)):>10} {number(max(runs)):>10}"
    if server != row.ours and (row.name, row.ours) in figures.runs and median > 0:
        ratio = figures(row.name, row.ours, figure) / median
        text += f"   {row.ours} is {number(ratio)} × that"
    return text


def notes():
    yield "\nnotes"
    for kinds in (LISTENERS, HANDLERS):
        for name, kind in kinds.items():
            if kind.note:
                yield f"    {name}: {kind.note}"
    yield f"    not here: {NOT_MEASURED}"


def bars(figures):
    yield f"\n{'what is asked of wwwd':<48} {'figure':>8}   bar"
    verdicts = []
    for text, value, sense, limit in BARS:
        try:
            found = value(figures)
        except (KeyError, ValueError):  # something that it takes isn't there
            met, shown = False, "none"
        else:
            met, shown = found <= limit if sense == "≤" else found >= limit, number(found)
        verdicts.append(met)
        yield f"  {text:<46} {shown:>8}   {sense} {limit:<6g} {'met' if met else 'NOT met'}"
    yield f"{sum(verdicts)} of {len(verdicts)} met"


def machine():
    """What it was measured on."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    kernel = re.match(r"[\d.]+", os.uname().release)
    return f"{model[1] if model else os.uname().machine}, {os.cpu_count()} CPUs, Linux {kernel[0]}"


def versions():
    """The peers that say which version they are."""
    for name, command in VERSIONS.items():
        try:
            said = subprocess.run([program(command[0]), *command[1:]], capture_output=True,
                                  text=True, check=False)
        except Missing:
            continue
        yield f"{name} {re.search(r'[0-9]+(?:[.][0-9]+)+', said.stdout + said.stderr)[0]}"


def tsv(figures, about):
    """A line for each server at each work, below one that says which figures they have at most."""
    for said in about:
        yield f"# {said}"
    head = []
    for (row, server), found in figures.runs.items():
        if head[:len(found)] != list(found):
            head = list(found)
            columns = (name for figure in head for name in (figure, "lowest", "highest"))
            yield "\t".join(("work", "server", "runs", *columns))
        values = (f"{of(runs):.6g}" for runs in found.values()
                  for of in (statistics.median, min, max))
        yield "\t".join((row, server, str(max(map(len, found.values()))), *values))
