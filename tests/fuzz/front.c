/*
 * What proxies say of clients, beside readers that know nothing but the grammar. A case is an octet and
 * then bytes: a header of the PROXY protocol, which is also read byte by byte; or the value of
 * Forwarded (RFC 7239 4, 6) or of X-Forwarded-For.
 */
#include "fuzz.h"

static bool slow_address(text t, int family, uint8_t address[16])
{
	char copy[64];

	if (t.len >= sizeof(copy) || !matches(t, "[0-9a-fA-F:.]+"))
		return false;
	memcpy(copy, t.at, t.len);
	copy[t.len] = '\0';
	memset(address, 0, 16);
	if (family == AF_INET)
		address[10] = address[11] = 0xff;
	return inet_pton(family, copy, address + (family == AF_INET ? 12 : 0)) == 1;
}

/* An address that can be a client's: not that of all zeros. */
static bool slow_client(text t, int family, uint8_t address[16])
{
	static const uint8_t nobody[16];

	return slow_address(t, family, address) && memcmp(address, nobody, 16) != 0;
}

static bool slow_port(text t)
{
	return matches(t, "0|[1-9][0-9]{0,4}") && number_of(t) <= 65535;
}

/* ---- the PROXY protocol ------------------------------------------------------- */

/* The size of a good line with a client's address in it, 0 if it is none. */
static size_t slow_line(text t, uint8_t address[16], unsigned *port)
{
	text line = { t.at, 0 }, left, parts[6];
	uint8_t ignored[16];
	int family;

	while (line.len < t.len && line.at[line.len] != '\n')
		line.len++;
	if (line.len == t.len || line.len > 106 ||
	    !matches(line, "PROXY TCP[46]( [0-9a-fA-F:.]+){2}( [0-9]+){2}\r"))
		return 0;
	left = (text){ line.at, line.len - 1 };
	for (size_t i = 0; i < LENGTH(parts); i++)
		parts[i] = take_until(&left, ' ');
	family = parts[1].at[3] == '4' ? AF_INET : AF_INET6;
	if (!slow_client(parts[2], family, address) || !slow_address(parts[3], family, ignored) ||
	    !slow_port(parts[4]) || !slow_port(parts[5]))
		return 0;
	*port = (unsigned)number_of(parts[4]);
	return line.len + 1;
}

static void check_proxy(text t)
{
	static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";
	struct proxied whole = { 0 };
	enum reading reading = read_proxy(t, &whole);
	uint8_t address[16];
	unsigned port = 0;
	size_t size = slow_line(t, address, &port);
	bool binary = t.len >= 12 && memcmp(t.at, signature, 12) == 0;

	/* in other pieces it says the same, and as soon as it can be said */
	for (size_t n = 0; n <= t.len && n <= PROXY_MOST + 1; n++) {
		struct proxied part = { 0 };
		enum reading now = read_proxy((text){ t.at, n }, &part);

		if (now == MORE && n < t.len)
			continue;
		must(now == reading, "a PROXY header says the same in pieces");
		must(now != WHOLE || (part.size == n && part.size == whole.size &&
				      part.known == whole.known && part.tls == whole.tls &&
				      memcmp(&part.peer, &whole.peer, sizeof(part.peer)) == 0),
		     "a PROXY header ends where it ends");
		break;
	}
	must(reading == REFUSED ? whole.fault != NULL : !whole.fault,
	     "what is refused has a reason");
	must(reading != WHOLE || (whole.size <= t.len && whole.size <= PROXY_MOST),
	     "a PROXY header is not beyond what was received");
	must(reading != WHOLE || !whole.known || http_family(&whole.peer) == AF_INET ||
		     http_family(&whole.peer) == AF_INET6,
	     "who is named has an address");
	must(!size || (reading == WHOLE && whole.known && whole.size == size &&
		       memcmp(whole.peer.address, address, 16) == 0 && whole.peer.port == port),
	     "a line of the PROXY protocol is read");
	must(reading != WHOLE || binary || size == whole.size ||
		     (!whole.known && t.len > 13 && memcmp(t.at, "PROXY UNKNOWN", 13) == 0),
	     "nothing else is a line of the PROXY protocol");
	must(reading != WHOLE || !whole.tls || binary, "only a binary header tells of TLS");
	if (reading == WHOLE && binary)
		must((t.at[12] == 0x20 || t.at[12] == 0x21) &&
			     whole.size == 16 + ((size_t)(unsigned char)t.at[14] << 8 |
						 (unsigned char)t.at[15]) &&
			     (t.at[12] == 0x21 || (!whole.known && !whole.tls)),
		     "a binary header has the size that it says, and LOCAL says nothing");
}

/* ---- Forwarded and X-Forwarded-For ---------------------------------------------- */

/* What may stand behind for=, or be an element of X-Forwarded-For. */
static bool slow_node(text t, uint8_t address[16])
{
	text name, port = { "", 0 };

	if (t.len > 1 && t.at[0] == '"' && t.at[t.len - 1] == '"')
		t = (text){ t.at + 1, t.len - 2 };
	if (matches(t, "\\[[^]]*\\](:.*)?")) {
		skip(&t, 1);
		name = take_until(&t, ']');
		port = t;
		if (port.len)
			skip(&port, 1);
		if (!slow_client(name, AF_INET6, address))
			return false;
	} else if (matches(t, "[^:]*:.*:.*")) {
		if (!slow_client(t, AF_INET6, address))
			return false;
	} else {
		port = t;
		name = take_until(&port, ':');
		if (!slow_client(name, AF_INET, address))
			return false;
	}
	return port.len == 0 || slow_port(port) || matches(port, "_" TOKEN_CHARS "*");
}

#define PARAMETER "[ \t]*" TOKEN_CHARS "+=(" TOKEN_CHARS "+|" QUOTED ")[ \t]*"

static bool slow_element(text t, uint8_t address[16])
{
	text node = { NULL, 0 };
	size_t protos = 0;

	if (!matches(t, PARAMETER "(;" PARAMETER ")*"))
		return false;
	while (t.len) {
		text name = without_blanks(take_until(&t, '=')), value = t;
		bool quoted = t.at[0] == '"';

		if (quoted)
			must(skip_quoted(&t), "a quoted string has an end");
		else
			while (t.len && t.at[0] != ';' && t.at[0] != ' ' && t.at[0] != '\t')
				skip(&t, 1);
		value.len -= t.len;
		(void)take_until(&t, ';');
		if (word_is(name, "for") && node.at)
			return false;
		if (word_is(name, "for"))
			node = value;
		if (word_is(name, "proto") && protos++)
			return false;
	}
	return node.at && slow_node(node, address);
}

/* Without a trusted proxy in it the last element counts, and with all trusted the first. */
static void check_forwarded(text value, enum field field)
{
	static const struct http_prefix everyone[] = { { AF_INET, 96, { [10] = 0xff, 0xff } },
						       { AF_INET6, 0, { 0 } } };
	struct request req = { .minor = 1 };
	struct http_site nobody = { .trusted = everyone },
			 all = { .trusted = everyone, .trusts = 2 };
	text left = value, element;
	uint8_t last[16], now[16];
	bool known = false, good = true;
	size_t count = 0;

	req.value[field] = value;
	req.seen[field] = 1;
	while (take_element(&left, &element)) {
		known = field == FORWARDED ? slow_element(element, now) : slow_node(element, now);
		good &= known;
		memcpy(last, now, sizeof(last));
		count++;
	}
	read_client(&req, &nobody);
	must(req.forwarded == known && (!known || memcmp(req.client.address, last, 16) == 0),
	     "the last element names the client");
	read_client(&req, &all);
	must(req.forwarded || !good || !count, "where all are trusted one of them is the client");
}

static void run_front(const unsigned char *data, size_t size)
{
	static const enum field kinds[] = { FORWARDED, X_FORWARDED_FOR };

	if (size == 0)
		return;

	text t = case_text(data + 1, size - 1);

	if (data[0] % 3 == 0)
		check_proxy(t);
	else if (all_of(t, VALUE))
		check_forwarded(t, kinds[data[0] % 3 - 1]);
}
