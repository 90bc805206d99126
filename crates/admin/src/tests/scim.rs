//! SCIM, by the requests that Entra ID's and Okta's documentation prints.

#![expect(clippy::too_many_lines, reason = "tables of requests and their answers")]

use super::{Answer, World};
use crate::scim::{Settings, SubjectBy};
use serde_json::{Value, json};

impl World {
    /// A request of an identity provider's.
    fn provision(&self, method: &str, target: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let kind = [("content-type", "application/scim+json")];
        self.by("acme", method, &format!("/scim/v2{target}"), &kind, &body)
    }
}

fn none() -> Value {
    Value::Null
}

fn patch(operations: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

/// learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups
#[test]
fn as_entra_id_provisions_users() {
    let world = World::new();
    let filter = "/Users?filter=userName%20eq%20%22Test_User_00aa00aa%22";
    let nobody = world.provision("GET", filter, &none());
    assert_eq!((nobody.status, nobody.kind.as_str()), (200, "application/scim+json"));
    assert_eq!(
        (&nobody.json()["totalResults"], &nobody.json()["Resources"]),
        (&0.into(), &json!([]))
    );
    let created = world.provision("POST", "/Users", &json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": "Test_User_00aa00aa",
        "active": true,
        "emails": [{"primary": true, "type": "work", "value": "Test_User_11bb11bb@testuser.com"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
        "roles": [],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "x"}}));
    assert_eq!(created.status, 201, "{created:?}");
    let user = created.json();
    let id = user["id"].as_str().unwrap();
    assert_eq!(user["meta"]["location"], format!("https://acme.example/scim/v2/Users/{id}"));
    assert_eq!(user["name"], json!({"familyName": "familyName", "givenName": "givenName"}));
    assert_eq!(user["emails"][0]["value"], "Test_User_11bb11bb@testuser.com");
    assert_eq!(user["meta"]["created"], "2027-01-15T08:00:00Z");
    let found = world.provision(
        "GET",
        &filter.to_uppercase().replace("/USERS?FILTER", "/Users?filter"),
        &none(),
    );
    assert_eq!(found.json()["Resources"][0]["id"], id, "{found:?}");
    let one = format!("/Users/{id}");
    assert_eq!(world.provision("GET", &one, &none()).json(), user);
    for (operations, member, want) in [
        (
            json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "updated@microsoft.com"},
                   {"op": "Replace", "path": "name.familyName", "value": "updatedFamilyName"}]),
            "/emails/0/value",
            json!("updated@microsoft.com"),
        ),
        (
            json!([{"op": "Add", "path": "displayName", "value": "Anna"}]),
            "/displayName",
            json!("Anna"),
        ),
        (json!([{"op": "Replace", "path": "active", "value": false}]), "/active", json!(false)),
        (json!([{"op": "Replace", "path": "active", "value": "True"}]), "/active", json!(true)),
        (json!([{"op": "Replace", "path": "active", "value": "False"}]), "/active", json!(false)),
        (
            json!([{"op": "Replace", "value": {"active": "True", "name.givenName": "G"}}]),
            "/name/givenName",
            json!("G"),
        ),
        (
            json!([{"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "y"},
                   {"op": "Add", "path": "phoneNumbers[type eq \"work\"].value", "value": "1"},
                   {"op": "Add", "path": "roles[primary eq \"True\"].value", "value": "member"}]),
            "/roles/0/value",
            json!("member"),
        ),
    ] {
        let changed = world.provision("PATCH", &one, &patch(&operations));
        assert_eq!(changed.status, 200, "{operations} {changed:?}");
        assert_eq!(changed.json().pointer(member), Some(&want), "{operations}");
    }
    // Deactivated is suspended: his tokens are taken back.
    world.provision(
        "PATCH",
        &one,
        &patch(&json!([{"op": "Replace", "path": "active", "value": false}])),
    );
    assert!(world.memory.text("t/acme/user/Test_User_00aa00aa").unwrap().contains("suspended"));
    assert_eq!(
        world.memory.text("t/acme/revoked/subject/Test_User_00aa00aa").unwrap(),
        r#"{"v":1,"by":"directory"}"#
    );
    let api = world.ask("GET", "/users/Test_User_00aa00aa", &[], "").json();
    assert_eq!((&api["state"], &api["provisioned"]), (&"suspended".into(), &true.into()));
    assert_eq!(world.provision("DELETE", &one, &none()).status, 204);
    for method in ["GET", "DELETE"] {
        let gone = world.provision(method, &one, &none());
        assert_eq!(gone.status, 404);
        assert_eq!(
            gone.json(),
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": "404", "detail": "There is no user of this name."})
        );
    }
    let actions: Vec<_> = world.written().iter().map(|line| line[0].clone()).collect();
    assert_eq!(
        actions.first().zip(actions.last()),
        Some((&"user-created".into(), &"user-removed".into()))
    );
}

/// The same page, on groups.
#[test]
fn as_entra_id_provisions_groups() {
    let world = World::new();
    let user = |name: &str| {
        let created = world.provision("POST", "/Users", &json!({"userName": name}));
        created.json()["id"].as_str().unwrap().to_owned()
    };
    let [one, two] = ["a@x.example", "b@x.example"].map(user);
    let created = world.provision("POST", "/Groups", &json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group", "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
        "displayName": "displayName",
        "meta": {"resourceType": "Group"}}));
    assert_eq!(created.status, 201, "{created:?}");
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/Groups/{id}");
    let listed = world.provision(
        "GET",
        "/Groups?excludedAttributes=members&filter=displayName%20eq%20%22displayName%22",
        &none(),
    );
    assert_eq!(listed.json()["Resources"][0]["id"], id, "{listed:?}");
    let members = || {
        let group = world.provision("GET", &path, &none()).json();
        let members = group["members"].as_array().cloned().unwrap_or_default();
        members
            .iter()
            .map(|member| member["value"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for (operations, want) in [
        (
            json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": one}]}]),
            vec![&one],
        ),
        (
            json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": two}]}]),
            vec![&one, &two],
        ),
        (json!([{"op": "Add", "path": "members", "value": [{"value": two}]}]), vec![&one, &two]),
        (
            json!([{"op": "Replace", "path": "displayName", "value": "1879db59-3bdf"}]),
            vec![&one, &two],
        ),
        (
            json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": one}]}]),
            vec![&two],
        ),
        (json!([{"op": "Remove", "path": format!("members[value eq \"{two}\"]")}]), vec![]),
    ] {
        let changed = world.provision("PATCH", &path, &patch(&operations));
        assert_eq!(changed.status, 204, "{operations} {changed:?}");
        assert_eq!(members().iter().collect::<Vec<_>>(), want, "{operations}");
    }
    world.provision(
        "PATCH",
        &path,
        &patch(&json!([{"op": "Add", "path": "members", "value": [{"value": one}]}])),
    );
    let own = world.provision("GET", &format!("/Users/{one}"), &none()).json();
    assert_eq!(
        (&own["groups"][0]["value"], &own["groups"][0]["display"]),
        (&id.clone().into(), &"1879db59-3bdf".into())
    );
    let filter = format!("/Groups?filter=id%20eq%20%22{id}%22%20and%20members%20eq%20%22{one}%22");
    assert_eq!(world.provision("GET", &filter, &none()).json()["totalResults"], 1);
    assert!(world.memory.text("t/acme/user/a@x.example").unwrap().contains("1879db59-3bdf"));
    let without = world.provision("GET", &format!("{path}?excludedAttributes=members"), &none());
    assert!(without.json()["members"].is_null());
    assert_eq!(world.provision("DELETE", &path, &none()).status, 204);
    assert_eq!(world.provision("GET", &path, &none()).status, 404);
    assert!(!world.memory.text("t/acme/user/a@x.example").unwrap().contains("1879db59-3bdf"));
}

/// developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20
#[test]
fn as_okta_provisions() {
    let world = World::new();
    let filter =
        "/Users?filter=userName%20eq%20%22test.user%40okta.local%22&startIndex=1&count=100";
    let empty = world.provision("GET", filter, &none()).json();
    assert_eq!(
        empty,
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": []})
    );
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "test.user@okta.local",
        "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"primary": true, "value": "test.user@okta.local", "type": "work"}],
        "displayName": "Test User",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": true});
    let created = world.provision("POST", "/Users", &body);
    assert_eq!(created.status, 201, "{created:?}");
    assert!(!created.text.contains("1mz050nq") && created.json()["displayName"] == "Test User");
    let again = world.provision("POST", "/Users", &body);
    assert_eq!((again.status, &again.json()["scimType"]), (409, &"uniqueness".into()));
    let path = format!("/Users/{}", created.json()["id"].as_str().unwrap());
    body["name"]["familyName"] = json!("Other");
    let put = world.provision("PUT", &path, &body);
    assert_eq!((put.status, &put.json()["name"]["familyName"]), (200, &"Other".into()), "{put:?}");
    assert_eq!(put.json()["id"], created.json()["id"]);
    for active in [false, true, false] {
        let changed = world.provision(
            "PATCH",
            &path,
            &patch(&json!([{"op": "replace", "value": {"active": active}}])),
        );
        assert_eq!((changed.status, &changed.json()["active"]), (200, &active.into()));
    }
    assert_eq!(
        world.provision("GET", "/Groups?startIndex=1&count=100", &none()).json()["totalResults"],
        0
    );
    let group = world.provision("POST", "/Groups", &json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Test SCIMv2", "members": []}));
    assert_eq!(group.status, 201);
    let id = group.json()["id"].as_str().unwrap().to_owned();
    let member = created.json()["id"].as_str().unwrap().to_owned();
    for operations in [
        json!([{"op": "replace", "value": {"id": id, "displayName": "Test SCIMv0"}}]),
        json!([{"op": "remove", "path": "members[value eq \"89bb1940-b905-4575-9e7f-6f887cfb368e\"]"},
               {"op": "add", "path": "members", "value": [{"value": member, "display": "test.user@okta.local"}]}]),
        json!([{"op": "replace", "path": "members", "value": [{"value": member, "display": "test.user@okta.local"}]}]),
    ] {
        let changed = world.provision("PATCH", &format!("/Groups/{id}"), &patch(&operations));
        assert_eq!(changed.status, 204, "{operations} {changed:?}");
    }
    let now = world.provision("GET", &format!("/Groups/{id}"), &none()).json();
    assert_eq!(
        (&now["displayName"], &now["members"][0]["value"]),
        (&"Test SCIMv0".into(), &member.into())
    );
}

#[test]
fn pages_and_attributes() {
    let world = World::new();
    for n in 0..7 {
        world.provision(
            "POST",
            "/Users",
            &json!({"userName": format!("u-{n}"), "active": n % 2 == 0}),
        );
    }
    for (query, total, start, count) in [
        ("", 7, 1, 7),
        ("?startIndex=3&count=2", 7, 3, 2),
        ("?startIndex=7&count=5", 7, 7, 1),
        ("?startIndex=8", 7, 8, 0),
        ("?startIndex=-3&count=0", 7, 1, 0),
        ("?count=-1", 7, 1, 0),
        ("?count=99999", 7, 1, 7),
        ("?filter=active%20eq%20false", 3, 1, 3),
    ] {
        let page = world.provision("GET", &format!("/Users{query}"), &none()).json();
        let got = (&page["totalResults"], &page["startIndex"], &page["itemsPerPage"]);
        assert_eq!(got, (&total.into(), &start.into(), &count.into()), "{query}");
        assert_eq!(page["Resources"].as_array().unwrap().len(), count, "{query}");
    }
    let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "active eq false", "startIndex": 2, "count": 1, "attributes": ["userName"]});
    let page = world.provision("POST", "/Users/.search", &search).json();
    assert_eq!(
        (&page["totalResults"], &page["Resources"][0]["userName"]),
        (&3.into(), &"u-3".into())
    );
    assert!(page["Resources"][0]["meta"].is_null());
    let groups = world.provision("POST", "/Groups/.search", &json!({})).json();
    assert_eq!(groups["totalResults"], 0);
    let named =
        world.provision("GET", "/Users/u-1?attributes=userName,meta.created", &none()).json();
    let members: Vec<&String> = named.as_object().unwrap().keys().collect();
    assert_eq!(members, ["id", "meta", "schemas", "userName"]);
    for query in [
        "?count=x",
        "?startIndex=1.5",
        "?filter=userName%20co%20%22a%22",
        "?filter=",
        "?filter=password%20eq%20%22a%22",
    ] {
        assert_eq!(
            world.provision("GET", &format!("/Users{query}"), &none()).status,
            400,
            "{query}"
        );
    }
}

#[test]
fn what_can_be_no_user_or_group_is_refused() {
    let world = World::new();
    assert_eq!(
        world
            .provision(
                "POST",
                "/Users",
                &json!({"userName": "u-1", "emails": [{"value": "one@x.example"}]})
            )
            .status,
        201
    );
    assert_eq!(world.provision("POST", "/Groups", &json!({"displayName": "G"})).status, 201);
    let operation = |op: Value| patch(&json!([op]));
    for (method, target, body, status, kind) in [
        ("POST", "/Users", json!({}), 400, "invalidValue"),
        ("POST", "/Users", json!({"userName": "a b"}), 400, "invalidValue"),
        ("POST", "/Users", json!({"userName": 1}), 400, "invalidValue"),
        ("POST", "/Users", json!({"userName": "関所"}), 400, "invalidValue"),
        (
            "POST",
            "/Users",
            json!({"userName": format!("~{}", "0".repeat(64))}),
            400,
            "invalidValue",
        ),
        ("POST", "/Users", json!({"userName": "U-1"}), 409, "uniqueness"),
        (
            "POST",
            "/Users",
            json!({"userName": "u-2", "emails": [{"value": "ONE@x.example"}]}),
            409,
            "uniqueness",
        ),
        (
            "POST",
            "/Users",
            json!({"userName": "u-2", "emails": [{"value": "no"}]}),
            400,
            "invalidValue",
        ),
        ("POST", "/Users", json!({"userName": "u-2", "active": "perhaps"}), 400, "invalidValue"),
        (
            "POST",
            "/Users",
            json!({"userName": "u-2", "displayName": "a\u{1b}b"}),
            400,
            "invalidValue",
        ),
        (
            "POST",
            "/Users",
            json!({"userName": "u-2", "roles": [{"value": "admin"}]}),
            400,
            "invalidValue",
        ),
        (
            "POST",
            "/Users",
            json!({"userName": "u-2", "roles": ["provisioner"]}),
            400,
            "invalidValue",
        ),
        ("POST", "/Users", json!({"userName": "u-2", "roles": ["a b"]}), 400, "invalidValue"),
        ("POST", "/Users", json!(["u-2"]), 400, "invalidSyntax"),
        ("PUT", "/Users/u-1", json!({"userName": "u-9"}), 400, "mutability"),
        ("PUT", "/Users/u-9", json!({"userName": "u-9"}), 404, ""),
        ("PATCH", "/Users/u-1", json!({}), 400, "invalidSyntax"),
        (
            "PATCH",
            "/Users/u-1",
            operation(json!({"op": "move", "path": "active", "value": true})),
            400,
            "invalidSyntax",
        ),
        ("PATCH", "/Users/u-1", operation(json!({"op": "remove"})), 400, "noTarget"),
        (
            "PATCH",
            "/Users/u-1",
            operation(json!({"op": "add", "path": "shoeSize", "value": 1})),
            400,
            "invalidPath",
        ),
        (
            "PATCH",
            "/Users/u-1",
            operation(json!({"op": "add", "path": "emails[type", "value": 1})),
            400,
            "invalidPath",
        ),
        (
            "PATCH",
            "/Users/u-1",
            operation(json!({"op": "replace", "path": "active"})),
            400,
            "invalidValue",
        ),
        (
            "PATCH",
            "/Users/u-1",
            operation(json!({"op": "replace", "value": true})),
            400,
            "invalidValue",
        ),
        (
            "PATCH",
            "/Users/u-1",
            operation(json!({"op": "remove", "path": "userName"})),
            400,
            "mutability",
        ),
        (
            "PATCH",
            "/Users/u-1",
            operation(json!({"op": "add", "path": "groups", "value": []})),
            400,
            "mutability",
        ),
        (
            "PATCH",
            "/Users/u-1",
            operation(json!({"op": "add", "path": "roles", "value": [{"value": "admin"}]})),
            400,
            "invalidValue",
        ),
        ("POST", "/Groups", json!({}), 400, "invalidValue"),
        ("POST", "/Groups", json!({"displayName": "g"}), 409, "uniqueness"),
        (
            "POST",
            "/Groups",
            json!({"displayName": "H", "members": [{"value": "nobody"}]}),
            400,
            "invalidValue",
        ),
        ("GET", "/Groups/none", none(), 404, ""),
        ("POST", "/Bulk", json!({}), 404, ""),
        ("PATCH", "/Users", json!({}), 405, ""),
    ] {
        let answer = world.provision(method, target, &body);
        let error = answer.json();
        assert_eq!(
            (answer.status, error["scimType"].as_str().unwrap_or_default()),
            (status, kind),
            "{method} {target} {body} {answer:?}"
        );
        assert_eq!(
            (answer.kind.as_str(), &error["status"]),
            ("application/scim+json", &status.to_string().into())
        );
    }
    let many: Vec<Value> =
        (0..1_001).map(|_| json!({"op": "replace", "path": "active", "value": true})).collect();
    assert_eq!(
        world.provision("PATCH", "/Users/u-1", &patch(&many.into())).json()["scimType"],
        "tooMany"
    );
    assert!(world.memory.text("t/acme/user/u-2").is_none());
}

/// Roles that give power over others are nothing that an identity provider gives or takes.
#[test]
fn an_administrator_stays_one_whatever_is_provisioned() {
    let mut world = World::new();
    world.scim = Settings::parse("userName", "member,manager", "member").unwrap();
    world.ask("PUT", "/users/u-1", &[], r#"{"roles":["admin","manager"]}"#);
    let user = world.provision("GET", "/Users/u-1", &none()).json();
    assert_eq!(user["roles"], json!([{"value": "manager"}]));
    let put = world.provision(
        "PUT",
        "/Users/u-1",
        &json!({"userName": "u-1", "roles": [{"value": "member"}]}),
    );
    assert_eq!(put.status, 200, "{put:?}");
    assert_eq!(world.ask("GET", "/users/u-1", &[], "").json()["roles"], json!(["admin", "member"]));
    // Who is given none has the default.
    world.provision("POST", "/Users", &json!({"userName": "u-2", "roles": []}));
    assert_eq!(world.ask("GET", "/users/u-2", &[], "").json()["roles"], json!(["member"]));
    assert!(Settings::parse("userName", "member,admin", "member").is_err());
    assert!(Settings::parse("userName", "member", "member,manager").is_err());
    assert!(Settings::parse("mail", "member", "").is_err());
}

/// Of roles that the operator has not named, the provider sees none, gives none and takes none.
#[test]
fn only_the_named_roles_are_provisioned() {
    let world = World::new();
    world.ask("PUT", "/users/u-1", &[], r#"{"roles":["auditor"]}"#);
    let put = |role: &str| {
        let body = json!({"userName": "u-1", "roles": [{"value": role}]});
        world.provision("PUT", "/Users/u-1", &body)
    };
    let refused = put("auditor");
    assert_eq!((refused.status, &refused.json()["scimType"]), (400, &"invalidValue".into()));
    let given = put("member");
    assert_eq!((given.status, &given.json()["roles"]), (200, &json!([{"value": "member"}])));
    let roles = || world.ask("GET", "/users/u-1", &[], "").json()["roles"].clone();
    assert_eq!(roles(), json!(["auditor", "member"]));
    let by_name = json!([{"op": "remove", "path": "roles[display eq \"member\"]"}]);
    let unclear = world.provision("PATCH", "/Users/u-1", &patch(&by_name));
    assert_eq!((unclear.status, &unclear.json()["scimType"]), (400, &"invalidPath".into()));
    assert_eq!(roles(), json!(["auditor", "member"]));
    let by_value = json!([{"op": "remove", "path": "roles[value eq \"member\"]"}]);
    assert_eq!(world.provision("PATCH", "/Users/u-1", &patch(&by_value)).status, 200);
    assert_eq!(roles(), json!(["auditor"]));
}

/// A provider lets only him in again whom it has suspended itself.
#[test]
fn whom_an_administrator_shut_out_stays_out() {
    let shut_out: [(&str, &str, &str); 4] = [
        ("POST", "/users/u-1/suspend", ""),
        ("POST", "/users/u-1/leave", ""),
        ("PUT", "/users/u-1", r#"{"state":"suspended","roles":["admin"]}"#),
        ("POST", "/import/users", "user_id,state\nu-1,left\n"),
    ];
    let reopened = |world: &World| {
        let active = json!([{"op": "replace", "path": "active", "value": true}]);
        let patched = world.provision("PATCH", "/Users/u-1", &patch(&active));
        let put = world.provision("PUT", "/Users/u-1", &json!({"userName": "u-1", "active": true}));
        assert_eq!((patched.status, put.status), (200, 200), "{patched:?} {put:?}");
        assert_eq!(patched.json()["active"], put.json()["active"]);
        put.json()["active"] == true
    };
    let close = json!([{"op": "replace", "path": "active", "value": false}]);
    for by_scim_before in [false, true] {
        for (method, path, body) in shut_out {
            let world = World::new();
            world.ask("PUT", "/users/u-1", &[], r#"{"roles":["admin"]}"#);
            if by_scim_before {
                world.provision("PATCH", "/Users/u-1", &patch(&close));
            }
            let kind = if path.starts_with("/import") { "text/csv" } else { "application/json" };
            let done = world.by(
                "acme",
                method,
                &format!("/api/admin/v1{path}"),
                &[("content-type", kind), ("if-match", "*")],
                body,
            );
            assert_eq!(done.status, 200, "{done:?}");
            assert!(!reopened(&world), "{path} {by_scim_before}");
            world.provision("PATCH", "/Users/u-1", &patch(&close));
            assert!(!reopened(&world), "nor by closing him once more: {path}");
            let record = world.memory.text("t/acme/user/u-1").unwrap();
            assert!(!record.contains("active"), "{record}");
            assert_eq!(
                world.memory.text("t/acme/revoked/subject/u-1").unwrap(),
                r#"{"v":1,"by":"directory"}"#
            );
            // Back by the administrator, he is the provider's to suspend and to let in again.
            assert_eq!(world.ask("POST", "/users/u-1/return", &[], "").status, 200);
            world.provision("PATCH", "/Users/u-1", &patch(&close));
            assert!(reopened(&world));
        }
    }
}

#[test]
fn a_request_names_so_many_and_no_more() {
    let world = World::new();
    world.provision("POST", "/Users", &json!({"userName": "u-1"}));
    let members: Vec<Value> = (0..10_001).map(|_| json!({"value": "u-1"})).collect();
    let group = |members: &[Value]| {
        world.provision("POST", "/Groups", &json!({"displayName": "G", "members": members}))
    };
    assert_eq!(group(&members).json()["scimType"], "tooMany");
    let made = group(&members[..10_000]);
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.json()["members"].as_array().unwrap().len(), 1);
    let add = |from: usize| {
        let roles: Vec<Value> = (from..from + 200).map(|n| json!(format!("r{n}"))).collect();
        json!({"op": "add", "path": "roles", "value": roles})
    };
    let many = world.provision("PATCH", "/Users/u-1", &patch(&json!([add(0), add(200)])));
    assert_eq!(many.json()["scimType"], "tooMany");
}

#[test]
fn the_subject_may_be_the_external_identifier() {
    let mut world = World::new();
    world.scim = Settings { subject: SubjectBy::ExternalId, ..Settings::default() };
    let body = json!({"userName": "hanako@x.example", "externalId": "oid-1"});
    let created = world.provision("POST", "/Users", &body);
    assert_eq!((created.status, &created.json()["id"]), (201, &"oid-1".into()));
    assert!(world.memory.text("t/acme/user/oid-1").is_some());
    // She marries: her name changes, her subject does not.
    let renamed = world.provision(
        "PATCH",
        "/Users/oid-1",
        &patch(&json!([{"op": "Replace", "path": "userName", "value": "h.sato@x.example"}])),
    );
    assert_eq!((renamed.status, &renamed.json()["userName"]), (200, &"h.sato@x.example".into()));
    let put = world.provision(
        "PUT",
        "/Users/oid-1",
        &json!({"userName": "h.sato@x.example", "externalId": "oid-2"}),
    );
    assert_eq!(put.json()["scimType"], "mutability");
    assert_eq!(world.provision("POST", "/Users", &json!({"userName": "x"})).status, 400);
}

#[test]
fn what_this_provider_can_do() {
    let world = World::new();
    let config = world.provision("GET", "/ServiceProviderConfig", &none()).json();
    assert_eq!(
        (&config["patch"]["supported"], &config["bulk"]["supported"]),
        (&true.into(), &false.into())
    );
    for (path, names) in [("/ResourceTypes", ["User", "Group"]), ("/Schemas", ["User", "Group"])] {
        let list = world.provision("GET", path, &none()).json();
        for (resource, name) in list["Resources"].as_array().unwrap().iter().zip(names) {
            assert_eq!(resource["name"], name);
            let one = world.provision(
                "GET",
                &format!("{path}/{}", resource["id"].as_str().unwrap()),
                &none(),
            );
            assert_eq!(&one.json(), resource);
        }
    }
    assert_eq!(world.provision("GET", "/Schemas/none", &none()).status, 404);
}
