//! A line between two parts that can be cut, and that notices when a certain thing is said on it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// What a line withholds once its trap has sprung: longer than a kill takes.
const HELD: Duration = Duration::from_secs(2);

/// Which of a question and its answer gets lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// The other side never hears it.
    Question,
    /// The other side has done it, and nobody hears of that.
    Answer,
}

/// What is waited for.
struct Trap {
    said: &'static [u8],
    /// So often it is let through before.
    skip: u64,
    lost: Lost,
    sprung: oneshot::Sender<()>,
}

/// Forwards every connection to its target while it is whole.
pub struct Wire {
    port: u16,
    whole: watch::Sender<bool>,
    trap: Arc<Mutex<Option<Trap>>>,
    serving: JoinHandle<()>,
}

impl Wire {
    /// A line to a port of this machine.
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (whole, state) = watch::channel(true);
        let trap = Arc::default();
        let target = SocketAddr::from(([127, 0, 0, 1], target));
        let serving = tokio::spawn(serve(listener, target, state, Arc::clone(&trap)));
        Self { port, whole, trap, serving }
    }

    /// Where it begins.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Nothing gets through, and nobody is told.
    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub fn mend(&self) {
        self.whole.send_replace(true);
    }

    /// Resolves when the near side has `said` that once more than `skip` times; from then on its
    /// question, or the answer to it, is on a line that leads nowhere.
    pub fn trap(&self, said: &'static [u8], skip: u64, lost: Lost) -> oneshot::Receiver<()> {
        let (sprung, when) = oneshot::channel();
        *self.trap.lock().unwrap_or_else(PoisonError::into_inner) = Some(Trap { said, skip, lost, sprung });
        when
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(
    listener: TcpListener,
    target: SocketAddr,
    state: watch::Receiver<bool>,
    trap: Arc<Mutex<Option<Trap>>>,
) {
    while let Ok((near, _)) = listener.accept().await {
        let mut state = state.clone();
        let trap = Arc::clone(&trap);
        tokio::spawn(async move {
            // The sender is gone when the test is over.
            let Ok(_) = state.wait_for(|whole| *whole).await.map(drop) else { return };
            let Ok(far) = TcpStream::connect(target).await else { return };
            let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
            // What waits for the answer to what was said on this connection.
            let asked = Mutex::default();
            tokio::select! {
                () = questions(near_read, far_write, state.clone(), &trap, &asked) => {}
                () = answers(far_read, near_write, state, &asked) => {}
            }
        });
    }
}

async fn questions(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<bool>,
    trap: &Mutex<Option<Trap>>,
    asked: &Mutex<Option<oneshot::Sender<()>>>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        match spring(trap, &buffer[..length]) {
            Some((Lost::Question, sprung)) => return withhold(sprung).await,
            Some((Lost::Answer, sprung)) => {
                *asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(sprung);
            }
            None => {}
        }
        if state.wait_for(|whole| *whole).await.is_err() || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

async fn answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<bool>,
    asked: &Mutex<Option<oneshot::Sender<()>>>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let sprung = asked.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sprung) = sprung {
            return withhold(sprung).await;
        }
        if state.wait_for(|whole| *whole).await.is_err() || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

/// Takes the trap when this is what it waits for. A word that falls between two reads is missed; the
/// next one is not.
fn spring(trap: &Mutex<Option<Trap>>, said: &[u8]) -> Option<(Lost, oneshot::Sender<()>)> {
    let mut trap = trap.lock().unwrap_or_else(PoisonError::into_inner);
    let waiting = trap.as_mut()?;
    if !said.windows(waiting.said.len()).any(|window| window == waiting.said) {
        return None;
    }
    if waiting.skip > 0 {
        waiting.skip -= 1;
        return None;
    }
    trap.take().map(|trap| (trap.lost, trap.sprung))
}

async fn withhold(sprung: oneshot::Sender<()>) {
    let _ = sprung.send(());
    tokio::time::sleep(HELD).await;
}
