//! Where RabbitMQ is and who asks: one address, with one host or several that are tried in turn.
//!
//! Read here and not by the client library, which takes `[::1]` for `localhost`, the path `/` for
//! a virtual host without a name, and knows one host only.

use std::fmt;

/// Seconds between heartbeats that we ask for; the broker may ask for fewer.
/// A dead peer is noticed after two of them.
const HEARTBEAT: u16 = 15;

/// `amqp://user:password@host:port,host:port/vhost?heartbeat=15`, or `amqps://…` for TLS; without
/// the password, which is a secret and kept apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// At least one, in the order they are tried.
    pub hosts: Vec<Host>,
    /// The user; `guest` when none is given.
    pub user: String,
    /// The virtual host; `/` when none is given.
    pub vhost: String,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// Seconds between heartbeats; 0 turns them off.
    pub heartbeat: u16,
}

/// One host of an [`Address`]; shown as it is written there, an IPv6 address in brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// A name or an IP address.
    pub name: String,
    /// The port: 5672 when none is given, 5671 with TLS.
    pub port: u16,
}

/// Why a text is no address. It never repeats the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no address of RabbitMQ: {0}")]
pub struct AddressError(&'static str);

impl Address {
    /// Reads an address, and the password in it as it is written there, if one is. Where the password
    /// is a reference such as `${file:/run/secrets/a@b}`, it ends with its brace.
    ///
    /// # Errors
    /// When it is no address.
    pub fn read(text: &str) -> Result<(Self, Option<&str>), AddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(AddressError("it has no scheme"))?;
        let tls = match scheme {
            "amqp" => false,
            "amqps" => true,
            _ => return Err(AddressError("its scheme is neither amqp nor amqps")),
        };
        let (login, rest) = split_login(rest);
        let (user, password) = match login.map(|login| login.split_once(':')) {
            None => ("guest".to_owned(), None),
            Some(Some((user, password))) => (decode(user)?, Some(password)),
            Some(None) => return Err(AddressError("it has a user, but no password")),
        };
        if rest.contains(['#', '@']) {
            return Err(AddressError("a `#` or `@` in it has to be written as %23 or %40"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let port = if tls { 5671 } else { 5672 };
        let hosts = hosts.split(',').map(|host| Host::read(host, port)).collect::<Result<_, _>>()?;
        if path.contains('/') {
            return Err(AddressError("a `/` in the virtual host has to be written as %2F"));
        }
        let vhost = if path.is_empty() { "/".to_owned() } else { decode(path)? };
        Ok((Self { hosts, user, vhost, tls, heartbeat: heartbeat(query)? }, password))
    }
}

/// What is before the `@`, and what after it; a reference may hold one, too.
fn split_login(text: &str) -> (Option<&str>, &str) {
    let reference = text.find("}@").map_or(0, |brace| brace + 1);
    let login = text.split_at_checked(reference).and_then(|(reference, rest)| {
        let at = reference.len() + rest.find('@')?;
        Some((text.get(..at)?, text.get(at + 1..)?))
    });
    login.map_or((None, text), |(login, rest)| (Some(login), rest))
}

fn heartbeat(query: &str) -> Result<u16, AddressError> {
    let mut seconds = HEARTBEAT;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("heartbeat", value)) => {
                seconds = value.parse().map_err(|_| AddressError("`heartbeat` is no number of seconds"))?;
            }
            _ => return Err(AddressError("the only parameter is `heartbeat`")),
        }
    }
    Ok(seconds)
}

impl Host {
    fn read(text: &str, default_port: u16) -> Result<Self, AddressError> {
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (name, rest) =
                    rest.split_once(']').ok_or(AddressError("an IPv6 address lacks its closing bracket"))?;
                match rest {
                    "" => (name, None),
                    rest => (name, Some(rest.strip_prefix(':').ok_or(AddressError("a host is malformed"))?)),
                }
            }
            None => text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port))),
        };
        if name.is_empty() {
            return Err(AddressError("a host is missing"));
        }
        let port = match port {
            Some(port) => port.parse().map_err(|_| AddressError("a port is no number"))?,
            None => default_port,
        };
        Ok(Self { name: name.to_owned(), port })
    }
}

/// RFC 3986, section 2.1.
fn decode(text: &str) -> Result<String, AddressError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (digit(rest.next()), digit(rest.next())) {
            (Some(high), Some(low)) => bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?')),
            _ => return Err(AddressError("a `%` is not followed by two hexadecimal digits")),
        }
    }
    String::from_utf8(bytes).map_err(|_| AddressError("it is not UTF-8"))
}

impl fmt::Display for Address {
    /// The hosts alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, host) in self.hosts.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{host}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, port } = self;
        if name.contains(':') { write!(f, "[{name}]:{port}") } else { write!(f, "{name}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Address, Option<&str>) {
        Address::read(text).unwrap()
    }

    #[test]
    fn addresses_are_read() {
        let (plain, password) = read("amqp://localhost");
        assert_eq!((plain.user.as_str(), plain.vhost.as_str(), plain.tls), ("guest", "/", false));
        assert_eq!(plain.hosts, [Host { name: "localhost".to_owned(), port: 5672 }]);
        assert_eq!((plain.heartbeat, password), (HEARTBEAT, None));

        let (full, password) = read("amqps://in%40gress:p%3Aw@a,b:99,[::1]:7,[fe80::2]/main%2Fx?heartbeat=3");
        assert_eq!((full.user.as_str(), full.vhost.as_str()), ("in@gress", "main/x"));
        assert_eq!((full.heartbeat, password), (3, Some("p%3Aw")));
        assert_eq!(full.to_string(), "a:5671, b:99, [::1]:7, [fe80::2]:5671");
    }

    #[test]
    fn a_reference_may_hold_anything_up_to_its_brace() {
        for reference in ["${env:AMQP_PASSWORD}", "${file:/run/secrets/a@b?c#d}"] {
            let text = format!("amqp://u:{reference}@a,b/v");
            let (address, password) = read(&text);
            assert_eq!((address.hosts.len(), address.vhost.as_str()), (2, "v"), "{text}");
            assert_eq!(password, Some(reference));
        }
    }

    #[test]
    fn no_path_an_empty_one_and_its_code_are_the_default_virtual_host() {
        for text in ["amqp://a", "amqp://a/", "amqp://a/%2f", "amqp://a/?heartbeat=0"] {
            assert_eq!(read(text).0.vhost, "/", "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for text in [
            "hunter2",
            "http://u:hunter2@a",
            "amqp://u:hunter2@",
            "amqp://u:hunter2@a:x",
            "amqp://u:hunter2@a,,b",
            "amqp://hunter2@a",
            "amqp://u%:hunter2@a",
            "amqp://u%ff:hunter2@a",
            "amqp://u:hunt@er2@a",
            "amqp://u:hunter2@a/b/c",
            "amqp://u:hunter2@[::1/",
            "amqp://u:hunter2@[::1]5",
            "amqp://u:hunter2@a?verify=verify_none",
            "amqp://u:hunter2@a?heartbeat=soon",
            "amqp://u:hunter2#x@a#",
        ] {
            let error = Address::read(text).expect_err(text);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
