//! What the host knows of one request while a component works on it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

/// One request on its way through a component.
pub(crate) struct Scope {
    /// The client's address, also for the components that a chained request reaches.
    pub(crate) peer: SocketAddr,
    /// How many components called each other to get here.
    pub(crate) depth: usize,
    client_gone: watch::Sender<bool>,
    sent: AtomicBool,
    fate: OnceLock<Arc<Fate>>,
}

/// How an instance ended.
#[derive(Default)]
pub(crate) struct Fate(AtomicBool);

impl Fate {
    pub(crate) fn fail(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Scope {
    pub(crate) fn new(peer: SocketAddr, depth: usize) -> Arc<Self> {
        Arc::new(Self {
            peer,
            depth,
            client_gone: watch::Sender::new(false),
            sent: AtomicBool::new(false),
            fate: OnceLock::new(),
        })
    }

    /// Ties the request to the instance that accepted it.
    pub(crate) fn accepted_by(&self, fate: &Arc<Fate>) {
        drop(self.fate.set(Arc::clone(fate)));
    }

    /// Notes that the component has sent a request for this one.
    pub(crate) fn sends(&self) {
        self.sent.store(true, Ordering::Release);
    }

    /// Whether the component has sent a request for this one.
    pub(crate) fn has_sent(&self) -> bool {
        self.sent.load(Ordering::Acquire)
    }

    /// Whether the instance that works on the request has trapped.
    pub(crate) fn instance_failed(&self) -> bool {
        self.fate.get().is_some_and(|fate| fate.0.load(Ordering::Acquire))
    }

    /// Resolves when the client goes away from now on; never if it stays.
    pub(crate) fn until_client_gone(&self) -> impl Future<Output = ()> + Send + Sync + 'static {
        let mut gone = self.client_gone.subscribe();
        async move {
            if gone.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

/// The client's interest in a request: dropped before the response ended, the client has gone.
pub(crate) struct ClientGuard(Option<Arc<Scope>>);

impl ClientGuard {
    pub(crate) fn new(scope: Arc<Scope>) -> Self {
        Self(Some(scope))
    }

    pub(crate) fn completed(&mut self) {
        self.0 = None;
    }
}

impl Drop for ClientGuard {
    fn drop(&mut self) {
        if let Some(scope) = &self.0 {
            scope.client_gone.send_replace(true);
        }
    }
}
