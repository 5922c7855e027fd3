"""A stand-in for clamd: `python -m pratique.connectors.clamd.fake --port 3310`.

It speaks PING and INSTREAM as the real one does, has its size limit, and knows one virus: EICAR's test file, which
is none (its text is put together here, so that no scanner objects to this file).
"""

import argparse
import socketserver
import struct

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE" + b"!$H+H*"
EICAR_NAME = "Eicar-Test-Signature"
STREAM_MAX_LENGTH = 25 * 1024 * 1024


class _Conversation(socketserver.StreamRequestHandler):
    timeout = 60

    def handle(self) -> None:
        command = self._command()
        if command == b"PING":
            self._say("PONG")
        elif command == b"INSTREAM":
            self._say(self._verdict())
        else:
            self._say("UNKNOWN COMMAND")

    def _command(self) -> bytes:
        command = b""
        while len(command) < 64 and (letter := self.rfile.read(1)) not in (b"", b"\0", b"\n"):
            command += letter
        return command.removeprefix(b"z").removeprefix(b"n")

    def _verdict(self) -> str:
        content = bytearray()
        while head := self.rfile.read(4):
            (length,) = struct.unpack(">I", head)
            if length == 0:
                return f"stream: {EICAR_NAME} FOUND" if EICAR in content else "stream: OK"
            if len(content) + length > STREAM_MAX_LENGTH:
                return "INSTREAM size limit exceeded. ERROR"
            content += self.rfile.read(length)
        return "INSTREAM: unexpected end. ERROR"

    def _say(self, answer: str) -> None:
        self.wfile.write(answer.encode() + b"\0")


class FakeClamd(socketserver.ThreadingTCPServer):
    """The stand-in on a port of this machine; 0 takes a free one, `server_address` tells which."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Conversation)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        description="A stand-in for ClamAV's daemon that knows EICAR's test file."
    )
    parser.add_argument("--port", type=int, default=3310)
    with FakeClamd(parser.parse_args().port) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
