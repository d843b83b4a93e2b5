//! The verdict on a chain: bounds, then the walk, then the second judge.

use rustls_pki_types::UnixTime;

use crate::certificate::Certificate;
use crate::extensions::Purpose;
use crate::second_judge::second_judge;
use crate::store::TrustStore;
use crate::verdict::{Verdict, code};
use crate::walk::{MAX_INTERMEDIATES, walk};

/// Certificates that a peer may send, its own included. More are refused unread, with OpenSSL's 22.
pub const MAX_SENT: usize = 10;

/// Judges a peer's chain, its own certificate first, at the time `now`.
///
/// The verdict has the number and the depth of the first error that this prints (OpenSSL 3.0):
///
/// ```text
/// openssl verify -purpose sslclient|sslserver -auth_level 2 -no-CApath -no-CAstore -attime NOW
///                -verify_depth 6 -CAfile STORE [-untrusted REST] LEAF
/// ```
///
/// Where OpenSSL's verdict hangs on the order of the store, it is the one of an order that works. It differs from
/// OpenSSL in refusals only, each with its reason in the text: number 50 for what [`Verdict::own`] lists; 22 at depth
/// [`MAX_INTERMEDIATES`]` + 1` for more than [`MAX_SENT`] certificates, 69 for none. That the peer's key is sound in
/// itself (a point on its curve) shows in the handshake, when it signs.
pub fn verify(chain: &[Certificate], store: &TrustStore, purpose: Purpose, now: UnixTime) -> Verdict {
    let Some((leaf, sent)) = chain.split_first() else {
        return Verdict::from_parts(code::INVALID_CALL, 0);
    };
    if chain.len() > MAX_SENT {
        let depth = u8::try_from(MAX_INTERMEDIATES + 1).unwrap_or(u8::MAX);
        return Verdict::from_parts(code::CERT_CHAIN_TOO_LONG, depth);
    }
    // No date is beyond the end of i64, so the last second will do for any later time.
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    match walk(leaf, sent, store, purpose, seconds) {
        Ok(path) => second_judge(leaf, &path, store, purpose, now),
        Err(verdict) => verdict,
    }
}
