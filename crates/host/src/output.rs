//! What components print: whole lines, to the caller's sink or to this process's own output.

mod pipe;

use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use self::pipe::Pipe;

/// Longest line that is passed on in one piece, in bytes; a longer one arrives in pieces of this size.
const MAX_LINE: usize = 64 * 1024;

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

/// Keeps what components write to their standard output, and makes them wait while it can't.
pub trait Recorder: Send + Sync {
    /// Takes a component's line without its line feed, whether or not there is room. Called on the thread that runs the component.
    fn line(&self, component: &str, line: &[u8]);

    /// Ready when there is room for another line.
    fn poll_room(&self, cx: &Context<'_>) -> Poll<()>;

    /// Whether there is room for another line.
    fn has_room(&self) -> bool;

    /// Blocks until every line so far is written, at most until `end`.
    fn flush(&self, end: Instant);
}

/// Where components' lines go.
#[derive(Clone, Default)]
pub enum Output {
    /// To this process's standard output and standard error.
    #[default]
    Process,
    /// There, and those of standard output first to a recorder.
    Recorded(Arc<dyn Recorder>),
    /// To a function.
    Lines(LineSink),
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Process => "Process",
            Self::Recorded(_) => "Recorded",
            Self::Lines(_) => "Lines",
        })
    }
}

/// An [`Output`] at work.
#[derive(Clone)]
pub(crate) enum Writer {
    Process(Arc<ProcessOutput>),
    Recorded(Arc<ProcessOutput>, Arc<dyn Recorder>),
    Lines(LineSink),
    /// To another writer, and past it to those who only listen.
    Tapped(Arc<Writer>, Arc<[LineSink]>),
}

impl Writer {
    pub(crate) fn start(output: &Output) -> io::Result<Self> {
        Ok(match output {
            Output::Process => Self::Process(ProcessOutput::start()?),
            Output::Recorded(recorder) => {
                Self::Recorded(ProcessOutput::start()?, Arc::clone(recorder))
            }
            Output::Lines(sink) => Self::Lines(Arc::clone(sink)),
        })
    }

    /// The same with listeners: each is told of a line when it is written.
    pub(crate) fn tapped(self, taps: &[LineSink]) -> Self {
        if taps.is_empty() { self } else { Self::Tapped(Arc::new(self), taps.into()) }
    }

    fn line(&self, component: &str, stream: Stream, line: &[u8]) {
        match self {
            Self::Process(process) => process.pipe(stream).push(line),
            Self::Recorded(process, recorder) => {
                if stream == Stream::Out {
                    recorder.line(component, line);
                }
                process.pipe(stream).push(line);
            }
            Self::Lines(sink) => sink(component, stream, line),
            Self::Tapped(writer, taps) => {
                writer.line(component, stream, line);
                taps.iter().for_each(|tap| tap(component, stream, line));
            }
        }
    }

    /// Ready when `stream` has room for another line.
    fn poll_room(&self, stream: Stream, cx: &Context<'_>) -> Poll<()> {
        match self {
            Self::Process(process) => process.pipe(stream).poll_room(cx),
            Self::Recorded(process, recorder) => {
                if stream == Stream::Out {
                    std::task::ready!(recorder.poll_room(cx));
                }
                process.pipe(stream).poll_room(cx)
            }
            Self::Lines(_) => Poll::Ready(()),
            Self::Tapped(writer, _) => writer.poll_room(stream, cx),
        }
    }

    fn has_room(&self, stream: Stream) -> bool {
        match self {
            Self::Process(process) => process.pipe(stream).has_room(),
            Self::Recorded(process, recorder) => {
                (stream == Stream::Err || recorder.has_room()) && process.pipe(stream).has_room()
            }
            Self::Lines(_) => true,
            Self::Tapped(writer, _) => writer.has_room(stream),
        }
    }

    /// Blocks until every line so far is written, at most `limit`.
    pub(crate) fn flush(&self, limit: Duration) {
        let end = Instant::now() + limit;
        if let Self::Recorded(_, recorder) = self {
            recorder.flush(end);
        }
        match self {
            Self::Process(process) | Self::Recorded(process, _) => {
                process.out.flush(end);
                process.err.flush(end);
            }
            Self::Lines(_) => {}
            Self::Tapped(writer, _) => writer.flush(limit),
        }
    }
}

/// This process's output. A line is with the system when the component goes on, where the stream takes it at once: a kill
/// of this process then loses no record of an answer that was given. Each stream has its own thread for what waits,
/// so that a slow reader does not hold up requests and one stream's fate is not the other's.
pub(crate) struct ProcessOutput {
    out: Arc<Pipe>,
    err: Arc<Pipe>,
}

impl ProcessOutput {
    fn start() -> io::Result<Arc<Self>> {
        // The first thread ends with this when the second cannot be started.
        let output = Arc::new(Self {
            out: Pipe::new("standard output", |bytes| at_once(io::stdout(), bytes)),
            err: Pipe::new("standard error", |bytes| at_once(io::stderr(), bytes)),
        });
        let (out, err) = (Arc::clone(&output.out), Arc::clone(&output.err));
        std::thread::Builder::new()
            .name("sekisho-stdout".to_owned())
            .spawn(move || out.run(io::stdout(), &err))?;
        let (out, err) = (Arc::clone(&output.out), Arc::clone(&output.err));
        std::thread::Builder::new()
            .name("sekisho-stderr".to_owned())
            .spawn(move || err.run(io::stderr(), &out))?;
        Ok(output)
    }

    fn pipe(&self, stream: Stream) -> &Pipe {
        match stream {
            Stream::Out => &self.out,
            Stream::Err => &self.err,
        }
    }
}

impl Drop for ProcessOutput {
    fn drop(&mut self) {
        self.out.end();
        self.err.end();
    }
}

/// Writes what `stream` takes without waiting: a file always does; a pipe, a socket or a terminal that is ready does for
/// this many bytes (pipe(7), `PIPE_BUF`).
fn at_once(stream: impl AsFd, bytes: &[u8]) -> usize {
    const READY_FOR: usize = 4096;
    let mut ready = [PollFd::new(&stream, PollFlags::OUT)];
    if bytes.len() > READY_FOR || !matches!(poll(&mut ready, Some(&Timespec::default())), Ok(1)) {
        return 0;
    }
    // An error is met again, and told, by the thread that writes what waits.
    rustix::io::write(&stream, bytes).unwrap_or(0)
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
        Box::new(SharedLines { lines: Arc::clone(&self.lines), granted: false })
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
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        std::task::ready!(self.writer.poll_room(self.stream, cx));
        let bytes = bytes.get(..MAX_LINE).unwrap_or(bytes);
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

struct SharedLines {
    lines: Arc<Mutex<Lines>>,
    /// There was room when somebody waited for it; another writer may have taken it since, but to be told so again
    /// and again traps a component.
    granted: bool,
}

impl SharedLines {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for SharedLines {
    async fn ready(&mut self) {
        std::future::poll_fn(|cx| {
            let lines = self.lines();
            lines.writer.poll_room(lines.stream, cx)
        })
        .await;
        self.granted = true;
    }
}

impl OutputStream for SharedLines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.lines().push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        let granted = std::mem::take(&mut self.granted);
        let lines = self.lines();
        Ok(if granted || lines.writer.has_room(lines.stream) { MAX_LINE } else { 0 })
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

    #[test]
    fn those_who_listen_hear_what_is_written() {
        let heard = Arc::<Mutex<Vec<(usize, Vec<u8>)>>>::default();
        let sink = |number: usize| -> LineSink {
            let heard = Arc::clone(&heard);
            Arc::new(move |_: &str, _, line: &[u8]| {
                heard.lock().unwrap().push((number, line.to_vec()));
            })
        };
        let writer = Writer::Lines(sink(0)).tapped(&[sink(1), sink(2)]);
        Lines::new(&Arc::from("c"), Stream::Out, &writer).push(b"one\n");
        let said: Vec<_> = heard.lock().unwrap().clone();
        assert_eq!(said, [0, 1, 2].map(|number| (number, b"one".to_vec())));
    }

    #[tokio::test]
    async fn components_wait_while_a_stream_is_full() {
        let pipe = Pipe::new("standard output", |_| 0);
        let output =
            ProcessOutput { out: Arc::clone(&pipe), err: Pipe::new("standard error", |_| 0) };
        let writer = Writer::Process(Arc::new(output));
        let stream = ComponentStream::new(&Arc::from("c"), Stream::Out, &writer);
        let mut third = Box::into_pin(stream.async_stream());
        let mut second = stream.p2_stream();
        let line = Bytes::from(vec![b'x'; MAX_LINE]);
        let mut accepted = 0;
        while let Ok(MAX_LINE) = second.check_write() {
            second.write(line.clone()).unwrap();
            accepted += 1;
            assert!(accepted < 1000, "nobody reads");
        }
        assert!(futures::poll!(std::pin::pin!(second.ready())).is_pending());
        let write = |cx: &mut Context<'_>| third.as_mut().poll_write(cx, b"late\n");
        let mut write = std::pin::pin!(std::future::poll_fn(write));
        assert!(futures::poll!(write.as_mut()).is_pending());
        let other = ComponentStream::new(&Arc::from("c"), Stream::Err, &writer);
        assert!(futures::poll!(std::pin::pin!(other.p2_stream().ready())).is_ready());

        std::thread::spawn(move || pipe.run(io::sink(), &Pipe::new("standard error", |_| 0)));
        second.ready().await;
        assert_eq!(second.check_write().unwrap(), MAX_LINE);
        assert_eq!(write.await.unwrap(), 5);
    }

    #[tokio::test]
    async fn components_wait_while_a_recorder_can_not_record() {
        #[derive(Default)]
        struct Full(Mutex<(bool, Vec<String>, Option<std::task::Waker>)>);

        impl Recorder for Full {
            fn line(&self, component: &str, line: &[u8]) {
                let line = format!("{component}: {}", String::from_utf8_lossy(line));
                self.0.lock().unwrap().1.push(line);
            }

            fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
                let mut state = self.0.lock().unwrap();
                state.2 = Some(cx.waker().clone());
                if state.0 { Poll::Ready(()) } else { Poll::Pending }
            }

            fn has_room(&self) -> bool {
                self.0.lock().unwrap().0
            }

            fn flush(&self, _: Instant) {}
        }

        let recorder = Arc::new(Full::default());
        let pipes = ["standard output", "standard error"].map(|name| Pipe::new(name, |_| 0));
        let [out, err] = pipes;
        let process = Arc::new(ProcessOutput { out: Arc::clone(&out), err });
        let writer = Writer::Recorded(process, Arc::<Full>::clone(&recorder));
        let stream = |kind| ComponentStream::new(&Arc::from("c"), kind, &writer);
        let mut second = stream(Stream::Out).p2_stream();
        assert_eq!(second.check_write().unwrap(), 0);
        assert!(futures::poll!(std::pin::pin!(second.ready())).is_pending());
        let mut third = Box::into_pin(stream(Stream::Out).async_stream());
        let write = |cx: &mut Context<'_>| third.as_mut().poll_write(cx, b"late\n");
        let mut write = std::pin::pin!(std::future::poll_fn(write));
        assert!(futures::poll!(write.as_mut()).is_pending());
        // What goes to standard error is not recorded, and waits for nobody.
        let mut other = stream(Stream::Err).p2_stream();
        other.ready().await;
        other.write(Bytes::from_static(b"log\n")).unwrap();
        assert!(recorder.0.lock().unwrap().1.is_empty());

        recorder.0.lock().unwrap().0 = true;
        recorder.0.lock().unwrap().2.take().unwrap().wake();
        assert_eq!(write.await.unwrap(), 5);
        assert_eq!(recorder.0.lock().unwrap().1, ["c: late"]);
        let printed = out.clone();
        let sink = tempfile::NamedTempFile::new().unwrap();
        let file = sink.reopen().unwrap();
        let thread = std::thread::spawn(move || out.run(file, &Pipe::new("standard error", |_| 0)));
        printed.flush(Instant::now() + Duration::from_secs(10));
        assert_eq!(std::fs::read(sink.path()).unwrap(), b"late\n");
        printed.end();
        thread.join().unwrap();
    }
}
