//! A line between two parts that can be cut: nothing gets through, and nobody is told.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Forwards every connection to its target while it is whole.
pub struct Wire {
    port: u16,
    whole: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Wire {
    /// A line to a port of this machine.
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (whole, state) = watch::channel(true);
        let serving = tokio::spawn(serve(listener, SocketAddr::from(([127, 0, 0, 1], target)), state));
        Self { port, whole, serving }
    }

    /// Where it begins.
    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub fn mend(&self) {
        self.whole.send_replace(true);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, target: SocketAddr, state: watch::Receiver<bool>) {
    while let Ok((near, _)) = listener.accept().await {
        let mut state = state.clone();
        tokio::spawn(async move {
            // The sender is gone when the test is over.
            let Ok(_) = state.wait_for(|whole| *whole).await.map(drop) else { return };
            let Ok(far) = TcpStream::connect(target).await else { return };
            let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
            tokio::select! {
                () = carry(near_read, far_write, state.clone()) => {}
                () = carry(far_read, near_write, state) => {}
            }
        });
    }
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut state: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if state.wait_for(|whole| *whole).await.is_err() || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
