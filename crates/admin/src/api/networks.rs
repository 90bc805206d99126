//! `/networks`: from where one may come, within what the operator allows (R14).

use super::model::Block;
use super::{Body, Params, answer};
use crate::call::Call;
use crate::etag::{self, Target};
use crate::problem::{Problem, ProblemBody};
use crate::store::Made;
use axum::Extension;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use sekisho_core::network::Network;
use sekisho_core::network::managed::{Blocks, ManagedNetworks};
use sekisho_core::policy::Tenant;
use sekisho_core::records::encode;
use sekisho_directory::networks::{self, Current, Refused};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(put, delete))
}

/// A list of blocks. An address is in it if the longest block that holds it allows.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Blocks)]
struct BlocksBody {
    /// Blocks to allow.
    #[schema(max_items = 256)]
    allow: Vec<Block>,
    /// Exceptions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 256)]
    deny: Vec<Block>,
}

impl From<&Blocks> for BlocksBody {
    fn from(blocks: &Blocks) -> Self {
        let list = |texts: &[String]| texts.iter().cloned().map(Block).collect();
        Self { allow: list(&blocks.allow), deny: list(&blocks.deny) }
    }
}

impl From<BlocksBody> for Blocks {
    fn from(body: BlocksBody) -> Self {
        let list = |blocks: Vec<Block>| blocks.into_iter().map(|block| block.0).collect();
        Self { allow: list(body.allow), deny: list(body.deny) }
    }
}

/// Addresses from the first to the last.
#[derive(Serialize, ToSchema)]
struct Range {
    /// The first.
    first: String,
    /// The last.
    last: String,
}

/// A network that the tenant manages.
#[derive(Serialize, ToSchema)]
#[schema(as = Network)]
struct NetworkView {
    /// Its name in the policy.
    name: String,
    /// What the operator allows; every address, where there is no list.
    #[serde(skip_serializing_if = "Option::is_none")]
    widest: Option<Vec<Range>>,
    /// What the tenant allows of that; all of it, where there is no list.
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<BlocksBody>,
}

/// The networks that a tenant manages, of one record and so with one `ETag`.
#[derive(Serialize, ToSchema)]
struct Networks {
    /// Each of them.
    networks: Vec<NetworkView>,
    /// From where the caller comes, as the gateway sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
}

/// A network in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OfNetwork {
    /// Its name in the policy.
    #[param(min_length = 1, max_length = 64, pattern = "^[a-z0-9-]+$")]
    network: String,
}

/// How a list is meant.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct How {
    /// Also if it shuts the caller out, or everybody.
    #[serde(default)]
    force: bool,
}

struct Found {
    key: String,
    was: Option<Vec<u8>>,
    current: Current,
}

impl Found {
    fn of(call: &Call) -> Result<Self, Problem> {
        let key = networks::key(call.scope.tenant());
        let was = call.scope.get(&key)?;
        let current = Current::read(was.clone())
            .map_err(|why| Problem::unavailable(format!("{key} {why}")))?;
        Ok(Self { key, was, current })
    }

    fn tag(&self) -> String {
        etag::of(&self.key, self.was.as_deref())
    }

    fn write(
        &self,
        call: &Call,
        lists: &ManagedNetworks,
        network: &str,
        action: &str,
    ) -> Result<Response, Problem> {
        // Also of no list: a record that is there can be compared.
        let value = encode(lists)
            .ok_or_else(|| Problem::invalid("The lists would have more than 64 KiB."))?;
        if lists != &self.current.lists {
            match call.scope.swap(&self.key, self.was.as_deref(), &value)? {
                Made::Conflict => return Err(Problem::changed()),
                Made::Done => {
                    call.changed(action, &format!("networks/{network}"), &["allow", "deny"]);
                }
            }
            let tag = etag::of(&self.key, Some(&value));
            return Ok(answer(&view(call, lists)?, Some(&tag)));
        }
        Ok(answer(&view(call, lists)?, Some(&self.tag())))
    }
}

fn view(call: &Call, lists: &ManagedNetworks) -> Result<Networks, Problem> {
    let range = |(first, last): (IpAddr, IpAddr)| Range {
        first: first.to_string(),
        last: last.to_string(),
    };
    let widest = |tenant: &Tenant, name: &str| match tenant.network(name) {
        Some(Network::List(set)) => Some(set.ranges().map(range).collect()),
        Some(Network::Any) | None => None,
    };
    let networks = call.with_tenant(|tenant| {
        let of = |name: &String| NetworkView {
            name: name.clone(),
            widest: widest(tenant, name),
            list: lists.networks.get(name).map(BlocksBody::from),
        };
        tenant.managed_networks().iter().map(of).collect()
    })?;
    Ok(Networks { networks, client: call.client.map(|client| client.to_string()) })
}

/// List the networks that the tenant manages.
#[utoipa::path(get, path = "/networks", tag = "networks", responses(
    (status = 200, body = Networks, headers(("ETag" = String))),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(Extension(call): Extension<Call>) -> Result<Response, Problem> {
    let found = Found::of(&call)?;
    Ok(answer(&view(&call, &found.current.lists)?, Some(&found.tag())))
}

/// Narrow a network. A list that shuts the caller out is refused, unless it is forced.
#[utoipa::path(put, path = "/networks/{network}", tag = "networks", params(OfNetwork, How, super::Conditions), request_body = BlocksBody, responses(
    (status = 200, body = Networks, headers(("ETag" = String))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "The tenant manages no network of this name"),
    (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "The caller would shut himself out"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 428, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn put(
    Extension(call): Extension<Call>,
    Path(of): Path<OfNetwork>,
    Params(how): Params<How>,
    headers: HeaderMap,
    Body(body): Body<BlocksBody>,
) -> Result<Response, Problem> {
    let found = Found::of(&call)?;
    is_managed(&call, &of.network)?;
    Target { tag: &found.tag(), exists: true }.may_be_replaced(&headers)?;
    let blocks = Blocks::from(body);
    if !how.force && call.client.is_none() {
        return Err(shuts_out(
            "Nobody knows from where you come, and whether this shuts you out.".into(),
        ));
    }
    let from: Vec<IpAddr> = call.client.into_iter().collect();
    let lists = call.with_tenant(|tenant| {
        if how.force {
            found.current.insist(tenant, &of.network, Some(blocks))
        } else {
            found.current.set(tenant, &of.network, Some(blocks), &from)
        }
    })?;
    let lists = lists.map_err(|no| refused(&no))?;
    found.write(&call, &lists, &of.network, "network-narrowed")
}

/// Take the tenant's list of a network away: what the operator allows holds alone.
#[utoipa::path(delete, path = "/networks/{network}", tag = "networks", params(OfNetwork, super::Conditions), responses(
    (status = 200, body = Networks, headers(("ETag" = String))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "The tenant manages no network of this name"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn delete(
    Extension(call): Extension<Call>,
    Path(of): Path<OfNetwork>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = Found::of(&call)?;
    is_managed(&call, &of.network)?;
    Target { tag: &found.tag(), exists: true }.matches(&headers)?;
    let lists = call.with_tenant(|tenant| found.current.set(tenant, &of.network, None, &[]))?;
    let lists = lists.map_err(|no| refused(&no))?;
    found.write(&call, &lists, &of.network, "network-widened")
}

fn is_managed(call: &Call, network: &str) -> Result<(), Problem> {
    if call.with_tenant(|tenant| tenant.manages(network))? {
        return Ok(());
    }
    Err(Problem::not_found("network"))
}

fn refused(Refused { message, help, may_insist }: &Refused) -> Problem {
    if *may_insist {
        shuts_out(format!("{message}: {help} (force=true)."))
    } else {
        Problem::invalid(format!("{message}: {help}."))
    }
}

fn shuts_out(detail: String) -> Problem {
    Problem::new(StatusCode::CONFLICT, "shuts-out", "Somebody would be shut out", detail)
}
