"""Real servers on loopback, for the scenarios that talk to the outside: DNS and HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dnslib import MX, QTYPE, RCODE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

LOOPBACK = "127.0.0.1"


class Names(BaseResolver):  # type: ignore[misc] # dnslib has no types
    """Knows `www.python.org` and the mail exchanger of `python.org`, and nothing else."""

    def resolve(self, request: DNSRecord, handler: Any) -> DNSRecord:
        """The answer to one question; an unknown name is NXDOMAIN."""
        reply = request.reply()
        name = str(request.q.qname).rstrip(".").lower()
        kind = QTYPE[request.q.qtype]
        if name not in ("www.python.org", "python.org"):
            reply.header.rcode = RCODE.NXDOMAIN
        elif kind == "A":
            reply.add_answer(RR(request.q.qname, QTYPE.A, rdata=A("192.0.2.80"), ttl=60))
        elif kind == "MX" and name == "python.org":
            mail = MX("mail.python.org", preference=50)
            reply.add_answer(RR(request.q.qname, QTYPE.MX, rdata=mail, ttl=60))
        return reply


@contextmanager
def dns_server() -> Iterator[tuple[str, int]]:
    """A DNS server over UDP and TCP on one port; gives its address and port."""
    quiet = DNSLogger(log="-request,-reply,-truncated,-error")
    while True:
        udp = DNSServer(Names(), address=LOOPBACK, port=0, logger=quiet)
        port = udp.server.server_address[1]
        with suppress(OSError):  # another program has that port for TCP
            tcp = DNSServer(Names(), address=LOOPBACK, port=port, tcp=True, logger=quiet)
            break
        udp.server.server_close()
    udp.start_thread()
    tcp.start_thread()
    try:
        yield LOOPBACK, port
    finally:
        for server in (udp, tcp):
            server.stop()
            server.server.server_close()


@dataclass
class Site:
    """A running HTTP server: where it is, and how many requests it had at once."""

    url: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    requests: int = 0
    under_way: int = 0
    peak: int = 0

    def pages(self, count: int) -> list[str]:
        """The addresses of `count` different pages."""
        return [f"{self.url}/page/{number}" for number in range(count)]


@contextmanager
def http_server(delay: float = 0.1) -> Iterator[Site]:
    """An HTTP server that takes `delay` seconds for each page; /missing/... is a 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with site.lock:
                site.requests += 1
                site.under_way += 1
                site.peak = max(site.peak, site.under_way)
            time.sleep(delay)
            with site.lock:
                site.under_way -= 1
            body = f"this is {self.path}\n".encode()
            self.send_response(404 if self.path.startswith("/missing") else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    site = Site(f"http://{LOOPBACK}:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
