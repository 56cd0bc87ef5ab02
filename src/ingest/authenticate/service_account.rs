//! Kubernetes ServiceAccount tokens: whose they are.
//! Knows nothing of requests.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::SenderName;
use crate::rules::ServiceAccount;

/// Whose tokens are taken.
#[derive(Clone, Default)]
pub struct ServiceAccounts(Arc<Vec<(SenderName, ServiceAccount)>>);

/// Why a token proves nobody, for the log only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ServiceAccountError {
    /// Nobody verifies it.
    #[error("ServiceAccount tokens are not verified")]
    Unverified,
}

impl ServiceAccounts {
    /// Those of all senders that have one.
    pub fn new(accounts: Vec<(SenderName, ServiceAccount)>) -> Self {
        Self(Arc::new(accounts))
    }

    /// Whether no sender has one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose token this is.
    pub async fn verify(&self, _token: &str, _now: Timestamp) -> Result<SenderName, ServiceAccountError> {
        Err(ServiceAccountError::Unverified)
    }
}
