//! One stream of this process's output, with a queue beside it for what the stream does not take at once.
//!
//! A line is never dropped: when the stream fails, its lines wait and are tried again, and when too many wait, so do
//! the components. What cannot be recorded is not done.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Bytes that may wait before the components wait too.
const MAX_WAITING: usize = 8 * 1024 * 1024;
/// Bytes that are written at a time.
const BATCH: usize = 64 * 1024;
/// Pause before a stream that failed is tried again.
const RETRY: Duration = Duration::from_millis(200);

/// Writes as much as a stream takes without waiting, and says how many bytes that is.
pub(super) type AtOnce = fn(&[u8]) -> usize;

pub(super) struct Pipe {
    name: &'static str,
    at_once: AtOnce,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    lines: Vec<u8>,
    /// Bytes queued or being written.
    waiting: usize,
    /// Writers without room.
    blocked: Vec<Waker>,
    /// The thread that writes waits for a line.
    idle: bool,
    ended: bool,
}

impl Queue {
    fn has_room(&self) -> bool {
        self.waiting <= MAX_WAITING
    }

    fn push(&mut self, line: &[u8]) {
        self.lines.extend_from_slice(line);
        self.lines.push(b'\n');
        self.waiting += line.len() + 1;
    }
}

impl Pipe {
    pub(super) fn new(name: &'static str, at_once: AtOnce) -> Arc<Self> {
        Arc::new(Self { name, at_once, queue: Mutex::default(), changed: Condvar::new() })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a line if no other waits and the stream takes it at once, else queues it, whether or not there is room.
    pub(super) fn push(&self, line: &[u8]) {
        let mut queue = self.queue();
        let is_first = queue.waiting == 0;
        queue.push(line);
        if is_first {
            let written = (self.at_once)(&queue.lines);
            queue.lines.drain(..written);
            queue.waiting -= written;
        }
        // A call to the system each, which a thread at work does not need.
        if queue.waiting > 0 && std::mem::take(&mut queue.idle) {
            drop(queue);
            self.changed.notify_all();
        }
    }

    /// Ready when there is room for another line.
    pub(super) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut queue = self.queue();
        if queue.has_room() {
            return Poll::Ready(());
        }
        if !queue.blocked.iter().any(|waker| waker.will_wake(cx.waker())) {
            queue.blocked.push(cx.waker().clone());
        }
        Poll::Pending
    }

    pub(super) fn has_room(&self) -> bool {
        self.queue().has_room()
    }

    /// Blocks until every line so far is written, at most until `end`.
    pub(super) fn flush(&self, end: Instant) {
        let mut queue = self.queue();
        while queue.waiting > 0 {
            let Some(left) = end.checked_duration_since(Instant::now()) else {
                return;
            };
            queue =
                self.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Nothing more comes: [`Pipe::run`] returns when all is written, or at the first failure.
    pub(super) fn end(&self) {
        self.queue().ended = true;
        self.changed.notify_all();
    }

    /// Writes what is queued until the end. The first of a row of failures is told to `other`, as a line of JSON like
    /// those of a component's log.
    pub(super) fn run(&self, mut sink: impl Write, other: &Self) {
        while let Some(lines) = self.next() {
            for batch in lines.chunks(BATCH) {
                let mut rest = batch;
                let mut told = false;
                while let Err(error) = write(&mut sink, &mut rest) {
                    if !told {
                        other.tell(&format!(
                            r#"{{"level":"error","message":"{} cannot be written ({}); its lines wait until it can"}}"#,
                            self.name,
                            error.kind()
                        ));
                        told = true;
                    }
                    if self.pause() {
                        return;
                    }
                }
                self.written(batch.len());
            }
        }
    }

    /// The lines that wait, or nothing after the end.
    fn next(&self) -> Option<Vec<u8>> {
        let waits = |queue: &mut Queue| {
            queue.idle = queue.lines.is_empty() && !queue.ended;
            queue.idle
        };
        let waited = self.changed.wait_while(self.queue(), waits);
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
        Some(std::mem::take(&mut queue.lines)).filter(|lines| !lines.is_empty())
    }

    fn written(&self, bytes: usize) {
        let mut queue = self.queue();
        queue.waiting -= bytes;
        let blocked =
            if queue.has_room() { std::mem::take(&mut queue.blocked) } else { Vec::new() };
        drop(queue);
        self.changed.notify_all();
        blocked.into_iter().for_each(Waker::wake);
    }

    /// Waits before the next try, and says whether there should be none.
    fn pause(&self) -> bool {
        let (queue, _) = self
            .changed
            .wait_timeout_while(self.queue(), RETRY, |queue| !queue.ended)
            .unwrap_or_else(PoisonError::into_inner);
        queue.ended
    }

    /// Queues a line of the host's own, unless this stream has failed as well.
    fn tell(&self, line: &str) {
        let mut queue = self.queue();
        if queue.has_room() {
            queue.push(line.as_bytes());
            queue.idle = false;
            drop(queue);
            self.changed.notify_all();
        }
    }
}

/// Writes `rest` and passes it on. After an error, `rest` is what the sink has not accepted.
fn write(sink: &mut impl Write, rest: &mut &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        match sink.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(size) => *rest = rest.get(size..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    sink.flush()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Accepts a few bytes at a time, and fails as often as it is told: each time after one accepted write.
    #[derive(Clone, Default)]
    struct Sink {
        written: Arc<Mutex<Vec<u8>>>,
        failures: Arc<AtomicUsize>,
        accepted: Arc<AtomicUsize>,
    }

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fails = self.accepted.load(Ordering::SeqCst) % 2 == 1
                && self
                    .failures
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                    .is_ok();
            if fails {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.accepted.fetch_add(1, Ordering::SeqCst);
            let size = bytes.len().min(3);
            self.written.lock().unwrap().extend_from_slice(&bytes[..size]);
            Ok(size)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn start(sink: &Sink) -> (Arc<Pipe>, Arc<Pipe>, std::thread::JoinHandle<()>) {
        let (pipe, other) =
            (Pipe::new("standard output", |_| 0), Pipe::new("standard error", |_| 0));
        let (writer, told, sink) = (Arc::clone(&pipe), Arc::clone(&other), sink.clone());
        let thread = std::thread::spawn(move || writer.run(sink, &told));
        (pipe, other, thread)
    }

    #[test]
    fn a_failing_stream_keeps_every_line_in_order() {
        let sink = Sink::default();
        sink.failures.store(3, Ordering::SeqCst);
        let (pipe, other, thread) = start(&sink);
        let lines: Vec<_> = (0..500).map(|n| format!("line {n}")).collect();
        for line in &lines {
            pipe.push(line.as_bytes());
        }
        pipe.flush(Instant::now() + Duration::from_secs(10));
        assert_eq!(sink.failures.load(Ordering::SeqCst), 0);
        let written = String::from_utf8(sink.written.lock().unwrap().clone()).unwrap();
        assert_eq!(written.lines().collect::<Vec<_>>(), lines);
        assert_eq!(
            String::from_utf8_lossy(&other.queue().lines),
            "{\"level\":\"error\",\"message\":\"standard output cannot be written (no storage \
             space); its lines wait until it can\"}\n"
        );
        pipe.end();
        thread.join().unwrap();
    }

    #[tokio::test]
    async fn writers_wait_for_a_stream_that_is_full_and_go_on_when_it_recovers() {
        let sink = Sink::default();
        sink.accepted.store(1, Ordering::SeqCst);
        sink.failures.store(usize::MAX, Ordering::SeqCst);
        let (pipe, _, thread) = start(&sink);
        let line = vec![b'x'; 1024 * 1024];
        let mut pushed = 0;
        while pipe.has_room() {
            pipe.push(&line);
            pushed += 1;
        }
        assert_eq!(pushed, 8);
        let room = std::future::poll_fn(|cx| pipe.poll_room(cx));
        let mut room = std::pin::pin!(room);
        assert!(futures::poll!(room.as_mut()).is_pending());
        let begun = Instant::now();
        pipe.flush(begun + Duration::from_millis(300));
        assert!(begun.elapsed() < Duration::from_secs(2), "a flush has an end");
        assert!(sink.written.lock().unwrap().is_empty());

        sink.failures.store(0, Ordering::SeqCst);
        tokio::time::timeout(Duration::from_secs(10), room).await.unwrap();
        pipe.end();
        thread.join().unwrap();
        let written = sink.written.lock().unwrap();
        assert_eq!(written.len(), pushed * (line.len() + 1), "the end leaves nothing behind");
        assert_eq!(written.split(|byte| *byte == b'\n').filter(|read| *read == line).count(), 8);
    }

    #[test]
    fn what_a_stream_takes_at_once_keeps_its_place() {
        static TAKEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());
        // All of a short line, and the beginning of a long one.
        let pipe = Pipe::new("standard output", |bytes| {
            let taken = bytes.len().min(8);
            TAKEN.lock().unwrap().extend_from_slice(&bytes[..taken]);
            taken
        });
        for line in ["first", "second line", "third"] {
            pipe.push(line.as_bytes());
        }
        assert_eq!(*TAKEN.lock().unwrap(), b"first\nsecond l");
        let sink = Sink::default();
        let (writer, end) = (Arc::clone(&pipe), sink.clone());
        let thread =
            std::thread::spawn(move || writer.run(end, &Pipe::new("standard error", |_| 0)));
        pipe.flush(Instant::now() + Duration::from_secs(10));
        assert_eq!(*sink.written.lock().unwrap(), b"ine\nthird\n");
        pipe.push(b"fourth");
        assert_eq!(*TAKEN.lock().unwrap(), b"first\nsecond lfourth\n");
        pipe.end();
        thread.join().unwrap();
    }

    #[test]
    fn the_end_does_not_wait_for_a_stream_that_fails() {
        let sink = Sink::default();
        sink.accepted.store(1, Ordering::SeqCst);
        sink.failures.store(usize::MAX, Ordering::SeqCst);
        let (pipe, _, thread) = start(&sink);
        pipe.push(b"lost");
        let begun = Instant::now();
        pipe.end();
        thread.join().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
}
