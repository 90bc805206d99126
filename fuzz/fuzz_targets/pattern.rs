//! Any path patterns load or are faults, and a path gets a route only of a pattern that fits it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sekisho_core::policy::load;
use sekisho_core::request::target::Target;
use sekisho_fuzz::FILES;
use std::fmt::Write as _;

/// Whether a segment of the pattern fits one of the path.
fn fits(pattern: &str, segment: &str) -> bool {
    match (pattern.split_once('{'), pattern.rsplit_once('}')) {
        (Some((before, _)), Some((_, after))) => {
            segment.len() > before.len() + after.len()
                && segment.starts_with(before)
                && segment.ends_with(after)
        }
        _ => pattern == segment,
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let (mut patterns, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), path.next()) {
            (None, None) => return true,
            (Some(pattern), Some(segment)) if pattern.contains("{*") => {
                let (before, _) = pattern.split_once('{').unwrap_or_default();
                let rest = path.next().is_some() || segment.len() > before.len();
                return segment.starts_with(before) && rest;
            }
            (Some(pattern), Some(segment)) if fits(pattern, segment) => {}
            _ => return false,
        }
    }
}

fuzz_target!(|text: &str| {
    // Patterns, a line each; the last line is the path.
    let mut lines: Vec<&str> = text.split('\n').take(7).collect();
    let path = lines.pop().unwrap_or_default();
    let mut gateway =
        String::from("version = 1\n[origins.o]\nurl = \"https://o.example\"\nregion = \"jp\"\n");
    for (n, pattern) in lines.iter().enumerate() {
        // A JSON string is a TOML string, but for DEL.
        let path = serde_json::Value::from(*pattern).to_string().replace('\x7f', "\\u007f");
        let _ = write!(
            gateway,
            "[[routes]]\nid = \"r{n}\"\npath = {path}\nmethods = [\"GET\"]\norigins = [\"o\"]\n"
        );
    }
    let mut files = FILES.clone();
    files.retain(|name, _| name.starts_with("keys/"));
    files.insert("gateway.toml".into(), gateway.into());
    files.insert("tenants/a.toml".into(), "hosts = [\"a.example\"]\nregions = [\"jp\"]\n".into());
    let policy = match load(&files) {
        Ok(policy) => policy,
        Err(faults) => {
            for fault in faults {
                assert!(fault.code.starts_with("route-"), "{fault:?}");
            }
            return;
        }
    };
    let Ok(target) = Target::parse(path) else { return };
    let path = target.path();
    let found: Vec<_> = policy.routes_of_path(path).collect();
    for route in &found {
        assert!(matches(route.path(), path), "{} does not fit {path}", route.path());
    }
    if found.is_empty() {
        for route in policy.routes() {
            assert!(!matches(route.path(), path), "{} fits {path}", route.path());
        }
    }
});
