#!/usr/bin/python3
"""wwwd's pages in a real browser: Chromium, headless, through chromedriver (WebDriver over HTTP).

$WWWD names the program, ./wwwd otherwise. Says "N passed, N failed" at the end.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

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

passed = failed = 0


def check(name, good, *details):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print("failed:", name, *details)


def same(name, got, want):
    check(name, got == want, f"\n  wanted {want!r}\n  got    {got!r}")


def fetch(request):
    """Status and body, with no proxy between us."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=START_TIME) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


class Server:
    """wwwd, serving a folder."""

    def __init__(self, folder, *options):
        program = os.path.realpath(os.environ.get("WWWD", "./wwwd"))
        self.process = subprocess.Popen(
            [program, "-d", folder, "-h", "127.0.0.1", "-p", "0", "--quiet", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        banner = self.process.stderr.readline().decode()
        found = re.search(r"http://127\.0\.0\.1:\d+", banner)
        if not found:
            sys.exit(f"wwwd doesn't start: {banner}")
        self.url = found.group()

    def end(self):
        self.process.terminate()
        return self.process.wait(15)


class Browser:
    """One window of Chromium."""

    def __init__(self, profile):
        # of a session of its own: the browser that it starts ends with it
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, start_new_session=True)
        self.session = None
        for line in self.driver.stdout:
            found = re.search(rb"started successfully on port (\d+)", line)
            if found:
                break
        else:
            sys.exit("chromedriver doesn't start")
        self.base = f"http://127.0.0.1:{int(found.group(1))}/session"
        made = self.call("POST", "", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": FLAGS + [f"--user-data-dir={profile}"]},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}})
        self.session = made["sessionId"]
        self.base += "/" + self.session

    def call(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.base + path, data, method=method,
                                         headers={"Content-Type": "application/json"})
        status, answer = fetch(request)
        if status != 200:
            sys.exit(f"{method} {path}: {answer.decode()[:500]}")
        return json.loads(answer)["value"]

    def end(self):
        if self.session:
            self.call("DELETE", "")
        os.killpg(self.driver.pid, signal.SIGTERM)
        self.driver.wait(15)

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


def make_folder(top):
    folder = os.path.join(top, "site")
    os.makedirs(folder + "/list/beta")
    os.makedirs(folder + "/list/alpha")
    os.makedirs(folder + "/hostile")
    with open(folder + "/list/alpha/inside.txt", "w", encoding="utf-8") as file:
        file.write("inside")
    # sizes, times and names are in three different orders
    for name, size, stamp in (("one.txt", 2000, 1600000000), ("two.txt", 10, 1700000000),
                              ("three.txt", 300000, 1500000000)):
        path = f"{folder}/list/{name}"
        with open(path, "wb") as file:
            file.write(b"x" * size)
        os.utime(path, (stamp, stamp))
    for name in HOSTILE:
        with open(f"{folder}/hostile/{name}", "w", encoding="utf-8") as file:
            file.write("the file of a hostile name")
    with open(f"{folder}/list/{'very-long-' * 20}.txt", "w", encoding="utf-8"):
        os.utime(f"{folder}/list/{'very-long-' * 20}.txt", (1400000000, 1400000000))
    return folder


LONG = "very-long-" * 20 + ".txt"
NAMES = """
    const sorting = a => a.getAttribute('href').startsWith('?');
    return [...document.querySelectorAll('a')].filter(a => !sorting(a)).map(a => a.textContent);
"""
WIDTHS = """
    return [document.documentElement.scrollWidth, document.documentElement.clientWidth];
"""


def plain(names):
    """The listing's names; a folder's slash, and whatever stands for the parent, as the same words."""
    return [".." if name.strip().rstrip("/") == ".." else name.rstrip("/") for name in names]


def check_listing(browser, url):
    browser.open(url + "/list/")
    names = plain(browser.run(NAMES))
    same("folders first, the parent before them", names,
         ["..", "alpha", "beta", "one.txt", "three.txt", "two.txt", LONG])
    check("a title", "list" in browser.call("GET", "/title"))
    check("a language, or a heading, for readers",
          browser.run("return document.querySelectorAll('h1').length") == 1)
    same("standards mode", browser.run("return document.compatMode"), "CSS1Compat")
    same("UTF-8", browser.run("return document.characterSet"), "UTF-8")

    rows = browser.run("return [...document.querySelectorAll('tr')].map(r => r.innerText)")
    check("a size and a time with each file", any(
        "two.txt" in row and "10" in row and "2023-11-14" in row for row in rows), rows)

    browser.click([name for name in browser.run(NAMES) if name.startswith("alpha")][0])
    same("a folder's link", browser.call("GET", "/url"), url + "/list/alpha/")
    same("in the folder", plain(browser.run(NAMES)), ["..", "inside.txt"])
    browser.click([name for name in browser.run(NAMES) if name.startswith("..")][0])
    same("the parent's link", browser.call("GET", "/url"), url + "/list/")
    browser.open(url + "/list/alpha/")
    browser.click("inside.txt")
    same("a file's link", browser.run("return document.body.innerText"), "inside")
    browser.open(url + "/")
    check("no parent of the root", ".." not in plain(browser.run(NAMES)))
    same("no complaint", browser.complaints(), [])


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
            for _ in range(100):
                if f"sort={key}" in browser.call("GET", "/url"):
                    break
                time.sleep(0.02)
            names = plain(browser.run(NAMES))
            same(f"by {key}, folders first", names[:3] in
                 ([["..", "alpha", "beta"], ["..", "beta", "alpha"]]), True)
            seen.append([name for name in names[3:] if name != LONG])
            time.sleep(0.05)
        check(f"by {key}, up or down", seen[0] in (ascending, ascending[::-1]), seen[0])
        same(f"by {key}, and again the other way", seen[1], seen[0][::-1])
    same("no complaint about sorting", browser.complaints(), [])


def check_hostile(browser, url):
    browser.open(url + "/hostile/")
    same("hostile names, shown as they are", sorted(browser.run(NAMES)[1:]), sorted(HOSTILE))
    check("none of them at work", "owned" not in browser.call("GET", "/title"))
    same("no element of theirs", browser.run(
        "return document.querySelectorAll('script, img, b, [onmouseover], [onclick]').length"), 0)
    for name in HOSTILE:
        answer = browser.run("""
            const link = [...document.querySelectorAll('a')].find(
                a => a.textContent == arguments[0]);
            return [link.href, link.search, link.hash];
        """, name)
        same(f"the link of {name!r}", [answer[0].startswith(url), *answer[1:]], [True, "", ""])
        same(f"what is behind {name!r}", fetch(answer[0]), (200, b"the file of a hostile name"))
    same("no complaint about hostile names", browser.complaints(), [])


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
    """The pages by their paths, each with selectors of text that stands on the page's own ground."""
    for page, selectors in pages.items():
        for scheme in ("light", "dark"):
            browser.devtools("Emulation.setEmulatedMedia", features=[
                {"name": "prefers-color-scheme", "value": scheme}])
            browser.open(url + page)
            grounds, *inks = browser.run(COLOURS, *selectors)
            ground = next(value for value in map(luminance, grounds) if value is not None)
            check(f"{page}, a {scheme} ground", (ground < 0.2) == (scheme == "dark"), grounds)
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
        full, seen = browser.run(WIDTHS)
        check(f"{page} on a phone, no scrolling sideways", full <= seen <= 360, full, seen)
        sizes = browser.run("""
            return [...document.querySelectorAll('a, p, td')].filter(e => e.innerText.trim())
                .map(e => parseFloat(getComputedStyle(e).fontSize));
        """)
        check(f"{page} on a phone, letters one can read", min(sizes) >= 12, min(sizes))
    browser.devtools("Emulation.clearDeviceMetricsOverride")


def check_sample(browser, url):
    browser.complaints()
    browser.open(url + "/")
    images = browser.run("""
        return [...document.images].map(i => [i.getAttribute('src'), i.complete, i.naturalWidth]);
    """)
    check("the sample site has images", len(images) > 0)
    for source, complete, width in images:
        check(f"its image {source}", complete and width > 0)
    check("its style sheets", browser.run(
        "return [...document.styleSheets].every(s => s.cssRules.length > 0)"))
    links = browser.run("""
        return [...document.querySelectorAll('a')].map(a => a.href).filter(
            h => h.startsWith(location.origin));
    """)
    same("no complaint about the sample site", browser.complaints(), [])
    for link in sorted(set(links)):
        same(f"its link {link}", fetch(link)[0], 404 if link.endswith("/no-such-page") else 200)
    browser.open(url + "/gallery/")
    check("its folder without an index", "harbour.jpg" not in browser.run(NAMES) and
          "fog.jpg" in browser.run(NAMES))
    browser.open(url + "/no/such/page")
    check("its own page for what isn't there",
          browser.run("return document.styleSheets.length") > 0)


def main():
    top = tempfile.mkdtemp()
    os.chmod(top, 0o755)
    sample = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "www")
    servers, browser = [], None
    try:
        servers = [Server(make_folder(top)), Server(sample)]
        browser = Browser(os.path.join(top, "profile"))
        made, shipped = (server.url for server in servers)
        check_listing(browser, made)
        check_sorting(browser, made)
        check_hostile(browser, made)
        check_colours(browser, made, {"/list/": ["h1", "td a"], "/none": ["h1"]})
        check_phone(browser, made, ["/list/", "/hostile/"])
        check_sample(browser, shipped)
        check_colours(browser, shipped, {"/": ["main p", "main a"], "/gallery/": ["td a"]})
        check_phone(browser, shipped, ["/", "/gallery/", "/none"])
    finally:
        if browser:
            browser.end()
        for server in servers:
            same("the server's end", server.end(), 0)
        shutil.rmtree(top, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
