//! The artifact store that the configuration names.

use anyhow::Context;
use artifacts::{Artifacts, Bucket};
use config::{Secrets, Settings};

/// Opens it; a bucket is asked nothing yet.
///
/// # Errors
/// When the folder cannot be made, or the settings make no client.
pub fn open(settings: &Settings, secrets: &Secrets) -> anyhow::Result<Artifacts> {
    let s3 = match &settings.artifacts {
        config::Artifacts::Folder(folder) => return Ok(Artifacts::folder(folder)?),
        config::Artifacts::S3(s3) => s3,
    };
    let key = secrets.artifacts.clone().context("the keys of the artifact store are missing")?;
    let bucket = Bucket {
        name: s3.bucket.clone(),
        prefix: s3.prefix.clone(),
        endpoint: s3.endpoint.clone(),
        region: s3.region.clone(),
        access_key: key.access_key,
        secret_key: key.secret_key,
    };
    Ok(Artifacts::bucket(&bucket)?)
}
