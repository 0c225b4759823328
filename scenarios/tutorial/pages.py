"""Fetches one web page for thread-pool.yaml, with the standard library."""

import urllib.error
import urllib.request
from typing import Any


def fetch(url: str) -> dict[str, Any]:
    """The page's `url`, `status` and size in `bytes`; waits at most 20 seconds for an answer."""
    request = urllib.request.Request(url, headers={"User-Agent": "scenarios-tutorial"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return {"url": url, "status": answer.status, "bytes": len(answer.read())}
    except urllib.error.HTTPError as error:
        return {"url": url, "status": error.code, "bytes": 0}
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise RuntimeError(
            f"cannot fetch {url} ({reason}): connect to a network, "
            "or name other pages with --set 'pages=[http://...]'"
        ) from None
