"""A provider to try texts with: `python -m pratique.connectors.sms.fake --port 8095 --token secret`.

It speaks the protocol of `http.py` and prints what it takes. What it does depends on the number: one that ends in
400 is refused, in 500 breaks the provider, in 999 is answered too late; all others are taken, each reference once.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Provider:
    """What the provider knows: its token, how late "late" is, and the texts that it took, by reference."""

    token: str
    late: float = 30.0
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, token: str, message: dict[str, Any]) -> tuple[int, dict[str, str]]:
        """Return the status and the answer to a message."""
        number, reference = str(message.get("to", "")), str(message.get("reference", ""))
        if token != self.token:
            return 401, {"error": "wrong_token"}
        if not number.startswith("+") or not number[1:].isdigit() or not message.get("text"):
            return 422, {"error": "not_a_text"}
        if number.endswith("400"):
            return 400, {"error": "number_refused"}
        if number.endswith("500"):
            return 500, {"error": "broken"}
        if reference in self.taken:
            return 409, {"error": "taken_before"}
        if number.endswith("999"):
            time.sleep(self.late)
        self.taken[reference] = message
        return 202, {"id": f"text-{len(self.taken)}"}


def server(provider: Provider, port: int = 0, *, quiet: bool = True) -> ThreadingHTTPServer:
    """Return a server of `provider` on this machine alone; the caller runs it and closes it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            try:
                size = min(int(self.headers.get("Content-Length", 0)), 65_536)
                message = json.loads(self.rfile.read(size))
            except ValueError:
                message = {}
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            status, answer = provider.answer(token, message if isinstance(message, dict) else {})
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            if not quiet and status == 202:
                sys.stdout.write(f"{message['to']}: {message['text']}\n")

        def log_message(self, *_: object) -> None:
            """Numbers belong in no log."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8095)
    parser.add_argument("--token", default="secret")
    given = parser.parse_args()
    running = server(Provider(given.token), given.port, quiet=False)
    try:
        running.serve_forever()
    except KeyboardInterrupt:
        running.server_close()


if __name__ == "__main__":
    main()
