/*
 * Programs by CGI: a table by the sections of RFC 3875 and by what other servers got wrong, asked of
 * the event loop and of a process for one connection, of each build; then what a program may do to
 * the server, and what is left of it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process.h"

#define HEAD "printf 'Content-Type: text/plain\\n\\n'; "
#define SH "#!/bin/sh\n"

/* ---- the programs, in the folder cgi-bin of the site ---- */

static const struct {
	const char *name, *text;
} programs[] = {
	{ "env", SH HEAD "echo; env | sort; echo arguments: $#; pwd" },
	{ "echo", SH HEAD "printf '%s:' \"$CONTENT_LENGTH\"; cat" },
	{ "deaf", SH "exec 0<&-\n" HEAD "echo deaf" },
	{ "hello", SH HEAD "printf hello" },
	{ "crlf", SH "printf 'Content-Type: text/plain\\r\\nX-Other: b\\r\\n\\r\\nhello'" },
	{ "mixed", SH "printf 'X-A: 1\\nContent-Type: text/plain\\r\\nX-B: 2\\n\\r\\nhello'" },
	{ "slow-head", SH "for c in C o n t e n t - T y p e : t e x t / x; do printf $c; done; "
			  "printf '\\n'; printf '\\n'; printf hello" },
	{ "nothing", SH "exit 0" },
	{ "no-head", SH "echo hello" },
	{ "empty-head", SH "printf '\\nhello'" },
	{ "only-head", SH "printf 'Content-Type: text/plain\\n'" },
	{ "other-head", SH "printf 'X-Other: b\\n\\nhello'" },
	{ "status-line", SH "printf 'HTTP/1.1 200 OK\\nContent-Type: text/plain\\n\\nhello'" },
	{ "folded", SH "printf 'Content-Type: text/plain\\n b\\n\\nhello'" },
	{ "spaced", SH "printf 'Content-Type : text/plain\\n\\nhello'" },
	{ "nul", SH "printf 'Content-Type: text\\000/plain\\n\\nhello'" },
	{ "bare-cr", SH "printf 'Content-Type: text/plain\\rX-Injected: b\\n\\nhello'" },
	{ "huge-head", SH "printf 'Content-Type: text/plain\\nX: '; head -c 40000 /dev/zero | tr "
			  "'\\0' a; printf '\\n\\nhello'" },
	{ "status-404", SH "printf 'Status: 404 Nowhere\\nContent-Type: text/plain\\n\\nmine'" },
	{ "status-only", SH "printf 'Status: 404\\n\\nmine'" },
	{ "status-odd", SH "printf 'Status: 299\\nContent-Type: a/b\\n\\nodd'" },
	{ "status-100", SH "printf 'Status: 100 Continue\\nContent-Type: a/b\\n\\nx'" },
	{ "status-101", SH "printf 'Status: 101 Switching\\nContent-Type: a/b\\n\\nx'" },
	{ "status-999", SH "printf 'Status: 999 Odd\\nContent-Type: a/b\\n\\nx'" },
	{ "status-word", SH "printf 'Status: good\\nContent-Type: a/b\\n\\nx'" },
	{ "status-2000", SH "printf 'Status: 2000\\nContent-Type: a/b\\n\\nx'" },
	{ "status-204", SH "printf 'Status: 204 No Content\\n\\n'" },
	{ "status-204-body", SH "printf 'Status: 204 No Content\\n\\nbody'" },
	{ "status-304", SH "printf 'Status: 304 Not Modified\\nETag: \"a\"\\n\\nbody'" },
	{ "status-405", SH "printf 'Status: 405 No\\nAllow: GET\\nContent-Type: a/b\\n\\nno'" },
	{ "to-url", SH "printf 'Location: http://b.test/x?y\\n\\n'" },
	{ "to-url-301", SH "printf 'Status: 301 Moved\\nLocation: https://b.test/\\n\\n'" },
	{ "to-url-body",
	  SH "printf 'Location: http://b.test/\\nContent-Type: text/html\\n\\n<a>'" },
	{ "to-file", SH "printf 'Location: /ten.txt\\n\\n'" },
	{ "to-nothing", SH "printf 'Location: /nothing\\n\\n'" },
	{ "to-folder", SH "printf 'Location: /folder\\n\\n'" },
	{ "to-above", SH "printf 'Location: /../etc/passwd\\n\\n'" },
	{ "to-encoded", SH "printf 'Location: /%%00\\n\\n'" },
	{ "to-slashes", SH "printf 'Location: //b.test/ten.txt\\n\\n'" },
	{ "to-env", SH "cat >/dev/null; printf 'Location: /cgi-bin/env/more?c=d\\n\\n'" },
	{ "to-itself", SH "printf 'Location: /cgi-bin/to-itself\\n\\n'" },
	{ "other-fields", SH "printf 'Content-Type: text/plain\\nSet-Cookie: a=b\\nSet-Cookie: "
			     "c=d\\nCache-Control: max-age=5\\n\\nhello'" },
	{ "ours", SH "printf 'Content-Type: text/plain\\nConnection: keep-alive\\nTransfer-"
		     "Encoding: chunked\\nServer: other\\nDate: never\\nUpgrade: x\\n\\nhello'" },
	{ "length", SH "printf 'Content-Type: text/plain\\nContent-Length: 5\\n\\nhello'" },
	{ "length-small", SH "printf 'Content-Type: text/plain\\nContent-Length: 5\\n\\nhello "
			     "and more'" },
	{ "length-large", SH "printf 'Content-Type: text/plain\\nContent-Length: 50\\n\\nhello'" },
	{ "length-odd", SH "printf 'Content-Type: text/plain\\nContent-Length: +5\\n\\nhello'" },
	{ "nph-raw", SH "printf 'HTTP/1.1 299 Mine\\r\\nX: y\\r\\n\\r\\nraw'" },
	{ "script.sh", SH HEAD "printf 'secret source'" },
	{ "no-interpreter", "#!/nowhere/interpreter\nsecret source\n" },
	{ "no-format", "secret source\n" },
	{ "-option", SH HEAD "printf option" },
	{ "folder/deep",
	  SH HEAD "printf '%s %s %s' \"$SCRIPT_NAME\" \"$PATH_INFO\" \"${PWD##*/}\"" },
	{ "errors", SH "echo one >&2; printf 'two\\033[m\\nthree' >&2; " HEAD "printf hello" },
	/* what the query says, and as lighttpd's and merecat's tests ask for it */
	{ "does", SH "case $QUERY_STRING in\n"
		     "variable=*) printf 'Status: 200\\r\\n\\r\\n'; n=${QUERY_STRING#*=}\n"
		     "  v=$(printenv $n) || v=\"no $n\"; printf %s \"$v\";;\n"
		     "length) printf 'Status: 200\\r\\n\\r\\n'; printf %s $(wc -c);;\n"
		     "404) printf 'Status: 404\\n\\nnot here';;\n"
		     "within) printf 'Location: /ten.txt\\r\\n\\r\\n';;\n"
		     "without) printf 'Location: http://www.example.org:2048/\\r\\n\\r\\n';;\n"
		     "file) printf 'Status: 200\\r\\nX-Sendfile: /etc/passwd\\r\\n\\r\\nhere';;\n"
		     "status=*) printf 'Status: %s Any\\r\\n\\r\\n' ${QUERY_STRING#*=};;\n"
		     "lines) printf 'Location: http://www.example.org/\\r\\n\\n\\n';;\n"
		     "*) printf 'Content-Type: text/plain\\r\\n\\r\\n%s' \"$QUERY_STRING\";;\n"
		     "esac" },
	{ ".hidden", SH HEAD "printf hidden" },
};

static void put_programs(void)
{
	put_folder("site/cgi-bin");
	put_folder("site/cgi-bin/folder");
	put_folder("site/folder");
	put_open_folder("work");
	for (int i = 0; i < COUNT(programs); i++)
		put_program(format("site/cgi-bin/%s", programs[i].name), programs[i].text);
	put("site/cgi-bin/data", "secret source\n");
	put("site/cgi-bin/script.sh.gz", "secret source\n");
}

/* ---- the table ---- */

#define GET(target) "GET " target " HTTP/1.1\r\nHost: a.test:8080\r\nConnection: close\r\n\r\n"
#define WITH(target, fields) \
	"GET " target " HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n" fields "\r\n"
#define POST(target, fields, body) \
	"POST " target " HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n" fields "\r\n" body
#define CHUNKED "Transfer-Encoding: chunked\r\n"
/* 250 bytes: longer than what a signal leaves of the processor's registers on a stack */
#define FIVE(text) text text text text text
#define WORD FIVE(FIVE("Shibboleth"))

static const struct row {
	const char *section, *request;
	int status;
	const char *body;                      /* the whole of it */
	const char *const *has, *const *lacks; /* of the response, the body without its chunks */
	bool own;                              /* wwwd's own: lighttpd answers in another way */
} rows[] = {
	/* 4.1: the meta-variables */
	{ "4.1.1", GET("/cgi-bin/env"), 200, .lacks = LIST("AUTH_TYPE=", "REMOTE_USER=") },
	{ "4.1.2", GET("/cgi-bin/env"), 200, .lacks = LIST("CONTENT_LENGTH="), .own = true },
	{ "4.1.2 of a body", POST("/cgi-bin/echo", "Content-Length: 5\r\n", "hello"), 200,
	  .body = "5:hello" },
	{ "4.1.2 of a chunked body",
	  POST("/cgi-bin/echo", CHUNKED, "2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nX: y\r\n\r\n"), 200,
	  .body = "5:hello" },
	{ "4.1.2 of a chunked body without bytes", POST("/cgi-bin/echo", CHUNKED, "0\r\n\r\n"), 200,
	  .body = "0:" },
	{ "4.1.3", POST("/cgi-bin/env", "Content-Type: a/b; c=d\r\nContent-Length: 1\r\n", "x"),
	  200, .has = LIST("\nCONTENT_TYPE=a/b; c=d\n"),
	  .lacks = LIST("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"), .own = true },
	{ "4.1.3 none", GET("/cgi-bin/env"), 200, .lacks = LIST("CONTENT_TYPE=") },
	{ "4.1.4", GET("/cgi-bin/env"), 200, .has = LIST("\nGATEWAY_INTERFACE=CGI/1.1\n") },
	{ "4.1.5", GET("/cgi-bin/env/a%20b/%c3%a4"), 200,
	  .has = LIST("\nPATH_INFO=/a b/\303\244\n", "\nSCRIPT_NAME=/cgi-bin/env\n",
		      "\nREQUEST_URI=/cgi-bin/env/a%20b/%c3%a4\n") },
	{ "4.1.5 none", GET("/cgi-bin/env"), 200, .lacks = LIST("PATH_INFO=", "PATH_TRANSLATED=") },
	{ "4.1.5 a slash", GET("/cgi-bin/env/"), 200, .has = LIST("\nPATH_INFO=/\n") },
	{ "4.1.5 a name with a dot", GET("/cgi-bin/env/.git/.x"), 200,
	  .has = LIST("\nPATH_INFO=/.git/.x\n") },
	{ "4.1.5 dot segments", GET("/cgi-bin/env/a/../b/./c"), 200,
	  .has = LIST("\nPATH_INFO=/b/c\n") },
	{ "4.1.5 an encoded slash", GET("/cgi-bin/env/a%2fb"), 400, .own = true },
	{ "4.1.5 NUL", GET("/cgi-bin/env/a%00b"), .status = 400 },
	{ "4.1.6", GET("/cgi-bin/env/x/y"), 200, .has = LIST("\nPATH_TRANSLATED={site}/x/y\n") },
	{ "4.1.7", GET("/cgi-bin/env?a=%20b+c&d;e"), 200,
	  .has = LIST("\nQUERY_STRING=a=%20b+c&d;e\n") },
	{ "4.1.7 none", GET("/cgi-bin/env"), 200, .has = LIST("\nQUERY_STRING=\n") },
	{ "4.1.7 a question mark", GET("/cgi-bin/env?"), 200,
	  .has = LIST("\nQUERY_STRING=\n", "\nREQUEST_URI=/cgi-bin/env?\n") },
	{ "4.1.8", GET("/cgi-bin/env"), 200,
	  .has = LIST("\nREMOTE_ADDR=127.0.0.1\n", "\nREMOTE_PORT="),
	  .lacks = LIST("REMOTE_HOST", "REMOTE_IDENT") },
	{ "4.1.12", GET("/cgi-bin/env"), 200, .has = LIST("\nREQUEST_METHOD=GET\n") },
	{ "4.1.12 PUT",
	  "PUT /cgi-bin/env HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
	  200, .has = LIST("\nREQUEST_METHOD=PUT\n") },
	{ "4.1.12 DELETE", "DELETE /cgi-bin/env HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	  200, .has = LIST("\nREQUEST_METHOD=DELETE\n") },
	{ "4.1.12 OPTIONS", "OPTIONS /cgi-bin/env HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	  200, .has = LIST("\nREQUEST_METHOD=OPTIONS\n") },
	{ "4.1.12 PUT to a file", "PUT /ten.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	  405, .own = true },
	{ "4.1.13", GET("/any/x/env/y"), 200,
	  .has = LIST("\nSCRIPT_NAME=/any/x\n", "\nPATH_INFO=/env/y\n",
		      "\nSCRIPT_FILENAME={site}/cgi-bin/env\n", "\nDOCUMENT_ROOT={site}\n") },
	{ "4.1.13 of the prefix alone", GET("/any/x"), 200, .has = LIST("\nSCRIPT_NAME=/any/x\n"),
	  .lacks = LIST("PATH_INFO=") },
	{ "4.1.13 the longest prefix wins", GET("/any/x/longer/y"), 200, .body = "hello" },
	{ "4.1.13 not a longer name", GET("/any/xy"), .status = 404 },
	{ "4.1.13 not a name with an ending", GET("/any/x.gz"), .status = 404 },
	{ "4.1.13 another spelling", GET("//any/./%78/z"), 200, .has = LIST("\nPATH_INFO=/z\n") },
	{ "4.1.14", GET("/cgi-bin/env"), 200, .has = LIST("\nSERVER_NAME=a.test\n") },
	{ "4.1.14 IPv6", "GET /cgi-bin/env HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n",
	  200, .has = LIST("\nSERVER_NAME=[::1]\n") },
	{ "4.1.14 none", "GET /cgi-bin/env HTTP/1.0\r\n\r\n", 200,
	  .has = LIST("\nSERVER_NAME=127.0.0.1\n", "\nSERVER_PROTOCOL=HTTP/1.0\n"), .own = true },
	{ "4.1.14 of the target",
	  "GET http://b.test/cgi-bin/env?c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200,
	  .has = LIST("\nSERVER_NAME=b.test\n", "\nREQUEST_URI=/cgi-bin/env?c\n"), .own = true },
	{ "4.1.15", GET("/cgi-bin/env"), 200, .has = LIST("\nSERVER_PORT={port}\n") },
	{ "4.1.16", GET("/cgi-bin/env"), 200, .has = LIST("\nSERVER_PROTOCOL=HTTP/1.1\n") },
	{ "4.1.17", GET("/cgi-bin/env"), 200, .has = LIST("\nSERVER_SOFTWARE=wwwd\n"),
	  .own = true },
	{ "4.1.18", WITH("/cgi-bin/env", "X-One: a\r\nAccept: */*\r\nx-one: b\r\nX-One:\r\n"), 200,
	  .has = LIST("\nHTTP_X_ONE=a, b, \n", "\nHTTP_ACCEPT=*/*\n", "\nHTTP_HOST=a.test\n"),
	  .own = true },
	{ "4.1.18 cookies", WITH("/cgi-bin/env", "Cookie: a=b\r\nCookie: c=d\r\n"), 200,
	  .has = LIST("\nHTTP_COOKIE=a=b; c=d\n") },
	{ "4.1.18 Proxy", WITH("/cgi-bin/env", "Proxy: http://b.test\r\nPROXY: x\r\n"), 200,
	  .lacks = LIST("HTTP_PROXY") },
	{ "4.1.18 names with _",
	  WITH("/cgi-bin/env", "X_One: a\r\nX-Two: b\r\nContent_Length: 9\r\n"), 200,
	  .has = LIST("\nHTTP_X_TWO=b\n"), .lacks = LIST("HTTP_X_ONE", "LENGTH"), .own = true },
	{ "4.1.18 a function of a shell",
	  WITH("/cgi-bin/env", "X-One: () { :;}; echo\r\nContent-Type: () { :;}; echo\r\n"), 200,
	  .lacks = LIST("() {"), .own = true },
	{ "4.1.18 Authorization", WITH("/cgi-bin/env", "Authorization: Basic YTpi\r\n"), 200,
	  .has = LIST("\nHTTP_AUTHORIZATION=Basic YTpi\n"), .lacks = LIST("REMOTE_USER") },
	{ "4.1.18 of git",
	  WITH("/cgi-bin/env", "Content-Encoding: gzip\r\nGit-Protocol: version=2\r\n"), 200,
	  .has = LIST("\nHTTP_CONTENT_ENCODING=gzip\n", "\nHTTP_GIT_PROTOCOL=version=2\n") },
	{ "our environment", GET("/cgi-bin/env"), 200,
	  .has = LIST("\nPATH=", "\nREDIRECT_STATUS=200\n", "\nMINE=of the options\n"),
	  .lacks = LIST("HOME=", "SECRET", "replaced") },
	{ "options before the request", WITH("/cgi-bin/env", "X-Mine: of the request\r\n"), 200,
	  .has = LIST("\nHTTP_X_MINE=of the options\n"), .lacks = LIST("of the request"),
	  .own = true },
	/* 4.2: the body of the request */
	{ "4.2 none", GET("/cgi-bin/echo"), 200, .body = ":", .own = true },
	{ "4.2 not read", POST("/cgi-bin/hello", "Content-Length: 5\r\n", "hello"), 200,
	  .body = "hello" },
	{ "4.2 closed", POST("/cgi-bin/deaf", "Content-Length: 5\r\n", "hello"), 200,
	  .body = "deaf\n" },
	{ "4.2 too large", POST("/cgi-bin/echo", "Content-Length: 20000000\r\n", ""), 413,
	  .own = true },
	{ "4.2 chunks too large", POST("/cgi-bin/echo", CHUNKED, "fffffff\r\n"), 413, .own = true },
	{ "4.2 broken chunks", POST("/cgi-bin/echo", CHUNKED, "2\r\nhello\r\n"), .status = 400 },
	{ "4.2 100",
	  POST("/cgi-bin/echo", "Content-Length: 5\r\nExpect: 100-continue\r\n", "hello"), 200,
	  .body = "5:hello" },
	/* 4.4: no command line */
	/* a client that waits for 100 is not asked for what no program gets */
	{ "4.2 100 of none",
	  POST("/cgi-bin/none", "Content-Length: 5\r\nExpect: 100-continue\r\n", ""),
	  .status = 404 },
	{ "4.2 100 of what is not executable",
	  POST("/cgi-bin/data", "Content-Length: 5\r\nExpect: 100-continue\r\n", ""), 403,
	  .own = true },
	{ "4.4", GET("/cgi-bin/env?-s+%24x"), 200, .has = LIST("\narguments: 0\n") },
	{ "4.4 one word", GET("/cgi-bin/env?word"), 200, .has = LIST("\narguments: 0\n") },
	/* 6.2.1: a document */
	{ "6.2.1", GET("/cgi-bin/hello"), 200, .body = "hello",
	  .has = LIST("Content-Type: text/plain\r\n") },
	{ "6.2.1 CRLF", GET("/cgi-bin/crlf"), 200, .body = "hello", .has = LIST("X-Other: b\r\n") },
	{ "6.2.1 LF and CRLF", GET("/cgi-bin/mixed"), 200, .body = "hello",
	  .has = LIST("X-A: 1\r\n", "X-B: 2\r\n") },
	{ "6.2.1 bytes by themselves", GET("/cgi-bin/slow-head"), 200, .body = "hello",
	  .has = LIST("Content-Type: text/x\r\n") },
	{ "6.2.1 nothing", GET("/cgi-bin/nothing"), 502, .own = true },
	{ "6.2.1 no header", GET("/cgi-bin/no-head"), 502, .lacks = LIST("hello"), .own = true },
	{ "6.2.1 an empty header", GET("/cgi-bin/empty-head"), 502, .lacks = LIST("hello"),
	  .own = true },
	{ "6.2.1 no end of the header", GET("/cgi-bin/only-head"), 502, .own = true },
	{ "6.2.1 none of CGI's fields", GET("/cgi-bin/other-head"), 502, .lacks = LIST("hello"),
	  .own = true },
	{ "6.2.1 a status line", GET("/cgi-bin/status-line"), 502, .lacks = LIST("hello"),
	  .own = true },
	{ "6.2.1 a folded line", GET("/cgi-bin/folded"), 502, .lacks = LIST("hello"), .own = true },
	{ "6.2.1 a blank before the colon", GET("/cgi-bin/spaced"), 502, .lacks = LIST("hello"),
	  .own = true },
	{ "6.2.1 NUL", GET("/cgi-bin/nul"), 502, .lacks = LIST("hello"), .own = true },
	{ "6.2.1 a bare CR", GET("/cgi-bin/bare-cr"), 502, .lacks = LIST("Injected"), .own = true },
	{ "6.2.1 a header of 40 KB", GET("/cgi-bin/huge-head"), 502, .lacks = LIST("hello"),
	  .own = true },
	/* 6.2.2: a redirect within the site */
	{ "6.2.2", GET("/cgi-bin/to-file"), 200, .body = "0123456789", .lacks = LIST("Location") },
	{ "6.2.2 of a POST", POST("/cgi-bin/to-file", "Content-Length: 1\r\n", "x"), 200,
	  .body = "0123456789", .lacks = LIST("Location") },
	{ "6.2.2 to nothing", GET("/cgi-bin/to-nothing"), .status = 404 },
	{ "6.2.2 to a folder", GET("/cgi-bin/to-folder"), 301, .has = LIST("Location: ") },
	{ "6.2.2 above the root", GET("/cgi-bin/to-above"), 400, .lacks = LIST("root:"),
	  .own = true },
	{ "6.2.2 to NUL", GET("/cgi-bin/to-encoded"), 502, .own = true },
	{ "6.2.2 to another host", GET("/cgi-bin/to-slashes"), 404, .lacks = LIST("Location") },
	{ "6.2.2 to a program",
	  POST("/cgi-bin/to-env?a=b", "Content-Type: a/b\r\nContent-Length: 1\r\n", "x"), 200,
	  .has = LIST("\nQUERY_STRING=c=d\n", "\nPATH_INFO=/more\n", "\nREQUEST_METHOD=GET\n",
		      "\nREQUEST_URI=/cgi-bin/to-env?a=b\n"),
	  .lacks = LIST("CONTENT_LENGTH", "CONTENT_TYPE"), .own = true },
	{ "6.2.2 for ever", GET("/cgi-bin/to-itself"), 502, .own = true },
	/* 6.2.3, 6.2.4: a redirect of the client */
	{ "6.2.3", GET("/cgi-bin/to-url"), 302, .body = "",
	  .has = LIST("HTTP/1.1 302 Found\r\n", "Location: http://b.test/x?y\r\n") },
	{ "6.2.4", GET("/cgi-bin/to-url-body"), 302, .body = "<a>",
	  .has = LIST("Location: http://b.test/\r\n") },
	{ "6.2.4 with a status", GET("/cgi-bin/to-url-301"), 301, .body = "",
	  .has = LIST("HTTP/1.1 301 Moved\r\n", "Location: https://b.test/\r\n"), .own = true },
	/* 6.3: fields */
	{ "6.3.3", GET("/cgi-bin/status-404"), 404, .body = "mine",
	  .has = LIST("HTTP/1.1 404 Nowhere\r\n"), .own = true },
	{ "6.3.3 without a reason", GET("/cgi-bin/status-only"), 404, .body = "mine",
	  .has = LIST("HTTP/1.1 404 \r\n"), .own = true },
	{ "6.3.3 that nobody knows", GET("/cgi-bin/status-odd"), 299, .body = "odd",
	  .has = LIST("HTTP/1.1 299 \r\n") },
	{ "6.3.3 100", GET("/cgi-bin/status-100"), 502, .own = true },
	{ "6.3.3 101", GET("/cgi-bin/status-101"), 502, .own = true },
	{ "6.3.3 999", GET("/cgi-bin/status-999"), 502, .own = true },
	{ "6.3.3 a word", GET("/cgi-bin/status-word"), .status = 502 },
	{ "6.3.3 four digits", GET("/cgi-bin/status-2000"), .status = 502 },
	{ "6.3.4", GET("/cgi-bin/other-fields"), 200, .body = "hello",
	  .has = LIST("Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n", "Cache-Control: max-age=5\r\n",
		      "Server: wwwd\r\n"),
	  .own = true },
	{ "6.3.4 the server's own", GET("/cgi-bin/ours"), 200, .body = "hello",
	  .has = LIST("Connection: close\r\n"), .lacks = LIST("other", "never", "Upgrade"),
	  .own = true },
	{ "6.3.4 Allow", GET("/cgi-bin/status-405"), 405, .body = "no",
	  .has = LIST("Allow: GET\r\n"), .lacks = LIST("HEAD") },
	/* 6.4: the body of the response */
	{ "6.4 a length", GET("/cgi-bin/length"), 200, .body = "hello",
	  .has = LIST("Content-Length: 5\r\n"), .lacks = LIST("Transfer-Encoding") },
	{ "6.4 a length that is too small", GET("/cgi-bin/length-small"), 200, .body = "hello",
	  .has = LIST("Content-Length: 5\r\n") },
	{ "6.4 a length that is too large", GET("/cgi-bin/length-large"), .status = CUT },
	{ "6.4 a length that is none", GET("/cgi-bin/length-odd"), 200, .body = "hello",
	  .has = LIST("Transfer-Encoding: chunked\r\n"), .lacks = LIST("Content-Length"),
	  .own = true },
	{ "6.4 HTTP/1.0", "GET /cgi-bin/hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200,
	  .body = "hello", .has = LIST("Connection: close\r\n"),
	  .lacks = LIST("Transfer-Encoding", "keep-alive"), .own = true },
	{ "6.4 204", GET("/cgi-bin/status-204"), 204, .body = "",
	  .lacks = LIST("Transfer-Encoding", "Content-Length") },
	{ "6.4 204 with a body", GET("/cgi-bin/status-204-body"), 204, .body = "",
	  .lacks = LIST("Transfer-Encoding", "Content-Length") },
	{ "6.4 304", GET("/cgi-bin/status-304"), 304, .body = "", .has = LIST("ETag: \"a\"\r\n"),
	  .lacks = LIST("Transfer-Encoding", "body") },
	{ "6.4 HEAD", "HEAD /cgi-bin/length HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200,
	  .body = "", .has = LIST("Content-Length: 5\r\n"), .lacks = LIST("hello") },
	{ "6.4 HEAD without a length",
	  "HEAD /cgi-bin/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, .body = "",
	  .lacks = LIST("hello") },
	/* 5: a program that writes for itself */
	{ "5", GET("/cgi-bin/nph-raw"), 299, .body = "raw", .has = LIST("HTTP/1.1 299 Mine\r\n"),
	  .lacks = LIST("Date", "Server"), .own = true },
	/* which files are programs */
	{ "not executable", GET("/cgi-bin/data"), 403, .lacks = LIST("secret"), .own = true },
	{ "not executable, compressed", WITH("/cgi-bin/script.sh", "Accept-Encoding: gzip\r\n"),
	  200, .body = "secret source", .lacks = LIST("Content-Encoding") },
	{ "a sibling", GET("/cgi-bin/script.sh.gz"), 403, .lacks = LIST("secret"), .own = true },
	{ "a blank", GET("/cgi-bin/script.sh%20"), 404, .lacks = LIST("secret") },
	{ "a slash", GET("/cgi-bin/data/"), 403, .lacks = LIST("secret"), .own = true },
	{ "another spelling", GET("/cgi-bin/../%63gi-bin/./data"), 403, .lacks = LIST("secret"),
	  .own = true },
	{ "none", GET("/cgi-bin/none"), .status = 404 },
	{ "hidden", GET("/cgi-bin/.hidden"), 404, .lacks = LIST("hidden"), .own = true },
	{ "the folder", GET("/cgi-bin/"), 403, .lacks = LIST("env") },
	{ "the folder without a slash", GET("/cgi-bin"), .status = 301 },
	{ "a folder", GET("/cgi-bin/folder/"), 403, .lacks = LIST("deep") },
	{ "in a folder", GET("/cgi-bin/folder/deep/x"), 200,
	  .body = "/cgi-bin/folder/deep /x folder" },
	{ "no interpreter", GET("/cgi-bin/no-interpreter"), 502, .lacks = LIST("secret"),
	  .own = true },
	{ "no format", GET("/cgi-bin/no-format"), 502, .lacks = LIST("secret"), .own = true },
	{ "a name like an option", GET("/cgi-bin/-option"), 200, .body = "option" },
	{ "a link to the outside", GET("/cgi-bin/link"), .status = 404 },
	{ "a file beside", GET("/ten.txt"), 200, .body = "0123456789" },
	/* the cases of lighttpd's tests/request.t, and of merecat's tests */
	{ "lighttpd: no query", GET("/cgi-bin/does"), 200, .body = "" },
	{ "lighttpd: a body that is sent at once",
	  POST("/cgi-bin/does?length", "Content-Length: 4\r\nExpect: 100-continue\r\n", "123\n"),
	  200, .body = "4" },
	{ "lighttpd: a chunk: lower case hex",
	  POST("/cgi-bin/does?length", CHUNKED, "a\r\n0123456789\r\n0\r\n\r\n"), 200,
	  .body = "10" },
	{ "lighttpd: a chunk: upper case hex",
	  POST("/cgi-bin/does?length", CHUNKED, "A\r\n0123456789\r\n0\r\n\r\n"), 200,
	  .body = "10" },
	{ "lighttpd: a chunk: two digits",
	  POST("/cgi-bin/does?length", CHUNKED, "10\r\n0123456789abcdef\r\n0\r\n\r\n"), 200,
	  .body = "16" },
	{ "lighttpd: a chunk: a trailer",
	  POST("/cgi-bin/does?length", CHUNKED,
	       "a\r\n0123456789\r\n0\r\nTest-Trailer: testing\r\n\r\n"),
	  200, .body = "10" },
	{ "lighttpd: a chunk: an extension",
	  POST("/cgi-bin/does?length", CHUNKED, "a;comment\r\n0123456789\r\n0\r\n\r\n"), 200,
	  .body = "10" },
	{ "lighttpd: a chunk: an extension behind a blank",
	  POST("/cgi-bin/does?length", CHUNKED, "a; comment\r\n0123456789\r\n0\r\n\r\n"), 400,
	  .own = true },
	{ "lighttpd: a chunk: no hex",
	  POST("/cgi-bin/does?length", CHUNKED, "az\r\n0123456789\r\n0\r\n\r\n"), .status = 400 },
	{ "lighttpd: a chunk: a chunk that is too long",
	  POST("/cgi-bin/does?length", CHUNKED, "a\r\n0123456789xxxxxxxx\r\n0\r\n\r\n"),
	  .status = 400 },
	{ "lighttpd: a chunk: an extension of 1,250 bytes",
	  POST("/cgi-bin/does?length", CHUNKED, "a;" FIVE(WORD) "\r\n0123456789\r\n0\r\n\r\n"), 200,
	  .body = "10", .own = true },
	{ "lighttpd: 404 of a program stays", GET("/cgi-bin/does?404"), 404, .body = "not here" },
	{ "lighttpd: blanks behind the name", GET("/cgi-bin/does%20%20%20"), 404,
	  .lacks = LIST("QUERY") },
	{ "lighttpd: SCRIPT_NAME before PATH_INFO", GET("/cgi-bin/does/foo?variable=SCRIPT_NAME"),
	  200, .body = "/cgi-bin/does" },
	{ "lighttpd: a redirect within the site", GET("/cgi-bin/does?within"), 200,
	  .body = "0123456789" },
	{ "lighttpd: X-Sendfile is a header as any other", GET("/cgi-bin/does?file"), 200,
	  .body = "here", .has = LIST("X-Sendfile: /etc/passwd\r\n"), .own = true },
	{ "lighttpd: a redirect to another site", GET("/cgi-bin/does?without"), 302,
	  .has = LIST("Location: http://www.example.org:2048/\r\n") },
	{ "lighttpd: the same behind a slash", GET("/cgi-bin/does/?without"), 302,
	  .has = LIST("Location: http://www.example.org:2048/\r\n") },
	{ "lighttpd: a status of two digits", GET("/cgi-bin/does?status=30"), .status = 502 },
	{ "lighttpd: a status 304", GET("/cgi-bin/does?status=304"), 304, .body = "" },
	{ "lighttpd: a status 200", GET("/cgi-bin/does?status=200"), .status = 200 },
	{ "lighttpd: GATEWAY_INTERFACE", GET("/cgi-bin/does?variable=GATEWAY_INTERFACE"), 200,
	  .body = "CGI/1.1" },
	{ "lighttpd: a query without a value", GET("/cgi-bin/does?query_string"), 200,
	  .body = "query_string", .has = LIST("Content-Type: text/plain\r\n") },
	{ "lighttpd: SCRIPT_NAME", GET("/cgi-bin/does?variable=SCRIPT_NAME"), 200,
	  .body = "/cgi-bin/does" },
	{ "lighttpd: SCRIPT_NAME before a longer PATH_INFO",
	  GET("/cgi-bin/does/path/info?variable=SCRIPT_NAME"), 200, .body = "/cgi-bin/does" },
	{ "lighttpd: PATH_INFO", GET("/cgi-bin/does/path/info?variable=PATH_INFO"), 200,
	  .body = "/path/info" },
	{ "lighttpd: digits in a name",
	  WITH("/cgi-bin/does?variable=HTTP_XX_YY123", "xx-yy123: foo\r\n"), 200, .body = "foo" },
	{ "lighttpd: HTTP_HOST", WITH("/cgi-bin/does?variable=HTTP_HOST", ""), 200,
	  .body = "a.test" },
	{ "lighttpd: HTTP_HOST of HTTP/1.1", GET("/cgi-bin/does?variable=HTTP_HOST"), 200,
	  .body = "a.test:8080", .has = LIST("Transfer-Encoding: chunked\r\n"), .own = true },
	{ "lighttpd: a variable that is not set", GET("/cgi-bin/does?variable=ABSENT"), 200,
	  .body = "no ABSENT" },
	{ "lighttpd: a variable that is empty", GET("/cgi-bin/does?variable=BLANK"), 200,
	  .body = "", .own = true },
	{ "lighttpd: line ends behind a header", GET("/cgi-bin/does?lines"), 302,
	  .has = LIST("Location: http://www.example.org/\r\n") },
	{ "lighttpd: REMOTE_ADDR, X-Forwarded-For",
	  WITH("/cgi-bin/does?variable=REMOTE_ADDR", "X-Forwarded-For: 127.0.10.1\r\n"), 200,
	  .body = "127.0.10.1", .own = true },
	{ "lighttpd: REMOTE_ADDR, X-Forwarded-For, two",
	  WITH("/cgi-bin/does?variable=REMOTE_ADDR", "X-Forwarded-For: 127.0.10.1, 127.0.20.1\r\n"),
	  200, .body = "127.0.20.1", .own = true },
	{ "lighttpd: REMOTE_ADDR, X-Forwarded-For, a chain",
	  WITH("/cgi-bin/does?variable=REMOTE_ADDR",
	       "X-Forwarded-For: 127.0.10.1, 127.0.20.1, 127.0.30.1\r\n"),
	  200, .body = "127.0.20.1", .own = true },
	{ "lighttpd: REMOTE_ADDR, Forwarded, a chain",
	  WITH("/cgi-bin/does?variable=REMOTE_ADDR",
	       "Forwarded: for=127.0.10.1, for=127.0.20.1;proto=https, for=127.0.30.1;proto=http\r\n"),
	  200, .body = "127.0.20.1", .own = true },
	{ "merecat: SERVER_SOFTWARE", GET("/cgi-bin/does?variable=SERVER_SOFTWARE"), 200,
	  .body = "wwwd", .own = true },
	{ "merecat: a variable of the options", GET("/cgi-bin/does?variable=MINE"), 200,
	  .body = "of the options", .own = true },
};

/* ---- how they are asked ---- */

/* With {site} and {port} as they are. */
static bool has(const char *text)
{
	const char *mark = strchr(text, '{');
	int before = mark ? (int)(mark - text) : 0;

	if (mark && mark[1] == 's')
		text = format("%.*s%s%s", before, text, site, strchr(mark, '}') + 1);
	else if (mark && mark[1] == 'p')
		text = format("%.*s%u%s", before, text, reply.port, strchr(mark, '}') + 1);
	return strstr(reply.bytes, text);
}

static const char *judge(const struct row *row, int status)
{
	if (status != row->status)
		return "another status";
	for (const char *const *text = row->has; text && *text; text++)
		if (!has(*text))
			return *text;
	for (const char *const *text = row->lacks; text && *text; text++)
		if (strstr(reply.bytes, *text))
			return *text;
	if (row->body && strcmp(reply.body, row->body) != 0)
		return "another body";
	return NULL;
}

#define OPTIONS                                                                                \
	"--cgi", "/cgi-bin/", "--cgi-env", "MINE=replaced", "--cgi",                           \
		format("/any/x=%s/cgi-bin/env", site), "--cgi",                                \
		format("/any/x/longer=%s/cgi-bin/hello", site), "--cgi-env",                   \
		"MINE=of the options", "--cgi-env", "HTTP_X_MINE=of the options", "--cgi-env", \
		"BLANK=", "--cgi-env", format("OUT=%s", in_top("work/pids")), "--cgi-env",     \
		format("GATE=%s", in_top("work/gate")), "--forwarded-from", "127.0.0.1",       \
		"--forwarded-from", "127.0.30.1", "--body-max", "16M", "--no-log", "/none"

/* Each of some tests is run with a process for one connection, and with the event loop. */
enum { WAYS = 2 };

static bool is_one(int i)
{
	return i % WAYS;
}

START_TEST(table)
{
	const struct given given = { .args = LIST(OPTIONS),
				     .env = LIST("SECRET=of the supervisor") };
	const char *faults = "";
	unsigned port = 0;

	wwwd = builds[_i / WAYS];
	put_programs();
	ck_assert_int_eq(symlink("/bin/true", in_top("site/cgi-bin/link")), 0);
	if (!is_one(_i))
		port = serve(given).port;
	for (const struct row *row = rows; row < rows + COUNT(rows); row++) {
		const char *fault = judge(row, ask_either(port, given, row->request));

		if (fault)
			faults = format("%s%s: %s\n%.2000s\n", faults, row->section, fault,
					reply.bytes);
	}
	ck_assert_msg(!*faults, "%s: %s", port ? "the event loop" : "one connection", faults);
}
END_TEST

/*
 * The rows about the folder's programs, asked of lighttpd, which $LIGHTTPD names: the table is not
 * wrong in the same way as wwwd. Of those that are wwwd's own, lighttpd 1.4.69 does another thing: it
 * is milder with what a program says first, passes reasons and odd statuses on, sets CONTENT_LENGTH
 * without a body, and answers most faults of a program with 500; and it has no other options here.
 */
START_TEST(table_of_lighttpd)
{
	const char *lighttpd = getenv("LIGHTTPD");
	unsigned port = free_port();
	pid_t pid;

	if (!lighttpd)
		return;
	put_programs();
	put("lighttpd.conf",
	    format("server.bind = \"127.0.0.1\"\nserver.port = %u\n"
		   "server.document-root = \"%s\"\nserver.modules = (\"mod_cgi\")\n"
		   "mimetype.assign = (\".txt\" => \"text/plain\")\ncgi.local-redir = \"enable\"\n"
		   "$HTTP[\"url\"] =~ \"^/cgi-bin/\" { cgi.assign = (\"\" => \"\") }\n",
		   port, site));
	pid = start((struct given){ .program = lighttpd,
				    .args = LIST("-D", "-f", in_top("lighttpd.conf")) });
	close(dial_soon(port));
	for (const struct row *row = rows; row < rows + COUNT(rows); row++) {
		const char *fault;

		if (strstr(row->request, "any/") || strncmp(row->section, "our ", 4) == 0 ||
		    row->own)
			continue;
		fault = judge(row, ask_last(port, row->request));
		ck_assert_msg(!fault, "lighttpd, %s: %s: %s", row->section, fault, reply.bytes);
	}
	kill(pid, SIGKILL);
	finish(pid);
}
END_TEST

/* With --hosts, the folders of programs are those of the hosts, and none leads to another host. */
START_TEST(hosts)
{
#define WHO_OF(target, host) \
	"GET " target "/cgi-bin/who/x HTTP/1.1\r\nHost: " host "\r\nConnection: close\r\n\r\n"
	static const struct {
		const char *request;
		int status;
		const char *says;
	} asked[] = {
		{ WHO_OF("", "a.test"), 200, "of a.test\n" },
		{ WHO_OF("http://b.test", "a.test"), 200, "of b.test\n" },
		{ WHO_OF("", "WWW.A.test.:80"), 200, "of a.test\n" },
		{ WHO_OF("", "c.test"), 404, "" },
		{ WHO_OF("", ".."), 404, "" },
		{ WITH("/cgi-bin/to-b", ""), 404, "" },
		{ WITH("/cgi-bin/leads", ""), 200, "of a.test\n" },
		{ WITH("/cgi-bin/data", ""), 403, "" },
	};
	const struct given given = GIVEN("--hosts", "--cgi", "/cgi-bin/");
	unsigned port;

	put_folder("site/default");
	for (int i = 0; i < 2; i++) {
		const char *name = i ? "b.test" : "a.test";

		put_folder(format("site/%s", name));
		put_folder(format("site/%s/cgi-bin", name));
		put_program(format("site/%s/cgi-bin/who", name),
			    format(SH HEAD "echo of %s; "
					   "echo $DOCUMENT_ROOT $SCRIPT_FILENAME $PATH_TRANSLATED; "
					   "pwd",
				   name));
	}
	put("site/a.test/cgi-bin/data", "secret source");
	put_program("site/a.test/cgi-bin/leads", SH "printf 'Location: /cgi-bin/who/x\\n\\n'");
	ck_assert_int_eq(symlink("../../b.test/cgi-bin/who", in_top("site/a.test/cgi-bin/to-b")),
			 0);
	ck_assert_int_eq(symlink("a.test", in_top("site/www.a.test")), 0);
	port = is_one(_i) ? 0 : serve(given).port;
	for (int i = 0; i < COUNT(asked); i++) {
		ck_assert_msg(ask_either(port, given, asked[i].request) == asked[i].status,
			      "%s: %s", asked[i].request, reply.bytes);
		ck_assert_msg(strstr(reply.bytes, asked[i].says), "%s: %s", asked[i].request,
			      reply.bytes);
		if (i == 0)
			ck_assert_msg(
				strstr(reply.bytes,
				       format("\n%s/a.test %s/a.test/cgi-bin/who %s/a.test/x\n"
					      "%s/a.test/cgi-bin\n",
					      site, site, site, site)),
				"%s", reply.bytes);
	}
}
END_TEST

/* ---- connections ---- */

/* A server that listens, with the programs of the table and this one. */
static struct server serve_program(const char *name, const char *text)
{
	put_programs();
	put_program(format("site/cgi-bin/%s", name), text);
	return serve(GIVEN(OPTIONS));
}

START_TEST(keep_alive)
{
	int fd;

	put_programs();
	fd = dial(serve(GIVEN(OPTIONS)).port);
	say(fd, "POST /cgi-bin/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		"5\r\nhello\r\n0\r\n\r\n");
	say(fd, GET_TEN GET_OF("/cgi-bin/none") GET_OF("/cgi-bin/no-head"));
	say(fd, GET_OF("/cgi-bin/length") "HEAD /cgi-bin/length HTTP/1.1\r\nHost: a\r\n\r\n");
	say(fd, GET_OF("/cgi-bin/hello") GET("/cgi-bin/hello"));
	hear_all(fd);
	ck_assert_int_eq(count_text(reply.bytes, "HTTP/1.1 200 OK\r\n"), 6);
	ck_assert_int_eq(count_text(reply.bytes, "HTTP/1.1 404 Not Found\r\n"), 1);
	ck_assert_int_eq(count_text(reply.bytes, "HTTP/1.1 502 Bad Gateway\r\n"), 1);
	ck_assert_int_eq(count_text(reply.bytes, "hello"), 4);
	ck_assert_int_eq(count_text(reply.bytes, "Connection: close"), 1);
}
END_TEST

/* A body of 3 MiB in chunks has no length that could be told, and streams. */
START_TEST(long_chunked_body)
{
	enum { CHUNKS = 768, CHUNK = 4096 };
	char data[CHUNK + 1];
	pid_t sender;
	int fd;

	memset(data, 'x', CHUNK);
	data[CHUNK] = '\0';
	fd = dial(serve_program("count", SH HEAD "printf '%s:' \"$CONTENT_LENGTH\"; wc -c").port);
	say(fd, POST("/cgi-bin/count", CHUNKED "Expect: 100-continue\r\n", ""));
	ck_assert_int_eq(hear(fd, false), 100);
	sender = fork();
	if (sender == 0) {
		for (int i = 0; i < CHUNKS; i++) {
			say(fd, "1000\r\n");
			say(fd, data);
			say(fd, "\r\n");
		}
		say(fd, "0\r\n\r\n");
		_exit(0);
	}
	ck_assert_int_eq(hear_response(fd), 200);
	ck_assert_str_eq(reply.body, ":3145728\n");
	waitpid(sender, NULL, 0);
}
END_TEST

/* A program that goes on when its gate is opened. */
#define EVENTS SH HEAD "echo one; read x < \"$GATE\"; echo two"

static void put_gate(void)
{
	ck_assert_int_eq(mkfifo(in_top("work/gate"), 0666), 0);
	set_mode("work/gate", 0666);
}

static void open_gate(void)
{
	int gate = open(in_top("work/gate"), O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(write(gate, "\n", 1), 1);
	close(gate);
}

/* What a program writes arrives while it goes on. */
START_TEST(output_streams)
{
	int fd = dial(serve_program("events", EVENTS).port);

	put_gate();
	say(fd, GET("/cgi-bin/events"));
	ck_assert(hear_until(fd, "one\n"));
	ck_assert_ptr_null(strstr(reply.bytes, "two"));
	open_gate();
	ck_assert(hear_until(fd, "two\n"));
}
END_TEST

/* ---- what is left ---- */

/* The numbers that a program has written there; they are gone in time. */
static bool are_gone(const char *name)
{
	for (long long end = now() + END_TIME; now() < end; nap(5)) {
		const char *text = content(name);
		bool alive = !*text;

		for (char *at = (char *)(uintptr_t)text; *at; at++)
			if (kill((pid_t)strtol(at, &at, 10), 0) == 0)
				alive = true;
			else if (!*at)
				break;
		if (!alive)
			return true;
	}
	return false;
}

/* A program that has told its number waits for ever; in its group, and with a child beside it. */
static const struct {
	const char *name, *text;
} waiting[] = {
	{ "sleeps", "echo $$ > $OUT; exec sleep 1000" },
	{ "has children", "sleep 1000 & echo $$ $! > $OUT; wait" },
	{ "ignores signals",
	  "trap '' TERM HUP INT PIPE; sleep 1000 & echo $$ $! > $OUT; wait; wait" },
	{ "has begun", HEAD "echo one; echo $$ > $OUT; exec sleep 1000" },
	{ "has ended its output", HEAD "echo $$ > $OUT; exec >&- 2>&-; exec sleep 1000" },
	{ "has left a child", HEAD "sleep 1000 >&- 2>&- <&- & echo $! > $OUT" },
	{ "floods", HEAD "echo $$ > $OUT; exec yes" },
	{ "floods errors", HEAD "echo $$ > $OUT; exec yes >&2" },
	{ "has a session of its own",
	  HEAD "setsid sh -c 'echo $$ > $OUT; exec sleep 1000' >&- 2>&- <&- & wait; sleep 0.1" },
	{ "has a daemon, which has children and ignores signals", HEAD
	  "(setsid sh -c \"trap '' TERM HUP INT; sleep 1000 & (setsid sleep 1001 & echo \\$! > "
	  "$OUT.new); echo \\$\\$ \\$! >> $OUT.new; mv $OUT.new $OUT; while :; do wait; done\" "
	  ">&- 2>&- <&- &) & wait; sleep 1000" },
	{ "has a daemon with lower limits, which ignores signals",
	  HEAD "bash -c \"ulimit -R 5000000; trap '' TERM; setsid sleep 1000 >&- 2>&- <&- & "
	       "echo \\$! > $OUT.new; mv $OUT.new $OUT\"" },
	{ "has groups for its jobs",
	  HEAD "bash -mc 'sleep 1000 >&- 2>&- <&- & echo $! > $OUT.new; mv $OUT.new $OUT'" },
};

static void put_waiting(int i)
{
	put_programs();
	put_program("site/cgi-bin/waits", format(SH "%s\n", waiting[i].text));
}

static void begin_waiting(int fd)
{
	say(fd, GET("/cgi-bin/waits"));
	ck_assert_msg(wait_text("work/pids", "\n"), "it was not started");
}

/* A client that resets the connection, in each mode. */
START_TEST(client_that_leaves)
{
	int which = _i / WAYS, fd;
	pid_t pid;

	put_waiting(which);
	pid = serve_either(is_one(_i), &fd, GIVEN(OPTIONS, "--quiet"));
	begin_waiting(fd);
	reset_connection(fd);
	if (is_one(_i))
		ck_assert_int_eq(finish(pid), 0);
	ck_assert_msg(are_gone("work/pids"), "%s: it goes on", waiting[which].name);
}
END_TEST

/*
 * A body that is cut off in the middle has no end for its program, which could take it for a whole one.
 * `length`: Content-Length, or 0 for chunks.
 */
static const struct {
	const char *name;
	size_t length;
	const char *then; /* what follows 2 MiB */
	bool leaves;
} cut_off[] = {
	{ "a client that resets", 3 << 20, "", true },
	{ "a client that resets within chunks", 0, "", true },
	{ "a client that stalls", 3 << 20, "", false },
	{ "a chunk without a size", 0, "zz\r\n", false },
	{ "more chunks than --body-max", 0, "f000000\r\n", false },
};

START_TEST(body_that_is_cut_off)
{
	static char data[(2 << 20) + 1];
	const int which = _i / WAYS;
	const bool chunks = !cut_off[which].length;
	pid_t pid;
	int fd;

	put_programs();
	put_program("site/cgi-bin/stores",
		    SH "echo $$ > $OUT; cat > /dev/null; echo whole > $OUT\n");
	pid = serve_either(is_one(_i), &fd, GIVEN(OPTIONS, "--quiet", "--stall-time", "0.2"));
	memset(data, 'x', sizeof(data) - 1);
	say(fd, format("POST /cgi-bin/stores HTTP/1.1\r\nHost: a\r\n%s%zu\r\n\r\n%s",
		       chunks ? "Transfer-Encoding: chunked\r\nX: " : "Content-Length: ",
		       cut_off[which].length, chunks ? "200000\r\n" : ""));
	say(fd, data);
	say(fd, chunks ? "\r\n" : "");
	say(fd, cut_off[which].then);
	ck_assert(wait_text("work/pids", "\n"));
	if (cut_off[which].leaves)
		reset_connection(fd);
	else
		hear_all(fd);
	if (is_one(_i))
		ck_assert_int_eq(finish(pid), 0);
	ck_assert_msg(are_gone("work/pids"), "%s: it takes the body for whole",
		      cut_off[which].name);
}
END_TEST

/* A program that nobody waits for gets SIGTERM once, and a second later it has to be gone. */
START_TEST(told_once)
{
	int fd = dial(serve_program("waits", SH "trap '' PIPE; trap 'echo told >> $OUT' TERM\n"
						"echo $$ > $OUT; while :; do sleep 0.05; done")
			      .port);
	pid_t pid;

	begin_waiting(fd);
	pid = (pid_t)strtol(content("work/pids"), NULL, 10);
	reset_connection(fd);
	WAIT_WHILE(kill(pid, 0) == 0, END_TIME);
	ck_assert_int_ne(kill(pid, 0), 0);
	ck_assert_str_eq(strchr(content("work/pids"), '\n'), "\ntold\n");
}
END_TEST

/* What a program has left, but still writes to the client, goes on when other programs have ended. */
START_TEST(response_of_an_orphan)
{
	struct server server;
	int fd;

	if (_i) /* as some supervisors set it, for real-time processes */
		ck_assert_int_eq(setrlimit(RLIMIT_RTTIME, &(struct rlimit){ 1000000, 1000000 }), 0);
	server =
		serve_program("leaves", SH HEAD "(setsid sh -c 'echo one; sleep 2.5; echo two' &)");
	fd = dial(server.port);
	say(fd, GET("/cgi-bin/leaves"));
	ck_assert(hear_until(fd, "one\n"));
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(get(server.port, "/cgi-bin/length"), 200);
		nap(100);
	}
	ck_assert(hear_until(fd, "two\n"));
}
END_TEST

/* A client that may still be reading is waited for, but not for ever. */
START_TEST(half_closed_client)
{
	const struct timeval patience = { .tv_sec = END_TIME / 1000 }; /* it takes five seconds */
	struct server server;
	int fd;

	put_waiting(0);
	server = serve(GIVEN(OPTIONS));
	fd = dial(server.port);
	begin_waiting(fd);
	shutdown(fd, SHUT_WR);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	ck_assert_int_eq(hear_response(fd), 504);
	ck_assert(are_gone("work/pids"));
	fd = dial(server.port);
	say(fd, GET("/cgi-bin/hello"));
	shutdown(fd, SHUT_WR);
	ck_assert_int_eq(hear_response(fd), 200);
}
END_TEST

/* --cgi-time, before the first byte and between bytes. */
START_TEST(silent_program)
{
	struct server server;
	bool begun = _i;

	put_waiting(begun ? 3 : 0);
	server = serve(GIVEN(OPTIONS, "--cgi-time", "1", "--verbose"));
	ck_assert_int_eq(ask_last(server.port, GET("/cgi-bin/waits")), begun ? CUT : 504);
	ck_assert(are_gone("work/pids"));
	ck_assert(begun || wait_text("err", "504 for a program that takes longer than --cgi-time"));
}
END_TEST

/* --cgi-max: one more is told to come again, and comes when there is room. */
START_TEST(too_many_programs)
{
	enum { MOST = 3 };
	struct server server;
	int fds[MOST];

	put_waiting(0);
	server = serve(GIVEN(OPTIONS, "--cgi-max", "3"));
	for (int i = 0; i < MOST; i++) {
		put("work/pids", "");
		set_mode("work/pids", 0666);
		fds[i] = dial(server.port);
		begin_waiting(fds[i]);
	}
	ck_assert_int_eq(get(server.port, "/cgi-bin/length"), 503);
	ck_assert_ptr_nonnull(field("Retry-After"));
	ck_assert_int_eq(get(server.port, "/ten.txt"), 200);
	reset_connection(fds[0]);
	WAIT_WHILE(get(server.port, "/cgi-bin/length") == 503, END_TIME);
	/* one after the other is never too many */
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(get(server.port, "/cgi-bin/length"), 200);
	for (int i = 1; i < MOST; i++)
		close(fds[i]);
	ck_assert_int_eq(stop(server.pid), 0);
	ck_assert(are_gone("work/pids"));
}
END_TEST

/* A program's response that has begun is finished at a stop, as a download is. */
START_TEST(sigterm_finishes_a_program)
{
	bool second = _i / WAYS;
	int fd;
	pid_t pid;

	put_programs();
	put_gate();
	put_program("site/cgi-bin/events", EVENTS);
	/* only a server that listens has workers */
	pid = is_one(_i)
		      ? serve_one(&fd, GIVEN(OPTIONS))
		      : serve_either(false, &fd, GIVEN(OPTIONS, "--workers", second ? "2" : "1"));
	say(fd, GET_OF("/cgi-bin/events"));
	ck_assert(hear_until(fd, "one\n"));
	kill(pid, second ? SIGINT : SIGTERM);
	open_gate();
	ck_assert(hear_until(fd, "two\n\r\n0\r\n\r\n"));
	ck_assert(at_end(fd));
	ck_assert_int_eq(finish(pid), 0);
}
END_TEST

/* A program that never ends holds up a stop for ten seconds, and ends with it. */
START_TEST(sigterm_ends_a_program)
{
	long long begun;
	int fd;
	pid_t pid;

	put_waiting(3);
	pid = serve_one(&fd, GIVEN(OPTIONS, "--quiet"));
	begin_waiting(fd);
	kill(pid, SIGTERM);
	begun = now();
	ck_assert_int_eq(finish(pid), 0);
	ck_assert_int_ge(now() - begun, 9900);
	ck_assert(are_gone("work/pids"));
}
END_TEST

/* The descriptors, the signals and the group of a program, whatever the server has inherited. */
START_TEST(what_a_program_inherits)
{
	const char *command = format("trap '' USR1 HUP; exec 8</etc/passwd 9<&0; "
				     "exec \"$0\" -d '%s' --cgi /cgi-bin/",
				     site);
	unsigned long own, group;
	char *end;

	put_programs();
	put_program("site/cgi-bin/state",
		    SH "exec </dev/null\n" HEAD "echo $$; cut -d' ' -f5 /proc/$$/stat\n"
		       "exec grep -E '^(Sig(Blk|Ign)|NoNewPrivs)' /proc/self/status");
	put_program("site/cgi-bin/files", SH HEAD "exec ls /proc/self/fd");
	for (int i = 0; i < 2; i++) {
		int ends[2];
		pid_t pid;

		connect_pair(ends);
		pid = start((struct given){ .in = ends[1],
					    .out = ends[1],
					    .program = "/bin/sh",
					    .args = LIST("-c", command, wwwd) });
		close(ends[1]);
		say(ends[0], i ? GET("/cgi-bin/state") : GET("/cgi-bin/files"));
		ck_assert_int_eq(hear_response(ends[0]), 200);
		ck_assert_int_eq(finish(pid), 0);
		if (i == 0)
			ck_assert_str_eq(reply.body, "0\n1\n2\n3\n"); /* the last is that of ls */
	}
	own = strtoul(reply.body, &end, 10);
	group = strtoul(end, &end, 10);
	ck_assert_uint_eq(own, group);
	ck_assert_str_eq(end, "\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
			      "NoNewPrivs:\t1\n");
}
END_TEST

/* A server that listens raises its own limit of descriptors, but not that of programs. */
START_TEST(files_of_a_program)
{
	struct rlimit own;
	struct server server;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &own), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 300, own.rlim_max }), 0);
	server = serve_program("files", SH HEAD "ulimit -Sn");
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &own), 0);
	ck_assert_int_eq(ask_last(server.port, GET("/cgi-bin/files")), 200);
	ck_assert_str_eq(reply.body, "300\n");
}
END_TEST

/* Standard error, line by line, with the program's name and without what a terminal would obey. */
START_TEST(errors_are_logged)
{
	struct server server;
	const char *log = _i ? "work/log" : "err";

	put_programs();
	server = serve(GIVEN(OPTIONS, _i ? "--log" : NULL, in_top(log)));
	ck_assert_int_eq(ask_last(server.port, GET("/cgi-bin/errors?secret")), 200);
	ck_assert(wait_text(log, "wwwd: cgi-bin/errors: one\n"));
	ck_assert(wait_text(log, "wwwd: cgi-bin/errors: two?[m\n"));
	ck_assert(wait_text(log, "wwwd: cgi-bin/errors: three\n"));
	ck_assert_int_eq(stop(server.pid), 0);
	ck_assert_ptr_nonnull(
		strstr(content(log), "\"GET /cgi-bin/errors?secret HTTP/1.1\" 200 5 "));
}
END_TEST

/* A log that was moved away is made anew by the connections that have processes of their own too. */
START_TEST(log_is_made_anew)
{
	struct server server;
	int fd;

	put_programs();
	server = serve(GIVEN(OPTIONS, "--log", in_top("work/log")));
	fd = dial(server.port);
	ck_assert_int_eq(ask_on(fd, GET_OF("/cgi-bin/length")), 200);
	ck_assert(wait_text("work/log", "/length "));
	ck_assert_int_eq(rename(in_top("work/log"), in_top("work/old")), 0);
	kill(server.pid, SIGHUP);
	/* the broker and the connection are told one after the other */
	for (long long end = now() + END_TIME; now() < end; nap(10)) {
		ck_assert_int_eq(ask_on(fd, GET_OF("/cgi-bin/length?new")), 200);
		if (strstr(content("work/log"), "?new "))
			break;
	}
	ck_assert_ptr_nonnull(strstr(content("work/log"), "?new "));
}
END_TEST

/* A connection that has a process of its own is a connection: for the idle exit, and for places. */
START_TEST(adopted_connections_count)
{
	struct server server;
	int fd, other;

	put_waiting(0);
	server = serve(GIVEN(OPTIONS, "--exit-idle-time", "1", "--connections-max", "1"));
	fd = dial(server.port);
	begin_waiting(fd);
	other = dial(server.port);
	say(other, GET("/ten.txt"));
	nap(1500);
	ck_assert_int_eq(kill(server.pid, 0), 0);
	ck_assert_int_lt(recv(other, reply.bytes, 1, MSG_DONTWAIT), 0);
	reset_connection(fd);
	ck_assert_int_eq(hear_response(other), 200);
	ck_assert_int_eq(finish(server.pid), 0);
}
END_TEST

/* Its one child, when the others have ended. */
static pid_t only_child(pid_t parent)
{
	WAIT_WHILE(count_children(parent) != 1, END_TIME);
	return wait_workers(parent, 1)[0];
}

/* The process that has served a connection serves the next one, for as long as --idle-time says. */
START_TEST(spare_process)
{
	struct server server;
	pid_t broker, first;
	int held[3];

	put_programs();
	server = serve(
		GIVEN(OPTIONS, "--cgi-max", "2", "--idle-time", "4", "--exit-idle-time", "2"));
	broker = wait_workers(server.pid, 1)[0];
	ck_assert_int_eq(get(server.port, "/cgi-bin/length"), 200);
	first = only_child(broker);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(get(server.port, i % 2 ? "/cgi-bin/length" : "/cgi-bin/none"),
				 i % 2 ? 200 : 404);
		ck_assert_int_eq(only_child(broker), first);
	}
	/* one that was killed is not waited for */
	kill(first, SIGKILL);
	WAIT_WHILE(kill(first, 0) == 0, END_TIME);
	ck_assert_int_eq(get(server.port, "/cgi-bin/length"), 200);
	/* no more of them wait than programs may run */
	for (int i = 0; i < COUNT(held); i++) {
		held[i] = dial(server.port);
		ck_assert_int_eq(ask_on(held[i], GET_OF("/cgi-bin/length")), 200);
	}
	ck_assert_uint_ge(count_children(broker), COUNT(held));
	nap(1200);
	close_all(held, COUNT(held));
	WAIT_WHILE(count_children(broker) > 2, 500);
	ck_assert_uint_le(count_children(broker), 2);
	/* they are no clients: the server waits so long since the last one, and no longer */
	nap(1300);
	ck_assert_int_eq(kill(broker, 0), 0);
	WAIT_WHILE(kill(broker, 0) == 0, 3000);
	ck_assert_int_ne(kill(broker, 0), 0);
	ck_assert_int_eq(finish(server.pid), 0);
}
END_TEST

/* How many pages of the process's own memory hold the text; -1 where they can't be read. */
static int pages_with(pid_t pid, const char *text)
{
	int memory = open(format("/proc/%d/mem", (int)pid), O_RDONLY | O_CLOEXEC), count = 0;
	char line[512], page[4096];
	FILE *maps;

	if (memory < 0)
		return -1;
	maps = open_proc(pid, "maps");
	while (fgets(line, sizeof(line), maps)) {
		char *end;
		unsigned long from = strtoul(line, &end, 16), to = strtoul(end + 1, &end, 16);

		for (; end[2] == 'w' && from < to; from += sizeof(page))
			if (pread(memory, page, sizeof(page), (off_t)from) == sizeof(page))
				count += memmem(page, sizeof(page), text, strlen(text)) != NULL;
	}
	fclose(maps);
	close(memory);
	return count;
}

/* Of the connections that it has served, a process that waits for another knows nothing. */
START_TEST(spare_process_forgets)
{
	static const char *const requests[] = {
		POST("/cgi-bin/echo?" WORD, "Content-Length: 250\r\n", WORD),
		POST("/cgi-bin/echo", CHUNKED, "fa\r\n" WORD "\r\n0\r\n\r\n"),
		WITH("/cgi-bin/env/" WORD, "Cookie: " WORD "\r\nUser-Agent: " WORD "\r\n"),
		GET("/cgi-bin/says"),
		GET("/cgi-bin/leads"),
		GET("/cgi-bin/none/" WORD),
		GET("/cgi-bin/" WORD "/says"),
	};
	struct server server;
	pid_t broker, spare;
	int fd;

	if (sanitized()) {
		skip("spare_process_forgets", "a sanitizer's memory is too large to read");
		return;
	}
	put_programs();
	put_program("site/cgi-bin/says",
		    SH "echo 'X-Word: " WORD "'; " HEAD "echo " WORD " >&2; echo " WORD);
	put_folder("site/cgi-bin/" WORD);
	put_program("site/cgi-bin/" WORD "/says", SH HEAD);
	put_program("site/cgi-bin/leads", SH "printf 'Location: /nothing/" WORD "\\n\\n'");
	server = serve(GIVEN(OPTIONS));
	broker = wait_workers(server.pid, 1)[0];
	for (int i = 0; i < COUNT(requests); i++) {
		int known;

		ck_assert_int_ne(ask_last(server.port, requests[i]), 0);
		spare = only_child(broker);
		nap(50);
		known = pages_with(spare, WORD) + pages_with(broker, WORD);
		if (known < 0) {
			skip("spare_process_forgets",
			     "the memory of another process can't be read");
			break;
		}
		ck_assert_msg(known == 0, "%.30s: it is remembered", requests[i]);
	}
	/* as long as there is the connection, it is known */
	fd = dial(server.port);
	ck_assert_int_eq(ask_on(fd, GET_OF("/cgi-bin/length?" WORD)), 200);
	ck_assert_int_ne(pages_with(spare, WORD), 0);
}
END_TEST

/*
 * Whoever has killed the broker: what is being sent is finished, the programs end, and the status
 * tells the supervisor to start the server anew.
 */
START_TEST(broker_that_dies)
{
	enum { LARGE = 8 << 20 };
	struct server server;
	uint64_t heard;
	int fd, large;

	put_waiting(0);
	put_sparse("site/large.bin", LARGE);
	server = serve(GIVEN(OPTIONS, "--workers", _i ? "2" : "1"));
	fd = dial(server.port);
	begin_waiting(fd);
	large = dial_small(server.port, 4096);
	say(large, GET("/large.bin"));
	ck_assert(hear_until(large, "200 OK"));
	heard = reply.size;
	kill(wait_workers(server.pid, _i ? 3 : 1)[0], SIGKILL);
	ck_assert_int_eq(hear_response(fd), 502);
	ck_assert(are_gone("work/pids"));
	ck_assert_uint_gt(heard + drain(large, UINT64_MAX), LARGE);
	ck_assert_int_eq(finish(server.pid), 1);
	ck_assert(wait_text("err", "the broker died (signal 9)"));
}
END_TEST

/*
 * A process that can't be made to end does not keep the server from stopping: here one of which only
 * its tracer may learn that it has ended.
 */
START_TEST(process_that_stays)
{
	struct server server = serve_program(
		"leaves", SH HEAD "setsid sh -c 'echo $$ > $OUT; exec sleep 1000' >&- 2>&- <&- &");
	int fd = dial(server.port);
	pid_t pid;

	say(fd, GET("/cgi-bin/leaves"));
	ck_assert(wait_text("work/pids", "\n"));
	pid = (pid_t)strtol(content("work/pids"), NULL, 10);
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0) {
		skip("process_that_stays", "another process can't be traced");
		return;
	}
	kill(server.pid, SIGTERM);
	nap(3000); /* of the fourteen seconds that it may take */
	ck_assert_int_eq(kill(server.pid, 0), 0);
	ck_assert_int_eq(finish(server.pid), 0);
	close(fd);
}
END_TEST

/* Also before the process waits for signals. */
START_TEST(broker_that_dies_at_once)
{
	enum { TIMES = 10 };

	put_programs();
	for (int i = 0; i < TIMES; i++) {
		pid_t pid =
			start((struct given){ .args = LIST("-d", in_top("site"), "-p", "0", OPTIONS,
							   "--workers", _i ? "2" : "1"),
					      .without_broker = true });

		ck_assert_int_eq(finish(pid), 1);
	}
	ck_assert(wait_text("err", "the broker died (signal 31)"));
}
END_TEST

/* Memory and processes stay what they were. */
START_TEST(nothing_grows)
{
	struct server server;
	int descriptors;
	pid_t broker;

	put_programs();
	server = serve(GIVEN(OPTIONS, "--quiet", "--idle-time", "1"));
	broker = wait_workers(server.pid, 1)[0];
	ck_assert_int_eq(get(server.port, "/cgi-bin/length"), 200);
	descriptors = count_descriptors(server.pid);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(get(server.port, i % 2 ? "/cgi-bin/length" : "/cgi-bin/no-head"),
				 i % 2 ? 200 : 502);
	WAIT_WHILE(count_children(broker), END_TIME);
	ck_assert_uint_eq(count_children(broker), 0);
	ck_assert_int_le(count_descriptors(server.pid), descriptors);
	ck_assert_int_eq(count_descriptors(broker),
			 5); /* 0 to 2, the root, and the socket of errands */
	ck_assert_int_eq(stop(server.pid), 0);
	ck_assert_int_ne(kill(broker, 0), 0);
}
END_TEST

/* ---- a process that reads requests and obeys an attacker ---- */

/* The end of the server's socket to the broker, or -1 where it can't be had. */
static int steal_socket(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), fd = -1, type = 0;
	socklen_t size = sizeof(type);

	for (int number = 3; number < 64 && type != SOCK_SEQPACKET; number++) {
		if (fd >= 0)
			close(fd);
		fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
		if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
			type = 0;
	}
	close(pidfd);
	return type == SOCK_SEQPACKET ? fd : -1;
}

/* Bytes, with some descriptors. */
static void send_forged(int fd, const void *bytes, size_t size, int fd_count)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = { 0 };
	struct iovec part = { (void *)(uintptr_t)bytes, size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	if (fd_count) {
		struct cmsghdr *passed;

		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE((size_t)fd_count * sizeof(int));
		passed = CMSG_FIRSTHDR(&message);
		passed->cmsg_level = SOL_SOCKET;
		passed->cmsg_type = SCM_RIGHTS;
		passed->cmsg_len = CMSG_LEN((size_t)fd_count * sizeof(int));
		for (int i = 0; i < fd_count; i++)
			memcpy(CMSG_DATA(passed) + (size_t)i * sizeof(int), &ends[i % 2],
			       sizeof(int));
	}
	(void)sendmsg(fd, &message, MSG_NOSIGNAL);
	close(ends[0]);
	close(ends[1]);
}

static uint32_t any(void)
{
	static uint64_t seed = 1;

	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(seed >> 33);
}

/*
 * Messages as an attacker could send them, who does not know more than their form: a kind, a rule,
 * the size of the first text, something else, and the texts. Nothing is executed but what was named.
 */
START_TEST(forged_errands)
{
	static const char *const scripts[] = { "cgi-bin/../../outside",
					       "../outside",
					       "cgi-bin/../outside-link",
					       "/bin/sh",
					       "cgi-bin/link",
					       "outside",
					       "cgi-bin/./../../outside",
					       "",
					       "cgi-bin",
					       "cgi-bin/",
					       "cgi-binx/env",
					       "cgi-bin/.hidden",
					       "a.test/cgi-bin/../../outside",
					       "a.test/cgi-bin/link",
					       "a.test/outside",
					       "../site/cgi-bin/../outside",
					       "./../cgi-bin/../outside",
					       "/cgi-bin/../outside",
					       "a.test//outside",
					       "a.test",
					       "cgi-bin/keeps",
					       "a.test/cgi-bin/keeps" };
	static const char variables[] =
		"LD_PRELOAD=/x\0PATH=/x\0HTTP_PROXY=x\0HTTP_X\0=\0HTTP_a=b\0HTTP_X=kept";
	struct server server;
	int fd;

	put_programs();
	put_program("outside", SH "echo $$ > \"$RAN\"");
	put_program("site/outside", SH "echo $$ > \"$RAN\"");
	put_program("site/cgi-bin/keeps", SH "env >> \"$KEPT\"");
	ck_assert_int_eq(symlink("../outside", in_top("site/cgi-bin/link")), 0);
	if (_i) { /* the same folder is that of a host, too */
		put_folder("site/a.test");
		ck_assert_int_eq(rename(in_top("site/cgi-bin"), in_top("site/a.test/cgi-bin")), 0);
		ck_assert_int_eq(symlink("a.test/cgi-bin", in_top("site/cgi-bin")), 0);
		ck_assert_int_eq(symlink("a.test", in_top("site/default")), 0);
		put_program("site/a.test/outside", SH "echo $$ > \"$RAN\"");
	}
	server = serve(GIVEN(OPTIONS, "--quiet", "--cgi-env", format("RAN=%s", in_top("work/ran")),
			     "--cgi-env", format("KEPT=%s", in_top("work/kept")),
			     _i ? "--hosts" : "--no-listing"));
	fd = steal_socket(server.pid);
	if (fd < 0) {
		skip("forged_errands", "the socket of another process can't be had");
		return;
	}
	for (int i = 0; i < 20000; i++) {
		uint32_t words[64];
		char *bytes = (char *)words;
		const char *script = scripts[any() % COUNT(scripts)];
		size_t head = 16 + any() % 24 * 4, first = strlen(script),
		       second = sizeof(variables);

		for (int k = 0; k < 64; k++)
			words[k] = any() % 4 ? any() % 5 : any();
		words[0] = words[0] == 4 ? 0 : words[0]; /* which would stop it */
		words[2] = (uint32_t)first;
		if (head + first + 1 + second > sizeof(words))
			continue;
		memcpy(bytes + head, script, first + 1);
		memcpy(bytes + head + first + 1, variables, second);
		send_forged(fd, words,
			    any() % 8 ? head + first + 1 + second : any() % sizeof(words),
			    any() % 8 ? 4 + (int)(any() % 2) : (int)(any() % 8));
	}
	/* those that it still has to read take places, and count for others */
	WAIT_WHILE(get(server.port, "/cgi-bin/length") != 200, END_TIME);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_int_lt(access(in_top("work/ran"), F_OK), 0);
	ck_assert(wait_text("work/kept", "\nHTTP_X=kept\n"));
	ck_assert(!strstr(content("work/kept"), "LD_PRELOAD"));
	ck_assert(!strstr(content("work/kept"), "\nPATH=/x\n"));
	ck_assert(!strstr(content("work/kept"), "HTTP_PROXY"));
	ck_assert(!strstr(content("work/kept"), "HTTP_a"));
}
END_TEST

/* Without an option there is no broker. */
START_TEST(no_broker)
{
	struct server server = serve((struct given){ 0 });

	ck_assert_uint_eq(count_children(server.pid), 0);
}
END_TEST

Suite *programs_suite(void)
{
	Suite *suite = suite_create("programs");
	TCase *group = test_case(suite, "the table", 60);

	tcase_add_loop_test(group, table, 0, build_count * WAYS);
	tcase_add_test(group, table_of_lighttpd);
	tcase_add_loop_test(group, hosts, 0, WAYS);
	group = test_case(suite, "connections", 30);
	tcase_add_test(group, keep_alive);
	tcase_add_test(group, long_chunked_body);
	tcase_add_test(group, output_streams);
	group = test_case(suite, "what is left", 60);
	tcase_add_loop_test(group, client_that_leaves, 0, COUNT(waiting) * WAYS);
	tcase_add_loop_test(group, body_that_is_cut_off, 0, COUNT(cut_off) * WAYS);
	tcase_add_test(group, told_once);
	tcase_add_loop_test(group, response_of_an_orphan, 0, 2);
	tcase_add_test(group, half_closed_client);
	tcase_add_loop_test(group, silent_program, 0, 2);
	tcase_add_test(group, too_many_programs);
	tcase_add_loop_test(group, sigterm_finishes_a_program, 0, 2 * WAYS);
	tcase_add_test(group, sigterm_ends_a_program);
	tcase_add_test(group, what_a_program_inherits);
	tcase_add_test(group, files_of_a_program);
	tcase_add_loop_test(group, errors_are_logged, 0, 2);
	tcase_add_test(group, log_is_made_anew);
	tcase_add_test(group, adopted_connections_count);
	tcase_add_loop_test(group, broker_that_dies, 0, 2);
	tcase_add_loop_test(group, broker_that_dies_at_once, 0, 2);
	tcase_add_test(group, process_that_stays);
	tcase_add_test(group, nothing_grows);
	tcase_add_loop_test(group, forged_errands, 0, 2);
	group = test_case(suite, "spare processes", 30);
	tcase_add_test(group, spare_process);
	tcase_add_test(group, spare_process_forgets);
	tcase_add_test(group, no_broker);
	return suite;
}
