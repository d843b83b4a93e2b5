//! What a change of settings needs, made before the change is stored and without effect until it is.

use std::sync::Arc;

use ils_core::config::Config;
use ilslab_names::escape_name;
use rustls::crypto::CryptoProvider;

use crate::identity::{Identity, IdentityPaths};
use crate::listen::Ports;
use crate::pem::PemError;
use crate::staged::Staged;

/// What a change that is not stored yet will need. Dropped, it is as if it had never been.
pub(crate) struct Prepared {
    pub(crate) identity: Option<Ready>,
    pub(crate) ports: Option<Ports>,
}

/// An identity that is complete, its files beside their places where it was made just now.
pub(crate) struct Ready {
    pub(crate) identity: Arc<Identity>,
    staged: Option<Staged>,
}

impl Ready {
    /// Loads the identity where TLS needs one, or where there should be one to be loaded; makes it where it is missing and
    /// may be made.
    ///
    /// # Errors
    /// A file that is not what it must be, or cannot be made.
    pub(crate) fn identity_for(
        config: &Config, paths: &IdentityPaths, may_make: bool, provider: &CryptoProvider,
    ) -> Result<Option<Self>, PemError> {
        // What was named has to be there, with whatever method; a folder of one's own is filled when TLS needs it.
        if !may_make {
            paths.check_store()?;
        } else if !paths.certificate.exists() {
            if !config.uses_tls() {
                return Ok(None);
            }
            let (identity, staged) = Identity::make(paths, config.fqdn.as_str(), provider)?;
            return Ok(Some(Self { identity: Arc::new(identity), staged: Some(staged) }));
        }
        let identity = Identity::load(paths, provider)?;
        if !identity.leaf.carries(config.fqdn.as_str()) {
            let (file, fqdn) = (paths.certificate.display(), &config.fqdn);
            let carried = escape_name(&identity.leaf.display_name());
            tracing::warn!(
                "{file} does not carry this node's FQDN {fqdn} but `{carried}`: peers will refuse it on TLS"
            );
        }
        Ok(Some(Self { identity: Arc::new(identity), staged: None }))
    }

    /// Puts its files in place.
    ///
    /// # Errors
    /// Where the system does not let them in.
    pub(crate) fn install(self) -> std::io::Result<Arc<Identity>> {
        self.staged.map_or(Ok(()), Staged::install)?;
        Ok(self.identity)
    }
}
