//! Application variables and the `{{ name }}` templates that use them.

use std::collections::BTreeMap;
use std::fmt;

use crate::{HostError, Manifest};

/// `[a-z][a-z0-9_]*`
pub(crate) fn is_variable_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// A text with places for variables.
#[derive(Debug, Clone)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Variable(String),
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or("a `{{` without its `}}`")?;
            let name = name.trim();
            if !is_variable_name(name) {
                return Err("between `{{` and `}}` stands a variable's name".to_owned());
            }
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Variable(name.to_owned()));
            rest = after;
        }
        if rest.contains("}}") {
            return Err("a `}}` without its `{{`".to_owned());
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    pub(crate) fn is_literal(&self) -> bool {
        self.names().next().is_none()
    }
}

/// The application's variables with their values. Values are never shown: which ones are secret is only half known
/// (a default may be public and its override not).
#[derive(Clone, Default)]
pub(crate) struct Variables(BTreeMap<String, String>);

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Variables {
    /// Takes each variable from `explicit`, else from `environment` under `SPIN_VARIABLE_<NAME>`, else its default.
    pub(crate) fn resolve(
        manifest: &Manifest,
        environment: impl Fn(&str) -> Option<String>,
        explicit: &BTreeMap<String, String>,
    ) -> Result<Self, HostError> {
        if let Some(unknown) = explicit.keys().find(|name| !manifest.variables.contains_key(*name))
        {
            return Err(HostError::new(format!("there is no variable `{unknown}`"))
                .help("Declare it under [variables] in the manifest, or do not set it"));
        }
        let mut values = BTreeMap::new();
        for (name, variable) in &manifest.variables {
            let key = format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase());
            let value = explicit
                .get(name)
                .cloned()
                .or_else(|| environment(&key))
                .or_else(|| variable.default.clone())
                .ok_or_else(|| {
                    let kind = if variable.secret { "secret variable" } else { "variable" };
                    manifest
                        .error(
                            &variable.span,
                            format!("the {kind} `{name}` is required and has no value"),
                        )
                        .help(format!("Set {key} or give a value for `{name}`"))
                })?;
            values.insert(name.clone(), value);
        }
        Ok(Self(values))
    }

    pub(crate) fn render(&self, template: &Template) -> Result<String, String> {
        let mut text = String::new();
        for part in &template.0 {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Variable(name) => {
                    text.push_str(
                        self.0.get(name).ok_or_else(|| format!("there is no variable `{name}`"))?,
                    );
                }
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const MANIFEST: &str = "spin_manifest_version = 2\napplication = { name = \"a\" }\n[variables]\n\
        one = { default = \"d\" }\ntwo = { required = true, secret = true }\n";

    fn resolve(
        environment: &[(&str, &str)],
        explicit: &[(&str, &str)],
    ) -> Result<Variables, HostError> {
        let manifest = Manifest::parse(Path::new("spin.toml"), MANIFEST).unwrap();
        let explicit = explicit.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Variables::resolve(
            &manifest,
            |key| environment.iter().find(|(name, _)| *name == key).map(|(_, v)| (*v).to_owned()),
            &explicit,
        )
    }

    #[test]
    fn explicit_beats_environment_beats_default() {
        let env = [("SPIN_VARIABLE_ONE", "e1"), ("SPIN_VARIABLE_TWO", "e2")];
        let template = Template::parse("{{ one }}-{{two}}!").unwrap();
        for (environment, explicit, expected) in [
            (&env[1..], &[][..], "d-e2!"),
            (&env[..], &[], "e1-e2!"),
            (&env[..], &[("two", "x")], "e1-x!"),
        ] {
            assert_eq!(
                resolve(environment, explicit).unwrap().render(&template).unwrap(),
                expected
            );
        }
    }

    #[test]
    fn a_missing_required_value_is_named_with_its_line() {
        let error = resolve(&[], &[]).unwrap_err();
        assert_eq!(error.place.as_ref().unwrap().line(), Some(5));
        assert!(error.to_string().contains("`two`"), "{error}");
        assert!(resolve(&[], &[("three", "x")]).unwrap_err().to_string().contains("`three`"));
    }

    #[test]
    fn values_do_not_show_in_debug_output() {
        let variables = resolve(&[], &[("two", "hunter2")]).unwrap();
        assert!(!format!("{variables:?}").contains("hunter2"));
    }

    #[test]
    fn broken_templates() {
        for text in ["{{ a", "a }}", "{{ A }}", "{{}}", "{{ a b }}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
        assert!(Template::parse("plain { } text").unwrap().is_literal());
    }
}
