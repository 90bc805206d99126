//! The whole component over a store in memory, asked as the gateway asks it.

use crate::call::Site;
use crate::scim::Settings;
use crate::serve;
use crate::store::memory::Memory;
use http::{Method, Request};
use sekisho_core::policy::{Files, load};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

mod api;
mod audit;
mod scim;

/// A component with its store, its policy and what it has written.
pub(crate) struct World {
    pub(crate) memory: Arc<Memory>,
    pub(crate) log: Arc<Mutex<Vec<Value>>>,
    pub(crate) now: i64,
    pub(crate) scim: Settings,
    pub(crate) trail: PathBuf,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) tag: String,
    pub(crate) kind: String,
    pub(crate) tenant: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn reason(&self) -> String {
        self.json()["reason"].as_str().unwrap_or_default().to_owned()
    }
}

const GATEWAY: &str = "version = 1\n[origins.o]\nurl = \"https://o.example\"\nregion = \"jp\"\n\
    [[routes]]\nid = \"r\"\npath = \"/\"\nmethods = [\"GET\"]\norigins = [\"o\"]\npublic = true\n\
    network = \"admin\"\n";

fn tenant(id: &str) -> (String, Vec<u8>) {
    let text = format!(
        "hosts = [\"{id}.example\"]\nregions = [\"jp\"]\nmanaged_networks = [\"business\", \"admin\"]\n\
         [networks]\nadmin = [\"203.0.113.0/24\"]\n"
    );
    (format!("tenants/{id}.toml"), text.into_bytes())
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            memory: Arc::default(),
            log: Arc::default(),
            now: 1_800_000_000,
            scim: Settings::default(),
            trail: PathBuf::from("/nowhere"),
        }
    }

    fn site(&self) -> Site {
        let files = Files::from([
            ("gateway.toml".to_owned(), GATEWAY.into()),
            tenant("acme"),
            tenant("globex"),
        ]);
        let policy = Arc::new(load(&files).unwrap_or_else(|faults| panic!("{faults:#?}")));
        let log = Arc::clone(&self.log);
        Site {
            store: self.memory.clone(),
            policy: Arc::new(move |_: &str| Ok(Arc::clone(&policy))),
            log: Arc::new(move |line| {
                log.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }),
            trail: self.trail.clone(),
            now: self.now,
            time: "2027-01-15T08:00:00.000000Z".to_owned(),
            fresh: format!("{:032x}", self.memory.entries.lock().unwrap().len()),
            scim: Ok(self.scim.clone()),
        }
    }

    /// A request with exactly these fields.
    pub(crate) fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut request = Request::builder().method(method.parse::<Method>().unwrap()).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.serve(request.body(body.to_vec()).unwrap())
    }

    /// A request as it came.
    pub(crate) fn serve(&self, request: Request<Vec<u8>>) -> Answer {
        let response = futures::executor::block_on(serve(&Arc::new(self.site()), request));
        let field = |name: &str| {
            let value = response.headers().get(name);
            value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
        };
        Answer {
            status: response.status().as_u16(),
            tag: field("etag"),
            kind: field("content-type"),
            tenant: field("x-tenant-id"),
            text: String::from_utf8(response.body().clone()).unwrap(),
        }
    }

    /// The same by an administrator and a provisioner of this tenant, with more fields.
    pub(crate) fn by(
        &self,
        tenant: &str,
        method: &str,
        target: &str,
        more: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let host = format!("{tenant}.example");
        let mut headers = vec![
            ("x-tenant-id", tenant),
            ("x-user-id", "root"),
            ("x-user-roles", "member,admin,provisioner"),
            ("x-request-id", "r-1"),
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-host", &host),
        ];
        headers.extend(more);
        self.send(method, target, &headers, body.as_bytes())
    }

    /// An administrator of acme's, with a JSON body.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let target = format!("{}{path}", crate::api::PREFIX);
        let kind = [("content-type", "application/json")];
        self.by("acme", method, &target, &[&kind[..], more].concat(), body)
    }

    /// What was written to the audit record: action, target and members.
    pub(crate) fn written(&self) -> Vec<Value> {
        let lines = std::mem::take(&mut *self.log.lock().unwrap());
        lines
            .into_iter()
            .inspect(|line| {
                assert_eq!(line["event"], "administration");
                assert_eq!(line["subject"], "root");
            })
            .map(|line| json!([line["action"], line["target"], line["changed"]]))
            .collect()
    }
}
