//! Values that stand in bodies, each with its rule as JSON Schema has it.

use sekisho_core::directory::{State, User};
use sekisho_core::records::key;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A string with a rule; the rule is told here and judged where the value is used.
macro_rules! text {
    ($(#[doc = $doc:literal])+ $name:ident, $pattern:literal, $length:literal) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) String);

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(SchemaType::Type(Type::String))
                    .pattern(Some($pattern))
                    .min_length(Some(1))
                    .max_length(Some($length))
                    .description(Some(concat!($($doc),+).trim()))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

text! {
    /// A role: it stands in a comma-separated field of a header.
    Role, "^[A-Za-z0-9._:/-]+$", 64
}
text! {
    /// A group, at most 256 bytes.
    Group, r"^[^\u0000-\u001f\u007f-\u009f]+$", 256
}
text! {
    /// An e-mail address.
    Email, r"^[^@\s\u0000-\u001f\u007f-\u009f]+@[^@.\s\u0000-\u001f\u007f-\u009f]+(\.[^@.\s\u0000-\u001f\u007f-\u009f]+)*$", 256
}
text! {
    /// A name of one line.
    Name, r"^[^\u0000-\u001f\u007f-\u009f]+$", 256
}
text! {
    /// The subject of tokens.
    Subject, "^[!-~]+$", 255
}
text! {
    /// A block of addresses with its prefix length, such as 203.0.113.0/24.
    Block, r"^[0-9a-fA-F:.]+/[0-9]{1,3}$", 49
}

/// Whether a user may come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UserState {
    /// He may.
    #[default]
    Active,
    /// Not now.
    Suspended,
    /// Not any more.
    Left,
}

impl From<UserState> for State {
    fn from(state: UserState) -> Self {
        match state {
            UserState::Active => Self::Active,
            UserState::Suspended => Self::Suspended,
            UserState::Left => Self::Left,
        }
    }
}

impl From<State> for UserState {
    fn from(state: State) -> Self {
        match state {
            State::Active => Self::Active,
            State::Suspended => Self::Suspended,
            State::Left => Self::Left,
        }
    }
}

/// A user as he shall be. What is not said is empty.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserBody {
    /// Whether he may come.
    #[serde(default)]
    pub(crate) state: UserState,
    /// His roles.
    #[serde(default)]
    #[schema(max_items = 64)]
    pub(crate) roles: Vec<Role>,
    /// His groups.
    #[serde(default)]
    #[schema(max_items = 256)]
    pub(crate) groups: Vec<Group>,
    /// Where mail reaches him.
    pub(crate) email: Option<Email>,
    /// His name, as people write it.
    pub(crate) name: Option<Name>,
}

/// A user as he is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserView {
    /// What stands for him in a path: the subject, or of one that is long or has odd characters its digest.
    pub(crate) id: String,
    /// The subject of his tokens.
    pub(crate) subject: String,
    /// Whether he may come.
    pub(crate) state: UserState,
    /// His roles.
    pub(crate) roles: Vec<String>,
    /// His groups.
    pub(crate) groups: Vec<String>,
    /// Where mail reaches him.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    /// His name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Since when the state is so, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<i64>,
    /// Whether a directory provisions him (SCIM), which will write over what is changed here.
    pub(crate) provisioned: bool,
}

impl UserView {
    /// The user of this subject.
    pub(crate) fn of(subject: &str, user: &User) -> Self {
        Self {
            id: key::segment(subject).into_owned(),
            subject: subject.to_owned(),
            state: user.state.into(),
            roles: user.roles.clone(),
            groups: user.groups.clone(),
            email: user.email.clone(),
            name: user.name.clone(),
            since: user.since,
            provisioned: user.scim.is_some(),
        }
    }
}
