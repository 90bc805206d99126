//! Routes: which of them takes a request, where it goes, and as what.

use super::policy::{edited, faults, pointed};
use super::support::{Ask, GATEWAY, ask, files, policy_with};
use proptest::prelude::*;
use sekisho_core::policy::{Files, Route, load};
use sekisho_core::request::target::Target;
use sekisho_core::{Policy, Reason, Verdict};
use serde_json::json;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The sound policy with more routes, all to every region and with GET.
fn with_routes(routes: &[(&str, &str)]) -> Result<Policy, Vec<String>> {
    let mut gateway = GATEWAY.to_owned();
    for (n, (path, keys)) in routes.iter().enumerate() {
        write!(
            gateway,
            "\n[[routes]]\nid = \"r{n}\"\npath = \"{path}\"\nmethods = [\"GET\"]\n\
             origins = [\"assistant-jp\", \"assistant-eu\"]\n{keys}\n"
        )
        .unwrap();
    }
    let mut files = files();
    files.insert("gateway.toml".into(), gateway.into());
    load(&files).map_err(|faults| faults.into_iter().map(|fault| fault.code.to_owned()).collect())
}

fn get(target: &str) -> Ask {
    ask().with(|a| a.get(target))
}

/// Origin, path and query of a permitted request.
fn forwarded(ask: &Ask, policy: &Policy) -> Result<String, Reason> {
    match ask.judge(policy).verdict {
        Verdict::Permit(permit) => Ok(permit.url()),
        Verdict::Answer(own) => panic!("{own:?}"),
        Verdict::Deny(denial) => Err(denial.reason()),
    }
}

#[test]
fn a_route_answers_the_methods_that_it_lists() {
    let policy = with_routes(&[("/head", ""), ("/both", "")]).unwrap();
    for (target, method, allowed) in [
        ("/head", "GET", None),
        ("/head", "HEAD", Some("GET")),
        ("/head", "OPTIONS", Some("GET")),
        ("/api/me", "HEAD", Some("GET, PUT")),
        ("/healthz", "HEAD", None),
        ("/healthz", "POST", Some("GET, HEAD")),
    ] {
        let ask = get(target).with(|a| a.method = method.into());
        let got = match ask.judge(&policy).verdict {
            Verdict::Permit(_) => None,
            Verdict::Answer(own) => panic!("{own:?}"),
            Verdict::Deny(denial) => {
                assert_eq!(denial.reason(), Reason::MethodNotAllowed, "{method} {target}");
                denial.header().map(|(_, value)| value.to_owned())
            }
        };
        assert_eq!(got.as_deref(), allowed, "{method} {target}");
    }
}

#[test]
fn a_method_listed_twice_is_allowed_once() {
    let policy =
        policy_with("methods = [\"GET\", \"PUT\"]", "methods = [\"PUT\", \"GET\", \"PUT\"]");
    let Verdict::Deny(denial) =
        get("/api/me").with(|a| a.method = "POST".into()).judge(&policy).verdict
    else {
        panic!("permitted")
    };
    assert_eq!(denial.header(), Some(("allow", "GET, PUT")));
}

#[test]
fn roles_any_and_all() {
    let any = "roles = [\"a\", \"b\"]";
    let all = "all_roles = [\"c\", \"d\"]";
    let both = format!("{any}\n{all}");
    for (name, keys, held, permitted) in [
        ("none asked for", "", &[][..], true),
        ("any: one", any, &["b"], true),
        ("any: another", any, &["c"], false),
        ("any: nobody", any, &[], false),
        ("all: all", all, &["d", "x", "c"], true),
        ("all: one", all, &["c"], false),
        ("all: nobody", all, &[], false),
        ("both: both", &both, &["a", "c", "d"], true),
        ("both: only any", &both, &["a", "b"], false),
        ("both: only all", &both, &["c", "d"], false),
    ] {
        let policy = with_routes(&[("/x", keys)]).unwrap();
        let ask = get("/x").with(|a| a.claims["roles"] = json!(held));
        let want = (!permitted).then_some(Reason::RoleMissing);
        assert_eq!(ask.reason(&policy), want, "{name}");
    }
}

#[test]
fn the_preferred_region_decides() {
    let both = "[\"assistant-eu\", \"assistant-jp\"]";
    let (jp, eu) = ("https://assistant.jp.example", "https://assistant.eu.example:8443");
    for (name, regions, origins, want) in [
        ("the tenant's order", "[\"jp\", \"eu\"]", both, Ok(jp)),
        ("the other way round", "[\"eu\", \"jp\"]", both, Ok(eu)),
        ("one region", "[\"jp\"]", both, Ok(jp)),
        ("the first has no origin", "[\"us\", \"eu\", \"jp\"]", both, Ok(eu)),
        ("the first has none of the route", "[\"eu\", \"jp\"]", "[\"assistant-jp\"]", Ok(jp)),
        ("no region has", "[\"us\"]", both, Err("region-without-origin")),
    ] {
        let mut files = edited(
            "gateway.toml",
            &format!("methods = [\"POST\"]\norigins = {both}"),
            &format!("methods = [\"POST\"]\norigins = {origins}"),
        );
        let tenant =
            edited("tenants/globex.toml", "regions = [\"jp\"]", &format!("regions = {regions}"));
        files.insert("tenants/globex.toml".into(), tenant["tenants/globex.toml"].clone());
        // Another tenant of another region would need the route too.
        files.remove("tenants/initech.toml");
        let got = match load(&files) {
            Ok(policy) => Ok(forwarded(&ask(), &policy).unwrap()),
            Err(faults) => Err(faults[0].code),
        };
        let want = want.map(|origin| format!("{origin}/api/assistants/a1/chat?x=1"));
        assert_eq!(got, want, "{name}");
    }
}

#[test]
fn a_rewritten_prefix() {
    let rewrite =
        |from: &str, to: &str| format!("rewrite = {{ from = \"{from}\", to = \"{to}\" }}");
    for (name, path, from, to, target, want) in [
        ("a prefix", "/x/{*rest}", "/x", "/v1", "/x/a/b?q=/x/", "/v1/a/b?q=/x/"),
        ("two segments", "/x/y/{*rest}", "/x/y", "/v1", "/x/y/a", "/v1/a"),
        ("one of two", "/x/y/{*rest}", "/x", "/v1", "/x/y/a", "/v1/y/a"),
        ("the whole path", "/x/y", "/x/y", "/v1/me", "/x/y?a", "/v1/me?a"),
        ("a parameter follows", "/x/{a}", "/x", "/v1", "/x/x", "/v1/x"),
        ("away", "/x/{*rest}", "/x", "/", "/x/a", "/a"),
        ("away, and nothing is left", "/x", "/x", "/", "/x?q", "/?q"),
        ("before everything", "/x/{a}", "/", "/v1", "/x/a", "/v1/x/a"),
        (
            "encoded bytes stay",
            "/x/{a}",
            "/x",
            "/v1",
            "/x/a%20%3B%E9%96%A2",
            "/v1/a%20%3B%E9%96%A2",
        ),
    ] {
        let policy = with_routes(&[(path, &rewrite(from, to))]).unwrap();
        let got = forwarded(&get(target), &policy);
        assert_eq!(got, Ok(format!("https://assistant.jp.example{want}")), "{name}");
        let facts = get(target).judge(&policy).facts;
        assert_eq!(facts.path.as_deref(), target.split('?').next(), "{name}: the judged path");
    }
    let policy = with_routes(&[("/x/{*rest}", &rewrite("/x", "/longer"))]).unwrap();
    for (length, want) in [(8 * 1024 - 5, None), (8 * 1024 - 4, Some(Reason::TargetNotCanonical))] {
        let ask = get(&format!("/x/{}", "a".repeat(length - 3)));
        assert_eq!(ask.reason(&policy), want, "{length} bytes");
    }
}

#[test]
fn rewrites_that_are_refused() {
    for (from, to, at) in [
        ("/v1", "/v2", "/v1"),
        ("", "/v2", ""),
        ("api", "/v2", "api"),
        ("/ap", "/v2", "/ap"),
        ("/api/", "/v2", "/api/"),
        ("/api/files/{*rest}", "/v2", "/api/files/{*rest}"),
        ("/api/files/x", "/v2", "/api/files/x"),
        ("/api?", "/v2", "/api?"),
        ("/api", "", ""),
        ("/api", "v2", "v2"),
        ("/api", "/v2/", "/v2/"),
        ("/api", "/v2/../admin", "/v2/../admin"),
        ("/api", "/v2?a=", "/v2?a="),
        ("/api", "/%2e", "/%2e"),
        ("/api", "//evil.example", "//evil.example"),
        ("/api", "https://evil.example", "https://evil.example"),
        ("/api", "/v2#", "/v2#"),
        ("/api", "/v2 ", "/v2 "),
    ] {
        let key = format!("{{*rest}}\"\nrewrite = {{ from = \"{from}\", to = \"{to}\" }}");
        let files = edited("gateway.toml", "{*rest}\"", &key);
        let faults = faults(&files);
        let [fault] = faults.as_slice() else { panic!("{from} to {to}: {faults:#?}") };
        assert_eq!(fault.code, "rewrite-invalid", "{from} to {to}");
        assert_eq!(pointed(&files, fault), Some(format!("\"{at}\"").as_str()), "{from} to {to}");
    }
}

/// How a path segment fits a pattern's: exactly, as a parameter, or as the start of a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Literal,
    Parameter,
    Rest,
}

/// The rule of route.rs, word for word: how a pattern matches a path, segment by segment.
fn fits(pattern: &str, path: &str) -> Option<Vec<Fit>> {
    let mut fits = Vec::new();
    let mut path = path.split('/');
    for segment in pattern.split('/') {
        if segment.starts_with("{*") {
            let rest: Vec<_> = path.collect();
            return (rest.concat().len() + rest.len() > 1).then(|| {
                fits.push(Fit::Rest);
                fits
            });
        }
        let there = path.next()?;
        match segment.starts_with('{') {
            true if there.is_empty() => return None,
            true => fits.push(Fit::Parameter),
            false if segment != there => return None,
            false => fits.push(Fit::Literal),
        }
    }
    path.next().is_none().then_some(fits)
}

fn pattern() -> impl Strategy<Value = String> {
    let segment =
        prop_oneof![3 => Just("/a"), 3 => Just("/b"), 1 => Just("/ab"), 3 => Just("/{p}")];
    let end = prop_oneof![4 => Just(""), 1 => Just("/"), 2 => Just("/{*r}")];
    (prop::collection::vec(segment, 0..4), end).prop_filter_map("no path", |(segments, end)| {
        let mut names = 0;
        let pattern: String = segments
            .into_iter()
            .map(|segment| {
                names += usize::from(segment == "/{p}");
                if segment == "/{p}" { format!("/{{p{names}}}") } else { segment.to_owned() }
            })
            .chain([end.to_owned()])
            .collect();
        (!pattern.is_empty()).then_some(pattern)
    })
}

fn path() -> impl Strategy<Value = String> {
    let segment = prop_oneof![3 => Just("/a"), 3 => Just("/b"), 1 => Just("/ab"), 1 => Just("/c")];
    (prop::collection::vec(segment, 0..5), any::<bool>()).prop_map(|(segments, slash)| {
        let path = segments.concat();
        if slash || path.is_empty() { format!("{path}/") } else { path }
    })
}

/// What an origin's prefix may be, and often just not.
fn to() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("/"),
        Just(".."),
        Just("%2E"),
        Just("%2F"),
        Just("%20"),
        Just(";"),
        Just("?"),
        Just("#"),
        Just(":"),
        Just("a"),
    ];
    prop_oneof![
        Just("/".to_owned()),
        "(/[a-z~._-]{1,4}){1,3}",
        prop::collection::vec(piece, 0..6).prop_map(|pieces| format!("/{}", pieces.concat())),
    ]
}

/// No path tells the two apart, or one has a parameter where the other has the rest.
fn clash(one: &str, two: &str) -> bool {
    let kind = |segment: &str| match segment.get(..2) {
        Some("{*") => "{*}".to_owned(),
        Some("{p") => "{}".to_owned(),
        _ => segment.to_owned(),
    };
    let [one, two] = [one, two].map(|pattern| pattern.split('/').map(kind).collect::<Vec<_>>());
    match one.iter().zip(&two).find(|(one, two)| one != two) {
        None => one.len() == two.len(),
        Some((one, two)) => {
            [[one, two], [two, one]].contains(&[&"{}".to_owned(), &"{*}".to_owned()])
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// The router against the rule: no path gets to a wider route than the most specific one, where a
    /// laxer rule may stand.
    #[test]
    fn the_most_specific_pattern_wins(
        patterns in prop::collection::vec(pattern(), 1..5),
        paths in prop::collection::vec(path(), 1..8),
    ) {
        let routes: Vec<(&str, &str)> = patterns.iter().map(|path| (path.as_str(), "")).collect();
        let clashes = patterns
            .iter()
            .enumerate()
            .any(|(n, one)| patterns[..n].iter().any(|two| clash(one, two)));
        let Ok(policy) = with_routes(&routes) else {
            prop_assert!(clashes, "refused");
            return Ok(());
        };
        prop_assert!(!clashes, "not refused");
        for path in paths {
            let best = policy
                .routes()
                .iter()
                .filter_map(|route| Some((fits(route.path(), &path)?, route.id())))
                .min();
            let found = policy.match_path(&path);
            let found = found.as_ref().and_then(|found| found.routes().next());
            prop_assert_eq!(found.map(Route::id), best.map(|(_, id)| id), "{}", path);
        }
    }

    /// Two patterns of one policy that meet are never equally good at a path.
    #[test]
    fn patterns_cover_and_meet_as_they_match(one in pattern(), two in pattern(), path in path()) {
        use sekisho_core::policy::Pattern;
        let (pattern, other) = (Pattern::parse(&one).unwrap(), Pattern::parse(&two).unwrap());
        let (ours, theirs) = (fits(&one, &path), fits(&two, &path));
        if pattern.covers(&other) {
            prop_assert!(theirs.is_none() || ours.is_some());
            prop_assert!(pattern.meets(&other));
        }
        if ours.is_some() && theirs.is_some() {
            prop_assert!(pattern.meets(&other));
            if ours.cmp(&theirs) == Ordering::Equal {
                prop_assert!(pattern.covers(&other) && other.covers(&pattern));
            }
        }
    }

    /// R10: whoever is permitted goes to a region of his tenant, the preferred one of those that serve
    /// the route; and a policy in which that can't be is none.
    #[test]
    fn no_origin_of_another_region(
        regions_of_origins in prop::collection::vec(0..3_usize, 1..5),
        origins_of_routes in prop::collection::vec(prop::collection::vec(0..4_usize, 1..4), 1..3),
        regions_of_tenants in prop::collection::vec(prop::collection::vec(0..4_usize, 1..4), 1..3),
    ) {
        let count = regions_of_origins.len();
        let region_of = |origin: &usize| regions_of_origins[origin % count];
        let list = |items: &[usize], name: &str| {
            let items: Vec<_> = items.iter().map(|item| format!("\"{name}{item}\"")).collect();
            format!("[{}]", items.join(", "))
        };
        let mut gateway = "version = 1\n".to_owned();
        for (origin, region) in regions_of_origins.iter().enumerate() {
            write!(gateway, "[origins.o{origin}]\nurl = \"https://o{origin}\"\nregion = \"r{region}\"\n").unwrap();
        }
        for (route, origins) in origins_of_routes.iter().enumerate() {
            let origins: Vec<usize> = origins.iter().map(|origin| origin % count).collect();
            write!(
                gateway,
                "[[routes]]\nid = \"x{route}\"\npath = \"/x{route}\"\nmethods = [\"GET\"]\npublic = true\norigins = {}\n",
                list(&origins, "o")
            )
            .unwrap();
        }
        let mut files = Files::from([("gateway.toml".into(), gateway.into())]);
        for (tenant, regions) in regions_of_tenants.iter().enumerate() {
            let text = format!("hosts = [\"t{tenant}\"]\nregions = {}\n", list(regions, "r"));
            files.insert(format!("tenants/t{tenant}.toml"), text.into());
        }
        let twice = origins_of_routes.iter().any(|origins| {
            let named: BTreeSet<usize> = origins.iter().map(|origin| origin % count).collect();
            named.len() < origins.len()
        });
        let choice = |regions: &[usize], origins: &[usize]| {
            regions.iter().find(|region| origins.iter().any(|origin| region_of(origin) == **region)).copied()
        };
        let unserved = regions_of_tenants
            .iter()
            .any(|regions| origins_of_routes.iter().any(|origins| choice(regions, origins).is_none()));
        let policy = match load(&files) {
            Ok(policy) => policy,
            Err(faults) => {
                let codes: BTreeSet<&str> = faults.iter().map(|fault| fault.code).collect();
                prop_assert_eq!(codes.contains("origin-duplicate"), twice);
                prop_assert_eq!(codes.contains("region-without-origin"), unserved);
                prop_assert_eq!(codes.len(), usize::from(twice) + usize::from(unserved));
                return Ok(());
            }
        };
        prop_assert!(!twice && !unserved);
        for (tenant, regions) in regions_of_tenants.iter().enumerate() {
            for (route, origins) in origins_of_routes.iter().enumerate() {
                let ask = get(&format!("/x{route}")).with(|a| a.host = Some(format!("t{tenant}")));
                let Verdict::Permit(permit) = ask.judge(&policy).verdict else {
                    return Err(TestCaseError::fail("a sound policy denies"));
                };
                let want = choice(regions, origins).map(|region| format!("r{region}"));
                prop_assert_eq!(Some(permit.origin().region()), want.as_deref());
                prop_assert!(permit.route().origins().any(|id| id == permit.origin().id()));
            }
        }
    }

    #[test]
    fn a_rewritten_target_stays_under_its_prefix(
        literals in prop::collection::vec("[a-z]{1,3}", 1..4),
        rewritten in 0..4_usize,
        to in to(),
        rest in "[a-zA-Z0-9._~%2EF;/:@-]{1,24}(\\?[!-~]{0,12})?|[a-z]{1,4}(/[a-z%20]{0,3})?",
    ) {
        let from = format!("/{}", literals[..rewritten.min(literals.len())].join("/"));
        let prefix = format!("/{}", literals.join("/"));
        let path = format!("{prefix}/{{*rest}}");
        let keys = format!("rewrite = {{ from = \"{from}\", to = \"{to}\" }}");
        let policy = match with_routes(&[(&path, &keys)]) {
            Ok(policy) => policy,
            Err(codes) => {
                prop_assert_eq!(codes, ["rewrite-invalid"]);
                prop_assert!(to != "/" && (Target::parse(&to).is_err() || to.ends_with('/') || to.contains('?')));
                return Ok(());
            }
        };
        let target = format!("{prefix}/{rest}");
        let got = get(&target).judge(&policy);
        let Verdict::Permit(permit) = got.verdict else {
            prop_assert!(Target::parse(&target).is_err(), "{}", target);
            return Ok(());
        };
        let (seen, root) = (permit.path_and_query(), String::new());
        let [cut, to] = [&from, &to].map(|path| if path == "/" { &root } else { path });
        let judged = target.strip_prefix(cut.as_str()).unwrap();
        prop_assert!(judged.starts_with('/'));
        prop_assert_eq!(seen, format!("{to}{judged}"));
        prop_assert!(Target::parse(seen).is_ok_and(|target| target.as_str() == seen));
    }
}
