//! Writing a user, and all that follows from his state, so that no two changes cross each other.
//!
//! The record is what is guarded: it is written only if it is still as it was read. What stands beside it (that his
//! tokens are revoked, that his sessions end) is written in an order in which nothing opens too early, whoever else
//! writes and whenever this ends:
//!
//! | he | first | then | at last |
//! | --- | --- | --- | --- |
//! | is shut out | his record | all his tokens are revoked | his sessions end |
//! | comes back, nothing is revoked | the tokens of before are revoked | his record | |
//! | comes back, all is revoked | his record | of the tokens only those of before stay revoked | if he was shut out meanwhile, all are revoked |
//!
//! The store can remove a record only unconditionally, so none is removed: of a user who is deleted there remains that
//! he left and when. Such a record is nobody's here, and its tokens stay refused.

use crate::call::Call;
use crate::etag;
use crate::problem::Problem;
use crate::store::{Made, Scope, Unavailable};
use axum::http::StatusCode;
use sekisho_core::directory::{State, User};
use sekisho_core::records::{decode, encode, key};
use sekisho_core::session::{Revocation, RevokedBy};
use sekisho_directory::edit::{Edit, Was};
use sekisho_directory::form;
use sekisho_directory::roster::{self, Roster};
use sekisho_directory::sessions::Sessions;
use sekisho_directory::standing;
use sekisho_directory::tenant::{Read, Tenant};

/// How often a revocation is looked at again that others change meanwhile.
const TRIES: usize = 5;

/// The place of a user, and who is there.
pub struct Person {
    /// The subject of his tokens.
    pub subject: String,
    /// His record's key.
    pub key: String,
    /// His record as it was read.
    pub was: Option<Vec<u8>>,
    /// He himself; nobody, where there is no record or only that he was deleted.
    pub user: Option<User>,
}

/// What is left of a user who was deleted.
pub fn is_removed(user: &User) -> bool {
    let nothing = user.roles.is_empty() && user.groups.is_empty();
    let nobody = user.email.is_none() && user.name.is_none() && user.scim.is_none();
    user.state == State::Left && nothing && nobody
}

impl Person {
    /// The user by what stands for him in a path: his subject, or the last part of his key.
    ///
    /// # Errors
    /// No user can have this name, or the record can't be read.
    pub fn find(scope: &Scope, id: &str) -> Result<Self, Problem> {
        let digest = key::is_digest(id);
        if !digest && !form::is_subject(id) {
            return Err(Problem::not_found("user"));
        }
        let key = if digest {
            key::prefix(scope.tenant(), "user") + id
        } else {
            key::user(scope.tenant(), id)
        };
        let was = scope.get(&key)?;
        let (subject, user) = match &was {
            Some(value) => read(scope, &key, value)?,
            None if digest => return Err(Problem::not_found("user")),
            None => (id.to_owned(), None),
        };
        Ok(Self { subject, key, was, user })
    }

    /// The same of a user who must be there.
    ///
    /// # Errors
    /// He is not (404), or the record can't be read.
    pub fn get(scope: &Scope, id: &str) -> Result<(Self, User), Problem> {
        let person = Self::find(scope, id)?;
        let user = person.user.clone().ok_or_else(|| Problem::not_found("user"))?;
        Ok((person, user))
    }

    /// What stands for him in a path.
    pub fn id(&self) -> String {
        key::segment(&self.subject).into_owned()
    }

    /// The tag of what is there.
    pub fn tag(&self) -> String {
        etag::of(&self.key, self.user.as_ref().and(self.was.as_deref()))
    }

    /// Writes him as he shall be, with all that follows, and gives his tag.
    ///
    /// # Errors
    /// He was changed meanwhile (412), or the store does not answer.
    pub fn write(&self, call: &Call, user: &User) -> Result<String, Problem> {
        self.write_known(call, user, None)
    }

    /// The same, where all that is known of the tenant's users was read with him.
    ///
    /// # Errors
    /// He was changed meanwhile (412), or the store does not answer.
    pub fn write_known(
        &self,
        call: &Call,
        user: &User,
        known: Option<&Tenant>,
    ) -> Result<String, Problem> {
        form::check(user)
            .map_err(|(member, help)| Problem::invalid(format!("{member}: {help}.")))?;
        let closes = user.state != State::Active;
        let mut read = None;
        let known = match known {
            Some(known) => known,
            None => read.insert(self.known(&call.scope)?),
        };
        let mut edits = standing::put(known, &self.subject, user, call.now())?;
        if !closes && edits.len() == 1 && is_half_back(known, &self.subject) {
            let revoked = Revocation { before: Some(call.now()), by: Some(RevokedBy::Directory) };
            let key = key::revoked_subject(call.scope.tenant(), &self.subject);
            edits.insert(0, Edit::write(key, Was::Unknown, &revoked)?);
        }
        let value =
            edits.iter().find(|edit| edit.key == self.key).and_then(|edit| edit.value.clone());
        match make(&call.scope, &self.key, &edits)? {
            Made::Conflict => return Err(Problem::changed()),
            Made::Done => {}
        }
        if value != self.was {
            let changed = changed(self.user.as_ref(), user);
            call.changed(
                action(self.user.as_ref(), user),
                &format!("user/{}", self.id()),
                &changed,
            );
        }
        // He is out already, whatever becomes of this.
        if closes && read.is_some() {
            self.end_sessions(&call.scope)?;
        }
        Ok(etag::of(&self.key, value.as_deref()))
    }

    /// Lets nothing remain of him but that he left. Of one who was deleted it makes whole what was cut off.
    ///
    /// # Errors
    /// He was changed meanwhile (412), or the store does not answer.
    pub fn remove(&self, call: &Call) -> Result<(), Problem> {
        if self.user.is_none() {
            if self.was.is_some() {
                let revoked = key::revoked_subject(call.scope.tenant(), &self.subject);
                shut_out(&call.scope, &revoked)?;
                self.end_sessions(&call.scope)?;
            }
            return Ok(());
        }
        let left = User {
            state: State::Left,
            roles: Vec::new(),
            groups: Vec::new(),
            since: Some(call.now()),
            subject: Some(self.subject.clone()),
            email: None,
            name: None,
            scim: None,
        };
        self.write(call, &left).map(drop)
    }

    /// Ends his sessions, which only a look at all keys finds.
    fn end_sessions(&self, scope: &Scope) -> Result<(), Problem> {
        let (sessions, _) = Sessions::read(scope.tenant(), scope.all("session")?, Vec::new());
        Ok(scope.make(&sessions.end(sessions.of(&self.subject)))?)
    }

    /// What is known of him alone, without his sessions.
    fn known(&self, scope: &Scope) -> Result<Tenant, Problem> {
        let revoked = key::revoked_subject(scope.tenant(), &self.subject);
        let entry = |key: &str, value: &Option<Vec<u8>>| {
            value.iter().map(|value| (key.to_owned(), value.clone())).collect()
        };
        let read = Read {
            users: entry(&self.key, &self.was),
            revoked: entry(&revoked, &scope.get(&revoked)?),
            ..Read::default()
        };
        Tenant::read(scope.tenant(), read).map_err(|all| unreadable(&all))
    }
}

/// A user's record, and who is there.
fn read(scope: &Scope, key: &str, value: &[u8]) -> Result<(String, Option<User>), Problem> {
    let (subject, user) = roster::user(scope.tenant(), key, value)
        .map_err(|why| Problem::unavailable(format!("{key} {why}")))?;
    Ok((subject, Some(user).filter(|user| !is_removed(user))))
}

/// All users of the tenant.
///
/// # Errors
/// A record can't be read.
pub fn all(scope: &Scope) -> Result<Roster, Problem> {
    Roster::read(scope.tenant(), scope.all("user")?).map_err(|all| unreadable(&all))
}

/// All that is known of the tenant's users.
///
/// # Errors
/// A record can't be read.
pub fn tenant(scope: &Scope) -> Result<Tenant, Problem> {
    let prefixes = sekisho_directory::tenant::prefixes(scope.tenant());
    let [users, sessions, seen, revoked] =
        scope.all_below(prefixes.each_ref().map(String::as_str))?;
    Tenant::read(scope.tenant(), Read { users, sessions, seen, revoked })
        .map_err(|all| unreadable(&all))
}

/// That nobody else has this address: mail for one would reach the other.
///
/// # Errors
/// Somebody has (409), or the records can't be read.
pub fn has_own_address(
    scope: &Scope,
    before: Option<&User>,
    user: &User,
    subject: &str,
) -> Result<(), Problem> {
    let Some(email) = &user.email else { return Ok(()) };
    if before.and_then(|before| before.email.as_ref()) == Some(email) {
        return Ok(());
    }
    let email = email.to_lowercase();
    let is_taken = all(scope)?.iter().any(|(other, entry)| {
        let own = entry.user.email.as_ref().map(|own| own.to_lowercase());
        other != subject && entry.user.state != State::Left && own.as_ref() == Some(&email)
    });
    if !is_taken {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::CONFLICT,
        "email-taken",
        "The address is another user's",
        "Give each user an address of his own, or let the other one leave first.",
    ))
}

fn unreadable(all: &[sekisho_directory::edit::Unreadable]) -> Problem {
    let first = all.first().map(ToString::to_string).unwrap_or_default();
    Problem::unavailable(format!("{} records can't be read: {first}", all.len()))
}

/// A return that was cut off: the record says that he may come, and the directory's word on his tokens still that he may
/// not.
fn is_half_back(known: &Tenant, subject: &str) -> bool {
    let said = known.revocation(subject).and_then(|value| decode::<Revocation>(value).ok());
    said.is_some_and(|said| said.before.is_none() && said.by == Some(RevokedBy::Directory))
}

/// Makes the changes of the user of this record, in the order that the module's table has.
///
/// # Errors
/// The store does not answer; what was made until then lets nobody in.
pub fn make(scope: &Scope, record: &str, edits: &[Edit]) -> Result<Made, Unavailable> {
    match edits {
        [revocation, last] if last.key == record => let_in(scope, revocation, last),
        [first, rest @ ..] => {
            if scope.guarded(first)? == Made::Conflict {
                return Ok(Made::Conflict);
            }
            let (revocations, sessions): (Vec<&Edit>, Vec<&Edit>) =
                rest.iter().partition(|edit| edit.value.is_some());
            revocations.iter().try_for_each(|edit| shut_out(scope, &edit.key))?;
            let sessions: Vec<Edit> = sessions.into_iter().cloned().collect();
            scope.make(&sessions).map(|()| Made::Done)
        }
        [] => Ok(Made::Done),
    }
}

/// Takes back all tokens by the directory's word, unless an operator has done so for good.
fn shut_out(scope: &Scope, key: &str) -> Result<(), Unavailable> {
    let all = Revocation { before: None, by: Some(RevokedBy::Directory) };
    let all = encode(&all).ok_or_else(|| Unavailable("a revocation is too large".to_owned()))?;
    for _ in 0..TRIES {
        let now = scope.get(key)?;
        if now.as_deref().is_some_and(is_for_good) {
            return Ok(());
        }
        if scope.swap(key, now.as_deref(), &all)? == Made::Done {
            return Ok(());
        }
    }
    Err(Unavailable(format!("{key} was changed {TRIES} times meanwhile")))
}

fn is_for_good(value: &[u8]) -> bool {
    decode::<Revocation>(value)
        .map_or(true, |said| said.before.is_none() && said.by != Some(RevokedBy::Directory))
}

fn let_in(scope: &Scope, revocation: &Edit, record: &Edit) -> Result<Made, Unavailable> {
    let before = revocation.value.as_deref().unwrap_or_default();
    let mut revoked = scope.get(&revocation.key)?;
    if revoked.is_none() {
        match scope.swap(&revocation.key, None, before)? {
            Made::Done => revoked = Some(before.to_vec()),
            Made::Conflict => revoked = scope.get(&revocation.key)?,
        }
    }
    if scope.guarded(record)? == Made::Conflict {
        return Ok(Made::Conflict);
    }
    if revoked.as_deref().is_some_and(|value| value == before || is_for_good(value)) {
        return Ok(Made::Done);
    }
    // Who else revoked meanwhile stays the last to speak.
    scope.swap(&revocation.key, revoked.as_deref(), before)?;
    let now = scope.get(&record.key)?;
    let is_active = now
        .is_some_and(|value| decode::<User>(&value).is_ok_and(|user| user.state == State::Active));
    if !is_active {
        shut_out(scope, &revocation.key)?;
    }
    Ok(Made::Done)
}

fn action(before: Option<&User>, after: &User) -> &'static str {
    let before = before.map(|user| user.state);
    match (before, after.state) {
        _ if is_removed(after) => "user-removed",
        (None, _) => "user-created",
        (Some(before), now) if before == now => "user-changed",
        (_, State::Active) => "user-returned",
        (_, State::Suspended) => "user-suspended",
        (_, State::Left) => "user-left",
    }
}

/// The members that differ.
fn changed(before: Option<&User>, after: &User) -> Vec<&'static str> {
    let is = |differs: fn(&User, &User) -> bool, said: bool| {
        before.map_or(said, |before| differs(before, after))
    };
    [
        ("state", is(|a, b| a.state != b.state, true)),
        ("roles", is(|a, b| a.roles != b.roles, !after.roles.is_empty())),
        ("groups", is(|a, b| a.groups != b.groups, !after.groups.is_empty())),
        ("email", is(|a, b| a.email != b.email, after.email.is_some())),
        ("name", is(|a, b| a.name != b.name, after.name.is_some())),
        ("scim", is(|a, b| a.scim != b.scim, after.scim.is_some())),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}
