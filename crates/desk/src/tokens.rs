//! Bearer tokens: 256 random bits each, of which only the hash is kept.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ilslab_secrets::secretly;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// How long a token is good.
pub(crate) const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
/// Tokens that are good at once; the oldest gives way.
const KEPT: usize = 64;

struct Token {
    hash: [u8; 32],
    /// In `Clock::uptime`.
    ends: Duration,
}

/// The tokens that were given out and still hold. They end with the process.
#[derive(Default)]
pub(crate) struct Tokens {
    tokens: Mutex<VecDeque<Token>>,
}

impl Tokens {
    /// A new token, good for [`LIFETIME`].
    ///
    /// # Errors
    /// Where the system has no random numbers.
    pub(crate) fn issue(&self, now: Duration) -> Result<Zeroizing<String>, getrandom::Error> {
        let mut secret = Zeroizing::new([0_u8; 32]);
        getrandom::fill(secret.as_mut_slice())?;
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.as_slice()));
        let mut tokens = self.lock();
        tokens.retain(|token| token.ends > now);
        while tokens.len() >= KEPT {
            tokens.pop_front();
        }
        tokens.push_back(Token { hash: hash(&text), ends: now + LIFETIME });
        Ok(text)
    }

    /// Whether this is a token that still holds. Comparing hashes tells a guesser nothing about the token.
    pub(crate) fn accept(&self, text: &str, now: Duration) -> bool {
        let hash = hash(text);
        self.lock().iter().any(|token| token.ends > now && token.hash == hash)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Token>> {
        // The queue is whole between any two calls, so a panic elsewhere cannot have torn it.
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(text: &str) -> [u8; 32] {
    secretly(|| Sha256::digest(text.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_holds_for_twelve_hours() {
        let tokens = Tokens::default();
        let token = tokens.issue(Duration::from_secs(1)).expect("random numbers");
        let end = Duration::from_secs(1) + LIFETIME;
        assert_eq!(token.len(), 43, "256 bits in base64");
        for (name, text, now, want) in [
            ("at once", token.as_str(), Duration::from_secs(1), true),
            ("in its last moment", token.as_str(), end - Duration::from_nanos(1), true),
            ("at its end", token.as_str(), end, false),
            ("another", "AAAA", Duration::from_secs(1), false),
            ("none", "", Duration::from_secs(1), false),
        ] {
            assert_eq!(tokens.accept(text, now), want, "{name}");
        }
    }

    #[test]
    fn the_oldest_of_sixty_five_gives_way() {
        let tokens = Tokens::default();
        let issued: Vec<_> =
            (0..=KEPT).map(|_| tokens.issue(Duration::ZERO).expect("random numbers")).collect();
        let held: Vec<_> = issued.iter().map(|token| tokens.accept(token, Duration::ZERO)).collect();
        assert_eq!(held.iter().filter(|held| **held).count(), KEPT);
        assert!(!held[0]);
    }
}
