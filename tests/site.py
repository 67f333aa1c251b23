#!/usr/bin/python3
"""A site of ten thousand pages, made by Hugo, at its clean URLs: a crawler finds no broken link.

A second host beside it shares nothing but the process. $WWWD names the program, ./wwwd otherwise.
Says "N passed, N failed" at the end.
"""

import html
import re
import subprocess
import sys
from urllib.parse import unquote, urljoin, urlsplit

sys.dont_write_bytecode = True
from kit.check import Tally
from kit.connection import Connection, dial
from kit.run import Server, folder, interruptible, make_files

PAGES, SECTIONS = 10000, 50
FIRST, SECOND = "first.example", "second.example"

CONFIG = """
title = "%s"
baseURL = "/"
uglyURLs = true
disableKinds = ["taxonomy", "term", "RSS", "sitemap", "404"]
"""
LAYOUT = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>{{ .Title }} - {{ .Site.Title }}</title>
<link rel="stylesheet" href="/style.css">
<nav><a href="/">{{ .Site.Title }}</a> <a href="{{ partial "clean" .CurrentSection }}">above</a>
{{ with .PrevInSection }}<a href="{{ partial "clean" . }}">before</a>{{ end }}
{{ with .NextInSection }}<a href="{{ partial "clean" . }}">after</a>{{ end }}</nav>
{{ .Content }}
{{ with .Pages }}{{ range . }}<a href="{{ partial "clean" . }}">{{ .Title }}</a> {{ end }}{{ end }}
</html>
"""
CLEAN = '{{ return strings.TrimSuffix ".html" .RelPermalink }}'


def page(title):
    return f"---\ntitle: {title}\n---\n\nThis is *{title}*, and [the start](/).\n"


def make_site(top, name, pages):
    """The sources of a site, and what Hugo makes of them."""
    files = {"config.toml": CONFIG % name, "static/style.css": "body { color: #123 }",
             "layouts/_default/single.html": LAYOUT, "layouts/_default/list.html": LAYOUT,
             "layouts/partials/clean.html": CLEAN, "content/_index.md": page("home"),
             "content/about.md": page("about us"), "content/café/menü.md": page("menu")}
    for n in range(pages):
        files[f"content/s{n % SECTIONS}/{name}-{n}.md"] = page(f"{name} {n}")
    make_files(top / "source", files)
    subprocess.run(["hugo", "--quiet", "--source", top / "source", "--destination", top / "made"],
                   check=True)
    return top / "made"


def links_of(body):
    return [html.unescape(link) for link in re.findall(r'(?:href|src)="([^"]*)"', body)]


def crawl(port, host):
    """Status and body of all that is linked to, by path, from the first page on."""
    seen, found = {"/": None}, {}
    todo = ["/"]
    connection = Connection(dial(port))
    while todo:
        path = todo.pop()
        response = connection.ask(path, "Accept-Encoding: gzip", host=host)
        if response is None or response.closes:
            connection.close()
            connection = Connection(dial(port))
        if response is None:  # the last one was the connection's last
            todo.append(path)
            continue
        found[path] = response
        if response.field("Content-Type", "").startswith("text/html"):
            for link in links_of(response.body.decode()):
                parts = urlsplit(urljoin(f"http://{host}{path}", link))
                if parts.netloc == host and parts.path not in seen:
                    seen[parts.path] = path
                    todo.append(parts.path)
    connection.close()
    return found, seen


def main():
    interruptible()
    tally = Tally(quiet=True)
    with folder() as top:
        (top / "hosts").mkdir()
        for name, pages in ((FIRST, PAGES), (SECOND, 100)):
            make_site(top / name, name.split(".", maxsplit=1)[0], pages).rename(top / "hosts" / name)
        with Server(top / "hosts", "--quiet", "--hosts", "--clean-urls") as server:
            first, linked_from = crawl(server.port, FIRST)
            broken = {path: (answer.status, linked_from[path]) for path, answer in first.items()
                      if answer.status != 200}
            tally.same("no broken link", broken, {})
            posts = [path for path in first if re.fullmatch(r"/s\d+/first-\d+", path)]
            tally.same("all pages, by their clean names", len(posts), PAGES)
            tally.expect("no link with .html", not any(path.endswith(".html") for path in first))
            tally.same("each is the page of its name", [
                path for path in posts if path.rsplit("-", maxsplit=1)[1] not in
                re.search(r"<title>first (\d+) - first", first[path].body.decode())[1]], [])
            for path in ("/about", "/caf%C3%A9/men%C3%BC", "/s0/first-0"):
                file = top / "hosts" / FIRST / (unquote(path)[1:] + ".html")
                tally.same(f"{path}: its file", first[path].body, file.read_bytes())

            second, linked_from = crawl(server.port, SECOND)
            tally.same("no broken link of the second host", {
                path: linked_from[path] for path, answer in second.items()
                if answer.status != 200}, {})
            tally.same("nothing of the first in the second",
                       [path for path, answer in second.items() if b"first" in answer.body], [])
            with Connection(dial(server.port)) as connection:
                tally.same("a page of the first is none of the second",
                           connection.ask("/s0/first-0", host=SECOND).status, 404)
                tally.same("and other hosts have none",
                           connection.ask("/", host="third.example").status, 421)
            tally.same("SIGTERM ends the server", server.stop()[0], 0)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
