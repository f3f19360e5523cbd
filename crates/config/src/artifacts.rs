//! Where results are kept until they are published: a folder, or an S3-compatible store.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use crate::connections::address;
use crate::layer::{Layer, section};
use crate::secret::SecretRef;
use crate::yaml::{Placed, Sources, YamlError};

/// What the address of a bucket begins with.
const SCHEME: &str = "s3://";
/// The region of stores that know none.
const REGION: &str = "us-east-1";

/// The artifact store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Artifacts {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket of an S3-compatible store.
    S3(S3),
}

/// A bucket, and as whom it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3 {
    /// The bucket's name.
    pub bucket: String,
    /// What every name in it begins with, with no slash at its ends; may be empty.
    pub prefix: String,
    /// The store's address, where it is not AWS's.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// The key's id.
    pub access_key: SecretRef,
    /// The key.
    pub secret_key: SecretRef,
}

/// `artifacts:`, a folder or a map.
#[derive(Debug)]
pub(crate) enum ArtifactsFile {
    Folder(String),
    S3(Box<S3Table>),
}

section! {
    /// `artifacts: { … }`
    S3Table {
        url: Option<Placed<String>>,
        endpoint: Option<Placed<String>>,
        region: Option<String>,
        access_key: Option<Placed<SecretRef>>,
        secret_key: Option<Placed<SecretRef>>,
        insecure: Option<bool>,
    }
}

impl ArtifactsFile {
    /// Checks what types cannot say; `folder` makes a path absolute.
    pub(crate) fn build(
        file: Option<&Placed<Self>>,
        default: PathBuf,
        folder: impl Fn(&Option<PathBuf>, &str) -> PathBuf,
        sources: &Sources,
    ) -> Result<Artifacts, Box<YamlError>> {
        const EXAMPLE: &str = "write `{ url: s3://BUCKET/PREFIX, access_key: ${env:NAME}, secret_key: ${env:NAME} }`, with `endpoint` where it is not AWS's";
        let Some(file) = file else { return Ok(Artifacts::Folder(default)) };
        let refuse =
            |place, wrong: &str, help: &str| Err(sources.error_at(place, wrong).with_help(help).boxed());
        let table = match &file.value {
            Self::Folder(path) if path.contains("://") => {
                return refuse(file.place, "a bucket needs its keys", EXAMPLE);
            }
            Self::Folder(path) => return Ok(Artifacts::Folder(folder(&Some(path.into()), ""))),
            Self::S3(table) => table,
        };
        let Some(url) = &table.url else {
            return refuse(file.place, "the `url` of the artifact store is missing", EXAMPLE);
        };
        let Some((bucket, prefix)) = url.value.strip_prefix(SCHEME).and_then(bucket_and_prefix) else {
            return refuse(url.place, "this is no address of a bucket", EXAMPLE);
        };
        let endpoint = table.endpoint.as_ref().map(|endpoint| {
            let refuse = |wrong: &str, help: &str| {
                Err(sources.error_at(endpoint.place, wrong).with_help(help).boxed())
            };
            match address(&endpoint.value) {
                Err(wrong) => refuse(wrong, "write it like https://minio.example.com:9000"),
                Ok((_, true)) if !table.insecure.unwrap_or(false) => refuse(
                    "results would travel unencrypted",
                    "write https; within a private network `insecure: true` lets it pass",
                ),
                Ok((address, _)) => Ok(address),
            }
        });
        let (Some(access_key), Some(secret_key)) = (&table.access_key, &table.secret_key) else {
            return refuse(url.place, "a bucket needs both `access_key` and `secret_key`", EXAMPLE);
        };
        Ok(Artifacts::S3(S3 {
            bucket: bucket.to_owned(),
            prefix,
            endpoint: endpoint.transpose()?,
            region: table.region.clone().unwrap_or_else(|| REGION.to_owned()),
            access_key: SecretRef::placed(access_key),
            secret_key: SecretRef::placed(secret_key),
        }))
    }
}

/// The bucket's name, and a prefix without empty parts.
fn bucket_and_prefix(rest: &str) -> Option<(&str, String)> {
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let parts: Vec<&str> = prefix.split('/').filter(|part| !part.is_empty()).collect();
    let plain = !bucket.is_empty() && bucket.chars().all(name);
    let stays = parts.iter().all(|part| !matches!(*part, "." | "..") && part.chars().all(name));
    (plain && stays).then(|| (bucket, parts.join("/")))
}

/// A map lies over a map; whatever else comes later replaces what was there.
impl Layer for ArtifactsFile {
    fn overlay(&mut self, over: Self) {
        match (self, over) {
            (Self::S3(base), Self::S3(over)) => base.overlay(*over),
            (base, over) => *base = over,
        }
    }
}

impl<'de> Deserialize<'de> for ArtifactsFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FolderOrMap;
        impl<'de> Visitor<'de> for FolderOrMap {
            type Value = ArtifactsFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a folder, or a map with `url`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<ArtifactsFile, E> {
                Ok(ArtifactsFile::Folder(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ArtifactsFile, A::Error> {
                Box::deserialize(MapAccessDeserializer::new(map)).map(ArtifactsFile::S3)
            }
        }
        deserializer.deserialize_any(FolderOrMap)
    }
}
