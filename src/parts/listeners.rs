//! The addresses of a process, and what is served at each.

use std::collections::HashMap;
use std::net::SocketAddr;

use anyhow::Context;
use axum::Router;
use config::Settings;
use ingress::ConnectionLimits;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// Sockets that are taken before anything is opened, so that a port in use is the first thing said.
pub struct Listeners(Vec<(SocketAddr, TcpListener)>);

impl Listeners {
    /// Takes each address once; beside it stands its key in `listen:`.
    ///
    /// # Errors
    /// When one is in use, or is not this machine's.
    pub async fn bind(addresses: &[(&str, SocketAddr)]) -> anyhow::Result<Self> {
        let mut taken: Vec<(SocketAddr, TcpListener)> = Vec::new();
        for (key, address) in addresses {
            if taken.iter().any(|(known, _)| known == address) {
                continue;
            }
            let listener = TcpListener::bind(address).await.with_context(|| {
                format!("cannot listen on {address}; stop what listens there, or change `listen.{key}`")
            })?;
            taken.push((*address, listener));
        }
        Ok(Self(taken))
    }

    /// Serves at each address all that belongs there.
    pub fn serve(
        self,
        apps: impl IntoIterator<Item = (SocketAddr, Router)>,
        settings: &Settings,
        stop: &ingress::Stop,
        tracker: &TaskTracker,
    ) {
        let limits = ConnectionLimits {
            connections: settings.intake.max_connections as usize,
            header_timeout: settings.intake.header_timeout,
            ..ConnectionLimits::default()
        };
        let mut routers: HashMap<SocketAddr, Router> = HashMap::new();
        for (address, app) in apps {
            let there = routers.remove(&address).unwrap_or_default();
            routers.insert(address, there.merge(app));
        }
        for (address, listener) in self.0 {
            let app = routers.remove(&address).unwrap_or_default();
            tracker.spawn(ingress::serve(listener, app, limits, stop.clone()));
        }
    }
}
