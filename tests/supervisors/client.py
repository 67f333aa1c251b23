"""The clients of the tests, polite and rude; each prints its findings as JSON.

run and rates start this on a machine's loopback: client.py WHAT ARGUMENTS...
"""

import concurrent.futures
import hashlib
import http.client
import json
import random
import socket
import ssl
import struct
import sys
import threading
import time

PAGE = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def connect(port, source="127.0.0.1", seconds=10):
	return socket.create_connection(("127.0.0.1", port), seconds, (source, 0))


def fetch(port, source="127.0.0.1"):
	"""One page on one connection: its status, or what went wrong, as a word."""
	try:
		with connect(int(port), source) as s:
			s.sendall(PAGE)
			answer = b"".join(iter(lambda: s.recv(65536), b""))
	except OSError as error:
		return type(error).__name__
	head, _, body = answer.partition(b"\r\n\r\n")
	if not body:
		return "nothing"
	length = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
	if len(length) != 1 or int(length[0].split(b":")[1]) != len(body):
		return "cut"
	return head.split()[1].decode()


def count(words):
	return {word: words.count(word) for word in sorted(set(words))}


def talk(host, port, big, digest, authority=None):
	"""What every supervisor's wwwd must serve: each check's name, and "" or what was wrong."""
	def connection():
		if not authority:
			return http.client.HTTPConnection(host, int(port), timeout=30)
		context = ssl.create_default_context(cafile=authority)
		return http.client.HTTPSConnection(host, int(port), timeout=30, context=context)

	def ask(c, *request, **more):
		c.request(*request, **more)
		answer = c.getresponse()
		return answer.status, answer.read(), answer

	def get():
		status, body, _ = ask(connection(), "GET", "/")
		assert (status, body[:15].lower()) == (200, b"<!doctype html>"), (status, body[:40])

	def head():
		_, body, _ = ask(connection(), "GET", "/")
		status, none, answer = ask(connection(), "HEAD", "/")
		length = answer.getheader("Content-Length")
		assert (status, none, length) == (200, b"", str(len(body))), (status, none, length)

	def post():
		status, body, _ = ask(connection(), "POST", "/", body=b"a=1&b=2" * 1000)
		assert (status, body[:15].lower()) == (200, b"<!doctype html>"), (status, body[:40])

	def pair():
		c = connection()
		first = ask(c, "GET", "/")
		kept = c.sock
		second = ask(c, "GET", "/no-such-page")
		assert (first[0], second[0]) == (200, 404), (first[0], second[0])
		assert kept and c.sock in (kept, None), "the connection wasn't kept"

	def large():
		c = connection()
		c.request("GET", big)
		answer, sum_ = c.getresponse(), hashlib.sha256()
		for block in iter(lambda: answer.read(1 << 20), b""):
			sum_.update(block)
		assert sum_.hexdigest() == digest, "another checksum"

	found = {}
	for name, check in (("GET", get), ("HEAD", head), ("POST", post), ("keep-alive", pair),
		("100 MB", large)):
		try:
			check()
			found[name] = ""
		except (AssertionError, OSError, http.client.HTTPException) as error:
			found[name] = f"{type(error).__name__}: {error}"
	return found


def flood(port, connections, parallel, sources):
	"""So many connections, so many at once, from so many addresses."""
	with concurrent.futures.ThreadPoolExecutor(int(parallel)) as pool:
		return count(list(pool.map(
			lambda i: fetch(port, f"127.0.1.{1 + i % int(sources)}"), range(int(connections)))))


def fetches(port, connections, source, pause=0):
	"""So many pages, one after the other."""
	words = []
	for _ in range(int(connections)):
		words.append(fetch(port, source))
		time.sleep(float(pause))
	return count(words)


def rude(port, connections, big):
	"""So many clients, each with one bad manner, from 50 addresses."""
	whole = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % big.encode()
	held = []

	def reset(s):
		s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

	def says(text, then=lambda s: None):
		def manner(s):
			s.sendall(text)
			then(s)
		return manner

	manners = [
		says(b""),
		says(whole[:20]),
		says(whole[:20], reset),
		says(whole, reset),
		says(whole),
		says(whole, lambda s: s.recv(1000)),
		says(whole, lambda s: (s.recv(1000), reset(s))),
		says(whole, lambda s: (s.shutdown(socket.SHUT_WR), s.recv(1000))),
		says(whole, lambda s: held.append(s.dup())),
		says(whole[:20], lambda s: held.append(s.dup())),
		says(bytes(range(256)) * 4, lambda s: s.recv(1000)),
		says(b"GET /" + b"a" * 100000, lambda s: s.recv(1000)),
		says(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nx"),
		says(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nx", reset),
	]

	def client(i):
		try:
			with connect(int(port), f"127.0.2.{1 + i % 50}") as s:
				manners[i % len(manners)](s)
			return "done"
		except OSError as error:
			return type(error).__name__

	with concurrent.futures.ThreadPoolExecutor(50) as pool:
		found = count(list(pool.map(client, range(int(connections)))))
	for s in held:
		s.close()
	return found


def patient(port):
	"""Connects, asks for a page at the first line of standard input, leaves at its end."""
	with connect(int(port)) as s:
		print("connected", flush=True)
		sys.stdin.readline()
		s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		print(s.recv(1000).split(b"\r")[0].decode(), flush=True)
		sys.stdin.read()


def rate(port, seconds, parallel=2):
	"""How many connections a second are answered."""
	end = time.monotonic() + float(seconds)

	def client(_):
		words = []
		while time.monotonic() < end:
			words.append(fetch(port))
		return words

	with concurrent.futures.ThreadPoolExecutor(int(parallel)) as pool:
		return count(sum(pool.map(client, range(int(parallel))), []))


def random_moments(idle, *ports):
	"""Until standard input ends, a client a port; half of its pauses are about as long as idle."""
	over = threading.Event()

	def client(port):
		words = []
		while not over.is_set():
			words.append(fetch(port))
			about = float(idle) * random.choice((random.uniform(0.5, 1.5), random.uniform(0, 4)))
			time.sleep(about)
		return words

	with concurrent.futures.ThreadPoolExecutor(len(ports)) as pool:
		clients = [pool.submit(client, port) for port in ports]
		sys.stdin.read()
		over.set()
		return count(sum((c.result() for c in clients), []))


if __name__ == "__main__":
	print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
