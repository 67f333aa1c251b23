#!/usr/bin/python3
"""wwwd's pages in a real browser: Chromium, headless, through chromedriver (WebDriver over HTTP).

$WWWD names the program, ./wwwd otherwise. Says "N passed, N failed" at the end.
"""

import json
import os
import re
import sys
import time
from urllib.parse import urlsplit

sys.dont_write_bytecode = True
from kit.check import Tally, until
from kit.connection import ask
from kit.run import TOP, Process, Server, folder, interruptible, make_files

START_TIME = 20  # seconds; only failures take so long
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--window-size=1000,800",
]

# Names that would do something if a page forgot to escape them; the browser shows them as text.
HOSTILE = [
    "<script>document.title='owned'<",
    "<img src=x onerror=document.title='owned'>",
    "\"onmouseover=\"document.title='owned'",
    "'onclick='document.title=1",
    "&lt;b&gt; &amp;",
    "javascript:document.title='owned'",
    "a b%20c?d#e;f+g",
    "schön – 日本.txt",
    "\u202etxt.exe",
]

tally = Tally(quiet=True)
check, same = tally.expect, tally.same


def fetch(link):
    """Status and body of an address on this machine."""
    parts = urlsplit(link)
    response = ask(parts.port, parts.path + (parts.query and "?" + parts.query))
    return response.status, response.body


STARTED = r"started successfully on port (\d+)"


def start_driver():
    """It takes a port that is free for IPv6, and ends if the port is in use for IPv4: then again."""
    for _ in range(5):
        driver = Process("chromedriver", "--port=0")
        try:
            driver.wait_for(STARTED, START_TIME)
            break
        except AssertionError:
            if "port not available" not in driver.said():
                raise
    return driver


class Browser:
    """One window of Chromium."""

    def __init__(self, driver, profile):
        self.port = driver.wait_for(STARTED, START_TIME)[1]
        self.base = "/session"
        made = self.call("POST", "", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": FLAGS + [f"--user-data-dir={profile}"]},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}})
        self.base += "/" + made["sessionId"]

    def call(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else b""
        response = ask(self.port, self.base + path, "Content-Type: application/json",
                       f"Content-Length: {len(data)}", method=method, body=data)
        assert response and response.status == 200, f"{method} {path}: {response}"
        return json.loads(response.body)["value"]

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def devtools(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def click(self, text):
        """The link of this text, clicked where it is shown."""
        found = self.call("POST", "/element", {"using": "link text", "value": text})
        self.call("POST", f"/element/{next(iter(found.values()))}/click", {})

    def complaints(self):
        """What the console has said since the last time."""
        entries = self.call("POST", "/se/log", {"type": "browser"})
        # a browser asks for an icon by itself, and a folder of files has none
        return [entry["message"] for entry in entries
                if entry["level"] in ("SEVERE", "WARNING")
                and "/favicon.ico" not in entry["message"]]


LONG = "very-long-" * 20 + ".txt"


def make_folder(site):
    # sizes, times and names are in three different orders
    make_files(site, {"list/alpha/inside.txt": "inside", "list/one.txt": 2000, "list/two.txt": 10,
                      "list/three.txt": 300000, f"list/{LONG}": 0,
                      **{f"hostile/{name}": "the file of a hostile name" for name in HOSTILE}})
    (site / "list/beta").mkdir()
    for name, stamp in (("one.txt", 1600000000), ("two.txt", 1700000000), ("three.txt", 1500000000),
                       (LONG, 1400000000)):
        os.utime(site / "list" / name, (stamp, stamp))
    return site


NAMES = """
    const sorting = a => a.getAttribute('href').startsWith('?');
    return [...document.querySelectorAll('main a')].filter(a => !sorting(a)).map(a => a.textContent);
"""
WIDTHS = """
    return [document.documentElement.scrollWidth, document.documentElement.clientWidth];
"""


def plain(names):
    """The listing's names; a folder's slash, and the parent, as the same words."""
    return [".." if name.strip().rstrip("/") == ".." else name.rstrip("/") for name in names]


def check_listing(browser, url):
    browser.open(url + "/list/")
    names = plain(browser.run(NAMES))
    same("listing: folders first, the parent before them", names,
         ["..", "alpha", "beta", "one.txt", "three.txt", "two.txt", LONG])
    check("listing: a title", "list" in browser.call("GET", "/title"))
    check("listing: one h1",
          browser.run("return document.querySelectorAll('h1').length") == 1)
    same("listing: standards mode", browser.run("return document.compatMode"), "CSS1Compat")
    same("listing: UTF-8", browser.run("return document.characterSet"), "UTF-8")

    rows = browser.run("return [...document.querySelectorAll('tr')].map(r => r.innerText)")
    check("listing: size and time of each file", any(
        "two.txt" in row and "10" in row and "2023-11-14" in row for row in rows), rows)

    browser.click([name for name in browser.run(NAMES) if name.startswith("alpha")][0])
    same("listing: a folder's link", browser.call("GET", "/url"), url + "/list/alpha/")
    same("listing: in the folder", plain(browser.run(NAMES)), ["..", "inside.txt"])
    browser.click([name for name in browser.run(NAMES) if name.startswith("..")][0])
    same("listing: the parent's link", browser.call("GET", "/url"), url + "/list/")
    browser.open(url + "/list/alpha/")
    browser.click("inside.txt")
    same("listing: a file's link", browser.run("return document.body.innerText"), "inside")
    browser.open(url + "/")
    check("listing: no parent of the root", ".." not in plain(browser.run(NAMES)))
    browser.open(url + "/list/alpha/")
    same("listing: the way to it", browser.run("""
        return [...document.querySelectorAll('nav a')].map(a => [a.textContent, a.href]);
    """), [["/", url + "/"], ["list/", url + "/list/"]])
    browser.click("/")
    same("listing: the way to the root", browser.call("GET", "/url"), url + "/")
    same("listing: its parts are named", browser.run("""
        return [document.querySelectorAll('main, nav[aria-label]').length,
                document.querySelectorAll('th:not([scope=col])').length];
    """), [2, 0])
    same("listing: nothing on the console", browser.complaints(), [])


def check_data(browser, url):
    """The listing as a script reads it, and a link to another site."""
    browser.open(url + "/list/alpha/inside.txt")  # the policy of a listing lets it load nothing
    listed = browser.call("POST", "/execute/async", {"script": """
        const done = arguments[0];
        fetch('/list/?format=json').then(r => r.json()).then(done, e => done([{name: String(e)}]));
    """, "args": []})
    same("JSON: names", [entry["name"] for entry in listed][:3], ["alpha", "beta", "one.txt"])
    same("JSON: a file", [entry for entry in listed if entry["name"] == "two.txt"],
         [{"name": "two.txt", "type": "file", "mtime": "Tue, 14 Nov 2023 22:13:20 GMT", "size": 10}])
    browser.open(url + "/moved/")
    same("redirect: marked", browser.run("return document.querySelector('small').textContent"),
         "→ " + url + "/list/alpha/inside.txt")
    browser.click("there")
    until(lambda: "inside" in browser.call("GET", "/url"))
    same("redirect: followed", browser.run("return document.body.innerText"), "inside")
    same("JSON, redirect: nothing on the console", browser.complaints(), [])


APP = """<!DOCTYPE html><title>app</title><main></main>
<script src="/app.js"></script>
"""
ROUTER = """
    const show = () => document.querySelector('main').textContent = 'at ' + location.pathname;
    const go = path => { history.pushState({}, '', path); show(); };
    addEventListener('popstate', show);
    show();
"""


def make_application(site):
    make_files(site, {"app.html": APP, "app.js": ROUTER, "favicon.ico": ""})
    return site


def check_application(browser, url):
    """A single-page application with a router, by --fallback."""
    at = "return document.querySelector('main').textContent"
    browser.open(url + "/")
    same("application: its root", browser.run(at), "at /")
    browser.run("go('/user/7')")
    same("application: a route", browser.run(at), "at /user/7")
    browser.call("POST", "/refresh", {})
    same("application: reloaded", browser.run(at), "at /user/7")
    browser.call("POST", "/back", {})
    same("application: back", browser.run(at), "at /")
    browser.open(url + "/deep/link?and=query")
    same("application: a deep link", browser.run(at), "at /deep/link")
    same("application: nothing on the console", browser.complaints(), [])
    same("application: a script that is missing", fetch(url + "/app.3f2a.js")[0], 404)
    browser.run("document.body.append(Object.assign(document.createElement('script'), {src: '/no.js'}))")
    check("application: and the browser says so", until(
        lambda: any("404" in line for line in browser.complaints())))


def check_sorting(browser, url):
    files = {"size": ["two.txt", "one.txt", "three.txt"],
             "time": ["three.txt", "one.txt", "two.txt"],
             "name": ["one.txt", "three.txt", "two.txt"]}
    for key, ascending in files.items():
        seen = []
        browser.open(url + "/list/")
        for _ in range(2):
            # by the column's heading, as a person does
            browser.run("""
                const key = arguments[0];
                [...document.querySelectorAll('a[href^="?"]')]
                    .find(a => a.getAttribute('href').includes('sort=' + key)).click();
            """, key)
            until(lambda: f"sort={key}" in browser.call("GET", "/url"))
            names = plain(browser.run(NAMES))
            same(f"sort={key}, folders first", names[:3] in
                 ([["..", "alpha", "beta"], ["..", "beta", "alpha"]]), True)
            seen.append([name for name in names[3:] if name != LONG])
            time.sleep(0.05)
        check(f"sort={key}, up or down", seen[0] in (ascending, ascending[::-1]), seen[0])
        same(f"sort={key}, and again the other way", seen[1], seen[0][::-1])
    same("sort=, nothing on the console", browser.complaints(), [])


def check_hostile(browser, url):
    browser.open(url + "/hostile/")
    same("escaping: names shown as they are", sorted(browser.run(NAMES)[1:]), sorted(HOSTILE))
    check("escaping: no script of a name runs", "owned" not in browser.call("GET", "/title"))
    same("escaping: no element of a name", browser.run(
        "return document.querySelectorAll('script, img, b, [onmouseover], [onclick]').length"), 0)
    for name in HOSTILE:
        answer = browser.run("""
            const link = [...document.querySelectorAll('a')].find(
                a => a.textContent == arguments[0]);
            return [link.href, link.search, link.hash];
        """, name)
        same(f"escaping: the link of {name!r}", [answer[0].startswith(url), *answer[1:]],
             [True, "", ""])
        same(f"escaping: what is behind {name!r}", fetch(answer[0]),
             (200, b"the file of a hostile name"))
    same("escaping: nothing on the console", browser.complaints(), [])


def luminance(colour):
    """0 is black, 1 white; None is what shines through."""
    parts = [float(part) for part in re.findall(r"[\d.]+", colour)]
    if len(parts) > 3 and parts[3] == 0:
        return None
    linear = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4
              for part in parts[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


COLOURS = """
    const style = e => getComputedStyle(e);
    const canvas = document.createElement('div');
    canvas.style.backgroundColor = 'Canvas';
    document.body.append(canvas);
    const shown = [document.body, document.documentElement, canvas].map(
        e => style(e).backgroundColor);
    canvas.remove();
    return [shown, ...[...arguments].map(s => style(document.querySelector(s)).color)];
"""


def check_colours(browser, url, pages):
    """The pages by their paths, each with selectors of text on the page's own ground."""
    for page, selectors in pages.items():
        for scheme in ("light", "dark"):
            browser.devtools("Emulation.setEmulatedMedia", features=[
                {"name": "prefers-color-scheme", "value": scheme}])
            browser.open(url + page)
            grounds, *inks = browser.run(COLOURS, *selectors)
            ground = next(value for value in map(luminance, grounds) if value is not None)
            check(f"{page}, prefers-color-scheme {scheme}", (ground < 0.2) == (scheme == "dark"),
                  grounds)
            for name, ink in zip(selectors, inks):
                pair = sorted((luminance(ink), ground))
                contrast = (pair[1] + 0.05) / (pair[0] + 0.05)
                check(f"{page}, {scheme}, the contrast of {name}", contrast >= 4.5,
                      f"{contrast:.2f}", ink, grounds)
    browser.devtools("Emulation.setEmulatedMedia", features=[])


def check_phone(browser, url, pages):
    browser.devtools("Emulation.setDeviceMetricsOverride", width=360, height=640,
                     deviceScaleFactor=2, mobile=True)
    for page in pages:
        browser.open(url + page)
        check(f"{page} on a phone, all columns", browser.run("""
            return [...document.querySelectorAll('td, th')].every(e => e.offsetWidth > 0);
        """))
        full, seen = browser.run(WIDTHS)
        check(f"{page} on a phone, no scrolling sideways", full <= seen <= 360, full, seen)
        sizes = browser.run("""
            return [...document.querySelectorAll('a, p, td')].filter(e => e.innerText.trim())
                .map(e => parseFloat(getComputedStyle(e).fontSize));
        """)
        check(f"{page} on a phone, font size", min(sizes) >= 12, min(sizes))
    browser.devtools("Emulation.clearDeviceMetricsOverride")


def check_sample(browser, url):
    browser.complaints()
    browser.open(url + "/")
    images = browser.run("""
        return [...document.images].map(i => [i.getAttribute('src'), i.complete, i.naturalWidth]);
    """)
    check("sample: it has images", len(images) > 0)
    for source, complete, width in images:
        check(f"sample: its image {source}", complete and width > 0)
    check("sample: its style sheets", browser.run(
        "return [...document.styleSheets].every(s => s.cssRules.length > 0)"))
    links = browser.run("""
        return [...document.querySelectorAll('a')].map(a => a.href).filter(
            h => h.startsWith(location.origin));
    """)
    same("sample: nothing on the console", browser.complaints(), [])
    for link in sorted(set(links)):
        same(f"sample: its link {link}", fetch(link)[0],
             404 if link.endswith("/no-such-page") else 200)
    browser.open(url + "/gallery/")
    check("sample: a folder without an index", "harbour.jpg" not in browser.run(NAMES) and
          "fog.jpg" in browser.run(NAMES))
    browser.open(url + "/no/such/page")
    check("sample: its own 404.html",
          browser.run("return document.styleSheets.length") > 0)


def main():
    interruptible()
    with folder() as top, Server(make_folder(top / "site"), "--quiet") as made, \
            Server(make_application(top / "app"), "--quiet", "--index", "app.html",
                   "--fallback", "app.html") as app, \
            Server(TOP / "www", "--quiet") as shipped, \
            start_driver() as driver:
        browser = Browser(driver, top / "profile")
        (top / "site/moved").mkdir()
        (top / "site/moved/there").symlink_to(made.url + "/list/alpha/inside.txt")
        try:
            check_listing(browser, made.url)
            check_data(browser, made.url)
            check_application(browser, app.url)
            check_sorting(browser, made.url)
            check_hostile(browser, made.url)
            check_colours(browser, made.url, {"/list/": ["h1", "td a"], "/none": ["h1"]})
            check_phone(browser, made.url, ["/list/", "/hostile/"])
            check_sample(browser, shipped.url)
            check_colours(browser, shipped.url, {"/": ["main p", "main a"], "/gallery/": ["td a"]})
            check_phone(browser, shipped.url, ["/", "/gallery/", "/none"])
        finally:
            browser.call("DELETE", "")
        for server in made, app, shipped:
            same("SIGTERM ends the server", server.stop()[0], 0)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
