"""Reads Prometheus' text format by Prometheus' own parser for Python, and writes its samples as JSON."""

import json
import sys

from prometheus_client.parser import text_string_to_metric_families

families = list(text_string_to_metric_families(sys.stdin.read()))
names = [family.name for family in families]
assert len(names) == len(set(names)), "a family stands twice"
assert all(family.type != "unknown" for family in families), "a family without a type"
json.dump([[s.name, s.labels, s.value] for f in families for s in f.samples], sys.stdout)
