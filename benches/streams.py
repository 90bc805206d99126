#!/usr/bin/env python3
"""Streams at once through the demo's gateway: how long after the origin wrote it does each event arrive?

    cargo build --profile dist
    benches/streams.py [STREAMS [SECONDS]]

One event a stream every 2.5 s, over TLS, from addresses of 127.0.0.0/8 with 200 streams each, as a gateway bounds
the requests of one address. Prints delays in milliseconds, through the gateway and then, for a minute at most,
straight from the origin: the difference is the gateway's, the rest the origin's and this program's.
"""

import asyncio
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from urllib.parse import urlsplit

INTERVAL_MS = 2500
LATE_MS = 5
DIRECT_SECONDS = 60
PER_ADDRESS = 200
HOST = "acme.localhost"


async def events(number, address, tls, field, count, delays):
    """Reads one stream and notes each event's delay; whether it came to its end."""
    await asyncio.sleep(number * 0.004)
    source = (f"127.0.0.{2 + number // PER_ADDRESS}", 0)
    name = HOST if tls else None
    reader, writer = await asyncio.open_connection(*address, ssl=tls, server_hostname=name, local_addr=source)
    target = f"/api/assistants/a1/chat?events={count}&interval_ms={INTERVAL_MS}"
    head = f"POST {target} HTTP/1.1\r\nhost: {HOST}\r\n{field}\r\naccept: text/event-stream\r\ncontent-length: 2"
    writer.write(f"{head}\r\n\r\n{{}}".encode())
    ended = False
    while not ended and (line := await reader.readline()):
        now = time.time() * 1e6
        if line.startswith(b"data:") and b'"t"' in line:
            delays.append(now - json.loads(line[5:])["t"])
        ended = line.startswith(b"event: done")
    writer.close()
    return ended


async def load(name, streams, count, address, tls, field):
    delays = []
    every = [events(number, address, tls, field, count, delays) for number in range(streams)]
    whole = sum(await asyncio.gather(*every))
    delays.sort()
    shares = (0.5, 0.9, 0.99, 0.9999, 1)
    at = [delays[min(len(delays) - 1, int(len(delays) * share))] / 1000 for share in shares]
    p50, p90, p99, p9999, most = (f"{value:.2f}" for value in at)
    late = sum(delay > LATE_MS * 1000 for delay in delays)
    print(
        f"{name:8} {whole} of {streams} whole, {len(delays)} events: p50 {p50}, p90 {p90}, p99 {p99}, p99.99 {p9999}, "
        f"max {most} ms, {late} after more than {LATE_MS} ms",
        flush=True,
    )
    return whole == streams


def ready(demo, file):
    """What the demo says of itself, once it does."""
    for _ in range(1200):
        if os.path.exists(file) and os.path.getsize(file):
            lines = open(file, encoding="utf-8").read().splitlines()
            return dict(line.removeprefix("export ").split("=", 1) for line in lines if "=" in line)
        if demo.poll() is not None:
            break
        time.sleep(0.5)
    sys.exit("the demo is not ready: run target/dist/sekisho demo to see why")


def admit(streams, policy, demo):
    """Lets one tenant have them all in flight, which the example policy does not."""
    path = os.path.join(policy, "gateway.toml")
    text = open(path, encoding="utf-8").read()
    raised, count = re.subn(r"^concurrent_requests = \d+$", f"concurrent_requests = {streams}", text, flags=re.M)
    if count != 1:
        sys.exit(f"{path} has no concurrent_requests to raise")
    with open(path, "w", encoding="utf-8") as file:
        file.write(raised)
    demo.send_signal(signal.SIGHUP)
    time.sleep(3)


def main():
    streams = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 60
    count, direct_count = (max(2, int(span * 1000 / INTERVAL_MS)) for span in (seconds, min(seconds, DIRECT_SECONDS)))
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    with tempfile.TemporaryDirectory() as work:
        file = os.path.join(work, "env")
        command = ["target/dist/sekisho", "demo", "--listen", "127.0.0.1:3444", "--env", file]
        demo = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            told = ready(demo, file)
            admit(streams, told["SEKISHO_POLICY"], demo)
            tls = ssl.create_default_context(cafile=told["SEKISHO_CA"])
            token = f"authorization: Bearer {told['SEKISHO_TOKEN_ACME']}"
            origin = urlsplit(told["SEKISHO_ORIGIN_URL"])
            gateway = ("127.0.0.1", 3444)
            whole = asyncio.run(load("gateway", streams, count, gateway, tls, token))
            status = open(f"/proc/{demo.pid}/status", encoding="utf-8").read()
            resident = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
            print(f"{'':8} demo, which is gateway, origin and issuer: {int(resident) // 1024} MiB resident")
            direct = (origin.hostname, origin.port)
            whole &= asyncio.run(load("origin", streams, direct_count, direct, None, "x-tenant-id: acme"))
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait()
    sys.exit(0 if whole else 1)


if __name__ == "__main__":
    main()
