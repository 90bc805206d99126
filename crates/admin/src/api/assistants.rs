//! `/assistants`: who may see which assistant (R7).
//!
//! A label that is taken away stays as one that shows the assistant to nobody, which no label that is written can be:
//! the store can remove a record only unconditionally.

use super::model::{Group, Subject};
use super::{Body, answer, created, no_content};
use crate::call::Call;
use crate::etag::{self, Target};
use crate::problem::{Problem, ProblemBody};
use crate::store::Made;
use axum::Extension;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use sekisho_core::label::{Label, is_id};
use sekisho_core::records::{decode, encode, key};
use sekisho_directory::labels::{self, Labels};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get, put, delete))
}

/// Who may see an assistant.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "visibility", rename_all = "lowercase", deny_unknown_fields)]
#[schema(as = Label)]
enum LabelBody {
    /// Everyone of the tenant.
    Organization {},
    /// Those who are named, and the members of the groups that are: at least one, and together a thousand at most.
    Restricted {
        /// Subjects.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schema(max_items = 1000)]
        users: Vec<Subject>,
        /// Groups.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schema(max_items = 1000)]
        groups: Vec<Group>,
    },
    /// Its owner alone.
    Personal {
        /// A subject.
        owner: Subject,
    },
}

impl From<LabelBody> for Label {
    fn from(body: LabelBody) -> Self {
        match body {
            LabelBody::Organization {} => Self::Organization {},
            LabelBody::Restricted { users, groups } => Self::Restricted {
                users: users.into_iter().map(|user| user.0).collect(),
                groups: groups.into_iter().map(|group| group.0).collect(),
            },
            LabelBody::Personal { owner } => Self::Personal { owner: owner.0 },
        }
    }
}

impl From<Label> for LabelBody {
    fn from(label: Label) -> Self {
        match label {
            Label::Organization {} => Self::Organization {},
            Label::Restricted { users, groups } => Self::Restricted {
                users: users.into_iter().map(Subject).collect(),
                groups: groups.into_iter().map(Group).collect(),
            },
            Label::Personal { owner } => Self::Personal { owner: Subject(owner) },
        }
    }
}

/// An assistant with its label.
#[derive(Serialize, ToSchema)]
#[schema(as = Assistant)]
struct AssistantView {
    /// Its identifier, or of a long one the digest that stands for it.
    id: String,
    /// Who may see it.
    label: LabelBody,
}

/// The assistants that have a label.
#[derive(Serialize, ToSchema)]
struct Assistants {
    /// In the order of their identifiers.
    assistants: Vec<AssistantView>,
}

/// An assistant in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OfAssistant {
    /// Its identifier.
    #[param(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._~-]+$")]
    assistant: String,
}

fn is_nobodys(label: &Label) -> bool {
    matches!(label, Label::Restricted { users, groups } if users.is_empty() && groups.is_empty())
}

struct Found {
    id: String,
    key: String,
    was: Option<Vec<u8>>,
    label: Option<Label>,
}

impl Found {
    fn of(call: &Call, id: &str) -> Result<Self, Problem> {
        if !is_id(id) {
            return Err(Problem::not_found("assistant"));
        }
        let tenant = call.scope.tenant();
        // Of a long identifier a list has the digest, by which it can be found again.
        let key = if key::is_digest(id) {
            labels::prefix(tenant) + id
        } else {
            key::assistant(tenant, id)
        };
        let was = call.scope.get(&key)?;
        let label = match &was {
            None if key::is_digest(id) => return Err(Problem::not_found("assistant")),
            None => None,
            Some(value) => {
                let label: Label =
                    decode(value).map_err(|why| Problem::unavailable(format!("{key} {why}")))?;
                Some(label).filter(|label| !is_nobodys(label))
            }
        };
        Ok(Self { id: id.to_owned(), key, was, label })
    }

    fn tag(&self) -> String {
        etag::of(&self.key, self.label.as_ref().and(self.was.as_deref()))
    }

    fn write(&self, call: &Call, label: &Label, action: &str) -> Result<String, Problem> {
        let value = encode(label)
            .ok_or_else(|| Problem::invalid("The label would have more than 64 KiB."))?;
        if self.was.as_deref() != Some(&*value) {
            match call.scope.swap(&self.key, self.was.as_deref(), &value)? {
                Made::Conflict => return Err(Problem::changed()),
                Made::Done => {
                    call.changed(action, &format!("assistant/{}", self.id), &["visibility"]);
                }
            }
        }
        Ok(etag::of(&self.key, Some(&value)))
    }
}

/// List the labels of assistants.
#[utoipa::path(get, path = "/assistants", tag = "assistants", responses(
    (status = 200, body = Assistants),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn list(Extension(call): Extension<Call>) -> Result<Response, Problem> {
    let entries = call.scope.all("assistant")?;
    let labels = Labels::read(call.scope.tenant(), entries).map_err(|all| {
        Problem::unavailable(all.first().map(ToString::to_string).unwrap_or_default())
    })?;
    let shown = labels.iter().filter(|(_, entry)| !is_nobodys(&entry.label));
    let assistants = shown
        .map(|(id, entry)| AssistantView { id: id.to_owned(), label: entry.label.clone().into() })
        .collect();
    Ok(answer(&Assistants { assistants }, None))
}

/// Read an assistant's label.
#[utoipa::path(get, path = "/assistants/{assistant}", tag = "assistants", params(OfAssistant), responses(
    (status = 200, body = LabelBody, headers(("ETag" = String))),
    (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn get(
    Extension(call): Extension<Call>,
    Path(of): Path<OfAssistant>,
) -> Result<Response, Problem> {
    let found = Found::of(&call, &of.assistant)?;
    let label = found.label.clone().ok_or_else(|| Problem::not_found("assistant"))?;
    Ok(answer(&LabelBody::from(label), Some(&found.tag())))
}

/// Label an assistant.
#[utoipa::path(put, path = "/assistants/{assistant}", tag = "assistants", params(OfAssistant, super::Conditions), request_body = LabelBody, responses(
    (status = 200, body = LabelBody, headers(("ETag" = String))),
    (status = 201, body = LabelBody, headers(("ETag" = String))),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No assistant has this form of a name"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    (status = 428, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn put(
    Extension(call): Extension<Call>,
    Path(of): Path<OfAssistant>,
    headers: HeaderMap,
    Body(body): Body<LabelBody>,
) -> Result<Response, Problem> {
    let found = Found::of(&call, &of.assistant)?;
    let exists = found.label.is_some();
    Target { tag: &found.tag(), exists }.may_be_replaced(&headers)?;
    let label = Label::from(body);
    labels::check_label(&label)
        .map_err(|(message, help)| Problem::invalid(format!("{message}: {help}.")))?;
    let tag = found.write(&call, &label, "assistant-labelled")?;
    let view = LabelBody::from(label);
    Ok(if exists { answer(&view, Some(&tag)) } else { created(&view, &tag) })
}

/// Take an assistant's label away: nobody sees it then.
#[utoipa::path(delete, path = "/assistants/{assistant}", tag = "assistants", params(OfAssistant, super::Conditions), responses(
    (status = 204, description = "It has no label"),
    (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, body = ProblemBody, content_type = "application/problem+json", description = "No assistant has this form of a name"),
    (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json"),
))]
async fn delete(
    Extension(call): Extension<Call>,
    Path(of): Path<OfAssistant>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = Found::of(&call, &of.assistant)?;
    Target { tag: &found.tag(), exists: found.label.is_some() }.matches(&headers)?;
    if found.label.is_some() {
        let nobody = Label::Restricted { users: Vec::new(), groups: Vec::new() };
        found.write(&call, &nobody, "assistant-unlabelled")?;
    }
    Ok(no_content())
}
