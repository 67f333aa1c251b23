"use strict";
// node server.js: a server that answers each request with what Node's parser took it for, in a
// field "Seen: BODY-LENGTH METHOD TARGET", and what it doesn't take with 400 and "Error: WHY". It
// prints its port and what it is. A client that has sent all shuts its side down, and gets all the
// answers.
const http = require("node:http");

const unanswered = Symbol("requests that wait for their answers");

function answer(request, response) {
    const waiting = (request.socket[unanswered] ??= new Set());
    let length = 0;
    waiting.add(request);
    response.on("close", () => waiting.delete(request));
    request.on("data", (data) => (length += data.length));
    request.on("end", () => {
        // what no field may hold an old parser takes in a target
        const target = request.url.replace(/[^!-~\x80-\xff]/g, encodeURIComponent);
        response.setHeader("Seen", `${length} ${request.method} ${target}`);
        response.setHeader("Content-Length", 0);
        response.end();
    });
}

const bad = (why) => `400 Bad Request\r\nError: ${why}`;

// Node's own way would drop the answers to requests that came in the same piece as the last one.
function end(socket, head) {
    const waiting = [...(socket[unanswered] ?? [])];
    if (!socket.writable)
        return;
    if (waiting.some((request) => request.complete))
        setImmediate(end, socket, head);
    else if (head || waiting.length)
        socket.end(`HTTP/1.1 ${head ?? bad("no end")}\r\nConnection: close\r\n\r\n`);
}

const options = { insecureHTTPParser: false, maxHeaderSize: 1 << 20, requireHostHeader: true };
const server = http.createServer(options, answer);

server.httpAllowHalfOpen = true;
server.on("checkExpectation", answer); // what a parser takes, not what a program expects
server.on("connect", (request, socket) => end(socket, `200 OK\r\nSeen: 0 CONNECT ${request.url}`));
server.on("clientError", (error, socket) => end(socket, bad(error.code)));
server.on("connection", (socket) => socket.on("end", () => end(socket)));
server.listen(0, "127.0.0.1", () => {
    const { node, llhttp } = process.versions;
    console.log(`${server.address().port} node ${node}, llhttp ${llhttp}`);
});
