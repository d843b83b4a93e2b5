//! `openssl verify`, asked about the same chain, store, purpose and time.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ilslab_trust::Certificate;
use tempfile::TempDir;

use super::Purpose;

/// The real `openssl`, with a folder for the files it reads.
pub(crate) struct Oracle {
    folder: TempDir,
}

impl Oracle {
    /// `None` where OpenSSL 3.0 is not installed and nobody insists on it.
    pub(crate) fn find() -> Option<Oracle> {
        let version = Command::new("openssl").arg("version").output();
        let found = version.is_ok_and(|out| out.stdout.starts_with(b"OpenSSL 3.0."));
        if !found {
            let required = std::env::var("ILSLAB_REQUIRE_TOOLS").is_ok_and(|value| value == "1");
            assert!(!required, "openssl 3.0 is not installed, and ILSLAB_REQUIRE_TOOLS=1 asks for it");
            println!("skipped: openssl 3.0 is not installed");
            return None;
        }
        Some(Oracle { folder: TempDir::new().expect("a temporary folder can be made") })
    }

    /// Number and depth of the first error line, (0, 0) where it says OK.
    pub(crate) fn verify(
        &self, chain: &[Certificate], store: &[Certificate], purpose: Purpose, at: u64, more: &[&str],
    ) -> (u16, u8) {
        let (leaf, rest) = chain.split_first().expect("a chain has a leaf");
        let purpose = match purpose {
            Purpose::Client => "sslclient",
            Purpose::Server => "sslserver",
        };
        let mut command = Command::new("openssl");
        command.args(["verify", "-purpose", purpose, "-auth_level", "2", "-no-CApath", "-no-CAstore"]);
        command.args(["-attime", &at.to_string()]).args(more);
        match store {
            [] => command.arg("-no-CAfile"),
            store => command.arg("-CAfile").arg(self.write("store.pem", store)),
        };
        if !rest.is_empty() {
            command.arg("-untrusted").arg(self.write("rest.pem", rest));
        }
        let out = command.arg(self.write("leaf.pem", std::slice::from_ref(leaf))).output();
        let out = out.expect("openssl ran before");
        let text =
            [out.stderr, out.stdout].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        first_error(&text).unwrap_or_else(|| {
            assert!(out.status.success() && text.contains(": OK"), "openssl verify said: {text}");
            (0, 0)
        })
    }

    /// Runs `openssl` in the folder, on files that are there.
    pub(crate) fn run(&self, arguments: &str) {
        let out = Command::new("openssl").args(arguments.split(' ')).current_dir(self.folder.path()).output();
        let out = out.expect("openssl ran before");
        assert!(out.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&out.stderr));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, certificates: &[Certificate]) -> PathBuf {
        let path = self.path(name);
        let text: String = certificates.iter().map(pem).collect();
        std::fs::write(&path, text).expect("the temporary folder can be written");
        path
    }
}

/// A DER file that `openssl` wrote.
pub(crate) fn read_der(path: &Path) -> Certificate {
    let der = std::fs::read(path).expect("openssl wrote it");
    Certificate::parse(der.into()).expect("openssl writes certificates that parse")
}

fn pem(certificate: &Certificate) -> String {
    let body = STANDARD.encode(certificate.der());
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("base64 is ASCII")).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// `error 20 at 0 depth lookup: unable to get local issuer certificate`
fn first_error(text: &str) -> Option<(u16, u8)> {
    let line = text.lines().find(|line| line.starts_with("error ") && line.contains(" depth lookup"))?;
    let mut words = line.split(' ');
    let code = words.nth(1)?.parse().ok()?;
    let depth = words.nth(1)?.parse().ok()?;
    Some((code, depth))
}
