//! Where RabbitMQ is and who asks: one address, with one host or several that are tried in turn.
//!
//! Read here and not by the client library, which takes `[::1]` for `localhost`, the path `/` for
//! a virtual host without a name, and knows one host only.

use std::fmt;
use std::str::FromStr;

use secrecy::SecretString;

/// Seconds between heartbeats that we ask for; the broker may ask for fewer.
/// A dead peer is noticed after two of them.
const HEARTBEAT: u16 = 15;

/// `amqp://user:password@host:port,host:port/vhost?heartbeat=15`, or `amqps://…` for TLS.
#[derive(Debug, Clone)]
pub struct Address {
    /// Names or addresses with ports, in the order they are tried.
    pub hosts: Vec<(String, u16)>,
    /// The user; `guest` when none is given.
    pub user: String,
    /// The user's password; `guest` when none is given.
    pub password: SecretString,
    /// The virtual host; `/` when none is given.
    pub vhost: String,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// Seconds between heartbeats; 0 turns them off.
    pub heartbeat: u16,
}

/// Why a text is no address. It never repeats the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no address of RabbitMQ: {0}; write amqp://user:password@host:5672/vhost")]
pub struct AddressError(&'static str);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(AddressError("it has no scheme"))?;
        let tls = match scheme {
            "amqp" => false,
            "amqps" => true,
            _ => return Err(AddressError("its scheme is neither amqp nor amqps")),
        };
        if rest.contains('#') {
            return Err(AddressError("a `#` has to be written as %23"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user_info, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = match user_info.split_once(':') {
            Some((user, password)) => (decode(user)?, decode(password)?),
            None if user_info.is_empty() => ("guest".to_owned(), "guest".to_owned()),
            None => return Err(AddressError("it has a user, but no password")),
        };
        let port = if tls { 5671 } else { 5672 };
        let hosts = hosts.split(',').map(|host| host_and_port(host, port)).collect::<Result<_, _>>()?;
        if path.contains('/') {
            return Err(AddressError("a `/` in the virtual host has to be written as %2F"));
        }
        let vhost = if path.is_empty() { "/".to_owned() } else { decode(path)? };
        Ok(Self { hosts, user, password: password.into(), vhost, tls, heartbeat: heartbeat(query)? })
    }
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

fn host_and_port(text: &str, default_port: u16) -> Result<(String, u16), AddressError> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) =
                rest.split_once(']').ok_or(AddressError("an IPv6 address lacks its closing bracket"))?;
            match rest {
                "" => (host, None),
                rest => (host, Some(rest.strip_prefix(':').ok_or(AddressError("a host is malformed"))?)),
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    if host.is_empty() {
        return Err(AddressError("a host is missing"));
    }
    let port = match port {
        Some(port) => port.parse().map_err(|_| AddressError("a port is no number"))?,
        None => default_port,
    };
    Ok((host.to_owned(), port))
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

/// What may be shown: no user, no password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (host, port)) in self.hosts.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{}", shown(host, *port))?;
        }
        Ok(())
    }
}

pub(super) fn shown(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_are_read() {
        let plain = read("amqp://localhost");
        assert_eq!((plain.user.as_str(), plain.vhost.as_str(), plain.tls), ("guest", "/", false));
        assert_eq!(plain.hosts, [("localhost".to_owned(), 5672)]);
        assert_eq!(plain.heartbeat, HEARTBEAT);

        let full = read("amqps://in%40gress:p%3Aw%2F@a,b:99,[::1]:7,[fe80::2]/main%2Fx?heartbeat=3");
        assert_eq!(full.user, "in@gress");
        assert_eq!(full.password.expose_secret(), "p:w/");
        assert_eq!(full.vhost, "main/x");
        assert_eq!(full.heartbeat, 3);
        assert_eq!(full.to_string(), "a:5671, b:99, [::1]:7, [fe80::2]:5671");
    }

    #[test]
    fn no_path_an_empty_one_and_its_code_are_the_default_virtual_host() {
        for text in ["amqp://a", "amqp://a/", "amqp://a/%2f", "amqp://a/?heartbeat=0"] {
            assert_eq!(read(text).vhost, "/", "{text}");
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
            "amqp://u:hunter2%@a",
            "amqp://u:hunter2%ff@a",
            "amqp://u:hunter2@a/b/c",
            "amqp://u:hunter2@[::1/",
            "amqp://u:hunter2@[::1]5",
            "amqp://u:hunter2@a?verify=verify_none",
            "amqp://u:hunter2@a?heartbeat=soon",
            "amqp://u:hunter2#x@a",
        ] {
            let error = text.parse::<Address>().expect_err(text);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        let address = read("amqp://u:hunter2@a");
        assert!(!format!("{address:?} {address}").contains("hunter2"));
    }
}
