//! Where a worker on a machine of its own finds its control plane.

use std::path::{Path, PathBuf};

use schemas::amqp::Address;

use crate::amqp::Login;
use crate::connections::address;
use crate::layer::section;
use crate::secret::SecretRef;
use crate::yaml::{Placed, Sources, YamlError};

section! {
    /// `control_plane:`
    ControlPlaneFile {
        url: Option<Placed<String>>,
        ca_file: Option<PathBuf>,
        enrolment: Option<Placed<SecretRef>>,
        wake_ups: Option<Placed<Login>>,
        insecure: Option<bool>,
    }
}

/// Where a worker finds its control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlPlane {
    /// Its address, without a slash at its end.
    pub url: String,
    /// Certificates to trust beside the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// The enrolment token, which is needed once.
    pub enrolment: Option<SecretRef>,
    /// Where it hears of new work beside asking for it.
    pub wake_ups: Option<WakeUps>,
}

/// RabbitMQ, and a user there who may read the wake-ups of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WakeUps {
    /// Where it is, and as whom. Its certificate may be one of the control plane's `ca_file`.
    pub address: Address,
    /// The user's password; none where the address names no user, who then is `guest`.
    pub password: Option<SecretRef>,
}

impl ControlPlaneFile {
    /// The section, checked; `None` where it is absent. Paths start from `folder`.
    pub(crate) fn build(
        &self,
        folder: &Path,
        sources: &Sources,
    ) -> Result<Option<ControlPlane>, Box<YamlError>> {
        let Some(url) = &self.url else {
            let given = self.enrolment.as_ref().map(|enrolment| enrolment.place);
            return match given {
                None => Ok(None),
                Some(place) => Err(sources
                    .error_at(place, "`control_plane` needs a `url`")
                    .with_help("name the address of the control plane's `listen.worker`")
                    .boxed()),
            };
        };
        let refuse =
            |wrong: &str, help: &str| Err(sources.error_at(url.place, wrong).with_help(help).boxed());
        let (address, in_clear) = match address(&url.value) {
            Ok(found) => found,
            Err(wrong) => return refuse(wrong, "write it like https://pullwright.example.com"),
        };
        if in_clear && !self.insecure.unwrap_or(false) {
            return refuse(
                "the worker's credential would travel unencrypted",
                "put TLS in front and write https; within a private network `insecure: true` lets it pass",
            );
        }
        Ok(Some(ControlPlane {
            url: address,
            ca_file: self.ca_file.as_ref().map(|path| folder.join(path)),
            enrolment: self.enrolment.as_ref().map(SecretRef::placed),
            wake_ups: self.wake_ups.as_ref().map(|wake_ups| WakeUps {
                address: wake_ups.value.address.clone(),
                password: wake_ups.value.password_at(wake_ups.place),
            }),
        }))
    }
}
