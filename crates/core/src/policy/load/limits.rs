//! How many requests a tenant, or each of its users, may make, and how many at once.

use super::Loader;
use super::suggest::did_you_mean;
use crate::policy::source::{RateLimitSource, Spanned};
use crate::policy::{RateLimit, Route};
use std::ops::RangeInclusive;

const FILE: &str = "gateway.toml";

/// Zero would refuse every request; the other end keeps a bucket's arithmetic exact.
const REQUESTS: RangeInclusive<u32> = 1..=1_000_000;

impl Loader<'_> {
    /// Zero would refuse every request.
    pub(super) fn concurrency(&mut self, source: Option<&Spanned<u32>>) -> Option<u32> {
        let given = source?;
        if *given.get_ref() == 0 {
            self.fault(
                "concurrency-zero",
                (FILE, Some(given.span())),
                "no request could be in flight",
                "write at least 1, or leave the key out: then there is no bound",
            );
        }
        Some(*given.get_ref())
    }

    pub(super) fn rate_limits(
        &mut self,
        sources: Vec<RateLimitSource>,
        routes: &[Route],
    ) -> Vec<RateLimit> {
        let mut limits: Vec<RateLimit> = Vec::with_capacity(sources.len());
        for source in sources {
            self.name(FILE, &source.id, "rate limit");
            if limits.iter().any(|limit| limit.id == *source.id.get_ref()) {
                self.fault(
                    "rate-limit-duplicate",
                    (FILE, Some(source.id.span())),
                    format!("the rate limit {:?} stands twice", source.id.get_ref()),
                    "give each an id of its own: two that share one would share their buckets",
                );
            }
            for (key, given) in
                [("burst", &source.burst), ("refill_per_minute", &source.refill_per_minute)]
            {
                if !REQUESTS.contains(given.get_ref()) {
                    self.fault(
                        "rate-limit-range",
                        (FILE, Some(given.span())),
                        format!("{key} = {} is no rate", given.get_ref()),
                        "write 1 to 1000000 requests",
                    );
                }
            }
            if let Some(counted) = &source.routes {
                self.counted(counted, routes);
            }
            let counted = source.routes.map(Spanned::into_inner).unwrap_or_default();
            limits.push(RateLimit {
                id: source.id.into_inner(),
                per: source.per,
                routes: counted.into_iter().map(Spanned::into_inner).collect(),
                burst: source.burst.into_inner(),
                refill_per_minute: source.refill_per_minute.into_inner(),
            });
        }
        limits
    }

    fn counted(&mut self, counted: &Spanned<Vec<Spanned<String>>>, routes: &[Route]) {
        if counted.get_ref().is_empty() {
            self.fault(
                "rate-limit-without-route",
                (FILE, Some(counted.span())),
                "the rate limit counts no route",
                "name at least one, or drop the key: then it counts every route but the public ones",
            );
        }
        for id in counted.get_ref() {
            match routes.iter().find(|route| route.id == *id.get_ref()) {
                None => {
                    let help = did_you_mean(id.get_ref(), routes.iter().map(Route::id))
                        .unwrap_or_else(|| "name a route by its id".into());
                    self.fault(
                        "rate-limit-route-unknown",
                        (FILE, Some(id.span())),
                        format!("there is no route {:?}", id.get_ref()),
                        help,
                    );
                }
                Some(route) if route.is_public() => self.fault(
                    "rate-limit-public-route",
                    (FILE, Some(id.span())),
                    format!("the route {:?} is public, and its requests are not counted", route.id),
                    "drop it here: a limit is a user's or a tenant's, and on a public route nobody is asked who he is",
                ),
                Some(_) => {}
            }
        }
    }
}
