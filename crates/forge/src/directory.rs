//! Who belongs to what in a tracker.

use async_trait::async_trait;

use crate::ForgeError;

/// A tracker's people as the dispatcher sees them. No call takes longer than 30 s.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// Whether an account is in a group. Unknown accounts are in none.
    async fn in_group(&self, group: &str, account: &str) -> Result<bool, ForgeError>;

    /// Whether an account has a role in a project, by itself or through a group.
    /// [`ForgeError::NotFound`] when the project has no such role.
    async fn in_role(&self, project: &str, role: &str, account: &str) -> Result<bool, ForgeError>;
}
