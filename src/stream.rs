//! Answers of which nobody knows the end: handed on chunk by chunk as they come, while core looks again at what it
//! judged, and at their trailers. All others pass by handle.

use crate::clock::{Arrival, now};
use crate::{answer, audit, state};
use futures::future::{Either, LocalBoxFuture, select};
use sekisho_core::audit::{StreamEnd, StreamRecord};
use sekisho_core::records::Records;
use sekisho_core::response::judge_trailers;
use sekisho_core::watch::{Look, Watch};
use sekisho_core::{Denial, Headers};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use wasip3::clocks::monotonic_clock::{self, Mark};
use wasip3::http::types::{ErrorCode, Fields};
use wasip3::wit_bindgen::{FutureReader, FutureWriter, StreamReader, StreamResult, StreamWriter};
use wasip3::{wit_future, wit_stream};

const CHUNK: usize = 32 * 1024;

/// How long a client who takes nothing is asked whether he is there.
const PROBE: Duration = Duration::from_millis(500);

/// How long after the origin's side the client's may end for the same reason.
const BOTH: Duration = Duration::from_millis(50);

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

/// The same body, watched where there is something to watch. Its last record is written when it ends, however it does.
pub(crate) fn watched(body: Body, watched: Option<Watched>) -> Body {
    let (to, contents) = wit_stream::new();
    let (to_trailers, trailers) = wit_future::new(|| Err(ErrorCode::InternalError(None)));
    wasip3::spawn(async move {
        let (sight, record) = watched
            .map(|Watched { watch, record, arrival }| {
                (Sight::new(watch, arrival), (record, arrival))
            })
            .unzip();
        let mut pump = Pump { to, bytes: 0, sight };
        let ended = pump.all(body.contents).await;
        let Pump { to, bytes, .. } = pump;
        let end = end(ended, body.trailers, to, to_trailers).await;
        let Some((record, arrival)) = record else { return };
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
            let trailers = from.await.and_then(judged);
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
            drop(to);
            if let End::Denied(denial) = &end {
                let why = Some(denial.reason().code().to_owned());
                let _ = to_trailers.write(Err(ErrorCode::InternalError(why))).await;
            }
            end
        }
    }
}

fn judged(trailers: Option<Fields>) -> Result<Option<Fields>, ErrorCode> {
    let Some(trailers) = trailers else { return Ok(None) };
    let kept = judge_trailers(&Headers::new(trailers.copy_all()));
    let any = kept.iter().next().is_some();
    any.then(|| answer::fields(kept)).transpose()
}

/// Whether it was the client who ended both sides. One who is there and takes nothing is not waited for.
async fn has_gone(to: &mut StreamWriter<u8>) -> bool {
    // The two sides end in no order.
    monotonic_clock::wait_for(nanoseconds(BOTH)).await;
    let writing = pin!(to.write(Vec::new()));
    let tick = pin!(monotonic_clock::wait_for(nanoseconds(PROBE)));
    matches!(select(writing, tick).await, Either::Left(((StreamResult::Dropped, _), _)))
}

struct Pump {
    to: StreamWriter<u8>,
    bytes: u64,
    sight: Option<Sight>,
}

impl Pump {
    /// Hands all on. An answer that took long to begin is looked at before its first byte.
    async fn all(&mut self, mut from: StreamReader<u8>) -> Result<(), End> {
        if let Some(sight) = &mut self.sight {
            sight.settle().await?;
        }
        loop {
            let reading = from.read(Vec::with_capacity(CHUNK));
            let (result, chunk) = during(&mut self.sight, reading).await?;
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
        let rest = during(&mut self.sight, self.to.write_all(chunk)).await?;
        let written = length.saturating_sub(rest.len());
        self.bytes = self.bytes.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        if rest.is_empty() { Ok(()) } else { Err(End::ClientGone) }
    }
}

async fn during<T>(sight: &mut Option<Sight>, work: impl Future<Output = T>) -> Result<T, End> {
    match sight {
        Some(sight) => sight.during(work).await,
        None => Ok(work.await),
    }
}

/// What is known of the request's right to go on.
struct Sight {
    watch: Rc<Watch>,
    /// When the reading of the records began that it goes on by.
    known: Mark,
    /// When they are to be read again.
    due: Mark,
    looking: Option<Looking>,
}

/// Records that are being read, beside the stream.
struct Looking {
    records: LocalBoxFuture<'static, Records>,
    began: Mark,
    /// When nobody waits for them any more.
    until: Mark,
}

impl Sight {
    /// Of a request whose records were read when it arrived.
    fn new(watch: Watch, arrival: Arrival) -> Self {
        let known = arrival.mark();
        let due = known.saturating_add(nanoseconds(watch.every()));
        Self { watch: Rc::new(watch), known, due, looking: None }
    }

    /// Looks now, if it is time to.
    async fn settle(&mut self) -> Result<(), End> {
        self.begin_if_due();
        match self.looking.take() {
            None => Ok(()),
            Some(Looking { records, began, until }) => {
                let late = pin!(monotonic_clock::wait_until(until));
                match select(records, late).await {
                    Either::Left((records, _)) => self.judge(&records, began),
                    Either::Right(_) => self.judge(&Records::new(), began),
                }
            }
        }
    }

    /// Does the work, and looks again beside it, however long either takes.
    async fn during<T>(&mut self, work: impl Future<Output = T>) -> Result<T, End> {
        let mut work = pin!(work);
        loop {
            self.begin_if_due();
            let Some(Looking { records, began, until }) = &mut self.looking else {
                match select(work.as_mut(), pin!(monotonic_clock::wait_until(self.due))).await {
                    Either::Left((done, _)) => return Ok(done),
                    Either::Right(_) => continue,
                }
            };
            let (began, is_late) = (*began, monotonic_clock::now() >= *until);
            let late = pin!(monotonic_clock::wait_until(*until));
            // The records first: work that never waits must not keep them out.
            let seen = match select(records.as_mut(), select(late, work.as_mut())).await {
                Either::Left((records, _)) => records,
                Either::Right((Either::Left(_), _)) => Records::new(),
                Either::Right((Either::Right((done, _)), _)) if !is_late => return Ok(done),
                Either::Right((Either::Right((done, _)), _)) => {
                    self.looking = None;
                    self.judge(&Records::new(), began)?;
                    return Ok(done);
                }
            };
            self.looking = None;
            self.judge(&seen, began)?;
        }
    }

    fn begin_if_due(&mut self) {
        let began = monotonic_clock::now();
        if self.looking.is_some() || began < self.due {
            return;
        }
        let watch = Rc::clone(&self.watch);
        let patience = self.watch.patience(self.age(began));
        self.looking = Some(Looking {
            records: Box::pin(async move { state::fetch(watch.records()).await }),
            began,
            until: began.saturating_add(nanoseconds(patience)),
        });
    }

    fn judge(&mut self, records: &Records, began: Mark) -> Result<(), End> {
        let now = monotonic_clock::now();
        let wait = match self.watch.look(records, self.age(now)) {
            Look::Stands(wait) => {
                self.known = began;
                wait
            }
            Look::Unknown(wait) => wait,
            Look::Over(denial) => return Err(End::Denied(denial)),
        };
        self.due = now.saturating_add(nanoseconds(wait));
        Ok(())
    }

    fn age(&self, now: Mark) -> Duration {
        Duration::from_nanos(now.saturating_sub(self.known))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
