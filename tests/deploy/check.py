"""Holds deploy/ to what reads it: SpinKube's fields, Spin's keys, a Dockerfile parser, and the repository itself."""

import json
import pathlib
import re
import sys
import tomllib

import yaml
from dockerfile_parse import DockerfileParser
from jsonschema import Draft202012Validator

ROOT = pathlib.Path(__file__).resolve().parents[2]


def hold(true, why):
    if not true:
        sys.exit(f"deploy: {why}")


def spinkube():
    schema = Draft202012Validator(json.loads((ROOT / "tests/deploy/spinapp.schema.json").read_text()))
    documents = list(yaml.safe_load_all((ROOT / "deploy/spinkube/sekisho.yaml").read_text()))
    by_kind = {document["kind"]: document for document in documents}
    hold(set(by_kind) == {"Namespace", "SpinApp", "NetworkPolicy", "Ingress"}, f"kinds {list(by_kind)}")
    app = by_kind["SpinApp"]
    faults = [f"{list(fault.path)}: {fault.message}" for fault in schema.iter_errors(app)]
    hold(not faults, f"SpinApp: {faults}")
    # A slip in a field must be told: the schema is worth nothing else.
    wrong = {**app, "spec": {**app["spec"], "runtimeconfig": {}}}
    hold(any(schema.iter_errors(wrong)), "the schema lets slips by")

    manifest = tomllib.loads((ROOT / "spin.toml").read_text())
    gateway = manifest["component"]["gateway"]
    stores = [store["name"] for store in app["spec"]["runtimeConfig"]["keyValueStores"]]
    hold(stores == gateway["key_value_stores"], f"stores {stores}")
    variables = {variable["name"] for variable in app["spec"]["variables"]}
    hold(variables <= set(manifest["variables"]), f"variables {variables}")
    name, space = app["metadata"]["name"], app["metadata"]["namespace"]
    hold(all(d["metadata"].get("namespace", space) == space for d in documents), "namespaces differ")
    selector = by_kind["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]
    hold(selector == {"core.spinkube.dev/app-name": name}, f"selector {selector}")
    backend = by_kind["Ingress"]["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    hold(backend == {"name": name, "port": {"number": 80}}, f"backend {backend}")


def spin():
    config = tomllib.loads((ROOT / "deploy/spin/runtime-config.toml").read_text())
    hold(set(config) == {"key_value_store", "variable_provider"}, f"runtime config {list(config)}")
    store = config["key_value_store"]["default"]
    hold(set(store) == {"type", "url"} and store["type"] == "redis", f"store {store}")
    [vault] = config["variable_provider"]
    hold(set(vault) == {"type", "url", "token", "mount", "prefix"} and vault["type"] == "vault", "provider")


def container():
    """Parses the Containerfile, and writes its commands of the first stage and its copies for whoever runs them."""
    path = ROOT / "deploy/container/Containerfile"
    parser = DockerfileParser(fileobj=path.open("rb"))
    steps = [(step["instruction"], step["value"]) for step in parser.structure if step["instruction"] != "COMMENT"]
    bases = [value for kind, value in steps if kind == "FROM"]
    hold(len(bases) == 2 and all(re.search(r":[\w.-]+( AS \w+)?$", base) for base in bases), f"bases {bases}")
    hold(not any("latest" in base for base in bases), f"bases {bases}")
    last = steps[max(n for n, (kind, _) in enumerate(steps) if kind == "FROM"):]
    kinds = [kind for kind, _ in last]
    hold(("USER", "65532:65532") in last, "it runs as root")
    hold("RUN" not in kinds and "ADD" not in kinds, "the last stage runs something")
    known = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD"}
    hold(set(kind for kind, _ in steps) <= known, "an instruction that is none")
    copies = [value.split()[-2:] for kind, value in last if kind == "COPY"]
    hold(all(source.startswith("/src/") for source, _ in copies), f"copies {copies}")
    print(json.dumps({
        "run": [value for kind, value in steps if kind == "RUN"],
        "copy": [[source.removeprefix("/src/"), target] for source, target in copies],
        "start": json.loads(dict(last)["ENTRYPOINT"]) + json.loads(dict(last)["CMD"]),
    }))


spinkube()
spin()
container()
