//! The keys that a token is checked with: the gateway's own, or those that its issuer publishes, asked for
//! over HTTPS when core's [`KeyRing`] says so, shared by the requests of this instance, and through the
//! store by all instances.

use crate::{clock, fetch, own, state};
use futures::future::{Either, join, select};
use sekisho_core::NeedsKeys;
use sekisho_core::policy::{Published, WebAddress};
use sekisho_core::records::key;
use sekisho_core::token::Wanted;
use sekisho_core::token::keys::published::{
    KeptSet, PublishedSet, failure_from_record, failure_to_record, jwks_address,
};
use sekisho_core::token::keys::ring::{FETCH_SECONDS, KeyRing, Plan};
use sekisho_core::token::keys::{Algorithm, KeySet, MAX_SET};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use wasip3::clocks::monotonic_clock::{self, Mark};
use wasip3::random::random;

/// The most issuers, each counted with each tenant, whose keys an instance keeps: a set has at most
/// [`MAX_SET`] bytes.
const MAX_ISSUERS: usize = 256;

const PATIENCE: Duration = Duration::from_secs(FETCH_SECONDS);

/// After this a question counts as lost with the request that asked it.
const LOST: Duration = Duration::from_secs(2 * FETCH_SECONDS);

/// How often a request looks whether another one's question is answered: the tasks of an instance
/// can't wake each other.
const GLANCE: Duration = Duration::from_millis(5);

/// The longest message of a foreign key set that is logged, in characters.
const MAX_MESSAGE: usize = 300;

thread_local! {
    static ISSUERS: RefCell<VecDeque<Rc<Issuer>>> = const { RefCell::new(VecDeque::new()) };
}

/// A tenant's issuer. Tenants that share one share nothing here.
struct Issuer {
    tenant: String,
    name: String,
    at: Published,
    algorithms: Vec<Algorithm>,
    ring: RefCell<KeyRing>,
    /// When the question that is on its way was asked.
    question: Cell<Option<Mark>>,
    failure: RefCell<String>,
}

/// The keys of the token's issuer, or why they are not known.
pub(crate) async fn of(needs: &NeedsKeys<'_>) -> Result<Arc<KeySet>, String> {
    match needs.wanted() {
        Wanted::Published(at) => published(needs, at).await,
        Wanted::Own => own::keys().await?.checking(needs.issuer().algorithms()).cloned(),
    }
}

async fn published(needs: &NeedsKeys<'_>, at: &Published) -> Result<Arc<KeySet>, String> {
    let issuer = Issuer::of(needs, at);
    let plan = || issuer.ring.borrow().plan(needs.key_id(), clock::now());
    // A question that another request asked may end without a word on this one's key.
    let mut asked = false;
    while plan() != Plan::Use {
        if !issuer.is_asked() {
            if asked {
                break;
            }
            asked = true;
            issuer.question.set(Some(monotonic_clock::now()));
            let (asking, key_id) = (Rc::clone(&issuer), needs.key_id().to_owned());
            // Apart from the request, which may have its answer before the issuer's comes.
            wasip3::spawn(async move { asking.ask(&key_id).await });
        }
        if plan() == Plan::Refresh {
            break;
        }
        monotonic_clock::wait_for(nanoseconds(GLANCE)).await;
    }
    let known = issuer.ring.borrow().keys(clock::now()).map(Arc::clone);
    known.ok_or_else(|| issuer.failure.borrow().clone())
}

impl Issuer {
    fn of(needs: &NeedsKeys<'_>, at: &Published) -> Rc<Self> {
        let (tenant, issuer) = (needs.tenant().id().as_str(), needs.issuer());
        ISSUERS.with_borrow_mut(|issuers| {
            let known = issuers.iter().find(|known| {
                known.tenant == tenant && known.name == issuer.name() && known.at == *at
            });
            if let Some(known) = known {
                return Rc::clone(known);
            }
            if issuers.len() >= MAX_ISSUERS {
                issuers.pop_front();
            }
            let new = Rc::new(Self {
                tenant: tenant.to_owned(),
                name: issuer.name().to_owned(),
                at: at.clone(),
                algorithms: issuer.algorithms().to_vec(),
                ring: RefCell::new(KeyRing::new(random::get_random_u64())),
                question: Cell::new(None),
                failure: RefCell::new("the issuer has not answered".into()),
            });
            issuers.push_back(Rc::clone(&new));
            new
        })
    }

    fn is_asked(&self) -> bool {
        let since = |mark| monotonic_clock::now().saturating_sub(mark);
        self.question.get().is_some_and(|mark| since(mark) < nanoseconds(LOST))
    }

    /// Looks into the store, then asks the issuer, in bounded time.
    async fn ask(&self, key_id: &str) {
        let answer = {
            let work = pin!(self.newer(key_id));
            let end = pin!(monotonic_clock::wait_for(nanoseconds(PATIENCE)));
            match select(work, end).await {
                Either::Left((answer, _)) => answer,
                Either::Right(_) => Err(format!("no answer within {FETCH_SECONDS} s").into()),
            }
        };
        let [set, failure] = key::published(&self.tenant, &self.name);
        let record = match answer {
            Ok(Newer::Kept) | Err(fetch::Error::Abandoned) => None,
            Ok(Newer::Fetched(record)) => record.map(|record| (set, record)),
            Err(fetch::Error::Refused(why)) => {
                let now = clock::now();
                self.tell(&why);
                self.ring.borrow_mut().failed(now, now);
                *self.failure.borrow_mut() = why;
                Some((failure, failure_to_record(self.at.address(), now)))
            }
        };
        self.question.set(None);
        if let Some((key, record)) = record {
            state::set(&key, &record).await;
        }
    }

    async fn newer(&self, key_id: &str) -> Result<Newer, fetch::Error> {
        let asked = self.at.address();
        let [set, failure] = key::published(&self.tenant, &self.name);
        let (set, failure) = join(state::get(&set), state::get(&failure)).await;
        let fetched = clock::now();
        {
            let mut ring = self.ring.borrow_mut();
            let kept = set.and_then(|set| KeptSet::from_record(&set, asked, &self.algorithms));
            if let Some(kept) = kept {
                ring.take(kept.keys, kept.fetched, fetched);
                if let Some(missed) = kept.missed {
                    ring.missed(missed, fetched);
                }
            }
            if let Some(failed) = failure.and_then(|failure| failure_from_record(&failure, asked)) {
                ring.failed_elsewhere(failed, fetched);
            }
            if ring.plan(key_id, fetched) == Plan::Use {
                return Ok(Newer::Kept);
            }
        }
        let set = self.fetch(asked).await?;
        for why in &set.refused {
            self.tell(&why.chars().take(MAX_MESSAGE).collect::<String>());
        }
        let mut ring = self.ring.borrow_mut();
        if !set.keys.names(key_id) {
            ring.missed(fetched, fetched);
        }
        ring.fetched(set.keys, fetched);
        let record = KeptSet::to_record(&set.jwks, asked, fetched, ring.last_missed());
        Ok(Newer::Fetched(record))
    }

    async fn fetch(&self, asked: &WebAddress) -> Result<PublishedSet, fetch::Error> {
        let mut bytes = fetch::document(asked, MAX_SET, PATIENCE).await?;
        if let Published::Discovery(_) = self.at {
            let address = jwks_address(&bytes, &self.name, asked)?;
            bytes = fetch::document(&address, MAX_SET, PATIENCE).await?;
        }
        Ok(PublishedSet::parse(&bytes, &self.algorithms)?)
    }

    fn tell(&self, what: &str) {
        eprintln!("keys: {}, {:?}: {}", self.tenant, self.name, what.escape_debug());
    }
}

/// Where a newer set came from.
enum Newer {
    /// Another instance has asked.
    Kept,
    /// The issuer, with what is kept for others.
    Fetched(Option<Vec<u8>>),
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
