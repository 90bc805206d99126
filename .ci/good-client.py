"""Asks a gateway again and again while its attacker lives: every answer must be 200, 99 of 100 within half a second, and
the gateway must get rid of most sockets that the attack made it open.

good-client.py SOURCE PORT TOKEN ATTACKER GATEWAY CONNECTIONS
"""
import http.client
import os
import socket
import ssl
import sys
import time

source, token = sys.argv[1], sys.argv[3]
port, attacker, gateway, connections = (int(sys.argv[n]) for n in (2, 4, 5, 6))
trust = ssl.create_default_context(cafile=os.environ["SEKISHO_CA"])


class Connection(http.client.HTTPSConnection):
    """To this machine, whatever the host's name says."""

    def __init__(self):
        super().__init__("acme.localhost", port, timeout=5, context=trust)
        self._create_connection = self._to_loopback

    def _to_loopback(self, address, *arguments, **named):
        return socket.create_connection(("127.0.0.1", port), 5, (source, 0))


def lives(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


took = []
most = least = 0
while lives(attacker):
    begun = time.monotonic()
    connection = Connection()
    connection.request("GET", "/api/assistants", headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, f"{answer.status} after {len(took)} answers"
    connection.close()
    took.append(time.monotonic() - begun)
    # An attacker who reads slowly does not notice himself that his connection has ended.
    sockets = len(os.listdir(f"/proc/{gateway}/fd"))
    most, least = (sockets, sockets) if sockets > most else (most, min(least, sockets))
    time.sleep(0.02)
took.sort()
p99 = took[len(took) * 99 // 100]
print(f"{most} sockets, then {least}; {len(took)} good requests served, "
      f"p50 {took[len(took) // 2] * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms")
assert len(took) > 100 and p99 < 0.5, "the good client waits"
assert most > connections / 2, "there was no attack"
assert least < most / 3, "the attackers stay"
