"""schemathesis against a running server, from the OpenAPI description that it serves. Run by hand:

    pip install schemathesis
    cflow serve --data DIR --admin-token TOKEN   # 32 characters at least
    python openapi_fuzz.py http://127.0.0.1:8080 TOKEN [examples for each operation, 8 if absent]

Finds answers of 500 and more and answers that the description does not name, with right tokens and without. Streams of events are
left out: they do not end.
"""

import subprocess
import sys
from pathlib import Path

STREAMS = r"/events$|/stream$"


def fuzz(address, token, examples):
    """Exit status of schemathesis: 0 where nothing was found."""
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    return subprocess.call(
        [
            *(Path(sys.executable).with_name("schemathesis"), "run", f"{address}/openapi.json"),
            *("--checks", checks, "--phases", "examples,coverage,fuzzing", "--continue-on-failure"),
            *("--max-examples", examples, "--request-timeout", "20", "--seed", "1", "--no-shrink"),
            *("--suppress-health-check", "all", "--warnings", "off"),
            *("--exclude-path-regex", STREAMS),
            *(("--header", f"Authorization: Bearer {token}") if token else ()),
        ]
    )


if __name__ == "__main__":
    address, token, *more = sys.argv[1:]
    found = [fuzz(address, t, more[0] if more else "8") for t in (token, "")]
    sys.exit(max(found))
