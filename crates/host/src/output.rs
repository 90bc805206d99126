//! What components print: whole lines, to the caller's sink or to this process's own output.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Longest line that is passed on in one piece, in bytes; a longer one arrives in pieces of this size.
const MAX_LINE: usize = 64 * 1024;
/// Bytes that may wait for a slow reader of this process's output before the components wait for it too.
const MAX_WAITING: usize = 8 * 1024 * 1024;

/// Which stream a line was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// A receiver of lines: the component's name, the stream, and the line without its line feed. It is called on the
/// thread that runs the component and must not block.
pub type LineSink = Arc<dyn Fn(&str, Stream, &[u8]) + Send + Sync>;

/// Where components' lines go.
#[derive(Clone, Default)]
pub enum Output {
    /// To this process's standard output and standard error.
    #[default]
    Process,
    /// To a function.
    Lines(LineSink),
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Process => "Process",
            Self::Lines(_) => "Lines",
        })
    }
}

/// An [`Output`] at work.
#[derive(Clone)]
pub(crate) enum Writer {
    Process(Arc<ProcessOutput>),
    Lines(LineSink),
}

impl Writer {
    pub(crate) fn start(output: &Output) -> io::Result<Self> {
        Ok(match output {
            Output::Process => Self::Process(ProcessOutput::start()?),
            Output::Lines(sink) => Self::Lines(Arc::clone(sink)),
        })
    }

    fn line(&self, component: &str, stream: Stream, line: &[u8]) {
        match self {
            Self::Process(process) => process.push(stream, line),
            Self::Lines(sink) => sink(component, stream, line),
        }
    }

    /// Blocks until every line so far is written, at most `limit`.
    pub(crate) fn flush(&self, limit: Duration) {
        if let Self::Process(process) = self {
            process.flush(limit);
        }
    }
}

/// A queue in front of the process's output, so that a slow terminal does not hold up requests.
pub(crate) struct ProcessOutput {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<(Stream, Vec<u8>)>,
    /// Bytes queued or being written.
    waiting: usize,
    closed: bool,
}

impl ProcessOutput {
    fn start() -> io::Result<Arc<Self>> {
        let output = Arc::new(Self { queue: Mutex::default(), changed: Condvar::new() });
        let weak = Arc::downgrade(&output);
        std::thread::Builder::new().name("sekisho-output".to_owned()).spawn(move || {
            while let Some(output) = weak.upgrade() {
                output.write_waiting();
            }
        })?;
        Ok(output)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, stream: Stream, line: &[u8]) {
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
        let mut queue = self.queue();
        while queue.waiting > MAX_WAITING && !queue.closed {
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        if queue.closed {
            return;
        }
        queue.waiting += bytes.len();
        queue.lines.push_back((stream, bytes));
        self.changed.notify_all();
    }

    /// Writes what is queued, or returns after a moment without any, so that the thread notices its owner's end.
    fn write_waiting(&self) {
        let queue = self.queue();
        let (mut queue, _) = self
            .changed
            .wait_timeout_while(queue, Duration::from_millis(200), |queue| queue.lines.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        let lines = std::mem::take(&mut queue.lines);
        drop(queue);
        let written: usize = lines.iter().map(|(_, line)| line.len()).sum();
        let result = lines.iter().try_for_each(|(stream, line)| match stream {
            Stream::Out => io::stdout().lock().write_all(line),
            Stream::Err => io::stderr().lock().write_all(line),
        });
        let mut queue = self.queue();
        queue.waiting -= written;
        // Nobody reads any more (a closed pipe): later lines have nowhere to go.
        queue.closed |= result.is_err();
        self.changed.notify_all();
    }

    fn flush(&self, limit: Duration) {
        let end = Instant::now() + limit;
        let mut queue = self.queue();
        while queue.waiting > 0 && !queue.closed {
            let Some(left) = end.checked_duration_since(Instant::now()) else {
                return;
            };
            queue =
                self.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// One standard stream of one instance.
#[derive(Clone)]
pub(crate) struct ComponentStream {
    /// Shared by all handles to the WASI 0.2 stream: within an instance one write at a time is guaranteed.
    lines: Arc<Mutex<Lines>>,
    component: Arc<str>,
    stream: Stream,
    writer: Writer,
}

impl ComponentStream {
    pub(crate) fn new(component: &Arc<str>, stream: Stream, writer: &Writer) -> Self {
        Self {
            lines: Arc::new(Mutex::new(Lines::new(component, stream, writer))),
            component: Arc::clone(component),
            stream,
            writer: writer.clone(),
        }
    }
}

impl IsTerminal for ComponentStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for ComponentStream {
    /// WASI 0.3: every stream a guest opens collects its own lines, so that concurrent requests do not mix.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Lines::new(&self.component, self.stream, &self.writer))
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(SharedLines(Arc::clone(&self.lines)))
    }
}

/// Cuts what is written into lines.
struct Lines {
    partial: Vec<u8>,
    component: Arc<str>,
    stream: Stream,
    writer: Writer,
}

impl Lines {
    fn new(component: &Arc<str>, stream: Stream, writer: &Writer) -> Self {
        Self {
            partial: Vec::new(),
            component: Arc::clone(component),
            stream,
            writer: writer.clone(),
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            let mut text = text;
            while let Some((head, tail)) = text.split_at_checked(MAX_LINE - self.partial.len()) {
                if tail.is_empty() {
                    break;
                }
                self.partial.extend_from_slice(head);
                self.emit();
                text = tail;
            }
            self.partial.extend_from_slice(text);
            if ends {
                self.emit();
            }
        }
    }

    fn emit(&mut self) {
        self.writer.line(&self.component, self.stream, &self.partial);
        self.partial.clear();
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if !self.partial.is_empty() {
            self.emit();
        }
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

struct SharedLines(Arc<Mutex<Lines>>);

#[wasmtime_wasi::async_trait]
impl Pollable for SharedLines {
    async fn ready(&mut self) {}
}

impl OutputStream for SharedLines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_LINE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_and_bounded() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let writer = Writer::Lines(Arc::new(move |component: &str, stream, line: &[u8]| {
            sink.lock().unwrap().push((component.to_owned(), stream, line.to_vec()));
        }));
        let mut lines = Lines::new(&Arc::from("c"), Stream::Err, &writer);
        lines.push(b"one\ntw");
        lines.push(b"o\n\n");
        lines.push(&vec![b'x'; MAX_LINE]);
        lines.push(b"\n");
        lines.push(&vec![b'y'; 2 * MAX_LINE + 3]);
        lines.push(b"z\nrest");
        drop(lines);
        let seen = seen.lock().unwrap();
        let lengths: Vec<_> = seen.iter().map(|(_, _, line)| line.len()).collect();
        assert_eq!(lengths, [3, 3, 0, MAX_LINE, MAX_LINE, MAX_LINE, 4, 4]);
        assert_eq!(seen[1].2, b"two");
        assert!(
            seen.iter().all(|(component, stream, _)| component == "c" && *stream == Stream::Err)
        );
    }
}
