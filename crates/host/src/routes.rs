//! Which component answers a path.

/// A route of an HTTP trigger: an exact path, or a path and everything below it (`/...`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// Without the trailing slash of a subtree, so that `/...` is the empty string.
    path: String,
    subtree: bool,
}

impl Route {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err("a route starts with /".to_owned());
        }
        let (path, subtree) = match text.strip_suffix("/...") {
            Some(path) => (path, true),
            None => (text, false),
        };
        if path.split('/').any(|segment| segment.starts_with(':') || segment == "...") {
            return Err(
                "a route is an exact path or ends in /...; parameters are not supported".to_owned()
            );
        }
        Ok(Self { path: path.to_owned(), subtree })
    }

    fn matches(&self, path: &str) -> bool {
        match path.strip_prefix(self.path.as_str()) {
            Some("") => true,
            Some(rest) => self.subtree && rest.starts_with('/'),
            None => false,
        }
    }
}

/// The value of the most specific route that matches `path`: exact before subtree, longer before shorter.
pub(crate) fn find<'a, T>(routes: &'a [(Route, T)], path: &str) -> Option<&'a T> {
    routes
        .iter()
        .filter(|(route, _)| route.matches(path))
        .max_by_key(|(route, _)| (!route.subtree, route.path.len()))
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_route_wins() {
        let routes: Vec<_> = ["/...", "/api/...", "/api/admin", "/"]
            .map(|text| (Route::parse(text).unwrap(), text))
            .into();
        for (path, expected) in [
            ("/", Some(&"/")),
            ("/x", Some(&"/...")),
            ("/api", Some(&"/api/...")),
            ("/api/x/y", Some(&"/api/...")),
            ("/apix", Some(&"/...")),
            ("/api/admin", Some(&"/api/admin")),
            ("/api/admin/", Some(&"/api/...")),
        ] {
            assert_eq!(find(&routes, path), expected, "{path}");
        }
        let one = [(Route::parse("/a/...").unwrap(), 1)];
        assert_eq!(find(&one, "/b"), None);
        assert_eq!(find(&one, "*"), None);
    }

    #[test]
    fn parameters_are_refused() {
        for text in ["x", "/users/:id", "/.../x"] {
            assert!(Route::parse(text).is_err(), "{text}");
        }
    }
}
