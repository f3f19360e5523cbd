//! The token a worker shows to the git gate: good for one run and one epoch, worth nothing elsewhere.

use hmac::{Hmac, KeyInit, Mac};
use schemas::{Epoch, RunId};
use sha2::Sha256;

/// Signs and checks git tokens.
#[derive(Clone)]
pub struct GateKey(Hmac<Sha256>);

impl std::fmt::Debug for GateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GateKey")
    }
}

impl GateKey {
    /// A key made from a secret text; `None` when it is empty.
    #[must_use]
    pub fn new(secret: &str) -> Option<Self> {
        if secret.is_empty() {
            return None;
        }
        Hmac::new_from_slice(secret.as_bytes()).ok().map(Self)
    }

    /// `<epoch>.<hex of HMAC-SHA256 over run and epoch>`.
    #[must_use]
    pub fn token(&self, run: RunId, epoch: Epoch) -> String {
        format!("{epoch}.{}", hex::encode(self.mac(run, epoch).finalize().into_bytes()))
    }

    /// The epoch of a token that was made for `run` by this key.
    #[must_use]
    pub fn check(&self, run: RunId, token: &str) -> Option<Epoch> {
        let (epoch, signature) = token.split_once('.')?;
        let epoch = Epoch(epoch.parse().ok()?);
        let signature = hex::decode(signature).ok()?;
        self.mac(run, epoch).verify_slice(&signature).ok()?;
        Some(epoch)
    }

    fn mac(&self, run: RunId, epoch: Epoch) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(b"pullwright git gate\0");
        mac.update(run.0.as_bytes());
        mac.update(&epoch.0.to_be_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_run_and_epoch_alone() {
        let key = GateKey::new("key").unwrap();
        let (run, other) = (RunId(uuid::Uuid::from_u128(1)), RunId(uuid::Uuid::from_u128(2)));
        let token = key.token(run, Epoch(3));
        assert_eq!(key.check(run, &token), Some(Epoch(3)));
        assert_eq!(key.check(other, &token), None);
        assert_eq!(key.check(run, &token.replacen("3.", "4.", 1)), None);
        assert_eq!(GateKey::new("other").unwrap().check(run, &token), None);
        for token in ["", ".", "3", "3.", "3.zz", "x.00"] {
            assert_eq!(key.check(run, token), None, "{token}");
        }
    }
}
