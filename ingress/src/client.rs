//! Whose request it is: the address at the other end, or what a trusted proxy says of it.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address, or `None` when it cannot be told.
///
/// A trusted `peer` names the client in `X-Forwarded-For`, where each proxy appends the address that
/// it was called from: the rightmost address that is no trusted proxy is the last one that somebody
/// trusted has seen. Whatever stands left of it, its client has made up. When all are trusted, the
/// leftmost is the client.
pub(crate) fn address(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> Option<IpAddr> {
    let trusted = |address: &IpAddr| proxies.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    if !trusted(&client) {
        return Some(client);
    }
    for value in headers.get_all(X_FORWARDED_FOR).iter().rev() {
        for name in value.as_bytes().rsplit(|byte| *byte == b',') {
            client = parse(name)?;
            if !trusted(&client) {
                return Some(client);
            }
        }
    }
    Some(client)
}

/// An address as proxies write it: alone or with a port, of IPv6 then in brackets.
fn parse(name: &[u8]) -> Option<IpAddr> {
    let name = std::str::from_utf8(name).ok()?.trim_matches([' ', '\t']);
    let alone = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    let address = alone.parse().or_else(|_| name.parse().map(|address: SocketAddr| address.ip())).ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn whose_request_it_is() {
        let proxies: Vec<IpNet> =
            ["10.0.0.0/8", "fd00::/8"].iter().map(|network| network.parse().unwrap()).collect();
        let table: &[(&str, &[&str], Option<&str>)] = &[
            // From a stranger the header says nothing.
            ("192.0.2.1", &[], Some("192.0.2.1")),
            ("192.0.2.1", &["198.51.100.7"], Some("192.0.2.1")),
            ("192.0.2.1", &["10.0.0.1"], Some("192.0.2.1")),
            ("192.0.2.1", &["garbage"], Some("192.0.2.1")),
            ("::ffff:192.0.2.1", &[], Some("192.0.2.1")),
            // From a proxy the rightmost stranger counts.
            ("10.0.0.1", &["198.51.100.7"], Some("198.51.100.7")),
            ("::ffff:10.0.0.1", &["198.51.100.7"], Some("198.51.100.7")),
            ("fd00::1", &["2001:db8::7"], Some("2001:db8::7")),
            ("10.0.0.1", &["192.0.2.9, 198.51.100.7"], Some("198.51.100.7")),
            ("10.0.0.1", &["192.0.2.9,198.51.100.7 , 10.0.0.2"], Some("198.51.100.7")),
            ("10.0.0.1", &["192.0.2.9", "198.51.100.7", "10.0.0.2"], Some("198.51.100.7")),
            ("10.0.0.1", &["192.0.2.9, 198.51.100.7", "10.0.0.2, 10.0.0.3"], Some("198.51.100.7")),
            ("10.0.0.1", &["garbage, 198.51.100.7"], Some("198.51.100.7")),
            ("10.0.0.1", &["::ffff:198.51.100.7"], Some("198.51.100.7")),
            ("10.0.0.1", &["192.0.2.9, ::ffff:10.0.0.2"], Some("192.0.2.9")),
            // With a port, as some proxies write it.
            ("10.0.0.1", &["198.51.100.7:4711"], Some("198.51.100.7")),
            ("10.0.0.1", &["[2001:db8::7]:4711"], Some("2001:db8::7")),
            ("10.0.0.1", &["[2001:db8::7]"], Some("2001:db8::7")),
            // Nobody but proxies.
            ("10.0.0.1", &[], Some("10.0.0.1")),
            ("10.0.0.1", &["10.0.0.9, 10.0.0.2"], Some("10.0.0.9")),
            // What a proxy wrote cannot be read: then nobody is taken for the client.
            ("10.0.0.1", &[""], None),
            ("10.0.0.1", &["198.51.100.7,"], None),
            ("10.0.0.1", &["198.51.100.7, unknown"], None),
            ("10.0.0.1", &["198.51.100.7, 10.0.0.2, _hidden, 10.0.0.3"], None),
            ("10.0.0.1", &["198.51.100.7 192.0.2.9"], None),
            ("10.0.0.1", &["198.51.100.07"], None),
            ("10.0.0.1", &["198.51.100.7/32"], None),
            ("10.0.0.1", &["0x0a000001"], None),
            ("10.0.0.1", &["\u{665}.1.1.1"], None),
            ("10.0.0.1", &["198.51.100.7", ""], None),
        ];
        for (peer, values, client) in table {
            let mut headers = HeaderMap::new();
            for value in *values {
                headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            headers.append("forwarded", HeaderValue::from_static("for=203.0.113.1"));
            headers.append("x-real-ip", HeaderValue::from_static("203.0.113.1"));
            let client = client.map(|client| client.parse().unwrap());
            assert_eq!(address(peer.parse().unwrap(), &headers, &proxies), client, "{peer} {values:?}");
        }
    }
}
