//! A lab in a folder of its own, for the tests of certificates.

mod openssl;
mod rerun;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use super::*;

/// The instant at which these certificates are made: Unix time, as `-attime` takes it.
const NOON: u64 = 1_800_000_000;
const DAY: u64 = 86_400;

struct Lab {
    _home: TempDir,
    wish: Issue,
}

impl Lab {
    fn new(key: KeyKind) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let nodes = ["hub=hub.lab.example", "spoke=spoke.lab.example"];
        let nodes = nodes.iter().map(|node| node.parse().expect("a node")).collect();
        let wish = Issue { dir: home.path().join("certs"), key, nodes, days: 825, force: false };
        Self { _home: home, wish }
    }

    fn issue(&self) -> Result<Issued, CertsError> {
        issue(&self.wish, at(NOON), &mut |_| ())
    }

    fn issued(&self) -> Issued {
        self.issue().unwrap_or_else(|e| panic!("{e}"))
    }

    fn path(&self, below: &str) -> PathBuf {
        self.wish.dir.join(below)
    }

    fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap_or_else(|e| panic!("{below}: {e}"))
    }

    fn all(&self) -> Vec<String> {
        FILES.map(|file| self.read(file)).to_vec()
    }
}

const FILES: [&str; 10] = [
    "ca/root.pem",
    "ca/root.key",
    "hub/ca-signed.pem",
    "hub/ca-signed.key",
    "hub/self-signed.pem",
    "hub/self-signed.key",
    "spoke/ca-signed.pem",
    "spoke/ca-signed.key",
    "spoke/self-signed.pem",
    "spoke/self-signed.key",
];

fn at(unix_time: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(unix_time)
}

fn states(issued: &Issued) -> Vec<State> {
    issued.pairs().map(|pair| pair.state).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}
