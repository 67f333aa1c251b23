"""The figures as bars and as curves: an SVG for a page, light or dark as the reader likes it."""

import math
from dataclasses import dataclass
from html import escape

from report import number

WIDTH, LEFT, RIGHT = 720, 200, 90  # of the picture; of its column of names; of the longest value
BAR, STEP = 16, 23

STYLE = """
    svg { --paper: #fff; --ink: #1d2430; --faint: #667085; --ours: #0b7a75; --theirs: #b6bfcc;
          --floor: #e2e6ec; font: 13px system-ui, sans-serif }
    @media (prefers-color-scheme: dark) {
        svg { --paper: #14181f; --ink: #e8ebf0; --faint: #98a2b3; --ours: #2fc4b2;
              --theirs: #56617a; --floor: #323a49 }
    }
    .paper { fill: var(--paper) } text { fill: var(--ink) } .faint { fill: var(--faint) }
    .ours { fill: var(--ours) } .theirs { fill: var(--theirs) } .floor { fill: var(--floor) }
    .title { font-size: 20px; font-weight: 600 } .head { font-size: 15px; font-weight: 600 }
    .small { font-size: 11px } .bold { font-weight: 600 }
    .line { fill: none; stroke-width: 2 } .line.ours { stroke: var(--ours) }
    .line.theirs { stroke: var(--theirs) } .grid { stroke: var(--floor) }
    .second { stroke-dasharray: 5 3 } .end { text-anchor: end } .middle { text-anchor: middle }
"""


@dataclass
class Panel:
    head: str
    scale: str
    row: str
    bars: dict  # the servers, by the names that a reader knows


MICROSECONDS = "CPU time of the server, µs a request: shorter is better"
PANELS = (
    Panel("A page of 1 KiB, connections kept", MICROSECONDS, "keep-alive", {
        "wwwd": "wwwd", "lighttpd": "lighttpd", "nginx, open_file_cache": "nginx, cache",
        "nginx": "nginx", "a canned answer": "canned"}),
    Panel("A page of 1 KiB, a new connection each", MICROSECONDS, "close", {
        "wwwd": "wwwd", "lighttpd": "lighttpd", "nginx, open_file_cache": "nginx, cache",
        "nginx": "nginx", "busybox httpd (at least)": "busybox",
        "a canned answer": "canned, close"}),
    Panel("A picture of 100 KiB, connections kept", MICROSECONDS, "100 KiB", {
        "wwwd": "wwwd", "lighttpd": "lighttpd", "nginx, open_file_cache": "nginx, cache",
        "nginx": "nginx", "a canned answer": "canned, 100 KiB"}),
    Panel("A process for each connection, under tcpserver",
          "pages of 1 KiB a second: longer is better", "process", {
              "wwwd, static": "wwwd, static", "wwwd": "wwwd, dynamic",
              "micro-httpd": "micro-httpd", "busybox httpd": "busybox",
              "a canned answer": "null, static"}),
)


def kind(server):
    if server.startswith("wwwd"):
        return "ours"
    return "floor" if server.startswith(("canned", "null")) else "theirs"


def text(x, y, words, style=""):
    return f'<text x="{x}" y="{y}" class="{style}">{escape(words)}</text>'


def panel(figures, what, y):
    """The lines of a panel, and where the next one begins."""
    lines = [text(20, y, what.head, "head"), text(20, y + 17, what.scale, "faint")]
    y += 28
    found = {name: figures(what.row, server) for name, server in what.bars.items()
             if (what.row, server) in figures.runs}
    for name, value in found.items():
        style = kind(what.bars[name])
        length = value / max(found.values()) * (WIDTH - LEFT - RIGHT)
        weight = "bold" if style == "ours" else ""
        lines += [
            text(20, y + 13, name, weight),
            f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2" class="{style}"/>',
            text(f"{LEFT + length + 8:.1f}", y + 13, number(value), weight),
        ]
        y += STEP
    return lines, y + 27


def picture(title, lines, y):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img">',
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{y}" rx="8"/>',
        *lines, "</svg>", ""])


def notes(about, command, y):
    words = (*about, f"Repeat it with: {command}")
    return [text(20, y + 16 * i, line, "faint small") for i, line in enumerate(words)], \
        y + 16 * len(words)


def draw(figures, about):
    lines, y = [text(20, 36, "What a request costs", "title")], 72
    for what in PANELS:
        more, y = panel(figures, what, y)
        lines += more
    more, y = notes(about, "make bench", y)
    return picture("wwwd's speed beside that of other web servers", lines + more, y)


# Curves

PLOT, HIGH = 270, 90  # the width and the height of a plot, of which two are beside each other
DASHED = ("lighttpd",)


@dataclass
class Curves:
    head: str
    points: tuple
    log: bool  # the scale of the figures
    servers: dict  # of each, by what was measured: a figure or None for each point


def short(n):
    for base, units in ((1024, "KMG"), (1000, "kMG")):
        power = 0
        while n and n % base == 0 and power < 3:
            n, power = n // base, power + 1
        if power:
            return f"{n}{units[power - 1]}"
    return str(n)


def plot(curves, what, x, y):
    """One figure of all servers; each point has the same room."""
    found = {name: figures[what] for name, figures in curves.servers.items()}
    known = [v for values in found.values() for v in values if v]
    if not known:
        return []
    top = max(known)
    bottom = min(known) / 2 if curves.log else 0

    def place(i, value):
        part = (math.log(value / bottom) / math.log(top / bottom) if curves.log
                else value / top)
        return x + PLOT * i / (len(curves.points) - 1), y + HIGH * (1 - part)

    lines = [f'<path d="M{x} {y + HIGH}h{PLOT}M{x} {y}h{PLOT}" class="grid"/>',
             text(x - 6, y + 4, number(top), "end small faint"),
             text(x - 6, y + HIGH + 4, number(bottom) if curves.log else "0", "end small faint")]
    for i, point in enumerate(curves.points):
        at = f"{place(i, top)[0]:.0f}"
        lines.append(text(at, y + HIGH + 17, short(point), "middle small faint"))
    for name in sorted(found, key=kind, reverse=True):  # ours is drawn last, above the others
        at = [(*place(i, v), v) for i, v in enumerate(found[name]) if v]
        style = f"line {kind(name)}{' second' if name in DASHED else ''}"
        lines.append(f'<polyline points="{" ".join(f"{a:.1f},{b:.1f}" for a, b, _ in at)}" '
                     f'class="{style}"/>')
        for (a, b, value), side in zip((*at[:1], *at[-1:]), ("", " end")):
            if kind(name) == "ours":
                lines += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" class="ours"/>',
                          text(f"{a:.1f}", f"{b - 7:.1f}", number(value), "small bold" + side)]
    return lines


def draw_curves(panels, figures, about):
    lines, y = [text(20, 36, "What a request costs as other things grow", "title")], 62
    names = list(panels[0].servers)
    for i, name in enumerate(names):
        style = f"line {kind(name)}{' second' if name in DASHED else ''}"
        lines += [f'<path d="M{20 + 110 * i} {y - 4}h24" class="{style}"/>',
                  text(50 + 110 * i, y, name, "bold" if kind(name) == "ours" else "")]
    y += 34
    for curves in panels:
        scale = ", logarithmic" if curves.log else ""
        lines.append(text(20, y, curves.head, "head"))
        for i, what in enumerate(figures):
            x = 70 + i * (PLOT + 75)
            lines += [text(x, y + 18, what + scale, "small faint"),
                      *plot(curves, what, x, y + 38)]
        y += HIGH + 90
    more, y = notes(about, "make bench-curves", y)
    return picture("What a request costs wwwd, nginx and lighttpd as other things grow",
                   lines + more, y)
