//! The application manifest, `spin.toml` version 2.
//!
//! Keys that Spin knows and this host does not are errors: a manifest never grants or restricts less here than it
//! says.

mod build;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::outbound_hosts::Pattern;
use crate::routes::Route;
use crate::variables::{Template, Variables};
use crate::{HostError, outbound};

/// A checked application manifest.
#[derive(Debug, Clone)]
pub struct Manifest {
    pub(crate) path: PathBuf,
    pub(crate) text: Arc<str>,
    /// The application's name.
    pub name: String,
    pub(crate) variables: BTreeMap<String, Variable>,
    pub(crate) components: BTreeMap<String, ComponentSpec>,
    pub(crate) routes: Vec<(Route, String)>,
}

/// A variable of the application.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub(crate) default: Option<String>,
    pub(crate) secret: bool,
    pub(crate) span: Range<usize>,
}

/// A text in which `{{ name }}` stands for a variable, and where it is written.
#[derive(Debug, Clone)]
pub(crate) struct Templated {
    pub(crate) template: Template,
    pub(crate) span: Range<usize>,
}

/// One component as the manifest describes it.
#[derive(Debug, Clone)]
pub(crate) struct ComponentSpec {
    pub(crate) source: PathBuf,
    pub(crate) source_span: Range<usize>,
    pub(crate) files: Vec<Files>,
    pub(crate) variables: BTreeMap<String, Templated>,
    pub(crate) key_value_stores: Vec<String>,
    pub(crate) allowed_outbound_hosts: Vec<Templated>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) build: Option<Build>,
    pub(crate) fast: Option<Fast>,
    /// Where the component sees a directory of this machine's, if it is given one.
    pub(crate) places: Vec<String>,
}

impl ComponentSpec {
    fn has_place(&self, guest_path: &str) -> bool {
        self.places.iter().any(|place| place == guest_path)
    }
}

/// Files that a component may read.
#[derive(Debug, Clone)]
pub(crate) enum Files {
    /// Files under the manifest's directory that match a glob, at the same path under `/`.
    Glob { pattern: String, span: Range<usize> },
    /// A directory, at another path.
    Directory { source: PathBuf, destination: String, span: Range<usize> },
}

#[derive(Debug, Clone)]
pub(crate) struct Build {
    pub(crate) commands: Vec<String>,
    pub(crate) workdir: PathBuf,
}

/// The same component for a host of this kind, built with instructions that not every host has enabled.
#[derive(Debug, Clone)]
pub(crate) struct Fast {
    pub(crate) source: PathBuf,
    pub(crate) source_span: Range<usize>,
    pub(crate) build: Build,
}

impl Manifest {
    /// Reads and checks the manifest at `path`, or `spin.toml` inside it if it is a directory.
    pub fn load(path: &Path) -> Result<Self, HostError> {
        let path = if path.is_dir() { path.join("spin.toml") } else { path.to_owned() };
        let text = std::fs::read_to_string(&path).map_err(|error| {
            HostError::new(format!("cannot read the manifest {}: {error}", path.display()))
                .help("Name an existing spin.toml")
        })?;
        Self::parse(&path, &text)
    }

    /// Checks a manifest's text; relative paths in it start at the directory of `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Self, HostError> {
        schema::parse(path, text)
    }

    /// The components' names, in order.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.components.keys().map(String::as_str)
    }

    /// The file of a component's WebAssembly, or nothing if there is no such component.
    pub fn source(&self, component: &str) -> Option<&Path> {
        self.components.get(component).map(|component| component.source.as_path())
    }

    /// Whether a component is given a variable of this name.
    pub fn has_variable(&self, component: &str, name: &str) -> bool {
        let spec = self.components.get(component);
        spec.is_some_and(|spec| spec.variables.iter().any(|(known, _)| known == name))
    }

    /// The same application of the components that `[component.NAME.tool.sekisho] fast` names, where it names one:
    /// built with WebAssembly's wide arithmetic and SIMD, which this host runs and others may not.
    #[must_use]
    pub fn fast(mut self) -> Self {
        for component in self.components.values_mut() {
            if let Some(Fast { source, source_span, build }) = component.fast.take() {
                component.source = source;
                component.source_span = source_span;
                component.build = Some(build);
            }
        }
        self
    }

    /// The host directory that a component sees at `guest_path`, for example the policy at `/policy`.
    pub fn mount(&self, guest_path: &str) -> Option<&Path> {
        self.components.values().flat_map(|component| &component.files).find_map(
            |files| match files {
                Files::Directory { source, destination, .. } if destination == guest_path => {
                    Some(source.as_path())
                }
                Files::Directory { .. } | Files::Glob { .. } => None,
            },
        )
    }

    /// Whether a component has a place at `guest_path` where a directory may be mounted that the manifest does not name:
    /// `[component.NAME.tool.sekisho] mounts = ["/audit"]`.
    pub fn has_place(&self, guest_path: &str) -> bool {
        self.components.values().any(|component| component.has_place(guest_path))
    }

    /// The manifest file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory that relative paths start at.
    pub(crate) fn directory(&self) -> &Path {
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }

    pub(crate) fn error(&self, span: &Range<usize>, message: impl Into<String>) -> HostError {
        HostError::new(message).at(&self.path, &self.text, Some(span.clone()))
    }

    /// Whether `component` may send requests to `url`, as the host will judge it: with variables from their defaults
    /// and from `SPIN_VARIABLE_<NAME>` in the environment.
    ///
    /// # Errors
    /// A variable without a value, or a pattern that can't be read; names the place in the manifest.
    pub fn allows_outbound(&self, component: &str, url: &str) -> Result<bool, HostError> {
        let Some(spec) = self.components.get(component) else { return Ok(false) };
        let variables = Variables::resolve(self, |key| std::env::var(key).ok(), &BTreeMap::new())?;
        let patterns = self.outbound_patterns(spec, &variables)?;
        Ok(url.parse().is_ok_and(|uri| outbound::allows(&patterns, &uri)))
    }

    /// The outbound patterns of a component with its variables filled in.
    pub(crate) fn outbound_patterns(
        &self,
        spec: &ComponentSpec,
        variables: &Variables,
    ) -> Result<Vec<Pattern>, HostError> {
        spec.allowed_outbound_hosts
            .iter()
            .map(|allowed| {
                let text = variables
                    .render(&allowed.template)
                    .map_err(|message| self.error(&allowed.span, message))?;
                Pattern::parse(&text).map_err(|reason| {
                    // The rendered text may hold a secret, so the error shows the manifest's own.
                    self.error(&allowed.span, reason).help(
                        "Write scheme://host:port, for example \"https://api.example.com\" or \"http://*.internal:8080\"",
                    )
                })
            })
            .collect()
    }
}
