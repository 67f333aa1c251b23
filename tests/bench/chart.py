"""The figures as bars: an SVG for a page, light or dark as the reader likes it."""

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
        "nginx": "nginx", "busybox httpd (at least)": "busybox"}),
    Panel("A picture of 100 KiB, connections kept", MICROSECONDS, "100 KiB", {
        "wwwd": "wwwd", "lighttpd": "lighttpd", "nginx, open_file_cache": "nginx, cache",
        "nginx": "nginx"}),
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


def draw(figures, about):
    lines, y = [text(20, 36, "What a request costs", "title")], 72
    for what in PANELS:
        more, y = panel(figures, what, y)
        lines += more
    for words in (*about, "Repeat it with: make bench"):
        lines.append(text(20, y, words, "faint small"))
        y += 16
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img">',
        "<title>wwwd's speed beside that of other web servers</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{y}" rx="8"/>',
        *lines, "</svg>", ""])
