//! Clauses of the state: who the user is to this tenant, and what he may see of it.

use super::oracle::{Held, User, hold};
use crate::arbitrary::policy::{Per, Route, Tenant, World};
use crate::arbitrary::state::{self, Label};

/// The user with the rights that the tenant's directory gives him.
pub(super) fn known(world: &World, tenant: &Tenant, user: User) -> Held<User> {
    let revoked = world.revocation && tenant.state.revoked.contains(&user.subject);
    hold(!revoked, "the token was revoked")?;
    match (tenant.directory, tenant.state.users.get(&user.subject)) {
        ("off", _) | ("optional", None) => Ok(user),
        (_, Some(state::User::Active { roles, groups })) => {
            let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
            Ok(User { roles: names(roles), groups: names(groups), ..user })
        }
        _ => Err("the user is none of the tenant's".into()),
    }
}

/// The route's own rules for a user, which a dry run waives.
pub(super) fn may(
    world: &World,
    tenant: &Tenant,
    route: &Route,
    path: &str,
    user: &User,
) -> Held<()> {
    let has = |role: &&str| user.roles.iter().any(|held| held == role);
    hold(route.roles.is_empty() || route.roles.iter().any(has), "the user has none of the roles")?;
    hold(route.all_roles.iter().all(has), "the user has not all of the roles")?;
    if let Some(parameter) = route.assistant {
        let place = route.pattern.split('/').position(|segment| segment == parameter).unwrap();
        let label = tenant.state.labels.get(path.split('/').nth(place).unwrap());
        let visible = match label.ok_or("the tenant has no such assistant")? {
            Label::Organization => true,
            Label::Restricted { users, groups } => {
                users.contains(&user.subject)
                    || groups.iter().any(|group| user.groups.iter().any(|held| held == group))
            }
            Label::Personal { owner } => *owner == user.subject,
        };
        hold(visible, "the assistant is not shown to the user")?;
    }
    let empty = tenant.state.exhausted
        && match world.limit {
            None => false,
            Some(Per::Tenant) => true,
            Some(Per::Subject) => tenant.state.users.contains_key(&user.subject),
        };
    hold(!empty, "the bucket is empty")
}
