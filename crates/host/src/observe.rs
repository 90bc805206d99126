//! What the host can tell of its own work, as plain values: it knows no library of metrics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The host answered a request itself, or closed a connection, before a component saw it.
    Refused(Refused),
    /// A component asked a key-value store.
    State {
        /// `get`, `set`, `delete`, `exists` or `keys`.
        operation: &'static str,
        /// The store answered.
        ok: bool,
        /// How long it took.
        took: Duration,
    },
    /// A connection to an origin was opened, or was not.
    Connected {
        /// Where to.
        to: Destination<'a>,
        /// There is one.
        ok: bool,
        /// How long name, TCP and TLS took.
        took: Duration,
    },
    /// A component's request to an origin was answered, or was not.
    Sent {
        /// Where to.
        to: Destination<'a>,
        /// How it ended.
        outcome: Sent,
        /// How long it took until the answer's head.
        took: Duration,
    },
}

/// Why a component did not see a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refused {
    /// [`crate::Limits::connections`]: the connection was closed.
    Connections,
    /// [`crate::Limits::requests`].
    Requests,
    /// [`crate::Limits::requests_per_peer`].
    RequestsPerPeer,
    /// No component could judge it: more than one host, too many fields, a method of proxies.
    Malformed,
    /// No component is at this path.
    NoRoute,
    /// No instance could be made.
    NoInstance,
    /// The component failed while it had the request.
    ComponentFailed,
}

impl Refused {
    /// Every cause.
    pub const ALL: [Self; 7] = [
        Self::Connections,
        Self::Requests,
        Self::RequestsPerPeer,
        Self::Malformed,
        Self::NoRoute,
        Self::NoInstance,
        Self::ComponentFailed,
    ];

    /// In words of kebab-case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Requests => "requests",
            Self::RequestsPerPeer => "requests-per-peer",
            Self::Malformed => "malformed",
            Self::NoRoute => "no-route",
            Self::NoInstance => "no-instance",
            Self::ComponentFailed => "component-failed",
        }
    }
}

/// Where a component's request goes.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// `https`, or `http`.
    pub https: bool,
    /// An IPv6 address without brackets.
    pub host: &'a str,
    /// The port, also where it is the scheme's.
    pub port: u16,
}

/// How a component's request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sent {
    /// With an answer.
    Answered,
    /// There was no answer in time.
    TimedOut,
    /// The client went away, or its body broke off.
    ClientGone,
    /// There was no connection, or it broke, or the answer was none.
    Failed,
}

impl Sent {
    /// In words of kebab-case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::TimedOut => "timed-out",
            Self::ClientGone => "client-gone",
            Self::Failed => "failed",
        }
    }
}

/// A receiver of events. It is called on the thread where they happen and must not block.
pub type Observer = Arc<dyn Fn(&Event<'_>) + Send + Sync>;

/// An observer, if there is one.
#[derive(Clone, Default)]
pub(crate) struct Observed(pub(crate) Option<Observer>);

impl Observed {
    pub(crate) fn tell(&self, event: &Event<'_>) {
        if let Some(observer) = &self.0 {
            observer(event);
        }
    }

    pub(crate) fn refused(&self, why: Refused) {
        self.tell(&Event::Refused(why));
    }

    /// Does what a store is asked for.
    pub(crate) async fn state<T, E>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let began = Instant::now();
        let result = work.await;
        self.tell(&Event::State { operation, ok: result.is_ok(), took: began.elapsed() });
        result
    }
}

/// What is in use at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InUse {
    /// Instances of components.
    pub instances: usize,
    /// Connections of clients.
    pub connections: usize,
    /// Requests in progress, answers that stream among them.
    pub requests: usize,
}

/// Reads what is in use, also while the host shuts down.
#[derive(Clone)]
pub struct Meter {
    pub(crate) alive: watch::Receiver<usize>,
    /// Semaphores with the permits that they had at first.
    pub(crate) connections: (Arc<Semaphore>, usize),
    pub(crate) requests: (Arc<Semaphore>, usize),
    pub(crate) compiled_in: Duration,
}

impl Meter {
    /// What is in use now.
    pub fn read(&self) -> InUse {
        let taken =
            |(all, size): &(Arc<Semaphore>, usize)| size.saturating_sub(all.available_permits());
        InUse {
            instances: *self.alive.borrow(),
            connections: taken(&self.connections),
            requests: taken(&self.requests),
        }
    }

    /// How long it took to compile the components, or to read them from the cache, at the start.
    pub fn compiled_in(&self) -> Duration {
        self.compiled_in
    }
}
