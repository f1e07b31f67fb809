"""The container's HEALTHCHECK: 0 where the API answers, else 1 and why.

Asks `/healthz` of the API in this container; the image has no curl for it. Imports next to nothing,
because it is run every half minute.
"""

from __future__ import annotations

import http.client
import os
import sys

TIMEOUT = 4.0


def main() -> int:
    """Ask once; give the exit code."""
    host = os.environ.get("PACKMULE_HOST", "")
    port = int(os.environ.get("PACKMULE_PORT") or 8000)
    here = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    connection = http.client.HTTPConnection(here, port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        sys.stdout.write(f"no answer from {here}:{port}: {error}\n")
        return 1
    finally:
        connection.close()
    sys.stdout.write(f"{here}:{port} answers {status}\n")
    return 0 if status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main())
