"""Run inside a staged copy: opens the clinic's public pages on a made-up DynamoDB and prints what each weighs."""

import gzip
import json
import sys

from infra.local import engine

PATHS = ("", "/ask/flags", "/emergency", "/find", "/waits", "/staff")


def main() -> int:
    engine.keep_local()
    with engine.moto():
        from chalice.test import Client

        from app import app
        from chalicelib.clinic import CLINIC
        from chalicelib.doors.render import SERVED
        from chalicelib.store.rows import Row

        Row.create_table(wait=True)
        weights = {}
        with Client(app) as client:
            for path in (f"/{language}{rest}" for language in CLINIC.languages for rest in PATHS):
                answer = client.http.get(path, headers={"Accept": "text/html"})
                if answer.status_code != 200:
                    raise SystemExit(f"{path} answers {answer.status_code}")
                page = answer.body.decode()
                parts = [page, *(served.body for served in SERVED.values() if served.marked in page)]
                weights[path] = sum(len(gzip.compress(part.encode())) for part in parts)
    print(json.dumps(weights))
    return 0


if __name__ == "__main__":
    sys.exit(main())
