"""A real S3 server, SeaweedFS, on loopback, and a proxy before it that injects faults."""

from __future__ import annotations

import http.client
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.s3 import CLIENTS, S3Options, S3Path, client

KEY, SECRET, BUCKET = "testkey", "testsecret", "pictures"


def free_ports(count: int) -> list[int]:
    """Ports that are free, and whose gRPC ports, ten thousand higher, are free too."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as probe, socket.socket() as other:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            if port + 10_000 > 65_535 or port in found:
                continue
            try:
                other.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            found.append(port)
    return found


class Server:
    """A SeaweedFS that can be killed and started again over the same data."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="weed-"))
        (self.folder / "data").mkdir()
        actions = ["Admin", "Read", "List", "Tagging", "Write"]
        identity = {"name": "test", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": actions}
        (self.folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        self.master, self.volume, self.filer, self.port = free_ports(4)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [
            str(Path(sys.executable).parent / "weed"), "server", f"-dir={self.folder / 'data'}", "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1", f"-master.port={self.master}", f"-volume.port={self.volume}", "-filer",
            f"-filer.port={self.filer}", "-s3", f"-s3.port={self.port}", f"-s3.config={self.folder / 's3.json'}",
            "-master.volumeSizeLimitMB=64", "-volume.max=20",
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd=self.folder
        )
        deadline = time.monotonic() + 60
        while not self._healthy():
            assert self.process.poll() is None, "the server ended by itself"
            assert time.monotonic() < deadline, "the server does not come up"
            time.sleep(0.1)

    def kill(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=30)

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


class Faults(http.server.ThreadingHTTPServer):
    """Passes requests on to a server, and answers some of them with 503; counts bytes that were fetched.

    Attributes:
        failing: answers so many of the next requests with 503.
        every: besides, every so many-th request; 0 for none.
        fetched: bytes of object bodies that were answered.
    """

    daemon_threads = True

    def __init__(self, target: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.target, self.failing, self.every, self.seen, self.fetched = target, 0, 0, 0, 0
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def fails(self) -> bool:
        with self.lock:
            self.seen += 1
            self.failing -= 1
            return self.failing >= 0 or bool(self.every and self.seen % self.every == 0)


class _Passing(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Faults

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.fails():
            text = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
            self.send_response(503)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text if self.command != "HEAD" else b"")
            return
        onward = http.client.HTTPConnection("127.0.0.1", self.server.target, timeout=30)
        # The signature covers the host that the client spoke to, so it is passed on as it is.
        onward.request(self.command, self.path, body, dict(self.headers))
        answer = onward.getresponse()
        data = answer.read()
        onward.close()
        with self.server.lock:
            self.server.fetched += len(data) if self.command == "GET" and "list-type" not in self.path else 0
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(data)))
        self.end_headers()
        self.wfile.write(data if self.command != "HEAD" else b"")

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    started = Server()
    started.start()
    yield started
    started.stop()


@pytest.fixture
def bucket(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> S3Path:
    """An empty prefix of its own in a bucket, reached as the environment says."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    forget_clients()
    path = S3Path(BUCKET, tmp_path.name, S3Options())
    existing = client(path.options).list_buckets()["Buckets"]
    if BUCKET not in [found["Name"] for found in existing]:
        client(path.options).create_bucket(Bucket=BUCKET)
    return path


@pytest.fixture
def faults(server: Server) -> Iterator[Faults]:
    proxy = Faults(server.port)
    yield proxy
    forget_clients()
    proxy.shutdown()
    proxy.server_close()


def forget_clients() -> None:
    """The next request makes a client anew, from the environment as it is then."""
    for made in CLIENTS.values():
        made.close()
    CLIENTS.clear()


def upload(files: dict[str, bytes], prefix: S3Path) -> S3Path:
    for name, data in files.items():
        client(prefix.options).put_object(Bucket=prefix.bucket, Key=f"{prefix.key}/{name}", Body=data)
    return prefix
