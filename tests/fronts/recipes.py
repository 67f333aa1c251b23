"""
Each recipe of inetd/ as it is in the file, but for ports and paths: the wwwd that its comment names, the
front, and clients from other addresses of the loopback.
"""

import contextlib
import re
import subprocess

from kit.check import same, until
from kit.run import TOP, WWWD, Process, free_port, make_files, program

PAGE = "<!doctype html>\n<title>a page</title>\n" + "<p>One of many lines.\n" * 400
TOKEN = ".well-known/acme-challenge/token"
FORGED = ("X-Forwarded-For: 203.0.113.9", "Forwarded: for=203.0.113.9;proto=https",
          "X-Forwarded-Proto: https")

# the file, the program with its arguments, whether it speaks HTTP/2, and listens at port 80 too
FRONTS = {
    "haproxy.cfg": (("haproxy", "-db", "-f", "{file}"), True, True),
    "nginx.conf": (("nginx", "-p", "{place}", "-c", "{file}"), True, True),
    "Caddyfile": (("caddy", "run", "--adapter", "caddyfile", "--config", "{file}"), True, False),
    "hitch.conf": (("hitch", "--config", "{file}"), False, False),
    "stunnel-proxy.conf": (("stunnel4", "{file}"), False, False),
    "stunnel.conf": (("stunnel4", "{file}"), False, False),
}

# What a file needs that is in none of its own business: a program in the foreground, as a test.
AROUND = {
    "nginx.conf": """daemon off; pid nginx.pid; error_log stderr; events {{}} http {{ access_log off;
        client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4;
        scgi_temp_path t5; {text} }}""",
    "Caddyfile": "{{\n admin off\n auto_https disable_redirects\n}}\n{text}",
    "hitch.conf": '{text}\ndaemon = off\nuser = "nobody"\n',
    "stunnel-proxy.conf": "foreground = yes\npid =\n{text}",
    "stunnel.conf": "foreground = yes\npid =\n{text}",
}


def make_certificate(place):
    names = "subjectAltName=DNS:site.test"
    subprocess.run([program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9",
                    "-subj", "/CN=site.test", "-addext", names, "-keyout", place / "key",
                    "-out", place / "site.crt"], check=True, capture_output=True)
    (place / "site.pem").write_text((place / "key").read_text() + (place / "site.crt").read_text())
    (place / "site.pem").chmod(0o644)


class Recipe:
    """A front, and the wwwd that it needs."""

    def __init__(self, name, place, stack):
        command, self.second, plain = FRONTS[name]
        self.place, self.log = place, place / f"{name}.log"
        self.tls, self.plain = free_port(), free_port() if plain else None
        text = (TOP / "inetd" / name).read_text()
        line = re.search(r"^# +wwwd (-d .*--.*)$", text, re.M)
        backend = self.start_wwwd(line[1], stack) if line else 0
        file = place / name
        file.write_text(AROUND.get(name, "{text}").format(text=self.fitted(text, backend)))
        words = [word.format(file=file, place=place) for word in command]
        environment = {"HOME": str(place), "XDG_DATA_HOME": str(place), "PATH": "/usr/bin:/usr/sbin"}
        self.front = stack.enter_context(
            Process(program(words[0]), *words[1:], env=environment, cwd=place))
        until(lambda: self.get("https") and True, seconds=15, pause=0.2)

    def start_wwwd(self, options, stack):
        """As the comment of the recipe has it."""
        words = options.replace("/srv/www", str(self.place / "site")).split()
        words[words.index("-p") + 1] = "0"
        wwwd = stack.enter_context(Process(WWWD, *words, "--log", self.log))
        return wwwd.wait_for(r"http://\S*:(\d+)/.*\n")[1]

    def fitted(self, text, backend):
        certificate = str(self.place / "site.pem")
        for old, new in (
                ("/etc/ssl/private/site.pem", certificate), ("/etc/stunnel/wwwd.pem", certificate),
                ("127.0.0.1:8080", f"127.0.0.1:{backend}"),
                ("[127.0.0.1]:8080", f"[127.0.0.1]:{backend}"),
                ("bind :443", f"bind 127.0.0.1:{self.tls}"),
                ("bind :80", f"bind 127.0.0.1:{self.plain}"),
                ("listen 443", f"listen 127.0.0.1:{self.tls}"),
                ("listen 80", f"listen 127.0.0.1:{self.plain}"), (":::443", f"127.0.0.1:{self.tls}"),
                ("[*]:443", f"[127.0.0.1]:{self.tls}"), ("\n:443", f"\nhttps://site.test:{self.tls}"),
                ("/usr/local/bin/wwwd", str(WWWD)),
                ("--dir /srv/www", f"--dir {self.place / 'site'} --log {self.log}")):
            text = text.replace(old, new)
        return text

    def get(self, scheme, path="/", *options, source="127.0.0.1", headers=()):
        """curl's view of a page: status, HTTP version and what Location says; None if it fails."""
        port = self.tls if scheme == "https" else self.plain
        fields = [word for header in headers for word in ("-H", header)]
        done = subprocess.run(
            [program("curl"), "-s", "--cacert", self.place / "site.crt", "--interface", source,
             "--resolve", f"site.test:{port}:127.0.0.1", "-o", self.place / "body", "-m", "5", "-w",
             "%{http_code} %{http_version} %header{location}", *fields, *options,
             f"{scheme}://site.test:{port}{path}"], capture_output=True, text=True)
        return done.stdout.split() if done.returncode == 0 else None

    def body(self):
        return (self.place / "body").read_text()

    def clients(self, mark):
        """The addresses in the log lines with that word."""
        lines = until(lambda: [line for line in self.log.read_text().splitlines() if mark in line])
        return [line.split()[0] for line in lines]


def check_recipe(tally, name, place):
    with contextlib.ExitStack() as stack:
        recipe = None
        with tally.check(f"{name}: it starts, and https gets the page"):
            recipe = Recipe(name, place, stack)
            same(recipe.get("https")[0], "200")
            same(recipe.body(), PAGE)
        if not recipe:
            return
        with tally.check(f"{name}: HTTP/{'2' if recipe.second else '1.1'} to the client"):
            same(recipe.get("https")[1], "2" if recipe.second else "1.1")
        with tally.check(f"{name}: the log has the client's address"):
            for source in "127.0.0.7", "127.0.0.8", "127.0.0.7":
                recipe.get("https", f"/?from-{source}", source=source)
            same(recipe.clients("?from-127.0.0.7"), ["127.0.0.7"] * 2)
            same(recipe.clients("?from-127.0.0.8"), ["127.0.0.8"])
        with tally.check(f"{name}: forged fields change nothing"):
            same(recipe.get("https", "/?forged", source="127.0.0.9", headers=FORGED)[0], "200")
            same(recipe.clients("?forged"), ["127.0.0.9"])
        with tally.check(f"{name}: a range, a redirect to a folder and what is missing"):
            same(recipe.get("https", "/", "-r", "0-99")[0], "206")
            same(recipe.body(), PAGE[:100])
            status, _, location = recipe.get("https", "/folder?x")
            same((status, location.endswith("folder/?x")), ("301", True))
            same(recipe.get("https", "/none")[0], "404")
        with tally.check(f"{name}: nothing was refused"):
            assert '" 400 ' not in recipe.log.read_text() and '" 408 ' not in recipe.log.read_text()
        if recipe.plain:
            with tally.check(f"{name}: plain HTTP is redirected, forged or not, but for a challenge"):
                for headers in (), FORGED:
                    status, _, location = recipe.get("http", "/a%20b?c", headers=headers)
                    same((status, location), ("308", "https://site.test/a%20b?c"))
                same(recipe.get("http", f"/{TOKEN}")[0], "200")


def check_certbot(tally, place):
    """certbot --webroot puts a file below the root, and the authority gets it by plain HTTP."""
    with tally.check("certbot's webroot: the token by plain HTTP, all else is redirected"), \
            Process(WWWD, "-d", place / "site", "-h", "127.0.0.1", "-p", "0", "--https-only") as wwwd:
        url = f"http://127.0.0.1:{wwwd.wait_for(r'http://.*:(.*)/')[1]}"
        get = lambda path: subprocess.run(
            [program("curl"), "-s", "-H", "Host: site.test", "-w", " %{http_code} %header{location}",
             "-o", place / "body", url + path], capture_output=True, text=True).stdout.split()
        same(get(f"/{TOKEN}"), ["200"])
        same((place / "body").read_text(), "token.key")
        same(get("/index.html?x"), ["308", "https://site.test/index.html?x"])


def run(tally, place):
    make_files(place / "site", {"index.html": PAGE, "folder/a.txt": "a", TOKEN: "token.key"})
    make_certificate(place)
    for name in FRONTS:
        check_recipe(tally, name, place)
    check_certbot(tally, place)
