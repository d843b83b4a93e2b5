//! Pages typed line by line: those for methods 2 and 3, whose commands stand in `docs/by-hand.md` and nowhere else, and that
//! of the API, with curl.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use ilslab_lab::Side;
use rustix::process::getuid;
use serde_json::json;

use crate::world::{ADMIN, Node, PATIENCE, Plan, World, program, text};

const PAGE: &str = include_str!("../../docs/by-hand.md");

/// The fenced block of this kind in a section.
fn block(section: &str, kind: &str) -> String {
    let (_, rest) = PAGE.split_once(&format!("\n## {section}")).expect("a section");
    let (_, block) = rest.split_once(&format!("\n```{kind}\n")).expect("a block");
    block.split_once("\n```").expect("its end").0.to_owned()
}

/// The node that a line starts, with the options of the line in place of what its file says of them.
fn started(plan: Plan<'_>, line: &str) -> Node {
    let options = line.split_whitespace().filter_map(|word| word.strip_prefix("--")?.split_once('='));
    options.fold(plan, |plan, (name, value)| plan.with(name, value)).start()
}

/// A folder with what the README's first steps leave, in which `hub` and `spoke` are these nodes.
struct Desk<'a> {
    world: &'a World,
}

impl Desk<'_> {
    fn path(&self, below: &str) -> PathBuf {
        self.world.path("desk").join(below)
    }

    fn knows(&self, node: &Node, name: &str) {
        let folder = self.path(&format!("ilslab-{}", getuid().as_raw()));
        fs::create_dir_all(&folder).expect("a folder");
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).expect("closed to others");
        let left = json!({"url": node.daemon.url(), "password_file": self.world.path("admin-password")});
        fs::write(folder.join(format!("{name}.json")), left.to_string()).expect("written");
    }

    fn types(&self, lines: &str) {
        let folder = program().0.parent().expect("in a folder").display().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = Command::new("sh");
        shell.args(["-e", "-c", lines]).current_dir(self.path("")).stdin(Stdio::null());
        shell.env("PATH", format!("{folder}:{path}")).env("XDG_RUNTIME_DIR", self.path(""));
        let output = shell.env("ILS_PATIENCE", PATIENCE).output().expect("a shell runs");
        assert!(output.status.success(), "{lines}\n{}{}", text(&output.stdout), text(&output.stderr));
    }
}

fn section_joins(section: &str) {
    let world = World::new();
    let desk = Desk { world: &world };
    fs::create_dir_all(desk.path("examples")).expect("a folder");
    let password = "a lab password";
    let hub = started(world.node(Side::Hub, "hub").password(password), &block(section, "hub"));
    let spoke = world.node(Side::Spoke, "spoke").password(password).of(&hub);
    let spoke = started(spoke, &block(section, "spoke"));
    desk.knows(&hub, "hub");
    desk.knows(&spoke, "spoke");
    // The last line waits for the join, and fails without one.
    let lines = block(section, "join");
    assert!(lines.ends_with("ilslab wait hub spoke --outcome joined"), "{lines}");
    desk.types(&lines);
}

#[test]
fn method_2_joins_as_the_page_has_it() {
    section_joins("Method 2");
}

#[test]
fn method_3_joins_as_the_page_has_it() {
    section_joins("Method 3");
}

fn tools_are_missing() -> bool {
    let is_there = |tool: &&str| Command::new(tool).arg("--version").output().is_ok();
    let missing = !["curl", "jq"].iter().all(is_there);
    let required = std::env::var_os("ILSLAB_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!(missing && required), "curl or jq is not installed, and ILSLAB_REQUIRE_TOOLS=1");
    if missing {
        println!("skipped: curl or jq is not installed");
    }
    missing
}

/// Every line of the page, in its order; only the address is not the page's.
#[test]
fn the_page_of_the_api_is_true_to_curl() {
    if tools_are_missing() {
        return;
    }
    const API: &str = include_str!("../../docs/api.md");
    let blocks: Vec<&str> =
        API.split("\n```").skip(1).step_by(2).map(|block| block.trim_start_matches('\n')).collect();
    let world = World::new();
    let desk = Desk { world: &world };
    fs::create_dir_all(desk.path("examples")).expect("a folder");
    fs::write(desk.path("examples/lab-password.txt"), ADMIN).expect("written");
    let hub = world.node(Side::Hub, "hub").password("one password").start();
    desk.types("ilslab certs issue --key p-256");
    let lines = blocks.join("\n").replace("http://127.0.0.1:8080", &hub.daemon.url());
    assert!(lines.lines().count() > 20 && lines.contains(&hub.daemon.url()), "{lines}");
    desk.types(&lines);
    let own = hub.client.tomcat().expect("listed");
    assert!(
        own["certificates"][0]["issuer"].as_str().is_some_and(|issuer| issuer.contains("lab CA")),
        "{own}"
    );
    assert_eq!(own["certificates"][0]["active"], true);
}
