//! A connection to the first host that takes one.

use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use lapin::tcp::{AMQPUriTcpExt, OwnedTLSConfig};
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use lapin::{AsyncTcpStream, Connection, ConnectionProperties};
use schemas::amqp::Host;
use secrecy::ExposeSecret;
use tokio::time::timeout;

use super::error::{AmqpError, Asked, at_stage};
use super::settings::AmqpSettings;

/// For a connection of TCP and, on top of it, one of TLS.
const REACH: Duration = Duration::from_secs(5);
/// For the whole of it, greeting and login included.
pub(super) const CONNECT: Duration = Duration::from_secs(15);
/// How long any one answer of the broker may take.
pub(super) const ANSWER: Duration = Duration::from_secs(10);

/// How far a failed attempt came.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stage {
    #[error(transparent)]
    Tcp(io::Error),
    #[error(transparent)]
    Tls(io::Error),
}

impl Stage {
    pub(super) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref())
    }
}

/// A connection that is closed when it is dropped. The library's own does not close while one of its
/// consumers is registered, and the broker then keeps what is unacked for a reader that is gone.
pub(super) struct Link {
    connection: Arc<Connection>,
    /// Where it goes.
    pub host: Host,
}

impl Deref for Link {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if !self.connection.status().connected() {
            return;
        }
        // Without a runtime the process ends, and the connection with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let connection = Arc::clone(&self.connection);
            runtime.spawn(async move { timeout(ANSWER, connection.close(200, "".into())).await });
        }
    }
}

/// Connects, trying each host in turn.
///
/// The library's own recovery is left off: it knows one host, redeclares what only the dispatcher
/// may declare, and hides that unconfirmed publishes and unacked deliveries are a matter of the
/// connection they were made on.
pub(super) async fn connect(settings: &AmqpSettings) -> Result<Link, AmqpError> {
    let mut problem = None;
    for host in &settings.address.hosts {
        match connect_to(settings, host).await {
            Ok(connection) => return Ok(connection),
            Err(error) if error.is_of_one_host() => problem = problem.or(Some(error)),
            Err(error) => return Err(error),
        }
    }
    Err(problem.unwrap_or_else(|| AmqpError::Lost("the address names no host".to_owned())))
}

pub(super) async fn connect_to(settings: &AmqpSettings, host: &Host) -> Result<Link, AmqpError> {
    let address = &settings.address;
    let place = host.to_string();
    let asked = Asked { host: &place, user: &address.user, vhost: &address.vhost };
    let properties = ConnectionProperties::default()
        .with_client_property("product".into(), "Pullwright".into())
        .with_client_property("version".into(), env!("CARGO_PKG_VERSION").into())
        .with_connection_name(settings.name.as_str().into());
    let tls = tls_config(settings);
    let runtime = lapin::runtime::default_runtime().map_err(|error| AmqpError::from_lapin(&error, asked))?;
    let attempt = Connection::connector(
        uri(settings, host),
        runtime,
        async move |uri, runtime| {
            let tcp = AMQPUri { scheme: AMQPScheme::AMQP, ..uri.clone() };
            let stream = timeout(REACH, tcp.connect_with_config_async(tls.as_ref(), &runtime)).await;
            let stream = in_time(stream).map_err(|error| at_stage(Stage::Tcp(error)))?;
            encrypt(stream, &uri, &tls).await.map_err(|error| at_stage(Stage::Tls(error)))
        },
        properties,
    );
    match timeout(CONNECT, attempt).await {
        Ok(Ok(connection)) => Ok(Link { connection: Arc::new(connection), host: host.clone() }),
        Ok(Err(error)) => Err(AmqpError::from_lapin(&error, asked)),
        Err(_) => Err(AmqpError::Silent { host: place }),
    }
}

async fn encrypt<S>(
    stream: AsyncTcpStream<S>,
    uri: &AMQPUri,
    tls: &OwnedTLSConfig,
) -> io::Result<AsyncTcpStream<S>>
where
    S: futures_util::io::AsyncRead + futures_util::io::AsyncWrite + Send + Unpin + 'static,
{
    match uri.scheme {
        AMQPScheme::AMQP => Ok(stream),
        AMQPScheme::AMQPS => {
            in_time(timeout(REACH, stream.into_tls(&uri.authority.host, tls.as_ref())).await)
        }
    }
}

fn in_time<T>(result: Result<io::Result<T>, tokio::time::error::Elapsed>) -> io::Result<T> {
    result.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer")))
}

pub(super) fn tls_config(settings: &AmqpSettings) -> OwnedTLSConfig {
    OwnedTLSConfig { identity: None, cert_chain: settings.ca.clone() }
}

pub(super) fn uri(settings: &AmqpSettings, host: &Host) -> AMQPUri {
    let AmqpSettings { address, password, .. } = settings;
    AMQPUri {
        scheme: if address.tls { AMQPScheme::AMQPS } else { AMQPScheme::AMQP },
        authority: AMQPAuthority {
            userinfo: AMQPUserInfo {
                username: address.user.clone(),
                password: password.expose_secret().to_owned(),
            },
            host: host.name.clone(),
            port: host.port,
        },
        vhost: address.vhost.clone(),
        query: AMQPQueryString { heartbeat: Some(address.heartbeat), ..AMQPQueryString::default() },
    }
}
