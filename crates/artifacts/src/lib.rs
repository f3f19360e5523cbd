//! The only home of `object_store`: what outlives a worker, in a folder or in an S3-compatible store.
//!
//! Names are flat and ours. Every call ends within 15 s: nobody waits long for a store that is
//! away.

mod open;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

pub use open::{Bucket, OpenError};

/// How long one call may take, tries and all.
const PATIENCE: Duration = Duration::from_secs(15);

/// An artifact store. Clones are the same store.
#[derive(Debug, Clone)]
pub struct Artifacts {
    store: Arc<dyn ObjectStore>,
    /// Where it is, for people.
    place: String,
}

/// Why an object could not be had or kept.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// There is none of that name.
    #[error("the artifact store has no `{0}`")]
    Missing(String),
    /// It is larger than the caller takes.
    #[error("`{name}` is larger than {largest} bytes")]
    Large {
        /// The object.
        name: String,
        /// What the caller takes, in bytes.
        largest: u64,
    },
    /// What was read is not what was written.
    #[error("the artifact store gives back something else than it was given")]
    Altered,
    /// It said no, or nothing sensible.
    #[error("the artifact store does not do it")]
    Store(#[source] object_store::Error),
    /// It did not answer.
    #[error("the artifact store did not answer in {} s", PATIENCE.as_secs())]
    TimedOut,
}

impl From<object_store::Error> for ArtifactError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { path, .. } => Self::Missing(path),
            other => Self::Store(other),
        }
    }
}

/// An object in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// When it was written last, by the store's clock.
    pub written_at: DateTime<Utc>,
}

impl fmt::Display for Artifacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

impl Artifacts {
    /// Writes an object, whole or not at all, over an earlier one of that name.
    ///
    /// # Errors
    /// When the store does not take it in time; it may be there all the same.
    pub async fn put(&self, name: &str, content: Bytes) -> Result<(), ArtifactError> {
        // What is not found is the bucket, never the object.
        let put = async { self.store.put(&Path::from(name), content.into()).await };
        in_time(async { put.await.map(drop).map_err(ArtifactError::Store) }).await
    }

    /// Reads an object of at most `largest` bytes.
    ///
    /// # Errors
    /// When there is none, it is larger, or the store does not give it in time.
    pub async fn get(&self, name: &str, largest: u64) -> Result<Bytes, ArtifactError> {
        in_time(async {
            let found = self.store.get(&Path::from(name)).await?;
            if found.meta.size > largest {
                return Err(ArtifactError::Large { name: name.to_owned(), largest });
            }
            Ok(found.bytes().await?)
        })
        .await
    }

    /// Removes an object, if it is there.
    ///
    /// # Errors
    /// When the store does not do it in time.
    pub async fn delete(&self, name: &str) -> Result<(), ArtifactError> {
        let deleted = in_time(async { Ok(self.store.delete(&Path::from(name)).await?) }).await;
        match deleted {
            Err(ArtifactError::Missing(_)) => Ok(()),
            other => other,
        }
    }

    /// Up to `most` of the objects whose names begin with the folder `below`.
    ///
    /// # Errors
    /// When the store does not say so in time.
    pub async fn list(&self, below: &str, most: usize) -> Result<Vec<Entry>, ArtifactError> {
        in_time(async {
            let below = Path::from(below);
            let found: Vec<_> = self.store.list(Some(&below)).take(most).try_collect().await?;
            let entry = |meta: object_store::ObjectMeta| Entry {
                name: meta.location.to_string(),
                written_at: meta.last_modified,
            };
            Ok(found.into_iter().map(entry).collect())
        })
        .await
    }

    /// Whether it does what it has to: writes, reads and removes the small object `name`.
    ///
    /// # Errors
    /// What it does not do.
    pub async fn probe(&self, name: &str) -> Result<(), ArtifactError> {
        let content = Bytes::from_static(b"may be deleted\n");
        self.put(name, content.clone()).await?;
        let read = self.get(name, 1 << 10).await;
        self.delete(name).await?;
        if read? == content { Ok(()) } else { Err(ArtifactError::Altered) }
    }
}

async fn in_time<T>(call: impl Future<Output = Result<T, ArtifactError>>) -> Result<T, ArtifactError> {
    tokio::time::timeout(PATIENCE, call).await.unwrap_or(Err(ArtifactError::TimedOut))
}
