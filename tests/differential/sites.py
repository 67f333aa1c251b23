"""
Hosts and rules: what wwwd makes of its options and of links, beside an nginx that is configured for
the same. There is a table of requests, and as many as one likes by seed and number. Both answer
each with the same status, fields and body, or the difference is in the table at the end of this
file, with its reason.
"""

import json
import os
import random
import re
from dataclasses import dataclass
from urllib.parse import quote, urljoin

from differences import Reason, found
from kit.connection import Connection, dial, first_response
from kit.run import Server, make_files
from servers import Nginx

TIME = 1000000000  # of all files; tags and dates are the same for both then, and never weak
HOME = "<!doctype html><title>home</title>"

# Of each host; the names of some files are those of folders, of others' error pages, of siblings.
FILES = {
    "index.html": HOME, "about.html": "ABOUT", "about.html.gz": "GZIPPED ABOUT",
    "ten.txt": "0123456789", "both": "ITSELF", "both.html": "NOT ITSELF",
    "folder.html": "BESIDE", "folder/index.html": "WITHIN",
    "sub/home.html": "SECOND INDEX", "sub/page.html": "DEEPER",
    "sub/first/index.html": "1", "sub/first/home.html": "2", "bare/a.txt": "a",
    "assets/app.css": "css", "assets/app.js.map": "{}", "assets/app.css.gz": "GZIPPED CSS",
    "app.html": "THE APP", "a b+c.txt": "SPACE", "caf\xe9.html": "UTF-8", "note.md": "MARK",
    "README": "READ", "x.unknown": "?", ".git/config": "HIDDEN", ".hidden.html": "HIDDEN",
    ".well-known/security.txt": "KNOWN", "v1.2/page.html": "DOTTED",
}
HOSTS = {
    "default": {}, "a.test": {"404.html": "NOT AT A"},
    "b.test": {"404.html": "NOT AT B", "only-b": "B"},
    "xn--bcher-kva.example": {}, "a-b": {}, "a_b": {}, "127.0.0.1": {}, "[::1]": {},
}
LINKS = {"www.a.test": "a.test"}  # a host that is another's folder
REDIRECTS = {
    "old": "https://new.example/", "sub/moved": "http://new.example:8080/a/b",
    "asked": "https://new.example/?a=b", "part": "https://new.example/x#y",
    "clean.html": "https://n.test/c",
}

OPTIONS = ["--hosts", "--clean-urls", "--fallback", "app.html", "--index", "index.html",
           "--index", "home.html",
           "--type", "md=text/markdown; variant=GFM", "--type", "=text/x-none",
           "--header", "Cache-Control: max-age=60",
           "--header", "/assets/* Cache-Control: max-age=31536000, immutable",
           "--header", "*.map Cache-Control: no-store", "--header", "/sub* X-Path: below"]

BROWSER = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"


def make_site(top):
    for host, more in HOSTS.items():
        make_files(top / host, {**FILES, "who.txt": host, **more})
        for name, target in REDIRECTS.items():
            os.symlink(target, top / host / name)
    for name, target in LINKS.items():
        os.symlink(target, top / name)
    for folder, _, names in os.walk(top):
        for name in names:
            os.utime(os.path.join(folder, name), (TIME, TIME), follow_symlinks=False)


class Ours(Server):
    name = "wwwd"

    def __init__(self, top):
        super().__init__(top, *OPTIONS, "--quiet")


class Theirs(Nginx):
    """What the options and the links say, in nginx's words."""

    name = "nginx"
    conf = """
            absolute_redirect off;
            gzip_static on;
            default_type application/octet-stream;
            types {{
                "text/html; charset=utf-8" html;
                "text/plain; charset=utf-8" txt;
                "text/css; charset=utf-8" css;
                "text/markdown; variant=GFM" md;
                application/gzip gz;
                application/json map;
            }}
            map $host $folder {{ default default; {hosts} }}
            map $http_accept $html {{ default 0; "~*(^|[, ])text/html($|[, ]|;(?!q=0($|,)))" 1; }}
            map $asked $plain {{ default 1; ~\\.[^/]*$ 0; ~/\\.(?!well-known(/|$)) 0; }}
            map $html$plain $page {{ default 0; 11 1; }}
            map $asked $caching {{
                default max-age=60;
                "~\\.map$" no-store;
                "~^/assets/" "max-age=31536000, immutable";
            }}
            map $asked $below {{ default ""; ~^/sub below; }}
            server {{
                listen 127.0.0.1:{port};
                root {top}/$folder;
                index index.html home.html;
                autoindex on;
                autoindex_format json;
                if ($asked = "") {{ set $asked $uri; }}
                add_header Cache-Control $caching always;
                add_header X-Path $below always;
                error_page 404 /404.html;
                {redirects}
                location ~ /\\.(?!well-known(/|$)) {{ return 404; }}
                location ~ /README$|/both$|/only-b$ {{
                    types {{}}
                    default_type text/x-none;
                    try_files $uri @missing;
                }}
                location / {{ try_files $uri $uri.html $uri/ @missing; }}
                location @missing {{
                    if ($page = 0) {{
                        add_header Cache-Control $caching always;
                        add_header X-Path $below always;
                        return 404;
                    }}
                    add_header Cache-Control no-cache;
                    add_header X-Path $below;
                    rewrite ^ /app.html break;
                }}
            }}
    """

    def __init__(self, top, work):
        work.mkdir()
        redirects = "".join(
            f"location ~ ^/{re.escape(name.removesuffix('.html'))}"
            f"{'(.html/?)?' if name.endswith('.html') else '/?'}$ {{{{ "
            f"if ($request_method = POST) {{{{ return 308 {location(target)}; }}}} "
            f"return 301 {location(target)}; }}}}\n" for name, target in REDIRECTS.items())
        hosts = " ".join(f'"{host}" "{LINKS.get(host, host)}";' for host in [*HOSTS, *LINKS]
                         if host != "default")
        self.conf = self.conf.replace("{top}", str(top)).replace("{redirects}", redirects).replace(
            "{hosts}", hosts)
        super().__init__(work)


def location(target):
    """With the query of the request, where the target has none."""
    before, mark, part = target.partition("#")
    return f'"{before}{"" if "?" in before else "$is_args$args"}{mark}{part}"'


# ---- the requests ----


@dataclass(frozen=True)
class Question:
    name: str
    text: str  # for explained(), as of a stream
    method: str
    url: str  # that Location is relative to

    @property
    def bytes(self):
        return self.text.encode("latin-1")


def question(name, method, target, host, *lines, version="HTTP/1.1"):
    text = "\r\n".join([f"{method} {target} {version}", f"Host: {host}", *lines, "", ""])
    path = re.sub("(?i)^http://[^/?]*", "", target).partition("?")[0]
    return Question(name, text, method, "http://h" + re.sub("/+", "/", plain(path)))


def choose_host(r):
    host = r.choice([*HOSTS, *HOSTS, *LINKS, "c.test", "a.b", ".a.test", "-a", "[::2]"])
    host = r.choice((str, str, str.upper, str.title))(host)
    host += r.choice([""] * 4 + ["."] * 4 + [".."]) if host[-1] != "]" else ""
    return host + r.choice(("", "", ":80", ":", ":8080"))


def respelled(r, path):
    """The same path in other words, mostly."""
    path = quote(path.encode(), safe="/" + r.choice(("", "+", ".", "_-~")))
    if r.random() < 0.2:
        at = r.randrange(len(path) + 1)
        if re.match("[A-Za-z0-9]", path[at:]) and "%" not in path[max(0, at - 2):at]:
            path = f"{path[:at]}%{ord(path[at]):02{r.choice('xX')}}{path[at + 1:]}"
    parts = path.split("/")
    for _ in range(r.choice((0, 0, 0, 1, 2))):
        parts[r.randrange(len(parts)):0] = [r.choice((".", "", "x/..", "%2e", "%2E%2e", ".."))]
    return "/" + "/".join(parts).lstrip("/") if r.random() < 0.9 else "/" + "/".join(parts)


def choose_path(r):
    names = [*FILES, *REDIRECTS, "only-b", "404.html", "who.txt"]
    path = r.choice(names + ["", "folder", "sub", "bare", "assets", "v1.2", "no", "no/such/name",
                             "no.js"])
    path = r.choice((path, path, path.removesuffix(".html"), path.rpartition("/")[0], path + "/",
                     path.removesuffix("index.html"), path.removesuffix("home.html"),
                     path + "/x"))
    return respelled(r, path) + r.choice(("", "", "", "?", "?a=b&c", "?/../x.js"))


def generated(seed, number):
    """The request of that number; the same for ever."""
    r = random.Random(f"sites/{seed}/{number}")
    host, target = choose_host(r), choose_path(r)
    method = r.choice(("GET",) * 6 + ("HEAD",))
    if r.random() < 0.25:
        target, host = f"{r.choice(('http', 'HTTP'))}://{host}{target}", choose_host(r)
    lines = r.choice(([], [], [BROWSER], ["Accept: */*"], ["Accept: text/plain, text/HTML;q=0.5"],
                      ["Accept: text/html;q=0"], ["Range: bytes=0-3"], ["Range: bytes=-2"],
                      ["Range: bytes=1000-"], ["Accept-Encoding: gzip"],
                      [BROWSER, "Accept-Encoding: gzip"],
                      ["If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT"],
                      ["If-Modified-Since: Sun, 09 Sep 2001 01:46:39 GMT"]))
    return question(f"site, seed {seed}, number {number}", method, target, host, *lines)


def table():
    """What is asked in each run, also in a short one."""
    yield question("POST of a redirect", "POST", "/old?x", "a.test", "Content-Length: 0")
    for name in ("", "bare", "assets", "sub/first"):
        yield question(f"the list of {name!r}", "GET", f"/{name}{'/' * bool(name)}?format=json",
                       "a.test", version="HTTP/1.0")  # which has no chunks
    for host in ("a.test", "A.TEST.:80", "www.a.test", "[::1]:80", "c.test", "127.0.0.1",
                 "a..test", "a_b"):
        target = f"http://{host}/who.txt"
        yield question(f"who is {host}", "GET", "/who.txt", host)
        yield question(f"who is {host}, in absolute form", "GET", target, "b.test")


# ---- the answers ----


def ask(port, asked):
    with Connection(dial(port)) as connection:
        connection.send(asked.bytes)
        if " HTTP/1.0" not in asked.text:
            return connection.response(asked.method == "HEAD")
        head, body = first_response(connection.everything(), bodiless=True)
        return head._replace(body=body)


@dataclass(frozen=True)
class Answer:
    """What of a response is compared; both servers have error pages and redirects of their own."""

    seen: tuple  # for explained(): there is none
    refused: str
    fields: tuple
    body: object

    def __str__(self):
        return f"{self.refused} {dict(self.fields)} {self.body!r:.300}"


def plain(url):
    """As browsers take it: no empty query, and no letter or dot encoded (RFC 3986 6.2.2.2)."""
    return re.sub(r"\?(?=#|$)", "", re.sub("%([46][1-9a-fA-F]|[57][0-9aA]|2[eE])",
                                           lambda match: chr(int(match[1], 16)), url))


SAME_FIELDS = ("Cache-Control", "X-Path", "Content-Range", "Content-Encoding", "Location")


def read(response, asked):
    if response is None:
        return Answer((), "nothing", (), b"")
    own = response.status in (200, 206) or b"NOT AT" in response.body
    fields = {name: response.field(name) for name in SAME_FIELDS}
    if fields["Location"] is not None:
        fields["Location"] = plain(urljoin(asked.url, fields["Location"]))
    body = response.body if own else b""
    # a listing is all that wwwd makes itself, and all that nginx sends without a length
    if own and (response.field("Content-Security-Policy") or not response.field("Content-Length")):
        body = entries(body) if "format=json" in asked.text else "a listing"
    elif own:
        fields["Content-Type"] = response.field("Content-Type")
        fields["Content-Length"] = response.field("Content-Length")
    if response.status == 400:  # nginx doesn't know the path then
        fields = {}
    return Answer((), str(response.status), tuple(fields.items()), body)


def entries(body):
    """Of a listing, whatever its order: nginx lists all links, and knows no redirects."""
    return sorted((entry["name"], entry["type"], entry.get("size")) for entry in json.loads(body))


# Where they differ, and why.
REASONS = (
    Reason("a name that DNS wouldn't take", ("nginx",), "",
           "has no folder, and is answered by that for others; nginx refuses two dots",
           text=r"(^\S+ http://[^/?\s]*|\nHost: \S*)\.\.", theirs="400"),
    Reason("a name with _ in an absolute form", ("nginx",), "", "is one (RFC 3986 3.2.2)",
           text=r"^\S+ http://[^/?\s]*_", theirs="400"),
    Reason("a range of HEAD", ("nginx",), "", "is ignored (RFC 9110 14.2)",
           text=r"^HEAD (?s:.*)\nRange:", ours="200|301|404", theirs="206|416"),
)


def explained(asked, ours, theirs):
    return next((r for r in REASONS if found(r.text, asked.text) and found(r.ours, ours.refused)
                 and found(r.theirs, theirs.refused)), None)
