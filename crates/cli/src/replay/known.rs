//! What a record tells of the state that another policy asks for. What it does not tell is never
//! guessed: the verdict is undetermined then.

use super::judge::Verdict;
use super::record::Record;
use sekisho_core::Reason;
use sekisho_core::records::key::kind;

/// The rules that judge a user, in the order of the road.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    /// Those before a user is known.
    Before,
    Directory,
    Revocation,
    Session,
    Networks,
    Roles,
    Label,
    Limit,
    /// All of them have held.
    End,
}

impl Rule {
    /// The rule that refuses for this reason.
    const fn of(reason: Reason) -> Self {
        match reason {
            Reason::SessionRevoked => Self::Revocation,
            Reason::SessionEnded | Reason::SessionExpired => Self::Session,
            Reason::UserUnknown | Reason::UserSuspended | Reason::UserLeft => Self::Directory,
            Reason::RoleMissing => Self::Roles,
            Reason::AssistantNotFound => Self::Label,
            Reason::RateLimited => Self::Limit,
            // A permitted request that failed afterwards, and a body that grew on its way: one that
            // declared its length was refused before its user was known, and has no verdict here.
            Reason::RegionNotAllowed
            | Reason::BodyTooLarge
            | Reason::OwnKeysUnavailable
            | Reason::ClientGone
            | Reason::HostUnable
            | Reason::OriginsUnavailable
            | Reason::OriginUnreachable
            | Reason::OriginFailed
            | Reason::OriginTenantMismatch
            | Reason::OriginRedirectRefused
            | Reason::OriginTimeout => Self::End,
            _ => Self::Before,
        }
    }
}

/// Whether the record tells all that the new verdict rests on.
pub(super) fn is_told(
    record: &Record,
    asked_before: &[String],
    asked: &[String],
    new: Verdict,
) -> bool {
    let needed = match new {
        Verdict::Permit => Rule::End,
        // In dry run, revocation and directory refuse as ever.
        Verdict::DryRun(kept_back) => Rule::of(kept_back).max(Rule::Session),
        Verdict::Deny(refusal) => Rule::of(refusal),
        Verdict::Undetermined => return true,
    };
    let by_roles = matches!(new, Verdict::Permit | Verdict::DryRun(_)) || needed == Rule::Roles;
    (!by_roles || was_asked(asked_before, asked)) && was_judged(record, asked, needed)
}

/// Nobody tells what nobody had asked: who is in a directory, or whom a label hides. Nor which roles a
/// token had, where the directory's took their place. A bucket is full where nobody has counted.
fn was_asked(before: &[String], now: &[String]) -> bool {
    now.iter().all(|key| kind(key) == "rate" || before.contains(key))
        && before.iter().all(|key| kind(key) != "user" || now.contains(key))
}

/// What lies behind a refusal, nobody has looked at.
fn was_judged(record: &Record, asked: &[String], needed: Rule) -> bool {
    let rule = |code: &Option<String>| code.as_deref().and_then(Reason::from_code).map(Rule::of);
    let seen = match (rule(&record.reason), rule(&record.would_deny)) {
        (Some(refusal), _) => refusal,
        (None, Some(kept_back)) => kept_back.max(Rule::Session),
        (None, None) => Rule::End,
    };
    asked.iter().all(|key| {
        let rule = match kind(key) {
            "revoked" => Rule::Revocation,
            "session" | "seen" => Rule::Session,
            "networks" => Rule::Networks,
            "user" => Rule::Directory,
            "assistant" => Rule::Label,
            _ => Rule::Before,
        };
        rule > needed || rule <= seen
    })
}
