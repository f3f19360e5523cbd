//! `database: postgres://…`

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use serde::de;

use crate::secret::SecretRef;
use crate::yaml::{Place, Placed, refusal_of_secret};

/// A database of a PostgreSQL server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postgres {
    /// A name, an address, or the folder of a socket.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The role to log in as.
    pub user: String,
    /// Its password, where the server asks for one.
    pub password: Option<SecretRef>,
    /// The database's name.
    pub database: String,
    /// How the connection is encrypted.
    pub sslmode: SslMode,
    /// A PEM file with certificates to trust beside the well-known ones.
    pub sslrootcert: Option<PathBuf>,
}

/// How the connection to PostgreSQL is encrypted, in PostgreSQL's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// Not at all.
    Disable,
    /// If the server can. The default on this machine.
    Prefer,
    /// Always, with whoever answers.
    Require,
    /// Always, with somebody whose certificate is trusted.
    VerifyCa,
    /// Always, with the host that was asked for. The default for every other one.
    VerifyFull,
}

impl SslMode {
    fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }

    fn of_host(host: &str) -> Self {
        let here = host == "localhost"
            || host.starts_with('/')
            || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        if here { Self::Prefer } else { Self::VerifyFull }
    }
}

impl Postgres {
    /// Reads an address. No message repeats it: somebody may have written a password into it.
    pub(crate) fn parse<E: de::Error>(text: &str) -> Result<Self, E> {
        let (_, rest) = text.split_once("://").ok_or_else(|| refuse("this is no address of PostgreSQL"))?;
        let (login, rest) = split_login(rest).ok_or_else(|| refuse("the address names no user"))?;
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(SecretRef::parse(password)?)),
            None => (login, None),
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (server, database) =
            place.split_once('/').ok_or_else(|| refuse("the address names no database"))?;
        let (host, port) = host_and_port(server)?;
        let mut address = Self {
            sslmode: SslMode::of_host(&host),
            host,
            port,
            user: named(user, "the address names no user")?,
            password,
            database: named(database, "the address names no database")?,
            sslrootcert: None,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", word)) => {
                    address.sslmode = SslMode::of_word(word).ok_or_else(|| {
                        refusal_of_secret(
                            "this `sslmode` is unknown",
                            "choose disable, prefer, require, verify-ca or verify-full",
                        )
                    })?;
                }
                Some(("sslrootcert", path)) => {
                    address.sslrootcert = Some(named(path, "`sslrootcert` is empty")?.into());
                }
                _ => {
                    return Err(refusal_of_secret(
                        "the address has an unknown parameter",
                        "only `sslmode` and `sslrootcert` are possible here",
                    ));
                }
            }
        }
        Ok(address)
    }

    /// The same, with the place of its secret known and its paths beginning at `folder`.
    pub(crate) fn placed(self, place: Option<Place>, folder: &Path) -> Self {
        let password = self.password.map(|value| SecretRef::placed(&Placed { value, place }));
        Self { password, sslrootcert: self.sslrootcert.map(|path| folder.join(path)), ..self }
    }
}

fn refuse<E: de::Error>(wrong: &str) -> E {
    refusal_of_secret(wrong, "write postgres://USER:${env:PASSWORD}@HOST:5432/DATABASE")
}

/// What is before the `@`, and what after it; a reference may hold one, too.
fn split_login(text: &str) -> Option<(&str, &str)> {
    let reference = text.find("}@").map_or(0, |end| end + 1);
    let at = reference + text.get(reference..)?.find('@')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

fn host_and_port<E: de::Error>(text: &str) -> Result<(String, u16), E> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => {
            (host, Some(rest.strip_prefix(':').ok_or_else(|| refuse("the host is malformed"))?))
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    if host.contains(',') {
        return Err(refuse("one host is possible here"));
    }
    let port = match port {
        None => 5432,
        Some(port) => port.parse().map_err(|_| refuse("the port is no number"))?,
    };
    Ok((named(host, "the address names no host")?, port))
}

/// RFC 3986, section 2.1.
fn named<E: de::Error>(text: &str, missing: &str) -> Result<String, E> {
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| refuse("the address is not UTF-8"))?;
    if decoded.is_empty() || decoded.contains('\0') {
        return Err(refuse(missing));
    }
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use serde::de::value::Error;

    use super::*;

    fn read(text: &str) -> Result<Postgres, Error> {
        Postgres::parse(text)
    }

    #[test]
    fn addresses_are_read() {
        let short = read("postgres://bot@localhost/pullwright").unwrap();
        assert_eq!((short.host.as_str(), short.port, short.password), ("localhost", 5432, None));
        assert_eq!(short.sslmode, SslMode::Prefer);

        let full = read(
            "postgresql://b%40t:${file:/run/a@b}@[2001:db8::1]:7/p%2Fw?sslmode=require&sslrootcert=ca.pem",
        );
        let full = full.unwrap().placed(None, Path::new("/etc/pullwright"));
        assert_eq!((full.user.as_str(), full.database.as_str()), ("b@t", "p/w"));
        assert_eq!((full.host.as_str(), full.port), ("2001:db8::1", 7));
        assert_eq!(full.password.unwrap().to_string(), "${file:/run/a@b}");
        assert_eq!(full.sslrootcert.unwrap(), Path::new("/etc/pullwright/ca.pem"));

        let socket = read("postgres://bot@%2Frun%2Fpostgresql/pullwright").unwrap();
        assert_eq!((socket.host.as_str(), socket.sslmode), ("/run/postgresql", SslMode::Prefer));
    }

    #[test]
    fn a_host_elsewhere_has_to_show_who_it_is() {
        for host in ["db", "db.example.com", "10.0.0.1", "localhost.example.com"] {
            let address = read(&format!("postgres://bot:${{env:P}}@{host}/pullwright")).unwrap();
            assert_eq!(address.sslmode, SslMode::VerifyFull, "{host}");
        }
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            assert_eq!(read(&format!("postgres://bot@{host}/p")).unwrap().sslmode, SslMode::Prefer, "{host}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for text in [
            "postgres",
            "postgres://hunter2",
            "postgres://hunter2@db",
            "postgres://u:hunter2@db/p",
            "postgres://u:hunt@er2@db/p",
            "postgres://:${env:P}@db/p",
            "postgres://u@/p",
            "postgres://u@db/",
            "postgres://u@db:hunter2/p",
            "postgres://u@a,b/p",
            "postgres://u@[::1]x/p",
            "postgres://u@db/p?sslmode=allow",
            "postgres://u@db/p?password=hunter2",
            "postgres://u@db/p?sslrootcert=",
            "postgres://u%ff@db/p",
        ] {
            let error = read(text).expect_err(text);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
