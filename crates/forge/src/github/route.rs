//! Paths of the REST interface, with every variable part encoded.

use schemas::RepoRef;

use crate::ForgeError;

/// A path that is being built.
#[derive(Debug, Clone)]
pub(super) struct Route(String);

impl Route {
    /// `/repos/{owner}/{name}`.
    pub(super) fn repo(repo: &RepoRef) -> Result<Self, ForgeError> {
        let (owner, name) = repo.owner_and_name();
        Self("/repos".to_owned()).with(owner)?.with(name)
    }

    /// A path without variable parts.
    pub(super) fn fixed(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// Appends `/` and a fixed part.
    pub(super) fn then(mut self, part: &str) -> Self {
        self.0.push('/');
        self.0.push_str(part);
        self
    }

    /// Appends `/` and a number.
    pub(super) fn number(self, number: u64) -> Self {
        self.then(&number.to_string())
    }

    /// Appends `/` and a part from outside.
    ///
    /// # Errors
    /// When it cannot be one part of a path. Dots are refused even when encoded: HTTP clients
    /// resolve `%2e%2e` as well, and `DELETE …/labels/..` would mean something else entirely.
    pub(super) fn with(mut self, part: &str) -> Result<Self, ForgeError> {
        if matches!(part, "" | "." | "..") {
            return Err(ForgeError::NotFound { what: format!("`{part}`") });
        }
        self.0.push('/');
        self.0.push_str(&encoded(part));
        Ok(self)
    }

    /// Appends a query with encoded values.
    pub(super) fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        for (name, value) in pairs {
            self.0.push(if self.0.contains('?') { '&' } else { '?' });
            self.0.push_str(name);
            self.0.push('=');
            self.0.push_str(&encoded(value));
        }
        self
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986 section 2.3.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::ConnectionName;

    fn base() -> Route {
        let repo = RepoRef::new(&ConnectionName::from("github"), "acme/api").unwrap();
        Route::repo(&repo).unwrap()
    }

    #[test]
    fn parts_stay_parts() {
        for (part, expected) in [
            ("agent:fix", "agent%3Afix"),
            ("a/../../b", "a%2F..%2F..%2Fb"),
            ("good first?", "good%20first%3F"),
            ("ü#", "%C3%BC%23"),
            ("100%", "100%25"),
        ] {
            let route = base().then("labels").with(part).unwrap();
            assert_eq!(route.as_str(), format!("/repos/acme/api/labels/{expected}"));
        }
        for part in ["", ".", ".."] {
            assert!(base().with(part).is_err(), "{part:?}");
        }
    }

    #[test]
    fn queries_join() {
        let route = base().query(&[("head", "acme:work/1")]).query(&[("page", "2")]);
        assert_eq!(route.as_str(), "/repos/acme/api?head=acme%3Awork%2F1&page=2");
    }
}
