"""A server that encrypts."""

import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.server.process import Server
from tests.support.server.proxy import CuttingProxy


@pytest.fixture
async def encrypting(tmp_path: Path, server: Server) -> AsyncIterator[tuple[str, Path]]:
    """The URL of a server that encrypts, and the certificate that it shows."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl here: apt-get install openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(  # noqa: ASYNC221 - only what stands here; nothing else runs yet
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    encryption = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    encryption.load_cert_chain(certificate, key)
    proxy = await CuttingProxy(server.port, encryption=encryption).start()
    yield proxy.url, certificate
    await proxy.close()
