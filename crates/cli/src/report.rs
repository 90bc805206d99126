//! How mistakes are shown: one sentence and a remedy, and where a file is wrong, its lines.

use crate::exit::Exit;
use crate::text::{is_active, printable};
use miette::{Diagnostic, LabeledSpan, MietteHandlerOpts, NamedSource, ReportHandler, SourceCode};
use sekisho_core::policy::{Fault, Files, Severity};
use sekisho_host::HostError;
use std::fmt;
use std::io::{IsTerminal as _, Write as _};
use std::ops::Range;
use std::path::Path;
use tracing_subscriber::EnvFilter;

/// Whether colours are used.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// They are on standard error.
    pub color: bool,
    /// They are on standard output.
    pub out: bool,
}

impl Style {
    /// `always` and `never` mean what they say; `auto` is a terminal and no `NO_COLOR`
    /// (<https://no-color.org>).
    pub fn of(choice: crate::args::Color) -> Self {
        let allowed = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let on = |terminal: bool| match choice {
            crate::args::Color::Always => true,
            crate::args::Color::Never => false,
            crate::args::Color::Auto => allowed && terminal,
        };
        Self {
            color: on(std::io::stderr().is_terminal()),
            out: on(std::io::stdout().is_terminal()),
        }
    }

    /// The text in a colour, for standard output.
    pub fn paint(self, paint: Paint, text: &str) -> String {
        if self.out { format!("\x1b[{}m{text}\x1b[0m", paint.code()) } else { text.to_owned() }
    }
}

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Good: green.
    Good,
    /// Bad: red.
    Bad,
    /// Look here: yellow.
    Note,
    /// Less important: dim.
    Dim,
    /// More important: bold.
    Strong,
}

impl Paint {
    const fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "1;31",
            Self::Note => "33",
            Self::Dim => "2",
            Self::Strong => "1",
        }
    }
}

/// Says one line about what is going on, on standard error.
pub fn say(line: impl fmt::Display) {
    write_error(&format!("sekisho: {line}\n"));
}

/// A closed standard error leaves nobody to tell, and must not end a gateway, as `eprintln!` would.
fn write_error(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Sends the host's warnings to standard error; `RUST_LOG` chooses others.
pub fn log(style: Style) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    // It fails only where a program that uses this library has set up its own.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(style.color)
        .with_target(false)
        .log_internal_errors(false)
        .with_writer(std::io::stderr)
        .try_init();
}

/// Why a command did not do what it was asked: one or more mistakes.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    mistakes: Vec<Mistake>,
}

/// One mistake: a sentence, a remedy, and the place if it is in a file.
#[derive(Debug)]
struct Mistake {
    severity: Severity,
    message: String,
    help: Option<String>,
    code: Option<&'static str>,
    place: Option<Excerpt>,
}

#[derive(Debug)]
struct Excerpt {
    source: NamedSource<String>,
    span: Range<usize>,
}

impl Failure {
    /// What the caller gave is wrong: exit code 2.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::single(Exit::Invalid, message.into())
    }

    /// This program or its machine is at fault: exit code 1.
    pub fn fault(message: impl Into<String>) -> Self {
        Self::single(Exit::Fault, message.into())
    }

    /// Several things that the caller gave are wrong, each with its remedy: exit code 2.
    pub fn many(mistakes: impl Iterator<Item = (String, String)>) -> Self {
        let mistake = |(message, help)| Mistake {
            severity: Severity::Error,
            message,
            help: Some(help),
            code: None,
            place: None,
        };
        Self { exit: Exit::Invalid, mistakes: mistakes.map(mistake).collect() }
    }

    fn single(exit: Exit, message: String) -> Self {
        let severity = Severity::Error;
        let mistake = Mistake { severity, message, help: None, code: None, place: None };
        Self { exit, mistakes: vec![mistake] }
    }

    /// Adds the remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        if let Some(mistake) = self.mistakes.last_mut() {
            mistake.help = Some(help.into());
        }
        self
    }

    /// The faults of a policy, each with the lines of its file.
    pub fn policy(directory: &Path, files: &Files, faults: &[Fault]) -> Self {
        let mistakes = faults.iter().map(|fault| Mistake::of(directory, files, fault)).collect();
        Self { exit: Exit::Invalid, mistakes }
    }

    /// How the program ends.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Writes everything to standard error.
    pub fn show(&self, style: Style) {
        let shown: String = self.mistakes.iter().map(|mistake| mistake.render(style)).collect();
        write_error(&shown);
    }
}

/// Shows the warnings of a policy, each with the lines of its file, on standard error.
pub fn warn(directory: &Path, files: &Files, warnings: &[Fault], style: Style) {
    Failure::policy(directory, files, warnings).show(style);
}

/// A warning in one line.
pub fn line(directory: &Path, files: &Files, warning: &Fault) -> String {
    let file = directory.join(&warning.file);
    let text = files.get(&warning.file).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let place = text.and_then(|text| warning.position(text));
    let place = place.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
    let Fault { message, code, .. } = warning;
    printable(&format!("warning: {}{place}: {message} ({code})", file.display()))
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        let place = error.place.and_then(|place| {
            Some(Excerpt::new(&place.file.display().to_string(), &place.text, place.span?))
        });
        let mistake = Mistake {
            severity: Severity::Error,
            message: error.message,
            help: error.help,
            code: None,
            place,
        };
        Self { exit: Exit::Invalid, mistakes: vec![mistake] }
    }
}

impl Mistake {
    fn of(directory: &Path, files: &Files, fault: &Fault) -> Self {
        // A compiled policy may be named by itself.
        let path =
            if directory.is_file() { directory.to_owned() } else { directory.join(&fault.file) };
        let file = path.display().to_string();
        let text = files.get(&fault.file).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let place =
            text.zip(fault.span.clone()).map(|(text, span)| Excerpt::new(&file, text, span));
        let message = match place {
            Some(_) => fault.message.clone(),
            None => format!("{file}: {}", fault.message),
        };
        Self {
            severity: fault.severity,
            message,
            help: Some(fault.help.clone()),
            code: Some(fault.code),
            place,
        }
    }

    fn render(&self, style: Style) -> String {
        if self.place.is_some() || self.code.is_some() {
            let handler = MietteHandlerOpts::new()
                .color(style.color)
                .terminal_links(false)
                .force_graphical(true)
                .build();
            return format!("{}\n", View { mistake: self, handler: &handler });
        }
        let (red, end) = if style.color { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
        let help = self.help.as_ref().map(|help| format!("  help: {}\n", printable(help)));
        let message = printable(&self.message);
        format!("{red}error:{end} {message}\n{}", help.unwrap_or_default())
    }
}

impl Excerpt {
    fn new(file: &str, text: &str, span: Range<usize>) -> Self {
        let text = without_active(text);
        let end = span.end.min(text.len());
        let mut start = span.start.min(end);
        // An empty place at the end of a line, as of a value that is missing, would not be drawn.
        if start == end
            && let Some(last) = text.get(..end).and_then(|before| before.chars().last())
        {
            start -= last.len_utf8();
        }
        Self { source: NamedSource::new(file, text), span: start..end }
    }
}

/// The text with every character that acts on a terminal replaced by as many `?` as it has bytes, so
/// that a file can't move the cursor or reorder a line, and every position stays what it was. A
/// carriage return stays where it ends a line.
fn without_active(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let ends_line = c == '\r' && rest.peek() == Some(&'\n');
        if is_active(c) && !ends_line {
            clean.extend(std::iter::repeat_n('?', c.len_utf8()));
        } else {
            clean.push(c);
        }
    }
    clean
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.message))
    }
}

impl std::error::Error for Mistake {}

impl Diagnostic for Mistake {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.map(|code| Box::new(code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_deref().map(|help| Box::new(printable(help)) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.place.as_ref().map(|place| &place.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.place.as_ref()?.span.clone();
        Some(Box::new(std::iter::once(LabeledSpan::underline(span))))
    }
}

struct View<'a> {
    mistake: &'a Mistake,
    handler: &'a miette::MietteHandler,
}

impl fmt::Display for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handler.debug(self.mistake, f)
    }
}

#[cfg(test)]
mod tests {
    use super::without_active;

    #[test]
    fn an_excerpt_acts_on_no_terminal_and_keeps_its_places() {
        for (name, text, want) in [
            ("plain", "関所 = 1 # ok\r\n\t", "関所 = 1 # ok\r\n\t"),
            ("escape", "a\u{1b}[2J", "a?[2J"),
            ("C1", "a\u{9b}2J", "a??2J"),
            ("carriage return within a line", "evil # \r# fine", "evil # ?# fine"),
            ("right to left override", "a\u{202e}b", "a???b"),
        ] {
            assert_eq!(without_active(text), want, "{name}");
            assert_eq!(text.len(), want.len(), "{name}");
        }
    }
}
