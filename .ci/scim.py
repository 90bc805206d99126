"""scim2-tester against a running provider: .ci/scim.py URL TOKEN. Ends with 1 if it found a fault."""

import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

# A search of all types of resources at once (RFC 7644, section 3.4.3) is not served: docs/scim.md.
NOT_SERVED = {"search_with_attributes"}

url, token = sys.argv[1:]
client = Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=20)
results = check_server(SyncSCIMClient(client))
counts = {}
for result in results:
    if result.title in NOT_SERVED:
        print("not served:", result.title, result.resource_type or "")
        continue
    # The tester invents roles, and a provider gives only those that the operator has named: docs/scim.md.
    if "the variable scim_roles" in (result.reason or ""):
        print("refused by rule:", result.title, result.resource_type or "")
        continue
    counts[result.status.name] = counts.get(result.status.name, 0) + 1
    if result.status in (Status.ERROR, Status.CRITICAL):
        print(result.status.name, result.title, result.resource_type or "", result.reason)
print(counts)
sys.exit(1 if {"ERROR", "CRITICAL"} & counts.keys() or counts.get("SUCCESS", 0) < 50 else 0)
