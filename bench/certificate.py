"""The origin's certificate and the authority that signs it, made anew for each run.

Owns calling openssl; the keys live as long as the run's folder.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

DAYS = "30"
CONFIG = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = Packmule benchmark
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[origin]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""
LOOPBACK = "IP:127.0.0.1, DNS:localhost"


@dataclass(frozen=True, slots=True)
class Certificate:
    """Where the authority's certificate, the origin's and its key are."""

    authority: Path
    chain: Path
    key: Path


def make(folder: Path, names: str = LOOPBACK) -> Certificate:
    """Make an authority and a certificate for `names` signed by it (P-256)."""
    config = folder / "openssl.cnf"
    config.write_text(CONFIG.format(names=names))
    authority, authority_key = folder / "ca.pem", folder / "ca.key"
    chain, key = folder / "origin.pem", folder / "origin.key"
    new = ["openssl", "req", "-x509", "-config", str(config), "-days", DAYS, "-nodes"]
    new += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    root = [*new, "-extensions", "authority", "-subj", "/CN=Packmule benchmark authority"]
    _run([*root, "-keyout", str(authority_key), "-out", str(authority)])
    leaf = [*new, "-extensions", "origin", "-CA", str(authority), "-CAkey", str(authority_key)]
    _run([*leaf, "-keyout", str(key), "-out", str(chain)])
    return Certificate(authority, chain, key)


def _run(command: list[str]) -> None:
    """Run openssl, quietly unless it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"openssl could not make the benchmark's certificate: {done.stderr}")
