//! The manifest's written form and the checks that turn it into a [`Manifest`].

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Component as PathPart, Path};
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::{Build, ComponentSpec, Fast, Files, Manifest, Templated, Variable};
use crate::HostError;
use crate::outbound_hosts::Pattern;
use crate::routes::Route;
use crate::variables::{Template, is_variable_name};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    spin_manifest_version: Spanned<u64>,
    application: Application,
    #[serde(default)]
    variables: BTreeMap<Spanned<String>, VariableTable>,
    #[serde(default)]
    trigger: Triggers,
    #[serde(default)]
    component: BTreeMap<Spanned<String>, ComponentTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Application {
    name: String,
    #[serde(default, rename = "version")]
    _version: Option<String>,
    #[serde(default, rename = "description")]
    _description: Option<String>,
    #[serde(default, rename = "authors")]
    _authors: Vec<String>,
    #[serde(default, rename = "tool")]
    _tool: Option<toml::Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VariableTable {
    default: Option<String>,
    required: Option<bool>,
    #[serde(default)]
    secret: bool,
    #[serde(default, rename = "description")]
    _description: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Triggers {
    #[serde(default)]
    http: Vec<HttpTrigger>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HttpTrigger {
    #[serde(default, rename = "id")]
    _id: Option<String>,
    route: Spanned<RouteValue>,
    component: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a route is \"/path\", \"/path/...\" or { private = true }")]
enum RouteValue {
    Path(String),
    Private(PrivateRoute),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PrivateRoute {
    private: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ComponentTable {
    #[serde(default, rename = "description")]
    _description: Option<String>,
    source: Spanned<String>,
    #[serde(default)]
    files: Vec<Spanned<FilesValue>>,
    #[serde(default)]
    variables: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    key_value_stores: Vec<String>,
    #[serde(default)]
    allowed_outbound_hosts: Vec<Spanned<String>>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    build: Option<BuildTable>,
    #[serde(default)]
    tool: Tools,
}

/// What Spin leaves to other tools; other tools' tables are not ours to judge.
#[derive(Deserialize, Default)]
struct Tools {
    sekisho: Option<ToolTable>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct ToolTable {
    fast: Option<FastTable>,
    #[serde(default)]
    mounts: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FastTable {
    source: Spanned<String>,
    command: Command,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "files are \"glob\" or { source = \"directory\", destination = \"/path\" }"
)]
enum FilesValue {
    Glob(String),
    Directory(DirectoryFiles),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DirectoryFiles {
    source: String,
    destination: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BuildTable {
    command: Command,
    workdir: Option<String>,
    #[serde(default, rename = "watch")]
    _watch: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a build command is a string or a list of strings")]
enum Command {
    One(String),
    Many(Vec<String>),
}

impl Command {
    fn list(self) -> Vec<String> {
        match self {
            Self::One(command) => vec![command],
            Self::Many(commands) => commands,
        }
    }
}

/// What the checks need to point into the file.
struct Source<'a> {
    path: &'a Path,
    text: Arc<str>,
}

impl Source<'_> {
    fn error(&self, span: Range<usize>, message: impl Into<String>) -> HostError {
        HostError::new(message).at(self.path, &self.text, Some(span))
    }

    fn template(&self, text: &Spanned<String>) -> Result<Templated, HostError> {
        let template =
            Template::parse(text.get_ref()).map_err(|reason| self.error(text.span(), reason))?;
        Ok(Templated { template, span: text.span() })
    }
}

pub(super) fn parse(path: &Path, text: &str) -> Result<Manifest, HostError> {
    let source = Source { path, text: Arc::from(text) };
    let document: Document = toml::from_str(text).map_err(|error| {
        HostError::new(error.message().trim().to_owned())
            .at(path, &source.text, error.span())
            .help("This host runs manifests of version 2 with HTTP triggers and refuses keys it does not support")
    })?;
    if *document.spin_manifest_version.get_ref() != 2 {
        return Err(source
            .error(document.spin_manifest_version.span(), "the manifest version must be 2")
            .help("Write `spin_manifest_version = 2`"));
    }
    let mut manifest = Manifest {
        path: path.to_owned(),
        text: Arc::clone(&source.text),
        name: document.application.name,
        variables: variables(&source, document.variables)?,
        components: BTreeMap::new(),
        routes: Vec::new(),
    };
    for (name, table) in document.component {
        if !is_component_name(name.get_ref()) {
            return Err(source.error(
                name.span(),
                "a component's name is lower-case letters, digits and single hyphens, starting with a letter",
            ));
        }
        let component = component(&source, &manifest, table)?;
        manifest.components.insert(name.into_inner(), component);
    }
    manifest.routes = routes(&source, &manifest, document.trigger.http)?;
    Ok(manifest)
}

fn variables(
    source: &Source<'_>,
    tables: BTreeMap<Spanned<String>, VariableTable>,
) -> Result<BTreeMap<String, Variable>, HostError> {
    let mut variables = BTreeMap::new();
    for (name, table) in tables {
        let span = name.span();
        if !is_variable_name(name.get_ref()) {
            return Err(source.error(
                span,
                "a variable's name is lower-case letters, digits and underscores, starting with a letter",
            ));
        }
        match (&table.default, table.required) {
            (None, Some(true)) | (Some(_), None | Some(false)) => {}
            (Some(_), Some(true)) => {
                return Err(source
                    .error(
                        span,
                        format!("variable `{}` is required and has a default", name.get_ref()),
                    )
                    .help("Keep one of `required = true` and `default`"));
            }
            (None, None | Some(false)) => {
                return Err(source
                    .error(span, format!("variable `{}` has no value", name.get_ref()))
                    .help("Add `default = \"…\"` or `required = true`"));
            }
        }
        variables.insert(
            name.into_inner(),
            Variable { default: table.default, secret: table.secret, span },
        );
    }
    Ok(variables)
}

fn component(
    source: &Source<'_>,
    manifest: &Manifest,
    table: ComponentTable,
) -> Result<ComponentSpec, HostError> {
    let directory = manifest.directory();
    let mut variables = BTreeMap::new();
    for (name, value) in table.variables {
        if !is_variable_name(name.get_ref()) {
            return Err(source.error(
                name.span(),
                "a variable's name is lower-case letters, digits and underscores, starting with a letter",
            ));
        }
        let value = source.template(&value)?;
        known_variables(source, manifest, &value)?;
        variables.insert(name.into_inner(), value);
    }
    let mut allowed_outbound_hosts = Vec::new();
    for allowed in &table.allowed_outbound_hosts {
        let value = source.template(allowed)?;
        known_variables(source, manifest, &value)?;
        if value.template.is_literal() {
            Pattern::parse(allowed.get_ref()).map_err(|reason| {
                source.error(allowed.span(), reason).help(
                    "Write scheme://host:port, for example \"https://api.example.com\" or \"http://*.internal:8080\"",
                )
            })?;
        }
        allowed_outbound_hosts.push(value);
    }
    let files = table
        .files
        .into_iter()
        .map(|value| files(source, directory, value))
        .collect::<Result<_, _>>()?;
    let build = table.build.map(|build| Build {
        commands: build.command.list(),
        workdir: build.workdir.map_or_else(|| directory.to_owned(), |path| directory.join(path)),
    });
    let tool = table.tool.sekisho.unwrap_or_default();
    let fast = tool.fast.map(|fast| Fast {
        source_span: fast.source.span(),
        source: directory.join(fast.source.get_ref()),
        build: Build { commands: fast.command.list(), workdir: directory.to_owned() },
    });
    let mut places = Vec::new();
    for place in tool.mounts {
        if !place.get_ref().starts_with('/') {
            return Err(
                source.error(place.span(), "a mount must be an absolute path such as \"/audit\"")
            );
        }
        places.push(place.into_inner());
    }
    Ok(ComponentSpec {
        source_span: table.source.span(),
        source: directory.join(table.source.get_ref()),
        files,
        variables,
        key_value_stores: table.key_value_stores,
        allowed_outbound_hosts,
        environment: table.environment,
        build,
        fast,
        places,
    })
}

fn known_variables(
    source: &Source<'_>,
    manifest: &Manifest,
    value: &Templated,
) -> Result<(), HostError> {
    match value.template.names().find(|name| !manifest.variables.contains_key(*name)) {
        None => Ok(()),
        Some(name) => Err(source
            .error(value.span.clone(), format!("there is no variable `{name}`"))
            .help("Declare it under [variables]")),
    }
}

fn files(
    source: &Source<'_>,
    directory: &Path,
    value: Spanned<FilesValue>,
) -> Result<Files, HostError> {
    let span = value.span();
    match value.into_inner() {
        FilesValue::Glob(pattern) => {
            let inside = Path::new(&pattern)
                .components()
                .all(|part| matches!(part, PathPart::Normal(_) | PathPart::CurDir));
            if !inside {
                return Err(
                    source.error(span, "a file pattern must stay inside the manifest's directory")
                );
            }
            Ok(Files::Glob { pattern, span })
        }
        FilesValue::Directory(files) => {
            if !files.destination.starts_with('/') {
                return Err(source
                    .error(span, "the destination must be an absolute path such as \"/policy\""));
            }
            Ok(Files::Directory {
                source: directory.join(files.source),
                destination: files.destination,
                span,
            })
        }
    }
}

fn routes(
    source: &Source<'_>,
    manifest: &Manifest,
    triggers: Vec<HttpTrigger>,
) -> Result<Vec<(Route, String)>, HostError> {
    let mut routes: Vec<(Route, String)> = Vec::new();
    for trigger in triggers {
        let name = trigger.component.get_ref();
        if !manifest.components.contains_key(name) {
            return Err(source
                .error(trigger.component.span(), format!("there is no component `{name}`"))
                .help("Declare it as [component.<name>]"));
        }
        let span = trigger.route.span();
        let route = match trigger.route.into_inner() {
            RouteValue::Private(PrivateRoute { private: true }) => continue,
            RouteValue::Private(PrivateRoute { private: false }) => {
                return Err(source.error(span, "a route is a path or { private = true }"));
            }
            RouteValue::Path(path) => {
                Route::parse(&path).map_err(|reason| source.error(span.clone(), reason))?
            }
        };
        if routes.iter().any(|(other, _)| *other == route) {
            return Err(source.error(span, "this route is already taken by another trigger"));
        }
        routes.push((route, trigger.component.into_inner()));
    }
    Ok(routes)
}

/// Component names are WIT labels, restricted to lower case.
fn is_component_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}
