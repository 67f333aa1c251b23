"""What a difference between two verdicts is, and the differences that have a reason."""

import re
from dataclasses import dataclass

BOTH, NODE, NGINX = ("node", "nginx"), ("node",), ("nginx",)


@dataclass(frozen=True)
class Reason:
    """One kind of difference: all that is given of it has to be found."""

    name: str
    peers: tuple
    kind: str  # as compare() has it
    why: str
    text: object = ""  # in the stream, as a pattern or a function,
    request: str = ""  # in "METHOD TARGET" of the first request that only one of them took,
    ours: str = ""  # in why wwwd refused,
    theirs: str = ""  # in why the other did
    some: tuple = ()  # peers of which some versions differ so, and others don't

    def fits(self, peer, kind, stream, ours, theirs):
        longer, shorter = sorted((ours.seen, theirs.seen), key=len, reverse=True)
        request = " ".join(*longer[len(shorter):len(shorter) + 1] or [""])
        return (peer in self.peers + self.some and kind == self.kind
                and found(self.text, stream.text) and found(self.request, request)
                and found(self.ours, ours.refused) and found(self.theirs, theirs.refused))


def found(pattern, text):
    if callable(pattern):
        return pattern(text)
    return re.search(pattern, text, re.IGNORECASE | re.ASCII) is not None


def chunk_ends(text):
    return [match.end() + int(match[1], 16) for match in re.finditer(
        r"(?i)\n(0*[1-9a-f][0-9a-f]{0,3})(?:;.*)?\r\n", text)]


def cuts_crlf(text):
    """Whether a length or a chunk's size ends between a CR and its LF."""
    lengths = [match.end() + int(match[1]) for match in re.finditer(
        r"(?i)\nContent-Length:[ \t]*([0-9]{1,5})[ \t]*\r\n(?:.+\r\n)*\r\n", text)]
    return any(text[end - 1:end + 1] == "\r\n" for end in lengths + chunk_ends(text))


def lacks_crlf(text):
    """Whether something else stands where a chunk ends."""
    return any(text[end:end + 2] != "\r\n" for end in chunk_ends(text))


# Where wwwd takes what the other refuses, or goes on where the other has ended. The RFCs ask for
# each of them, or leave it open; in none is there a doubt where the message ends.
LOOSER = (
    Reason("a minor version above 1", NODE, "accepts",
           "is processed as HTTP/1.1 (RFC 9110 2.5, SHOULD); llhttp has a list of versions",
           text=r" HTTP/1\.[2-9]\r\n", theirs="HPE_INVALID_VERSION"),
    Reason("a byte above 127 in a target", (), "accepts",
           "is what curl and people send; it is no delimiter (RFC 3986 2), and printed encoded",
           text=r"[!-~]* \S*[\x80-\xff]\S* HTTP/", theirs="HPE_INVALID_URL", some=NODE),
    Reason("a tab around a value", BOTH, "accepts",
           "is optional white space as a space is (RFC 9110 5.6.3, RFC 9112 5.1)",
           text=r"(Content-Length|Transfer-Encoding|Host):[^\n]*\t",
           theirs='HPE_INVALID_(CONTENT_LENGTH|TRANSFER_ENCODING)'
                  '|invalid ("Content-Length"|host)|unknown "Transfer-Encoding"'),
    Reason("an upgrade that is ignored", NODE, "goes on",
           "leaves a connection of HTTP/1.1 (RFC 9110 7.8); Node loses what came with the request",
           text=r"\r\nUpgrade:"),
    Reason("Proxy-Connection", NODE, "goes on",
           "isn't a field of HTTP/1.1 (RFC 9112 C.2.2); llhttp takes it for Connection",
           text=r"\r\nProxy-Connection: close"),
    Reason("a word that close is part of", NGINX, "goes on",
           "isn't it (RFC 9110 7.6.1); nginx looks for it in the text",
           text=r"\r\nConnection:.*([^\s,][ \t]*close|close[ \t]*[^\s,])"),
    Reason("two lines of Expect", NGINX, "accepts", "are one list (RFC 9110 5.3, 10.1.1)",
           text=r"\r\nExpect:", theirs='duplicate header line: "Expect'),
    Reason("OPTIONS *", NGINX, "accepts", "is the asterisk form (RFC 9112 3.2.4); nginx has none",
           text=r"OPTIONS \* HTTP", theirs="client sent invalid request"),
    Reason("a name that DNS wouldn't take", NGINX, "accepts",
           "is a reg-name (RFC 3986 3.2.2); wwwd doesn't look it up",
           text=r"(\.\.|http://\S*[,;!$&'()*+=%~])",
           theirs="client sent invalid (host|request)"),
    Reason("TRACE", NGINX, "accepts", "is framed as any request is; both say 405",
           text="TRACE /", theirs="client sent TRACE"),
)

# Where wwwd closes, in good order, a connection that the other keeps.
SHORTER = (
    Reason("1000 requests", NODE, "stops", "are the most in a connection (RFC 9112 9.5)",
           text=r"(GET /good[^G]*){1000}"),
    Reason("a word that keep-alive is part of", NGINX, "stops",
           "isn't it (RFC 9110 7.6.1); nginx looks for it in the text",
           text=r"HTTP/1\.0\r\n(.+\r\n)*Connection:.*"
                r"([^\s,][ \t]*keep-alive|keep-alive[ \t]*[^\s,])"),
    Reason("close", BOTH, "stops",
           "is close beside keep-alive, before a tab and in any of several lines "
           "(RFC 9112 9.3, RFC 9110 5.3, 5.6.3)", text=r"\r\nConnection:(.*\r\n)*?.*close"),
)

# A request line up to its target, wherever another request may end.
LINE = r"[!-~]+[ \t]+"
HEADER = r"(HTTP/1\.\d|\n0+(;\S*)?)\r\n(.+\r\n)*"  # and trailers, up to any line of them
NO_TOKEN = r"[^!#$%&'*+.^_`|~0-9A-Za-z\r\n:-]"
HOST = r"[ \t]*([\w.~!$&'()*+,;=-]|%[0-9a-f]{2})+(:\d{0,4})?[ \t]*\r\n"
EXTENSION = r'(;[\w.*-]+(=([\w.*-]+|"(\\.|[^"\\\r\n])*"))?)'
KNOWN = ("(Host|Content-Length|Transfer-Encoding|Connection|Expect|Range|If-[a-z-]*|"
         "Accept-Encoding|Referer|User-Agent)")

# Where wwwd refuses what the other takes.
STRICTER = (
    Reason("what follows an upgrade", NODE, "refuses", "is read; Node has lost it",
           text=r"\r\nUpgrade:(?s:.*)\r\n\r\n[A-Z]+ .*\r\n(?s:.*)\r\n\r\nGET /marker",
           theirs="^$"),
    Reason("a limit", BOTH, "refuses", "of wwwd's own (RFC 9112 3, 7.1.1; RFC 9110 5.4, 15.5.14)",
           ours="413|414|431"),
    Reason("an expectation", BOTH, "refuses",
           "that is none is 417 (RFC 9110 10.1.1); whether its body comes nobody knows",
           text=r"\r\nExpect[^:]*:", ours="417"),
    Reason("an expectation of PUT", BOTH, "refuses",
           "is answered before its body has come (RFC 9110 10.1.1)", text=r"\r\nExpect:",
           ours="405"),
    Reason("CONNECT", NODE, "refuses",
           "ends the connection: what follows may be for a tunnel (RFC 9931)",
           request="^CONNECT ", ours="405"),
    Reason("close with a method that isn't allowed", BOTH, "refuses",
           "is 405 that closes, as it was asked (RFC 9110 15.5.6)",
           request="^(PUT|DELETE|PATCH|TRACE) ", ours="405"),
    Reason("an unknown coding", BOTH, "refuses", "is 501 (RFC 9112 6.1)",
           text=r"\r\nTransfer-Encoding:", ours="501"),
    Reason("an unknown method", BOTH, "refuses",
           "is 501 (RFC 9110 9.1), and may be the end of a body to another reader",
           request="^(?!(GET|HEAD|POST|OPTIONS|PUT|DELETE|PATCH|TRACE|CONNECT) )", ours="501"),
    Reason("an https target", BOTH, "refuses", "must not be answered in the clear (RFC 9110 7.4)",
           text="https://", ours="421"),
    Reason("another major version", NODE, "refuses", "is 505 (RFC 9110 15.6.6)",
           text=r"HTTP/[02-9]\.\d", ours="505"),
    Reason("no version", BOTH, "refuses", "is HTTP/0.9, which is gone (RFC 9112 A)",
           text=r"(^|\r\n\r\n|hello)[!-~]+ [!-~\x80-\xff]* ?\r\n", ours="400"),
    Reason("a version of three digits", NGINX, "refuses", "is 400 (RFC 9112 2.3)",
           text=r" HTTP/1\.\d\d", ours="400"),
    Reason("chunks of 1.0", NODE, "refuses", "can't be trusted (RFC 9112 6.1)",
           text=r"HTTP/1\.0\r\n(.+\r\n)*Transfer-Encoding:", ours="400"),
    Reason("a coding that isn't chunked and nothing else", BOTH, "refuses",
           "leaves the length unknown (RFC 9112 6.3)",
           text=r"\nTransfer-Encoding:(?![ \t]*chunked[ \t]*\r\n)", ours="400"),
    Reason("17 digits of a chunk's size", BOTH, "refuses",
           "and more have no number of 64 bits (RFC 9112 7.1)", text=r"\n0{16}", ours="400"),
    Reason("a bare LF", BOTH, "refuses",
           "may be taken for a line's end (RFC 9112 2.2); where not all do, requests are smuggled",
           text=r"(?<!\r)\n", ours="400"),
    Reason("a bare CR", BOTH, "refuses", "is invalid (RFC 9112 2.2)", text=r"\r(?!\n)", ours="400"),
    Reason("a folded line", NGINX, "refuses", "is 400 (RFC 9112 5.2)", text=r"\r\n[ \t]",
           ours="400", some=NODE),
    Reason("a control byte", NGINX, "refuses",
           "is invalid in a header (RFC 9110 5.5, RFC 9112 3.2)",
           text=r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]", ours="400", some=NODE),
    Reason("empty lines", BOTH, "refuses", "before a request are one (RFC 9112 2.2), here up to 8",
           text=r"(\r\n){9}", ours="400"),
    Reason("a Host that isn't one", BOTH, "refuses", "is 400 (RFC 9112 3.2)",
           text=rf"\nHost:(?!{HOST})", ours="400"),
    Reason("no Host", (), "refuses", "is 400 (RFC 9112 3.2)",
           text=r" HTTP/1\.[1-9]\r\n(?!(.+\r\n)*Host:)", ours="400", some=NODE),
    Reason("two Hosts", NODE, "refuses", "are 400 (RFC 9112 3.2)",
           text=r"\nHost:.*\r\n(.+\r\n)*Host:", ours="400"),
    Reason("a bad escape", BOTH, "refuses", "is no URI (RFC 3986 2.1); %00 and %2F name no file",
           text=LINE + r"[^\s?]*%(?!(?!00|2f)[0-9a-f]{2})", ours="400"),
    Reason("a target above the root", NODE, "refuses",
           "is 400, as nginx has it: RFC 3986 5.2.4 would read it as one of the root",
           text=LINE + r"(/|http://[^/]*/)\.\./", ours="400"),
    Reason("a fragment", BOTH, "refuses", "isn't sent (RFC 9112 3.2, RFC 9110 7.1)",
           text=LINE + r"[^\s#]*#", ours="400"),
    Reason("an authority that isn't one", BOTH, "refuses",
           "has a user, no host or a bad port (RFC 9110 4.2.1, 4.2.4)",
           text=LINE + rf"http://(?!{HOST[6:-10]}[/? ])", ours="400"),
    Reason("white space in a request line", BOTH, "refuses",
           "is one space, twice (RFC 9112 3, which lets a recipient guess)",
           text=r"(?m)^[!-~]+( \S*)?(\t|  )|HTTP/1\.1[ \t]", ours="400"),
    Reason("a target of no form", BOTH, "refuses", "is 400 (RFC 9112 3.2)",
           text=LINE + r"(?!/|http://)\S* ", ours="400"),
    Reason("another protocol", NODE, "refuses", "isn't HTTP (RFC 9112 2.3)", text=r" RTSP/1\.0\r\n",
           ours="400"),
    Reason("a name that isn't a token", NGINX, "refuses",
           "is 400 (RFC 9112 5, RFC 9110 5.1); nginx leaves the line out",
           text=rf"{HEADER}[^:\r\n]*{NO_TOKEN}[^:\r\n]*:", ours="400", some=NODE),
    Reason("a line without a name and colon", NGINX, "refuses",
           "is 400 (RFC 9112 5); nginx leaves the line out",
           text=HEADER + r"(:|[^:\r\n]+\r\n)", ours="400", some=NODE),
    Reason("an extension that isn't one", BOTH, "refuses",
           "is 400 (RFC 9112 7.1.1), with white space too",
           text=rf"\n[0-9a-f]+(?!{EXTENSION}*\r\n)[; \t]", ours="400"),
    Reason("a trailer that belongs in the header", BOTH, "refuses",
           "must not be sent (RFC 9110 6.5.1)", text=rf"\n0\S*\r\n(.+\r\n)*{KNOWN}:", ours="400"),
    Reason("no CRLF behind a chunk", (), "refuses", "is 400 (RFC 9112 7.1)",
           text=lacks_crlf, ours="400", some=NODE),
    Reason("a CRLF of which the body takes the CR", BOTH, "refuses",
           "leaves an LF, which is no end of a chunk and no empty line (RFC 9112 2.2, 7.1)",
           text=cuts_crlf, ours="400"),
)

REASONS = LOOSER + SHORTER + STRICTER


def explained(peer, kind, stream, ours, theirs):
    """The first reason that fits, or None."""
    return next((r for r in REASONS if r.fits(peer, kind, stream, ours, theirs)), None)


def plain(request):
    """As nginx tells it: of an absolute form the path alone."""
    method, target = request
    target = re.sub(r"^\w+://[^/?]*", "", target)
    return method, target if target[:1] in ("/", "*") else "/" + target


def same(ours, theirs):
    if ours[1].endswith("..."):  # wwwd's log cuts what is long
        return ours[0] == theirs[0] and theirs[1].startswith(ours[1][:-3])
    return ours == theirs


def compare(ours, theirs):
    """How ours differs from theirs, in a word; None if they agree."""
    pairs = zip(map(plain, ours.seen), map(plain, theirs.seen))
    if not all(same(*pair) for pair in pairs):
        return "reads otherwise"
    if len(ours.seen) < len(theirs.seen):
        return "refuses" if ours.refused else "stops"
    if len(ours.seen) > len(theirs.seen):
        return "accepts" if theirs.refused else "goes on"
    if ours.refused and not theirs.refused:
        return "goes on" if theirs.closed else "refuses"
    # Where wwwd has closed the connection neither takes what comes then.
    if theirs.refused and not ours.refused and not ours.closed:
        return "accepts"
    return None
