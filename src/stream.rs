//! Answers of which nobody knows the end: handed on chunk by chunk as they come, while core looks again at what it
//! judged. All others pass by handle.

use crate::clock::{Arrival, now};
use crate::{audit, state};
use futures::future::{Either, select};
use sekisho_core::Denial;
use sekisho_core::audit::{StreamEnd, StreamRecord};
use sekisho_core::watch::{Look, Watch};
use std::pin::pin;
use std::time::Duration;
use wasip3::clocks::monotonic_clock::{self, Mark};
use wasip3::http::types::{ErrorCode, Fields};
use wasip3::wit_bindgen::{FutureReader, FutureWriter, StreamReader, StreamResult, StreamWriter};
use wasip3::{wit_future, wit_stream};

const CHUNK: usize = 32 * 1024;

/// How often a silent stream is asked whether its client is still there: no host says so by itself, and the origin's
/// request shall end within a second.
const PROBE: Duration = Duration::from_millis(800);

type Trailers = FutureReader<Result<Option<Fields>, ErrorCode>>;

/// A body and its trailers.
pub(crate) struct Body {
    pub(crate) contents: StreamReader<u8>,
    pub(crate) trailers: Trailers,
}

/// What a stream is watched by, and its last record.
pub(crate) struct Watched {
    pub(crate) watch: Watch,
    pub(crate) record: StreamRecord,
    pub(crate) arrival: Arrival,
}

/// The same body, watched. Its last record is written when it ends, however it does.
pub(crate) fn watched(body: Body, watched: Watched) -> Body {
    let (to, contents) = wit_stream::new();
    let (to_trailers, trailers) = wit_future::new(|| Err(ErrorCode::InternalError(None)));
    wasip3::spawn(async move {
        let Watched { watch, record, arrival } = watched;
        let mut pump = Pump { to, bytes: 0, sight: Sight::new(watch) };
        let ended = pump.all(body.contents).await;
        let Pump { to, bytes, .. } = pump;
        let end = end(ended, body.trailers, to, to_trailers).await;
        let end = match &end {
            End::Complete => StreamEnd::Complete,
            End::ClientGone => StreamEnd::ClientGone,
            End::OriginFailed => StreamEnd::OriginFailed,
            End::Denied(denial) => StreamEnd::Denied(denial),
        };
        audit::line(record.ended(end, bytes, now(), arrival.elapsed()));
    });
    Body { contents, trailers }
}

enum End {
    Complete,
    ClientGone,
    OriginFailed,
    Denied(Denial),
}

/// Ends the client's side as the origin's ended. What is broken off has an error in place of trailers, so that the
/// client can't take the part for the whole.
async fn end(
    ended: Result<(), End>,
    from: Trailers,
    mut to: StreamWriter<u8>,
    to_trailers: FutureWriter<Result<Option<Fields>, ErrorCode>>,
) -> End {
    match ended {
        Ok(()) => {
            let trailers = from.await;
            let end = match &trailers {
                Ok(_) => End::Complete,
                // A host may end the origin's side itself when the client goes.
                Err(_) if has_gone(&mut to).await => End::ClientGone,
                Err(_) => End::OriginFailed,
            };
            drop(to);
            // Nobody is left to hear it where the client has gone.
            let _ = to_trailers.write(trailers).await;
            end
        }
        Err(end) => {
            if let End::Denied(denial) = &end {
                let why = Some(denial.reason().code().to_owned());
                let _ = to_trailers.write(Err(ErrorCode::InternalError(why))).await;
            }
            end
        }
    }
}

/// A client who is there and takes nothing is not waited for.
async fn has_gone(to: &mut StreamWriter<u8>) -> bool {
    let writing = pin!(to.write(Vec::new()));
    let tick = pin!(monotonic_clock::wait_for(nanoseconds(PROBE)));
    matches!(select(writing, tick).await, Either::Left(((StreamResult::Dropped, _), _)))
}

struct Pump {
    to: StreamWriter<u8>,
    bytes: u64,
    sight: Sight,
}

impl Pump {
    /// Hands all on.
    async fn all(&mut self, mut from: StreamReader<u8>) -> Result<(), End> {
        loop {
            let mut reading = pin!(from.read(Vec::with_capacity(CHUNK)));
            let (result, chunk) = loop {
                self.sight.look_if_due().await?;
                let probe = monotonic_clock::now().saturating_add(nanoseconds(PROBE));
                let tick = monotonic_clock::wait_until(probe.min(self.sight.due));
                match select(reading.as_mut(), pin!(tick)).await {
                    Either::Left((read, _)) => break read,
                    Either::Right(_) => self.probe().await?,
                }
            };
            if !chunk.is_empty() {
                self.hand_on(chunk).await?;
            }
            if !matches!(result, StreamResult::Complete(_)) {
                return Ok(());
            }
        }
    }

    async fn hand_on(&mut self, chunk: Vec<u8>) -> Result<(), End> {
        let length = chunk.len();
        let rest = self.sight.during(self.to.write_all(chunk)).await?;
        let written = length.saturating_sub(rest.len());
        self.bytes = self.bytes.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        if rest.is_empty() { Ok(()) } else { Err(End::ClientGone) }
    }

    /// Asks by a chunk of nothing whether the client is there.
    async fn probe(&mut self) -> Result<(), End> {
        match self.sight.during(self.to.write(Vec::new())).await? {
            (StreamResult::Dropped, _) => Err(End::ClientGone),
            _ => Ok(()),
        }
    }
}

/// What is known of the request's right to go on.
struct Sight {
    watch: Watch,
    /// When the records were read last.
    known: Mark,
    /// When they are to be read again.
    due: Mark,
}

impl Sight {
    fn new(watch: Watch) -> Self {
        let known = monotonic_clock::now();
        let due = known.saturating_add(nanoseconds(watch.every()));
        Self { watch, known, due }
    }

    /// Does the work, and looks again beside it, however long it takes.
    async fn during<T>(&mut self, work: impl Future<Output = T>) -> Result<T, End> {
        let mut work = pin!(work);
        loop {
            match select(work.as_mut(), pin!(monotonic_clock::wait_until(self.due))).await {
                Either::Left((done, _)) => return Ok(done),
                Either::Right(_) => self.look_if_due().await?,
            }
        }
    }

    async fn look_if_due(&mut self) -> Result<(), End> {
        if monotonic_clock::now() < self.due {
            return Ok(());
        }
        let records = state::fetch(self.watch.records()).await;
        let now = monotonic_clock::now();
        let age = Duration::from_nanos(now.saturating_sub(self.known));
        let wait = match self.watch.look(&records, age) {
            Look::Stands(wait) => {
                self.known = now;
                wait
            }
            Look::Unknown(wait) => wait,
            Look::Over(denial) => return Err(End::Denied(denial)),
        };
        self.due = now.saturating_add(nanoseconds(wait));
        Ok(())
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
