//! The JSON Schema of the policy's files: published as it is printed, true of every policy here and
//! untrue of slips.

use super::{root, run};
use serde_json::Value;
use std::path::Path;

const FILES: [&str; 2] = ["gateway", "tenant"];

fn schema(file: &str) -> Value {
    serde_json::from_str(&run(&["schema", file]).succeeded()).unwrap()
}

/// What the schema has against this TOML.
fn against(file: &str, text: &str) -> Vec<String> {
    let validator = jsonschema::draft7::new(&schema(file)).unwrap();
    let value: Value = toml::from_str(text).unwrap();
    validator.iter_errors(&value).map(|error| error.to_string()).collect()
}

#[test]
fn the_published_schema_is_what_the_program_prints() {
    for file in FILES {
        let path = root().join(format!("docs/schema/{file}.json"));
        let printed = run(&["schema", file]).succeeded();
        assert!(
            std::fs::read_to_string(path).unwrap() == printed,
            "renew it: cargo run -p sekisho -- schema {file} > docs/schema/{file}.json"
        );
    }
}

#[test]
fn every_key_is_described() {
    fn visit(name: &str, schema: &Value, missing: &mut Vec<String>) {
        let Some(members) = schema.as_object() else { return };
        for (key, member) in
            members.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            if member.get("description").is_none() {
                missing.push(format!("{name}.{key}"));
            }
        }
        for (key, member) in members {
            visit(if key == "properties" { name } else { key }, member, missing);
        }
    }
    for file in FILES {
        let mut missing = Vec::new();
        visit(file, &schema(file), &mut missing);
        assert!(missing.is_empty(), "write a doc comment for {missing:?}");
    }
}

#[test]
fn every_policy_here_is_valid() {
    let mut policies = vec![root().join("policy")];
    let tests = std::fs::read_dir(root().join("tests/policies")).unwrap();
    policies.extend(tests.map(|entry| entry.unwrap().path()));
    assert!(policies.len() > 1);
    for policy in policies {
        let valid = |file: &str, path: &Path| {
            let errors = against(file, &std::fs::read_to_string(path).unwrap());
            assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        };
        valid("gateway", &policy.join("gateway.toml"));
        for tenant in std::fs::read_dir(policy.join("tenants")).unwrap() {
            valid("tenant", &tenant.unwrap().path());
        }
    }
}

#[test]
fn slips_are_not_valid() {
    let read = |file: &str| std::fs::read_to_string(root().join("policy").join(file)).unwrap();
    let (gateway, tenant) = (read("gateway.toml"), read("tenants/globex.toml"));
    for (file, text, from, to) in [
        ("gateway", &gateway, "version = 1", ""),
        ("gateway", &gateway, "version = 1", "version = \"1\""),
        ("gateway", &gateway, "head_bytes", "head_byte"),
        ("gateway", &gateway, "head_bytes = 32768", "head_bytes = -1"),
        ("gateway", &gateway, "[state]", "[stat]"),
        ("gateway", &gateway, "\"required\"", "\"requried\""),
        ("gateway", &gateway, "url = ", "uri = "),
        ("gateway", &gateway, "id = \"chat\"", ""),
        ("gateway", &gateway, "methods = [\"POST\"]", "methods = \"POST\""),
        ("gateway", &gateway, "origins = [\"assistant\"]", "origins = [1]"),
        ("gateway", &gateway, "public = true", "public = \"yes\""),
        ("gateway", &gateway, "trusted_proxies = []", "trusted_proxies = 1"),
        ("gateway", &gateway, "first_byte_ms = 60000", "first_bytes_ms = 60000"),
        ("tenant", &tenant, "hosts", "host"),
        ("tenant", &tenant, "regions = [\"jp\"]", "regions = \"jp\""),
        ("tenant", &tenant, "\"ES256\"", "\"none\""),
        ("tenant", &tenant, "jwks_file", "jwks_path"),
        ("tenant", &tenant, "[\"203.0.113.8/29\"]", "[29]"),
    ] {
        assert!(text.contains(from), "{from:?} is not in {file}");
        assert!(against(file, text).is_empty());
        assert!(!against(file, &text.replacen(from, to, 1)).is_empty(), "{to:?} for {from:?}");
    }
}
