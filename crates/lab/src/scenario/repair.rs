//! What makes a pair join that a scenario keeps apart: commands for a shell, in the very lab that shows it.

use std::path::Path;

use super::catalogue::{Carried, Method, Scenario, Trusted};
use crate::instance::{Instance, NodeName};
use crate::process::Side;

/// One thing to mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repair {
    /// The spoke gets the hub's password.
    Password,
    /// A node's own certificate goes into the other's tomcat-trust.
    Import(Side),
    /// A node gets a certificate that the lab CA has signed.
    Sign(Side),
}

/// Where the pair runs decides how its nodes are reached.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ground<'a> {
    /// Processes of this machine; the folder has `ca/root.pem` with its key, this file the hub's password.
    Here { dir: &'a Path, hub_password: &'a Path, instance: Option<Instance> },
    /// The services of the compose file, whose volumes lie below this folder.
    Containers { state: &'a Path },
}

impl Scenario {
    /// What there is to mend; nothing where the pair joins.
    pub(crate) fn repairs(&self) -> Vec<Repair> {
        let password = (!self.same_password).then_some(Repair::Password);
        let of_side = |side: Side| {
            let (carried, trusted) = (self.equipment(side).carried, self.equipment(side.other()).trusted);
            match (self.method, carried) {
                _ if trusted.contains(&Trusted::OtherSide) => None,
                (_, Carried::Nothing) => None,
                // It exchanges certificates: a CA alone lets nobody in.
                (Method::Tls, _) => Some(Repair::Import(side)),
                (_, Carried::SelfSigned) => Some(Repair::Sign(side)),
                (_, Carried::CaSigned) => None,
            }
        };
        password.into_iter().chain(Side::BOTH.into_iter().filter_map(of_side)).collect()
    }

    /// The commands, a line each, in their order.
    pub(crate) fn repair_commands(&self, ground: Ground<'_>) -> Vec<String> {
        self.repairs().into_iter().flat_map(|repair| ground.commands(repair)).collect()
    }
}

impl Ground<'_> {
    fn commands(self, repair: Repair) -> Vec<String> {
        match repair {
            Repair::Password => vec![self.set_password()],
            Repair::Import(of) => {
                let on = of.other();
                let export = self.on(of, "certs export", "");
                let install = self.on(on, "certs install", " --trust -");
                vec![format!("{export} | {install}"), self.on(on, "restart", "")]
            }
            Repair::Sign(side) => {
                let request = self.on(side, "certs request", "");
                let install = self.on(side, "certs install", " -");
                let restart = self.on(side, "restart", "");
                vec![format!("{request} | {} | {install}", self.sign()), restart]
            }
        }
    }

    /// A command to a node, which in a container is given beside it.
    fn on(self, side: Side, command: &str, more: &str) -> String {
        match self {
            Self::Here { instance, .. } => {
                format!("ilslab {command} {}{more}", NodeName { side, instance })
            }
            Self::Containers { .. } => {
                format!("docker compose exec -T {side} ilslab {command} {side}{more}")
            }
        }
    }

    fn sign(self) -> String {
        match self {
            Self::Here { dir, .. } => format!("ilslab certs sign --dir {} -", quoted(dir)),
            // It alone has every volume, the CA's key too.
            Self::Containers { state } => {
                let lab = quoted(&state.join("lab"));
                format!("docker compose run --rm -T --entrypoint ilslab setup certs sign --dir {lab} -")
            }
        }
    }

    fn set_password(self) -> String {
        match self {
            Self::Here { hub_password, .. } => {
                self.on(Side::Spoke, "set", &format!(" --password-file {}", quoted(hub_password)))
            }
            Self::Containers { state } => format!(
                "docker compose run --rm -T --entrypoint ilslab setup set spoke \
                 --admin-password-file {} --password-file {}",
                quoted(&state.join("lab/admin.password")),
                quoted(&state.join("hub/password")),
            ),
        }
    }
}

/// A path as one word for a shell.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::super::catalogue::CATALOGUE;
    use super::*;

    #[test]
    fn every_failing_scenario_can_be_mended_and_no_other_has_anything_to_mend() {
        for scenario in CATALOGUE {
            assert_eq!(scenario.repairs().is_empty(), scenario.lesson.is_none(), "{}", scenario.id);
        }
    }

    #[test]
    fn what_is_mended_is_what_is_wrong() {
        for (id, want) in [
            ("password/mismatch", vec![Repair::Password]),
            ("tls/hub-not-imported", vec![Repair::Import(Side::Hub)]),
            ("tls/spoke-not-imported", vec![Repair::Import(Side::Spoke)]),
            ("tls-password/both-self-signed", vec![Repair::Sign(Side::Hub), Repair::Sign(Side::Spoke)]),
            ("password-then-tls/spoke-self-signed", vec![Repair::Sign(Side::Spoke)]),
        ] {
            assert_eq!(Scenario::find(id).expect("a scenario").repairs(), want, "{id}");
        }
    }

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        for (path, want) in [
            ("/tmp/demo-1", "/tmp/demo-1"),
            ("/tmp/my lab", "'/tmp/my lab'"),
            ("/tmp/$(x)", "'/tmp/$(x)'"),
            ("/tmp/it's", r"'/tmp/it'\''s'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(Path::new(path)), want);
        }
    }
}
