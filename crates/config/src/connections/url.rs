//! Addresses of forges and trackers.

use serde::Deserialize;
use serde::de::Deserializer;

use crate::yaml::parsed;

/// An address that a credential may travel to.
#[derive(Debug, Clone)]
pub(crate) struct Url(pub(crate) String);

/// An address without a slash at its end, and whether what goes there travels in clear beyond this
/// machine.
pub(crate) fn address(text: &str) -> Result<(String, bool), &'static str> {
    let uri: http::Uri = text.parse().map_err(|_| "this is no address of an API")?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err("this is no address of an API");
    };
    if authority.as_str().contains('@') {
        return Err("an address holds no credential");
    }
    if uri.query().is_some() || text.contains('#') {
        return Err("an address of an API has no `?` and no `#`");
    }
    let host = authority.host().trim_matches(['[', ']']);
    let local = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    let in_clear = match scheme {
        "https" => false,
        "http" => !local,
        _ => return Err("this is no address of an API"),
    };
    Ok((text.trim_end_matches('/').to_owned(), in_clear))
}

impl Url {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match address(text)? {
            (_, true) => Err("the credential would travel unencrypted"),
            (address, false) => Ok(Self(address)),
        }
    }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(
            deserializer,
            Self::parse,
            "write it like https://gitlab.example.com, and https://github.example.com/api/v3 for a GitHub of your own",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Url;

    #[test]
    fn a_credential_goes_to_https_or_this_machine() {
        for text in [
            "https://api.github.com",
            "https://h/api/v3",
            "http://127.0.0.1:9",
            "http://[::1]:9",
            "http://localhost",
        ] {
            assert_eq!(Url::parse(text).unwrap().0, text);
            assert_eq!(Url::parse(&format!("{text}/")).unwrap().0, text);
        }
        for text in [
            "",
            "api.github.com",
            "/api",
            "http://api.github.com",
            "http://127.0.0.1.example.com",
            "ftp://h",
            "https://user:pass@h",
            "https://h?x=1",
            "https://h#x",
            "http://localhost.example.com",
        ] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
    }
}
