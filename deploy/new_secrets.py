"""Prints the environment that deploy/compose.yaml and the systemd units read, with new secrets.

python deploy/new_secrets.py > deploy/.env        (beside compose.yaml; mode 0600)
python deploy/new_secrets.py nats.example > /etc/haulage/haulage.env
"""

from __future__ import annotations

import secrets
import sys

import nkeys


def main(nats: str = "nats", postgres: str = "postgres") -> None:
    """`nats` and `postgres` are the hosts that the servers answer on."""
    backend, callout, system, database, agents = (secrets.token_hex(24) for _ in range(5))
    seed = nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_ACCOUNT).decode()
    lines = {
        "BACKEND_PASSWORD": backend,
        "CALLOUT_PASSWORD": callout,
        "SYSTEM_PASSWORD": system,
        "CALLOUT_ISSUER": nkeys.from_seed(bytearray(seed.encode())).public_key.decode(),
        "POSTGRES_PASSWORD": database,
        "HAULAGE_NATS_URL": f"nats://backend:{backend}@{nats}:4222",
        "HAULAGE_DATABASE_URL": f"postgresql://haulage:{database}@{postgres}:5432/haulage",
        "HAULAGE_CALLOUT_URL": f"nats://callout:{callout}@{nats}:4222",
        "HAULAGE_CALLOUT_SEED": seed,
        "HAULAGE_AGENT_TOKEN": agents,
    }
    for name, value in lines.items():
        print(f"{name}={value}")


if __name__ == "__main__":
    main(*sys.argv[1:])
