//! The kinds of stores.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, RetryConfig};
use secrecy::{ExposeSecret, SecretString};

use crate::Artifacts;

/// How long a connection to the store may take to come about.
const CONNECT: Duration = Duration::from_secs(3);
/// How often a call is tried again that the store did not answer well.
const RETRIES: usize = 2;

/// A bucket of an S3-compatible store.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What every name in it begins with; may be empty.
    pub prefix: String,
    /// The store's address; AWS's own for the region where there is none.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// The id of the key.
    pub access_key: SecretString,
    /// The key.
    pub secret_key: SecretString,
}

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made.
    #[error("the folder {folder} of the artifact store cannot be made")]
    Folder {
        /// Which.
        folder: String,
        /// Why.
        source: std::io::Error,
    },
    /// It cannot be what it is said to be.
    #[error("the artifact store cannot be used")]
    Store(#[from] object_store::Error),
}

impl Artifacts {
    /// A folder, which is made if there is none; only this account may look into a new one.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(folder: &Path) -> Result<Self, OpenError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        let place = folder.display().to_string();
        made.map_err(|source| OpenError::Folder { folder: place.clone(), source })?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self { store: Arc::new(store), place })
    }

    /// A bucket; nothing is asked of it yet.
    ///
    /// # Errors
    /// When the settings contradict each other.
    pub fn bucket(bucket: &Bucket) -> Result<Self, OpenError> {
        let options = ClientOptions::new()
            // The configuration decides whether an address in clear is one.
            .with_allow_http(bucket.endpoint.as_ref().is_some_and(|url| url.starts_with("http://")))
            .with_connect_timeout(CONNECT)
            .with_timeout(crate::PATIENCE);
        let retry =
            RetryConfig { max_retries: RETRIES, retry_timeout: crate::PATIENCE, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&bucket.name)
            .with_region(&bucket.region)
            .with_access_key_id(bucket.access_key.expose_secret())
            .with_secret_access_key(bucket.secret_key.expose_secret())
            .with_client_options(options)
            .with_retry(retry)
            // Not every compatible store knows how to delete several at once.
            .with_config(AmazonS3ConfigKey::DisableBulkDelete, "true");
        if let Some(endpoint) = &bucket.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let store = PrefixStore::new(builder.build()?, bucket.prefix.as_str());
        let place = format!("s3://{}/{}", bucket.name, bucket.prefix);
        Ok(Self { store: Arc::new(store), place })
    }

    /// The memory of this process, for tests.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { store: Arc::new(InMemory::new()), place: "memory".to_owned() }
    }
}
